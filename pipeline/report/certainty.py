"""The certainty of the report's correlations: intervals and Kendall's tau, from pairs of score and truth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import rank_correlation
from pipeline.report.queries import SERIES, TARGET, Row, answer_of, target_of

if TYPE_CHECKING:
    import duckdb

_PAIRS = ["architectures", "score", "truth"]
_COLUMNS = {"low": "float64", "high": "float64", "resamples": "Int64", "tau": "float64"}


def certainty(connection: duckdb.DuckDBPyConnection, targets: Iterable[Row]) -> pd.DataFrame:
    """`low`, `high`, `resamples` and `tau` of every series of scores: one row per target, proxy and seed.

    Args:
        targets: benchmark, space, data set and metric of each; one that is given twice counts once.
    """
    distinct = {tuple(target_of(target).values()): target_of(target) for target in targets}
    pairs = [answer_of(connection, "pairs", target, keep_key=True) for target in distinct.values()]
    return _certainty(pd.concat(pairs) if pairs else pd.DataFrame(columns=[*TARGET, *SERIES, *_PAIRS]))


def with_certainty(rows: pd.DataFrame, certain: pd.DataFrame) -> pd.DataFrame:
    """Rows of series of scores with the columns of `certainty`, which are missing where there are none.

    Args:
        rows: with the columns of `SERIES`, and those of `TARGET` by which its targets differ.
        certain: of one space at least.
    """
    keys = [*(key for key in TARGET if key in rows), *SERIES]
    return rows.merge(certain[[*keys, *_COLUMNS]], on=keys, how="left")


def _certainty(pairs: pd.DataFrame) -> pd.DataFrame:
    """The columns of `TARGET`, `SERIES` and `_COLUMNS`, one row per target and series."""
    parts = []
    # series with scores of the same architectures are resampled together, for all targets that these have
    for _, panel in pairs.groupby(["benchmark", "space", "architectures"], sort=False):
        by_series, by_target = panel.groupby(SERIES, sort=False, dropna=False), panel.groupby(TARGET, sort=False)
        scores = np.stack([group.iloc[0] for _, group in by_series["score"]])
        truths = np.stack([group.iloc[0] for _, group in by_target["truth"]])
        intervals = rank_correlation.spearman_intervals_by_target(scores, truths)
        taus = rank_correlation.kendall_taus(scores, truths)
        names = panel[[*TARGET, *SERIES]].itertuples(index=False)
        for series, target, name in zip(by_series.ngroup(), by_target.ngroup(), names, strict=True):
            interval = intervals[target][series]
            limits = (None,) * 3 if interval is None else (interval.low, interval.high, interval.resamples)
            parts.append((*name, *limits, taus[target, series]))
    types = {"seed": "Int64", **_COLUMNS}
    return pd.DataFrame(parts, columns=[*TARGET, *SERIES, *_COLUMNS]).astype(types)
