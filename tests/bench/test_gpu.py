"""The command for the first card runs through without one, on a tape: a card is not there to find typing errors."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from packaging.requirements import Requirement
from torch import nn

from pipeline import benchmarks
from pipeline.cli import application as cli
from pipeline.proxies.contract import Curve, Score
from pipeline.proxies.regression import presets
from tests.bench import floors
from tests.bench.gpu import __main__ as command
from tests.bench.gpu import (
    about,
    agreement,
    graphs,
    launches,
    marked,
    mps,
    runner,
    stacked,
    steady,
    wheels,
    whole,
    workers,
)
from tests.bench.gpu.runner import NoCardError, Step
from tests.bench.gpu.setting import Row, Setting, networks
from tests.fixtures.tape import Tape

SHORT = 'name = "short"\nextends = "regression-n101"\niterations = 2\nevaluate_every = 1\n'
CELL = '{"adjacency":"010001000","operations":["input","conv1x1-bn-relu","output"]}'


class Small(nn.Module):
    """Three taps after a convolution whose channels are those of the cell's adjacency."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, channels, 3, 4, 1, bias=False), nn.BatchNorm2d(channels))
        self.body = nn.Conv2d(channels, channels, 1)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        first = self.stem(images)
        second = self.body(first).relu()
        return [first, second, first + second]

    @classmethod
    def built(cls, _: str, spec: dict[str, Any]) -> Small:
        return cls(2 + spec["adjacency"].count("1"))


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    """Everything that a card would do is done by the CPU, a little of it, with small networks."""
    whole_benchmarks = {name: benchmarks.load(name) for name in ("nasbench201", "nasbench101")}
    preset = tmp_path / "short.toml"
    preset.write_text(SHORT)
    architectures = tmp_path / "architectures.txt"
    architectures.write_text(CELL + "\n" + CELL.replace("1x1", "3x3") + "\n")
    out, falling = tmp_path / "out", (1 / n for n in itertools.count(1))
    out.mkdir()
    monkeypatch.setattr(agreement, "HELPERS", 1)
    monkeypatch.setattr(agreement, "ENOUGH", 3)
    monkeypatch.setattr(graphs, "LONGER", 4)
    monkeypatch.setattr(whole, "LISTED", 1)
    monkeypatch.setattr(stacked, "_engine", lambda: lambda rest, group, precision: rest)
    monkeypatch.setattr(stacked, "NAME", "nasbench101")
    monkeypatch.setattr(stacked, "ENOUGH", 3)
    monkeypatch.setattr(launches, "COUNT", 1)
    monkeypatch.setattr(launches, "_compiled", lambda setting: None)
    monkeypatch.setattr(launches, "_milliseconds", lambda call: next(falling))
    monkeypatch.setattr(benchmarks, "load", lambda name: replace(whole_benchmarks[name], build=Small.built))
    monkeypatch.setattr(workers, "STARTING", 1000.0)
    monkeypatch.setattr(floors, "mean", _of_one)
    monkeypatch.setattr(marked, "files", lambda: [str(_marked_test(tmp_path))])
    return Setting(
        out, device="cpu", graph=Tape, preset=str(preset), spaces=("nasbench101",), sizes=(1,), streams=(1,), plain=3,
        many=5, repeats=1, shapes=2, processes=(1,), presets=(str(preset),), architectures=architectures,
        workers=1, groups=(1,), seconds=10_000,
    )  # fmt: skip


def _of_one(name: str, _: int, preset: str) -> floors.Cost:
    loaded = presets.load(preset)
    assert not isinstance(loaded, presets.SequencePreset)
    return floors.cost(name, 0, loaded)


def _marked_test(folder: Path) -> Path:
    path = folder / "test_marked.py"
    path.write_text("import pytest\n\n@pytest.mark.gpu\ndef test_nothing():\n    pass\n")
    return path


