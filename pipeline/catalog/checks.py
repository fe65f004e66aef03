"""What must never be true of a lake: each check is a query that returns the rows at fault."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from pipeline.catalog import sql_files
from pipeline.catalog.database import snapshot
from pipeline.catalog.results import rows
from pipeline.lake.schema import TABLES
from pipeline.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa


def checks(lake: Lake) -> list[tuple[str, pa.Table]]:
    """Run every check, by name: (name, rows at fault). A sound lake has no row in any."""
    selects = sql_files.texts("checks") | {"duplicate_keys": duplicate_keys()}
    with closing(snapshot(lake)) as connection:
        return [(name, rows(connection, selects[name])) for name in sorted(selects)]


def duplicate_keys() -> str:
    """SQL: one row per key that several rows of a table share, where NULL counts as a value."""
    return "\nUNION ALL\n".join(
        f"SELECT '{table.name}' AS table_name, row({key})::VARCHAR AS key, count(*) AS rows\n"
        f"FROM {table.name} GROUP BY {key} HAVING count(*) > 1"
        for table in TABLES.values()
        for key in [", ".join(table.key)]
    )
