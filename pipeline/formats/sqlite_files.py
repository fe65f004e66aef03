"""Tables of SQLite databases of others; their views, triggers and extensions are never run."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from pipeline.errors import NotThisFormError, UserError, excerpt, unknown
from pipeline.formats.cells_of_entries import cells
from pipeline.formats.table_form import Rows, TableForm

_LONGEST = 1 << 24  # bytes of a row: a column that is computed from others may have any number


def rows(path: Path, form: TableForm) -> Rows:
    """The rows of the table that the form names; of a database with one table alone it need not.

    Raises:
        NotThisFormError: it is no database, damaged, or has no such table.
        UserError: some of its rows are in another file still.
    """
    number = 0
    with _opened(path) as connection:
        try:
            table = _table(path, connection, form)
            cursor = connection.execute(f'SELECT * FROM "{table.replace(chr(34), 2 * chr(34))}"')
            names = [column[0] for column in cursor.description]
            for number, row in enumerate(cursor, 1):
                yield f"row {number}", cells(dict(zip(names, row, strict=True)), objects=form.objects)
        except sqlite3.DataError as error:  # "string or blob too big"
            raise NotThisFormError(f"{path}: a row after row {number} has more than {_LONGEST >> 20} MiB") from error
        except sqlite3.Error as error:
            if "decode" in str(error):
                raise NotThisFormError(f"{path}: row {number + 1} holds a text that is not in UTF-8") from error
            raise NotThisFormError(f"{path} is not an SQLite database (after row {number}): {error}") from error
        except UnicodeDecodeError as error:
            raise _not_in_utf8(path) from error


def table_names(path: Path) -> list[str]:
    """The tables of a database, of which there is one at least; errors as in `rows`."""
    with _opened(path) as connection:
        try:
            names = _names(connection)
        except sqlite3.Error as error:
            raise NotThisFormError(f"{path} is not an SQLite database: {error}") from error
        except UnicodeDecodeError as error:
            raise _not_in_utf8(path) from error
    if not names:
        raise NotThisFormError(f"{path} holds no table; what a view selects is to be stored as one")
    return names


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    path = path.resolve()  # of a link, what is written still lies beside the database itself
    for ending in ("-wal", "-journal"):
        beside = path.with_name(f"{path.name}{ending}")
        if beside.exists() and beside.stat().st_size:
            raise UserError(f"{path} has rows in {beside.name} still: close what writes to the database, and try again")
    address = f"file:{quote(os.fsencode(path))}?mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
        connection.execute("PRAGMA trusted_schema = OFF")
        yield connection


def _not_in_utf8(path: Path) -> NotThisFormError:
    return NotThisFormError(f"{path} is not an SQLite database: the name of a table is not in UTF-8")


def _names(connection: sqlite3.Connection) -> list[str]:
    stored = "type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    return [name for (name,) in connection.execute(f"SELECT name FROM sqlite_master WHERE {stored}")]


def _table(path: Path, connection: sqlite3.Connection, form: TableForm) -> str:
    tables = _names(connection)
    if form.table:
        if form.table not in tables:
            raise unknown(f"table of {path}", form.table, tables)
        return form.table
    if len(tables) != 1:
        named = ", ".join(excerpt(name, 60, bare=True) for name in tables[:20])
        raise NotThisFormError(f"{path} has {len(tables)} tables: name one in `table`{': ' if named else ''}{named}")
    return tables[0]
