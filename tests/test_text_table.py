"""Tables are fitted to the width of a terminal."""

from __future__ import annotations

import sys

import pytest

from pipeline import text_table
from pipeline.text_table import fitted

WIDE = [["name", "what it is", "n"], ["a", "x" * 90, "1"], ["b", "short", "1234"]]


@pytest.mark.parametrize("width", [30, 40, 80, 100])
def test_text_is_cut_and_numbers_are_not(width: int) -> None:
    lines = fitted(WIDE, [False, False, True], width=width)
    assert len(lines) == 3 and max(map(len, lines)) <= width
    assert lines[1].endswith("1") and lines[2].endswith("1234")
    assert ("…" in lines[1]) == (width < 102) and "…" not in lines[2]


def test_nothing_is_cut_without_a_width_or_where_all_fits() -> None:
    assert fitted(WIDE)[1] == f"a     {'x' * 90}  1"
    assert fitted(WIDE, width=200) == fitted(WIDE)


def test_what_does_not_fit_follows_in_blocks_that_begin_with_the_first_column() -> None:
    rows = [["who", *(f"number {i}" for i in range(12))], ["me", *("123456789012" for _ in range(12))]]
    lines = fitted(rows, [False, *[True] * 12], width=80)
    blocks = "\n".join(lines).split("\n\n")
    assert len(blocks) == 3 and max(map(len, lines)) <= 80
    assert all(block.startswith("who") for block in blocks)
    assert " ".join(blocks).count("number ") == 12 and " ".join(blocks).count("123456789012") == 12


@pytest.mark.parametrize(("width", "blocks"), [(12, 1), (11, 2)])
def test_the_blanks_between_columns_count_in_the_width(width: int, blocks: int) -> None:
    lines = fitted([["12345", "67890"]], [True, True], width=width)
    assert len("\n".join(lines).split("\n\n")) == blocks


def test_a_huge_cell_is_cut_at_once() -> None:
    assert len(fitted([["a" * 10**6, "b" * 10**6]], width=80)[0]) == 80
    rule = fitted([["a" * 100], [text_table.RULE * 100]], width=40)[1]
    assert rule == text_table.RULE * 40


def test_only_a_terminal_has_a_width(monkeypatch: pytest.MonkeyPatch) -> None:
    assert text_table.terminal_width() is None
    monkeypatch.setenv("COLUMNS", "77")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert text_table.terminal_width() == 77


def test_no_row_makes_no_line() -> None:
    assert fitted([], width=80) == []
