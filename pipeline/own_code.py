"""Keep a user's own code, of a proxy or a benchmark, from ending the command that calls it."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from pipeline import escaping, interpreter_state, interruption
from pipeline.errors import is_homeless

_ENDS = ("_exit", "abort", "execv", "execve")  # functions of `os` that end the process at once; others call these

_WAIT = """read -r over || printf '%s\\n' "$0" >&2"""  # the shell's $0 is the message; a pipe that ends fails `read`

MOST_PRINTED = 1 << 20
"""Characters that the code of a process may print; the rest is left out."""


class EndedError(BaseException):
    """The code tried to end the process."""


class _Guarded(threading.local):
    """The process in which the present thread is in a `guarded` block, or None."""

    pid: int | None = None


_present = _Guarded()
_lock = threading.Lock()
_blocks = 0  # open `guarded` blocks of all threads
_replaced: dict[str, Callable[..., Any]] = {}
"""The functions of `os` by name, as they were before the first of these blocks."""


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Raise `EndedError` if the block calls `os._exit` or the like, or raises a KeyboardInterrupt of its own.

    Other threads, and processes that the code forks, may end as they like; a fork that returns is ended. The working
    folder is as before. What ends a process without asking Python, such as a segmentation fault, still does: see
    `death_told`.
    """
    folder = contextlib.nullcontext() if is_homeless() else contextlib.chdir(os.curdir)
    pid = _process()
    before, _present.pid = _present.pid, pid
    _replace()
    try:
        with folder:
            yield
    except KeyboardInterrupt as error:
        if interruption.may_be_wished():
            raise
        raise EndedError("it raises KeyboardInterrupt") from error
    finally:
        _present.pid = before
        _restore()
        if _process() != pid:  # a fork of the code, which would continue as a second command
            os._exit(0)


@contextlib.contextmanager
def contained() -> Iterator[None]:
    """`guarded`, and what the block changes of Python and its process is as before; see `interpreter_state.restored`.

    What it prints goes to standard error, up to `MOST_PRINTED`: what a command answers stays as it is.
    """
    threads = set(threading.enumerate())
    printed: Any = sys.stderr if sys.stderr is None or isinstance(sys.stderr, _Printed) else _Printed(sys.stderr)
    try:
        with (
            interpreter_state.restored(),
            contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), guarded(),
        ):  # fmt: skip
            yield
    finally:
        _threads_left.extend(one for one in threading.enumerate() if one not in threads and not one.daemon)


@contextlib.contextmanager
def death_told(what: str) -> Iterator[None]:
    """Have one line on standard error say where the process dies in the block, as by a segmentation fault.

    A shell, which starts in a millisecond, waits to be told of the end of the block: where the process ends before, it
    says so. In a worker nothing is said, as its executor sees how it ends.

    Args:
        what: the process is doing: "loading the proxy mine.py".
    """
    import multiprocessing
    import subprocess

    shell, message = None, escaping.line(f"error: this command died while {what}, whose code may have crashed")
    if multiprocessing.parent_process() is None:
        with contextlib.suppress(OSError):
            shell = subprocess.Popen(
                ["/bin/sh", "-c", _WAIT, message], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
            )  # fmt: skip
    try:
        yield
    finally:
        if shell is not None:
            with contextlib.suppress(OSError, ValueError):
                shell.communicate(b"over\n")


def runs_on() -> bool:
    """Whether threads that such a block began run on; Python would wait for them before it ends the process."""
    return any(thread.is_alive() for thread in _threads_left)


_process = os.getpid  # whatever the code makes of it
_threads_left: list[threading.Thread] = []
_characters = 0  # that were printed in `contained` blocks


class _Printed:
    """A stream that takes no more than `MOST_PRINTED` characters in all, and otherwise is the given one."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text, or what may still be written of it."""
        global _characters  # noqa: PLW0603
        room = MOST_PRINTED - _characters
        _characters += len(text)
        if room > 0:
            self._stream.write(text[:room])
            if len(text) > room:
                self._stream.write("\nwarning: what the code prints after this is left out\n")
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def close(self) -> None:
        """Leave open the given one, which the command goes on to write to."""

    def detach(self) -> None:
        """Leave the given one as it is."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _replace() -> None:
    global _blocks  # noqa: PLW0603
    with _lock:
        if _blocks == 0:
            _replaced.update({name: getattr(os, name) for name in _ENDS})
            for name, function in _replaced.items():
                setattr(os, name, _refusing(function))
        _blocks += 1


def _restore() -> None:
    global _blocks  # noqa: PLW0603
    with _lock:
        _blocks -= 1
        if _blocks == 0:
            for name, function in _replaced.items():
                setattr(os, name, function)


def _refusing(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def refuse(*given: Any, **named: Any) -> Any:
        if _present.pid == os.getpid():
            raise EndedError(f"it calls os.{function.__name__}")
        return function(*given, **named)

    return refuse
