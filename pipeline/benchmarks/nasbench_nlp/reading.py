"""Read the published training logs of NAS-Bench-NLP into rows of the lake.

A log does not state a seed: a number of the training (see `logs.Log.run`) is stored as one, so that a log which is in
two releases is the same seed in both. The trainings of one architecture, however its recipe is written, are its seeds.
The data set is the one that the log says it was trained on, whatever its file is called.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path, PurePosixPath

import pyarrow as pa

from pipeline.benchmarks import units
from pipeline.benchmarks.nasbench_nlp import logs
from pipeline.benchmarks.nasbench_nlp.architectures import NAME, SPACE, canonical
from pipeline.benchmarks.nasbench_nlp.logs import Log
from pipeline.benchmarks.nasbench_nlp.metrics import FLAGS, TRAINED, WORDS
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError, UserError, unknown
from pipeline.formats.table_form import Unreadable
from pipeline.provenance import canonical_json

_DIVERGED = ("loss is nan!", "Exception: math range error")  # the latter: exp of a loss of more than 709 nats
_LOGS_PER_BATCH = 1_000


def read(path: Path, curves: bool) -> Iterator[SourceRows]:
    """The published logs: a folder of log_stats_model_*.json files or of zips of them, a zip, or one log.

    A damaged log is a reject; a single file that is damaged is refused. A training whose status is not OK has one row
    per metric with that status and no value. A log that occurs twice is taken once.
    """
    return _batches(path, logs.members(path), curves)


def _batches(path: Path, members: Iterator[tuple[str, bytes | Unreadable]], curves: bool) -> Iterator[SourceRows]:
    earlier = _EarlierLogs()
    rows = _LogRows(SourceRows(NAME), curves)
    for number, (position, content) in enumerate(members, 1):
        with rows.batch.record(position, "" if isinstance(content, Unreadable) else content[:200]):
            rows.add(position, content, earlier)
        if path.is_file() and path.suffix.lower() == ".json" and rows.batch.rejects["reason"]:
            raise NotThisFormError(f"{path}: {rows.batch.rejects['reason'][0]}")
        if number % _LOGS_PER_BATCH == 0:
            yield rows.finished()
            rows = _LogRows(SourceRows(NAME), curves)
    yield rows.finished()


@dataclass
class _EarlierLogs:
    """What earlier logs stated.

    Args:
        runs: by spec, data set and number of a training, its position and digest.
        params: by spec and data set, the first position and its number of parameters.
    """

    runs: dict[tuple[str, str, int], tuple[str, bytes]] = field(default_factory=dict)
    params: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)


_EpochValue = tuple[str, int, int, int, float]
"""arch_id, epochs and seed of a training, an epoch, and what was measured after it."""


@dataclass
class _LogRows:
    """Puts logs into a batch; values of every epoch are collected by metric and go there at the end, as columns."""

    batch: SourceRows
    curves: bool
    by_epoch: dict[tuple[str, str], list[_EpochValue]] = field(default_factory=dict)

    def add(self, position: str, content: bytes | Unreadable, earlier: _EarlierLogs) -> None:
        log = logs.parse(content)
        require_consistent(log)
        spec = canonical(SPACE, log.recipe)
        text = canonical_json(spec)
        digest = _digest(log)
        first, first_digest = earlier.runs.setdefault((text, log.data, log.run), (position, digest))
        if first_digest != digest:
            raise UserError(f"training {log.run} of this recipe is in {first} already, and is another one there")
        where, params = earlier.params.setdefault((text, log.data), (position, log.params))
        if params != log.params:
            raise UserError(f"states {log.params:,} parameters, where the same recipe has {params:,} in {where}")
        if first != position:
            return
        arch_id = self.batch.add_architecture(SPACE, spec, PurePosixPath(position).name)
        if where == position:
            self.batch.add_truth(SPACE, arch_id, log.data, "params", float(log.params))
        if log.status == "OK":
            for metric, value in _final_values(log):
                self._add_value(arch_id, log, metric, value)
        else:
            failure = "diverged" if log.status in _DIVERGED else "failed"
            for metric in TRAINED:
                self._add_value(arch_id, log, metric, f"the log says: {log.status[:150]}", failure=failure)
        if self.curves:
            self._add_curves(arch_id, log)

    def _add_value(
        self,
        arch_id: str,
        log: Log,
        metric: str,
        value: float | str,
        epoch: int | None = None,
        failure: str = "diverged",
    ) -> None:
        self.batch.add_truth(
            SPACE, arch_id, log.data, metric, value, epochs=log.epochs, seed=log.run, epoch=epoch, failure=failure
        )

    def _add_curves(self, arch_id: str, log: Log) -> None:
        for metric, values in (*_losses(log), ("train_seconds", _elapsed(log))):
            for epoch, value in enumerate(values, 1):
                if math.isfinite(value):
                    curve = self.by_epoch.setdefault((log.data, metric), [])
                    curve.append((arch_id, log.epochs, log.run, epoch, value))
                else:
                    self._add_value(arch_id, log, metric, value, epoch)

    def finished(self) -> SourceRows:
        for (dataset, metric), curve in self.by_epoch.items():
            arch_ids, *numbers, values = zip(*curve, strict=True)
            epochs, seeds, epoch = (pa.array(column, pa.int64()) for column in numbers)
            self.batch.add_truths(
                SPACE, pa.array(arch_ids, pa.string()), dataset, metric, pa.array(values, pa.float64()),
                epochs=epochs, seeds=seeds, epoch=epoch,
            )  # fmt: skip
        return self.batch


def _digest(log: Log) -> bytes:
    """Of what a log states, however it is written."""
    series = (log.seconds, log.train, log.validation, log.test)
    settings = canonical_json([log.params, log.epochs, log.status, *map(len, series)])
    return hashlib.sha256(settings.encode() + b"".join(array("d", values).tobytes() for values in series)).digest()


def require_consistent(log: Log) -> None:
    """Refuse a log that contradicts itself.

    Raises:
        UserError: with what it contradicts.
    """
    if log.data not in WORDS:
        raise unknown(f"dataset of {NAME}", log.data, WORDS)
    series = dict(_losses(log))
    lengths = {name: len(values) for name, values in {**series, "wall time": log.seconds}.items()}
    if len(set(lengths.values())) > 1:
        raise UserError("has " + ", ".join(f"{length} of {name}" for name, length in lengths.items()))
    trained = len(log.test)
    if trained > log.epochs or (log.status == "OK" and (trained < log.epochs or not trained)):
        raise UserError(f"says {log.status} after {trained} of {log.epochs} epochs")
    for name, unit, values in (("wall time", "seconds", log.seconds), *((n, "nats", v) for n, v in series.items())):
        smallest = min((v for v in values if not math.isnan(v)), default=0.0)
        if units.outside(unit, smallest) and math.isfinite(smallest):
            raise UserError(f"{name} holds {smallest:g}, which is no {unit}")


def _losses(log: Log) -> Iterator[tuple[str, Sequence[float]]]:
    """Metric and its value after each epoch."""
    yield from zip((f"{flag}_loss" for flag in FLAGS), (log.train, log.validation, log.test), strict=True)


def _elapsed(log: Log) -> list[float]:
    """Seconds from the start to the end of each epoch."""
    return list(accumulate(log.seconds))


def _final_values(log: Log) -> Iterator[tuple[str, float]]:
    """Metric and value at the end of a training that went well."""
    for metric, values in _losses(log):
        yield metric, values[-1]
    for flag, values in (("validation", log.validation), ("test", log.test)):
        best = min((v for v in values if math.isfinite(v)), default=math.nan)
        yield f"best_{flag}_loss", best
        yield f"best_{flag}_perplexity", _perplexity(best)
    yield "train_seconds", _elapsed(log)[-1]


def _perplexity(loss: float) -> float:
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf
