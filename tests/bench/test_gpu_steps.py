"""The benchmark's steps on a card run through without one: a card is not there to find typing errors."""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import application as cli
from tests.bench.gpu import __main__ as command
from tests.bench.gpu import agreement, launches, mps, runner, whole, workers
from tests.bench.gpu.setting import Setting


def test_every_step_runs_through(
    setting: Setting, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "LEAST", 2.0)
    monkeypatch.setattr(whole, "run", partial(first_in_a_process, []))
    rows: dict[str, Any] = {}
    for name, step in command.STEPS.items():
        seconds = 8 if name == "workers" else setting.seconds  # which measures for as long as it may
        given = replace(setting, started=time.monotonic(), seconds=seconds)
        rows[name] = json.loads(json.dumps(step.run(given)))
        assert "error" not in str(rows[name]).lower().replace("'errors': []", ""), (name, rows[name])
        assert runner.shown({name: rows[name]})

    assert rows["versions"]["packages"]["torch"] == importlib.metadata.version("torch") and "mps" in rows["versions"]
    graph = rows["graph"]["nasbench101"]
    assert graph["engine"]["status"] == "ok" and graph["eager_again"]["weights_apart"] == 0
    assert graph["recorded_has_the_same_bits"]
    for way in ("engine_unrecorded", "engine", "cpu"):
        assert graph[way]["weights_apart"] == 0 and graph[way]["losses_apart_at_most"] == 0
    together = rows["together"]["nasbench101"]
    assert together["statuses"] == {"ok": 3} and together["recorded"]
    assert together["beside_and_alone"]["first_loss_apart_at_most"] == 0 and together["same_bits"] == 1
    assert rows["tests"]["exit_code"] == 0 and "1 passed" in rows["tests"]["last"][-1]
    assert rows["plain"]["nasbench101"]["networks"] == 3 and rows["plain"]["nasbench101"]["ms_per_architecture"] > 0
    host = rows["host"]["nasbench101"]
    assert host["networks"] == 5 and host["ms_per_architecture"] > 0
    assert any("regression" in line for lines in host["threads"].values() for line in lines)
    assert len(rows["kernels"]) == 8 and all(row["longest"] for row in rows["kernels"].values())
    ceiling = rows["ceiling"]["nasbench101"]
    assert ceiling["streams_1"]["ms_per_architecture"] > 0
    assert len(rows["convolutions"]) == 2 and all(
        value > 0 for row in rows["convolutions"].values() for value in row.values()
    )
    engine = rows["engine"]["nasbench101"]
    assert engine["plain_ms"] > 0 and engine["size_1_run_1"]["ratio_to_plain"] > 0
    assert engine["size_1_run_1"]["networks"] == 8 and not engine["size_1_run_1"]["errors"]
    assert rows["workers"]["nasbench101"]["1_without_mps"]["errors"] == []
    assert mps.PROGRAM in rows["workers"]["mps"]
    assert rows["stacked"]["groups of 1, ieee"]["networks"] == 8
    best = json.loads((setting.out / "launches.json").read_text())["node_backward"]["16"]
    assert best == asdict(
        launches._candidates()["node_backward", 16][-1]
    )  # each is timed as faster than the one before
    assert rows["stacked"]["agreement, ieee"]["same_bits_again"] == 3
    agreed = rows["agreement"]["nasbench101"]
    assert agreed["statuses"] == {"ok": 3} and agreed["same_bits"] == 3 and agreed["engine_again"]["rho"] == 1
    # a channel that hardly varies is normalised all the same, which magnifies its rounding
    assert agreed["with_plain"]["networks"] == 3 and agreed["with_plain"]["first_loss_apart_at_most"] < 1e-3
    assert sum(rows["whole"]["scores"].values()) == 2
    assert (setting.out / "scores" / "lake.json").exists()
    assert not list((setting.out / "scores").rglob("curves.parquet"))


RUN = whole.run


def first_in_a_process(calls: list[Sequence[str]], arguments: Sequence[str], seconds: float) -> list[str]:
    """As `whole.run` the first time; later without a start of Python and torch."""
    calls.append(arguments)
    return RUN(arguments, seconds) if len(calls) == 1 else in_process(arguments, seconds)


def test_other_processes_train_with_the_plain_loop(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # they know the real networks only
    [there] = agreement.plainly(setting, "nasbench101", 0, 1)
    assert there.status == "ok"
    assert there == agreement._plain_score(setting.preset, None, "cpu", "nasbench101", 0)
    assert agreement.plainly(setting, "nasbench101", 3, 3) == []
    assert agreement.plainly(replace(setting, seconds=0.0), "nasbench101", 0, 1) == []  # there is no time for any


def in_process(arguments: Sequence[str], _: float) -> list[str]:
    """As `whole.run`, without a start of Python and torch for each command."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), pytest.raises(SystemExit) as end:
        cli.main(list(arguments))
    return [*filter(None, said.getvalue().splitlines()), f"exit {end.value.code}"]


def test_the_lake_of_scores_is_one_that_merge_takes_and_the_next_run_goes_on(
    setting: Setting, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "run", in_process)
    first = whole.whole(setting)
    again = whole.whole(setting)
    assert sum(first["scores"].values()) == sum(again["scores"].values()) == 2
    assert [row["new"] for key, row in again.items() if key[0].isdigit()] == [0, 0]
    said = whole.run(["merge", str(setting.out / "scores"), "--lake", str(lake)], 1000)
    assert "2 scores taken" in " ".join(said)
    [(name, same)] = whole.compared(setting.out / "lake", lake).items()
    assert name == "nasbench101 short" and same == {"architectures": 2, "rho": None, "median_apart": 0}


def test_a_run_that_is_out_of_time_is_interrupted_and_has_stored_what_was_done(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OutOfTime(subprocess.Popen[str]):
        def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:
            if timeout == 2:
                assert self.stdout is not None and self.stdout.readline() == "scoring\n"
                raise subprocess.TimeoutExpired(self.args, timeout)
            return super().communicate(input, timeout)

    monkeypatch.setattr(subprocess, "Popen", OutOfTime)
    monkeypatch.setattr(whole, "STOPPING", 300.0)
    monkeypatch.setattr(whole, "CLI", "import time\nprint('scoring', flush=True)\ntime.sleep(600)")
    said = whole.run(["score"], 2)
    assert "interrupted at its deadline" in said and any("KeyboardInterrupt" in line for line in said)
