"""Read the published runs of NAS-Bench-101: cells verified and canonical, runs numbered, values in percent.

Spans of a TFRecord are decoded on every core; what needs the whole file, numbering runs and finding copies, is done
here in the file's order.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline import provenance
from pipeline.benchmarks import units
from pipeline.benchmarks.contract import arch_id_of
from pipeline.benchmarks.nasbench101 import cell_graph, published_runs
from pipeline.benchmarks.nasbench101.published_runs import Run
from pipeline.benchmarks.source_rows import SourceRows, reason_of
from pipeline.errors import NotThisFormError, UserError, excerpt
from pipeline.formats import numbers, signatures, tfrecord
from pipeline.wording import count_of

NAME, SPACE, DATASET = "nasbench101", "cell", "cifar10"
LENGTHS = (4, 12, 36, 108)
REPEATS = 3

_SECONDS = {"training_time": "train_seconds"}
_COLUMNS = [
    (_SECONDS.get(name, name), "seconds" if name in _SECONDS else "fraction", halfway)
    for halfway in (True, False)
    for name in published_runs.MEASURED
]
"""Metric, published unit, and whether at half of the epochs: what the values of a run are, in their order."""

_LOW, _HIGH = (np.array([units.LIMITS[unit][end] for _, unit, _ in _COLUMNS]) for end in (0, 1))
_FACTORS = np.array([100.0 if unit == "fraction" else 1.0 for _, unit, _ in _COLUMNS])

_SMALL = 16 << 20  # bytes of a file that is decoded before another process would have started
_RUNS_AT_ONCE = 10_000

_StatedRun = tuple[str, Run | UserError, bytes]
"""Position, run or why there is none, and the record that states it."""

_Row = tuple[str, str, int, int, bytes]
"""Position, arch_id, epochs, parameters and digest of a run."""


def read(path: Path, curves: bool) -> Iterator[SourceRows]:
    """The published TFRecord (108 epochs only, or all four lengths), or a pickle of the official API's memory.

    The values at half of the epochs are few and always read, as points of a learning curve. The runs of a cell are
    numbered 1, 2, 3 in the order of the file. A record that cannot be taken is a reject at its byte.
    """
    if path.is_dir():
        raise NotThisFormError(f"{path} is a folder, where a file is expected")
    numbered = partial(_numbered, _RunNumbers())
    if not tfrecord.is_tfrecord(path):
        if line := signatures.instead(path, "a TFRecord file", signatures.PICKLE.name, *signatures.PACKINGS):
            raise NotThisFormError(line)
        if signatures.identify(path):
            return map(numbered, _decoded_memory(published_runs.memory(path)))
    from pipeline import executor  # whose processes take time to import, and only a large file needs them

    workers = executor.default_workers() if path.stat().st_size > _SMALL else 1
    return map(numbered, executor.ordered(partial(_decoded_span, path), tfrecord.spans(path), workers))


@dataclass
class _Decoded:
    """Some runs in their order, and the records that cannot be taken.

    Args:
        rows: of the runs.
        values: [runs, 8], as `_COLUMNS` names them.
        cells: arch_id -> (spec as canonical JSON, module hash) of the cells that occur.
        rejects: position, reason and excerpt.
    """

    rows: list[_Row]
    values: npt.NDArray[np.float64]
    cells: dict[str, tuple[str, str]]
    rejects: list[tuple[str, str, str]]


def _decoded_memory(runs: Iterator[tuple[str, Run | UserError]]) -> Iterator[_Decoded]:
    while some := list(itertools.islice(runs, _RUNS_AT_ONCE)):
        yield _decoded((position, run, b"") for position, run in some)


def _decoded_span(path: Path, span: tfrecord.Span | tfrecord.Damage) -> _Decoded:
    """The runs of a span of the file; called in a worker."""
    records = [span] if isinstance(span, tfrecord.Damage) else tfrecord.read(path, span)
    return _decoded(_stated_run(record) for record in records)


def _stated_run(record: tfrecord.TFRecord | tfrecord.Damage) -> _StatedRun:
    position = f"byte {record.offset}"
    if isinstance(record, tfrecord.Damage):
        return position, UserError(record.reason), b""
    try:
        return position, published_runs.run(record.data), record.data
    except Exception as error:  # whatever a record holds, it is this record that cannot be taken
        return position, UserError(reason_of(error)), record.data


def _decoded(runs: Iterable[_StatedRun]) -> _Decoded:
    """The runs verified, and what cannot be taken of them."""
    rows, values, rejects = list[_Row](), list[tuple[float, ...]](), list[tuple[str, str, str]]()
    cells: dict[str, tuple[str, str]] = {}
    for position, run, record in runs:
        try:
            if isinstance(run, UserError):
                raise run
            arch_id, cell = _verified(run)
        except Exception as error:
            rejects.append((position, reason_of(error), record[:200].decode(errors="replace")))
            continue
        cells[arch_id] = cell
        rows.append((position, arch_id, run.epochs, run.parameters, run.digest))
        values.append(run.values)
    return _without_impossible(_Decoded(rows, np.array(values).reshape(-1, len(_COLUMNS)), cells, rejects))


def _verified(run: Run) -> tuple[str, tuple[str, str]]:
    """arch_id, and spec and module hash of a run's cell, which the hash that it states must be."""
    arch_id, spec, module_hash = _cell(run.adjacency, run.operations)
    cell_graph.verify(run.module_hash, module_hash)
    if not 1 <= run.parameters <= numbers.MOST:
        raise UserError(f"{excerpt(run.parameters)} parameters, where a network has at least 1")
    if run.epochs not in LENGTHS:
        raise UserError(
            f"a training of {count_of(run.epochs, 'epoch')}, where there are those of {', '.join(map(str, LENGTHS))}"
        )
    return arch_id, (spec, module_hash)


