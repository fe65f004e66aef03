"""The message for a table that no table mapping was named for."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from pathlib import Path

from pipeline.benchmarks.contract import Benchmark
from pipeline.errors import UserError, excerpt
from pipeline.formats import signatures, tables
from pipeline.formats.table_form import TableForm, Unreadable
from pipeline.ingest import mapping as table_mapping

_TABLES = (
    signatures.JSON.name, signatures.ARRAY, signatures.ARRAYS, "a Parquet file", "an Arrow file", "an SQLite database",
)  # fmt: skip
_DELIMITERS = (",", "\t", ";")
_MOST_SHOWN = 8  # columns


def of_text(benchmark: Benchmark, path: Path) -> str | None:
    """What to do with a table of text, by its columns; None where the file is no such table."""
    columns = _columns(path)
    if columns is None:
        return None
    fitting = [
        mapping.name
        for mapping in table_mapping.shipped(benchmark.name)
        if mapping.container.kind == "csv" and mapping.columns <= set(columns)
    ]
    if fitting:
        do = f"its columns are those of {' and '.join(fitting)}: name one with --mapping"
    else:
        shown = ", ".join(excerpt(name, bare=True) for name in list(columns)[:_MOST_SHOWN])
        more = ", ..." if len(columns) > _MOST_SHOWN else ""
        do = f"no shipped one has its columns ({shown}{more}): {_begin(benchmark, path)}"
    return f"{path} is a table of text, which needs a table mapping; {do}"


def of_another_form(benchmark: Benchmark, path: Path) -> str | None:
    """What to do with a file that may hold a table, such as one of JSON or Parquet; None where it may not."""
    form = _form(path)
    return form and f"{path} is {form}, which needs a table mapping where it holds a table: {_begin(benchmark, path)}"


def _begin(benchmark: Benchmark, path: Path) -> str:
    words = ["pipeline", "mapping", "init", str(path)]
    command = shlex.join([*words, "--benchmark", benchmark.name] if benchmark.takes_any_name else words)
    return f"begin one with `{command}` (docs/bring-your-own-table.md), and name it with --mapping FILE.toml"


def _form(path: Path) -> str | None:
    """What a file of tables is; None of a pickle, which may be a damaged file of the benchmark's own form."""
    try:
        form = signatures.identify(path)
    except OSError:
        return None
    return form.name if form is not None and form.content in _TABLES else None


def _columns(path: Path) -> Collection[str] | None:
    """The columns of a table of text, whatever its delimiter, if it has two or more."""
    for delimiter in _DELIMITERS:
        try:
            _, cells = next(tables.rows(path, TableForm("csv", delimiter)), ("", Unreadable()))
        except UserError:
            continue
        if not isinstance(cells, Unreadable) and len(cells) > 1:
            return cells.keys()
    return None
