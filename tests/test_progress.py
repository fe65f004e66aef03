"""What long work says of itself where standard error is no terminal: lines now and then, with rate and time left."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline import progress
from pipeline.cli import application as cli


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in seconds."""
    now = [100.0]
    monkeypatch.setattr("pipeline.progress.time.monotonic", lambda: now[0])
    monkeypatch.setattr(progress, "QUIET_SECONDS", 10.0)
    return now


def test_the_time_left_is_that_of_what_is_not_done_at_the_rate_of_this_run(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.progress("scoring", 100, done=40) as advance:
        clock[0] += 9.0
        advance(5)  # not long enough ago for a line
        clock[0] += 11.0
        advance(5)
    assert capsys.readouterr().err.splitlines() == ["scoring: 50 of 100, 30.0/min, 100 s left"]


@pytest.mark.parametrize(
    ("unit", "total", "count", "line"),
    [
        ("items", None, 200, "reading: 200, 20/s"),
        ("bytes", 4_000_000, 1_000_000, "reading: 1.0 MB of 4.0 MB, 0.1 MB/s, 30 s left"),
        ("bytes", 4_000_000, 4_000_100, "reading: 4.0 MB of 4.0 MB, 0.4 MB/s, 0 s left"),  # a file that has grown
    ],
)
def test_items_and_bytes_are_counted_with_and_without_a_total(
    clock: list[float],
    unit: progress.Unit,
    total: int | None,
    count: int,
    line: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress.progress("reading", total, unit=unit) as advance:
        clock[0] += 10.0
        advance(count)
    assert capsys.readouterr().err.splitlines()[-1] == line


def test_work_that_advances_by_nothing_says_nothing(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with progress.progress("reading", 3):
        clock[0] += 60.0
    assert capsys.readouterr().err == ""


def test_a_stage_is_a_line_if_the_last_one_is_some_seconds_old(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.stages("writing the report") as say:
        say("views")
        clock[0] += 10.0
        say("nds darts")
        clock[0] += 1.0
        say("the page")
    assert capsys.readouterr().err == "writing the report: nds darts\n"


def test_where_it_is_silenced_nothing_is_said(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    progress.silence(True)
    try:
        with progress.progress("reading", 3) as advance, progress.stages("writing") as say:
            clock[0] += 60.0
            advance(1)
            say("views")
    finally:
        progress.silence(False)
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_work_goes_on_where_standard_error_is_full(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        with Path("/dev/full").open("w", encoding="utf-8") as full:
            monkeypatch.setattr(sys, "stderr", full)
            if number == 1:
                progress.warn("odd")
                with progress.progress("scoring", 10) as advance, progress.stages("writing") as say:
                    clock[0] += 20.0
                    advance(5)
                    say("the page")
            else:
                with pytest.raises(SystemExit) as end:
                    cli.main(["report", "--lake", "nowhere"])
                assert end.value.code == 1
