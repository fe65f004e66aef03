"""Ctrl-C, SIGTERM and SIGHUP: unwind the command at once, or end the process if a library does not return.

Python runs a signal's handler between two of its own instructions, and a join of DuckDB may be minutes from the next.
So the number of a signal is also written to a pipe that a thread reads. It interrupts DuckDB's connections, and ends
the process when that was not enough, which loses no more than `kill -9` does: what is stored appears by one rename.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any, NoReturn, Protocol, TypeVar
from weakref import WeakSet

GRACE = 0.5  # seconds in which a command may unwind
LONGEST = 20.0  # seconds, where it has begun to and stores results; as a rule it takes a tenth of one
_APART = 0.25  # seconds after which a second signal is a second wish, not the same one sent to a group and its members
_EVERY = 0.05  # seconds between two interruptions of the connections
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruptible(Protocol):
    """What can be told from another thread to give up what it computes."""

    def interrupt(self) -> None:
        """Give it up."""
        ...


class Writer(Protocol):
    """What holds results that took a lot of time to compute."""

    def save(self) -> None:
        """Store what it holds, from another thread than that which computes; return when nothing is left to store."""
        ...


Connection = TypeVar("Connection", bound=Interruptible)

_connections: WeakSet[Any] = WeakSet()
_writers: WeakSet[Any] = WeakSet()


def interruptible(connection: Connection) -> Connection:
    """The connection, which from now on a signal interrupts."""
    _connections.add(connection)
    return connection


def awaited(writer: Writer) -> None:
    """Wait longer for a command that unwinds, as long as the writer exists, and let it save before the process ends."""
    _writers.add(writer)


class Interruption:
    """What signals do to a command.

    Args:
        begun: whether a signal unwinds it from now on, or from `begin` on.
        handled: whether signals are handled, or ignored, so that none is missed.

    Attributes:
        signal: the first one that came, if any did.
        line: what is printed then.
    """

    def __init__(self, *, begun: bool = True, handled: bool = False) -> None:
        self.signal: int | None = None
        self.handled = handled
        self.line = "interrupted: nothing was done"
        self._begun = begun
        self._finished = self._printed = self._unwinds = False
        self._printing = threading.Lock()

    @property
    def exit_code(self) -> int:
        """130, 143 or 129, as shells have it."""
        return 128 + (self.signal or signal.SIGINT)

    def tell(self) -> None:
        """Print the line, once, whichever thread is the first; from now on signals change nothing."""
        self._finished = True
        with self._printing:
            if not self._printed:
                self._printed = True
                shown_cursor = "\x1b[?25h" if sys.stderr.isatty() else ""  # a progress bar hides it
                with contextlib.suppress(OSError):
                    os.write(2, f"{shown_cursor}{self.line}\n".encode())

    def end(self) -> None:
        """Print the line and end the process without its clean-up, which may take longer than the user waits."""
        if not self._unwinds:  # a library computes and may do so for long: what was done before is stored from here
            for writer in list(_writers):
                with contextlib.suppress(Exception):  # no space: as after `kill -9`
                    writer.save()
        self.tell()
        os._exit(self.exit_code)

    def begin(self) -> None:
        """Unwind from here on at a signal, also at one that came since the signals are handled.

        Raises:
            KeyboardInterrupt: one came.
        """
        self._begun = True
        if self.signal is not None:
            self._unwind()

    def finish(self) -> None:
        """Let no signal change what is done already."""
        self._finished = True

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """Unwind the command; a signal that comes while it unwinds is left to the thread."""
        self.signal = self.signal or number
        if self._begun and not self._unwinds and not self._finished:
            self._unwind()

    def _unwind(self) -> NoReturn:
        self._unwinds = True
        sys.unraisablehook = _silent  # a destructor that the signal meets would print a traceback
        _interrupt_connections()  # DuckDB itself, where it looks for a signal, waits for its threads to end
        raise KeyboardInterrupt

    def watch(self, pipe: int) -> None:
        """Read the numbers of signals from the pipe until it is closed, see the module."""
        while number := _first(os.read(pipe, 64)):
            if number in SIGNALS:
                self.signal = self.signal or number
                if self._unwound(pipe):
                    break
                self.end()
        os.close(pipe)

    def _unwound(self, pipe: int) -> bool:
        """Wait until the pipe is closed; False after too long, or where a second signal comes."""
        began = time.monotonic()
        while (passed := time.monotonic() - began) < (LONGEST if _writers and self._unwinds else GRACE):
            _interrupt_connections()  # again and again: one query may follow another
            ready, _, _ = select.select([pipe], [], [], _EVERY)
            numbers = os.read(pipe, 64) if ready else None
            if numbers == b"":
                return True
            if numbers and _first(numbers) in SIGNALS and passed > _APART:
                return False
        return False


def _first(numbers: bytes) -> int | None:
    """The first of SIGNALS among the numbers, else another one, None where the pipe was closed."""
    return next((number for number in numbers if number in SIGNALS), numbers[0] if numbers else None)


def _interrupt_connections() -> None:
    with contextlib.suppress(RuntimeError):  # one was added meanwhile: the next time
        for connection in list(_connections):
            with contextlib.suppress(Exception):  # it is closed
                connection.interrupt()


def _silent(_: object) -> None:
    pass


_current = Interruption()


def may_be_wished() -> bool:
    """Whether a KeyboardInterrupt may come from a signal; if not, the code that was running has raised it itself."""
    return not _current.handled or _current.signal is not None


def left_to_driver() -> None:
    """Ignore Ctrl-C in this process, a worker: its driver terminates it."""
    global _current  # noqa: PLW0603
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _current = Interruption(handled=True)


def says(line: str) -> None:
    """What a signal prints from now on: what of the command's work is stored."""
    _current.line = f"interrupted: {line}"


@contextlib.contextmanager
def handled(*, to_the_end: bool) -> Iterator[Interruption]:
    """Handle `SIGNALS`, unless they are ignored, as in a job that a shell's script runs behind `&` or with `nohup`.

    Within the block, `Interruption.begin` is called where a KeyboardInterrupt is caught.

    Args:
        to_the_end: of the process; else what was before is put back when the block ends.
    """
    global _current  # noqa: PLW0603
    in_main_thread = threading.current_thread() is threading.main_thread()
    interruption = _current = Interruption(begun=False, handled=in_main_thread)
    if not in_main_thread:
        yield interruption
        return
    pipe, written = os.pipe()
    os.set_blocking(written, False)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    hook = sys.unraisablehook
    earlier = signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, interruption.on_signal)
    with contextlib.suppress(RuntimeError):  # no thread can be started: then Python alone handles signals
        threading.Thread(target=interruption.watch, args=(pipe,), daemon=True).start()
    try:
        yield interruption
    finally:
        interruption.finish()
        if not to_the_end:
            interruption.handled = False
            signal.set_wakeup_fd(earlier)
            for number, handler in before.items():
                signal.signal(number, handler)
            sys.unraisablehook = hook
            os.close(written)


@contextlib.contextmanager
def ended_while_starting() -> Iterator[None]:
    """End the process at once at a signal: what is imported meanwhile would make a traceback of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        os.write(2, b"interrupted: nothing was done\n")
        os._exit(128 + number)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if handler in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
