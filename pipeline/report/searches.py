"""The searches of a space, for the report: a table, and the lines that a chart draws of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.report.queries import Row, answer, answer_of, records, target_of
from pipeline.wording import count_of

if TYPE_CHECKING:
    import duckdb

_BAND = (10, 90)  # percentiles over the seeds
_POINTS = 60  # of a line
_FROM = 10  # architectures: before, the axis would have to hold the worst of the space


def searches(connection: duckdb.DuckDBPyConnection, main: Row) -> tuple[list[Row], list[Row]]:
    """The searches of a space, one row each; and the points of their lines.

    A point has the search's `name`, the architectures `scored`, and the true value of the best found: `mean` over the
    seeds, `low` and `high` the tenth and the ninth decile.
    """
    rows = answer_of(connection, "searches", target_of(main))
    if rows.empty:
        return [], []
    alike = rows.duplicated(["label", "method", "seeds"], keep=False)  # of other sizes, or among other architectures
    rows.loc[alike, "label"] += ", search " + rows["search_id"].str[:6]
    paths = answer(connection, "search_paths", target_of(main))
    points = []
    for row in records(rows):
        own = paths[paths["search_id"] == row["search_id"]]
        if not own.empty:
            name = f"{row['label']}, {row['method']} ({count_of(row['seeds'], 'seed')})"
            points += [{"name": name, **point} for point in _line(own)]
    return records(rows), points


def _line(paths: pd.DataFrame) -> list[Row]:
    """Mean and band over the seeds, after as many architectures as any of them has scored; each keeps what it has."""
    seeds = list(zip(paths["scored"], paths["truth"], strict=True))
    first, last = max(scored[0] for scored, _ in seeds), max(scored[-1] for scored, _ in seeds)
    at = np.unique(np.linspace(max(first, min(_FROM, last // 2)), last, _POINTS).round().astype(int))
    best = np.array([truth[np.searchsorted(scored, at, side="right") - 1] for scored, truth in seeds], float)
    low, high = np.percentile(best, _BAND, axis=0)
    columns = {"scored": at, "mean": best.mean(axis=0), "low": low, "high": high}
    return [
        dict(zip(columns, point, strict=True)) for point in zip(*(c.tolist() for c in columns.values()), strict=True)
    ]
