"""A DuckDB catalog of views and macros over the lake's Parquet parts, and everything that runs SQL.

`LAKE/bench.duckdb` holds no rows but the published figures. It is written beside and swapped in by a rename, so that
readers, other processes and the DuckDB command line never meet half of it, and no stage ever holds it open for writing.

Imports within go down: query > audit | targets > results | table_rows > database > stored_results | damage >
definition > bound_views > temporary | sql_files, quoting.
"""

from pipeline.catalog.audit import checks, checks_of, contradicted, disagreements, proxies_of
from pipeline.catalog.database import CATALOG, connect, ensure, export, refresh, snapshot, tables
from pipeline.catalog.results import Value, execute, frame, rows, run_sql, to_frame, typed
from pipeline.catalog.sql_files import head_comment, queries
from pipeline.catalog.stored_results import FOLDER as STORED_RESULTS
from pipeline.catalog.stored_results import is_whole as is_whole_result
from pipeline.catalog.stored_results import stored_results_folder
from pipeline.catalog.table_rows import TableRows
from pipeline.catalog.targets import lead_with

__all__ = [
    "CATALOG", "STORED_RESULTS", "TableRows", "Value", "checks", "checks_of", "connect", "contradicted",
    "disagreements", "ensure", "execute", "export", "frame", "head_comment", "is_whole_result", "lead_with",
    "proxies_of", "queries", "refresh", "rows", "run_sql", "snapshot", "stored_results_folder", "tables",
    "to_frame", "typed",
]  # fmt: skip
