"""Ctrl-C and SIGTERM: every verb ends at once with one line that says what is stored."""

from __future__ import annotations

import os
import pkgutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline import interruption
from pipeline.catalog import database
from pipeline.executor import processes
from pipeline.lake.part_name import PartName
from pipeline.lake.part_writer import PartWriter
from pipeline.lake.store import Lake
from tests.fixtures import lakes
from tests.fixtures.command import exit_code

CARTESIAN = "FROM range(10000000) a, range(10000000) b"
VERBS = {
    "ingest nasbench201 x.csv --mapping freerea-cifar10-naswot": "files that were read to their end are stored",
    "score nasbench201 --proxy synflow": "the same command goes on",
    "search nasbench201 --proxy synflow": "the same command goes on",
    "tune weigh nasbench201": "no rule was stored",
    "tune evolve nasbench201": "the same command goes on",
    "tune evaluate nasbench201": "no draw was stored",
    "tune transfer nasbench201": "no draw was stored",
    "tune nasbench201": "the same command goes on",
    "merge other": "the same command goes on",
    "report": "the lake is as it was",
    "query FROM+scores": "nothing was stored",
    "export x.duckdb": "no file was written",
}


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = lakes.made_up(tmp_path_factory.mktemp("lake") / "lake")
    lakes.empty(lake.root.with_name("other"))
    return lake


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends the process, were it not for this, is that of the tests."""
    monkeypatch.setattr(interruption, "GRACE", 600.0)


def ended(words: list[str], capfd: pytest.CaptureFixture[str]) -> tuple[Any, str]:
    """The exit code of a command and what it prints on standard error; the handlers are as before."""
    before = [signal.getsignal(number) for number in interruption.SIGNALS]
    code = exit_code(*words)
    assert [signal.getsignal(number) for number in interruption.SIGNALS] == before
    return code, capfd.readouterr().err


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_command_whose_terminal_is_closed_ends_as_by_ctrl_c(
    sent: signal.Signals, code: int, made_up: Lake, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Lake, "__init__", lambda *_, **__: os.kill(os.getpid(), sent))
    code_of_end, error = ended(["report", "--lake", str(made_up.root)], capfd)
    assert code_of_end == code and error.startswith("interrupted: the lake is as it was") and error.count("\n") == 1


@pytest.mark.parametrize("words", VERBS)
def test_every_verb_says_in_one_line_what_is_stored(
    words: str, made_up: Lake, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(made_up.root.parent)
    monkeypatch.setenv("PIPELINE_LAKE", str(made_up.root))
    Path("x.csv").write_text("a,b\n")
    monkeypatch.setattr(Lake, "__init__", lambda *_, **__: os.kill(os.getpid(), signal.SIGINT))
    code, error = ended([word.replace("+", " ") for word in words.split(" ")], capfd)
    assert code == 130 and error.count("\n") == 1
    assert error.startswith("interrupted: ") and VERBS[words] in error


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        (f"SELECT sum(sqrt(a.range * b.range)) {CARTESIAN}", signal.SIGINT),
        (f"SELECT count(*) {CARTESIAN} WHERE a.range < b.range", signal.SIGTERM),
        (
            "SELECT count(*) FROM range(100000000) WHERE regexp_matches(repeat('a', 900 + range % 99), '(a|aa)+b')",
            signal.SIGINT,
        ),
        ("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t", signal.SIGTERM),
    ],
)
def test_a_query_that_would_take_years_is_given_up(
    sql: str, number: signal.Signals, made_up: Lake, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[float] = []

    def interrupt() -> None:
        begun.append(time.monotonic())
        os.kill(os.getpid(), number)

    def connect(lake: Lake) -> Any:
        threading.Timer(0.2, interrupt).start()
        return connected(lake)

    connected = database.connect
    monkeypatch.setattr("pipeline.catalog.results.connect", connect)
    code, error = ended(["query", sql, "--lake", str(made_up.root)], capfd)
    assert (code, error) == (128 + number, "interrupted: nothing was stored, nothing is written to a file\n")
    assert time.monotonic() - begun[0] < 60  # at once, but for what else the machine does


def test_what_swallows_the_interrupt_is_ended_with_its_process() -> None:
    program = """
