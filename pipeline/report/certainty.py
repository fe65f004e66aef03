"""How certain the correlations of the report are: intervals and Kendall's tau, from pairs of score and truth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import rank_correlation
from pipeline.report.queries import SERIES, TARGET, Row, answer, target_of

if TYPE_CHECKING:
    import duckdb

_COLUMNS = {"low": "float64", "high": "float64", "resamples": "Int64", "tau": "float64"}


def with_certainty(rows: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Rows of series of scores with `low`, `high`, `resamples` and `tau`, which are missing where there are none.

    Args:
        rows: with the columns of `SERIES`.
        pairs: of one target, as the query `pairs` gives them: arrays of scores and true values of each series.
    """
    return rows.merge(_certainty(pairs), on=SERIES, how="left")


def with_certainty_of_targets(
    connection: duckdb.DuckDBPyConnection, rows: pd.DataFrame, targets: Iterable[Row]
) -> pd.DataFrame:
    """As `with_certainty`, for rows of several targets; those of targets that are not given get none.

    Args:
        connection: a snapshot of the lake.
        rows: with the columns of `SERIES`, and those of `TARGET` by which its targets differ.
        targets: benchmark, space, data set and metric of each.
    """
    keys = [key for key in TARGET if key in rows]
    parts = [_certainty(pd.DataFrame(columns=[*SERIES, "score", "truth"])).assign(**dict.fromkeys(keys, ""))]
    for target in targets:
        here = rows[np.logical_and.reduce([rows[key].eq(target[key]).fillna(False) for key in keys])]
        pairs = answer(connection, "pairs", target_of(target)).merge(here[SERIES].drop_duplicates(), on=SERIES)
        parts.append(_certainty(pairs).assign(**{key: target[key] for key in keys}))
    return rows.merge(pd.concat(parts), on=[*keys, *SERIES], how="left")


def _certainty(pairs: pd.DataFrame) -> pd.DataFrame:
    """The columns of `SERIES` and of `_COLUMNS`, one row per series."""
    parts = []
    # series with scores of the same architectures are resampled together
    for _, group in pairs.groupby(pairs["truth"].map(np.ndarray.tobytes), sort=False):
        truth, scores = np.asarray(group["truth"].iloc[0]), np.stack(group["score"].to_list())
        intervals = rank_correlation.spearman_intervals(scores, truth)
        limits = [(None,) * 3 if i is None else (i.low, i.high, i.resamples) for i in intervals]
        taus = [rank_correlation.kendall_tau(score, truth) for score in scores]
        values = [(*limit, tau) for limit, tau in zip(limits, taus, strict=True)]
        certain = pd.DataFrame(values, index=group.index, columns=list(_COLUMNS)).astype(_COLUMNS)
        parts.append(group[SERIES].join(certain))
    empty = pd.DataFrame(columns=[*SERIES, *_COLUMNS]).astype({"seed": "Int64", **_COLUMNS})
    return pd.concat(parts) if parts else empty
