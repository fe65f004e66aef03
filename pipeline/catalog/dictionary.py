"""The data dictionary: every table and view in Markdown.

`python -m pipeline.catalog.dictionary` writes data/dictionary.md.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

import duckdb

from pipeline import catalog
from pipeline.lake.schema import FORMAT, TABLES, Table
from pipeline.lake.store import Lake

_HEAD = f"""\
# Data dictionary

Made from `pipeline/lake/schema.py` and `queries/` by `python -m pipeline.catalog.dictionary`; format {FORMAT} of the
lake.

The tables are the record: Parquet files that are only ever added to. The views are computed from them when asked.
A key names the columns that no two rows share, where NULL counts as a value. Columns marked `?` may be NULL.

## Tables
"""


def markdown() -> str:
    """The whole dictionary: tables as the schema has them, views by topic."""
    parts = [_HEAD, *(_table(table) for table in TABLES.values())]
    views = catalog.queries("views")
    topics = {path.parent.name for path in views.values()}
    with tempfile.TemporaryDirectory() as folder, closing(catalog.snapshot(Lake(Path(folder), create=True))) as empty:
        parts += ["## Macros\n", *(_macro(empty, name, path) for name, path in catalog.queries("macros").items())]
        parts += [
            "## Published figures\n",
            *(_view(empty, name, path) for name, path in catalog.queries("seeds").items()),
        ]
        for topic in sorted(topics, key=lambda topic: (topic == "deprecated", topic)):
            parts.append(f"## Views: {topic}\n")
            parts += [_view(empty, name, path) for name, path in views.items() if path.parent.name == topic]
    return "\n".join(parts)


def _macro(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> str:
    sql = "SELECT array_to_string(parameters, ', ') AS parameters FROM duckdb_functions() WHERE function_name = $name"
    [row] = catalog.rows(connection, sql, {"name": name}).to_pylist()
    return f"### {name}({row['parameters']})\n\n{catalog.head_comment(path.read_text())}\n"


def _view(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> str:
    sql = "SELECT column_name AS name FROM duckdb_columns() WHERE table_name = $name ORDER BY column_index"
    columns = ", ".join(f"`{row['name']}`" for row in catalog.rows(connection, sql, {"name": name}).to_pylist())
    return f"### {name}\n\n{catalog.head_comment(path.read_text())}\n\nColumns: {columns}.\n"


def _table(table: Table) -> str:
    lines = [f"### {table.name}", "", table.comment, "", f"Key: {', '.join(f'`{c}`' for c in table.key)}.", ""]
    lines += ["| column | type | what |", "|---|---|---|"]
    for column in table.columns:
        comment = column.comment.replace("|", "\\|")
        lines.append(f"| `{column.name}` | {column.type}{'?' if column.nullable else ''} | {comment} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    (Path(__file__).resolve().parents[2] / "data" / "dictionary.md").write_text(markdown())
