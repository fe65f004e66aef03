"""Files that may be packed by gzip, bzip2, xz, zstd or zip, read unpacked, up to a bound: a few bytes may unpack to
any number.
"""

from __future__ import annotations

import gzip
import io
import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, BinaryIO

from pipeline.errors import NotThisFormError, from_os
from pipeline.formats import opening, packed_streams, zips

MAX_BYTES = 1 << 30
"""Unpacked bytes of a file that are read."""

BROKEN = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What the decompressors raise for damaged data, besides an OSError without a number."""

BROKEN_ZIP = (*BROKEN, *zips.BROKEN)
"""What is raised for damaged zips that are opened with zipfile itself."""


def _zstd(path: Path) -> Any:
    import pyarrow as pa

    return pa.CompressedInputStream(pa.OSFile(os.fsencode(path)), "zstd")


def _gzip(path: Path) -> Any:
    return gzip.open(path, "rb")


_OPENERS: tuple[tuple[re.Pattern[bytes], Callable[[Path], Any]], ...] = (
    (re.compile(rb"BZh[1-9](?:1AY&SY|[\0-\x08\x0e-\x1f])"), packed_streams.open_bzip2),  # a block, or what no text has
    (re.compile(rb"\x1f\x8b"), _gzip),
    (re.compile(rb"\xfd7zXZ\0"), packed_streams.open_xz),
    (re.compile(rb"\x28\xb5\x2f\xfd"), _zstd),
)
"""How each packing begins, as far as no text does: a column of a CSV may be called BZ."""


def open_unpacked(path: Path) -> BinaryIO:
    """The unpacked content of a file as a stream, which raises NotThisFormError beyond `MAX_BYTES`.

    Raises:
        NotThisFormError: it is a zip, and holds no file, several or an encrypted one.
        OSError: the file cannot be opened.
    """
    with opening.opened(path) as stream:
        head = stream.read(zips.HEAD)
    opener = next((opener for beginning, opener in _OPENERS if beginning.match(head)), None)
    if head.startswith(zips.BEGINNING) and zips.kind(head) == "files":
        return io.BufferedReader(_Bounded(zips.opened(path), MAX_BYTES), 1 << 16)
    if opener is None:
        return path.open("rb")
    return io.BufferedReader(_Bounded(opener(path), MAX_BYTES), 1 << 16)


def content(path: Path) -> bytes:
    """The whole unpacked content of a file.

    Raises:
        NotThisFormError: it is empty, damaged, or of more than `MAX_BYTES`; the message leaves its name to the caller.
        UserError: the file cannot be read.
    """
    try:
        with open_unpacked(path) as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise damaged(error) if error.errno is None else from_os(error, f"reading {path}") from error
    except BROKEN as error:
        raise damaged(error) from error
    if not data:
        raise NotThisFormError("the file is empty")
    if len(data) > MAX_BYTES:
        raise too_large(MAX_BYTES)
    return data


def damaged(error: Exception) -> NotThisFormError:
    """What is wrong with packed data that cannot be unpacked."""
    if isinstance(error, EOFError):
        return NotThisFormError("truncated: the packed data ends before its end marker")
    return NotThisFormError(f"damaged: {' '.join(str(error).split())}")


def too_large(most: int) -> NotThisFormError:
    """The error for data that unpacks to more than `most` bytes."""
    return NotThisFormError(f"unpacks to more than {most >> 20} MiB: refused")


class _Bounded(io.RawIOBase):
    """A decompressor's stream that ends in an error beyond so many bytes."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream, self._left, self._most = stream, most, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(min(len(buffer), 1 << 20))
        self._left -= len(data)
        if self._left < 0:
            raise too_large(self._most)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()
