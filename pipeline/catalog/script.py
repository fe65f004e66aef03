"""The statements that make the catalog: tables over the parts, the views of queries/views, and what each is."""

from __future__ import annotations

import functools
import glob
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from pipeline.lake.schema import FORMAT, TABLES, Table
from pipeline.lake.store import Lake

_MERGE = {
    "architectures": "SELECT benchmark, space, arch_id, any_value(spec) AS spec, min(native_id) AS native_id, "
    "min(source_id) AS source_id FROM {parts} GROUP BY benchmark, space, arch_id",
    "runs": "SELECT {columns} FROM {parts} "
    "QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY finished_at DESC NULLS LAST) = 1",
    "metrics": "SELECT DISTINCT {columns} FROM {parts}",
    # parts of earlier versions have no kind: what they say of a proxy is made equal to what later ones say
    "proxies": "SELECT DISTINCT proxy_id, name, coalesce(kind, CASE "
    "WHEN contains(name, '@') THEN 'released' "
    "WHEN (configuration -> '$.terms') IS NOT NULL THEN 'aggregate' "
    "WHEN (configuration -> '$.iterations') IS NOT NULL THEN 'trained' "
    "ELSE 'zero-cost' END) AS kind, configuration, version, higher_is_better "
    "FROM (SELECT NULL::VARCHAR AS kind WHERE false UNION ALL BY NAME "
    "FROM read_parquet({files}, union_by_name = true))",
    "searches": "SELECT DISTINCT {columns} FROM {parts}",
}


def queries(kind: str) -> dict[str, Path]:
    """The .sql files under a folder of queries/ (views, checks, report, ...) by name, in the order of the files' names.

    The number that an example's file name begins with is not part of the name.
    """
    package = Path(__file__).resolve().parents[1]
    root = next(folder for folder in (package / "queries", package.parent / "queries") if folder.is_dir())
    files = sorted((root / kind).rglob("*.sql"), key=lambda path: path.name)
    return {re.sub(r"^\d+_", "", path.stem): path for path in files}


def in_reading_order(views: Mapping[str, str]) -> list[str]:
    """The names of views (name: SQL), each after those that it reads; else by name.

    Raises:
        graphlib.CycleError: views read each other.
    """
    names = sorted(views)
    graph = {name: sorted(_tables_read(views[name]) & set(names)) for name in names}
    return list(TopologicalSorter(graph).static_order())


@functools.cache
def _tables_read(select: str) -> frozenset[str]:
    """The tables and views that a SELECT reads, as DuckDB parses it; names of its own WITH are not among them."""
    with closing(duckdb.connect()) as connection:
        [(tree,)] = connection.execute("SELECT json_serialize_sql($sql)", {"sql": select}).fetchall()
    assert not json.loads(tree)["error"], tree
    own = re.findall(r'"key":"(\w+)"', tree)
    return frozenset(re.findall(r'"table_name":"(\w+)"', tree)) - set(own)


def head_comment(sql: str) -> str:
    """The comment that a query begins with, as one line."""
    lines = []
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return " ".join(lines)


@dataclass(frozen=True)
class Script:
    """Statements that make a database, and what tells them from those of another version or lake."""

    statements: tuple[str, ...]
    fingerprint: str

    def run(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Run the statements, all or none."""
        connection.execute("BEGIN")
        for statement in self.statements:
            connection.execute(statement)
        connection.execute("COMMIT")


def catalog_script(lake: Lake) -> Script:
    """What makes the lake's catalog: views of whatever is published when they are read."""
    return script(lake, {table: text(_escaped(lake, table)) for table in TABLES}, "VIEW")


def script(lake: Lake, files: Mapping[str, str], kind: str) -> Script:
    """The statements that make every table (as a VIEW or a TABLE of rows), view and comment.

    Args:
        lake: the lake.
        files: for each table the DuckDB text of its files, a pattern or a list.
        kind: VIEW or TABLE.
    """
    made: list[str] = []
    for table in TABLES.values():
        made += _create(kind, table, select(table, files[table.name]))
    views = {name: path.read_text() for name, path in queries("views").items()}
    for name in in_reading_order(views):
        sql = views[name]
        made.append(f"CREATE VIEW {name} AS {sql}")
        made.append(f"COMMENT ON VIEW {name} IS {text(head_comment(sql))}")
    about = f"SELECT {text(str(lake.root))} AS lake, {FORMAT} AS format, {text(duckdb.__version__)} AS duckdb"
    fingerprint = hashlib.sha256("\n".join([*made, about]).encode()).hexdigest()[:16]
    made.append(f"CREATE VIEW about AS {about}, {text(fingerprint)} AS fingerprint")
    made.append("COMMENT ON VIEW about IS 'What this file was made from, and with which views.'")
    return Script(tuple(made), fingerprint)


def select(table: Table, files: str) -> str:
    """The rows of a table in files, given as DuckDB text; what parts say twice is there once."""
    columns = ", ".join(_name(c.name) for c in table.columns)
    template = _MERGE.get(table.name, "SELECT {columns} FROM {parts}")
    return template.format(columns=columns, files=files, parts=f"read_parquet({files})")


def published(lake: Lake) -> list[Path]:
    """The folders of the parts that are published now, sorted.

    A part is published whole, so one look at the folders is a state that the lake had.
    """
    return sorted(lake.parts.glob("*/*"))


def listed(parts: Sequence[Path]) -> dict[str, str]:
    """The files of these parts, a DuckDB list for each table."""
    files = {table: [p / f"{table}.parquet" for p in parts if (p / f"{table}.parquet").is_file()] for table in TABLES}
    return {table: f"[{', '.join(text(glob.escape(str(f))) for f in found)}]" for table, found in files.items()}


def text(value: str) -> str:
    """The value as a literal of SQL."""
    return "'" + value.replace("'", "''") + "'"


def _create(kind: str, table: Table, sql: str) -> Iterator[str]:
    order = f" ORDER BY {', '.join(map(_name, table.key))}" if kind == "TABLE" else ""
    yield f"CREATE {kind} {table.name} AS SELECT * FROM ({sql}){order}"
    key = f"Key: {', '.join(table.key)}."
    yield f"COMMENT ON {kind} {table.name} IS {text(f'{table.comment} {key}')}"
    for column in table.columns:
        yield f"COMMENT ON COLUMN {table.name}.{_name(column.name)} IS {text(column.comment)}"


def _escaped(lake: Lake, table: str) -> str:
    """The lake's pattern, with characters of its folder that DuckDB would take for wildcards escaped."""
    return lake.glob(table).replace(str(lake.parts), glob.escape(str(lake.parts)), 1)


def _name(identifier: str) -> str:
    return f'"{identifier}"'
