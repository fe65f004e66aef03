"""What a search finds if architectures must not exceed a limit on a cost, beside the Pareto front."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.report.families import short_names
from pipeline.report.queries import Row, answer, of_series, of_target, records
from pipeline.report.text import proxy_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    import pandas as pd

_FOLLOWED = 5  # proxies, the highest on the leaderboard
_TRIVIAL = "params"  # is followed beside them
_SHARES = (0.1, 0.25, 0.5)  # as queries/report/limits.sql has them


def limits(connection: duckdb.DuckDBPyConnection, main: Row, others: Sequence[Row], board: Sequence[Row]) -> Row | None:
    """The main target against each cost, a target of another family where lower is better; None where there is none.

    Args:
        others: the targets of other families. Costs of other data sets than the main target's count only where none is
            of its own.
        board: the leaderboard of the main target, whose highest rows are followed.

    Returns:
        `names` (of the proxies that are followed), and `costs`: a `name`, the target's own columns, `lines` (of the
        front of the space, of the best of the scored architectures, and of each proxy: a name, `costs` and `found`,
        which holds from that cost on), and `limits`: `share` of the `n` scored architectures, `limit`, `best_of_space`,
        `best_of_scored` and `found`, one value per proxy.
    """
    costs = [target for target in others if not target["higher_is_better"]]
    costs = [target for target in costs if target["dataset"] == main["dataset"]] or costs
    followed = _followed(board)
    if not costs or not followed:
        return None
    space = {"benchmark": main["benchmark"], "space": main["space"], "family": main["family"]}
    fronts = answer(connection, "fronts", space)
    paths = answer(connection, "limits", {**space, "proxies": [row["proxy_id"] for row in followed]})
    tables = []
    for family in dict.fromkeys(target["family"] for target in costs):
        members = [target for target in costs if target["family"] == family]
        for target, name in zip(members, short_names(members), strict=True):
            tables.append(_cost(target, name, of_target(fronts, target), of_target(paths, target), followed))
    return {"names": [proxy_name(row) for row in followed], "costs": [table for table in tables if table]}


def _followed(board: Sequence[Row]) -> list[Row]:
    ranked = [row for row in board if row["shared"] and not row["few"] and not row["released"]]
    trivial = [row for row in ranked[_FOLLOWED:] if row["proxy"] == _TRIVIAL]
    return ranked[:_FOLLOWED] + trivial


def _cost(target: Row, name: str, fronts: pd.DataFrame, paths: pd.DataFrame, followed: Sequence[Row]) -> Row | None:
    best = paths[paths["proxy_id"].isna()]
    if fronts.empty or best.empty:
        return None
    lines = [_line("front of the space", fronts), _line("best of those scored", best)]
    lines += [_line(proxy_name(row), of_series(paths, row)) for row in followed]
    [scored] = records(best[["n", "limits"]])
    table = [
        {
            "share": share, "n": scored["n"], "limit": limit, "best_of_space": _found(lines[0], limit),
            "best_of_scored": _found(lines[1], limit), "found": [_found(line, limit) for line in lines[2:]],
        }
        for share, limit in zip(_SHARES, scored["limits"], strict=True)
    ]  # fmt: skip
    kept = ("dataset", "metric", "unit", "family", "condition")
    return {"name": name, **{key: target[key] for key in kept}, "lines": lines, "limits": table}


def _line(name: str, rows: pd.DataFrame) -> Row:
    [row] = records(rows[["costs", "found"]])
    return {"name": name, **row}


def _found(line: Row, limit: float) -> float | None:
    """The value of the last architecture of a line that the limit allows."""
    place = int(np.searchsorted(line["costs"], limit, side="right")) - 1
    return float(line["found"][place]) if place >= 0 else None
