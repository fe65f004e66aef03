"""Progress of long work: a bar on a terminal or in a notebook, otherwise a line every few seconds."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Literal

from pipeline.escaping import line

Advance = Callable[[int], None]
Unit = Literal["items", "bytes"]

QUIET_SECONDS = 10.0  # between two plain lines
_SILENT = ContextVar("silent", default=False)


def silence(wanted: bool) -> None:
    """Show no progress from here on, or show it again."""
    _SILENT.set(wanted)


def silent() -> bool:
    """Whether no progress is shown."""
    return _SILENT.get()


def tell(text: str) -> None:
    """Print a line on standard error; where that is full or closed, printing stops and work continues."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        with contextlib.suppress(OSError, ValueError):  # else the exit of Python writes out what is left
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def warn(text: str) -> None:
    """Say in a line of standard error what is odd and keeps nothing from going on; not where progress is silenced."""
    if not silent():
        tell(f"warning: {line(text)}")


@contextlib.contextmanager
def progress(what: str, total: int | None, *, done: int = 0, unit: Unit = "items") -> Iterator[Advance]:
    """Yield a function to call with how many more are done.

    Args:
        what: what is done, the first words of the line: "scoring regression-n101".
        total: how many there are, where that is known.
        done: how many of them were done before.
        unit: what is counted.
    """
    if silent():
        yield lambda _more: None
        return
    what = line(what)
    bar = _terminal if sys.stderr.isatty() or _in_notebook() else _lines
    with bar(what, total, done, unit) as advance:
        yield advance


def _in_notebook() -> bool:
    """Whether this is a notebook that rich can draw in, which takes ipywidgets."""
    return "ipykernel" in sys.modules and importlib.util.find_spec("ipywidgets") is not None


@contextlib.contextmanager
def _terminal(what: str, total: int | None, done: int, unit: Unit) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(),
        DownloadColumn() if unit == "bytes" else MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total, completed=done, rate="")
        started, count = time.monotonic(), 0

        def advance(more: int) -> None:
            nonlocal count
            count += more
            bar.update(task, advance=more, rate=_rate(count, started, unit))

        yield advance


@contextlib.contextmanager
def _lines(what: str, total: int | None, done: int, unit: Unit) -> Iterator[Advance]:
    started = printed = time.monotonic()
    count = count_printed = 0

    def print_line() -> None:
        nonlocal printed, count_printed
        printed, count_printed = time.monotonic(), count
        passed = printed - started
        of_total = f" of {_amount(total, unit)}" if total is not None else ""
        left = f", {max(total - done - count, 0) * passed / count:.0f} s left" if total and count else ""
        amount = f"{_amount(done + count, unit)}{of_total}"
        tell(f"{what}: {amount}, {_rate(count, started, unit)}{left}")

    def advance(more: int) -> None:
        nonlocal count
        count += more
        if time.monotonic() - printed >= QUIET_SECONDS:
            print_line()

    yield advance
    if count > count_printed:
        print_line()


def _amount(count: int, unit: Unit) -> str:
    return f"{count / 1e6:.1f} MB" if unit == "bytes" else str(count)


def _rate(count: int, started: float, unit: Unit) -> str:
    rate = count / max(time.monotonic() - started, 1e-9)
    if unit == "bytes":
        return f"{rate / 1e6:.1f} MB/s"
    return f"{rate:.0f}/s" if rate >= 10 else f"{60 * rate:.1f}/min"


@contextlib.contextmanager
def stages(what: str) -> Iterator[Callable[[str], None]]:
    """Yield a function to call with the name of what is done next: a line that changes on a terminal.

    Elsewhere a stage is a plain line of its own if the last line is some seconds old, so that quick work is silent.

    Args:
        what: what is done, the first words of the line.
    """
    if silent():
        yield lambda _name: None
        return
    if sys.stderr.isatty():
        from rich.console import Console

        with Console(stderr=True).status(what) as status:
            yield lambda name: status.update(f"{what}: {name}")
        return
    printed = time.monotonic()

    def print_line(name: str) -> None:
        nonlocal printed
        if time.monotonic() - printed >= QUIET_SECONDS:
            printed = time.monotonic()
            tell(f"{what}: {name}")

    yield print_line
