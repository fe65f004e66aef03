"""The shelf of benchmarks: one module a benchmark, found by its file name and imported when it is asked for.

A module of this package that is named after a benchmark holds one `BENCHMARK`, and imports no other benchmark.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline import provenance
from pipeline.errors import UserError, unknown
from pipeline.lake.schema import TABLES

if TYPE_CHECKING:
    from torch import nn

    from pipeline.benchmarks.parameters import ParameterCheck

ARCHITECTURE_VERSION = 1

Spec = dict[str, Any]
"""A canonical architecture: a JSON object that builds the network and is equal for equal architectures."""


@dataclass(frozen=True)
class Space:
    """A search space: its name, its number of architectures (None: not enumerated), and one sentence."""

    name: str
    size: int | None
    description: str


@dataclass(frozen=True)
class Metric:
    """What a value of `truth` means; the fields are the columns of `metrics`."""

    dataset: str
    metric: str
    split: str
    unit: str
    higher_is_better: bool | None
    priority: int | None
    description: str


@dataclass
class Batch:
    """What a reader yields: some architectures, values and rejects, gathered column by column.

    `benchmark` names the benchmark; `blocks` are further truths, by the column. `truth` and `score` take the arch_id
    that `architecture` returned.
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

    def architecture(self, space: str, spec: Spec, native_id: str | None = None) -> str:
        """Add an architecture by its canonical spec; returns its arch_id."""
        text = provenance.canonical_json(spec)
        arch_id = arch_id_of(self.benchmark, space, text)
        _append(self.architectures, space, arch_id, text, native_id)
        return arch_id

    def truth(
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

    def truths_of(
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
        """Add good values of one metric by the column, where there are millions; arrays are of equal length."""
        columns = space, arch_ids, dataset, metric, epochs, seeds, epoch, values, "ok", None
        self.blocks.append(dict(zip(self.truths, columns, strict=True)))

    def score(
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
        """Add a released score under the proxy's own name (the reader's caller adds the source to it)."""
        _append(self.scores, space, arch_id, proxy, seed, value, status, reason, seconds)

    def reject(self, position: str, reason: str, excerpt: object = "") -> None:
        """Add a record that could not be taken."""
        _append(self.rejects, position, reason, str(excerpt)[:200])

    def arrow(self, table: str, constants: Mapping[str, Any]) -> pa.Table:
        """The rows for a table of the record, with `constants` as the columns that are the same in every row."""
        columns = {
            "architectures": self.architectures, "truth": self.truths, "scores": self.scores, "rejects": self.rejects,
        }[table]  # fmt: skip
        return _filled(table, columns, constants)

    def arrow_blocks(self, constants: Mapping[str, Any]) -> Iterator[tuple[str, str, pa.Table]]:
        """Dataset, metric and rows of each block, as `arrow` makes them."""
        for block in self.blocks:
            yield block["dataset"], block["metric"], _filled("truth", block, constants)


@dataclass(frozen=True)
class Benchmark:
    """A benchmark as facts and functions.

    Args:
        name: as on the command line; the module's name.
        title: as in a report.
        spaces: its search spaces, the default one first.
        metrics: what its ground truth measures.
        licence: SPDX identifier of the published native form.
        reader_version: raise it when `read` would store other rows for the same file.
        canonical: (space, architecture in any accepted notation) -> spec; UserError says which rule is broken.
        compose: (space, parts) -> spec, from named parts as a table's columns or codes give them.
        read: (path, curves) -> batches from the published native form; NotThisFormError if it is not that.
        build: (space, spec) -> a torch module whose forward maps `inputs` to the list of its taps.
        stages: number of taps of a network.
        sample: (space, random) -> a random architecture, where the space is generative.
        mutate: (space, spec, random) -> a neighbour, likewise.
        check: (path, number of networks) -> for each file, whether its networks are built as the file says.
        features: (space, spec) -> `inputs` to the features that a classifier pools: `networks.features`.
        forms: one line for each form that `read` takes, for error messages.
        inputs: what the networks take: images [N, 3, H, W], or sequences [N, T, width].
        curves_asked: whether `read` leaves learning curves out unless it is asked for them.
    """

    name: str
    title: str
    spaces: tuple[Space, ...]
    metrics: tuple[Metric, ...]
    licence: str
    reader_version: int
    canonical: Callable[[str, object], Spec]
    compose: Callable[[str, Mapping[str, object]], Spec]
    read: Callable[[Path, bool], Iterator[Batch]]
    build: Callable[[str, Spec], nn.Module]
    stages: int
    forms: str
    inputs: str = "images"
    curves_asked: bool = True
    sample: Callable[[str, Random], Spec] | None = None
    mutate: Callable[[str, Spec, Random], Spec] | None = None
    check: Callable[[Path, int], list[ParameterCheck]] | None = None
    features: Callable[[str, Spec], nn.Module] | None = None

    def space(self, name: str | None) -> Space:
        """The space of that name, or the default one."""
        if name is None:
            return self.spaces[0]
        for space in self.spaces:
            if space.name == name:
                return space
        raise unknown(f"space of {self.name}", name, (s.name for s in self.spaces))

    def metric(self, dataset: str, metric: str) -> Metric:
        """The declared metric; UserError with a suggestion if there is none."""
        of_dataset = {m.metric: m for m in self.metrics if m.dataset == dataset}
        if not of_dataset:
            raise unknown(f"dataset of {self.name}", dataset, {m.dataset for m in self.metrics})
        if metric not in of_dataset:
            raise unknown(f"metric of {self.name} on {dataset}", metric, of_dataset)
        return of_dataset[metric]


def arch_id_of(benchmark: str, space: str, spec: str | Spec) -> str:
    """The identity of an architecture, from its spec or the spec's canonical JSON."""
    text = spec if isinstance(spec, str) else provenance.canonical_json(spec)
    return provenance.text_identity("architecture", ARCHITECTURE_VERSION, f"{benchmark}/{space}/{text}")


def names() -> list[str]:
    """The benchmarks on the shelf."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if m.ispkg)


def load(name: str) -> Benchmark:
    """The benchmark of that name.

    Raises:
        UserError: there is none; the message suggests the nearest.
    """
    if name not in names():
        raise unknown("benchmark", name, names())
    benchmark = importlib.import_module(f"{__name__}.{name}").BENCHMARK
    if not isinstance(benchmark, Benchmark) or benchmark.name != name:
        raise UserError(f"pipeline/benchmarks/{name} does not hold a BENCHMARK named '{name}'")
    return benchmark


def _columns(names: str) -> dict[str, list[Any]]:
    return {name: [] for name in names.split()}


def _filled(table: str, columns: Mapping[str, Any], constants: Mapping[str, Any]) -> pa.Table:
    """Rows for a table of the record from columns, of which some are one value for all rows."""
    schema = TABLES[table].arrow
    length = max(len(column) for column in columns.values() if isinstance(column, list | pa.Array))
    found = {**constants, **columns}
    arrays = [
        pa.array(found[f.name], f.type)
        if isinstance(found[f.name], list | pa.Array)
        else pa.repeat(pa.scalar(found[f.name], f.type), length)
        for f in schema
    ]
    return pa.table(arrays, schema=schema)


def _append(columns: Mapping[str, list[Any]], *values: object) -> None:
    for column, value in zip(columns.values(), values, strict=True):
        column.append(value)
