"""What the report says of tuning with few labels: ways to use them, proxies found, and how rules transfer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.report.comparison import answers

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]


def tuned(connection: duckdb.DuckDBPyConnection, main: Row) -> Row:
    """Of one space: `tuning` (every way to use labels), and `tuned` (the proxies that were found)."""
    parameters = {key: main[key] for key in ("benchmark", "space", "dataset", "metric")}
    return {name: answers(connection, name, parameters) for name in ("tuning", "tuned")}


def transfer(connection: duckdb.DuckDBPyConnection) -> Row:
    """`transfer`, a row a pair of spaces, and their picture where rules were carried to another space."""
    from pipeline.report import figures

    rows = answers(connection, "transfer")
    if all(row["tuned_on"] == row["scored_on"] for row in rows):
        return {"transfer": [], "figures": []}
    down, across = (sorted({row[side] for row in rows}) for side in ("tuned_on", "scored_on"))
    values = np.full((len(down), len(across)), np.nan)
    for row in rows:
        values[down.index(row["tuned_on"]), across.index(row["scored_on"])] = row["rho"]
    drawing = figures.heat([f"tuned on {name}" for name in down], across, values, title="rho of a tuned rule, by space")
    caption = "Spearman's rho of rules tuned on one space and applied to another, the mean over draws of the labels"
    figure = {"name": "heat-transfer", "kind": "overview", "caption": caption, "drawing": drawing}
    return {"transfer": rows, "figures": [figure]}
