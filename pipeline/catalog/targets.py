"""The targets that a connection leads with: those of the view `targets`, or others that a command names."""

from __future__ import annotations

import duckdb

from pipeline.catalog import sql_files, stored_results
from pipeline.catalog.quoting import literal
from pipeline.catalog.results import rows
from pipeline.errors import unknown

_SHOWN = "[family, metric, dataset || ' ' || metric]"
_NAMES = f"list_append({_SHOWN}, dataset || '/' || metric)"  # which needs no quotation marks in a shell


def target_names(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """What `lead_with` takes: families, metrics, and data sets with a metric, each once."""
    table = rows(connection, f"SELECT DISTINCT unnest({_SHOWN}) AS name FROM targets ORDER BY name")
    return [str(name) for name in table["name"].to_pylist()]


def lead_with(connection: duckdb.DuckDBPyConnection, name: str, *, compute: bool = False) -> None:
    """Let the first target of a name lead, for this connection alone; spaces without one have no main target then.

    Args:
        connection: a snapshot of the lake without stored results, which are those of the targets that lead by default.
        name: a family, a metric, or a data set with a metric: "robustness", "test_accuracy", "cifar100 test_accuracy".
        compute: also compute what `stored_results` stores or holds once, for a connection that asks for all of them.

    Raises:
        UserError: no target is called so.
    """
    if not len(rows(connection, f"FROM targets WHERE list_contains({_NAMES}, {literal(name)})")):
        raise unknown("target", name, target_names(connection))
    connection.execute(
        "CREATE TEMP TABLE targets AS SELECT * EXCLUDE (named, first) REPLACE (first AS leads, first AS main) FROM ("
        "SELECT *, named AND row_number() OVER ("
        "PARTITION BY benchmark, space, named ORDER BY covered DESC, priority, dataset, metric) = 1 AS first "
        f"FROM (SELECT *, list_contains({_NAMES}, {literal(name)}) AS named FROM targets))"
    )
    if compute:
        computed_once = {*stored_results.small(), *stored_results.held_views()} - {"targets"}
        for view in sql_files.in_reading_order(sql_files.texts("views")):
            if view in computed_once:
                connection.execute(f"CREATE TEMP TABLE {view} AS FROM {view}")
