"""Run SQL: one statement of a user, confined and checked, and the project's own queries."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

import duckdb

from pipeline.catalog import arrow_types, stored_results
from pipeline.catalog.damage import damage_named
from pipeline.catalog.database import connect, one_line
from pipeline.catalog.definition import published
from pipeline.errors import UserError, excerpt, unknown
from pipeline.lake.staging import remove_abandoned
from pipeline.lake.store import Lake

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_GAP = r"(?>\s|--[^\n]*\n|/\*(?s:.*?)\*/)"  # blanks and comments
_EXPLAIN = rf"^{_GAP}*EXPLAIN\b{_GAP}*(ANALYZE\b{_GAP}*)?(\([^()]*\){_GAP}*)?"

Value = int | float | bool | str | None


def run_sql(
    lake: Lake, sql: str, params: Mapping[str, Value] | None = None, *, as_text: frozenset[str] = arrow_types.ALWAYS
) -> pa.Table:
    """Answer one SELECT-like statement with a table.

    Args:
        sql: SELECT, WITH, FROM, VALUES, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN of one of these.
        params: values of its `$name` parameters; of a text that which `typed` says.
        as_text: the types of DuckDB whose values are written as text, see `arrow_types`.

    Raises:
        UserError: another kind of statement, a parameter too few or too many, or what DuckDB says is wrong.
    """
    remove_abandoned(lake.root)  # also where the catalog is current: another query may have been killed after making it
    with (
        closing(connect(lake)) as connection,
        _one_line_errors(connection, sql, params or {}),
        damage_named(lake.parts),
    ):
        statement = _one_select(connection, sql)
        values = _bind(statement.named_parameters, params or {})
        views = stored_results.read_by(sql)
        provided = stored_results.provide(connection, lake, published(lake), views) if views else []
        try:
            return arrow_types.written(connection.sql(statement, params=values), as_text).to_arrow_table()
        except duckdb.IOException:  # another process has stored a newer state of the lake, and removed this one's
            if not provided:
                raise
            stored_results.withdraw(connection, provided)
            return arrow_types.written(connection.sql(statement, params=values), as_text).to_arrow_table()


def rows(connection: duckdb.DuckDBPyConnection, sql: str, params: Mapping[str, Value] | None = None) -> pa.Table:
    """The result of one of the project's own queries.

    Raises:
        UserError: a part cannot be read.
    """
    with damage_named(own=True):
        return connection.sql(sql, params=params).to_arrow_table()


def execute(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Run one of the project's own statements that has no result.

    Raises:
        UserError: a part cannot be read.
    """
    with damage_named(own=True):
        connection.execute(sql)


def frame(connection: duckdb.DuckDBPyConnection, sql: str, params: Mapping[str, Value] | None = None) -> pd.DataFrame:
    """The result of one of the project's own queries as a DataFrame.

    Integers and truth values have pandas' nullable types, so that a NULL among them does not make floats of them; sums
    of integers are integers as far as they have 64 bits, and decimals are floats. NULL is NaN in a column of floats; a
    list is an array.
    """
    return to_frame(rows(connection, sql, params))


def to_frame(table: pa.Table) -> pd.DataFrame:
    """A result as a DataFrame, see `frame`."""
    import pandas as pd
    import pyarrow as pa

    def nullable(kind: pa.DataType) -> pd.api.extensions.ExtensionDtype | None:
        if pa.types.is_integer(kind):
            return pd.UInt64Dtype() if pa.types.is_uint64(kind) else pd.Int64Dtype()
        return pd.BooleanDtype() if pa.types.is_boolean(kind) else None

    for place, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            table = table.set_column(place, field.name, _without_decimals(table.column(place)))
    result: pd.DataFrame = table.to_pandas(types_mapper=nullable)
    return result


