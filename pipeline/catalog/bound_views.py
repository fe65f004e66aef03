"""Macros, published figures and views as DuckDB has bound them, kept for the next catalog of this process.

Binding some seventy views takes 0.25 seconds, whatever the lake; copying them takes 0.01. Bound views depend only on
the statements and on the columns of the tables, so that one copy serves all lakes in which these are the same.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

import duckdb

from pipeline.catalog.quoting import identifier, literal
from pipeline.catalog.temporary import database_file

_kept: tuple[str, bytes] | None = None
"""The key of the views that were bound last, and a database file with them and without tables of a lake."""
_NAME = "bound"


def copy(connection: duckdb.DuckDBPyConnection, key: str) -> bool:
    """Copy what is kept for this key into the connection's database; return False if nothing is."""
    kept = _kept  # another thread may replace it meanwhile
    if kept is None or kept[0] != key:
        return False
    with suppress(OSError), database_file() as file:
        file.write_bytes(kept[1])
        connection.execute(f"ATTACH {literal(str(file))} AS {_NAME} (READ_ONLY)")
        connection.execute(f"COPY FROM DATABASE {_NAME} TO {_database(connection)}")
        connection.execute(f"DETACH {_NAME}")
        return True
    return False


def keep(connection: duckdb.DuckDBPyConnection, key: str, without: Collection[str]) -> None:
    """Keep what the connection's database holds, except these views, unless no file can be written."""
    global _kept  # noqa: PLW0603
    with suppress(OSError, duckdb.Error), database_file() as file:
        connection.execute(f"ATTACH {literal(str(file))} AS {_NAME}")
        try:
            connection.execute("BEGIN")
            connection.execute(f"COPY FROM DATABASE {_database(connection)} TO {_NAME}")
            for view in without:
                connection.execute(f"DROP VIEW {_NAME}.{identifier(view)}")
            connection.execute("COMMIT")
        except duckdb.Error:
            connection.execute("ROLLBACK")
            raise
        finally:
            connection.execute(f"DETACH {_NAME}")
        _kept = key, file.read_bytes()


def _database(connection: duckdb.DuckDBPyConnection) -> str:
    [(name,)] = connection.execute("SELECT current_database()").fetchall()
    return identifier(name)
