"""Parquet of others in batches of rows whose cells Python has: numbers, text, lists and mappings, of a bounded size.

A few bytes of a Parquet file may stand for a text of 100 MB in each of a million rows. So text is read as a dictionary,
the longest in it is looked at, and as few rows are taken at a time as then fit in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import NotThisFormError, excerpt

LONGEST = 1 << 17
"""Bytes of a text in a cell, as many as characters of one in a CSV."""

_ROWS = 20_000  # at a time
_BYTES = 1 << 26  # of the texts of a column in the rows that are taken at a time


def opened(path: Path) -> pq.ParquetFile:
    """A Parquet file whose columns of text are read as dictionaries."""
    with pq.ParquetFile(path) as file:
        names = [field.name for field in file.schema_arrow if _is_text(field.type)]
    return pq.ParquetFile(path, read_dictionary=names)


def batches(file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    """The rows, some at a time: decimals and times as text, all else as it is.

    Raises:
        NotThisFormError: a cell is too long.
    """
    for batch in file.iter_batches(_ROWS):
        longest = max((_longest(name, batch.column(name)) for name in batch.schema.names), default=0)
        rows = max(1, min(_ROWS, _BYTES // max(1, longest)))
        for start in range(0, batch.num_rows, rows):
            part = batch.slice(start, rows)
            columns = [_for_python(column) for column in part.columns]
            yield pa.RecordBatch.from_arrays(columns, names=part.schema.names) if columns else part


def _longest(name: str, column: pa.Array) -> int:
    """Bytes of the longest text in the column; 0 of another."""
    values = column.dictionary if pa.types.is_dictionary(column.type) else column
    if not _is_text(values.type):
        return 0
    longest = pc.max(pc.binary_length(values)).as_py() or 0
    if longest > LONGEST:
        raise NotThisFormError(f"a cell of column {excerpt(name)} has {longest:,} bytes: refused")
    return int(longest)


def _for_python(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_decimal(kind):
        return column.cast(pa.string())
    if pa.types.is_timestamp(kind):  # Python has fewer years, and the zone of a file may be none that is known
        return column.view(pa.int64()).cast(pa.timestamp(kind.unit)).cast(pa.string())
    return column.view(pa.int64()) if pa.types.is_duration(kind) else column


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )  # fmt: skip
