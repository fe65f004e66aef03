"""What makes a catalog: the statements for macros, tables over the parts, published figures, views and comments."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import duckdb

from pipeline.catalog import sql_files
from pipeline.catalog.quoting import file_literal, identifier, literal
from pipeline.lake.checksums import names_in
from pipeline.lake.schema import FORMAT, TABLES, Table
from pipeline.lake.store import Lake


class CatalogDefinition:
    """The statements that make a database of a lake, and a fingerprint of them.

    Args:
        lake: the lake.
        files: for each table the DuckDB text of its files, a pattern or a list.
        kind: whether the tables are made as a VIEW of the files or as a TABLE with their rows.
    """

    def __init__(self, lake: Lake, files: Mapping[str, str], kind: str) -> None:
        place = lake.root.name if kind == "TABLE" else str(lake.root)  # an export is handed on
        self._about = f"SELECT {literal(place)} AS lake, {FORMAT} AS format, {literal(duckdb.__version__)} AS duckdb"
        self._macros = sql_files.texts("macros")
        self._seeds = sql_files.texts("seeds")
        self._views = sql_files.texts("views")
        self._tables = [
            statement
            for table in TABLES.values()
            for statement in _create_table(kind, table, select(table.name, files[table.name]))
        ]

    @cached_property
    def fingerprint(self) -> str:
        """What tells it from the definition of another version or lake, 16 hex digits.

        The order of the views, which takes parsing them, is left out: it follows from what they say.
        """
        csvs = [path.with_suffix(".csv").read_text() for path in sql_files.queries("seeds").values()]
        views = _with_comments("VIEW", self._views, sorted(self._views))
        content = [*self._macros.values(), *self._seeds.values(), *csvs, *self._tables, *views, self._about]
        return hashlib.sha256("\n".join(content).encode()).hexdigest()[:16]

    def run(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Run the statements, all or none.

        DuckDB binds a view when it is made, with every view that it reads down to the files of the tables, anew for
        each view that reads it. Empty tables in place of what others read keep that to the view itself; stored is its
        text alone.
        """
        connection.execute("BEGIN")
        for statement in self._before_views():
            connection.execute(statement)
        order = sql_files.in_reading_order(self._views)
        read_by_others = frozenset().union(*map(sql_files.tables_read, self._views.values()))
        hidden = [name for name in (*TABLES, *self._seeds, *order) if name in read_by_others]
        for name in hidden:
            if name not in self._views:
                _put_empty_table(connection, name)
        for name in order:
            for statement in _with_comments("VIEW", self._views, [name]):
                connection.execute(statement)
            if name in read_by_others:
                _put_empty_table(connection, name)
        for name in hidden:
            connection.execute(f"DROP TABLE temp.{name}")
        connection.execute(f"CREATE VIEW about AS {self._about}, {literal(self.fingerprint)} AS fingerprint")
        connection.execute("COMMENT ON VIEW about IS 'What this file was made from, and with which views.'")
        connection.execute("COMMIT")

    def make_tables(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the tables alone, which takes a tenth of the time."""
        for statement in self._tables:
            connection.execute(statement)

    def _before_views(self) -> Iterator[str]:
        for name, sql in self._macros.items():
            yield sql
            yield f"COMMENT ON MACRO {name} IS {literal(sql_files.head_comment(sql))}"
        yield from self._tables
        yield from _with_comments("TABLE", {name: _beside(name, sql) for name, sql in self._seeds.items()}, self._seeds)


def catalog_definition(lake: Lake) -> CatalogDefinition:
    """What makes the lake's catalog: views of whatever is published when they are read."""
    parts = glob.escape(str(lake.parts))
    return CatalogDefinition(lake, {table: literal(f"{parts}/*/*/{table}.parquet") for table in TABLES}, "VIEW")


def select(table: str, files: str) -> str:
    """The SELECT of queries/tables over files that are given as DuckDB text."""
    sql = sql_files.texts("tables")[table]
    return sql.replace(f"getvariable('lake') || '/parts/*/*/{table}.parquet'", files)


def published(lake: Lake) -> list[Path]:
    """The folders of the parts that are published now, sorted.

    A part is published whole, so one look at the folders is a state that the lake had.
    """
    return sorted(lake.parts.glob("*/*"))


def listed(parts: Sequence[Path]) -> dict[str, str]:
    """The files of these parts, a DuckDB list for each table."""
    files: dict[str, list[Path]] = {table: [] for table in TABLES}
    for part in parts:
        try:
            names = names_in(part)
        except NotADirectoryError:  # a file that is none of the lake's, such as .DS_Store
            continue
        for table in TABLES:
            if f"{table}.parquet" in names:
                files[table].append(part / f"{table}.parquet")
    return {table: f"[{', '.join(file_literal(f) for f in paths)}]" for table, paths in files.items()}


def _create_table(kind: str, table: Table, sql: str) -> Iterator[str]:
    order = f" ORDER BY {', '.join(map(identifier, table.key))}" if kind == "TABLE" else ""
    yield f"CREATE {kind} {table.name} AS SELECT * FROM ({sql}){order}"
    key = f"Key: {', '.join(table.key)}."
    yield f"COMMENT ON {kind} {table.name} IS {literal(f'{table.comment} {key}')}"
    for column in table.columns:
        yield f"COMMENT ON COLUMN {table.name}.{identifier(column.name)} IS {literal(column.comment)}"


def _with_comments(kind: str, selects: Mapping[str, str], order: Iterable[str]) -> Iterator[str]:
    for name in order:
        yield f"CREATE {kind} {name} AS {selects[name]}"
        yield f"COMMENT ON {kind} {name} IS {literal(sql_files.head_comment(selects[name]))}"


def _put_empty_table(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Make an empty temporary table with the name and the columns of a table or view, which it hides."""
    sql = (
        "SELECT column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = current_database() AND table_name = $name ORDER BY column_index"
    )
    rows = connection.execute(sql, {"name": name}).fetchall()
    columns = ", ".join(f"{identifier(column)} {kind}" for column, kind in rows)
    connection.execute(f"CREATE TEMP TABLE {name} ({columns})")


def _beside(name: str, sql: str) -> str:
    """The SELECT of a seed with the place of its CSV, which it names as seen from the folder above queries/."""
    path = sql_files.queries("seeds")[name].with_suffix(".csv")
    return sql.replace(f"'queries/seeds/{name}.csv'", file_literal(path))
