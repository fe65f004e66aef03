"""What to say of a table of text that no table mapping was named for."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from pipeline.benchmarks import defaults
from pipeline.benchmarks.contract import Benchmark
from pipeline.errors import UserError, excerpt
from pipeline.formats import tables
from pipeline.formats.fault import Fault
from pipeline.ingest import mapping as table_mapping

_DELIMITERS = (",", "\t", ";")
_MOST_SHOWN = 8  # columns


def advice(benchmark: Benchmark, path: Path) -> str | None:
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
        named = f" --benchmark {benchmark.name}" if benchmark.canonical is defaults.canonical else ""
        do = (
            f"no shipped one has its columns ({shown}{more}): begin one with `pipeline mapping init {path}{named}` "
            "(docs/bring-your-own-table.md), and name it with --mapping FILE.toml"
        )
    return f"{path} is a table of text, which needs a table mapping; {do}"


def _columns(path: Path) -> Collection[str] | None:
    """The columns of a table of text, whatever its delimiter, if it has two or more."""
    for delimiter in _DELIMITERS:
        try:
            _, cells = next(tables.rows(path, "csv", delimiter=delimiter), ("", Fault()))
        except UserError:
            continue
        if not isinstance(cells, Fault) and len(cells) > 1:
            return cells.keys()
    return None
