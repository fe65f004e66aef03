"""What the messages of an Arrow file say of themselves, looked at before Arrow unpacks them: a few bytes may stand for
gigabytes, and no byte for any number of rows.

The format: https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc. Its
metadata are FlatBuffers: a table begins with the way back to a list of where its fields are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import NotThisFormError
from pipeline.formats import opening

MOST_BYTES = 1 << 28
"""Bytes that the buffers of a message may unpack to whatever they are packed in; more than that up to `MOST_TIMES`."""
MOST_TIMES = 100
MOST_ROWS = 1 << 20
"""Rows of a message that need no content, such as those of a column without a value."""

_FILE = b"ARROW1"  # at the beginning and the end of a file, but not of a stream
_CONTINUES = b"\xff\xff\xff\xff"  # before the length of a message, in all but old files
_DICTIONARY, _BATCH = 2, 3  # kinds of messages
_LONGEST_METADATA = 1 << 26


def require_bounded(path: Path) -> None:
    """Refuse a file, or a stream in a file, whose messages would unpack to more than fits their size.

    Raises:
        NotThisFormError: it would.
        ValueError: the metadata are damaged.
        OSError: it cannot be read.
    """
    with opening.opened(path) as file:
        try:
            places = _places_in_file(file) if file.read(len(_FILE)) == _FILE else _places_in_stream(file)
            for place in places:
                _require_bounded(file, place)
        except (struct.error, IndexError, OverflowError) as error:
            raise ValueError("damaged: its metadata point beyond their end") from error


@dataclass(frozen=True)
class _Message:
    """Where a message's body is, and the table that describes it; None of a schema."""

    body: int
    end: int
    batch: _FlatTable | None


class _FlatTable:
    """A table of FlatBuffers: what its fields hold, by their numbers."""

    def __init__(self, data: bytes, place: int) -> None:
        self._data, self._place = data, place
        self._fields = place - struct.unpack_from("<i", data, place)[0]

    def _field(self, number: int) -> int | None:
        """Where a field is; None where it has its default."""
        size = struct.unpack_from("<H", self._data, self._fields)[0]
        offset = 4 + 2 * number
        stated = struct.unpack_from("<H", self._data, self._fields + offset)[0] if offset + 2 <= size else 0
        return self._place + stated if stated else None

    def number(self, number: int, form: str) -> int:
        """A field that is a number of a form of `struct`."""
        place = self._field(number)
        return 0 if place is None else int(struct.unpack_from(f"<{form}", self._data, place)[0])

    def table(self, number: int) -> _FlatTable | None:
        place = self._field(number)
        return None if place is None else _FlatTable(self._data, place + self._way(place))

    def structs(self, number: int, form: str) -> Iterator[tuple[int, ...]]:
        """The items of a field that is a list of structs of a form of `struct`."""
        place = self._field(number)
        if place is not None:
            first = place + self._way(place)
            end = first + 4 + self._way(first) * struct.calcsize(f"<{form}")
            if end > len(self._data):
                raise IndexError
            yield from struct.iter_unpack(f"<{form}", self._data[first + 4 : end])

    def _way(self, place: int) -> int:
        return int(struct.unpack_from("<I", self._data, place)[0])


def _root(data: bytes) -> _FlatTable:
    return _FlatTable(data, struct.unpack_from("<I", data)[0])


def _places_in_file(file: BinaryIO) -> Iterator[int]:
    """Where the messages of a file are, by its last part."""
    end = file.seek(0, 2) - len(_FILE) - 4
    length = struct.unpack("<i", _bytes(file, end, 4))[0]
    last = _root(_bytes(file, end - length, length))
    for field in (_DICTIONARY, _BATCH):  # which are the numbers of the fields as well
        yield from (place for place, *_ in last.structs(field, "qi4xq"))


def _places_in_stream(file: BinaryIO) -> Iterator[int]:
    place: int | None = 0
    size = file.seek(0, 2)
    while place is not None and place < size:
        yield place
        message = _message(file, place)
        place = message.end if message is not None else None


def _message(file: BinaryIO, place: int) -> _Message | None:
    """The message that begins there; None at the end of a stream."""
    begins = _bytes(file, place, 8)
    prefix = 8 if begins.startswith(_CONTINUES) else 4
    length = struct.unpack_from("<i", begins, prefix - 4)[0]
    if length == 0:
        return None
    message = _root(_bytes(file, place + prefix, length))
    body = place + prefix + length
    kind, batch = message.number(1, "B"), message.table(2)
    if batch is not None and kind == _DICTIONARY:
        batch = batch.table(1)
    return _Message(body, body + max(0, message.number(3, "q")), batch if kind in (_DICTIONARY, _BATCH) else None)


def _require_bounded(file: BinaryIO, place: int) -> None:
    message = _message(file, place)
    if message is None or message.batch is None:
        return
    buffers = list(message.batch.structs(2, "qq"))
    packed = stated = sum(length for _, length in buffers)
    if message.batch.table(3) is not None:
        sizes = ((length, _bytes(file, message.body + at, 8)) for at, length in buffers if length > 8)
        stated = sum(max(length, struct.unpack("<q", size)[0]) for length, size in sizes)  # -1: this one is not packed
    if stated > max(MOST_BYTES, MOST_TIMES * packed):
        raise NotThisFormError(f"{packed:,} bytes would unpack to {stated:,}: refused")
    rows = message.batch.number(0, "q")
    if rows > max(MOST_ROWS, 8 * stated):
        raise NotThisFormError(f"{rows:,} rows are stated, and {stated:,} bytes of content: refused")


def _bytes(file: BinaryIO, place: int, length: int) -> bytes:
    if not 0 < length <= _LONGEST_METADATA or place < 0:
        raise IndexError
    file.seek(place)
    return file.read(length)
