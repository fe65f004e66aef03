"""The way in: a DuckDB catalog of views over the record's Parquet parts, and everything that runs SQL.

`LAKE/bench.duckdb` holds no rows. It is written beside and swapped in by a rename, so that readers, other processes and
the DuckDB command line never meet half of it, and no stage ever holds it open for writing.
"""

from __future__ import annotations

import glob
import hashlib
import os
import platform
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from pipeline.errors import UserError, from_os, unknown
from pipeline.schema import FORMAT, TABLES, Table
from pipeline.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa

CATALOG = "bench.duckdb"
Value = int | float | bool | str | None

_STORAGE = "v1.5.0"  # what the DuckDB 1.5 command line reads; the library's own default it does not
_MERGE = {
    "architectures": "SELECT benchmark, space, arch_id, any_value(spec) AS spec, min(native_id) AS native_id, "
    "min(source_id) AS source_id FROM {parts} GROUP BY benchmark, space, arch_id",
    "runs": "SELECT {columns} FROM {parts} "
    "QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY finished_at DESC NULLS LAST) = 1",
    "metrics": "SELECT DISTINCT {columns} FROM {parts}",
    "proxies": "SELECT DISTINCT {columns} FROM {parts}",
    "published": "SELECT DISTINCT {columns} FROM {parts}",
}


def queries(kind: str) -> dict[str, Path]:
    """The .sql files of a folder of queries/ (views, checks, report, examples) in order, by name without number."""
    here = Path(__file__).resolve().parent
    root = next(folder for folder in (here / "queries", here.parent / "queries") if folder.is_dir())
    return {re.sub(r"^\d+_", "", path.stem): path for path in sorted((root / kind).glob("*.sql"))}


def head_comment(sql: str) -> str:
    """The comment that a query begins with, as one line."""
    lines = []
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return " ".join(lines)


def refresh(lake: Lake) -> None:
    """Write the lake's catalog anew and swap it in.

    Raises:
        UserError: the disk is full or the lake cannot be written.
    """
    folder = lake.root / ".staging" / f"{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        folder.mkdir(parents=True)
        _write_database(folder / CATALOG, _catalog_script(lake), lake.root / CATALOG)
        (folder / CATALOG).replace(lake.root / CATALOG)
    except OSError as error:
        raise from_os(error, f"writing {lake.root / CATALOG}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def connect(lake: Lake) -> duckdb.DuckDBPyConnection:
    """Open the lake's catalog for reading, after making it anew where it is missing, outdated or of a moved lake.

    The connection reads the lake's parts and no other file, and its configuration is locked. Where the catalog cannot
    be written or another program has it open for writing, the same views are made in memory.
    """
    script = _catalog_script(lake)
    connection = _open(lake, script.fingerprint)
    if connection is None:
        with suppress(UserError):  # a lake that cannot be written can still be read
            refresh(lake)
            connection = _open(lake, script.fingerprint)
    return connection or _in_memory(lake, script)


def snapshot(lake: Lake) -> duckdb.DuckDBPyConnection:
    """The same views over the parts that are published now: what is published later does not show in them."""
    return _in_memory(lake, _script(lake, _listed(lake), "VIEW"))


def run_sql(lake: Lake, sql: str, params: Mapping[str, str] | None = None) -> pa.Table:
    """Answer one SELECT-like statement with a table.

    Args:
        lake: the lake, whose tables and views the statement names.
        sql: SELECT, WITH, FROM, VALUES, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN of one of these.
        params: values of its `$name` parameters as text; see `typed`.

    Raises:
        UserError: another kind of statement, a parameter too few or too many, or what DuckDB says is wrong.
    """
    statement = _one_select(sql)
    values = _bind(statement.named_parameters, params or {})
    with closing(connect(lake)) as connection, _told(connection):
        return connection.sql(statement, params=values).to_arrow_table()


def rows(connection: duckdb.DuckDBPyConnection, sql: str, params: Mapping[str, Value] | None = None) -> pa.Table:
    """The result of one of the project's own queries."""
    return connection.sql(sql, params=params).to_arrow_table()


def export(lake: Lake, file: Path) -> Path:
    """Write one self-contained DuckDB file: the tables with their rows, the views on top, and every comment.

    Rows are in the order of their keys. An earlier export of that name is replaced; nothing else ever is.

    Returns:
        The absolute path of the file.

    Raises:
        UserError: something else has that name, or the file cannot be written.
    """
    file = file.absolute()
    _refuse_foreign(lake, file)
    beside = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}")
    try:
        _write_database(beside, _script(lake, _listed(lake), "TABLE"), file)
        beside.replace(file)
    except OSError as error:
        raise from_os(error, f"writing {file}") from error
    finally:
        beside.unlink(missing_ok=True)
        Path(f"{beside}.wal").unlink(missing_ok=True)
    return file