import os, signal, time
from pipeline.cli import application
from pipeline.lake.store import Lake

def deaf(*_):
    print("ready", flush=True)
    while True:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            pass

signal.signal(signal.SIGINT, signal.default_int_handler)
Lake.__init__ = deaf
application.main()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", "import pipeline.cli\n" + program, "report"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=300)
    assert process.returncode == 130 and error.startswith("interrupted: ") and error.count("\n") == 1


@pytest.mark.parametrize("module", ["typer", "pipeline.cli.tune", "inspect"])
def test_a_signal_while_the_command_line_is_imported_makes_no_traceback(module: str) -> None:
    program = f"""
import os, signal, sys
class Finder:
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.modules.pop("inspect", None)
sys.meta_path.insert(0, Finder())
from pipeline.cli import main
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "interrupted: nothing was done\n")


@pytest.mark.parametrize("moment", ["threading.Thread.start", "pipeline.cli.application._answer"])
def test_a_signal_before_or_after_the_work_makes_no_traceback(
    moment: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*given: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return when_undisturbed(*given)

    when_undisturbed = pkgutil.resolve_name(moment)
    monkeypatch.setattr(moment, interrupted)
    code, error = ended(["report", "--lake", "nowhere"], capfd)
    assert (code, error.count("\n"), "Traceback" in error) == (143 if "start" in moment else 1, 1, False)


def test_where_no_thread_can_be_started_signals_are_heard_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    code, error = ended(["report", "--lake", "nowhere"], capfd)
    assert code == 1 and error.startswith("error: no lake at nowhere") and error.count("\n") == 1
    monkeypatch.setattr(Lake, "__init__", lambda *_, **__: os.kill(os.getpid(), signal.SIGINT))
    assert ended(["report", "--lake", "nowhere"], capfd)[0] == 130


def test_workers_begin_where_ctrl_c_does_not_reach_them() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, set())
    with processes._workers_spared():
        assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, set())
    assert signal.pthread_sigmask(signal.SIG_BLOCK, set()) == before


def test_a_run_that_stores_results_is_waited_for(made_up: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "GRACE", 0.0)
    monkeypatch.setattr(interruption, "LONGEST", 0.3)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # which a signal replaces
    pipe, written = os.pipe()
    waiting = interruption.Interruption()
    with pytest.raises(KeyboardInterrupt):
        waiting.on_signal(signal.SIGINT, None)

    def waited() -> float:
        began = time.monotonic()
        waiting._unwound(pipe)
        return time.monotonic() - began

    writer = PartWriter(made_up, "madeup", PartName("score", "0" * 16, "0" * 16), "1" * 16)
    assert waited() >= 0.3
    del writer
    monkeypatch.setattr(interruption, "LONGEST", 600.0)
    assert waited() < 300
    for descriptor in (pipe, written):
        os.close(descriptor)


def test_where_a_library_does_not_let_go_what_was_computed_before_is_stored_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lakes.empty(tmp_path / "lake")
    pipe, written = os.pipe()
    monkeypatch.setattr(interruption, "GRACE", 0.0)
    monkeypatch.setattr(interruption, "LONGEST", 600.0)
    exits: list[int] = []
    monkeypatch.setattr(os, "_exit", exits.append)
    writer = PartWriter(lake, lakes.BENCHMARK, PartName("score", "0" * 16, "0" * 16), "1" * 16)
    writer.collect("scores", [lakes.score(5, lakes.OURS, 1.0)])
    computing = interruption.Interruption()
    began = time.monotonic()
    for _ in range(2):  # the second finds nothing left to store
        assert not computing._unwound(pipe)
        computing.end()
    assert exits == [130, 130] and time.monotonic() - began < 300
    assert Lake(lake.root).read("scores", lakes.BENCHMARK).num_rows == 1
    for descriptor in (pipe, written):
        os.close(descriptor)
