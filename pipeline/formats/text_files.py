"""Read whole text files that people write: UTF-8, with or without a byte-order mark, of bounded size."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import NotThisFormError, UserError
from pipeline.formats import opening, packed, signatures

MAX_BYTES = 1 << 26
"""Of a text that is read whole: a list of every architecture of NAS-Bench-101 has a seventh of it."""


def read(path: Path, what: str, expected: str = "a text file", *, unpack: bool = False) -> str:
    """The text of a file, with line ends as `\\n`.

    Args:
        what: what the message calls it: "--only".
        expected: what it should be: "a list of architectures".
        unpack: it may be packed by bzip2, gzip or xz.

    Raises:
        UserError: it cannot be read, is another sort of file, not in UTF-8, or too large.
    """
    try:
        with packed.open_unpacked(path) if unpack else opening.opened(path) as stream:
            data = stream.read(MAX_BYTES + 1)
    except packed.BROKEN as error:
        raise NotThisFormError(f"{what} {path} is {packed.damaged(error)}") from error
    except OSError as error:
        raise UserError(f"{what} {path} cannot be read: {error.strerror or error}") from error
    form = signatures.identified(data[: signatures.HEAD])
    if form and form not in (signatures.EMPTY, signatures.JSON):
        raise NotThisFormError(signatures.said(f"{what} {path}", form, expected))
    if len(data) > MAX_BYTES:
        raise UserError(f"{what} {path} has more than {MAX_BYTES >> 20} MiB, where {expected} is expected")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{what} {path} is not in UTF-8 (byte {error.start}): save it in UTF-8") from error
