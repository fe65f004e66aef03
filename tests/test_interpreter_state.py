"""What code of others changes of Python and its process is as before after it; what it adds stays."""

from __future__ import annotations

import builtins
import gc
import locale
import math
import os
import resource
import signal
import sys
import time
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipeline import interpreter_state

FILES = resource.RLIMIT_NOFILE


def changes() -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """What is changed, and how it is read."""
    patched: Any = types.SimpleNamespace(builtins=builtins, time=time, math=math)
    return {
        "print": (lambda: setattr(patched.builtins, "print", None), lambda: builtins.print),
        "len": (lambda: delattr(patched.builtins, "len"), lambda: vars(builtins).get("len")),
        "a clock": (lambda: setattr(patched.time, "perf_counter", None), lambda: time.perf_counter),
        "a function of math": (lambda: setattr(patched.math, "sqrt", abs), lambda: math.sqrt),
        "modules": (sys.modules.clear, lambda: sys.modules["pipeline.interpreter_state"]),
        "one module": (lambda: sys.modules.update(math=builtins), lambda: sys.modules["math"]),
        "the path": (sys.path.clear, lambda: list(sys.path)),
        "arguments": (lambda: setattr(sys, "argv", []), lambda: sys.argv),
        "no arguments": (lambda: delattr(sys, "argv"), lambda: getattr(sys, "argv", None)),
        "an output": (lambda: setattr(sys, "stdout", None), lambda: sys.stdout),
        "a hook": (lambda: setattr(sys, "excepthook", print), lambda: sys.excepthook),
        "the environment": (os.environ.clear, lambda: os.environ.get("PATH")),
        "a variable": (lambda: os.environ.update(PATH="/"), lambda: os.environ["PATH"]),
        "standard output": (lambda: os.close(1), lambda: os.fstat(1).st_ino),
        "standard streams": (lambda: os.closerange(0, 3), lambda: [os.fstat(number).st_ino for number in range(3)]),
        "another output": (lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 2), lambda: os.fstat(2).st_ino),
        "the mask": (lambda: os.umask(0o777), mask),
        "a handler": (lambda: signal.signal(signal.SIGUSR1, signal.SIG_IGN), lambda: signal.getsignal(signal.SIGUSR1)),
        "an alarm": (lambda: signal.alarm(60), lambda: signal.getitimer(signal.ITIMER_REAL)[0] > 0),
        "a timer": (
            lambda: signal.setitimer(signal.ITIMER_PROF, 60), lambda: signal.getitimer(signal.ITIMER_PROF)[0] > 0
        ),
        "blocked signals": (
            lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}),
            lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        ),
        "a limit": (lambda: resource.setrlimit(FILES, (40, files()[1])), files),
        "garbage": (gc.disable, gc.isenabled),
        "recursion": (lambda: sys.setrecursionlimit(9_000), sys.getrecursionlimit),
        "digits": (lambda: sys.set_int_max_str_digits(0), sys.get_int_max_str_digits),
        "threads": (lambda: sys.setswitchinterval(1), sys.getswitchinterval),
        "warnings": (lambda: warnings.simplefilter("error"), lambda: list(warnings.filters)),
        "the locale": (lambda: locale.setlocale(locale.LC_ALL, "C"), lambda: locale.setlocale(locale.LC_ALL)),
    }  # fmt: skip


def files() -> tuple[int, int]:
    return resource.getrlimit(FILES)


def mask() -> int:
    before = os.umask(0o077)
    os.umask(before)
    return before


@pytest.fixture
def utf_8() -> Iterator[None]:
    before = locale.setlocale(locale.LC_ALL)
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    yield
    locale.setlocale(locale.LC_ALL, before)


@pytest.mark.parametrize("name", changes())
@pytest.mark.parametrize("ends", [None, ValueError])
@pytest.mark.usefixtures("utf_8")
def test_what_a_block_changes_is_as_before(name: str, ends: type[Exception] | None) -> None:
    change, read = changes()[name]
    before = read()
    try:
        with interpreter_state.restored():
            change()
            if ends is not None:
                raise ends
    except ValueError:
        assert ends is not None
    assert read() == before


def test_what_a_block_adds_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv("OF_ITS_OWN", raising=False)
    with interpreter_state.restored():
        sys.modules["of_its_own"] = added = types.ModuleType("of_its_own")
        sys.path.insert(0, "of_its_own")
        os.environ["OF_ITS_OWN"] = "1"
    assert (sys.modules.pop("of_its_own"), sys.path[0]) == (added, "of_its_own")
    assert os.environ.pop("OF_ITS_OWN") == "1"


def test_a_stream_that_is_closed_already_stays_closed() -> None:
    kept = os.dup(0)
    os.close(0)
    try:
        with interpreter_state.restored():
            pass
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(0)
    finally:
        os.dup2(kept, 0)
        os.close(kept)
