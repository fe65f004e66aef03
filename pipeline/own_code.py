"""Keeps a user's own code, of a proxy or a benchmark, from ending the command that calls it."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

from pipeline import interruption

_ENDS = ("_exit", "abort", "execv", "execve")  # functions of `os` that end the process at once; others call these


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

    Other threads, and processes that the code forks, may end as they like. What ends a process without asking Python,
    such as a segmentation fault, still does.
    """
    before, _present.pid = _present.pid, os.getpid()
    _replace()
    try:
        yield
    except KeyboardInterrupt as error:
        if interruption.may_be_wished():
            raise
        raise EndedError("it raises KeyboardInterrupt") from error
    finally:
        _present.pid = before
        _restore()


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
