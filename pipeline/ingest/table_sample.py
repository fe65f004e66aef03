"""The beginning of a foreign table of which nothing is known: its container, and its first rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pipeline.errors import NotThisFormError, UserError, from_os
from pipeline.formats import packed, signatures, tables
from pipeline.formats.fault import Fault
from pipeline.formats.tables import Cells, ContainerKind

MOST_ROWS = 2_000
_MOST_COLUMNS, _MOST_CELLS = 500, 200_000  # that are looked at
_DELIMITERS = (",", "\t", ";", "|")
_KINDS: dict[str, ContainerKind] = {"a pickle": "pickle", "a JSON file": "json"}
_MOST_KEYS = 10  # of a nested table, which are looked into


@dataclass(frozen=True)
class TableSample:
    """The first rows of a table.

    Attributes:
        kind, delimiter, root: as of a table mapping's container.
        rows: position and cells of up to `MOST_ROWS` rows.
    """

    kind: ContainerKind
    delimiter: str
    root: tuple[str, ...]
    rows: Sequence[tuple[str, Cells]]

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
        NotThisFormError: the file is no CSV, TSV, JSON, Parquet or pickle of plain types, or has no rows.
        UserError: it cannot be read.
    """
    kind = _kind(path)
    if kind == "csv":
        yield _delimited(path)
        return
    whole = _sample(path, kind)
    yield whole
    if kind == "parquet":
        return
    for key in _keys(whole):
        try:
            inner = _sample(path, kind, root=(key,))
        except UserError:
            continue
        yield inner
        for deeper in _keys(inner):
            try:
                yield _sample(path, kind, root=(key, deeper))
            except UserError:
                continue


def _delimited(path: Path) -> TableSample:
    """The sample of a CSV by the delimiter that gives most columns; quoted cells can be read with the right one alone.

    Raises:
        NotThisFormError: it can be read with none.
    """
    read: list[TableSample] = []
    errors: list[NotThisFormError] = []
    for delimiter in _DELIMITERS:
        try:
            read.append(_sample(path, "csv", delimiter))
        except NotThisFormError as error:
            errors.append(error)
    if not read:
        raise errors[0]
    return max(read, key=lambda sample: len(sample.columns) if sample.rows else 0)


def _keys(sample: TableSample) -> list[str]:
    keys = [cells.get(tables.KEY) for _, cells in sample.rows[:_MOST_KEYS]]
    return [key for key in keys if isinstance(key, str)] if len(sample.rows) <= _MOST_KEYS else []


def _kind(path: Path) -> ContainerKind:
    if path.is_dir():
        raise UserError(f"{path} is a folder: name a file in it")
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
        raise NotThisFormError(signatures.said(str(path), form, "a CSV, TSV, JSON, Parquet file or a pickle"))
    return _KINDS[form.name]


def _sample(path: Path, kind: ContainerKind, delimiter: str = ",", root: tuple[str, ...] = ()) -> TableSample:
    rows = tables.rows(path, kind, delimiter=delimiter, root=root)
    good = ((position, cells) for position, cells in rows if not isinstance(cells, Fault))
    first = list(islice(good, 1))
    columns = len(first[0][1]) if first else 1
    if columns > _MOST_COLUMNS:
        raise UserError(
            f"{path} has {columns:,} columns, of which at most {_MOST_COLUMNS} are guessed at: write the mapping by "
            "hand, see docs/mapping-reference.md"
        )
    most = min(MOST_ROWS, _MOST_CELLS // columns)
    sample = TableSample(kind, delimiter, root, [*first, *islice(good, most - 1)])
    if not sample.rows and not root and kind != "csv":
        raise NotThisFormError(f"{path} holds no rows")
    return sample
