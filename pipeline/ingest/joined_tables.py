"""Tables in other files that say more of each row: its architecture where the table has numbers, its size, its seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import Field, field_validator

from pipeline.errors import NotThisFormError, UserError, column_named, excerpt, unknown
from pipeline.formats.table_form import Cells, Rows, Unreadable
from pipeline.formats.toml_files import StrictModel
from pipeline.ingest.cells import plain_text
from pipeline.ingest.mapping_sections import Container
from pipeline.wording import count_of

NUMBER = "@number"
"""The cell with the number of a row, from 0."""


class JoinedTable(StrictModel):
    """A table in another file, of which a row says more of each row of the table.

    Args:
        name: what its cells are called after: "NAME.COLUMN".
        file: its file, in the folder of the table, or within the folder that is ingested.
        on: the cell of a row that says which row of it is meant: a column, "@key", ...; "@number" is the number of the
            row, from 0.
        key: the cell of its own rows that says the same; also "@number". Where both are, the two files
            have the same number of rows.
        container: how its file holds it, as in `[container]`.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    file: str
    on: str
    key: str
    container: Container

    @field_validator("file")
    @classmethod
    def _within(cls, file: str) -> str:
        parts = PurePosixPath(file).parts
        if not parts or PurePosixPath(file).is_absolute() or ".." in parts or "\0" in file:
            raise ValueError("'file' is no path in the folder of the table")
        return file

    def path(self, table: Path) -> Path:
        return (table if table.is_dir() else table.parent) / self.file


def joined(rows: Rows, table: Path, sections: Sequence[JoinedTable], objects: Iterable[str] = ()) -> Rows:
    """The rows with the cells of the tables that are joined; a row that one of these lacks is a fault.

    Args:
        table: the file or folder of the rows.
        objects: columns that are cells also where they have fields, as the mapping names them.

    Raises:
        UserError: a file is not there, has no such column, or two rows for one key; or rows of two files go together by
            their number, and one has more of them.
    """
    others = [(section, _by_key(section, table, list(objects))) for section in sections]
    count = 0
    for number, (position, cells) in enumerate(rows):
        extended, count = cells, number + 1
        for section, by_key in others:
            if not isinstance(extended, Unreadable):
                extended = _with_row_of(section, by_key, extended, number)
        yield position, extended
    for section, by_key in others:
        if section.on == section.key == NUMBER and len(by_key) != count:
            raise UserError(
                f"{table} has {count_of(count, 'row')} and {section.path(table)} {len(by_key):,}, of which the mapping "
                f"joins those of one {NUMBER}: rows may be shifted; name columns that say which belong together, or "
                "correct the file that lacks rows or has too many"
            )


def _with_row_of(section: JoinedTable, by_key: Mapping[str, Cells], cells: Cells, number: int) -> Cells | Unreadable:
    if section.on != NUMBER and section.on not in cells:
        return Unreadable(f"no '{section.on}' in this row")
    try:
        key = _key(number if section.on == NUMBER else cells[section.on])
    except UserError as error:
        return Unreadable(f"{column_named(section.on)}: {error}")
    if key not in by_key:
        return Unreadable(f"{section.file} has no row whose {section.key} is {excerpt(key, 40)}")
    return {**cells, **by_key[key]}


def _by_key(section: JoinedTable, table: Path, objects: Sequence[str]) -> dict[str, Cells]:
    """The rows of a table that is joined by their keys, with the names that their cells have in the other."""
    path, prefix = section.path(table), f"{section.name}."
    if not path.is_file():
        raise UserError(f"{path} is no file: the mapping joins it as {section.name}")
    own = [name.removeprefix(prefix) for name in objects if name.startswith(prefix)]
    by_key: dict[str, Cells] = {}
    for number, (position, cells) in enumerate(section.container.rows(path, own)):
        if isinstance(cells, Unreadable):
            raise NotThisFormError(f"{path}: {position}: {cells}")
        if section.key != NUMBER and section.key not in cells:
            raise unknown(f"column of {path}", section.key, cells)
        try:
            key = _key(number if section.key == NUMBER else cells[section.key])
        except UserError as error:
            raise UserError(f"{path}: {position}: {column_named(section.key)}: {error}") from error
        named = {f"{prefix}{name}": cell for name, cell in cells.items()}
        if by_key.setdefault(key, named) != named:
            raise UserError(f"{path}: {position}: another row has {excerpt(key, 40)} in {column_named(section.key)}")
    return by_key


def _key(cell: object) -> str:
    """The text of a key: of 7, 7.0 and "7.0", which a column of numbers that lacks some has, the same."""
    text = plain_text(cell)
    return text[:-2] if text.endswith(".0") and text[:-2].isdecimal() else text
