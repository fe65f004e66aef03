"""Cells that a regular expression takes out of the text of others, whatever the text is."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.errors import UserError
from pipeline.ingest import extracted_cells
from pipeline.ingest.mapping_sections import ExtractedCells


def cells_of(cell: object, pattern: str) -> object:
    [(_, cells)] = extracted_cells.extracted(
        iter([("row 1", {"a": cell})]), [ExtractedCells(column="a", pattern=pattern)]
    )
    return cells


@pytest.mark.parametrize("pattern", ["(?P<x>(a+)+)", "(?P<x>(a|aa)*)b", "(?P<x>(.*a){20})"])
def test_a_pattern_that_does_not_end_is_refused_in_a_line(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extracted_cells, "_SECONDS", 0.02)
    began = time.process_time()
    with pytest.raises(UserError, match=r"takes more than 0\.02 s for 'aaa.* of column 'a'"):
        cells_of("a" * 60 + "!", pattern)
    assert time.process_time() - began < 5


def test_what_other_processes_take_and_a_stop_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extracted_cells, "_SECONDS", 0.02)
    stopped: Any = SimpleNamespace(pattern="a+", fullmatch=lambda _: time.sleep(0.1))
    assert extracted_cells._match("a", stopped, "a" * 60) is None


@pytest.mark.parametrize("length", [1, 12, 13, 9000])
def test_a_pattern_that_ends_is_matched_at_any_length(length: int) -> None:
    assert cells_of(f" {'a' * length} ", "(?P<x>a+)") == {"a": f" {'a' * length} ", "x": "a" * length}


def test_a_number_that_python_does_not_write_is_a_cell() -> None:
    assert cells_of(10**5000, "(?P<x>.*)")["x"] == "<a whole number of 16,610 bits>"  # type: ignore[index]
    assert cells_of([1, 2], r"\[(?P<x>.*)\]")["x"] == "1, 2"  # type: ignore[index]
