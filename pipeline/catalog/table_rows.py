"""The rows of every table as the views show them, in the order of the key, for an export."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.catalog.damage import damage_named
from pipeline.catalog.database import spilling_connection
from pipeline.catalog.definition import CatalogDefinition, listed, published, select
from pipeline.catalog.quoting import identifier, literal
from pipeline.lake import part_name, table_folder
from pipeline.lake.schema import Table
from pipeline.lake.store import Lake

ROWS = 1 << 17  # at a time, and in a row group


class TableRows:
    """One state of a lake, read in a `with` block: the parts that are published when it begins, and their rows."""

    def __init__(self, lake: Lake) -> None:
        self._lake, self._parts = lake, published(lake)

    def __enter__(self) -> TableRows:
        self._connection = spilling_connection()
        with damage_named(self._lake.parts):
            CatalogDefinition(self._lake, listed(self._parts), "VIEW").make_tables(self._connection)
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def batches(self, table: Table) -> Iterator[pa.RecordBatch]:
        """The rows of a table in the schema of `table_folder`.

        Raises:
            UserError: a part cannot be read.
        """
        schema = table_folder.schema(table)
        names, key = (", ".join(map(identifier, listing)) for listing in (schema.names, table.key))
        sql = f"SELECT {names} FROM ({self._select(table)}) ORDER BY {key}"
        with damage_named(self._lake.parts, own=True):
            for batch in self._connection.sql(sql).to_arrow_reader(ROWS):
                yield from pa.Table.from_batches([batch]).cast(schema).to_batches()

    def answer(self, sql: str) -> list[dict[str, Any]]:
        """The rows that one of the project's own queries makes of the tables; views are not there."""
        with damage_named(self._lake.parts, own=True):
            rows: list[dict[str, Any]] = self._connection.sql(sql).to_arrow_table().to_pylist()
        return rows

    def _select(self, table: Table) -> str:
        if table.name not in table_folder.WITH_PART:
            return f"FROM {table.name}"
        kinds: dict[str, list[Path]] = defaultdict(list)
        for part in self._parts:
            kinds[_kind(part.name)].append(part)
        files = {kind: listed(parts)[table.name] for kind, parts in sorted(kinds.items())}
        selects = [
            f"SELECT *, {literal(kind)} AS {table_folder.PART.name} FROM ({select(table.name, names)})"
            for kind, names in files.items()
            if names != "[]"
        ]
        return " UNION ALL ".join(selects)


def _kind(part: str) -> str:
    """What the names of the parts of one kind begin with: of scores stage, family and content, else the stage."""
    name = part_name.parse(part)
    if name is None:
        return part
    if name.stage != "score":
        return name.stage
    return name.prefix.removesuffix("-")
