"""The answers to the report's queries as DataFrames, and as values for templates and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline import catalog

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]

TARGET = ["benchmark", "space", "dataset", "metric"]  # the columns that name a target
SERIES = ["proxy_id", "seed"]  # the columns that name a series of scores


def answer(connection: duckdb.DuckDBPyConnection, query: str, parameters: Row | None = None) -> pd.DataFrame:
    """The rows of one of the report's queries, see `catalog.frame`.

    Args:
        connection: a snapshot of the lake.
        query: the name of a file of queries/report.
        parameters: of the query.
    """
    return catalog.frame(connection, catalog.queries("report")[query].read_text(), parameters)


def records(frame: pd.DataFrame) -> list[Row]:
    """The rows as dictionaries of Python's own values, None where there is none."""
    values = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in values.to_dict("records")]


def target_of(row: Row) -> Row:
    """What names the target of a row."""
    return {key: row[key] for key in TARGET}


def of_series(frame: pd.DataFrame, row: Row) -> pd.DataFrame:
    """The part of a frame that is about the series of scores of a row."""
    same_seed = frame["seed"].isna() if row["seed"] is None else frame["seed"].eq(row["seed"]).fillna(False)
    return frame[frame["proxy_id"].eq(row["proxy_id"]) & same_seed]


def of_space(frame: pd.DataFrame, target: Row) -> pd.DataFrame:
    """The part of a frame that is about the space of a target."""
    return frame[frame["benchmark"].eq(target["benchmark"]) & frame["space"].eq(target["space"])]
