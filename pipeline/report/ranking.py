"""The ranking of a space's proxies by its main target, and rho by space, signal and stage as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.report.certainty import with_certainty
from pipeline.report.leaderboard import FEW
from pipeline.report.queries import SERIES, Row, answer, answer_of, of_series, records, target_of
from pipeline.report.text import series_name

if TYPE_CHECKING:
    import duckdb

MODES = {"train": "batch statistics", "eval": "running statistics"}


def rank(connection: duckdb.DuckDBPyConnection, main: Row, cost: pd.DataFrame, certain: pd.DataFrame) -> pd.DataFrame:
    """The proxies of a space with intervals, tau, seconds and devices: the highest rho first, those of few n last.

    Args:
        cost: seconds per architecture and devices of each benchmark, space, proxy and seed.
        certain: intervals and tau, of `certainty`.
    """
    ranking = with_certainty(answer_of(connection, "ranking", target_of(main), keep_key=True), certain)
    few = ranking["n"].lt(FEW).to_numpy()  # three architectures in order have a rho of 1
    ranking = pd.concat([ranking[~few], ranking[few]])
    return ranking.merge(cost.drop(columns=["scores"]), on=["benchmark", "space", *SERIES], how="left")


def overview(boards: list[tuple[str, list[Row]]]) -> Row | None:
    """rho of our own proxies over all spaces, one row per proxy that more than half of the spaces have scores of.

    rho in a space is the mean over seeds, on its shared architectures, or on the proxy's own where it is not compared
    on these. Those on more spaces come first, then those of the higher mean.

    Args:
        boards: the name and the leaderboard of each space.

    Returns:
        `columns` (the spaces that have scores), and `rows`: `name`, `values` (rho by space, None where there is none),
        `spaces` (how many have it), `mean` with `low` and `high`, which take the intervals of the spaces as
        independent, `lowest` and `lowest_in`. None where fewer than two spaces have scores.
    """
    ranked = {
        name: [row for row in board if not row["released"] and not row["few"] and row["rho"] is not None]
        for name, board in boards
    }
    names = [name for name, rows in ranked.items() if rows]
    cells = [
        (row["label"], name, row["rho"], np.nan if row["low"] is None else row["high"] - row["low"])
        for name in names
        for row in ranked[name]
    ]
    if len(names) < 2:
        return None
    frame = pd.DataFrame(cells, columns=["label", "space", "rho", "width"])
    rhos, widths = (
        frame.pivot_table(values, index="label", columns="space", aggfunc="mean", sort=False, dropna=False).reindex(
            columns=names
        )
        for values in ("rho", "width")
    )
    rows = [
        _over_spaces(label, rhos.loc[label], widths.loc[label])
        for label in rhos.index
        if 2 * rhos.loc[label].count() > len(names)
    ]
    rows.sort(key=lambda row: (-row["spaces"], -row["mean"], row["name"]))
    return {"columns": names, "rows": rows} if rows else None


def _over_spaces(label: str, rho: pd.Series[float], width: pd.Series[float]) -> Row:
    spaces, mean, lowest = int(rho.count()), float(rho.mean()), str(rho.idxmin())
    half = float(np.sqrt((width[rho.notna()] ** 2).sum(skipna=False))) / 2 / spaces
    return {
        "name": label, "values": [None if np.isnan(value) else value for value in rho.tolist()], "spaces": spaces,
        "mean": mean, "low": None if np.isnan(half) else mean - half, "high": None if np.isnan(half) else mean + half,
        "lowest": float(rho.min()), "lowest_in": lowest,
    }  # fmt: skip


def menus(connection: duckdb.DuckDBPyConnection, main: Row, ranking: pd.DataFrame) -> list[Row]:
    """rho of each signal's loss by stage and iteration: one table per proxy that trains on a menu, seed and mode.

    Args:
        ranking: the proxies, whose order is kept.
    """
    answers = answer(connection, "menu", target_of(main))
    named = ranking[["label", *SERIES]].merge(answers, on=SERIES, how="inner")
    result = []
    for row in records(named[["label", *SERIES, "mode"]].drop_duplicates()):
        own = of_series(named[named["mode"].eq(row["mode"])], row)
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
