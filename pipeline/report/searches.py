"""The searches of a space, for the report: a table, and a figure of the searches that follow one proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.report import figures
from pipeline.report.figures import Figure, SearchCurve
from pipeline.report.queries import Row, answer, records, target_of
from pipeline.report.text import figure_name

if TYPE_CHECKING:
    import duckdb

_BAND = (10, 90)  # percentiles over the seeds
_POINTS = 200  # of a line
_FROM = 10  # architectures: before, the axis would have to hold the worst of the space


def searches(connection: duckdb.DuckDBPyConnection, main: Row) -> tuple[list[Row], list[Figure]]:
    """The searches of a space, one row each, and their figures.

    Args:
        connection: a snapshot of the lake.
        main: the target.
    """
    rows = answer(connection, "searches", target_of(main))
    if rows.empty:
        return [], []
    paths = answer(connection, "search_paths", target_of(main))
    drawn = rows[rows["search_id"].isin(paths["search_id"])]
    by_series = drawn.groupby(["proxy_id", "score_seed"], sort=False, dropna=False)
    return records(rows), [_figure(main, records(series), paths) for _, series in by_series]


def _figure(main: Row, rows: list[Row], paths: pd.DataFrame) -> Figure:
    """The searches that follow one proxy."""
    first = rows[0]
    methods = [row["method"] for row in rows]
    names = [m if methods.count(m) == 1 else f"{m} {r['search_id'][:6]}" for m, r in zip(methods, rows, strict=True)]
    drawing = figures.searches(
        [
            _curve(f"{name}, {row['seeds']} seeds", paths[paths["search_id"] == row["search_id"]])
            for name, row in zip(names, rows, strict=True)
        ],
        first["best_of_space"],
        title=f"{first['label']}: the best found",
        y_label=f"{main['dataset']} {main['metric']}, {main['unit']}",
        lower_is_better=not main["higher_is_better"],
    )
    caption = (
        f"{first['label']}: {main['dataset']} {main['metric']} of the best architecture found against the "
        f"architectures scored; mean over seeds, and the band between the {_BAND[0]}th and the {_BAND[1]}th percentile"
    )
    return Figure(figure_name("search", main, first["label"], first["proxy_id"][:6]), "search", caption, drawing)


def _curve(label: str, paths: pd.DataFrame) -> SearchCurve:
    """Mean and band over the seeds, after as many architectures as any of them has scored; each keeps what it has."""
    seeds = list(zip(paths["scored"], paths["truth"], strict=True))
    first, last = max(scored[0] for scored, _ in seeds), max(scored[-1] for scored, _ in seeds)
    at = np.unique(np.linspace(max(first, min(_FROM, last // 2)), last, _POINTS).round().astype(int))
    best = np.array([truth[np.searchsorted(scored, at, side="right") - 1] for scored, truth in seeds], float)
    low, high = np.percentile(best, _BAND, axis=0)
    return SearchCurve(label, at.astype(float), best.mean(axis=0), low, high)
