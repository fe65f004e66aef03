"""Open, make and export the catalog; every connection is confined to the lake's files."""

from __future__ import annotations

import glob
import re
import threading
from collections.abc import Collection, Mapping
from contextlib import closing, suppress
from pathlib import Path

import duckdb

from pipeline import interruption
from pipeline.catalog import sql_files, stored_results
from pipeline.catalog.damage import cannot_spill, damage_named, names_parquet
from pipeline.catalog.definition import CatalogDefinition, catalog_definition, listed, published
from pipeline.catalog.quoting import literal
from pipeline.catalog.temporary import spill_folder
from pipeline.errors import (
    UserError,
    is_out_of_memory,
    is_there,
    os_errors_explained,
    refused_by_system,
    shortened,
)  # fmt: skip
from pipeline.lake import checksums
from pipeline.lake.outputs import OutputFile
from pipeline.lake.schema import TABLES
from pipeline.lake.staging import remove_abandoned, staging_folder
from pipeline.lake.store import Lake, require_usable

CATALOG = "bench.duckdb"

_STORAGE = "v1.5.0"  # what the DuckDB 1.5 command line reads; the library's own default it does not
_CONFINING = threading.Lock()
_MEMORY = "512MiB"  # what does not fit is spilled, so that a report of many curves fits a small machine


def refresh(lake: Lake) -> None:
    """Write the lake's catalog anew and swap it in.

    Raises:
        UserError: the disk is full or the lake cannot be written.
    """
    file = lake.root / CATALOG
    remove_abandoned(lake.root)
    with os_errors_explained(f"writing {file}"), staging_folder(lake.root) as folder:
        with damage_named(lake.parts):
            _write_database(folder / CATALOG, catalog_definition(lake), file)
        checksums.replace(lake.root, folder / CATALOG, file)


def ensure(lake: Lake) -> None:
    """Make the catalog where it is missing, outdated or of a moved lake; new parts need no new one.

    Raises:
        UserError: the disk is full or the lake cannot be written.
    """
    remove_abandoned(lake.root)  # also where there is nothing to write
    connection = _open(lake, catalog_definition(lake).fingerprint)
    if connection is None:
        refresh(lake)
    else:
        connection.close()


def tables(lake: Lake) -> tuple[duckdb.DuckDBPyConnection, bool]:
    """A connection that has the tables and may lack the views, and whether the catalog is current.

    A catalog that is not stays as it is.
    """
    definition = catalog_definition(lake)
    if (connection := _open(lake, definition.fingerprint)) is not None:
        return connection, True
    connection = spilling_connection()
    with damage_named(lake.parts):
        definition.make_tables(connection)
    return _locked(lake, connection), False


def connect(lake: Lake) -> duckdb.DuckDBPyConnection:
    """Open the lake's catalog for reading, after making it anew where it is missing, outdated or of a moved lake.

    The connection reads the lake's parts and what was derived from them and no other file, and its configuration is
    locked. Where the catalog cannot be written or another program has it open for writing, the same views are made in
    memory.
    """
    definition = catalog_definition(lake)
    connection = _open(lake, definition.fingerprint)
    if connection is None:
        with suppress(UserError):  # a lake that cannot be written can still be read
            refresh(lake)
            connection = _open(lake, definition.fingerprint)
    return connection or _in_memory(lake, definition)


def snapshot(
    lake: Lake, *, stored_for: Collection[str] = (), narrowed: Mapping[str, str] | None = None
) -> duckdb.DuckDBPyConnection:
    """The same views over the parts that are published now: what is published later does not show in them.

    Args:
        stored_for: statements that will be asked. The rows of the slow views behind them are held, read from the store
            or computed into it (see `stored_results`); large ones are computed when asked, as always.
        narrowed: views of which these statements need no more than the given SELECTs, by name.
    """
    parts = published(lake)
    connection = _in_memory(lake, CatalogDefinition(lake, listed(parts), "VIEW"))
    if stored_for:
        with damage_named(lake.parts, own=True):
            stored_results.provide(connection, lake, parts, stored_results.behind(stored_for), "TABLE", narrowed)
    return connection


def export(lake: Lake, file: Path, *, force: bool = False) -> Path:
    """Write one self-contained DuckDB file: the tables with their rows, the views on top, and every comment.

    Rows are in the order of their keys. An earlier export of that name is replaced, unless somebody has
    added to it.

    Returns:
        The absolute path of the file.

    Raises:
        UserError: something else has that name, or is open under it, or the file cannot be written.
    """
    file = file.absolute()
    require_usable(file.parent, "folder of a database")
    _refuse_log(file)
    output = OutputFile(file, force, _is_export, "an earlier export as it was written")
    with output.written() as temporary, damage_named(lake.parts, own=True):
        _write_database(temporary, CatalogDefinition(lake, listed(published(lake)), "TABLE"), file)
    return file


