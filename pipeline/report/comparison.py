"""Comparisons of the proxies of one space with each other, on the same architectures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import rank_correlation
from pipeline.report.queries import SERIES, TARGET, Row, answer_of, records, target_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from pipeline.rank_correlation import Floats


@dataclass(frozen=True)
class Comparison:
    """The compared proxies of one target on the same architectures, the highest rho first.

    `rows` has an interval of each rho (`shared_low`, `shared_high`) and the difference to the first with its paired
    interval; `difference_low` and `difference_high` [k, k] are of every pair of rows, row less column.
    """

    rows: pd.DataFrame
    difference_low: Floats
    difference_high: Floats


def compare_by_target(connection: duckdb.DuckDBPyConnection, targets: Sequence[Row]) -> list[Comparison]:
    """The comparisons of the proxies for each target of a space.

    Targets that the same architectures have share the ranks of the scores.

    Args:
        targets: benchmark, space, data set and metric of each.
    """
    comparisons: dict[int, Comparison] = {}
    together: dict[tuple[bytes, ...], list[_ComparedTarget]] = {}
    for place, target in enumerate(targets):
        rows = answer_of(connection, "comparison", target_of(target))
        scores = answer_of(connection, "comparison_scores", target_of(target))
        if scores.empty or rows.empty:
            comparisons[place] = _without_intervals(rows)
            continue
        number = {series: row for row, series in enumerate(_series(scores))}
        x = np.stack(scores["score"].to_list())
        compared = _ComparedTarget(place, rows, x, scores["truth"].iloc[0], [number[key] for key in _series(rows)])
        together.setdefault((x.tobytes(), repr([*number]).encode()), []).append(compared)
    for group in together.values():
        intervals = rank_correlation.paired_intervals_by_target(
            group[0].scores, np.stack([target.truth for target in group]), [target.order for target in group]
        )
        for one, interval in zip(group, intervals, strict=True):
            comparisons[one.place] = _comparison(one.rows, interval)
    return [comparisons[place] for place in range(len(targets))]


@dataclass(frozen=True)
class _ComparedTarget:
    """What is compared for one target: its place among the targets, and the order in which `rows` has the scores."""

    place: int
    rows: pd.DataFrame
    scores: Floats
    truth: Floats
    order: list[int]


def _series(rows: pd.DataFrame) -> list[tuple[str, int | None]]:
    return [(row["proxy_id"], row["seed"]) for row in records(rows[SERIES])]


def _without_intervals(rows: pd.DataFrame) -> Comparison:
    columns = ("shared_low", "shared_high", "difference", "difference_low", "difference_high")
    none = np.full((len(rows), len(rows)), np.nan)
    return Comparison(rows.assign(**dict.fromkeys(columns, np.nan)), none, none)


def _comparison(rows: pd.DataFrame, intervals: rank_correlation.PairedIntervals) -> Comparison:
    low, high = intervals.difference_low, intervals.difference_high
    rows = rows.assign(
        shared_low=intervals.low,
        shared_high=intervals.high,
        difference=(rows["rho"] - rows["rho"].iloc[0]).where(~np.isnan(low[:, 0])),
        difference_low=low[:, 0],
        difference_high=high[:, 0],
    )
    return Comparison(rows, low, high)


def by_target(targets: list[Row], further: pd.DataFrame, ranking: pd.DataFrame) -> list[Row]:
    """The rho of each ranked proxy and seed with every further target, with its interval.

    Args:
        targets: the further targets, in the order of the result.
        further: rows of rho with them, with intervals.
        ranking: the proxies, in the order of the result.
    """
    names, columns = [*TARGET, *SERIES], ["rho", "low", "high", "n"]
    cells = {
        tuple(row[name] for name in names): {column: row[column] for column in columns}
        for row in records(further.reindex(columns=[*names, *columns]))
    }
    none: Row = dict.fromkeys(columns)
    return [
        {**proxy, "by_target": [cells.get((*target_of(target).values(), proxy["proxy_id"], proxy["seed"]), none)
                                for target in targets]}
        for proxy in records(ranking[["label", "proxy_id", "released", "seed"]])
    ]  # fmt: skip
