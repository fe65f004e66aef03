"""Code of a user's own does not end the command that calls it, whatever it calls."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NoReturn

import pytest
import typer

from pipeline import benchmarks, executor, interruption, own_code
from pipeline.cli import application
from pipeline.errors import UserError
from pipeline.proxies.contract import Score
from pipeline.scoring.plan import Plan, unless_own_code_fails
from tests.fixtures.command import exit_code

ENDS: dict[str, Callable[[], object]] = {
    "os._exit": lambda: os._exit(0),
    "os.abort": lambda: os.abort(),  # noqa: PLW0108 (looked up when it is called)
    "os.execv": lambda: os.execl("/bin/true", "true"),
    "os._exit by name": lambda: os._exit(status=0),
    "os.execve": lambda: os.execlpe("true", "true", {}),
}


def interrupt() -> NoReturn:
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", ENDS)
def test_it_does_not_end_the_process(name: str) -> None:
    function = name.partition(" ")[0]
    before = getattr(os, function.removeprefix("os."))
    for _ in range(2):
        with pytest.raises(own_code.EndedError, match=f"it calls {function}$"), own_code.guarded(), own_code.guarded():
            ENDS[name]()
    assert getattr(os, function.removeprefix("os.")) is before


@pytest.mark.parametrize("ended", ["", "os.kill(os.getpid(), signal.SIGSEGV)", "signal.raise_signal(signal.SIGABRT)"])
def test_a_crash_is_told_in_one_line(ended: str) -> None:
    block = 'with own_code.death_told("loading the proxy mine.py"), own_code.contained():'
    program = f"import os, signal\nfrom pipeline import own_code\n{block}\n    {ended or 'pass'}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    said = "error: this command died while loading the proxy mine.py, whose code may have crashed\n"
    assert (done.returncode < 0, done.stdout, done.stderr) == (bool(ended), "", said if ended else "")


def test_a_thread_is_guarded_until_its_own_block_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "_exit", before := functools.wraps(os._exit)(lambda status: status))  # as coverage does
    entered, left = threading.Event(), threading.Event()

    def other() -> None:
        with own_code.guarded():
            entered.set()
            left.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    assert entered.wait(10)
    with pytest.raises(own_code.EndedError), own_code.guarded():
        left.set()
        thread.join()
        os._exit(0)
    assert os._exit is before


def test_other_threads_and_what_it_forks_may_end(monkeypatch: pytest.MonkeyPatch) -> None:
    exits: list[int] = []

    def end(status: int) -> None:
        exits.append(status)

    monkeypatch.setattr(os, "_exit", end)
    with own_code.guarded():
        thread = threading.Thread(target=lambda: os._exit(7))
        thread.start()
        thread.join()
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: -1)  # as in a forked process
            os._exit(status=8)
    assert exits == [7, 8]


def test_a_keyboard_interrupt_of_its_own_is_told_from_ctrl_c() -> None:
    with pytest.raises(KeyboardInterrupt), own_code.guarded():  # nothing here knows of signals
        interrupt()
    with interruption.handled(to_the_end=False) as signals:
        with pytest.raises(own_code.EndedError, match="it raises KeyboardInterrupt"), own_code.guarded():
            interrupt()
        signals.begin()
        with pytest.raises(KeyboardInterrupt), own_code.guarded():
            signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), own_code.guarded():
        interrupt()


def test_in_a_worker_it_is_always_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "_current", interruption.Interruption())
    before = signal.getsignal(signal.SIGINT)
    try:
        interruption.left_to_driver()
        with pytest.raises(own_code.EndedError), own_code.guarded():
            interrupt()
    finally:
        signal.signal(signal.SIGINT, before)


def raising(error: BaseException) -> Callable[[], Any]:
    def fail() -> NoReturn:
        raise error

    return fail


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (lambda: os._exit(0), "EndedError: it calls os._exit"), (raising(SystemExit(0)), "SystemExit: 0"),
        (raising(GeneratorExit()), "GeneratorExit"), (raising(ValueError("x")), "ValueError: x"),
    ],
)  # fmt: skip
def test_a_network_of_its_own_is_a_failed_score(
    code: Callable[[], Any], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmarks, "is_own", "mine".__eq__)
    assert unless_own_code_fails("mine", True, code) == Score(None, "failed", reason)
    assert unless_own_code_fails("mine", True, lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        unless_own_code_fails("nds", False, lambda: 1 // 0)
    for passed_on in (UserError("mend it"), KeyboardInterrupt()):
        with pytest.raises(type(passed_on)):
            unless_own_code_fails("mine", True, raising(passed_on))


@pytest.mark.parametrize("error", [MemoryError("no"), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_memory_that_its_own_code_asks_for_is_a_failed_score(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmarks, "is_own", "mine".__eq__)
    failed = Score(None, "failed", f"{type(error).__name__}: {error}")
    assert [unless_own_code_fails(name, True, raising(error)) for name in ("nds", "mine")] == [failed, failed]
    with pytest.raises(type(error)):
        unless_own_code_fails("nds", False, raising(error))
    with pytest.raises(ZeroDivisionError):
        unless_own_code_fails("nds", True, lambda: 1 // 0)


def test_code_of_its_own_is_known_and_computed_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks, "is_own", "mine".__eq__)
    asked = [("nasbench201", "synflow"), ("nasbench201", "mine.py"), ("mine", "synflow")]
    assert [Plan(name, "x", proxy, None, 0, "cpu").calls_own_code for name, proxy in asked] == [False, True, True]
    for kind, workers, process in (("inline", None, True), ("processes", 1, False)):
        with executor.opened(executor.Executor(kind), workers, "cpu", apart=True) as pool:
            assert [pid == os.getpid() for _, pid in pool.run(ProcessNumber(), [0], bool)] == [process]


class ProcessNumber:
    """Gives the number of the process that computes."""

    def prepare(self) -> None:
        pass

    def __call__(self, item: int) -> int:
        return os.getpid()


def test_what_it_prints_is_no_answer_and_has_an_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(own_code, "MOST_PRINTED", 30)
    monkeypatch.setattr(own_code, "_characters", 0)
    with own_code.contained(), own_code.contained():
        for _ in range(9):
            print("nine more")
            sys.stderr.writelines(["nine more"])
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "nine more\nnine morenine more\nn\nwarning: what the code prints after this is left out\n"


def test_it_does_not_close_what_the_command_writes_to(capsys: pytest.CaptureFixture[str]) -> None:
    with own_code.contained():
        sys.stdout.close()
        sys.stderr.detach()  # type: ignore[union-attr]
    print("goes on", file=sys.stderr)
    assert capsys.readouterr().err == "goes on\n"


def test_threads_that_it_leaves_are_known() -> None:
    end = threading.Event()
    with own_code.contained():
        thread = threading.Thread(target=end.wait)
        thread.start()
    assert own_code.runs_on()
    end.set()
    thread.join()
    assert not own_code.runs_on()


@pytest.mark.parametrize("block", [own_code.contained, own_code.guarded])
def test_a_fork_of_it_ends_with_the_block(block: Callable[[], AbstractContextManager[None]]) -> None:
    read, write = os.pipe()
    with block():
        child = os.fork()
    if child == 0:
        os.write(write, b"goes on")
        os._exit(7)
    assert os.waitpid(child, 0)[1] == 0
    os.close(write)
    assert os.read(read, 9) == b""
    os.close(read)


@pytest.mark.parametrize("block", [own_code.contained, own_code.guarded])
def test_the_working_folder_is_as_before(block: Callable[[], AbstractContextManager[None]]) -> None:
    before = Path.cwd()
    with block():
        os.chdir("/")
    assert Path.cwd() == before


@pytest.mark.parametrize(
    ("end", "words"),
    [(SystemExit, "(SystemExit)"), (SystemExit(0), "(SystemExit: 0)"), (KeyboardInterrupt, "(KeyboardInterrupt)")],
)
def test_wherever_else_code_ends_a_command_it_is_one_line(
    end: Any, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = typer.Typer(cls=application.VerbGroup)
    app.callback()(lambda: None)

    @application.verb(app, example="")
    def ended() -> None:
        raise end

    monkeypatch.setattr(application, "app", app)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    assert exit_code("ended") == 1
    said = capsys.readouterr().err
    assert said == f"error: code that the command called tried to end it {words}; what was done is stored\n"
