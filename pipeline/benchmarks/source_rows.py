"""Rows that a reader of published files yields for the lake, column by column."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from pipeline import errors, provenance
from pipeline.benchmarks.contract import Spec, arch_id_of
from pipeline.errors import UserError
from pipeline.lake.schema import TABLES

_LONGEST_ID = 500  # characters of a benchmark's own name for an architecture


@dataclass
class SourceRows:
    """Some architectures of a source with their values, and its rejects.

    What is added of an architecture takes the arch_id that `add_architecture` returned.

    Args:
        architectures, truths, scores, rejects: columns by name, all of one table equally long.
        blocks: further ground truth, each one metric of one data set: a column is an array or one value for all rows.
        warnings: what is odd about the source, a line each, without the source's path.
        position_of: arch_id -> where the source has the architecture, for messages; by default its native id.
    """

    benchmark: str
    architectures: dict[str, list[Any]] = field(default_factory=lambda: _columns("space arch_id spec native_id"))
    truths: dict[str, list[Any]] = field(
        default_factory=lambda: _columns("space arch_id dataset metric epochs seed epoch value status reason")
    )
    scores: dict[str, list[Any]] = field(
        default_factory=lambda: _columns("space arch_id proxy seed value status reason seconds")
    )
    rejects: dict[str, list[Any]] = field(default_factory=lambda: _columns("position reason excerpt"))
    blocks: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    position_of: Callable[[str], str | None] | None = None

    @contextlib.contextmanager
    def record(self, position: str, content: object = "") -> Iterator[None]:
        """A block that takes one record: whatever is wrong with it, it becomes a reject and leaves no rows.

        Args:
            content: of which the reject keeps the beginning, or a function that returns it.
        """
        tables = (self.architectures, self.truths, self.scores)
        sizes = [len(columns["arch_id"]) for columns in tables]
        try:
            yield
        except Exception as error:
            reason = reason_of(error)
            for columns, size in zip(tables, sizes, strict=True):
                for column in columns.values():
                    del column[size:]
            self.add_reject(position, reason, content() if callable(content) else content)

    def add_architecture(self, space: str, spec: Spec, native_id: str | None = None) -> str:
        """Add an architecture by its canonical spec; returns its arch_id."""
        if native_id is not None and (len(native_id) > _LONGEST_ID or not _encodable(native_id)):
            raise UserError(f"its own name is {errors.excerpt(native_id, 40)}, which is no short text")
        text = provenance.canonical_json(spec)
        arch_id = arch_id_of(self.benchmark, space, text)
        _append(self.architectures, space, arch_id, text, native_id)
        return arch_id

    def add_truth(
        self,
        space: str,
        arch_id: str,
        dataset: str,
        metric: str,
        value: float | str | None,
        *,
        epochs: int | None = None,
        seed: int | None = None,
        epoch: int | None = None,
        failure: str = "failed",
    ) -> None:
        """Add a measured value, in the unit that the metric declares, or as text why there is none.

        Without a finite value the row has the status `failure` and a reason.
        """
        reason = None
        if isinstance(value, str):
            value, reason = None, value
        elif value is None:
            reason = "no value at this epoch"
        elif not math.isfinite(value):
            value, reason = None, f"the source says {value}"
        status = "ok" if reason is None else failure
        _append(self.truths, space, arch_id, dataset, metric, epochs, seed, epoch, value, status, reason)

    def add_truths(
        self,
        space: str,
        arch_ids: pa.Array,
        dataset: str,
        metric: str,
        values: pa.Array,
        *,
        epochs: pa.Array | None = None,
        seeds: pa.Array | None = None,
        epoch: pa.Array | None = None,
    ) -> None:
        """Add values of one metric as whole arrays of equal length, all with status ok: for millions of values."""
        columns = space, arch_ids, dataset, metric, epochs, seeds, epoch, values, "ok", None
        self.blocks.append(dict(zip(self.truths, columns, strict=True)))

    def add_score(
        self,
        space: str,
        arch_id: str,
        proxy: str,
        value: float | None,
        *,
        seconds: float | None = None,
        status: str = "ok",
        reason: str | None = None,
    ) -> None:
        """Add a released score, without a seed, under the proxy's own name (the ingest adds "@" and the source)."""
        _append(self.scores, space, arch_id, proxy, None, value, status, reason, seconds)

    def add_reject(self, position: str, reason: str, excerpt: object = "") -> None:
        """Add a record that could not be taken."""
        text = excerpt[:200] if isinstance(excerpt, str) else errors.excerpt(excerpt, 200)
        _append(self.rejects, *(part.encode(errors="replace").decode() for part in (position, reason, text)))

    def arrow(self, table: str, constants: Mapping[str, Any]) -> pa.Table:
        """The rows of the lake's table of that name; `constants` are the columns that are the same in every row."""
        columns = {
            "architectures": self.architectures, "truth": self.truths, "scores": self.scores, "rejects": self.rejects,
        }[table]  # fmt: skip
        return _filled(table, columns, constants)

    def arrow_blocks(self, constants: Mapping[str, Any]) -> Iterator[tuple[str, str, pa.Table]]:
        """Dataset, metric and rows of each block, as `arrow` makes them."""
        for block in self.blocks:
            yield block["dataset"], block["metric"], _filled("truth", block, constants)


def reason_of(error: Exception) -> str:
    """Why a record cannot be taken, from what was raised when it was read.

    Raises:
        OSError, MemoryError: the error, when it says nothing of the record.
    """
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError | MemoryError):
        raise error
    if isinstance(error, RecursionError):
        return "it is nested too deeply, or holds itself"
    if isinstance(error, OverflowError):
        return f"it holds a number that is too large: {str(error)[:150]}"
    return f"it is of another form ({type(error).__name__}: {str(error)[:150]})"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _columns(names: str) -> dict[str, list[Any]]:
    return {name: [] for name in names.split()}


def _filled(table: str, columns: Mapping[str, Any], constants: Mapping[str, Any]) -> pa.Table:
    """Rows of the lake's table of that name; a column that is no list or array is one value for all rows."""
    schema = TABLES[table].arrow
    length = max(len(column) for column in columns.values() if isinstance(column, list | pa.Array))
    values = {**constants, **columns}
    arrays = [
        pa.array(values[f.name], f.type)
        if isinstance(values[f.name], list | pa.Array)
        else pa.repeat(pa.scalar(values[f.name], f.type), length)
        for f in schema
    ]
    return pa.table(arrays, schema=schema)


def _append(columns: Mapping[str, list[Any]], *values: object) -> None:
    for column, value in zip(columns.values(), values, strict=True):
        column.append(value)
