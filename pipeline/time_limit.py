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
def within(seconds: float) -> Iterator[None]:
    """Raise `TooSlowError` in a block that takes longer, and again every second; in the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise TooSlowError

    handler, began = signal.signal(signal.SIGALRM, end), time.monotonic()
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 1e-3) if left else 0, interval)
        signal.signal(signal.SIGALRM, handler)
