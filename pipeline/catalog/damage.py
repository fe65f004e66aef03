"""Damaged parts as DuckDB meets them: its errors become the line that names the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipeline.lake.parquet_files import damaged
from pipeline.lake.schema import TABLES
from pipeline.lake.verify import schema_fault

_FILE = re.compile(r"""['"]([^'"]+\.parquet)['"]""")


@contextmanager
def damage_named(parts: Path | None = None) -> Iterator[None]:
    """Turn an error of DuckDB that names a Parquet file into one line; others stay as they are.

    Args:
        parts: the lake's folder of parts, where views are bound: then the files that give them their types are named.

    Raises:
        UserError: a part's file is damaged, missing, or of another schema.
    """
    try:
        yield
    except duckdb.Error as error:
        if (match := _FILE.search(str(error))) and (parts is None or Path(match[1]).is_relative_to(parts)):
            raise damaged(Path(match[1]), _what(Path(match[1]), error)) from error
        for file in _suspects(parts, error) if parts else []:
            if file.stem in TABLES and (fault := schema_fault(file)):
                raise damaged(file, fault) from error
        raise


def _suspects(parts: Path, error: duckdb.Error) -> list[Path]:
    """The files whose damage an error may mean that names none.

    Where a footer cannot be decoded, DuckDB repeats the beginning of the statement alone, as it reads a pattern or a
    list of files; or it raises what its decoder says, which is of no kind of its own.
    """
    anywhere = type(error) is duckdb.Error or "read_parquet(" in str(error)
    return sorted(parts.glob("*/*/*.parquet" if anywhere else "_schema/*/*.parquet"))


def _what(file: Path, error: duckdb.Error) -> str:
    """What is wrong with the file, without its name."""
    if file.stem in TABLES and (fault := schema_fault(file)):
        return fault
    text = re.sub(r"^\w+( \w+)* Error: ", "", str(error)).split("\n")[0]
    return " ".join(re.sub(r"""\s*(in |for )?(file )?['"][^'"]*\.parquet['"]""", "", text).split())[:120]
