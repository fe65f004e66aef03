"""The best proxy of each space, and what is not shown to be worse for less."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.report.leaderboard import leaders
from pipeline.report.queries import Row
from pipeline.report.text import axis_from


def row(label: str, rho: float | None, seconds: float | None = 1.0, *, up_to: float | None = None, **more: Any) -> Row:
    """A row of a leaderboard; `up_to` is the higher end of its difference to the leader."""
    low, high = (None, None) if rho is None else (rho - 0.1, rho + 0.1)
    return {"label": label, "seed": 0, "rho": rho, "low": low, "high": high, "n": 40, "seconds": seconds,
            "shared": True, "few": False, "difference_low": None if up_to is None else up_to - 0.2,
            "difference_high": up_to, **more}  # fmt: skip


def space(*board: Row) -> Row:
    target = {"name": "accuracy", "leaderboard": list(board), "higher": None}
    return {"name": "made-up toys", "key": "madeup-toys", "targets": [target]}


def named(board: list[Row]) -> list[tuple[str, str | None]]:
    """Leader and cheapest of each row."""
    return [(row["leader"]["proxy"], row["cheapest"] and row["cheapest"]["proxy"]) for row in leaders([space(*board)])]


@pytest.mark.parametrize(
    ("others", "cheapest"),
    [
        ([row("q", 0.7, 0.4, up_to=0.1)], "q"),
        ([row("q", 0.7, 0.4, up_to=0.1), row("r", 0.6, 0.3, up_to=0.0)], "r"),
        ([row("q", 0.7, 0.4, up_to=-0.01)], None),
        ([row("q", 0.7, 0.6, up_to=0.1)], None),
        ([row("q", 0.7, None, up_to=0.1)], None),
        ([row("p", 0.7, 0.1, up_to=0.1, seed=1)], None),
        ([row("q", 0.7, 0.1, up_to=0.1, shared=False)], None),
    ],
    ids=["at less than half", "the cheapest", "worse", "too dear", "of no cost", "the same of another seed", "apart"],
)
def test_the_cheapest_is_not_shown_to_be_worse_and_costs_at_most_half(others: list[Row], cheapest: str | None) -> None:
    assert named([row("p", 0.8), *others]) == [("p", cheapest)]


@pytest.mark.parametrize("board", [[], [row("p", None)], [row("p", 0.8, few=True)], [row("p", 0.8, shared=False)]])
def test_a_space_without_a_leader_has_no_row(board: list[Row]) -> None:
    assert leaders([space(*board)]) == []


@pytest.mark.parametrize(
    ("lows", "start"), [([], "0"), ([0.3], "0"), ([-0.01], "-0.2"), ([-0.4], "-0.4"), ([-1], "-1")]
)
def test_the_axis_of_intervals_begins_below_all_of_them(lows: list[float], start: str) -> None:
    assert axis_from([{"rho": None, "low": low} for low in lows]) == start
