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
    own = {"own_rho": rho, "own_low": low, "own_high": high, "own_n": 50}
    return {"label": label, "seed": 0, "rho": rho, "low": low, "high": high, "n": 40, "seconds": seconds,
            "shared": True, "few": False, "difference_low": None if up_to is None else up_to - 0.2,
            "difference_high": up_to, **own, **more}  # fmt: skip


def space(*board: Row) -> Row:
    return {"name": "made-up toys", "key": "madeup-toys", "targets": [{"name": "accuracy", "leaderboard": list(board)}]}


def named(board: list[Row]) -> list[tuple[str, str | None, str | None]]:
    """Leader, cheapest and higher of each row."""
    return [
        (found["leader"]["proxy"], *(found[key] and found[key]["proxy"] for key in ("cheapest", "higher")))
        for found in leaders([space(*board)])
    ]


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
    assert named([row("p", 0.8), *others]) == [("p", cheapest, None)]


@pytest.mark.parametrize(
    ("other", "higher"),
    [
        (row("q", 0.9, shared=False), "q"),
        (row("q", 0.5, up_to=-0.1, own_rho=0.9), "q"),
        (row("q", 0.7, up_to=0.1, own_rho=0.9), None),
        (row("q", 0.9, shared=False, own_n=29), None),
        (row("q", 0.7, shared=False), None),
    ],
    ids=["not compared", "worse on the shared ones", "not shown to be worse", "on few", "lower"],
)
def test_one_that_is_higher_on_its_own_architectures_is_named(other: Row, higher: str | None) -> None:
    assert named([row("p", 0.8), other]) == [("p", None, higher)]


@pytest.mark.parametrize("board", [[], [row("p", None)], [row("p", 0.8, few=True)], [row("p", 0.8, shared=False)]])
def test_a_space_without_a_leader_has_no_row(board: list[Row]) -> None:
    assert leaders([space(*board)]) == []


@pytest.mark.parametrize(
    ("lows", "start"), [([], "0"), ([0.3], "0"), ([-0.01], "-0.2"), ([-0.4], "-0.4"), ([-1], "-1")]
)
def test_the_axis_of_intervals_begins_below_all_of_them(lows: list[float], start: str) -> None:
    assert axis_from([{"rho": None, "low": low} for low in lows]) == start
