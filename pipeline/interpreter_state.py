"""What code of others may change of Python and its process, put back after it.

What was there is as before: a function of `builtins` or `time`, a module, a signal's handler, standard output. What the
code adds, such as a module that it imports or a variable of the environment, stays.
"""

from __future__ import annotations

import contextlib
import gc
import locale
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

Setting = tuple[Callable[[], Any], Callable[[Any], object]]
"""How a setting is read, and how it is written."""

_STREAMS = (0, 1, 2)  # file descriptors of the standard streams
_NAMESPACES = ("builtins", "json", "math", "random", "time", "torch", "torch.nn.functional")
_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)  # each sends a signal that ends a process
_LIMITS = ("RLIMIT_AS", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_STACK")


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """After the block `sys`, the modules of `_NAMESPACES`, signals, limits and standard streams are as before.

    Threads and processes that it leaves run on, and what it changes of other modules stays changed.
    """
    path, modules, variables = list(sys.path), dict(sys.modules), dict(os.environ)
    namespaces = [(vars(modules[name]), dict(vars(modules[name]))) for name in _NAMESPACES if name in modules]
    streams = [_copied(number) for number in _STREAMS]
    with put_back([*_settings(), *_of_signals()]):
        try:
            yield
        finally:
            for namespace, before in [(sys.modules, modules), *namespaces]:
                namespace.update(before)
            if os.environ != variables:
                os.environ |= variables
            sys.path += [folder for folder in path if folder not in sys.path]
            for number, copy in zip(_STREAMS, streams, strict=True):
                _put_back_stream(number, copy)


@contextlib.contextmanager
def put_back(settings: list[Setting]) -> Iterator[None]:
    """Give the settings that the block changes the values that they had before it, in their order."""
    before = [get() for get, _ in settings]
    try:
        yield
    finally:
        for (get, put), value in zip(settings, before, strict=True):
            if get() != value:
                with contextlib.suppress(OSError, ValueError):  # a limit that only the system's owner may raise
                    put(value)


def _settings() -> list[Setting]:
    return [
        (sys.getrecursionlimit, sys.setrecursionlimit),
        (sys.getswitchinterval, sys.setswitchinterval),
        (sys.get_int_max_str_digits, sys.set_int_max_str_digits),
        (sys.gettrace, sys.settrace),
        (sys.getprofile, sys.setprofile),
        *(
            (partial(getattr, sys, name, None), partial(setattr, sys, name))
            for name in ("stdin", "stdout", "stderr", "argv", "excepthook", "displayhook")
        ),
        (gc.isenabled, lambda wanted: (gc.enable if wanted else gc.disable)()),
        (partial(locale.setlocale, locale.LC_ALL), partial(locale.setlocale, locale.LC_ALL)),
        (_file_mask, os.umask),
        (lambda: list(warnings.filters), _set_warning_filters),
        *_limits(),
    ]


def _file_mask() -> int:
    """The mask of new files, read where the system tells it without setting another for a moment."""
    with contextlib.suppress(OSError):
        for text in Path("/proc/self/status").read_text().splitlines():
            if text.startswith("Umask:"):
                return int(text.split()[1], 8)
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _set_warning_filters(filters: list[Any]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]
    with warnings.catch_warnings():  # its end tells the module that they are others
        pass


def _limits() -> list[Setting]:
    import resource

    kinds = [getattr(resource, name) for name in _LIMITS if hasattr(resource, name)]
    return [(partial(resource.getrlimit, kind), partial(resource.setrlimit, kind)) for kind in kinds]


def _of_signals() -> list[Setting]:
    """Handlers, an alarm and blocked signals: of the main thread, where alone they can be set."""
    if threading.current_thread() is not threading.main_thread():
        return []
    named = [number for number in signal.valid_signals() if isinstance(number, signal.Signals)]
    settable = [
        number
        for number in named
        if number not in (signal.SIGKILL, signal.SIGSTOP) and signal.getsignal(number) is not None
    ]
    return [
        *(
            (partial(_runs, timer), partial(_stop, timer)) for timer in _TIMERS
        ),  # first: their signals have handlers still
        *((partial(signal.getsignal, number), partial(signal.signal, number)) for number in settable),
        (partial(signal.pthread_sigmask, signal.SIG_BLOCK, ()), partial(signal.pthread_sigmask, signal.SIG_SETMASK)),
    ]


def _runs(timer: int) -> bool:
    return signal.getitimer(timer)[0] > 0


def _stop(timer: int, _: bool) -> None:
    signal.setitimer(timer, 0)


def _copied(number: int) -> int | None:
    try:
        return os.dup(number)
    except OSError:  # it is closed, or too many files are open
        return None


def _put_back_stream(number: int, copy: int | None) -> None:
    if copy is None:
        return
    try:
        same = os.path.sameopenfile(number, copy)
    except OSError:
        same = False
    if not same:
        os.dup2(copy, number)
    os.close(copy)
