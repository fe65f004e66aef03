"""The beginning of a foreign table of which nothing is known: its container, and its first rows."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from pipeline.errors import NotThisFormError, UserError, from_os
from pipeline.formats import numbers, packed, signatures, tables
from pipeline.formats.fault import Fault
from pipeline.formats.tables import Cells, ContainerKind, TableForm

MOST_ROWS = 2_000
UNNAMED = "column"
"""With a number, what a column is called that has no name."""

_MOST_COLUMNS, _MOST_CELLS = 500, 200_000  # that are looked at
_DELIMITERS = (",", "\t", ";", "|")
_KINDS: dict[str, ContainerKind] = {
    signatures.PICKLE.name: "pickle", signatures.JSON.name: "json", signatures.CHECKPOINT.name: "torch"
}  # fmt: skip
_TAKEN = "a CSV, TSV, JSON or Parquet file, a pickle or a file of torch.save"
_MOST_KEYS = 10  # of a nested table, which are looked into
_DEEPEST = 2  # levels of keys
_JSON_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
_COMMA = re.compile(r"[+-]?\d+,\d+")


@dataclass(frozen=True)
class TableSample:
    """The first rows of a table.

    Attributes:
        form: how the file holds the table.
        rows: position and cells of up to `MOST_ROWS` rows.
        decimal: what stands before the decimals in the file; in the cells here it is a point.
    """

    form: TableForm
    rows: Sequence[tuple[str, Cells]]
    decimal: str = "."

    @property
    def columns(self) -> list[str]:
        """The columns of the first row, in the order of the file."""
        return list(self.rows[0][1])

    def values(self, column: str) -> list[object]:
        """The cells of a column; rows without it are left out."""
        return [cells[column] for _, cells in self.rows if column in cells]


def samples(path: Path) -> Iterator[TableSample]:
    """What may be the table in a file, the likeliest first: of nested mappings, each level may be.

    Raises:
        NotThisFormError: the file is none of `_TAKEN`, holds objects of somebody's classes, or has no rows.
        UserError: it cannot be read.
    """
    kind = _kind(path)
    if kind == "csv":
        yield _delimited(path)
        return
    if kind == "json" and path.name.lower().endswith(_JSON_LINES):
        yield _sample(path, TableForm("jsonl"))
        return
    try:
        whole = _sample(path, TableForm(kind))
    except NotThisFormError:
        if kind != "json":
            raise
        with contextlib.suppress(UserError):
            lines = _sample(path, TableForm("jsonl"))
            if lines.rows and lines.columns:
                yield lines
                return
        raise
    yield whole
    if kind != "parquet":
        yield from _laid_out(path, whole, None)
        yield from _within(path, whole, 1)


def _within(path: Path, outer: TableSample, depth: int) -> Iterator[TableSample]:
    """What may be the table under a key of another."""
    for key in _keys(path, outer.form):
        try:
            inner = _sample(path, replace(outer.form, root=(*outer.form.root, key)))
        except UserError:
            continue
        yield inner
        yield from _laid_out(path, inner, outer)
        if depth < _DEEPEST:
            yield from _within(path, inner, depth + 1)


def _laid_out(path: Path, sample: TableSample, outer: TableSample | None) -> Iterator[TableSample]:
    """The same table with names for rows that are lists, and read as columns."""
    forms = [replace(sample.form, layout="columns")] if len(sample.rows) > 1 else []
    widths = {_width(cells.get(tables.VALUE)) for _, cells in sample.rows}
    if len(widths) == 1 and (width := widths.pop()) > 1:
        forms.insert(0, replace(sample.form, columns=_names(outer, width)))
    for form in forms:
        try:
            yield _sample(path, form)
        except UserError:
            continue


def _width(cell: object) -> int:
    """The cells of a row that is a list; 0 of what is none, as a list of rows."""
    if not isinstance(cell, list | tuple) or any(isinstance(member, dict) for member in cell):
        return 0
    return len(cell)


def _names(outer: TableSample | None, width: int) -> tuple[str, ...]:
    """Names of so many columns: a list of them beside the table, or their numbers."""
    for _, cells in outer.rows if outer else ():
        for cell in cells.values():
            names = cell if isinstance(cell, list | tuple) and len(cell) == width else ()
            if names and all(isinstance(name, str) and name for name in names) and len(set(names)) == width:
                return tuple(names)
    return tuple(f"{UNNAMED}{number}" for number in range(1, width + 1))


def _delimited(path: Path) -> TableSample:
    """The sample of a CSV by the delimiter that gives most columns; quoted cells can be read with the right one alone.

    Raises:
        NotThisFormError: it can be read with none.
    """
    read: list[TableSample] = []
    errors: list[NotThisFormError] = []
    for delimiter in _DELIMITERS:
        try:
            read.append(_sample(path, TableForm("csv", delimiter)))
        except NotThisFormError as error:
            errors.append(error)
    if not read:
        raise errors[0]
    best = max(read, key=lambda sample: len(sample.columns) if sample.rows else 0)
    if best.rows and any("." in name and numbers.as_float(name) is not None for name in best.columns):
        best = _sample(path, replace(best.form, columns=_names(None, len(best.columns))))  # its first line is a row
    return _with_points(best)


def _with_points(sample: TableSample) -> TableSample:
    """The sample of a table that writes decimals after a comma, with points in its numbers."""
    if sample.form.delimiter == "," or not sample.rows:
        return sample
    columns = [
        column
        for column in sample.columns
        if (cells := [c for c in map(str, sample.values(column)) if c.strip()]) and all(map(_COMMA.fullmatch, cells))
    ]
    if not columns:
        return sample
    rows = [
        (at, {n: str(c).replace(",", ".") if n in columns else c for n, c in row.items()}) for at, row in sample.rows
    ]
    return replace(sample, rows=rows, decimal=",")


def _keys(path: Path, form: TableForm) -> list[str]:
    """The keys, or the numbers of the items, of a table with few entries."""
    positions = [position for position, _ in islice(tables.rows_of(path, form), _MOST_KEYS + 1)]
    if len(positions) > _MOST_KEYS:
        return []
    parted = [position.partition(" ") for position in positions]
    return [str(int(name) - 1) if what == "item" else name for what, _, name in parted]


def _kind(path: Path) -> ContainerKind:
    if path.is_dir():
        raise UserError(f"{path} is a folder: name a file in it; a mapping of one of its files reads the folder, too")
    if not path.exists():
        raise UserError(f"{path} does not exist")
    try:
        with packed.open_unpacked(path) as stream:
            head = stream.read(signatures.HEAD)
    except OSError as error:
        if error.errno is None:
            raise NotThisFormError(f"{path} is damaged: {error}") from error
        raise from_os(error, f"reading {path}") from error
    except packed.BROKEN as error:
        raise NotThisFormError(f"{path}: {packed.damaged(error)}") from error
    if (begun := head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]) and begun in b"[{":
        return "json"
    if head.startswith(b"PAR1"):
        return "parquet"
    form = signatures.identified(head)
    if form is None:
        return "csv"
    if form.name not in _KINDS:
        raise NotThisFormError(signatures.said(str(path), form, _TAKEN))
    return _KINDS[form.name]


def _sample(path: Path, form: TableForm) -> TableSample:
    rows = tables.rows_of(path, form)
    good = ((position, cells) for position, cells in rows if not isinstance(cells, Fault))
    first = list(islice(good, 1))
    columns = max(len(first[0][1]), 1) if first else 1
    if columns > _MOST_COLUMNS:
        raise UserError(
            f"{path} has {columns:,} columns, of which at most {_MOST_COLUMNS} are guessed at: write the mapping by "
            "hand, see docs/mapping-reference.md"
        )
    most = min(MOST_ROWS, _MOST_CELLS // columns)
    sample = TableSample(form, [*first, *islice(good, most - 1)])
    if not sample.rows and not form.root and form.kind != "csv":
        raise NotThisFormError(f"{path} holds no rows")
    return sample
