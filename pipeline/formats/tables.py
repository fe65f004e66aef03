"""Tables of others, as rows of named cells, whatever container holds them: `ContainerKind` lists those that are read.

A row comes with its position in the file: the line of a CSV, the key of a mapping, the number of a list's item. In a
mapping every entry is a row: the key is the cell `@key`, and the entry's own fields are the others, or its value is
the cell `@value` where it is a number, a text or a list. Fields within a field are named `outer.inner`. Where a root
leads through every key of a mapping, the keys are the cells `@1`, `@2`, and the fields beside what it leads to
`@1.NAME`. Of a folder, each file is such a table; its name without the ending is the cell `@file`, and the folder
within the folder that it is in `@folder`.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO

from pipeline.errors import NotThisFormError, UserError, column_named, excerpt, from_os
from pipeline.formats import (
    cells_of_entries,
    json_objects,
    nested_tables,
    numpy_files,
    object_bounds,
    packed,
    pickles,
    signatures,
    sqlite_files,
    torch_files,
)
from pipeline.formats.table_form import FILE, FOLDER, LEVEL, Cells, ContainerKind, Rows, TableForm, Unreadable
from pipeline.provenance import content_files
from pipeline.wording import count_of, with_article

_LONGEST_LINE = 1 << 24  # characters
_MOST_EMPTY = 1_000_000  # lines without a row: a few bytes of a packed file stand for any number of them
_LONGEST_NESTED = 1 << 17  # characters of a cell whose text is JSON
_PACKABLE = ("csv", "json", "jsonl")
_EXPECTED = {
    "csv": "a CSV file", "json": "a JSON file", "jsonl": "a JSON Lines file", "parquet": "a Parquet file",
    "arrow": "an Arrow file", "numpy": "an .npy or .npz file", "sqlite": "an SQLite database",
}  # fmt: skip
_TAKEN = {"jsonl": (_EXPECTED["json"],), "numpy": (signatures.ARRAY, signatures.ARRAYS)}
"""Names of accepted forms, for kinds where they differ from `_EXPECTED`."""


class EndlessTextError(NotThisFormError):
    """A text with a line, or with lines that hold no row, of more than any table has: whatever is looked for in it."""


class RepeatedColumnError(NotThisFormError):
    """The header of a CSV names the `column` twice."""

    def __init__(self, path: Path, column: str) -> None:
        super().__init__(
            f"{path}: its header names column {excerpt(column)} twice: say `header = 2` where it has two lines, else "
            "leave it out with `skip` and name the columns with `columns`"
        )
        self.column = column


def rows(path: Path, form: TableForm) -> Rows:
    """The rows of a file, packed or not, with their positions, in the file's order; a CSV is streamed.

    Raises:
        NotThisFormError: the file is not of that kind, damaged or empty.
        UserError: the file cannot be read.
    """
    if path.is_dir():
        raise NotThisFormError(f"{path} is a folder, where {with_article(form.kind)} file is expected")
    if path.is_file() and not path.stat().st_size:
        raise NotThisFormError(f"{path} is empty")
    _refuse_other(path, form.kind)
    streamed = _STREAMED.get(form.kind)
    outer = replace(form, objects=[name.removeprefix(f"{LEVEL}1.") for name in form.objects]) if form.root else form
    table_rows = streamed(path, outer) if streamed else rows_within(path, content_of(path, form), form)
    table_rows = _unfolded(table_rows, form) if form.nested else table_rows
    return _each_record(table_rows, form.root[-1], form) if streamed and form.root else table_rows


def content_of(path: Path, form: TableForm) -> object:
    """The object of mappings and lists in a file whose kind is not `streamed`; raises the errors of `rows`."""
    if form.kind == "numpy":
        return numpy_files.load(path)
    return _json(path) if form.kind == "json" else _unpickled(path, form)


def rows_within(path: Path, content: object, form: TableForm) -> Rows:
    """The rows of the table in such an object."""
    if form.kind == "numpy":
        form = replace(form, layout="columns" if isinstance(content, dict) else "rows")
    return nested_tables.rows(path, content, form)


def streamed(kind: ContainerKind) -> bool:
    """Whether the rows of such a file are read one after another."""
    return kind in _STREAMED


def rows_of_folder(folder: Path, form: TableForm, others: Sequence[Path] = ()) -> Rows:
    """The rows of the files in a folder whose names fit, but for `others`, one file after another.

    Raises:
        NotThisFormError: no file fits, or one is of another form.
    """
    files = [path for path in content_files(folder) if path.match(form.members) and path not in others]
    if not files:
        raise NotThisFormError(f"{folder} has no file {form.members}")
    for path in files:
        name = path.relative_to(folder)
        place = {FILE: path.stem, FOLDER: "" if name.parent == Path() else name.parent.as_posix()}
        for position, cells in rows(path, form):
            yield f"{name.as_posix()} {position}", cells if isinstance(cells, Unreadable) else {**place, **cells}


def _refuse_other(path: Path, kind: ContainerKind) -> None:
    """Refuse a file whose first bytes say that it is of another kind; pickles say so when they are read."""
    if kind not in _EXPECTED or not (path.exists() or kind in _PACKABLE):
        return
    packings = signatures.PACKINGS if kind in _PACKABLE else ()
    try:
        line = signatures.instead(path, _EXPECTED[kind], *packings, *_TAKEN.get(kind, (_EXPECTED[kind],)))
    except OSError as error:
        raise from_os(error, f"reading {path}") from error
    if line:
        raise NotThisFormError(line)


def _unfolded(table_rows: Rows, form: TableForm) -> Rows:
    """The rows with the columns whose text is JSON, or a literal of Python, as what it says."""
    for position, cells in table_rows:
        if isinstance(cells, Unreadable):
            yield position, cells
            continue
        try:
            said = {name: _literal(cells[name], name) for name in form.nested if name in cells}
            others = {name: cell for name, cell in cells.items() if name not in said}
            yield position, cells_of_entries.joined(others, cells_of_entries.fields(said, objects=form.objects))
        except (UserError, cells_of_entries.EntryError) as error:
            yield position, Unreadable(str(error))


def _each_record(table_rows: Rows, column: str, form: TableForm) -> Rows:
    """A row for each record of the list in a column, with the other cells of its row as `@1.NAME`."""
    for position, cells in table_rows:
        records = cells.get(column, ()) if not isinstance(cells, Unreadable) else ()
        if isinstance(cells, Unreadable):
            yield position, cells
        elif column not in cells:
            yield position, Unreadable(f"no '{column}' in this row")
        elif not isinstance(records, list | tuple):
            yield position, Unreadable(f"{column_named(column)} holds {excerpt(records, 60)}, where a list is expected")
        else:
            beside = {f"{LEVEL}1.{name}": cell for name, cell in cells.items() if name != column}
            for number, record in enumerate(records, 1):
                own = cells_of_entries.cells(record, None, form.columns, form.objects)
                yield f"{position}, item {number}", own if isinstance(own, Unreadable) else {**beside, **own}


def _literal(cell: object, column: str) -> object:
    """What a text says as JSON, or as a literal of Python; an empty one nothing."""
    if not isinstance(cell, str):
        return cell
    if not cell.strip():
        return None
    if len(cell) <= _LONGEST_NESTED:
        try:
            return json_objects.loads_or_literal(cell)
        except json_objects.RepeatedKeyError as error:
            raise UserError(f"{column_named(column)} holds {excerpt(cell, 60)}: {error}") from error
        except ValueError:
            pass
    raise UserError(f"{column_named(column)} holds {excerpt(cell, 60)}, where JSON or a literal of Python is expected")


def _csv_rows(path: Path, form: TableForm) -> Rows:
    with _text(path) as stream:
        lines = _CsvLines(path, _lines(path, stream), form)
        reader = csv.reader(lines, delimiter=form.delimiter, strict=True)
        records = lines.told(reader)
        try:
            header = list(form.columns) or _header(path, list(islice(records, form.header)))
            width, header = len(header), _without_nameless_end(header)
            if not any(header):
                raise NotThisFormError(f"{path} has no header line: it is empty")
            twice = [name for name, count in Counter(header).items() if count > 1]
            if twice:
                raise RepeatedColumnError(path, min(twice))
            for number, cells in enumerate(filter(None, records)):
                if number == 0 and not any(cell.strip() for cell in cells[width:]):
                    width = max(width, len(cells))  # each line ends with delimiters that the header's does not have
                is_ended = len(cells) == width > len(header) and not any(map(str.strip, cells[len(header) :]))
                named = cells[: len(header)] if is_ended else cells
                yield f"line {reader.line_num + lines.left_out}", _zipped(header, named)
        except UnicodeDecodeError as error:
            line = reader.line_num + lines.left_out
            raise NotThisFormError(
                f"{path} is not a CSV in UTF-8 (after line {line}: a byte {error.object[error.start]:#04x}): save it "
                "in UTF-8"
            ) from error
        except (csv.Error, *packed.BROKEN) as error:
            line = reader.line_num + lines.left_out
            raise NotThisFormError(f"{path} is not a CSV (after line {line}): {error}") from error
        except OSError as error:
            raise _unreadable(path, error) from error


class _CsvLines:
    """The lines of a CSV, but for those before its header and the comments; `left_out` counts these."""

    def __init__(self, path: Path, lines: Iterator[str], form: TableForm) -> None:
        self.left_out = 0
        self._within_record = False
        self._path = path
        self._lines = self._kept(lines, form) if form.skip or form.comment else lines
        if form.delimiter == " ":
            self._lines = map(self._without_blanks, self._lines)

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def told(self, reader: Iterable[list[str]]) -> Iterator[list[str]]:
        """The records of the reader of these lines, which cannot know where one ends: a cell in quotes has lines, too,
        and those are no comments.
        """
        for cells in reader:
            self._within_record = False
            yield cells

    def _without_blanks(self, line: str) -> str:
        short = f"{' '.join(line.split())}\n"
        if len(line) - len(short) > csv.field_size_limit():
            raise EndlessTextError(f"{self._path} has a line of {len(line):,} characters, most of them blanks")
        return short

    def _kept(self, lines: Iterator[str], form: TableForm) -> Iterator[str]:
        for number, line in enumerate(lines):
            if number < form.skip or (form.comment and not self._within_record and line.startswith(form.comment)):
                self.left_out += 1
                if self.left_out > form.skip + _MOST_EMPTY:
                    raise EndlessTextError(f"{self._path} has more than {_MOST_EMPTY:,} lines of comments")
            else:
                self._within_record = True
                yield line


def _without_nameless_end(header: list[str]) -> list[str]:
    """The header without the columns at its end that have no name, if there are several: a spreadsheet adds such."""
    named = len(header)
    while named and not header[named - 1]:
        named -= 1
    return header[:named] if len(header) - named > 1 else header


def _header(path: Path, lines: Sequence[Sequence[str]]) -> list[str]:
    """The names of the columns; of several lines, what each says of a column, those above the last for the columns to
    their right, too.
    """
    if not lines:
        return []
    named = [[cell.strip() for cell in line] for line in lines]
    if len(named) == 1:
        return named[0]
    if len({len(line) for line in named}) > 1:
        raise NotThisFormError(f"{path}: the {len(named)} lines of its header have different numbers of cells")
    for line in named[:-1]:
        for place in range(1, len(line)):
            line[place] = line[place] or line[place - 1]
    return [".".join(filter(None, names)) for names in zip(*named, strict=True)]


def _json_lines(path: Path, form: TableForm) -> Rows:
    number = 0
    with _text(path) as stream:
        try:
            for number, line in enumerate(_lines(path, stream), 1):
                if line.strip():
                    entry = json_objects.loads(line)
                    yield f"line {number}", cells_of_entries.cells(entry, None, form.columns, form.objects)
        except NotThisFormError:
            raise
        except (ValueError, RecursionError, *packed.BROKEN) as error:
            reason = excerpt(str(error), 200, bare=True)
            raise NotThisFormError(f"{path} is not a JSON Lines file (line {number}): {reason}") from error
        except OSError as error:
            raise _unreadable(path, error) from error


def _lines(path: Path, stream: IO[str]) -> Iterator[str]:
    """The lines of a stream, each of a length that fits in memory."""
    empty = 0
    try:
        while line := stream.readline(_LONGEST_LINE):
            if len(line) == _LONGEST_LINE:
                raise EndlessTextError(f"{path} has a line of more than {_LONGEST_LINE >> 20} Mi characters")
            empty = empty + 1 if line.isspace() else 0
            if empty > _MOST_EMPTY:
                raise EndlessTextError(f"{path} has more than {_MOST_EMPTY:,} empty lines one after another")
            yield line
    except EndlessTextError:
        raise
    except NotThisFormError as error:
        raise error if str(path) in str(error) else NotThisFormError(f"{path} {error}") from error


def _zipped(header: Sequence[str], cells: Sequence[object]) -> Cells | Unreadable:
    if len(cells) != len(header):
        return Unreadable(f"{count_of(len(cells), 'cell')} where the header has {len(header)}")
    return dict(zip(header, cells, strict=True))


def _text(path: Path) -> IO[str]:
    try:
        return io.TextIOWrapper(packed.open_unpacked(path), encoding="utf-8-sig", newline="")
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> UserError:
    if error.errno is None:  # the decompressor's, not the file system's
        return NotThisFormError(f"{path} is damaged: {error}")
    return from_os(error, f"reading {path}")


def _json(path: Path) -> object:
    try:
        object_bounds.refuse_json(data := packed.content(path))
        return json_objects.loads(data.decode("utf-8-sig"))
    except NotThisFormError as error:
        raise NotThisFormError(f"{path} is not a JSON file: {error}") from error
    except RecursionError as error:
        raise NotThisFormError(f"{path} is not a JSON file that can be read: it is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise NotThisFormError(
            f"{path} is not a JSON file in UTF-8 (byte {error.start:,} is {error.object[error.start]:#04x}): save it "
            "in UTF-8"
        ) from error
    except ValueError as error:
        raise NotThisFormError(f"{path} is not a JSON file: {excerpt(str(error), 200, bare=True)}") from error


def _unpickled(path: Path, form: TableForm) -> object:
    allowed = {**pickles.NUMPY, **pickles.MAPPINGS, **pickles.foreign_classes(form.classes)}
    try:
        if form.kind == "torch":
            return torch_files.load(path, allowed)
        objects = pickles.load_each_path(path, allowed)
    except pickles.RefusedClassError as error:
        advice = "if it has plain attributes alone, name it in `classes` of the mapping's [container]"
        raise NotThisFormError(f"{path}: {error}; {advice}") from error
    except NotThisFormError as error:
        raise NotThisFormError(f"{path}: {error}") from error
    return objects[0] if len(objects) == 1 else objects


def _arrow_rows(path: Path, form: TableForm) -> Rows:
    from pipeline.formats import arrow_tables  # Arrow's own modules take a tenth of a second, and most forms need none

    return arrow_tables.rows(path, form)


_STREAMED: dict[str, Callable[[Path, TableForm], Rows]] = {
    "csv": _csv_rows, "jsonl": _json_lines, "parquet": _arrow_rows, "arrow": _arrow_rows,
    "sqlite": sqlite_files.rows,
}  # fmt: skip
