"""Tuning with few labels, for the report: ways to use the labels, tuned proxies, and how rules transfer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.report.queries import TARGET, Row, answer, answer_of, of_target, records, target_of

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


def tuning(connection: duckdb.DuckDBPyConnection, main: Row, tuned: pd.DataFrame) -> Row:
    """Tuning in one space: `tuning` (every way to use labels), and `tuned` (the proxies that were made with labels).

    Args:
        tuned: the proxies that were made with labels of any target.
    """
    return {
        "tuning": records(answer_of(connection, "tuning", target_of(main))),
        "tuned": records(of_target(tuned, main).drop(columns=TARGET)),
    }


def transfer(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """One row per pair of spaces; nothing where no rule was applied to another space."""
    rows = answer(connection, "transfer")
    return [] if rows["tuned_on"].eq(rows["scored_on"]).all() else records(rows)
