"""The beginning of a foreign table of which nothing is known: its container, and its first rows."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice
from pathlib import Path

from pipeline.errors import NotThisFormError, UserError, excerpt
from pipeline.formats import sqlite_files, table_form, tables
from pipeline.formats.table_form import ANY, DELIMITERS, KEY, LEVEL, VALUE, Cells, Rows, TableForm
from pipeline.ingest.guessing import header_lines
from pipeline.ingest.guessing.kinds_of_files import kind_of

MOST_ROWS = 2_000
UNNAMED = "column"
"""With a number, what a column is called that has no name."""

ROW = "row"
"""The column with the number of the row, where the header has no name for it."""

_MOST_COLUMNS, _MOST_CELLS = 500, 200_000  # that are looked at
_MOST_SKIPPED = 5  # lines before a header that are guessed at
_MOST_KEYS = 10  # of a nested table, which are looked into
_DEEPEST = 2  # levels of several keys
_DEEPEST_PATH = 6  # levels of one key or several
_JSON_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
_HEADERS = (2, 3)  # lines of a header that are tried


@dataclass(frozen=True)
class TableSample:
    """The first rows of a table.

    Attributes:
        form: how the file holds the table.
        rows: position and cells of up to `MOST_ROWS` rows.
        path: the file.
        decimal: what stands before the decimals in the file; in the cells here it is a point.
        seed_of: of a folder, the cell that names file or folder, of which the cell "seed" is a part.
    """

    form: TableForm
    rows: Sequence[tuple[str, Cells]]
    path: Path = Path()
    decimal: str = "."
    seed_of: str = ""

    @cached_property
    def columns(self) -> list[str]:
        """The columns of the rows, those of the first row first."""
        return list(self._by_column)

    @cached_property
    def _by_column(self) -> dict[str, list[object]]:
        columns = defaultdict[str, list[object]](list)
        for name, cell in chain.from_iterable(cells.items() for _, cells in self.rows):
            columns[name].append(cell)
        return columns

    def values(self, column: str) -> Sequence[object]:
        """The cells of a column; rows without it are left out."""
        return self._by_column.get(column, ())


def samples(path: Path) -> Iterator[TableSample]:
    """The tables that a file may hold, the likeliest first; of nested mappings each level may be the table.

    Raises:
        NotThisFormError: the file is of no kind that is read, holds objects of foreign classes, or has no rows.
        UserError: it cannot be read.
    """
    kind = kind_of(path)
    if kind == "csv":
        yield _delimited(path)
        return
    if kind == "json" and path.name.lower().endswith(_JSON_LINES):
        yield _sample(_Table(path), TableForm("jsonl"))
        return
    if kind == "sqlite":
        yield from (_sample(_Table(path), TableForm("sqlite", table=name)) for name in sqlite_files.table_names(path))
        return
    table = _Table(path)
    try:
        if not tables.streamed(kind):
            table.load(TableForm(kind))
    except NotThisFormError:
        if kind != "json":
            raise
        with contextlib.suppress(UserError):
            lines = _sample(table, TableForm("jsonl"))
            if lines.rows and lines.columns:
                yield lines
                return
        raise
    yield from _nested(table, TableForm(kind))


def first_rows(path: Path, form: TableForm) -> TableSample:
    """The first rows of a file of a form; errors as in `tables.rows`."""
    return _sample(_Table(path), form)


def _nested(table: _Table, form: TableForm) -> Iterator[TableSample]:
    """The tables that a file of one object may hold, from the outermost level to the innermost."""
    whole: TableSample | None = None
    fault: UserError | None = None
    try:
        whole = _sample(table, form)
        yield whole
    except UserError as error:
        fault = error
    if form.kind in ("json", "pickle", "torch"):
        if whole is not None:
            yield from _laid_out(table, whole, None)
        for inner in _within(table, form, whole, 1):
            fault = None
            yield inner
        if whole is not None:
            with contextlib.suppress(UserError):
                yield _sample(table, replace(form, layout="row"))
    if fault is not None:
        raise fault


class _Table:
    """A file that several forms are tried on; its content is read once if it is one object, as with JSON."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._content: object = None
        self._loaded = False

    def load(self, form: TableForm) -> None:
        """Read the content; errors as in `tables.content_of`."""
        self._content, self._loaded = tables.content_of(self.path, form), True

    def rows(self, form: TableForm) -> Rows:
        """The rows; errors as in `tables.rows`."""
        if self._loaded and not tables.streamed(form.kind):
            return tables.rows_within(self.path, self._content, form)
        return tables.rows(self.path, form)


