"""Tables of others: CSV, TSV, JSON, JSON Lines, Parquet, pickles and torch files, as rows of named cells.

A row comes with its position in the file: the line of a CSV, the key of a mapping, the number of a list's item. In a
mapping every entry is a row: the key is the cell `@key`, and the entry's own fields are the others, or its value is
the cell `@value` where it is a number, a text or a list. Fields within a field are named `outer.inner`. Of a folder,
each file is such a table, and its name without the ending is the cell `@file`.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np

from pipeline.errors import NotThisFormError, UserError, excerpt, from_os, unknown
from pipeline.formats import json_objects, opening, packed, parquet_columns, pickles, signatures, torch_files
from pipeline.formats.fault import Fault
from pipeline.provenance import content_files

ContainerKind = Literal["csv", "json", "jsonl", "pickle", "parquet", "torch"]
Layout = Literal["rows", "columns", "row"]
Cells = Mapping[str, object]

KEY, VALUE, FILE = "@key", "@value", "@file"

_MOST_CODES = 100  # of an architecture that is the key of its row

MOST_ELEMENTS = 100_000
"""Of a cell, written out; what refers to itself, or shares its parts, may have any number."""

_MOST_FIELDS = 20_000  # of a row
_LONGEST_INDEX = 9  # digits of the number of an item
_DEEPEST = 50  # lists and mappings within one another
_LONGEST_LINE = 1 << 24  # characters
_EXPECTED = {
    "csv": "a CSV file", "json": "a JSON file", "jsonl": "a JSON Lines file", "pickle": "a pickle",
    "parquet": "a Parquet file", "torch": "a file of torch.save",
}  # fmt: skip
_SCALARS = {float, int, str, bool, type(None)}

Rows = Iterator[tuple[str, Cells | Fault]]
"""Position and cells of each row, or why it cannot be read."""


@dataclass(frozen=True)
class TableForm:
    """How a file holds a table.

    Args:
        kind: the container.
        delimiter: between the cells of a CSV.
        root: what leads from the top of a JSON, pickle or torch file to the table: keys, or the numbers of a list's
            items, from 0. Several pickles in one file are a list.
        classes: classes ("package.module.Class") whose objects a pickle may hold; they are read as mappings.
        layout: of a JSON, pickle or torch file: `rows` where each entry of the table is a row; `columns` where each
            entry is a column, a list or a mapping from a row's key to its cell; `row` where the table is one row.
        columns: the names of the cells where the table has none: of a CSV without a header, of rows that are lists.
        members: the files of a folder that are read, as a pattern.
    """

    kind: ContainerKind
    delimiter: str = ","
    root: Sequence[str] = ()
    classes: Sequence[str] = ()
    layout: Layout = "rows"
    columns: Sequence[str] = ()
    members: str = "*"


def rows(
    path: Path, kind: ContainerKind, *, delimiter: str = ",", root: Sequence[str] = (), classes: Sequence[str] = ()
) -> Rows:
    """The rows of a file by the fields of `TableForm` that most tables need; see `rows_of`."""
    return rows_of(path, TableForm(kind, delimiter, root, classes))


def rows_of(path: Path, form: TableForm) -> Rows:
    """The rows of a file with their positions, in the file's order; a CSV is streamed.

    Args:
        path: the file; `.gz`, `.bz2` and `.xz` are unpacked.
        form: how it holds the table.

    Raises:
        NotThisFormError: the file is not of that kind, damaged or empty.
        UserError: the file cannot be read.
    """
    if path.is_dir():
        raise NotThisFormError(f"{path} is a folder, where a {form.kind} file is expected")
    if path.is_file() and not path.stat().st_size:
        raise NotThisFormError(f"{path} is empty")
    _refuse_other(path, form.kind)
    if form.kind == "csv":
        return _csv_rows(path, form.delimiter, form.columns)
    if form.kind == "jsonl":
        return _json_lines(path, form.columns)
    if form.kind == "parquet":
        return _parquet_rows(path)
    load = {"json": _json, "pickle": _pickle, "torch": _torch}[form.kind]
    return _entries(path, _descend(path, load(path, form.classes), form.root), form)


def rows_of_folder(folder: Path, form: TableForm) -> Rows:
    """The rows of the files in a folder whose names fit, one file after another.

    Raises:
        NotThisFormError: no file fits, or one is of another form.
    """
    files = [path for path in content_files(folder) if path.match(form.members)]
    if not files:
        raise NotThisFormError(f"{folder} has no file {form.members}")
    for path in files:
        name = path.relative_to(folder).as_posix()
        for position, cells in rows_of(path, form):
            yield f"{name} {position}", cells if isinstance(cells, Fault) else {FILE: path.stem, **cells}


def _refuse_other(path: Path, kind: ContainerKind) -> None:
    """Refuse a file whose first bytes say that it is of another kind; the other kinds say so when they are read."""
    if kind not in ("csv", "json", "jsonl"):
        return
    try:
        line = signatures.instead(
            path, _EXPECTED[kind], *signatures.PACKINGS, *(["a JSON file"] if kind != "csv" else [])
        )
    except OSError as error:
        raise from_os(error, f"reading {path}") from error
    if line:
        raise NotThisFormError(line)


def _csv_rows(path: Path, delimiter: str, columns: Sequence[str] = ()) -> Rows:
    with _text(path) as stream:
        reader = csv.reader(_lines(path, stream), delimiter=delimiter, strict=True)
        try:
            header = list(columns) or [name.strip() for name in next(reader, [])]
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


def _json_lines(path: Path, columns: Sequence[str]) -> Rows:
    number = 0
    with _text(path) as stream:
        try:
            for number, line in enumerate(_lines(path, stream), 1):
                if line.strip():
                    yield f"line {number}", _cells(json_objects.loads(line), columns=columns)
        except NotThisFormError:
            raise
        except (ValueError, RecursionError, *packed.BROKEN) as error:
            reason = excerpt(str(error), 200, bare=True)
            raise NotThisFormError(f"{path} is not a JSON Lines file (line {number}): {reason}") from error
        except OSError as error:
            raise _unreadable(path, error) from error


def _parquet_rows(path: Path) -> Rows:
    import pyarrow as pa

    number = 0
    try:
        if path.exists():
            opening.refuse_special(path)
        with parquet_columns.opened(path) as file:
            names = file.schema_arrow.names
            if twice := [name for name, count in Counter(names).items() if count > 1]:
                raise NotThisFormError(f"{path} has two columns {excerpt(min(twice))}")
            for batch in parquet_columns.batches(file):
                for row in batch.to_pylist():
                    number += 1
                    yield f"row {number}", _cells(row)
    except NotThisFormError as error:
        raise error if str(path) in str(error) else NotThisFormError(f"{path}, after row {number}: {error}") from error
    except FileNotFoundError as error:
        raise from_os(error, f"reading {path}") from error
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = excerpt(" ".join(str(error).split()), 200, bare=True)
        raise NotThisFormError(f"{path} is not a Parquet file (after row {number}): {reason}") from error


def _lines(path: Path, stream: IO[str]) -> Iterator[str]:
    """The lines of a stream, each of a length that fits in memory."""
    try:
        while line := stream.readline(_LONGEST_LINE):
            if len(line) == _LONGEST_LINE:
                raise NotThisFormError(f"{path} has a line of more than {_LONGEST_LINE >> 20} Mi characters")
            yield line
    except NotThisFormError as error:
        raise error if str(path) in str(error) else NotThisFormError(f"{path} {error}") from error


def _zipped(header: Sequence[str], cells: Sequence[object]) -> Cells | Fault:
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


def _json(path: Path, _classes: Sequence[str]) -> object:
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
        objects = pickles.load_each_path(path, _allowed(classes))
    except pickles.RefusedClassError as error:
        advice = "if it has plain attributes alone, name it in `classes` of the mapping's [container]"
        raise NotThisFormError(f"{path}: {error}; {advice}") from error
    except NotThisFormError as error:
        raise NotThisFormError(f"{path}: {error}") from error
    return objects[0] if len(objects) == 1 else objects


def _torch(path: Path, classes: Sequence[str]) -> object:
    try:
        return torch_files.load(path, _allowed(classes))
    except NotThisFormError as error:
        raise NotThisFormError(f"{path}: {error}") from error


def _allowed(classes: Sequence[str]) -> pickles.Allowed:
    return {**pickles.NUMPY, **pickles.MAPPINGS, **pickles.foreign_classes(classes)}


def _descend(path: Path, table: object, root: Sequence[str]) -> object:
    for key in root:
        if isinstance(table, list | tuple) and key.isdecimal():
            if len(key) > _LONGEST_INDEX or int(key) >= len(table):
                raise NotThisFormError(
                    f"{path}: there are {len(table)} items where the one of number {key[:40]} is meant"
                )
            table = table[int(key)]
            continue
        if not isinstance(table, dict):
            raise NotThisFormError(f"{path}: there is no mapping where '{key}' is looked for")
        if key not in table:
            raise unknown(f"key of {path.name}", key, map(_shown, table))
        table = table[key]
    return table


def _entries(path: Path, table: object, form: TableForm) -> Rows:
    table = table.tolist() if isinstance(table, np.ndarray) else table
    if isinstance(table, dict | list | tuple) and table:
        if form.layout == "row":
            return iter([("the file", _cells(table, columns=form.columns))])
        if form.layout == "columns":
            return _across(path, table, form.columns)
        if isinstance(table, dict):
            return ((f"key {_shown(key)}", _cells(entry, key, form.columns)) for key, entry in table.items())
        return ((f"item {number}", _cells(entry, columns=form.columns)) for number, entry in enumerate(table, 1))
    empty = isinstance(table, dict | list | tuple)
    kind = type(table).__name__
    what = f"an empty {kind}" if empty else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    raise NotThisFormError(f"{path} holds {what}, where a mapping or a list of rows is expected")


def _across(path: Path, table: dict[object, object] | Sequence[object], names: Sequence[str]) -> Rows:
    """The rows of a table that is held column by column; what is neither a list nor a mapping is no column."""
    if names and not isinstance(table, dict) and len(names) != len(table):
        raise NotThisFormError(f"{path} has {len(table)} columns where {len(names)} are named")
    named = table.items() if isinstance(table, dict) else zip(names or map(str, range(len(table))), table, strict=True)
    columns = {
        name if isinstance(name, str) else excerpt(name, 150): c.tolist() if isinstance(c, np.ndarray) else c
        for name, c in named
        if isinstance(c, list | tuple | dict | np.ndarray)
    }
    if not columns:
        raise NotThisFormError(f"{path} holds no column: lists or mappings of cells are expected")
    keyed = {name: column for name, column in columns.items() if isinstance(column, dict)}
    if len(keyed) == len(columns):
        return _by_key(keyed)
    lengths = {name: len(column) for name, column in columns.items()}
    if keyed or len(set(lengths.values())) != 1:
        shown = ", ".join(f"{name} {length}" for name, length in [*lengths.items()][:8])
        raise NotThisFormError(
            f"{path}: columns of equal length are expected, all of them lists or all of them mappings; it has {shown}"
        )
    return (
        (f"item {number}", _cells(dict(zip(columns, cells, strict=True))))
        for number, cells in enumerate(zip(*columns.values(), strict=True), 1)
    )


def _by_key(columns: Mapping[str, dict[object, object]]) -> Rows:
    """The rows of columns that are mappings; a mapping that shares no key with the longest column is none."""
    longest = max(columns.values(), key=len)
    columns = {name: column for name, column in columns.items() if not longest.keys().isdisjoint(column)}
    for key in dict.fromkeys(key for column in columns.values() for key in column):
        cells = {name: column[key] for name, column in columns.items() if key in column}
        yield f"key {_shown(key)}", _cells(cells, key)


def _shown(key: object) -> str:
    if isinstance(key, str):
        return key[:150]
    codes = type(key) is tuple and len(key) <= _MOST_CODES and all(type(c) is int and abs(c) < 1 << 63 for c in key)
    return str(key)[:150] if codes else excerpt(key, 150)  # which takes as long as all else that is done with a row


class _BoundlessError(Exception):
    """What an entry holds has no end, or none that is near."""


def _cells(entry: object, key: object = None, columns: Sequence[str] = ()) -> Cells | Fault:
    """The cells of an entry, after its key where it has one; `columns` name those of a list."""
    try:
        if columns and isinstance(entry, list | tuple | np.ndarray):
            if len(entry) != len(columns):
                return Fault(f"{len(entry)} cells where {len(columns)} columns are named")
            entry = dict(zip(columns, entry, strict=True))
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