@lru_cache(maxsize=1 << 14)  # the runs of a cell follow one another
def _cell(adjacency: str, operations: str) -> tuple[str, str, str]:
    names = operations.split(",")
    matrix, canonical = cell_graph.canonical(adjacency, names)
    spec = provenance.canonical_json({"adjacency": matrix, "operations": canonical})
    return arch_id_of(NAME, SPACE, spec), spec, cell_graph.module_hash(adjacency, names)


def _without_impossible(decoded: _Decoded) -> _Decoded:
    """The same without runs whose values cannot be of their unit: those are rejects."""
    suspects = np.flatnonzero(((decoded.values < _LOW) | (decoded.values > _HIGH)).any(axis=1)).tolist()
    wrong = {at: reason for at in suspects if (reason := _impossible(decoded.values[at].tolist()))}
    if not wrong:
        return decoded
    for at, reason in wrong.items():
        position, arch_id = decoded.rows[at][:2]
        decoded.rejects.append((position, reason, decoded.cells[arch_id][1]))
    kept = [at for at in range(len(decoded.rows)) if at not in wrong]
    return _Decoded([decoded.rows[at] for at in kept], decoded.values[kept], decoded.cells, decoded.rejects)


def _impossible(values: list[float]) -> str:
    """What is wrong with a run's values, or nothing; a NaN is not: it is the record of a failure."""
    for (metric, unit, _), value in zip(_COLUMNS, values, strict=True):
        if not math.isnan(value) and units.outside(unit, value):
            return f"{metric} is {value:g}, which is no {unit}"
    return ""


class _RunNumbers:
    """The runs of a file so far: for each cell its parameters and, packed, the length and digest of every run."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[int, bytes]] = {}

    def number(self, arch_id: str, epochs: int, parameters: int, digest: bytes) -> int:
        """The number of this run among the cell's of its length, from 1."""
        this = bytes([epochs]) + digest
        stated, runs = self.known.get(arch_id, (parameters, b""))
        if stated != parameters:
            raise UserError(f"{parameters} parameters, where an earlier record of the same cell has {stated}")
        if this in runs:
            raise UserError("a duplicate: an earlier record states the same run of the same cell")
        number = 1 + runs[:: len(this)].count(epochs)
        if number > REPEATS:
            raise UserError(f"run {number} of {epochs} epochs of one cell; there are {REPEATS}")
        self.known[arch_id] = parameters, runs + this
        return number


def _numbered(numbering: _RunNumbers, decoded: _Decoded) -> SourceRows:
    """The rows of some runs, each under its number; a run that has none is a reject."""
    batch = SourceRows(NAME)
    for reject in decoded.rejects:
        batch.add_reject(*reject)
    taken, seeds, new = list[int](), list[int](), dict[str, int]()
    for at, (position, arch_id, epochs, parameters, digest) in enumerate(decoded.rows):
        if arch_id not in numbering.known:
            new[arch_id] = parameters
        try:
            seeds.append(numbering.number(arch_id, epochs, parameters, digest))
            taken.append(at)
        except UserError as error:
            batch.add_reject(position, str(error), decoded.cells[arch_id][1])
    specs, hashes = zip(*map(decoded.cells.__getitem__, new), strict=True) if new else ((), ())
    columns = [SPACE] * len(new), new, specs, hashes
    for column, values in zip(batch.architectures.values(), columns, strict=True):
        column.extend(values)
    sizes = pa.array(new.values(), pa.float64())
    batch.add_truths(SPACE, pa.array(new, pa.string()), DATASET, "params", sizes)
    _add_values(batch, [decoded.rows[at] for at in taken], decoded.values[taken] * _FACTORS, seeds)
    return batch


def _add_values(batch: SourceRows, rows: list[_Row], values: npt.NDArray[np.float64], seeds: list[int]) -> None:
    """Add the values [runs, 8] of runs as whole columns; one that is not finite is a row of its own that says so."""
    arch_ids, epochs = np.array([row[1] for row in rows], object), np.array([row[2] for row in rows], np.int64)
    numbers = np.array(seeds, np.int64)
    for (metric, _, halfway), column in zip(_COLUMNS, values.T, strict=True):
        good = np.isfinite(column)
        batch.add_truths(
            SPACE, pa.array(arch_ids[good], pa.string()), DATASET, metric, pa.array(column[good]),
            epochs=pa.array(epochs[good]), seeds=pa.array(numbers[good]),
            epoch=pa.array(epochs[good] // 2) if halfway else None,
        )  # fmt: skip
        for at in np.flatnonzero(~good):
            batch.add_truth(
                SPACE, arch_ids[at], DATASET, metric, float(column[at]),
                epochs=int(epochs[at]), seed=seeds[at], epoch=int(epochs[at]) // 2 if halfway else None,
            )  # fmt: skip
