"""The answers to the report's queries as DataFrames, and as values for templates and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
import pyarrow as pa

from pipeline import catalog
from pipeline.escaping import visible

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]

SPACE = ["benchmark", "space"]  # the columns that name a space
TARGET = [*SPACE, "dataset", "metric"]  # the columns that name a target
SERIES = ["proxy_id", "seed"]  # the columns that name a series of scores


def answer(connection: duckdb.DuckDBPyConnection, query: str, parameters: Row | None = None) -> pd.DataFrame:
    """The rows of one of the report's queries, see `catalog.frame`.

    Args:
        query: the name of a file of queries/report.
    """
    table = catalog.rows(connection, catalog.queries("report")[query].read_text(), parameters)
    return catalog.to_frame(_shown(table))


def answer_of(connection: duckdb.DuckDBPyConnection, query: str, key: Row, *, keep_key: bool = False) -> pd.DataFrame:
    """The part of an answer that is about one space or target.

    A query is asked once for all spaces of a connection, which takes little more than asking for one of them.

    Args:
        connection: a snapshot of the lake, which no longer changes.
        query: the name of a file of queries/report that has no parameters.
        key: what the part is about, of `space_of` or `target_of`.
        keep_key: whether the part has the columns of the key, too.
    """
    answers = _answers.setdefault(connection, {})
    if query not in answers:
        whole = answer(connection, query)
        parts = {name: part.reset_index(drop=True) for name, part in whole.groupby([*key], sort=False)}
        answers[query] = whole.iloc[:0], parts
    empty, parts = answers[query]
    part = parts.get(tuple(key.values()), empty)
    return part if keep_key else part.drop(columns=[*key])


def records(frame: pd.DataFrame) -> list[Row]:
    """The rows as dictionaries of Python's own values, None where there is none."""
    columns = [_values(frame[name]) for name in frame]
    names = [str(name) for name in frame]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def space_of(row: Row) -> Row:
    """What names the space of a row."""
    return {key: row[key] for key in SPACE}


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


def of_target(frame: pd.DataFrame, target: Row) -> pd.DataFrame:
    """The part of a frame that is about a target; a frame about one space alone need not name it."""
    return frame[np.logical_and.reduce([frame[key].eq(target[key]) for key in TARGET if key in frame])]


_answers: WeakKeyDictionary[
    duckdb.DuckDBPyConnection, dict[str, tuple[pd.DataFrame, dict[tuple[Any, ...], pd.DataFrame]]]
] = WeakKeyDictionary()
"""Of each connection and query an answer without rows, and those about each space or target."""


def _values(column: pd.Series[Any]) -> list[Any]:
    values = column.to_numpy(dtype=object, copy=True)
    values[column.isna().to_numpy()] = None
    return values.tolist()


def _shown(table: pa.Table) -> pa.Table:
    """The table with what is not to be seen in its texts shown: they go to a page, to figures and to a terminal."""
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            column = table.column(place)
            shown = {text: visible(text) for text in column.unique().to_pylist() if text is not None}
            if any(text != visible_text for text, visible_text in shown.items()):
                texts = pa.array(map(shown.get, column.to_pylist()), field.type)
                table = table.set_column(place, field, texts)
    return table
