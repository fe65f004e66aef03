"""Read the files that NATS-Bench publishes into rows of the lake."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from pipeline.benchmarks import units
from pipeline.benchmarks.contract import Spec
from pipeline.benchmarks.nasbench201 import nats_files
from pipeline.benchmarks.nasbench201.architectures import NAME, canonical
from pipeline.benchmarks.nasbench201.metrics import METRICS, SPLITS
from pipeline.benchmarks.nasbench201.nats_files import ArchitectureFile, Training
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError, UserError, unknown

_FILES_PER_BATCH = 200


def read(path: Path, curves: bool) -> Iterator[SourceRows]:
    """The published form: a folder of NNNNNN.pickle.pbz2, one per architecture, or one such file, or meta.pickle.pbz2.

    The folder may hold such folders. A damaged member is a reject; a single file that is damaged is refused.
    """
    return _batches(path, nats_files.members(path), curves)


def _batches(path: Path, members: list[Path], curves: bool) -> Iterator[SourceRows]:
    earlier = _Earlier()
    batch = SourceRows(NAME)
    for number, member in enumerate(members, 1):
        name = member.name if path.is_file() else member.relative_to(path).as_posix()
        with batch.record(name):
            _take(batch, nats_files.read(member), curves, name, earlier)
        if path.is_file() and batch.rejects["reason"]:
            raise NotThisFormError(f"{path}: {batch.rejects['reason'][0]}")
        if number % _FILES_PER_BATCH == 0:
            yield batch
            batch = SourceRows(NAME)
    yield batch


@dataclass
class _Earlier:
    """What earlier files stated.

    Args:
        file_of: the file of each architecture.
        numbered: the architecture of each number of a space, and the file that says so.
    """

    file_of: dict[str, str] = field(default_factory=dict)
    numbered: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)

    def number(self, space: str, number: int, arch_id: str, name: str) -> None:
        """UserError where a number stands for two architectures."""
        known, where = self.numbered.setdefault((space, number), (arch_id, name))
        if known != arch_id:
            raise UserError(f"number {number} is another architecture here than in {where}")


def _take(batch: SourceRows, content: ArchitectureFile | list[str], curves: bool, name: str, earlier: _Earlier) -> None:
    if isinstance(content, list):
        for index, text in enumerate(content):
            space, spec = _space_and_spec(text)
            earlier.number(space, index, batch.add_architecture(space, spec, str(index)), name)
        return
    space, spec = _space_and_spec(content.architecture)
    rows = list(_measurements(content, curves))
    arch_id = batch.add_architecture(space, spec, str(content.index))
    where = earlier.file_of.setdefault(arch_id, name)
    if where != name:
        raise UserError(f"the architecture {content.architecture} is in {where} already")
    earlier.number(space, content.index, arch_id, name)
    for dataset, metric, value, epochs, seed, epoch in rows:
        batch.add_truth(space, arch_id, dataset, metric, value, epochs=epochs, seed=seed, epoch=epoch)


def _space_and_spec(text: str) -> tuple[str, Spec]:
    space = "topology" if "|" in text else "size"
    return space, canonical(space, text)


_Row = tuple[str, str, float | None, int | None, int | None, int | None]
"""Data set, metric, value, epochs, seed, epoch."""


def _measurements(file: ArchitectureFile, curves: bool) -> Iterator[_Row]:
    for training in file.trainings:
        dataset, epochs, seed = training.dataset, training.epochs, training.seed
        if dataset not in SPLITS:
            raise unknown(f"dataset of {NAME}", dataset, SPLITS)
        for metric, series in _series(training):
            unit = METRICS[dataset, metric].unit
            for epoch in sorted(series) if curves else ():
                if 0 <= epoch < epochs:
                    yield dataset, metric, _checked(series[epoch], unit, metric), epochs, seed, epoch + 1
            yield dataset, metric, _checked(series.get(epochs - 1), unit, metric), epochs, seed, None
    yield from _constant_measurements(file)


def _series(training: Training) -> Iterator[tuple[str, Mapping[int, float]]]:
    """Metric and its values by epoch, from 0."""
    yield "train_accuracy", training.train_accuracy
    yield "train_loss", training.train_loss
    seconds = dict(sorted(training.train_seconds.items()))
    yield "train_seconds", dict(zip(seconds, accumulate(seconds.values()), strict=True))
    names = SPLITS[training.dataset]
    for what, splits in (("accuracy", training.accuracy), ("loss", training.loss)):
        for split, series in splits.items():
            if split not in names:
                raise unknown(f"split of {training.dataset}", split, names)
            yield f"{names[split]}_{what}", series


def _constant_measurements(file: ArchitectureFile) -> Iterator[_Row]:
    """What does not depend on the training: one value per data set; latency is the mean of what was measured."""
    for dataset in dict.fromkeys(t.dataset for t in file.trainings):
        of_dataset = [t for t in file.trainings if t.dataset == dataset]
        for metric, stated in (
            ("params", {t.params for t in of_dataset}),
            ("flops", {t.flops for t in of_dataset}),
        ):
            if len(stated) > 1:
                raise UserError(f"{metric} on {dataset} differs between trainings: {sorted(stated)}")
            yield dataset, metric, _checked(float(round(1e6 * stated.pop())), "count", metric), None, None, None
        latencies = [seconds for t in of_dataset for seconds in t.latency]
        if latencies:
            mean = sum(latencies) / len(latencies)
            yield dataset, "latency", _checked(mean, "seconds", "latency"), None, None, None


def _checked(value: float | None, unit: str, metric: str) -> float | None:
    """The value; UserError if it cannot be of that unit."""
    if value is not None and math.isfinite(value) and units.outside(unit, value):
        raise UserError(f"{metric} is {value:g}, which is no {unit}")
    return value
