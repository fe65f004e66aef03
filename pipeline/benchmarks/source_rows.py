"""What a reader of a published form yields: rows for the lake, column by column."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from pipeline import errors, provenance
from pipeline.benchmarks.contract import Spec, arch_id_of
from pipeline.lake.schema import TABLES


@dataclass
class SourceRows:
    """Some architectures of a source with their values, and its rejects.

    What is added of an architecture takes the arch_id that `add_architecture` returned.

    Args:
        benchmark: its name.
        architectures, truths, scores, rejects: columns by name, all of one table equally long.
        blocks: further ground truth, each one metric of one data set: a column is an array or one value for all rows.
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

    def add_architecture(self, space: str, spec: Spec, native_id: str | None = None) -> str:
        """Add an architecture by its canonical spec; returns its arch_id."""
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
        value: float | None,
        *,
        epochs: int | None = None,
        seed: int | None = None,
        epoch: int | None = None,
        status: str = "ok",
        reason: str | None = None,
    ) -> None:
        """Add a measured value, in the unit that the metric declares."""
        _append(self.truths, space, arch_id, dataset, metric, epochs, seed, epoch, value, status, reason)

    def add_measurement(
        self,
        space: str,
        arch_id: str,
        dataset: str,
        metric: str,
        value: float | None,
        *,
        epochs: int | None,
        seed: int | None,
        epoch: int | None,
        failure: str = "failed",
    ) -> None:
        """Add a value that may be missing or not finite: then the row has the status `failure`, a reason, no value."""
        finite = value is not None and math.isfinite(value)
        reason = None if finite else "no value at this epoch" if value is None else f"the source says {value}"
        self.add_truth(
            space, arch_id, dataset, metric, value if finite else None,
            epochs=epochs, seed=seed, epoch=epoch, status="ok" if finite else failure, reason=reason,
        )  # fmt: skip

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
        seed: int | None = None,
        seconds: float | None = None,
        status: str = "ok",
        reason: str | None = None,
    ) -> None:
        """Add a released score under the proxy's own name (whoever ingests adds "@" and the source)."""
        _append(self.scores, space, arch_id, proxy, seed, value, status, reason, seconds)

    def add_reject(self, position: str, reason: str, excerpt: object = "") -> None:
        """Add a record that could not be taken."""
        text = excerpt[:200] if isinstance(excerpt, str) else errors.excerpt(excerpt, 200)
        _append(self.rejects, position, reason, text)

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
