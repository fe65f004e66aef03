"""The standard streams of a command."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any


class _ClosedStream(io.RawIOBase):
    """Stands for a stream that was closed when the process began: writing to it raises an OSError, once.

    What is left in a buffer comes again when Python ends, and would be a second message.
    """

    told = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self.told:
            return len(data)
        self.told = True
        raise OSError(errno.EBADF, "it is closed")


def prepare() -> None:
    """Make the standard streams escape characters that they cannot encode, and replace those that are closed."""
    _replace_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _replace_closed() -> None:
    """Occupy the descriptors of closed streams: else the next file that is opened gets one, and what is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which takes the lowest number that is free
    if sys.stdout is None:
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(_ClosedStream()), encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = io.StringIO()
