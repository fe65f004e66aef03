"""Tables of others: CSV, TSV, JSON and pickles, as rows of named cells.

A row comes with its position in the file: the line of a CSV, the key of a mapping, the number of a list's item. In a
mapping every entry is a row: the key is the cell `@key`, and the entry's own fields are the others, or its value is
the cell `@value` where it is a number, a text or a list. Fields within a field are named `outer.inner`.
"""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from pipeline.errors import NotThisFormError, UserError, excerpt, from_os, unknown
from pipeline.formats import pickles
from pipeline.formats.fault import Fault
from pipeline.formats.json_objects import unique_keys

ContainerKind = Literal["csv", "json", "pickle"]
Cells = Mapping[str, object]

KEY, VALUE = "@key", "@value"


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
    if kind == "csv":
        return _csv_rows(path, delimiter)
    table = _json(path) if kind == "json" else _pickle(path, classes)
    return _entries(path, _descend(path, table, root))


def _csv_rows(path: Path, delimiter: str) -> Rows:
    with _text(path) as stream:
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            if not any(header):
                raise NotThisFormError(f"{path} has no header line: it is empty")
            twice = {name for name in header if header.count(name) > 1}
            if twice:
                raise NotThisFormError(f"{path}: its header names column '{min(twice)}' twice")
            for cells in reader:
                if cells:
                    yield f"line {reader.line_num}", _zipped(header, cells)
        except (csv.Error, UnicodeDecodeError, EOFError, zlib.error) as error:
            raise NotThisFormError(f"{path} is not a CSV (after line {reader.line_num}): {error}") from error
        except OSError as error:
            raise _unreadable(path, error) from error


def _zipped(header: list[str], cells: list[str]) -> Cells | Fault:
    if len(cells) != len(header):
        return Fault(f"{len(cells)} cells where the header has {len(header)}")
    return dict(zip(header, cells, strict=True))


def _text(path: Path) -> IO[str]:
    try:
        with path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        opener: Any = gzip.open if packed else open
        opened: IO[str] = opener(path, "rt", encoding="utf-8-sig", newline="")
    except OSError as error:
        raise _unreadable(path, error) from error
    return opened


def _unreadable(path: Path, error: OSError) -> UserError:
    if error.errno is None:  # gzip's, not the file system's
        return NotThisFormError(f"{path} is damaged: {error}")
    return from_os(error, f"reading {path}")


def _json(path: Path) -> object:
    with _text(path) as stream:
        try:
            return json.load(stream, object_pairs_hook=unique_keys)
        except (ValueError, EOFError, RecursionError, zlib.error) as error:
            raise NotThisFormError(f"{path} is not a JSON file: {error}") from error
        except OSError as error:
            raise _unreadable(path, error) from error


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
            raise unknown(f"key of {path.name}", key, map(str, table))
        table = table[key]
    return table


def _entries(path: Path, table: object) -> Rows:
    if isinstance(table, dict) and table:
        return ((f"key {_shown(key)}", {KEY: key, **_fields(entry)}) for key, entry in table.items())
    if isinstance(table, list) and table:
        return ((f"item {number}", _fields(entry)) for number, entry in enumerate(table, 1))
    what = f"empty {type(table).__name__}" if table in ({}, []) else type(table).__name__
    raise NotThisFormError(f"{path} holds a {what}, where a mapping or a list of rows is expected")


def _shown(key: object) -> str:
    return key[:150] if isinstance(key, str) else excerpt(key, 150)


def _fields(entry: object) -> dict[str, object]:
    if isinstance(entry, pickles.ForeignObject):
        entry = vars(entry)
    if not isinstance(entry, dict):
        return {VALUE: _plain(entry)}
    fields: dict[str, object] = {}
    for name, value in entry.items():
        if type(value) in (float, str):
            fields[str(name)] = value
        elif isinstance(value, dict | pickles.ForeignObject):
            fields.update({f"{name}.{inner}": v for inner, v in _fields(value).items()})
        else:
            fields[str(name)] = _plain(value)
    return fields


def _plain(value: object) -> object:
    return value.tolist() if isinstance(value, np.ndarray) else value
