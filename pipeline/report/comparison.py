"""Comparisons of the proxies of one space: on the same architectures, with the best of them, with what others report,
and with the noise of the truth itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import rank_correlation
from pipeline.report import figures
from pipeline.report.figures import Figure, ProxyPoint
from pipeline.report.queries import SERIES, Row, answer, records, target_of
from pipeline.report.text import figure_name, series_name

if TYPE_CHECKING:
    import duckdb


def compare(connection: duckdb.DuckDBPyConnection, main: Row) -> Row:
    """The comparisons of a space.

    Args:
        connection: a snapshot of the lake.
        main: the target.

    Returns:
        `comparison` (rows on the same architectures, with the difference to the best and its interval), `seeds` (spread
        of rho), `ceiling` (how the truth ranks the truth), and `published` (figures of others beside ours).
    """
    rows = answer(connection, "comparison", target_of(main))
    scores = answer(connection, "comparison_scores", target_of(main))
    return {
        "comparison": records(_with_differences(rows, scores)),
        "seeds": records(answer(connection, "seeds", target_of(main))),
        "ceiling": records(answer(connection, "ceiling", target_of(main))),
        "published": records(answer(connection, "published", {key: main[key] for key in ("benchmark", "space")})),
    }


def by_target(targets: list[Row], further: pd.DataFrame, ranking: pd.DataFrame) -> list[Row]:
    """The rho of each ranked proxy and seed with every further target, with its interval.

    Args:
        targets: the further targets, in the order of the result.
        further: rows of rho with them, with intervals.
        ranking: the proxies, in the order of the result.
    """
    columns = []
    for target in targets:
        rows = further[np.logical_and.reduce([further[key].eq(value) for key, value in target_of(target).items()])]
        values = rows[[*SERIES, "rho", "low", "high", "n"]]
        columns.append(records(ranking[SERIES].merge(values, on=SERIES, how="left").drop(columns=SERIES)))
    proxies = records(ranking[["label", "proxy_id", "released", "seed"]])
    return [{**proxy, "by_target": [column[place] for column in columns]} for place, proxy in enumerate(proxies)]


def charts(main: Row, ranking: pd.DataFrame, ceiling: list[Row]) -> list[Figure]:
    """The chart of all rhos, and rho against cost where some of them have a cost.

    Args:
        main: the target.
        ranking: the proxies with rho, interval and seconds.
        ceiling: how the truth ranks the truth.
    """
    points = [_point(row) for row in records(ranking) if row["rho"] is not None]
    result = []
    if points:
        lines = [(row["kind"] if row["kind"] != "seeds" else "seed against seed", row["rho"]) for row in ceiling]
        drawing = figures.rhos(points, lines, title=f"rho with {main['dataset']} {main['metric']}")
        named = "; ".join(f"{name} {rho:.3f}" for name, rho in lines)
        caption = "Every proxy with its 95 % interval" + (f"; how the truth ranks the truth: {named}" if named else "")
        result.append(Figure(figure_name("rhos", main), "overview", caption, drawing))
    if costly := [point for point in points if point.seconds]:
        certain = [point for point in costly if point.low is not None]  # a rho of two architectures is 1 and would lead
        drawing = figures.pareto(certain or costly, title="rho against cost")
        caption = "rho against seconds per architecture; the line joins those that no other beats at their cost"
        result.append(Figure(figure_name("pareto", main), "overview", caption, drawing))
    return result


def _with_differences(rows: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """The rows with the difference to the first, which has the highest rho, and its paired interval."""
    rows = rows.assign(difference=np.nan, difference_low=np.nan, difference_high=np.nan)
    if scores.empty or len(rows) < 2:
        return rows
    ordered = rows[SERIES].merge(scores, on=SERIES, how="left")
    values, truth = np.stack(ordered["score"].to_list()), ordered["truth"].iloc[0]
    intervals = rank_correlation.paired_differences(values, truth, 0)
    defined = np.array([interval is not None for interval in intervals])
    return rows.assign(
        difference=(rows["rho"] - rows["rho"].iloc[0]).where(defined),
        difference_low=[np.nan if interval is None else interval.low for interval in intervals],
        difference_high=[np.nan if interval is None else interval.high for interval in intervals],
    )


def _point(row: Row) -> ProxyPoint:
    return ProxyPoint(series_name(row), row["rho"], row["low"], row["high"], row["seconds"], row["released"])
