"""Tuning with few labels, for the report: ways to use the labels, tuned proxies, and how rules transfer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.report.queries import Row, answer, records, target_of

if TYPE_CHECKING:
    import duckdb


def tuning(connection: duckdb.DuckDBPyConnection, main: Row) -> Row:
    """Tuning in one space: `tuning` (every way to use labels), and `tuned` (the proxies that were made with labels)."""
    return {name: records(answer(connection, name, target_of(main))) for name in ("tuning", "tuned")}


def transfer(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """One row per pair of spaces; nothing where no rule was applied to another space."""
    rows = answer(connection, "transfer")
    return [] if rows["tuned_on"].eq(rows["scored_on"]).all() else records(rows)
