"""The SQL files of queries/: their names, their comments, and the tables and views that a SELECT reads."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from contextlib import closing, suppress
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb


@functools.cache
def folder() -> Path:
    """The folder queries/: inside the package where it was installed from a wheel, else beside it."""
    package = Path(__file__).resolve().parents[1]
    return next(path for path in (package / "queries", package.parent / "queries") if path.is_dir())


def queries(kind: str) -> dict[str, Path]:
    """The .sql files under a folder of queries/ (views, checks, report, ...) by name, in the order of the files' names.

    The number that an example's file name begins with is not part of the name.
    """
    return {re.sub(r"^\d+_", "", path.stem): path for path in _files(kind)}


def texts(kind: str) -> dict[str, str]:
    """The content of the files that `queries` lists."""
    return {name: _text(path) for name, path in queries(kind).items()}


def head_comment(sql: str) -> str:
    """The comment that a query begins with, as one line; `-- Stored: ...` and the like are no part of it."""
    return " ".join(line for line in _head(sql) if not line.startswith(tuple(f"{name}: " for name in _STATED)))


def stated(sql: str, name: str) -> str | None:
    """What a view states of itself in its comment under a name of `_STATED`; None where it does not."""
    return next((line.removeprefix(f"{name}: ") for line in _head(sql) if line.startswith(f"{name}: ")), None)


_STATED = ("Stored", "Held", "Where")
"""Small or large, where its rows are stored; that they are held in memory while views that read it are computed; the
SELECT that has a row where a narrowed view narrows something."""


def tables_read(sql: str) -> frozenset[str]:
    """The tables and views that a SELECT reads, in lower case; names of its own WITH are not among them.

    A statement of another kind reads none.
    """
    return frozenset(name for name in _parsed(sql)[0] if name not in _parsed(sql)[1])


def in_reading_order(views: Mapping[str, str]) -> list[str]:
    """The names of views (name: SQL), each after those that it reads; else by name.

    Raises:
        graphlib.CycleError: views read each other.
    """
    graph = {name: sorted(tables_read(views[name]) & views.keys()) for name in sorted(views)}
    return list(TopologicalSorter(graph).static_order())


@functools.cache  # each connection to a lake asks for all of them
def _files(kind: str) -> list[Path]:
    return sorted((folder() / kind).rglob("*.sql"), key=lambda path: path.name)


@functools.cache
def _text(path: Path) -> str:
    return path.read_text()


def _head(sql: str) -> list[str]:
    lines = []
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return lines


@functools.cache
def _parser() -> duckdb.DuckDBPyConnection:
    """A connection to no database, made once: that takes ten times as long as parsing a statement."""
    return duckdb.connect(config={"threads": 1})


@functools.cache
def _parsed(sql: str) -> tuple[frozenset[str], frozenset[str]]:
    """The names in FROM and the names of WITH, as DuckDB's parser has them."""
    with closing(_parser().cursor()) as cursor:
        [(tree,)] = cursor.execute("SELECT json_serialize_sql($sql)", {"sql": sql}).fetchall()
    with suppress(RecursionError):  # a sum of hundreds of terms: it is answered, without what is stored
        return _names_in(tree)
    return frozenset(), frozenset()


def _names_in(tree: str) -> tuple[frozenset[str], frozenset[str]]:
    describes = '"type":"SHOW_REF"' in tree and '"show_type":"SUMMARY"' not in tree  # it reads no row
    if json.loads(tree)["error"] or describes:
        return frozenset(), frozenset()
    read, own = (re.findall(rf'"{field}":"(\w+)"', tree) for field in ("table_name", "key"))
    return frozenset(map(str.lower, read)), frozenset(map(str.lower, own))
