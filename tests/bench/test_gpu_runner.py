"""A step that fails, dies or hangs costs no other its result."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from tests.bench.gpu import runner
from tests.bench.gpu.runner import NoCardError, Step
from tests.bench.gpu.setting import Row, Setting


def rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / runner.ROWS).read_text().splitlines()]


def test_a_step_that_fails_says_so_and_the_next_goes_on(setting: Setting) -> None:
    def fails(_: Setting) -> Row:
        raise RuntimeError("the card is gone")

    def partly(given: Setting) -> Row:
        runner.partly(given, {"so_far": 1})
        os._exit(7)

    steps = {
        "a": Step(fails, 20, "fails"), "b": Step(partly, 20, "dies"), "c": Step(lambda _: {"x": 2}, 20, "works"),
    }  # fmt: skip
    assert runner.run(steps, setting) == 2
    results = rows(setting.out)
    assert [row["step"] for row in results] == ["a", "b", "c"] and results[2]["x"] == 2
    assert results[0]["error"] == "RuntimeError: the card is gone" and "in fails" in results[0]["where"]
    assert results[1]["so_far"] == 1 and results[1]["error"] == "the step's process ended with 7"


def test_a_step_that_hangs_is_ended_with_what_it_started(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    started, join = setting.out / "pid", BaseProcess.join

    def join_until_it_hangs(process: BaseProcess, timeout: float | None = None) -> None:
        """In place of a wait until after the deadline, of which a busy machine has too little."""
        while timeout is not None and process.is_alive() and not started.exists():
            time.sleep(0.01)
        if timeout is None:
            join(process)

    monkeypatch.setattr(BaseProcess, "join", join_until_it_hangs)

    def hangs(given: Setting) -> Row:
        runner.partly(given, {"so_far": 1})
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
        child.start()
        pid = started.with_name("unfinished")
        pid.write_text(str(child.pid))
        pid.rename(started)
        time.sleep(600)
        return {}

    assert runner.run({"slow": Step(hangs, 1.0, "hangs")}, setting) == 1
    [row] = rows(setting.out)
    assert row["so_far"] == 1 and row["error"] == "killed 10 s after its deadline of 1 s"
    for _ in range(3000):  # it is killed, and then buried by whoever inherits it
        status = Path(f"/proc/{started.read_text()}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.1)
    pytest.fail("what the step started is still there")


def test_the_first_line_that_needs_a_card_ends_the_run(setting: Setting) -> None:
    def needs(_: Setting) -> Row:
        raise NoCardError("no card")

    with pytest.raises(NoCardError, match="no card"):
        runner.run({"a": Step(needs, 20, ""), "b": Step(lambda _: {}, 20, "")}, setting)
    assert not (setting.out / runner.ROWS).exists()