def _without_decimals(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decimals, as which DuckDB adds up integers, too, as integers or else floats."""
    import pyarrow as pa

    if column.type.scale == 0:
        with suppress(pa.ArrowInvalid):  # more than 64 bits
            return column.cast(pa.int64())
    return column.cast(pa.float64())


def typed(text: str) -> Value:
    """The value of a parameter given as text: a number, true, false, null, else text ("7" in quotes is text, too).

    Sixteen hex digits are an identity and stay text, even where they are all decimal.

    Raises:
        UserError: a number that is larger than any.
    """
    if re.fullmatch(r"[0-9a-f]{16}", text):
        return text
    if re.fullmatch(r"-?[0-9]{1,38}", text):  # as a float, those of more than 15 would be others
        return int(text)
    if re.fullmatch(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", text):
        if math.isinf(number := float(text)):
            raise UserError(f"a parameter is {excerpt(text, 40)}, which is larger than any float")
        return number
    words: dict[str, Value] = {"true": True, "false": False, "null": None}
    if text.lower() in words:
        return words[text.lower()]
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text


def _one_select(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    try:
        sql.encode()
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise UserError(f"the SQL cannot be parsed: {one_line(error)}") from error
    except UnicodeEncodeError as error:
        raise UserError(f"the SQL cannot be parsed: its character {error.start + 1} is not of UTF-8") from error
    if len(statements) != 1:
        raise UserError(f"one statement at a time, please: the SQL holds {len(statements)}")
    statement = statements[0]
    if statement.type == duckdb.StatementType.EXPLAIN:
        # EXPLAIN ANALYZE runs what it explains
        inner = re.sub(_EXPLAIN, "", statement.query, flags=re.IGNORECASE)
        if inner != statement.query:
            _one_select(connection, inner)
            return statement
    if statement.type != duckdb.StatementType.SELECT:
        kind = "PIVOT without IN (...)" if statement.type == duckdb.StatementType.MULTI else statement.type.name
        raise UserError(f"{kind} is refused, queries only read: use SELECT, WITH, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN")
    return statement


def _bind(wanted: set[str], given: Mapping[str, Value]) -> dict[str, Value]:
    for name in given:
        if name not in wanted:
            raise unknown("parameter", name, wanted)
    missing = sorted(wanted - set(given))
    if missing:
        options = " ".join(f"--param {name}=VALUE" for name in missing)
        named = ", ".join(f"{name}=VALUE" for name in missing)
        raise UserError(f"the query has parameters without a value: give {options}, in Python {named}")
    return {name: typed(value) if isinstance(value, str) else value for name, value in given.items()}


@contextmanager
def _one_line_errors(connection: duckdb.DuckDBPyConnection, sql: str, params: Mapping[str, Value]) -> Iterator[None]:
    """Turn what DuckDB finds wrong into one line.

    It has the lake's own names where a table or view is unknown, and the parameter's where a value is of another type.
    """
    try:
        yield
    except RuntimeError as error:
        if str(error) == "Query interrupted":  # what DuckDB makes of Ctrl-C, as long as it looks for one
            raise KeyboardInterrupt from error
        raise
    except ValueError as error:  # of Arrow, which takes lists in lists to some depth
        raise UserError(f"the rows cannot be handed over: {' '.join(str(error).split())}") from error
    except duckdb.Error as error:
        missing = re.search(r"Table with name (\S+) does not exist", str(error))
        if missing:
            raise unknown("table or view", missing[1], _names(connection)) from error
        missing = re.search(r'does not have a column named "(.+?)"', str(error))
        if missing:
            raise unknown("column", missing[1], _columns(connection)) from error
        elsewhere = re.search(r'"(.+)" is not in the catalog, but it exists in the (\S+) extension', str(error))
        if elsewhere:
            raise UserError(f"{elsewhere[1]} is of DuckDB's extension {elsewhere[2]}, which no query loads") from error
        missing = re.search(r'Referenced column "(.+?)" not found', str(error))
        if missing and re.search(rf'(=|<>|LIKE|IN \()\s*"?{re.escape(missing[1])}', sql, re.IGNORECASE):
            raise UserError(f"{one_line(error)}; a text is written in single quotes") from error
        if isinstance(error, duckdb.PermissionException):
            raise UserError(f"{one_line(error)}; a query reads the lake's own parts and nothing else") from error
        wrong = [name for name, value in params.items() if isinstance(value, str) and f"'{value}'" in str(error)]
        of_parameter = f"parameter {wrong[0]}: " if wrong and isinstance(error, duckdb.ConversionException) else ""
        raise UserError(of_parameter + one_line(error)) from error


def _names(connection: duckdb.DuckDBPyConnection) -> set[str]:
    sql = "SELECT view_name FROM duckdb_views() WHERE NOT internal UNION SELECT table_name FROM duckdb_tables()"
    return {name for (name,) in connection.execute(sql).fetchall()}


def _columns(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {
        name for (name,) in connection.execute("SELECT column_name FROM duckdb_columns() WHERE NOT internal").fetchall()
    }