def _within(table: _Table, form: TableForm, outer: TableSample | None, depth: int) -> Iterator[TableSample]:
    """The tables that may be under each key of a table, and the one that those under all keys may make together."""
    keys = _keys(table, form)
    for layout in ("rows", "columns") if len(keys) > 1 else ():
        with contextlib.suppress(UserError):
            yield _of_each(table, replace(form, layout=layout), keys)
    filled: set[str] = set()
    for by_columns in _by_columns(table, form) if outer is None else ():  # an entry has too many fields for a row
        yield by_columns
        filled = {name for name in by_columns.columns if len(by_columns.values(name)) == len(by_columns.rows)}
    for key in keys:
        try:
            inner = _sample(table, replace(form, root=(*form.root, key)))
        except UserError:
            inner = None
        if inner is not None and outer is not None and _is_row(inner, outer):
            continue
        if inner is not None and VALUE in inner.columns and key in filled:
            continue  # a column of that table
        if inner is not None:
            yield inner
            yield from _laid_out(table, inner, outer)
        if depth < _DEEPEST and len(form.root) < _DEEPEST_PATH:
            deeper = depth + (1 if len(keys) > 1 else 0)
            yield from _within(table, replace(form, root=(*form.root, key)), inner, deeper)


def _is_row(inner: TableSample, outer: TableSample) -> bool:
    """Whether what is under a key is a row of the `outer` table: its keys are columns there, without long lists."""
    keys = {cells.get(KEY) for _, cells in inner.rows}
    if len(outer.rows) < 2 or VALUE not in inner.columns or not keys <= set(outer.columns):
        return False
    lengths = {len(cell) if isinstance(cell, list | tuple) else 0 for cell in inner.values(VALUE)}
    return len(lengths) > 1 or max(lengths) <= _MOST_KEYS


