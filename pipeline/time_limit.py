"""A time limit for code that may never end, such as a regular expression or the import of a module."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType


class TooSlowError(BaseException):
    """A block takes too long; no code in it that catches every Exception stops it."""


@contextlib.contextmanager
def within(seconds: float, *, of_processor: bool = False) -> Iterator[None]:
    """Raise `TooSlowError` in a block that takes longer, and again every second; in the main thread alone.

    Args:
        of_processor: seconds that the process computes, so that neither other processes nor a stop count.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise TooSlowError

    if of_processor:
        timer, number, clock = signal.ITIMER_PROF, signal.SIGPROF, time.process_time
    else:
        timer, number, clock = signal.ITIMER_REAL, signal.SIGALRM, time.monotonic
    handler, began = signal.signal(number, end), clock()
    left, interval = signal.setitimer(timer, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(timer, max(left - (clock() - began), 1e-3) if left else 0, interval)
        signal.signal(number, handler)
