"""The way in: a DuckDB catalog of views over the record's Parquet parts, and everything that runs SQL.

`LAKE/bench.duckdb` holds no rows. It is written beside and swapped in by a rename, so that readers, other processes and
the DuckDB command line never meet half of it, and no stage ever holds it open for writing.

Imports within go down: answer > database > derived > script.
"""

from pipeline.catalog.answer import Value, checks, frame, rows, run_sql, to_frame, typed
from pipeline.catalog.database import CATALOG, connect, ensure, export, refresh, snapshot
from pipeline.catalog.script import head_comment, queries

__all__ = [
    "CATALOG", "Value", "checks", "connect", "ensure", "export", "frame", "head_comment", "queries", "refresh", "rows",
    "run_sql", "snapshot", "to_frame", "typed",
]  # fmt: skip
