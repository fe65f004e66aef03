"""Open a file of a user; devices and pipes that might never answer are refused."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import UserError

_HANDED_OVER = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")
"""Names of streams that are open already: of `--only /dev/stdin`, or of `--only <(grep ...)`."""

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def opened(path: Path, buffering: int = -1) -> BinaryIO:
    """The file, opened for reading as bytes.

    Raises:
        UserError: it is a named pipe, a socket or a device.
        OSError: it cannot be opened.
    """
    if not str(path).startswith(_HANDED_OVER):
        refuse_special(path)
    return path.open("rb", buffering=buffering)


def refuse_special(path: Path) -> None:
    """Refuse a named pipe, which waits for its writer, a socket, or a device, which may never end.

    Raises:
        UserError: it is one.
        OSError: it is not there, or cannot be looked at.
    """
    kind = _KINDS.get(stat.S_IFMT(path.stat().st_mode))
    if kind is not None:
        raise UserError(f"{path} is {kind}, where a file is expected: write what it holds to a file, and name that")
