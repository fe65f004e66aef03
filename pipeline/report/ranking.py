"""The ranking of a space's proxies by its main target, and rho by space, signal and stage as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.report.certainty import with_certainty
from pipeline.report.queries import SERIES, Row, answer, records, target_of
from pipeline.report.text import series_name

if TYPE_CHECKING:
    import duckdb

MODES = {"train": "batch statistics", "eval": "running statistics"}


def rank(connection: duckdb.DuckDBPyConnection, main: Row, cost: pd.DataFrame, certain: pd.DataFrame) -> pd.DataFrame:
    """The proxies of a space, the highest rho first, with intervals, tau, seconds and devices.

    Args:
        connection: a snapshot of the lake.
        main: the target.
        cost: seconds per architecture and devices of each benchmark, space, proxy and seed.
        certain: intervals and tau, of `certainty`.
    """
    ranking = with_certainty(answer(connection, "ranking", target_of(main)), certain)
    return ranking.merge(cost.drop(columns=["scores", "total_seconds"]), on=["benchmark", "space", *SERIES], how="left")


def overview(boards: list[tuple[str, list[Row]]]) -> Row | None:
    """rho of our own proxies by space, means over seeds, the best first; None where fewer than two spaces have scores.

    Args:
        boards: the name and the leaderboard of each space.

    Returns:
        `columns` (the spaces), and `rows`: a name and `values`, one per space, None where there is none.
    """
    cells = [
        (row["label"], place, row["rho"])
        for place, (_, board) in enumerate(boards)
        for row in board
        if not row["released"] and not row["few"] and row["rho"] is not None
    ]
    if len({place for _, place, _ in cells}) < 2:
        return None
    frame = pd.DataFrame(cells, columns=["label", "place", "rho"])
    table = frame.pivot_table(index="label", columns="place", values="rho", aggfunc="mean", sort=False)
    table = table.reindex(columns=range(len(boards)))
    # the more spaces, the further up: a proxy of one space is no answer for the others
    order = np.lexsort((-table.mean(axis=1).to_numpy(), -table.notna().sum(axis=1).to_numpy()))
    return {"columns": [name for name, _ in boards], "rows": _table_rows(table.iloc[order])}


def menus(connection: duckdb.DuckDBPyConnection, main: Row, ranking: pd.DataFrame) -> list[Row]:
    """rho of each signal's loss by stage and iteration: one table per proxy that trains on a menu, seed and mode.

    Args:
        connection: a snapshot of the lake.
        main: the target.
        ranking: the proxies, whose order is kept.
    """
    answers = answer(connection, "menu", target_of(main))
    named = ranking[["label", *SERIES]].merge(answers, on=SERIES, how="inner")
    result = []
    for row in records(named[["label", *SERIES, "mode"]].drop_duplicates()):
        own = named[named["proxy_id"].eq(row["proxy_id"]) & named["mode"].eq(row["mode"])]
        own = own[own["seed"].isna() if row["seed"] is None else own["seed"].eq(row["seed"])]
        points = own.explode(["stages", "iterations", "rho"])
        table = points.pivot(index="signal", columns=["stages", "iterations"], values="rho").sort_index(axis=1)
        levels = [table.columns.get_level_values(level) for level in ("stages", "iterations")]
        columns = [f"stage {stage}, iteration {iteration}" for stage, iteration in zip(*levels, strict=True)]
        result.append(
            {
                "name": series_name(row), "mode": row["mode"], "statistics": MODES[row["mode"]],
                "n": int(own["n"].max()), "columns": columns, "rows": _table_rows(table.astype(float)),
            }
        )  # fmt: skip
    return result


def _table_rows(table: pd.DataFrame) -> list[Row]:
    return [
        {"name": str(name), "values": [None if pd.isna(value) else float(value) for value in values]}
        for name, values in zip(table.index, table.to_numpy(), strict=True)
    ]
