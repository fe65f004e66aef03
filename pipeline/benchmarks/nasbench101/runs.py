"""From the published runs of NAS-Bench-101 to rows: cells verified and canonical, runs numbered, values in percent.

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

from pipeline import executor, provenance
from pipeline.benchmarks import units as _units
from pipeline.benchmarks.contract import arch_id_of
from pipeline.benchmarks.nasbench101 import cells as graph
from pipeline.benchmarks.nasbench101 import published as nasbench101
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import UserError
from pipeline.formats import tfrecord

NAME, SPACE, DATASET = "nasbench101", "cell", "cifar10"
LENGTHS = (4, 12, 36, 108)
REPEATS = 3

_SECONDS = {"training_time": "train_seconds"}
_COLUMNS = [
    (_SECONDS.get(name, name), "seconds" if name in _SECONDS else "fraction", halfway)
    for halfway in (True, False)
    for name in nasbench101.MEASURED
]
"""Metric, published unit, and whether at half of the epochs: what the values of a run are, in their order."""

_LOW, _HIGH = (np.array([_units.LIMITS[unit][end] for _, unit, _ in _COLUMNS]) for end in (0, 1))
_FACTORS = np.array([100.0 if unit == "fraction" else 1.0 for _, unit, _ in _COLUMNS])

_SMALL = 16 << 20  # bytes of a file that is decoded before another process would have started
_PICKLES = (b"\x80", b"BZ", b"\x1f\x8b")
_MEMORY_RUNS = 10_000

_Told = tuple[str, nasbench101.Run | UserError, bytes]
"""Position, run, and the record that tells it."""

_Row = tuple[str, str, int, int, bytes]
"""Position, arch_id, epochs, parameters and digest of a run."""


def batches(path: Path) -> Iterator[SourceRows]:
    """The batches of a file of either form.

    Raises:
        NotThisFormError: it is of neither.
    """
    if not tfrecord.is_tfrecord(path) and _begins_like_a_pickle(path):
        return _numbered(_in_memory(nasbench101.memory(path)))
    workers = executor.default_workers() if path.stat().st_size > _SMALL else 1
    return _numbered(executor.ordered(partial(_span, path), tfrecord.spans(path), workers))


def _begins_like_a_pickle(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2).startswith(_PICKLES)


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


def _in_memory(runs: Iterator[tuple[str, nasbench101.Run | UserError]]) -> Iterator[_Decoded]:
    while some := list(itertools.islice(runs, _MEMORY_RUNS)):
        yield _decoded((position, run, b"") for position, run in some)


def _span(path: Path, span: tfrecord.Span | tfrecord.Damage) -> _Decoded:
    """What a worker makes of a span of the file."""
    found = [span] if isinstance(span, tfrecord.Damage) else tfrecord.read(path, span)
    return _decoded(_told(record) for record in found)


def _told(record: tfrecord.TFRecord | tfrecord.Damage) -> _Told:
    position = f"byte {record.offset}"
    if isinstance(record, tfrecord.Damage):
        return position, UserError(record.reason), b""
    try:
        return position, nasbench101.run(record.data), record.data
    except UserError as error:
        return position, error, record.data


def _decoded(runs: Iterable[_Told]) -> _Decoded:
    rows, values, rejects = list[_Row](), list[tuple[float, ...]](), list[tuple[str, str, str]]()
    cells: dict[str, tuple[str, str]] = {}
    for position, run, record in runs:
        try:
            if isinstance(run, UserError):
                raise run
            arch_id, cell = _verified(run)
        except UserError as error:
            rejects.append((position, str(error), record[:200].decode(errors="replace")))
            continue
        cells[arch_id] = cell
        rows.append((position, arch_id, run.epochs, run.parameters, run.digest))
        values.append(run.values)
    return _possible(_Decoded(rows, np.array(values).reshape(-1, len(_COLUMNS)), cells, rejects))


def _verified(run: nasbench101.Run) -> tuple[str, tuple[str, str]]:
    """arch_id, and spec and module hash of a run's cell, which the hash that it states must be."""
    arch_id, spec, module_hash = _cell(run.adjacency, run.operations)
    graph.verify(run.module_hash, module_hash)
    if run.epochs not in LENGTHS:
        raise UserError(f"a training of {run.epochs} epochs, where there are those of {', '.join(map(str, LENGTHS))}")
    return arch_id, (spec, module_hash)


@lru_cache(maxsize=1 << 14)  # the runs of a cell follow one another
def _cell(adjacency: str, operations: str) -> tuple[str, str, str]:
    names = operations.split(",")
    matrix, canonical = graph.canonical(adjacency, names)
    spec = provenance.canonical_json({"adjacency": matrix, "operations": canonical})
    return arch_id_of(NAME, SPACE, spec), spec, graph.module_hash(adjacency, names)


def _possible(found: _Decoded) -> _Decoded:
    """The same without runs that state what cannot be."""
    suspects = np.flatnonzero(((found.values < _LOW) | (found.values > _HIGH)).any(axis=1)).tolist()
    wrong = {at: reason for at in suspects if (reason := _impossible(found.values[at].tolist()))}
    if not wrong:
        return found
    for at, reason in wrong.items():
        position, arch_id = found.rows[at][:2]
        found.rejects.append((position, reason, found.cells[arch_id][1]))
    kept = [at for at in range(len(found.rows)) if at not in wrong]
    return _Decoded([found.rows[at] for at in kept], found.values[kept], found.cells, found.rejects)


def _impossible(values: list[float]) -> str:
    """What is wrong with a run's values, or nothing; a NaN is not: it is the record of a failure."""
    for (metric, unit, _), value in zip(_COLUMNS, values, strict=True):
        if not math.isnan(value) and _units.outside(unit, value):
            return f"{metric} is {value:g}, which is no {unit}"
    return ""


def _numbered(found: Iterator[_Decoded]) -> Iterator[SourceRows]:
    numbering = _Numbering()
    for decoded in found:
        yield _batch(decoded, numbering)


class _Numbering:
    """The runs of a file so far: of each cell its parameters and, packed, the length and digest of every run."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[int, bytes]] = {}

    def number(self, arch_id: str, epochs: int, parameters: int, digest: bytes) -> int:
        """The number of this run among the cell's of its length, from 1.

        Raises:
            UserError: it is there already, one too many, or of a network of another size.
        """
        this = bytes([epochs]) + digest
        stated, runs = self.known.get(arch_id, (parameters, b""))
        if stated != parameters:
            raise UserError(f"{parameters} parameters, where an earlier record of the same cell has {stated}")
        if this in runs:
            raise UserError("a duplicate: an earlier record tells the same run of the same cell")
        number = 1 + runs[:: len(this)].count(epochs)
        if number > REPEATS:
            raise UserError(f"run {number} of {epochs} epochs of one cell; there are {REPEATS}")
        self.known[arch_id] = parameters, runs + this
        return number


def _batch(decoded: _Decoded, numbering: _Numbering) -> SourceRows:
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
    _measured(batch, [decoded.rows[at] for at in taken], decoded.values[taken] * _FACTORS, seeds)
    return batch


def _measured(batch: SourceRows, rows: list[_Row], values: npt.NDArray[np.float64], seeds: list[int]) -> None:
    """Add the values of runs by the column; one that is no number is a row that says so."""
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
                SPACE, arch_ids[at], DATASET, metric, None, epochs=int(epochs[at]), seed=seeds[at],
                epoch=int(epochs[at]) // 2 if halfway else None, status="failed",
                reason=f"the source says {column[at]}",
            )  # fmt: skip