def checks(lake: Lake) -> list[tuple[str, pa.Table]]:
    """Run queries/checks: (name, offending rows) of each. A sound lake has no row in any."""
    with closing(snapshot(lake)) as connection:
        return [(name, rows(connection, path.read_text())) for name, path in queries("checks").items()]


def typed(text: str) -> Value:
    """The value of a parameter given as text: a number, true, false, null, else text ("7" in quotes is text, too).

    Sixteen hex digits are an identity and stay text, even where they are all decimal.
    """
    if re.fullmatch(r"[0-9a-f]{16}", text):
        return text
    if re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    if re.fullmatch(r"-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", text):
        return float(text)
    words: dict[str, Value] = {"true": True, "false": False, "null": None}
    if text.lower() in words:
        return words[text.lower()]
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text


@dataclass(frozen=True)
class _Script:
    """Statements that make a database, and what tells them from those of another version or lake."""

    statements: tuple[str, ...]
    fingerprint: str

    def run(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("BEGIN")
        for statement in self.statements:
            connection.execute(statement)
        connection.execute("COMMIT")


def _script(lake: Lake, parts: Mapping[str, str], kind: str) -> _Script:
    """The statements that make every table (as a VIEW or a TABLE of rows), view and comment."""
    script: list[str] = []
    for table in TABLES.values():
        columns = ", ".join(_name(c.name) for c in table.columns)
        template = _MERGE.get(table.name, "SELECT {columns} FROM {parts}")
        select = template.format(columns=columns, parts=f"read_parquet({parts[table.name]})")
        script += _create(kind, table, select)
    for name, path in queries("views").items():
        sql = path.read_text()
        script.append(f"CREATE VIEW {name} AS {sql}")
        script.append(f"COMMENT ON VIEW {name} IS {_text(head_comment(sql))}")
    about = f"SELECT {_text(str(lake.root))} AS lake, {FORMAT} AS format, {_text(duckdb.__version__)} AS duckdb"
    fingerprint = hashlib.sha256("\n".join([*script, about]).encode()).hexdigest()[:16]
    script.append(f"CREATE VIEW about AS {about}, {_text(fingerprint)} AS fingerprint")
    script.append("COMMENT ON VIEW about IS 'What this file was made from, and with which views.'")
    return _Script(tuple(script), fingerprint)


def _create(kind: str, table: Table, select: str) -> Iterator[str]:
    order = f" ORDER BY {', '.join(map(_name, table.key))}" if kind == "TABLE" else ""
    yield f"CREATE {kind} {table.name} AS SELECT * FROM ({select}){order}"
    key = f"Key: {', '.join(table.key)}."
    yield f"COMMENT ON {kind} {table.name} IS {_text(f'{table.comment} {key}')}"
    for column in table.columns:
        yield f"COMMENT ON COLUMN {table.name}.{_name(column.name)} IS {_text(column.comment)}"


def _catalog_script(lake: Lake) -> _Script:
    return _script(lake, {table: _text(_escaped(lake, table)) for table in TABLES}, "VIEW")


def _escaped(lake: Lake, table: str) -> str:
    """The lake's pattern, with characters of its folder that DuckDB would take for wildcards escaped."""
    return lake.glob(table).replace(str(lake.parts), glob.escape(str(lake.parts)), 1)


def _listed(lake: Lake) -> dict[str, str]:
    """The files of the parts that are published now, a DuckDB list for each table.

    A part is published whole, so one look at the folders is a state that the lake had.
    """
    parts = sorted(lake.parts.glob("*/*"))
    files = {table: [p / f"{table}.parquet" for p in parts if (p / f"{table}.parquet").is_file()] for table in TABLES}
    return {table: f"[{', '.join(_text(glob.escape(str(f))) for f in found)}]" for table, found in files.items()}


def _write_database(path: Path, script: _Script, target: Path) -> None:
    with closing(duckdb.connect()) as connection:
        try:
            connection.execute(f"ATTACH {_text(str(path))} AS made (STORAGE_VERSION '{_STORAGE}')")
            connection.execute("USE made")
            script.run(connection)
            connection.execute("USE memory; DETACH made")
        except duckdb.OperationalError as error:
            reason = _one_line(error).rpartition(": ")[2]
            raise UserError(f"{target} cannot be written: {reason}; free some space or choose another place") from error


def _open(lake: Lake, fingerprint: str) -> duckdb.DuckDBPyConnection | None:
    """The catalog, unless it is missing, locked, damaged, or not the one that this version makes of this lake."""
    if not (lake.root / CATALOG).is_file():
        return None
    try:
        connection = duckdb.connect(lake.root / CATALOG, read_only=True)
    except duckdb.Error:
        return None
    try:
        current = connection.execute("SELECT fingerprint FROM about").fetchall() == [(fingerprint,)]
    except duckdb.Error:
        current = False
    if current:
        return _locked(lake, connection)
    connection.close()
    return None


def _in_memory(lake: Lake, script: _Script) -> duckdb.DuckDBPyConnection:
    spill = Path(tempfile.gettempdir()) / f"duckdb-{uuid.uuid4().hex[:8]}"  # by default it would be the working folder
    connection = duckdb.connect(config={"temp_directory": str(spill)})
    script.run(connection)
    return _locked(lake, connection)


def _locked(lake: Lake, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Confine the connection to the lake's parts; DuckDB compares patterns as text, so their escaped form is listed."""
    if connection.execute("SELECT current_setting('lock_configuration')").fetchall() == [(True,)]:
        return connection  # this process has the file open already, and connections to one file share their settings
    allowed = ", ".join(_text(f"{folder}/") for folder in (str(lake.parts), glob.escape(str(lake.parts))))
    for setting in (
        "python_enable_replacements = false",
        "enable_progress_bar = false",
        f"allowed_directories = [{allowed}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")
    return connection


def _one_select(sql: str) -> duckdb.Statement:
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise UserError(f"the SQL cannot be parsed: {_one_line(error)}") from error
    if len(statements) != 1:
        raise UserError(f"one statement at a time, please: the SQL holds {len(statements)}")
    statement = statements[0]
    if statement.type == duckdb.StatementType.EXPLAIN:
        # EXPLAIN ANALYZE runs what it explains
        inner = re.sub(r"^\s*EXPLAIN\s+(ANALYZE\s+)?(\([^()]*\)\s*)?", "", statement.query, flags=re.IGNORECASE)
        if inner != statement.query:
            _one_select(inner)
            return statement
    if statement.type != duckdb.StatementType.SELECT:
        kind = "PIVOT without IN (...)" if statement.type == duckdb.StatementType.MULTI else statement.type.name
        raise UserError(f"{kind} is refused, queries only read: use SELECT, WITH, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN")
    return statement


def _bind(wanted: set[str], given: Mapping[str, str]) -> dict[str, Value]:
    for name in given:
        if name not in wanted:
            raise unknown("parameter", name, wanted)
    missing = sorted(wanted - set(given))
    if missing:
        told = " ".join(f"--param {name}=VALUE" for name in missing)
        raise UserError(f"the query has parameters without a value: give {told}")
    return {name: typed(text) for name, text in given.items()}


@contextmanager
def _told(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Turn what DuckDB finds wrong into one line; for an unknown table or view, with the lake's own names."""
    try:
        yield
    except duckdb.Error as error:
        missing = re.search(r"Table with name (\S+) does not exist", str(error))
        if missing:
            raise unknown("table or view", missing[1], _names(connection)) from error
        missing = re.search(r'does not have a column named "(.+?)"', str(error))
        if missing:
            raise unknown("column", missing[1], _columns(connection)) from error
        if isinstance(error, duckdb.PermissionException):
            raise UserError(f"{_one_line(error)}; a query reads the lake's own parts and nothing else") from error
        raise UserError(_one_line(error)) from error


def _names(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [
        name for (name,) in connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    ]


def _columns(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {
        name for (name,) in connection.execute("SELECT column_name FROM duckdb_columns() WHERE NOT internal").fetchall()
    }


def _one_line(error: duckdb.Error) -> str:
    """DuckDB's message without the excerpt of the statement, and without the class of error it begins with."""
    text = re.split(r"\n\s*LINE \d+:", str(error))[0]
    return " ".join(re.sub(r"^\w+( \w+)? Error: ", "", text).split())


def _refuse_foreign(lake: Lake, file: Path) -> None:
    if file.is_relative_to(lake.root):
        raise UserError(f"{file} is inside the lake: export to a file elsewhere")
    if not file.parent.is_dir():
        raise UserError(f"no folder {file.parent}: create it, or export to another place")
    if not file.exists():
        return
    try:
        with closing(duckdb.connect(file, read_only=True)) as connection:
            connection.execute("SELECT fingerprint FROM about")
    except duckdb.Error as error:
        raise UserError(f"{file} exists and is not an earlier export: remove it, or choose another name") from error


def _name(identifier: str) -> str:
    return f'"{identifier}"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
