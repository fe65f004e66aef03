"""TFRecord files: length-prefixed records whose length and data each carry a masked CRC-32C.

A frame is the data's length (8 bytes, little-endian), the length's checksum (4), the data, and the data's checksum (4);
the mask is TensorFlow's: rotate right by 15 bits, add 0xa282ead8 (tensorflow/core/lib/hash/crc32c.h).

The walk over a file looks at the headers alone and gives spans of whole frames, which can be read elsewhere, in another
process. After a damaged header, reading continues at the next valid frame.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import google_crc32c

from pipeline.errors import NotThisFormError, from_os
from pipeline.formats import opening

_HEADER = struct.Struct("<QI")
_CHECKSUM = 4
_AROUND = _HEADER.size + _CHECKSUM
_READ_AHEAD = 1 << 20
_SPAN = 4 << 20
_SEARCHED_AT_FIRST = 1 << 12  # bytes in which the next record is looked for; more each time that none is found
_HASHED = 4  # times the bytes of a file that its searches hash: headers may be sound and overlap, each at the next byte

_MORE_THAN_ZEROS = re.compile(rb"[^\0]")


class Span(NamedTuple):
    """Whole frames, from the byte `start` of a file to before the byte `stop`."""

    start: int
    stop: int


class TFRecord(NamedTuple):
    """The data of a frame that begins at the byte `offset`."""

    offset: int
    data: bytes


class Damage(NamedTuple):
    """Bytes that hold no sound record, from `offset` on, and what is wrong with them."""

    offset: int
    reason: str


def masked_crc(data: bytes) -> int:
    """The checksum of a length or of data."""
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def is_tfrecord(path: Path) -> bool:
    """Whether a file begins with the header of a record.

    Raises:
        UserError: it cannot be read.
    """
    try:
        with opening.opened(path) as stream:
            return _length(stream.read(_HEADER.size)) is not None
    except OSError as error:
        raise from_os(error, f"reading {path}") from error


def spans(path: Path, size: int = _SPAN) -> Iterator[Span | Damage]:
    """Walk over the headers of a file.

    Args:
        size: bytes after which a span ends; it is longer where a single record is.

    Raises:
        NotThisFormError: there is no sound record in it.
        UserError: it cannot be read.
    """
    try:
        with opening.opened(path, _READ_AHEAD) as stream:
            yield from _walk(stream, path, size)
    except OSError as error:
        raise from_os(error, f"reading {path}") from error


def read(path: Path, span: Span) -> Iterator[TFRecord | Damage]:
    """The records of a span, whose headers are sound; one whose data do not have their checksum is damaged.

    Raises:
        UserError: the file cannot be read, or has changed since the walk.
    """
    try:
        with opening.opened(path) as stream:
            stream.seek(span.start)
            block = stream.read(span.stop - span.start)
    except OSError as error:
        raise from_os(error, f"reading {path}") from error
    offset = 0
    while offset < len(block):
        at, begin = span.start + offset, offset + _HEADER.size
        length = int.from_bytes(block[offset : offset + 8], "little")
        offset = begin + length + _CHECKSUM
        if offset > len(block):
            raise NotThisFormError(f"{path} has changed while it was read: run the same command again")
        data = block[begin : begin + length]
        if masked_crc(data) == int.from_bytes(block[begin + length : offset], "little"):
            yield TFRecord(at, data)
        else:
            yield Damage(at, f"the checksum of the record's {length} bytes does not fit them")


def _walk(stream: BinaryIO, path: Path, size: int) -> Iterator[Span | Damage]:
    end = path.stat().st_size
    start = offset = last = 0
    search = _Search(stream, end)
    if not end:
        raise NotThisFormError(f"{path} is empty")
    while offset < end:
        stream.seek(offset)
        length = _length(stream.read(_HEADER.size))
        if length is not None and offset + length + _AROUND <= end:
            last, offset = offset, offset + length + _AROUND
            if offset - start >= size:
                yield Span(start, offset)
                start = offset
            continue
        # Where bytes were lost within the record before, its end is not where its length says, but earlier.
        resumed = search.next_sound(offset + 1 if offset == 0 or search.is_sound(last) else last + 1)
        if resumed is None and offset == 0:
            raise NotThisFormError(f"{path} is not a TFRecord file: no sound record is in it")
        if offset > start:
            yield Span(start, offset)
        if resumed is None or resumed > offset:
            yield Damage(offset, _reason(length, end - offset, resumed, search.given_up))
        start = offset = end if resumed is None else resumed
    if offset > start:
        yield Span(start, offset)


def _reason(length: int | None, left: int, resumed: int | None, given_up: bool) -> str:
    after = "no sound record follows" if resumed is None else f"the next sound record is at byte {resumed}"
    if given_up:
        after = "too much of the file looks like a header to look for another sound record"
    if length is not None:
        return f"the file ends after {left} of the {length + _AROUND} bytes of this record; {after}"
    if left < _HEADER.size:
        return f"the file ends after {left} of the {_HEADER.size} bytes of a record's header"
    return f"no record's header is here (the checksum of the length does not fit it); {after}"


def _length(header: bytes) -> int | None:
    """The length that a header states, or None where it is no header."""
    if len(header) < _HEADER.size:
        return None
    length, checksum = _HEADER.unpack(header)
    return int(length) if masked_crc(header[:8]) == checksum else None


class _Search:
    """Looks for sound frames in a file of `end` bytes, until it has hashed several times as many.

    Attributes:
        given_up: whether it has.
    """

    def __init__(self, stream: BinaryIO, end: int) -> None:
        self._stream, self._end, self._left = stream, end, _HASHED * end
        self.given_up = False

    def is_sound(self, offset: int) -> bool:
        self._stream.seek(offset)
        length = _length(self._stream.read(_HEADER.size))
        if length is None or offset + length + _AROUND > self._end:
            return False
        self._left -= length
        if self._left < 0:
            self.given_up = True
            return False
        data = self._stream.read(length)
        return masked_crc(data) == int.from_bytes(self._stream.read(_CHECKSUM), "little")

    def next_sound(self, offset: int) -> int | None:
        """Where the first sound frame from `offset` on begins.

        The search stops at four zero bytes, the upper half of the length of any record below 4 GB: text has none.
        """
        size = min(_SEARCHED_AT_FIRST, _READ_AHEAD)
        while offset + _AROUND <= self._end and not self.given_up:
            self._stream.seek(offset)
            window = self._stream.read(size)
            for place in _headers(window, self._end - offset):
                if self.is_sound(offset + place):
                    return offset + place
                if self.given_up:
                    return None
            # A header that the window's end cuts is seen whole in the next.
            offset += max(1, len(window) - _HEADER.size + 1)
            size = min(2 * size, _READ_AHEAD)
        return None


def _headers(window: bytes, left: int) -> Iterator[int]:
    """Where sound headers of records that fit in the `left` bytes begin in a window; none is of zeros alone."""
    place = 0
    while (zeros := window.find(bytes(4), place + 4)) >= 0:
        place = zeros - 4
        header = window[place : place + _HEADER.size]
        if not any(header):
            more = _MORE_THAN_ZEROS.search(window, place)
            if more is None:
                return
            place = more.start() - _HEADER.size + 1
            header = window[place : place + _HEADER.size]
        length = int.from_bytes(header[:4], "little")
        if place + length + _AROUND <= left and _length(header) is not None:
            yield place
        place += 1
