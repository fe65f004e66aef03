"""Quote text of others within SQL: as a literal, a file name or an identifier."""

from __future__ import annotations

import glob
from pathlib import Path


def literal(text: str) -> str:
    """The text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def file_literal(path: Path) -> str:
    """The path as DuckDB takes a file's, which may be a pattern: its own characters stand for themselves."""
    return literal(glob.escape(str(path)))


def identifier(name: str) -> str:
    """The name of a table, view or column as SQL takes any."""
    return '"' + name.replace('"', '""') + '"'