def test_every_step_runs_through(setting: Setting, capfd: pytest.CaptureFixture[str]) -> None:
    rows: dict[str, Any] = {}
    for name, step in command.STEPS.items():
        seconds = 24 if name == "workers" else setting.seconds  # which measures for as long as it may
        given = replace(setting, started=time.monotonic(), seconds=seconds)
        rows[name] = json.loads(json.dumps(step.run(given)))
        assert "error" not in str(rows[name]).lower().replace("'errors': []", ""), (name, rows[name])
        assert runner.shown({name: rows[name]})

    assert rows["versions"]["packages"]["torch"] == torch.__version__ and "mps" in rows["versions"]
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


def test_other_processes_train_with_the_plain_loop(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # they know the real networks only
    [there] = agreement.plainly(setting, "nasbench101", 0, 1)
    assert there.status == "ok"
    assert there == agreement._plain_score(setting.preset, None, "cpu", "nasbench101", 0)
    assert agreement.plainly(setting, "nasbench101", 3, 3) == []


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
    monkeypatch.setattr(whole, "CLI", "import time\nprint('scoring', flush=True)\ntime.sleep(60)")
    began = time.monotonic()
    said = whole.run(["score"], 2)
    assert time.monotonic() - began < 20
    assert "interrupted at its deadline" in said and any("KeyboardInterrupt" in line for line in said)


class TestAgreement:
    @staticmethod
    def scores(count: int, late: float = 0.0, value: float = 0.0) -> list[Score]:
        curves = lambda n: (  # noqa: E731
            Curve(0, "sin1d", "train", [1, 2], [1.0 + n, 0.5]),
            Curve(0, "sin1d", "eval", [10], [0.4 + n + late]),
        )
        return [Score(1.0 + n + value, "ok", None, curves(n)) for n in range(count)]

    def test_only_the_first_training_loss_is_compared(self) -> None:
        """After some steps, rounding is magnified: what an evaluation says is another question."""
        row = agreement.agreement(self.scores(3, late=5), self.scores(3))
        assert row["first_loss_apart_at_most"] == 0

    def test_few_networks_have_no_rho(self) -> None:
        assert agreement.agreement(self.scores(48), self.scores(48))["rho"] == pytest.approx(1)
        assert agreement.agreement(self.scores(47), self.scores(47))["rho"] == "not of 47 networks, but of 48 or more"

    def test_a_setting_that_failed_throughout_is_a_row(self) -> None:
        failed = [Score(None, "failed", "out of memory")] * 3
        assert agreement.agreement(failed, self.scores(3)) == {"networks": 0, "without_a_score": 3}
        assert agreement.statuses(failed) == {"failed out of memory": 3}

    def test_differences_are_relative(self) -> None:
        row = agreement.agreement(self.scores(1, value=0.5), self.scores(1))
        assert row["score_apart"] == row["score_apart_at_most"] == 0.5


class TestMps:
    """A stand-in for the daemon, which answers and ends as it does."""

    @pytest.fixture(autouse=True)
    def _daemon(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        program = tmp_path / mps.PROGRAM
        program.write_text(
            '#!/bin/sh\nif [ "$1" = -f ]; then echo ready > "$CUDA_MPS_LOG_DIRECTORY/control.log"; '
            'while [ ! -e "$CUDA_MPS_PIPE_DIRECTORY/quit" ]; do sleep 0.05; done; exit 0; fi\n'
            'read line; [ "$line" = quit ] && touch "$CUDA_MPS_PIPE_DIRECTORY/quit"; echo 4242\n'
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def test_it_is_stopped_and_its_variables_are_gone(self) -> None:
        with mps.daemon() as logs:
            assert os.environ["CUDA_MPS_PIPE_DIRECTORY"] == str(logs) and mps.servers() == "4242"
            assert mps.last_lines(logs) == ["control.log: ready"]
        assert not logs.exists() and not {"CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY"} & set(os.environ)

    def test_a_daemon_by_whose_way_nothing_computes_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As on the first card: the daemon answered, and its clients found the card busy."""
        monkeypatch.setattr(mps, "KERNEL", "raise RuntimeError('CUDA-capable device(s) is/are busy or unavailable')")
        said = mps.tried()
        assert said.startswith(
            "its daemon starts, but no kernel runs: RuntimeError: CUDA-capable device(s) is/are busy"
        )
        assert "control.log: ready" in said
        monkeypatch.setattr(mps, "KERNEL", "pass")
        assert mps.tried() == "its daemon starts, and a kernel runs"


class TestRates:
    def test_filling_and_draining_do_not_count(self) -> None:
        """Two at a time, a second each; the first two took ten, the last two are alone on the card."""
        done = [10.0, 10.0, 11.0, 11.0, 12.0, 12.0, 13.0, 13.0, 13.1, 13.1]
        row = steady.rate(done, 2, stopped=False)
        assert row["ms_per_architecture"] == 500 and row["steady_networks"] == 4
        assert row["ms_by_2"] == {"fastest": 500, "median": 500, "slowest": 500}

    def test_what_was_stopped_has_no_drain(self) -> None:
        done = [10.0, 10.0, 11.0, 11.0, 12.0, 12.0]
        assert steady.rate(done, 2, stopped=True)["ms_per_architecture"] == 500
        assert steady.rate(done, 2, stopped=False)["ms_per_architecture"] is None

    def test_few_are_no_steady_state(self) -> None:
        assert steady.rate([], 2, stopped=True)["ms_per_architecture"] is None

    def test_processes_count_in_the_time_in_which_all_train(self) -> None:
        """Two that train two networks per second each; the second starts late and ends late."""
        first = [float(n) / 2 for n in range(2, 18)]
        row = workers.rates([first, [t + 3.5 for t in first]], 2)
        assert row["ms_per_architecture"] == 250 and row["networks"] == [7, 7]

    def test_a_process_that_trained_nothing_is_said(self) -> None:
        assert workers.rates([[1.0, 2.0, 3.0], []], 2)["why"] == "networks by process: [3, 0]"


class TestRunner:
    @staticmethod
    def rows(out: Path) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (out / runner.ROWS).read_text().splitlines()]

    def test_a_step_that_fails_says_so_and_the_next_goes_on(self, setting: Setting) -> None:
        def fails(_: Setting) -> Row:
            raise RuntimeError("the card is gone")

        def partly(given: Setting) -> Row:
            runner.partly(given, {"so_far": 1})
            os._exit(7)

        steps = {
            "a": Step(fails, 20, "fails"), "b": Step(partly, 20, "dies"), "c": Step(lambda _: {"x": 2}, 20, "works"),
        }  # fmt: skip
        assert runner.run(steps, setting) == 2
        rows = self.rows(setting.out)
        assert [row["step"] for row in rows] == ["a", "b", "c"] and rows[2]["x"] == 2
        assert rows[0]["error"] == "RuntimeError: the card is gone" and "in fails" in rows[0]["where"]
        assert rows[1]["so_far"] == 1 and rows[1]["error"] == "the step's process ended with 7"

    def test_a_step_that_hangs_is_ended_with_what_it_started(
        self, setting: Setting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(runner, "GRACE", 1.0)
        started = setting.out / "pid"

        def hangs(given: Setting) -> Row:
            runner.partly(given, {"so_far": 1})
            child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
            child.start()
            started.write_text(str(child.pid))
            time.sleep(600)
            return {}

        assert runner.run({"slow": Step(hangs, 1.0, "hangs")}, setting) == 1
        [row] = self.rows(setting.out)
        assert row["so_far"] == 1 and row["error"] == "killed 1 s after its deadline of 1 s"
        for _ in range(50):  # it is killed, and then buried by whoever inherits it
            status = Path(f"/proc/{started.read_text()}/stat")
            if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
                return
            time.sleep(0.1)
        pytest.fail("what the step started is still there")

    def test_the_first_line_that_needs_a_card_ends_the_run(self, setting: Setting) -> None:
        def needs(_: Setting) -> Row:
            raise NoCardError("no card")

        with pytest.raises(NoCardError, match="no card"):
            runner.run({"a": Step(needs, 20, ""), "b": Step(lambda _: {}, 20, "")}, setting)
        assert not (setting.out / runner.ROWS).exists()

    def test_fewer_seconds_trim_every_step(self) -> None:
        steps = command._within(["versions", "graph"], 11)
        assert sum(step.seconds for step in steps.values()) == pytest.approx(11)
        assert command._within(["versions", "whole"], 300)["whole"].seconds == 275
        assert command._within(["versions", "whole"], 100)["whole"].seconds == 90


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
def test_without_a_card_the_command_ends_at_the_first_line_that_needs_one(tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "gpu", f"GPU_PYTHON={sys.executable}", f"GPU_OUT={tmp_path / 'out'}"],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode != 0
    assert done.stdout.splitlines()[-1].startswith("== versions")
    assert f"torch {torch.__version__}, built for the CPU, finds no CUDA card here" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "out" / runner.ROWS).exists()


def test_unknown_steps_and_folders_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="unknown: bnch; there are versions, graph"):
        command.main(["bnch"])
    with pytest.raises(SystemExit, match="nowhere does not exist"):
        command.main(["--images", "nowhere"])


def test_the_networks_repeat_after_the_distinct_ones_under_names_of_their_own() -> None:
    some = networks("nasbench201", 5, distinct=2)
    assert [arch_id for _, arch_id in some] == ["0", "1", "2", "3", "4"]
    assert [build.args for build, _ in some[:2]] == [build.args for build, _ in some[2:4]]  # type: ignore[attr-defined]
    assert networks("nasbench201", 1, first=1)[0][0].args == some[1][0].args  # type: ignore[attr-defined]


def test_tests_are_named_by_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    assert "tests/bench/test_gpu_card.py" in marked.files()


def test_flags_are_read_whatever_the_version() -> None:
    flags = about._tf32()
    assert set(flags) == {"conv_fp32_precision", "matmul_fp32_precision", "cudnn_allow_tf32", "matmul_allow_tf32"}


class TestWheels:
    def test_what_a_machine_lacks_is_carried_with_what_that_needs(self) -> None:
        there = wheels.listed("numpy==2.1.0\npandas==2.2.3\ntyping-extensions, python_dateutil six")
        needed = [Requirement("torch>=2.11"), Requirement("pandas>=3.0"), Requirement("pydantic"), Requirement("numpy")]
        found = wheels.missing(needed, there)
        assert set(found) == {"pandas", "pydantic", "pydantic-core", "annotated-types", "typing-inspection"}
        assert wheels.missing([Requirement("pandas>=3.0")], wheels.listed("pandas numpy")) == {}

    def test_the_package_says_what_it_needs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        names = {requirement.name for requirement in wheels.stated(Path(__file__).parents[2] / "pyproject.toml")}
        assert {"torch", "duckdb", "pydantic", "analog-nasbench"} <= names

    def test_a_wheel_is_packed_without_its_tests(self, tmp_path: Path) -> None:
        import zipfile

        wheel = tmp_path / "some-1-py3-none-any.whl"
        members = ("some/__init__.py", "some/tests/test_it.py", "some-1.dist-info/RECORD")
        with zipfile.ZipFile(wheel, "w") as archive:
            for name in members:
                archive.writestr(name, "x = 1\n" * 1000)
        (tmp_path / "new").mkdir()
        with zipfile.ZipFile(wheels.packed(wheel, tmp_path / "new")) as archive:
            assert archive.namelist() == ["some/__init__.py", "some-1.dist-info/RECORD"]
            assert archive.read("some/__init__.py").startswith(b"x = 1\n")
