"""Files of bzip2 and xz that hold one stream after another, as parallel packers and `cat` write them.

Python's own readers take whatever is wrong at the beginning of a second stream for bytes that do not belong to the
file, and end there without a word: the rest of a damaged file would be missing.
"""

from __future__ import annotations

import bz2
import io
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

_CHUNK = 1 << 16  # packed bytes at a time
_PADDING = 4  # zeros after a stream of xz come in multiples of these


class _PackedStreams(io.RawIOBase):
    """The unpacked content of streams one after another; `padded` where zeros may stand between and after them."""

    def __init__(self, path: Path, decompressor: Callable[[], Any], *, padded: bool) -> None:
        self._file = path.open("rb", buffering=0)
        self._begin, self._padded = decompressor, padded
        self._stream = decompressor()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises EOFError where a stream ends early, and what the decompressor raises for damage."""
        while True:
            packed = b""
            if self._stream.eof:
                packed = self._following()
                if not packed:
                    return 0
                self._stream = self._begin()
            elif self._stream.needs_input:
                packed = self._file.read(_CHUNK)
                if not packed:
                    raise EOFError("the packed data ends within a stream")
            data = self._stream.decompress(packed, len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)

    def _following(self) -> bytes:
        """The first bytes of the next stream; none where the file ends."""
        packed = self._stream.unused_data or self._file.read(_CHUNK)
        zeros = 0
        while self._padded and packed:
            following = packed.lstrip(b"\0")
            zeros += len(packed) - len(following)
            packed = following
            if packed:
                break
            packed = self._file.read(_CHUNK)
        if zeros % _PADDING:
            raise lzma.LZMAError("bytes between or after its streams belong to none")
        return bytes(packed)

    def close(self) -> None:
        self._file.close()
        super().close()


def open_bzip2(path: Path) -> io.RawIOBase:
    """The unpacked content of a bzip2 file; reading raises OSError or EOFError where it is damaged or cut."""
    return _PackedStreams(path, bz2.BZ2Decompressor, padded=False)


def open_xz(path: Path) -> io.RawIOBase:
    """The unpacked content of an xz file; reading raises lzma.LZMAError or EOFError where it is damaged or cut."""
    return _PackedStreams(path, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ), padded=True)
