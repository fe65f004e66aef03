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


def certainty(connection: duckdb.DuckDBPyConnection, targets: Iterable[Row]) -> pd.DataFrame:
    """`low`, `high`, `resamples` and `tau` of every series of scores: one row per target, proxy and seed.

    Args:
        connection: a snapshot of the lake.
        targets: benchmark, space, data set and metric of each; one that is given twice counts once.
    """
    distinct = {tuple(target_of(target).values()): target_of(target) for target in targets}
    parts = [_certainty(answer(connection, "pairs", target)).assign(**target) for target in distinct.values()]
    empty = _certainty(pd.DataFrame(columns=[*SERIES, "score", "truth"])).assign(**dict.fromkeys(TARGET, ""))
    return pd.concat(parts) if parts else empty


def with_certainty(rows: pd.DataFrame, certain: pd.DataFrame) -> pd.DataFrame:
    """Rows of series of scores with the columns of `certainty`, which are missing where there are none.

    Args:
        rows: with the columns of `SERIES`, and those of `TARGET` by which its targets differ.
        certain: of one space at least.
    """
    keys = [*(key for key in TARGET if key in rows), *SERIES]
    return rows.merge(certain[[*keys, *_COLUMNS]], on=keys, how="left")


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
