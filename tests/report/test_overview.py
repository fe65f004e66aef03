"""Proxies over all spaces: the mean of rho with its interval, the lowest, and in how many spaces."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.report.queries import Row
from pipeline.report.ranking import overview


def cell(label: str, rho: float | None, width: float | None = 0.2, **row: Any) -> Row:
    low, high = (None, None) if rho is None or width is None else (rho - width / 2, rho + width / 2)
    return {"label": label, "rho": rho, "low": low, "high": high, "released": False, "few": False, **row}


def names(boards: list[tuple[str, list[Row]]]) -> list[str]:
    table = overview(boards)
    return [] if table is None else [row["name"] for row in table["rows"]]


def test_the_mean_its_interval_and_the_lowest_of_a_proxy() -> None:
    table = overview([("a", [cell("p", 0.8, 0.3)]), ("b", [cell("p", 0.2, 0.4)]), ("c", [cell("p", 0.5, 0.0)])])
    assert table is not None
    [row] = table["rows"]
    assert table["columns"] == ["a", "b", "c"]
    assert row["values"] == [0.8, 0.2, 0.5]
    assert (row["name"], row["spaces"], row["lowest"], row["lowest_in"]) == ("p", 3, 0.2, "b")
    assert row["mean"] == pytest.approx(0.5)
    assert (row["low"], row["high"]) == pytest.approx((0.5 - 0.5 / 2 / 3, 0.5 + 0.5 / 2 / 3))


def test_seeds_of_a_space_are_averaged() -> None:
    table = overview([("a", [cell("p", 0.6), cell("p", 0.8)]), ("b", [cell("p", 0.1)])])
    assert table is not None
    assert table["rows"][0]["values"] == pytest.approx([0.7, 0.1])


def test_those_of_more_spaces_come_first_and_those_of_no_more_than_half_are_left_out() -> None:
    boards = [
        ("a", [cell("good", 0.9), cell("wide", 0.1), cell("best", 0.99), cell("poor", 0.2)]),
        ("b", [cell("good", 0.9), cell("wide", 0.1), cell("poor", 0.2)]),
        ("c", [cell("good", 0.9), cell("wide", 0.1), cell("poor", 0.2), cell("half", 0.9)]),
        ("d", [cell("wide", 0.1), cell("half", 0.9)]),
        ("nothing scored", []),
    ]
    table = overview(boards)
    assert table is not None
    assert table["columns"] == ["a", "b", "c", "d"]
    assert [(row["name"], row["spaces"]) for row in table["rows"]] == [("wide", 4), ("good", 3), ("poor", 3)]
    assert table["rows"][1]["values"] == [0.9, 0.9, 0.9, None]


def test_released_scores_few_architectures_and_no_rho_do_not_count() -> None:
    own = [cell("p", 0.5), cell("q", 0.5)]
    others = [cell("r", 0.9, released=True), cell("q", 0.9, few=True), cell("s", None), cell("p", 0.4)]
    assert names([("a", [*own, *others[:1]]), ("b", others)]) == ["p"]


def test_without_an_interval_in_a_space_the_mean_has_none() -> None:
    table = overview([("a", [cell("p", 0.5)]), ("b", [cell("p", 0.7, None)])])
    assert table is not None
    [row] = table["rows"]
    assert (row["mean"], row["low"], row["high"]) == (pytest.approx(0.6), None, None)


@pytest.mark.parametrize("boards", [[], [("a", [cell("p", 0.5)])], [("a", [cell("p", 0.5)]), ("b", [])]])
def test_one_space_with_scores_has_no_overview(boards: list[tuple[str, list[Row]]]) -> None:
    assert overview(boards) is None
