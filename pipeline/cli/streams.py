"""The standard streams of a command."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any


class _ClosedStream(io.RawIOBase):
    """In the place of a stream that was closed when the process began; to write to it is an error as of any other."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        raise OSError(errno.EBADF, "it is closed")


def prepare() -> None:
    """Let the standard streams take whatever is printed, and raise an OSError where they cannot be written."""
    _replace_closed()
    for stream in (sys.stdout, sys.stderr):  # of a terminal in Latin-1, for one
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _replace_closed() -> None:
    """Occupy the numbers of streams that are closed: the next file would get one, and with it what is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which takes the lowest number that is free
    if sys.stdout is None:
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(_ClosedStream()), encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = io.StringIO()
