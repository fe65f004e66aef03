"""Stored rows of slow views: a cache whose key changes with every new part and every changed view.

    LAKE/derived/KEY/VIEW-CHECKSUM.parquet

KEY stands for the views' SQL, the lake's place and the files of the parts that are published, with their sizes and
times: a part never changes, but a file of it may be damaged and restored. An equal key means an equal result, and there
is nothing to invalidate: of another state of the lake another key is looked for.
CHECKSUM is the file's own: one that is not whole counts as absent. All of it may be deleted at any time, and where it
cannot be written, views are computed each time. Only connections made here read it; the catalog's views never do.
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import duckdb

from pipeline.catalog import sql_files
from pipeline.catalog.definition import catalog_definition, listed, published, select
from pipeline.catalog.quoting import file_literal, literal
from pipeline.errors import UserError
from pipeline.lake.files import (
    TEMPORARY,
    is_within,
    make_folder,
    read_file,
    remove_folder,
    replace_file,
    temporary_path,
)  # fmt: skip
from pipeline.lake.store import Lake

FOLDER = "derived"
_SMALL_TABLES = frozenset({"adopted", "metrics", "proxies", "retried", "runs", "searches", "sources"})
_KEY_FORM = re.compile(r"[0-9a-f]{16}")
_FILES = re.compile(  # and what killed processes leave, also those of earlier versions
    rf"[a-z0-9_]+-[0-9a-f]{{8}}\.parquet|report-[0-9a-f]{{16}}\.json\.gz|\.[a-z0-9_]+\.[0-9a-f]{{8}}|{re.escape(TEMPORARY)}[^/]+"
)


def stored_views() -> dict[str, str]:
    """The views whose rows are stored: name and small or large.

    They say so themselves: `-- Stored: small` is in the comment of a view that takes a tenth of a second or more over a
    whole space and returns some thousand rows, `large` where it returns as many as there are scores or true values.
    """
    return {name: size for name, sql in sql_files.texts("views").items() if (size := sql_files.stated(sql, "Stored"))}


def small() -> list[str]:
    """The stored views that have few rows."""
    return [name for name, size in stored_views().items() if size == "small"]


def held_views() -> set[str]:
    """The views on which several slow ones rest: computed once with these, and stored in no file.

    They say `-- Held: in memory` in their comment. One that is stored as well is read from its file where there is one.
    """
    return {name for name, sql in sql_files.texts("views").items() if sql_files.stated(sql, "Held")}


def read_by(sql: str) -> list[str]:
    """The stored views that a statement names, by their present or former names; none where it is not a SELECT."""
    views = sql_files.texts("views")
    named = sql_files.tables_read(sql) & views.keys()
    deprecated = [name for name, path in sql_files.queries("views").items() if path.parent.name == "deprecated"]
    for name in named.intersection(deprecated):
        named |= sql_files.tables_read(views[name])
    return [name for name in named if sql_files.stated(views[name], "Stored")]


def behind(statements: Iterable[str]) -> list[str]:
    """The small stored views that statements read, directly or by way of other views."""
    read = _views_read(statements)
    return [view for view in small() if view in read]


def provide(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    parts: Sequence[Path],
    views: Collection[str],
    kind: str = "VIEW",
    narrowed: Mapping[str, str] | None = None,
) -> list[str]:
    """Put stored results in the place of views, for this connection alone; what is not stored yet is computed first.

    Args:
        connection: one to the lake's catalog or a snapshot of it.
        kind: VIEW, or TABLE for a connection that lives long: a file goes when the next state of the lake is stored.
        narrowed: SELECTs of no more than the connection is asked of a view, in whose place they are put where they
            narrow something. What is computed of them is held and not stored.

    Returns:
        The views that were replaced; see `withdraw`.
    """
    folder = lake.root / FOLDER / _key(lake, parts)
    if not is_within(lake.root, folder):
        return []  # a link, which may lead to a user's folder
    if kind == "TABLE":
        views = {*views, *held_views()}
    files = {view: _whole_file(folder, view) for view in views}
    storable = {*views, *small()} if kind == "VIEW" else set(small())
    if None in files.values():
        _pin(connection, parts, kind)
        files = {view: _whole_file(folder, view) for view in _with_those_read(files)}
        storable -= _reading(_narrow(connection, narrowed or {}))
    provided: list[str] = []
    for view, stored in files.items():
        with suppress(OSError, UserError, duckdb.IOException):  # no space, no permission, the file was just removed
            file = stored or (_store(connection, folder, view) if view in storable else None)
            if file is None:
                connection.execute(f"CREATE TEMP TABLE {view} AS FROM {view}")
            else:
                source = f"read_parquet({file_literal(file)}, hive_partitioning = FALSE)"
                connection.execute(f"CREATE TEMP {kind} {view} AS FROM {source}")
                provided.append(view)
    return provided


def withdraw(connection: duckdb.DuckDBPyConnection, provided: Sequence[str]) -> None:
    """Let the connection compute these views again."""
    for view in provided:
        connection.execute(f"DROP VIEW temp.{view}")


def stored_results_folder(lake: Lake) -> Path | None:
    """Where results of the lake as it is now are stored; None where a link leads there, or the lake is read-only."""
    folder = lake.root / FOLDER / _key(lake, published(lake))
    try:
        _make_folder(lake.root, folder)
    except (OSError, UserError):
        return None
    return folder


def is_whole(file: Path) -> bool:
    """Whether a stored result has the checksum that is in its name."""
    with suppress(UserError):  # it is a named pipe, a folder or a device
        return file.stem == _stem(file.stem.rpartition("-")[0], file)
    return False


def _with_those_read(files: Mapping[str, Path | None]) -> list[str]:
    """The views and what is stored or held of those that they read, directly or not, each after those that it reads.

    Args:
        files: the views, each with the file of its rows, whose reading needs no other view.
    """
    selects = sql_files.texts("views")
    read = _views_read((selects[view] for view, file in files.items() if file is None), files)
    wanted = {*files, *read.intersection([*small(), *held_views()])}
    return [view for view in sql_files.in_reading_order(selects) if view in wanted]


def _views_read(statements: Iterable[str], known: Collection[str] = ()) -> set[str]:
    """The views that statements read, directly or through other views; `known` ones are neither listed nor followed."""
    selects = sql_files.texts("views")
    pending, seen = [*statements], set(known)
    while pending:
        read = (sql_files.tables_read(pending.pop()) & selects.keys()) - seen
        seen |= read
        pending += [selects[view] for view in read]
    return seen.difference(known)


def _key(lake: Lake, parts: Sequence[Path]) -> str:
    states = [state for part in parts for state in _states(part)]
    return hashlib.sha256("\n".join([catalog_definition(lake).fingerprint, *states]).encode()).hexdigest()[:16]


def _states(part: Path) -> list[str]:
    """The files of a part, each with what tells it from another that is put in its place, as from a backup.

    A copy may keep size and time of change; none keeps the time at which the file system last changed its entry.
    """
    with suppress(OSError), os.scandir(part) as entries:  # what cannot be read is named where it is read
        files = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        name = f"{part.parent.name}/{part.name}"
        return sorted(f"{name}/{file} {s.st_size} {s.st_mtime_ns} {s.st_ctime_ns}" for file, s in files)
    return []


def _narrow(connection: duckdb.DuckDBPyConnection, narrowed: Mapping[str, str]) -> list[str]:
    """Put the SELECTs in the place of the views that they narrow; returns these."""
    views = []
    for view, sql in narrowed.items():
        if connection.execute(f"SELECT EXISTS ({sql_files.stated(sql, 'Where')})").fetchall() == [(True,)]:
            connection.execute(f"CREATE TEMP TABLE {view} AS {sql}")
            views.append(view)
    return views


def _reading(names: Collection[str]) -> set[str]:
    """The views that read one of these, directly or by way of other views."""
    selects, reading = sql_files.texts("views"), set(names)
    for view in sql_files.in_reading_order(selects):
        if sql_files.tables_read(selects[view]) & reading:
            reading.add(view)
    return reading


def _pin(connection: duckdb.DuckDBPyConnection, parts: Sequence[Path], kind: str) -> None:
    """Show the connection these parts and none that are published later: what is stored must be of its key.

    Tables of few rows in many files are held where the connection lives long: opening the files takes longer.
    """
    for table, files in listed(parts).items():
        form = kind if table in _SMALL_TABLES else "VIEW"
        connection.execute(f"CREATE TEMP {form} {table} AS {select(table, files)}")


def _whole_file(folder: Path, view: str) -> Path | None:
    """The file with the view's rows, if there is one and it is whole."""
    for file in folder.glob(f"{view}-*.parquet"):
        with suppress(OSError):
            if is_whole(file):
                return file
    return None


def _stem(view: str, file: Path) -> str:
    return f"{view}-{zlib.crc32(read_file(file)):08x}"


def _make_folder(root: Path, folder: Path) -> None:
    """Make the folder of a key; the first removes what is stored of others."""
    if not folder.is_dir():
        make_folder(root, folder)
        for other in folder.parent.iterdir():
            if other != folder and _KEY_FORM.fullmatch(other.name):
                remove_folder(other, _FILES)


def _store(connection: duckdb.DuckDBPyConnection, folder: Path, view: str) -> Path:
    _make_folder(folder.parent.parent, folder)
    with temporary_path(folder / view) as temporary:
        connection.execute(f"COPY (FROM {view}) TO {literal(str(temporary))} (FORMAT parquet, COMPRESSION zstd)")
        file = folder / f"{_stem(view, temporary)}.parquet"
        replace_file(temporary, file)
    return file