def _of_each(table: _Table, form: TableForm, keys: Sequence[str]) -> TableSample:
    """The tables under all keys read as one table, with equally many rows of each."""
    rows: list[tuple[str, Cells]] = []
    for key in keys:
        inner = _sample(table, replace(form, root=(*form.root, key)), whole=True)
        columns = {column.partition(".")[0] for column in inner.columns} - {KEY}
        if VALUE in columns or not inner.rows or (form.layout == "columns" and len(columns) < 2):
            raise NotThisFormError(f"{table.path}: under {key} is no table")
        rows += [(at, {f"{LEVEL}1": key, **cells}) for at, cells in inner.rows[: MOST_ROWS // len(keys)]]
    return TableSample(replace(form, root=(*form.root, ANY)), rows, table.path)


def _laid_out(table: _Table, sample: TableSample, outer: TableSample | None) -> Iterator[TableSample]:
    """The same table in other layouts: with names for the members of rows that are lists; with entries as columns."""
    widths = {_width(cells.get(VALUE)) for _, cells in sample.rows}
    if len(widths) == 1 and (width := widths.pop()) > 1:
        with contextlib.suppress(UserError):
            yield _sample(table, replace(sample.form, columns=_names(outer, width)))
    records = sample.rows and sample.rows[0][0].startswith("item ") and VALUE not in sample.columns
    if len(sample.rows) > 1 and not records:
        yield from _by_columns(table, sample.form)


def _by_columns(table: _Table, form: TableForm) -> Iterator[TableSample]:
    """The table with each entry read as a column, if it has two or more columns and these are not tables themselves."""
    with contextlib.suppress(UserError):
        sample = _sample(table, replace(form, layout="columns"))
        fields: dict[str, set[str]] = {}
        for outer, _, field in (column.partition(".") for column in sample.columns if column != KEY):
            fields.setdefault(outer, set()).add(field)
        first = next(iter(fields.values()), set())
        are_tables = KEY not in sample.columns and first != {""} and all(held == first for held in fields.values())
        if len(fields) > 1 and not are_tables:
            yield sample


def _width(cell: object) -> int:
    """The number of cells of a row that is a list; 0 if it is none, or is a list of rows."""
    if not isinstance(cell, list | tuple) or any(isinstance(member, dict) for member in cell):
        return 0
    return len(cell)


def _names(outer: TableSample | None, width: int) -> tuple[str, ...]:
    """Names for `width` columns: a list of as many texts beside the table, else their numbers."""
    for _, cells in outer.rows if outer else ():
        for cell in cells.values():
            names = cell if isinstance(cell, list | tuple) and len(cell) == width else ()
            if names and all(isinstance(name, str) and name for name in names) and len(set(names)) == width:
                return tuple(names)
    return tuple(f"{UNNAMED}{number}" for number in range(1, width + 1))


def _delimited(path: Path) -> TableSample:
    """The sample of a CSV, read with the delimiter that gives the most columns."""
    best, fault = _most_columns(path, [TableForm("csv", delimiter) for delimiter in DELIMITERS])
    if best is None or len(best.columns) < 2:  # lines before the header, comments, or blanks between cells
        forms = [
            TableForm("csv", delimiter, skip=skip, comment=comment)
            for delimiter in (*DELIMITERS, " ")
            for skip in range(_MOST_SKIPPED + 1)
            for comment in ("", "#")
        ]
        forms += [TableForm("csv", delimiter, header=header) for delimiter in DELIMITERS for header in _HEADERS]
        other, _ = _most_columns(path, forms)
        if other is not None and len(other.columns) > 1:
            best = _with_whole_header(other)
    if best is None or (fault is not None and len(best.columns) < 2):
        assert fault is not None
        raise fault
    if best.rows and len(best.columns) < 2:
        raise NotThisFormError(
            f"{path} is a text of one column, {excerpt(best.columns[0], 60)}, with whatever delimiter: write it as CSV"
        )
    if best.rows and header_lines.begins_with_a_row(best.columns, best.rows[0][1]):
        names = _names_above(best) or _names(None, len(best.columns))
        best = _sample(_Table(path), replace(best.form, columns=names))
    return _with_points(best)


def _names_above(sample: TableSample) -> tuple[str, ...]:
    """The names in the last of the skipped lines, if it names all columns but the first, as R writes numbered rows."""
    width = len(sample.columns)
    if not sample.form.skip or width < 3:
        return ()
    above = replace(sample.form, skip=sample.form.skip - 1, columns=_names(None, width - 1))
    with contextlib.suppress(UserError):
        for _, cells in _sample(_Table(sample.path), above).rows[:1]:
            names = [str(cell).strip() for cell in cells.values()]
            if all(names) and len({*names, ROW}) == width and not any(map(header_lines.is_number, names)):
                return (ROW, *names)
    return ()


def _with_whole_header(sample: TableSample) -> TableSample:
    """The sample of a CSV after skipped lines, or with these lines as a part of its header.

    They are a part of it if the last line alone names a column twice: then a line before says whose each column is.
    """
    table = _Table(sample.path)
    nameless = any(map(header_lines.is_number, sample.columns))
    for skip in range(sample.form.skip):
        before = replace(sample.form, skip=skip)
        try:
            _sample(table, before)
        except tables.RepeatedColumnError as error:
            for header in _HEADERS if error.column or nameless else ():
                with contextlib.suppress(UserError):
                    whole = _sample(table, replace(before, header=header))
                    if (
                        whole.rows
                        and len(whole.columns) == len(sample.columns)
                        and not header_lines.has_numbers_of_rows(whole.columns, [cells for _, cells in whole.rows])
                    ):
                        return whole
            if nameless and error.column:
                raise
        except UserError:
            continue
    return sample


def _most_columns(path: Path, forms: Sequence[TableForm]) -> tuple[TableSample | None, NotThisFormError | None]:
    """The sample of the form that gives the most columns, and the error of the first form that does not fit."""
    read: list[TableSample] = []
    fault: NotThisFormError | None = None
    for form in forms:
        try:
            read.append(_sample(_Table(path), form, whole=form.skip > 0 or bool(form.comment) or form.delimiter == " "))
        except tables.EndlessTextError:
            raise
        except NotThisFormError as error:
            fault = fault or error
        except UserError:
            if not form.skip:
                raise
    best = max(read, key=lambda sample: len(sample.columns) if sample.rows else 0, default=None)
    return best, fault


def _with_points(sample: TableSample) -> TableSample:
    """The sample of a table that writes decimals after a comma, with points in its numbers."""
    if sample.form.delimiter == "," or not sample.rows:
        return sample
    columns = {
        column
        for column in sample.columns
        if header_lines.have_commas([cell for cell in map(str, sample.values(column)) if cell.strip()])
    }
    if not columns:
        return sample
    rows = [(at, {n: _with_point(c) if n in columns else c for n, c in cells.items()}) for at, cells in sample.rows]
    return replace(sample, rows=rows, decimal=",")


def _with_point(cell: object) -> object:
    return str(cell).replace(",", ".") if header_lines.COMMA.fullmatch(str(cell)) else cell


def _keys(table: _Table, form: TableForm) -> list[str]:
    """The keys of a table, or the numbers of its items from 0; none if there are more than a few."""
    try:
        positions = [position for position, _ in islice(table.rows(form), _MOST_KEYS + 1)]
    except UserError:
        return []
    if len(positions) > _MOST_KEYS:
        return []
    parted = [position.partition(" ") for position in positions]
    return [str(int(name) - 1) if what == "item" else name for what, _, name in parted]


def _sample(table: _Table, form: TableForm, *, whole: bool = False) -> TableSample:
    """The first rows; a row that cannot be read is left out, or refused where `whole` is true."""
    rows: list[tuple[str, Cells]] = []
    most = MOST_ROWS
    for position, cells in islice(table.rows(form), MOST_ROWS):
        if isinstance(cells, table_form.Unreadable):
            if whole:
                raise NotThisFormError(f"{table.path}: {position}: {cells}")
            continue
        if not rows:
            columns = max(len(cells), 1)
            if columns > _MOST_COLUMNS:
                raise UserError(
                    f"{table.path} has {columns:,} columns, of which at most {_MOST_COLUMNS} are guessed at: write the "
                    "mapping by hand, see docs/mapping-reference.md"
                )
            most = min(MOST_ROWS, _MOST_CELLS // columns)
        rows.append((position, cells))
        if len(rows) >= most:
            break
    if not rows and not form.root and form.kind != "csv":
        raise NotThisFormError(f"{table.path} holds no rows")
    return TableSample(form, rows, table.path)
