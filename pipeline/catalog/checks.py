"""Checks of a lake: each is a query that returns the rows at fault."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from pipeline.catalog import sql_files
from pipeline.catalog.database import snapshot
from pipeline.catalog.results import rows
from pipeline.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa


def checks(lake: Lake) -> list[tuple[str, pa.Table]]:
    """Run every check, by name: (name, rows at fault). A sound lake has no row in any."""
    with closing(snapshot(lake)) as connection:
        return [(name, rows(connection, sql)) for name, sql in sorted(sql_files.texts("checks").items())]
