"""Comparisons of the proxies of one space: on the same architectures, with each other, with what others report, and
with the noise of the truth itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import rank_correlation
from pipeline.report.queries import SERIES, Row, answer, records, target_of

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


def further_comparisons(connection: duckdb.DuckDBPyConnection, main: Row) -> Row:
    """`seeds` (spread of rho), `ceiling` (how the truth ranks the truth), `published` (figures of others) of a space.

    Args:
        connection: a snapshot of the lake.
        main: the target.
    """
    space = {key: main[key] for key in ("benchmark", "space")}
    return {
        "seeds": records(answer(connection, "seeds", target_of(main))),
        "ceiling": records(answer(connection, "ceiling", target_of(main))),
        "published": records(answer(connection, "published", space)),
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
