"""What is odd in a lake: rows at fault, and true values whose ranking disagrees with that of their siblings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from pipeline.catalog import sql_files
from pipeline.catalog.database import snapshot, spilling_connection
from pipeline.catalog.results import rows
from pipeline.lake.schema import TABLES
from pipeline.lake.store import Lake
from pipeline.wording import count_of

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_OF_A_ROW = (
    "aggregates_of_many_terms", "duplicate_keys", "impossible_numbers", "uneven_curves", "unknown_statuses",
    "values_and_status",
)  # fmt: skip
_SIBLINGS = {
    "seed": "other seeds of it",
    "epochs": "other training lengths of it",
    "metric": "other metrics of that source",
    "dataset": "the same on other data sets",
    "source": "other sources",
}


class Disagreement(NamedTuple):
    """A column of true values that disagrees with its siblings: its source, and a line with the figures."""

    source_id: str
    line: str


def checks(lake: Lake) -> list[tuple[str, pa.Table]]:
    """Run every check, by name: (name, rows at fault). A sound lake has no row in any."""
    with closing(snapshot(lake)) as connection:
        return [(name, rows(connection, sql)) for name, sql in sorted(sql_files.texts("checks").items())]


def checks_of(tables: Mapping[str, pa.Table]) -> Iterator[tuple[str, pa.Table]]:
    """Run the checks that ask for no rows of other tables, on rows that are in no lake.

    Args:
        tables: rows by the table's name, in its schema.
    """
    with closing(spilling_connection()) as connection:
        for name, table in TABLES.items():
            connection.register(name, tables.get(name, table.arrow.empty_table()))
        for name in _OF_A_ROW:
            yield name, rows(connection, sql_files.texts("checks")[name])


def proxies_of(stored: pa.Table) -> pa.Table:
    """The rows of `proxies` that a lake would show of those that its parts store."""
    given = "(SELECT *, 'a row' AS filename FROM given)"
    sql = re.sub(r"read_parquet\(([^()]|\([^()]*\))*\)", given, sql_files.texts("tables")["proxies"])
    with closing(spilling_connection()) as connection:
        connection.register("given", stored)
        return rows(connection, sql)


def disagreements(connection: duckdb.DuckDBPyConnection) -> list[Disagreement]:
    """The columns of true values that disagree with their siblings, see the view `sibling_agreement`."""
    sql = sql_files.queries("audit")["disagreements"].read_text()
    found = []
    for row in rows(connection, sql).to_pylist():
        usual = "" if row["usual"] is None else f", where {row['usual']:.2f} is usual here"
        line = (
            f"{row['benchmark']} {row['space']}: {row['dataset']} {row['metric']} of {row['source']} ranks the "
            f"architectures otherwise than {_SIBLINGS[row['kind']]}: Spearman's rho is at most {row['rho']:.2f} "
            f"(n = {row['n']:,}){usual}: are its rows joined rightly?"
        )
        found.append(Disagreement(row["source_id"], line))
    return found


def contradicted(connection: duckdb.DuckDBPyConnection, source_ids: Sequence[str]) -> list[Disagreement]:
    """The new sources that have other final values than an earlier source of the same name, where both have one."""
    queries = sql_files.queries("audit")
    found = []
    renewed = set(rows(connection, queries["renewed"].read_text())["source_id"].to_pylist())
    for source_id in renewed.intersection(source_ids):  # few: their values take half a second to look up
        for row in rows(connection, queries["contradicted"].read_text(), {"source": source_id}).to_pylist():
            taken = "the later ones" if row["taken"] == row["differing"] else f"{row['taken']:,} of the later ones"
            line = (
                f"{row['later']}: {count_of(row['differing'], 'value differs', 'values differ')} from those of "
                f"{row['file_name']}, ingested before: the report takes {taken}; a new lake forgets the earlier"
            )
            found.append(Disagreement(source_id, line))
    return found