def one_line(error: duckdb.Error) -> str:
    """DuckDB's message without the excerpt of the statement, and without the class of error it begins with."""
    message = re.split(r"\n\s*LINE \d+:", str(error))[0]
    return shortened(" ".join(re.sub(r"^\w+( \w+)? Error: ", "", message).split()))


def _write_database(path: Path, definition: CatalogDefinition, target: Path) -> None:
    with closing(spilling_connection()) as connection:
        try:
            connection.execute(f"ATTACH {literal(str(path))} AS made (STORAGE_VERSION '{_STORAGE}')")
            connection.execute("USE made")
            definition.run(connection)
            connection.execute("USE memory; DETACH made")
        except duckdb.OperationalError as error:
            if is_out_of_memory(error) or cannot_spill(error) or names_parquet(error):
                raise
            if refusal := refused_by_system(error):
                raise UserError(f"while writing {target}, {refusal}; nothing stored is lost") from error
            reason = one_line(error).rpartition(": ")[2]
            raise UserError(f"{target} cannot be written: {reason}; free some space or choose another place") from error


def _open(lake: Lake, fingerprint: str) -> duckdb.DuckDBPyConnection | None:
    """The catalog, unless it is missing, locked, damaged, or not the one that this version makes of this lake."""
    if not (lake.root / CATALOG).is_file():
        return None
    try:
        connection = interruption.interruptible(duckdb.connect(lake.root / CATALOG, read_only=True))
    except duckdb.Error:
        return None
    with suppress(duckdb.Error):  # another thread has it open, and has set this
        connection.execute(f"SET temp_directory = {literal(spill_folder())}")  # not into the lake
    try:
        current = connection.execute("SELECT fingerprint FROM about").fetchall() == [(fingerprint,)]
    except duckdb.Error:
        current = False
    if current:
        return _locked(lake, connection)
    connection.close()
    return None


def _in_memory(lake: Lake, definition: CatalogDefinition) -> duckdb.DuckDBPyConnection:
    connection = spilling_connection()
    with damage_named(lake.parts):
        definition.run(connection)
    return _locked(lake, connection)


def _locked(lake: Lake, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Confine the connection to the lake's own files; DuckDB compares patterns as text, so both forms are listed."""
    folders = [str(folder) for folder in (lake.parts, lake.root / stored_results.FOLDER)]
    allowed = ", ".join(literal(f"{form}/") for folder in folders for form in (folder, glob.escape(folder)))
    settings = (
        "python_enable_replacements = false",
        "enable_progress_bar = false",
        f"allowed_directories = [{allowed}]",
        "autoload_known_extensions = false",  # to load one is refused below, by an error as a damaged part has it
        "enable_external_access = false",
        "lock_configuration = true",
    )
    with _CONFINING:  # connections to one file share their settings, and another thread may have it open already
        if connection.execute("SELECT current_setting('lock_configuration')").fetchall() != [(True,)]:
            for setting in settings:
                connection.execute(f"SET {setting}")
    return connection


def spilling_connection() -> duckdb.DuckDBPyConnection:
    """One in memory that puts what does not fit there into the system's folder for it, not into the working folder."""
    place = spill_folder()
    return interruption.interruptible(duckdb.connect(config={"temp_directory": place, "memory_limit": _MEMORY}))


def _refuse_log(file: Path) -> None:
    """Refuse a database beside what DuckDB has not written into one of its name yet: with it no other can be opened."""
    log = file.with_name(f"{file.name}.wal")
    with os_errors_explained(f"writing {file}"):
        if is_there(log):
            raise UserError(
                f"{log} is there: {file.name} is open, or was left by a program that died; "
                f"open and close it once, or remove {log.name}"
            )


def _is_export(file: Path) -> bool:
    """Whether the file is a database that holds what an export holds, and nothing that anybody has added to it."""
    own: dict[str, Collection[str]] = {
        "SELECT schema_name FROM duckdb_schemas() WHERE NOT internal": (),
        "SELECT table_name FROM duckdb_tables()": {*TABLES, *sql_files.queries("seeds")},
        "SELECT view_name FROM duckdb_views() WHERE NOT internal": {*sql_files.queries("views"), "about"},
        "SELECT function_name FROM duckdb_functions() WHERE NOT internal": sql_files.queries("macros"),
        "SELECT sequence_name FROM duckdb_sequences()": (),
        "SELECT type_name FROM duckdb_types() WHERE NOT internal": (),
    }
    try:
        with closing(duckdb.connect(file, read_only=True)) as connection:
            connection.execute("SELECT fingerprint FROM about")
            held = [{name for (name,) in connection.execute(sql).fetchall()} for sql in own]
    except duckdb.Error:
        return False
    return all(names.issubset(ours) for names, ours in zip(held, own.values(), strict=True))
