"""The statements that make a catalog: macros, tables over the parts, published figures, views and comments."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import duckdb

from pipeline.catalog import bound_views, sql_files
from pipeline.catalog.quoting import file_literal, identifier, literal
from pipeline.lake.checksums import names_in
from pipeline.lake.schema import FORMAT, TABLES, Table
from pipeline.lake.store import Lake


class CatalogDefinition:
    """The statements that make a database of a lake, and a fingerprint of them.

    Args:
        files: for each table the DuckDB text of its files, a pattern or a list.
        kind: whether the tables are made as a VIEW of the files or as a TABLE with their rows.
    """

    def __init__(self, lake: Lake, files: Mapping[str, str], kind: str) -> None:
        place = lake.root.name if kind == "TABLE" else str(lake.root)  # an export is handed on
        self._kind = kind
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
        views = _with_comments("VIEW", self._views, sorted(self._views))
        return _digest([*self._macros.values(), *self._figures(), *self._tables, *views, self._about])

    def run(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Run the statements in an empty database, which must be discarded after an error."""
        connection.execute("BEGIN")
        self.make_tables(connection)
        key = self._key_of_bound_views(connection)
        copied = bound_views.copy(connection, key)
        if not copied:
            self._bind(connection)
        connection.execute("COMMIT")
        if not copied and self._kind == "VIEW":
            bound_views.keep(connection, key, without=TABLES)
        connection.execute(f"CREATE VIEW about AS {self._about}, {literal(self.fingerprint)} AS fingerprint")
        connection.execute("COMMENT ON VIEW about IS 'What this file was made from, and with which views.'")

    def _bind(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make macros, published figures and views.

        DuckDB binds a view when it is made, with every view that it reads down to the files of the tables, anew for
        each view that reads it. Empty tables in place of what others read keep that to the view itself; stored is its
        text alone.
        """
        for name, sql in self._macros.items():
            connection.execute(sql)
            connection.execute(f"COMMENT ON MACRO {name} IS {literal(sql_files.head_comment(sql))}")
        seeds = {name: _beside(name, sql) for name, sql in self._seeds.items()}
        for statement in _with_comments("TABLE", seeds, seeds):
            connection.execute(statement)
        read_by_others = frozenset().union(*map(sql_files.tables_read, self._views.values()))
        to_hide = {*TABLES, *seeds} & read_by_others
        hidden: set[str] = set()
        for name in sql_files.in_reading_order(self._views):
            if sql_files.tables_read(self._views[name]) & to_hide:
                _put_empty_tables(connection, to_hide)
                hidden |= to_hide
                to_hide = set()
            for statement in _with_comments("VIEW", self._views, [name]):
                connection.execute(statement)
            to_hide |= {name} & read_by_others
        for name in hidden:
            connection.execute(f"DROP TABLE temp.{name}")

    def _key_of_bound_views(self, connection: duckdb.DuckDBPyConnection) -> str:
        """A digest of what bound views depend on: the statements and the columns of the tables."""
        sql = "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"
        columns = str(connection.execute(sql).fetchall())
        return _digest([*self._macros.values(), *self._figures(), *self._views.values(), columns])

    def make_tables(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the tables alone, which takes a tenth of the time."""
        for statement in self._tables:
            connection.execute(statement)

    def _figures(self) -> list[str]:
        """The SELECTs of the published figures and the CSV files that they read."""
        csvs = [path.with_suffix(".csv").read_text() for path in sql_files.queries("seeds").values()]
        return [*self._seeds.values(), *csvs]


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


def _put_empty_tables(connection: duckdb.DuckDBPyConnection, names: Collection[str]) -> None:
    """Hide tables or views behind empty temporary tables with the same names and columns."""
    sql = (
        "SELECT table_name, list(column_name ORDER BY column_index), list(data_type ORDER BY column_index) "
        "FROM duckdb_columns() WHERE database_name = current_database() AND list_contains($names, table_name) "
        "GROUP BY table_name"
    )
    for name, columns, kinds in connection.execute(sql, {"names": [*names]}).fetchall():
        typed = ", ".join(f"{identifier(column)} {kind}" for column, kind in zip(columns, kinds, strict=True))
        connection.execute(f"CREATE TEMP TABLE {name} ({typed})")


def _beside(name: str, sql: str) -> str:
    """The SELECT of a seed with the place of its CSV, which it names as seen from the folder above queries/."""
    path = sql_files.queries("seeds")[name].with_suffix(".csv")
    return sql.replace(f"'queries/seeds/{name}.csv'", file_literal(path))


def _digest(content: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(content).encode()).hexdigest()[:16]
