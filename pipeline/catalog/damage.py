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
        for file in sorted(parts.glob("_schema/*/*.parquet")) if parts else []:
            if file.stem in TABLES and (fault := schema_fault(file)):
                raise damaged(file, fault) from error
        raise


def _what(file: Path, error: duckdb.Error) -> str:
    """What is wrong with the file, without its name."""
    if file.stem in TABLES and (fault := schema_fault(file)):
        return fault
    text = re.sub(r"^\w+( \w+)* Error: ", "", str(error)).split("\n")[0]
    return " ".join(re.sub(r"""\s*(in |for )?(file )?['"][^'"]*\.parquet['"]""", "", text).split())[:120]
