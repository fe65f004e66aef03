"""A proxy that ranks its own architectures better than the leader of the shared ones ranks the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline import rank_correlation
from pipeline.report.leaderboard import FEW, not_shown_worse, ranked
from pipeline.report.queries import Row, answer, records, target_of
from pipeline.report.text import proxy_name

if TYPE_CHECKING:
    import duckdb


def higher_on_its_own(connection: duckdb.DuckDBPyConnection, target: Row, board: list[Row]) -> Row | None:
    """The proxy that is shown to be above the leader on the architectures that both have scored, if there is one.

    It is shown to be worse, or not compared, on the shared ones: those leave out what any of the compared has not
    scored or failed on. Of several, the one with the highest rho on its own architectures.

    Args:
        board: the leaderboard of the target.

    Returns:
        `proxy`, its `rho` with `low` and `high`, the leader's `leader_rho`, both on the same `n` architectures, and
        `seconds`.
    """
    compared = ranked(board)
    if not compared:
        return None
    leader = compared[0]
    candidates = [
        row
        for row in board
        if row["own_rho"] is not None and row["own_n"] >= FEW and row["own_rho"] > leader["own_rho"]
        if row is not leader and not (row in compared and not_shown_worse(row))
    ]
    for row in sorted(candidates, key=lambda row: -row["own_rho"]):
        if above := _above(connection, target, row, leader):
            return above
    return None


def _above(connection: duckdb.DuckDBPyConnection, target: Row, row: Row, leader: Row) -> Row | None:
    """The proxy of a row as `higher_on_its_own` returns it, if the interval of its difference is above 0."""
    of = {"proxy_id": row["proxy_id"], "seed": row["seed"], "other_id": leader["proxy_id"]}
    [both] = records(answer(connection, "both", {**target_of(target), **of, "other_seed": leader["seed"]}))
    if both["n"] < FEW or both["rho"] is None or both["other_rho"] is None:
        return None
    scores, truth = np.array([both["score"], both["other_score"]]), np.array([both["truth"]])
    [intervals] = rank_correlation.paired_intervals_by_target(scores, truth, [[0, 1]])
    if not intervals.difference_low[0, 1] > 0:
        return None
    return {
        "proxy": proxy_name(row), "rho": both["rho"], "low": float(intervals.low[0]), "high": float(intervals.high[0]),
        "leader_rho": both["other_rho"], "n": both["n"], "seconds": row["seconds"],
    }  # fmt: skip
