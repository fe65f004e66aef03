"""Tuning with few labels, for the report: ways to use the labels, tuned proxies, and how rules transfer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.report import figures
from pipeline.report.figures import Figure
from pipeline.report.queries import Row, answer, records, target_of

if TYPE_CHECKING:
    import duckdb


def tuning(connection: duckdb.DuckDBPyConnection, main: Row) -> Row:
    """Tuning in one space: `tuning` (every way to use labels), and `tuned` (the proxies that were made with labels)."""
    return {name: records(answer(connection, name, target_of(main))) for name in ("tuning", "tuned")}


def transfer(connection: duckdb.DuckDBPyConnection) -> tuple[list[Row], list[Figure]]:
    """One row per pair of spaces, and their figure; nothing where no rule was applied to another space."""
    rows = answer(connection, "transfer")
    if rows["tuned_on"].eq(rows["scored_on"]).all():
        return [], []
    table = rows.pivot(index="tuned_on", columns="scored_on", values="rho")
    labels = [f"tuned on {name}" for name in table.index]
    drawing = figures.heat(labels, list(table.columns), table.to_numpy(float), title="rho of a tuned rule, by space")
    caption = "Spearman's rho of rules tuned on one space and applied to another, the mean over draws of the labels"
    return records(rows), [Figure("heat-transfer", "overview", caption, drawing)]
