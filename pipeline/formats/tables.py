"""Tables of others: CSV, TSV, JSON, Parquet and pickles, as rows of named cells.

A row comes with its position in the file: the line of a CSV, the key of a mapping, the number of a list's item. In a
mapping every entry is a row: the key is the cell `@key`, and the entry's own fields are the others, or its value is
the cell `@value` where it is a number, a text or a list. Fields within a field are named `outer.inner`.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Literal

import numpy as np

from pipeline.errors import NotThisFormError, UserError, excerpt, from_os, unknown
from pipeline.formats import json_objects, packed, pickles, signatures
from pipeline.formats.fault import Fault

ContainerKind = Literal["csv", "json", "pickle", "parquet"]
Cells = Mapping[str, object]

KEY, VALUE = "@key", "@value"

_MOST_CODES = 100  # of an architecture that is the key of its row

MOST_ELEMENTS = 100_000
"""Of a cell, written out; what refers to itself, or shares its parts, may have any number."""

_MOST_FIELDS = 20_000  # of a row
_DEEPEST = 50  # lists and mappings within one another
_PARQUET_ROWS = 20_000  # at a time
_LONGEST_LINE = 1 << 24  # characters
_EXPECTED = {"csv": "a CSV file", "json": "a JSON file", "pickle": "a pickle", "parquet": "a Parquet file"}
_SCALARS = {float, int, str, bool, type(None)}

Rows = Iterator[tuple[str, Cells | Fault]]
"""Position and cells of each row, or why it cannot be read."""


def rows(
    path: Path, kind: ContainerKind, *, delimiter: str = ",", root: Sequence[str] = (), classes: Sequence[str] = ()
) -> Rows:
    """The rows of a file with their positions, in the file's order; a CSV is streamed.

    Args:
        path: the file; `.gz` is unpacked.
        kind: the container.
        delimiter: between the cells of a CSV.
        root: keys that lead from the top of a JSON or pickle to the table.
        classes: classes ("package.module.Class") whose objects a pickle may hold; they are read as mappings.

    Raises:
        NotThisFormError: the file is not of that kind, damaged or empty.
        UserError: the file cannot be read.
    """
    if path.is_dir():
        raise NotThisFormError(f"{path} is a folder, where a {kind} file is expected")
    if path.is_file() and not path.stat().st_size:
        raise NotThisFormError(f"{path} is empty")
    _refuse_other(path, kind)
    if kind == "csv":
        return _csv_rows(path, delimiter)
    if kind == "parquet":
        return _parquet_rows(path)
    table = _json(path) if kind == "json" else _pickle(path, classes)
    return _entries(path, _descend(path, table, root))


def _refuse_other(path: Path, kind: ContainerKind) -> None:
    """Refuse a file whose first bytes say that it is of another kind; pickles and Parquet say so when they are read."""
    if kind in ("pickle", "parquet"):
        return
    try:
        line = signatures.instead(
            path, _EXPECTED[kind], *signatures.PACKINGS, *(["a JSON file"] if kind == "json" else [])
        )
    except OSError as error:
        raise from_os(error, f"reading {path}") from error
    if line:
        raise NotThisFormError(line)


def _csv_rows(path: Path, delimiter: str) -> Rows:
    with _text(path) as stream:
        reader = csv.reader(_lines(path, stream), delimiter=delimiter, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            if not any(header):
                raise NotThisFormError(f"{path} has no header line: it is empty")
            twice = [name for name, count in Counter(header).items() if count > 1]
            if twice:
                raise NotThisFormError(f"{path}: its header names column {excerpt(min(twice))} twice")
            for cells in reader:
                if cells:
                    yield f"line {reader.line_num}", _zipped(header, cells)
        except (csv.Error, UnicodeDecodeError, *packed.BROKEN) as error:
            raise NotThisFormError(f"{path} is not a CSV (after line {reader.line_num}): {error}") from error
        except OSError as error:
            raise _unreadable(path, error) from error


def _parquet_rows(path: Path) -> Rows:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_PARQUET_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield f"row {number}", _cells(row)
    except FileNotFoundError as error:
        raise from_os(error, f"reading {path}") from error
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = excerpt(" ".join(str(error).split()), 200, bare=True)
        raise NotThisFormError(f"{path} is not a Parquet file (after row {number}): {reason}") from error


def _lines(path: Path, stream: IO[str]) -> Iterator[str]:
    """The lines of a stream, each of a length that fits in memory."""
    try:
        while line := stream.readline(_LONGEST_LINE):
            if len(line) == _LONGEST_LINE:
                raise NotThisFormError(f"{path} is not a CSV: a line has more than {_LONGEST_LINE >> 20} Mi characters")
            yield line
    except NotThisFormError as error:
        raise error if str(path) in str(error) else NotThisFormError(f"{path} {error}") from error


def _zipped(header: list[str], cells: list[str]) -> Cells | Fault:
    if len(cells) != len(header):
        return Fault(f"{len(cells)} cells where the header has {len(header)}")
    return dict(zip(header, cells, strict=True))


def _text(path: Path) -> IO[str]:
    try:
        return io.TextIOWrapper(packed.open_unpacked(path, packed.MAX_BYTES), encoding="utf-8-sig", newline="")
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> UserError:
    if error.errno is None:  # the decompressor's, not the file system's
        return NotThisFormError(f"{path} is damaged: {error}")
    return from_os(error, f"reading {path}")


def _json(path: Path) -> object:
    try:
        return json_objects.loads(packed.content(path, packed.MAX_BYTES).decode("utf-8-sig"))
    except NotThisFormError as error:
        raise NotThisFormError(f"{path} is not a JSON file: {error}") from error
    except RecursionError as error:
        raise NotThisFormError(f"{path} is not a JSON file that can be read: it is nested too deeply") from error
    except ValueError as error:
        raise NotThisFormError(f"{path} is not a JSON file: {excerpt(str(error), 200, bare=True)}") from error


def _pickle(path: Path, classes: Sequence[str]) -> object:
    try:
        return pickles.load_path(path, {**pickles.NUMPY, **pickles.MAPPINGS, **pickles.foreign_classes(classes)})
    except NotThisFormError as error:
        raise NotThisFormError(f"{path}: {error}") from error


def _descend(path: Path, table: object, root: Sequence[str]) -> object:
    for key in root:
        if not isinstance(table, dict):
            raise NotThisFormError(f"{path}: there is no mapping where '{key}' is looked for")
        if key not in table:
            raise unknown(f"key of {path.name}", key, map(_shown, table))
        table = table[key]
    return table


def _entries(path: Path, table: object) -> Rows:
    if isinstance(table, dict) and table:
        return ((f"key {_shown(key)}", _cells(entry, key)) for key, entry in table.items())
    if isinstance(table, list) and table:
        return ((f"item {number}", _cells(entry)) for number, entry in enumerate(table, 1))
    what = f"empty {type(table).__name__}" if table in ({}, []) else type(table).__name__
    raise NotThisFormError(f"{path} holds a {what}, where a mapping or a list of rows is expected")


def _shown(key: object) -> str:
    if isinstance(key, str):
        return key[:150]
    codes = type(key) is tuple and len(key) <= _MOST_CODES and all(type(c) is int and abs(c) < 1 << 63 for c in key)
    return str(key)[:150] if codes else excerpt(key, 150)  # which takes as long as all else that is done with a row


class _BoundlessError(Exception):
    """What an entry holds has no end, or none that is near."""


def _cells(entry: object, key: object = None) -> Cells | Fault:
    """The cells of an entry, after its key where it has one."""
    try:
        return _fields(entry) if key is None else {KEY: _plain(key), **_fields(entry)}
    except _BoundlessError as error:
        return Fault(str(error))


def _fields(entry: object, depth: int = 1) -> dict[str, object]:
    if isinstance(entry, pickles.ForeignObject):
        entry = vars(entry)
    if not isinstance(entry, dict):
        return {VALUE: _plain(entry)}
    if depth > _DEEPEST:
        raise _BoundlessError(f"it refers to itself, or is nested more than {_DEEPEST} deep")
    fields: dict[str, object] = {}
    for given, value in entry.items():
        name = given if type(given) is str else excerpt(given, 150)
        if type(value) in (float, str):
            fields[name] = value
        elif isinstance(value, dict | pickles.ForeignObject):
            fields.update({f"{name}.{inner}": v for inner, v in _fields(value, depth + 1).items()})
            if len(fields) > _MOST_FIELDS:
                raise _BoundlessError(f"it has more than {_MOST_FIELDS:,} fields")
        else:
            fields[name] = value if type(value) is int else _plain(value)
    return fields


def _plain(value: object) -> object:
    """The value of a cell: arrays as lists, and nothing that has no end."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple) and set(map(type, value)) <= _SCALARS:
        return value
    count, waiting = 0, [(value, 0)]
    while waiting:
        part, depth = waiting.pop()
        if isinstance(part, pickles.ForeignObject):
            part = vars(part)
        if not isinstance(part, list | tuple | dict | set | frozenset):
            continue
        count += len(part)
        if count > MOST_ELEMENTS or depth > _DEEPEST:
            raise _BoundlessError(
                f"a cell refers to itself, or holds more than {MOST_ELEMENTS:,} values or {_DEEPEST} levels"
            )
        waiting.extend((member, depth + 1) for member in part)
        if isinstance(part, dict):
            waiting.extend((member, depth + 1) for member in part.values())
    return value
