"""The verb `query`: one SELECT over a lake, printed as an aligned table, CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pipeline import catalog, escaping, progress, text_table
from pipeline.catalog import arrow_types, parameters
from pipeline.errors import UserError, unknown
from pipeline.lake.outputs import OutputFile
from pipeline.lake.store import Lake
from pipeline.wording import count_of

if TYPE_CHECKING:
    import pyarrow as pa

_WRITTEN = 1 << 20  # bytes at a time
_CONVERTED = 10_000  # rows at a time: while Arrow makes objects of Python, no signal is heard
SHOWN_ROWS = 1000  # of a table on a terminal; the other formats always hold every row


def run(
    lake_root: Path,
    sql: str,
    params: Mapping[str, str],
    fmt: str = "table",
    out: Path | None = None,
    *,
    force: bool = True,
) -> int:
    """Answer `sql` on standard output, or in the file `out`.

    Args:
        params: values of its `$name` parameters.
        fmt: table, csv, json (a list of objects; NaN and infinities become null) or parquet.
        out: file to write, whole or not at all; None: standard output.
        force: whether a file of that name is replaced.

    Returns:
        The number of rows.

    Raises:
        UserError: unknown format, anything wrong with the SQL, or a file that cannot be written.
    """
    if fmt not in FORMATS:
        raise unknown("format", fmt, FORMATS)
    if fmt == "parquet" and out is None and sys.stdout.isatty():
        raise UserError("Parquet is not for a terminal: name a file with --out FILE, or redirect the output")
    file = None if out is None else OutputFile(out, force)
    if file is not None:
        file.refuse()
    lake = Lake(lake_root)
    content, rows = _answer(lake, sql, params, fmt)
    if file is None:
        if isinstance(content, str) and sys.stdout.isatty():
            content = escaping.visible(content)
        _print(sys.stdout.buffer, content)
    else:
        with file.written() as temporary:
            temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    for reason in parameters.unknown_values(lake, params) if rows == 0 else ():
        progress.warn(f"no rows: {reason}")
    return rows


def _answer(lake: Lake, sql: str, params: Mapping[str, str], fmt: str) -> tuple[str | bytes, int]:
    as_text = arrow_types.ALWAYS if fmt == "parquet" else arrow_types.FOR_TEXT
    table = catalog.run_sql(lake, sql, params, as_text=as_text)
    try:
        return FORMATS[fmt](table), table.num_rows
    except (OverflowError, ValueError):  # a time that is none of Python's: DuckDB writes all of them
        table = catalog.run_sql(lake, sql, params, as_text=as_text | arrow_types.INSTANTS)
        return FORMATS[fmt](table), table.num_rows


def format_table(table: pa.Table, limit: int = SHOWN_ROWS) -> str:
    """Aligned columns under their names: numbers to the right with six significant digits, NULL as `-`.

    Of more than `limit` rows the first are shown, and a last line says how many are not. On a terminal the table is
    fitted to its width, see `text_table`.
    """
    shown = _columns(table.slice(0, limit))
    names = [escaping.cell(name).replace("\n", "\\n") for name in table.column_names]
    right = [all(isinstance(value, int | float | Decimal | None) for value in column) for column in shown]
    rows = [[_cell(value) for value in row] for row in zip(*shown, strict=True)]
    # a cell of several lines, as EXPLAIN gives, takes several lines of the table
    lines = [list(line) for row in rows for line in zip_longest(*(cell.split("\n") for cell in row), fillvalue="")]
    rule = [text_table.RULE * max(map(len, column)) for column in zip(names, *lines, strict=True)]
    text = text_table.fitted([names, rule, *lines], right, width=text_table.terminal_width())
    if table.num_rows > limit:
        text.append(f"... {count_of(table.num_rows - limit, 'more row')}: add LIMIT, or take all with --format csv")
    return "\n".join(text) + "\n"


def format_csv(table: pa.Table) -> str:
    """RFC 4180 with a header, but lines end in a plain newline; NULL is empty.

    Numbers have all their digits, times are ISO 8601, lists are JSON.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")  # a shell compares what it reads
    writer.writerow(table.column_names)
    for rows in _pieces(table):
        writer.writerows([_field(value) for value in row] for row in rows)
    return text.getvalue()


def format_json(table: pa.Table) -> str:
    """A list of objects, one per row."""
    _refuse_namesakes(table)
    texts = []
    for rows in _pieces(table):
        objects = [dict(zip(table.column_names, map(_finite, row), strict=True)) for row in rows]
        texts.append(json.dumps(objects, indent=1, default=_json_value, allow_nan=False)[1:-2])
    return f"[{','.join(texts)}\n]\n" if texts else "[]\n"


def format_parquet(table: pa.Table) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    _refuse_namesakes(table)
    buffer = io.BytesIO()
    try:
        pq.write_table(table, buffer, compression="zstd", write_page_checksum=True)
    except pa.ArrowException as error:
        raise UserError(f"Parquet does not hold such a column, cast it or take --format json: {error}") from error
    return buffer.getvalue()


FORMATS: dict[str, Callable[[pa.Table], str | bytes]] = {
    "table": format_table,
    "csv": format_csv,
    "json": format_json,
    "parquet": format_parquet,
}


def _refuse_namesakes(table: pa.Table) -> None:
    for name in table.column_names:
        if table.column_names.count(name) > 1:
            raise UserError(f"two columns are called {name}: tell them apart with AS, or take --format csv")


def _pieces(table: pa.Table) -> Iterator[Iterator[tuple[Any, ...]]]:
    """The rows, some at a time: as objects of Python they take many times the memory of Arrow's."""
    for start in range(0, table.num_rows, _CONVERTED):
        yield zip(*_columns(table.slice(start, _CONVERTED)), strict=True)


def _columns(table: pa.Table) -> list[list[Any]]:
    """The values of each column, times in UTC."""
    return [_in_utc(column) if getattr(column.type, "tz", None) else column.to_pylist() for column in table.columns]


def _in_utc(times: pa.ChunkedArray) -> list[datetime | None]:
    import pyarrow as pa

    # pyarrow itself would import pandas for the zone, which takes longer than most queries
    stored = [chunk.view(pa.timestamp(times.type.unit)) for chunk in times.chunks]
    return [at and at.replace(tzinfo=UTC) for chunk in stored for at in chunk.to_pylist()]


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | dict):  # Python would write what is in it as expressions: Decimal('1.5')
        value = json.dumps(value, default=_json_value, ensure_ascii=False)
    return escaping.cell(str(value).strip("\n"))


def _field(value: object) -> object:
    if isinstance(value, list | dict):
        return json.dumps(_finite(value), default=_json_value)
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if hasattr(value, "isoformat") else value


def _finite(value: Any) -> Any:
    """The value with NaN and infinities, which JSON does not have, as None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(member) for key, member in value.items()}
    return [_finite(member) for member in value] if isinstance(value, list | tuple) else value


def _json_value(value: Any) -> int | float | str:
    """A value that JSON does not know: a decimal, as which DuckDB adds up integers, too; a time; or as text."""
    if isinstance(value, Decimal):
        return int(value) if value.as_tuple().exponent == 0 else float(value)
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def _print(stream: BinaryIO, content: str | bytes) -> None:
    data = memoryview(content.encode() if isinstance(content, str) else content)
    try:
        for start in range(0, len(data), _WRITTEN):  # in pieces, between which Ctrl-C is heard
            stream.write(data[start : start + _WRITTEN])
        stream.flush()
    except BrokenPipeError:  # the reader, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the exit of Python fails to flush
