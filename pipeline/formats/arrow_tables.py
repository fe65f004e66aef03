"""Parquet and Arrow files of others, as rows of Python's values of a bounded size.

A few bytes of a file may stand for a text of 100 MB, or for a list of a million numbers, in each of a million rows. So
text is read as a dictionary, the largest cell is looked at, and as few rows are taken at a time as then fit in memory.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import NotThisFormError, excerpt, from_os, short_message
from pipeline.formats import arrow_messages, opening
from pipeline.formats.cells_of_entries import cells
from pipeline.formats.table_form import Rows, TableForm

LONGEST = 1 << 17
"""Bytes of a text in a cell, as many as characters of one in a CSV."""

_TEXTS = (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())
_VIEWS = (pa.string_view(), pa.binary_view())
_ROWS = 20_000  # at a time
_BYTES = 1 << 26  # of the cells of a column in the rows that are taken at a time, and of one cell
_ITEM = 32  # bytes of a number in a list of Python


def rows(path: Path, form: TableForm) -> Rows:
    """The rows of a Parquet file, of an Arrow file or of a stream of Arrow's in a file.

    Raises:
        NotThisFormError: it is damaged, of another kind, has two columns of one name, or a cell that is too long.
        UserError: it cannot be read.
    """
    number, named = 0, "a Parquet" if form.kind == "parquet" else "an Arrow"
    try:
        if path.exists():
            opening.refuse_special(path)
        with contextlib.ExitStack() as stack:
            names, batches = (_parquet if form.kind == "parquet" else _arrow)(path, stack)
            if twice := [name for name, count in Counter(names).items() if count > 1]:
                raise NotThisFormError(f"{path} has two columns {excerpt(min(twice))}")
            for batch in _small(batches):
                for row in batch.to_pylist():
                    number += 1
                    yield f"row {number}", cells(row, objects=form.objects)
    except NotThisFormError as error:
        raise error if str(path) in str(error) else NotThisFormError(f"{path}, after row {number}: {error}") from error
    except FileNotFoundError as error:
        raise from_os(error, f"reading {path}") from error
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise NotThisFormError(f"{path} is not {named} file (after row {number}): {short_message(error)}") from error


def _parquet(path: Path, stack: contextlib.ExitStack) -> tuple[Sequence[str], Iterator[pa.RecordBatch]]:
    """The names of the columns, and batches of rows; text, also in lists and structs, is read as a dictionary."""
    source = stack.enter_context(pa.OSFile(os.fsencode(path)))
    schema = pq.ParquetFile(source).schema
    leaves = [schema.column(number) for number in range(len(schema))]
    texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY" and leaf.logical_type.type != "DECIMAL"]
    opened = stack.enter_context(pq.ParquetFile(source, read_dictionary=texts))
    return opened.schema_arrow.names, opened.iter_batches(_rows_at_a_time(_largest_stated(opened.metadata, leaves)))


def _largest_stated(stated: pq.FileMetaData, leaves: Sequence[pq.ColumnSchema]) -> int:
    """Bytes per row of the widest column: its mean over the row group where that is largest, without texts."""
    largest = 0
    for number, leaf in enumerate(leaves):
        width = leaf.length if leaf.physical_type == "FIXED_LEN_BYTE_ARRAY" else 0
        _refuse_long(leaf.path, width)
        for group in map(stated.row_group, range(stated.num_row_groups)):
            items = group.column(number).num_values // max(1, group.num_rows)
            largest = max(largest, items * max(width, _ITEM))
    return largest


def _refuse_long(name: str, length: int) -> None:
    if length > LONGEST:
        raise NotThisFormError(f"a cell of column {excerpt(name)} has {length:,} bytes: refused")


def _rows_at_a_time(largest: int) -> int:
    """How many rows are taken at a time where the largest cell has this many bytes."""
    return max(1, min(_ROWS, _BYTES // max(1, largest)))


def _arrow(path: Path, stack: contextlib.ExitStack) -> tuple[Sequence[str], Iterator[pa.RecordBatch]]:
    arrow_messages.require_bounded(path)
    source = stack.enter_context(pa.OSFile(os.fsencode(path)))  # a mapped file that is cut meanwhile ends the process
    try:
        file = stack.enter_context(pa.ipc.open_file(source))
    except pa.ArrowInvalid:
        source.seek(0)
        stream = stack.enter_context(pa.ipc.open_stream(source))
        return stream.schema.names, _valid(stream)
    return file.schema.names, _valid(file.get_batch(number) for number in range(file.num_record_batches))


def _valid(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same; what points beyond its data would be read from anywhere in memory, or end the process."""
    for batch in batches:
        batch.validate(full=True)
        yield batch


def _small(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The rows, some at a time: decimals and times as text, all else as it is."""
    for batch in batches:
        most = _rows_at_a_time(
            max(
                (_largest(name, column) for name, column in zip(batch.schema.names, batch.columns, strict=True)),
                default=0,
            )
        )
        for start in range(0, batch.num_rows, most):
            part = batch.slice(start, most)
            columns = [_for_python(column) for column in part.columns]
            yield pa.RecordBatch.from_arrays(columns, names=part.schema.names) if columns else part


def _largest(name: str, column: pa.Array) -> int:
    """About how many bytes the largest cell of the column takes."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _largest(name, column.dictionary)
    if isinstance(kind, pa.BaseExtensionType):
        return _largest(name, column.storage)
    if pa.types.is_struct(kind):
        return sum(_largest(name, column.field(number)) for number in range(kind.num_fields))
    if pa.types.is_map(kind):
        return _largest_list(name, column, _largest(name, column.keys) + _largest(name, column.items))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _largest_list(name, column, _largest(name, column.values))
    if pa.types.is_nested(kind) or pa.types.is_run_end_encoded(kind):
        raise NotThisFormError(
            f"column {excerpt(name)} is of type {excerpt(str(kind), 80, bare=True)}, which is not read"
        )
    longest = _longest_text(column)
    _refuse_long(name, longest)
    return max(longest, _ITEM)


def _largest_list(name: str, column: pa.Array, item: int) -> int:
    """`_largest` for lists and mappings, whose largest item has `item` bytes."""
    if pa.types.is_fixed_size_list(column.type):
        items = int(column.type.list_size)
    else:
        items = int(np.diff(column.offsets.to_numpy(zero_copy_only=False)).max(initial=0))
    if items * item > _BYTES:
        raise NotThisFormError(f"a cell of column {excerpt(name)} has {items:,} items of up to {item:,} bytes: refused")
    return items * item


def _longest_text(column: pa.Array) -> int:
    """Bytes of the longest text in the column; 0 of numbers."""
    if pa.types.is_fixed_size_binary(column.type):
        return int(column.type.byte_width)
    if column.type in _VIEWS:
        return _longest_view(column)
    return int(pc.max(pc.binary_length(column)).as_py() or 0) if column.type in _TEXTS else 0


def _longest_view(column: pa.Array) -> int:
    """Bytes of the longest string view. Each view has 16 bytes, of which the first four are the length."""
    lengths = np.frombuffer(column.buffers()[1], np.int32)[::4][column.offset : column.offset + len(column)]
    return int(lengths[column.is_valid().to_numpy(zero_copy_only=False)].max(initial=0))


def _for_python(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_decimal(kind):
        return column.cast(pa.string())
    if pa.types.is_timestamp(kind):  # Python has fewer years, and the zone of a file may be none that is known
        return column.view(pa.int64()).cast(pa.timestamp(kind.unit)).cast(pa.string())
    return column.view(pa.int64()) if pa.types.is_duration(kind) else column
