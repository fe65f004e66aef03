"""Comparisons of the proxies of one space: on the same architectures, with each other, with what others report, and
with the noise of the truth itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import rank_correlation
from pipeline.report.queries import SERIES, SPACE, TARGET, Row, answer, of_space, records, target_of

if TYPE_CHECKING:
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


def compare(connection: duckdb.DuckDBPyConnection, target: Row) -> Comparison:
    """The comparison of the proxies for one target.

    Args:
        connection: a snapshot of the lake.
        target: benchmark, space, data set and metric.
    """
    rows = answer(connection, "comparison", target_of(target))
    scores = answer(connection, "comparison_scores", target_of(target))
    k = len(rows)
    columns = ("shared_low", "shared_high", "difference", "difference_low", "difference_high")
    rows = rows.assign(**dict.fromkeys(columns, np.nan))
    if scores.empty or rows.empty:
        return Comparison(rows, np.full((k, k), np.nan), np.full((k, k), np.nan))
    ordered = rows[SERIES].merge(scores, on=SERIES, how="left")
    intervals = rank_correlation.paired_intervals(np.stack(ordered["score"].to_list()), ordered["truth"].iloc[0])
    low, high = intervals.difference_low, intervals.difference_high
    rows = rows.assign(
        shared_low=intervals.low,
        shared_high=intervals.high,
        difference=(rows["rho"] - rows["rho"].iloc[0]).where(~np.isnan(low[:, 0])),
        difference_low=low[:, 0],
        difference_high=high[:, 0],
    )
    return Comparison(rows, low, high)


def further_comparisons(connection: duckdb.DuckDBPyConnection, main: Row, published: pd.DataFrame) -> Row:
    """`seeds` (spread of rho), `ceiling` (how the truth ranks the truth), `published` (figures of others) of a space.

    Args:
        connection: a snapshot of the lake.
        main: the target.
        published: what others report of all spaces.
    """
    return {
        "seeds": records(answer(connection, "seeds", target_of(main))),
        "ceiling": records(answer(connection, "ceiling", target_of(main))),
        "published": records(of_space(published, main).drop(columns=SPACE)),
    }


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
