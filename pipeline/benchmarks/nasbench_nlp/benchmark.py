"""NAS-Bench-NLP: recurrent cells, each trained as a three-layer language model on Penn Treebank or WikiText-2.

Klyuchnikov, Trofimov, Artemova, Salnikov, Fedorov and Burnaev, "NAS-Bench-NLP: Neural Architecture Search Benchmark for
Natural Language Processing", 2020.

An architecture is written as the JSON of its recipe. A log does not state a seed: a number of the training (see
`nlp_logs.Log.run`) is stored as one, so that a log which is in two releases is the same seed in both. Recipes that
differ in names and order alone are one architecture, and their trainings are its seeds. The data set is the one that
the log says it was trained on, whatever its file is called.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from random import Random
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.benchmarks import units as _units
from pipeline.benchmarks.contract import Benchmark, Metric, Space, Spec
from pipeline.benchmarks.nasbench_nlp import logs as nlp_logs
from pipeline.benchmarks.nasbench_nlp import recipes as _recurrent_cells
from pipeline.benchmarks.nasbench_nlp import sampling as _recurrent_draws
from pipeline.benchmarks.parameter_check import ParameterCheck
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError, UserError, unknown
from pipeline.formats.fault import Fault
from pipeline.provenance import canonical_json

if TYPE_CHECKING:
    from torch import nn

NAME = "nasbench_nlp"
SPACE = "cells"
WORDS = {"ptb": 10_000, "wikitext-2": 33_278}
"""Data sets, with the words of each vocabulary."""

_DIVERGED = ("loss is nan!", "Exception: math range error")  # the latter: exp of a loss of more than 709 nats
_FLAGS = ("train", "validation", "test")
_BATCH_LOGS = 1_000


def canonical(space: str, architecture: object) -> Spec:
    """The spec of a recipe, or of its JSON text: its canonical form, see `_recurrent_cells.canonical`.

    Raises:
        UserError: it breaks a rule of the space; the message says which.
    """
    return dict(_recurrent_cells.canonical(_decoded(architecture)))


def _decoded(given: object) -> object:
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{given[:60]!r} is not JSON: {error}") from error


def compose(space: str, parts: Mapping[str, object]) -> Spec:
    """The spec from nodes, each {"op", "input"} or its JSON text, by name.

    Raises:
        UserError: as `canonical`.
    """
    return canonical(space, {name: _decoded(node) for name, node in parts.items()})


def sample(space: str, random: Random) -> Spec:
    """A random cell: see `_recurrent_draws.sample`."""
    return dict(_recurrent_draws.sample(random))


def mutate(space: str, spec: Spec, random: Random) -> Spec:
    """A neighbour: see `_recurrent_draws.mutate`."""
    return dict(_recurrent_draws.mutate(canonical(space, spec), random))


def build(space: str, spec: Spec) -> nn.Module:
    """The three layers: sequences [N, T, 400] -> their output [N, T, 400], as the one tap."""
    from pipeline.benchmarks.nasbench_nlp import network as recurrent

    return recurrent.Network(spec)


def features(space: str, spec: Spec) -> nn.Module:
    """The same network for zero-cost proxies: sequences [N, T, 400] -> [N, 400, T, 1], without dropout."""
    from pipeline.benchmarks.nasbench_nlp import network as recurrent

    return recurrent.RecurrentFeatures(spec)


def read(path: Path, curves: bool) -> Iterator[SourceRows]:
    """The published logs: a folder of log_stats_model_*.json files or of zips of them, a zip, or one log.

    A damaged log is a reject; a single file that is damaged is refused. A training whose status is not OK has a row a
    metric with that status and no value. A log that occurs twice is taken once.

    Args:
        path: the folder or the file.
        curves: also every epoch, with the seconds up to it.

    Raises:
        NotThisFormError: nothing of this form is there.
    """
    return _batches(path, nlp_logs.members(path), curves)


def _batches(path: Path, members: Iterator[tuple[str, bytes | Fault]], curves: bool) -> Iterator[SourceRows]:
    seen = _Seen()
    reader = _Reader(SourceRows(NAME), curves)
    for number, (position, content) in enumerate(members, 1):
        try:
            reader.take(position, content, seen)
        except UserError as error:
            if path.is_file() and path.suffix == ".json":
                raise NotThisFormError(f"{path}: {error}") from error
            reader.batch.add_reject(position, str(error), "" if isinstance(content, Fault) else content[:200])
        if number % _BATCH_LOGS == 0:
            yield reader.finished()
            reader = _Reader(SourceRows(NAME), curves)
    yield reader.finished()


@dataclass
class _Seen:
    """What earlier logs said: position and digest of each training, and parameters of each architecture."""

    runs: dict[tuple[str, str, int], tuple[str, bytes]] = field(default_factory=dict)
    params: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)


@dataclass
class _Curve:
    """Columns of one metric's values at every epoch."""

    arch_ids: list[str] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    epoch: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


@dataclass
class _Reader:
    """Puts logs into a batch; what is by epoch goes there at the end, by the column."""

    batch: SourceRows
    curves: bool
    columns: dict[tuple[str, str], _Curve] = field(default_factory=dict)

    def take(self, position: str, content: bytes | Fault, seen: _Seen) -> None:
        log = nlp_logs.parse(content)
        _check(log)
        spec = canonical(SPACE, log.recipe)
        text = canonical_json(spec)
        digest = hashlib.sha256(content.encode() if isinstance(content, str) else content).digest()
        before, known = seen.runs.setdefault((text, log.data, log.run), (position, digest))
        if known != digest:
            raise UserError(f"training {log.run} of this recipe is in {before} already, and is another one there")
        where, params = seen.params.setdefault((text, log.data), (position, log.params))
        if params != log.params:
            raise UserError(f"states {log.params:,} parameters, where the same recipe has {params:,} in {where}")
        if before != position:
            return
        arch_id = self.batch.add_architecture(SPACE, spec, PurePosixPath(position).name)
        if where == position:
            self.batch.add_truth(SPACE, arch_id, log.data, "params", float(log.params))
        if log.status == "OK":
            for metric, value in _finals(log):
                self._put(arch_id, log, metric, value, None)
        else:
            status = "diverged" if log.status in _DIVERGED else "failed"
            for metric in _TRAINED:
                self.batch.add_truth(
                    SPACE, arch_id, log.data, metric, None,
                    epochs=log.epochs, seed=log.run, status=status, reason=f"the log says: {log.status[:150]}",
                )  # fmt: skip
        if self.curves:
            self._put_curves(arch_id, log)

    def _put(self, arch_id: str, log: nlp_logs.Log, metric: str, value: float, epoch: int | None) -> None:
        finite = math.isfinite(value)
        self.batch.add_truth(
            SPACE, arch_id, log.data, metric, value if finite else None,
            epochs=log.epochs, seed=log.run, epoch=epoch,
            status="ok" if finite else "diverged", reason=None if finite else f"the source says {value}",
        )  # fmt: skip

    def _put_curves(self, arch_id: str, log: nlp_logs.Log) -> None:
        for metric, values in (*_losses(log), ("train_seconds", _elapsed(log))):
            curve = self.columns.setdefault((log.data, metric), _Curve())
            for epoch, value in enumerate(values, 1):
                if not math.isfinite(value):
                    self._put(arch_id, log, metric, value, epoch)
                    continue
                curve.arch_ids.append(arch_id)
                curve.epochs.append(log.epochs)
                curve.seeds.append(log.run)
                curve.epoch.append(epoch)
                curve.values.append(value)

    def finished(self) -> SourceRows:
        """The batch, whole."""
        for (dataset, metric), curve in self.columns.items():
            self.batch.add_truths(
                SPACE, pa.array(curve.arch_ids, pa.string()), dataset, metric, pa.array(curve.values, pa.float64()),
                epochs=pa.array(curve.epochs, pa.int64()),
                seeds=pa.array(curve.seeds, pa.int64()),
                epoch=pa.array(curve.epoch, pa.int64()),
            )  # fmt: skip
        return self.batch


def _check(log: nlp_logs.Log) -> None:
    """Refuse a log that contradicts itself."""
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
        if _units.outside(unit, smallest) and math.isfinite(smallest):
            raise UserError(f"{name} holds {smallest:g}, which is no {unit}")


def _losses(log: nlp_logs.Log) -> Iterator[tuple[str, Sequence[float]]]:
    yield from zip((f"{flag}_loss" for flag in _FLAGS), (log.train, log.validation, log.test), strict=True)


def _elapsed(log: nlp_logs.Log) -> list[float]:
    total, elapsed = 0.0, []
    for seconds in log.seconds:
        total += seconds
        elapsed.append(total)
    return elapsed


def _finals(log: nlp_logs.Log) -> Iterator[tuple[str, float]]:
    """Metric and value of a training that went well."""
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


def check(path: Path, sample_size: int) -> list[ParameterCheck]:
    """Count the parameters of some logs' networks, and compare them with what the logs state.

    A log counts the language model: besides the three layers an embedding, which is also the decoder's matrix, and the
    decoder's bias.

    Args:
        path: as of `read`.
        sample_size: logs, drawn with equal chance.

    Raises:
        NotThisFormError: as `read`.
    """
    from pipeline.benchmarks.nasbench_nlp import network as recurrent

    random, drawn = Random(0), dict[int, tuple[int, str, nlp_logs.Log]]()
    for index, (position, content) in enumerate(nlp_logs.members(path)):
        slot = index if index < sample_size else random.randrange(index + 1)
        if slot >= sample_size:
            continue
        try:
            log = nlp_logs.parse(content)
            _check(log)
            drawn[slot] = (index, position, log)
        except UserError:
            continue  # a reject of the ingest
    result = ParameterCheck(path.name)
    for _, position, log in sorted(drawn.values(), key=lambda item: item[0]):
        try:
            spec = canonical(SPACE, log.recipe)
        except UserError:
            continue
        built = recurrent.parameters(spec) + WORDS[log.data] * (recurrent.WIDTHS[0] + 1)
        result.add(position, built, log.params, canonical_json(spec))
    return [result]


def _metrics() -> Iterator[Metric]:
    for place, dataset in enumerate(WORDS):
        for priority, flag in enumerate(("test", "validation"), 1 + 2 * place):
            what = f"smallest {flag} loss of all epochs"
            yield Metric(dataset, f"best_{flag}_loss", flag, "nats", False, priority, f"{what}, a word")
            yield Metric(
                dataset, f"best_{flag}_perplexity", flag, "perplexity", False, None, f"exponential of the {what}"
            )
        for flag in _FLAGS:
            what = f"cross-entropy a word on the {flag} set after the epoch"
            yield Metric(dataset, f"{flag}_loss", flag, "nats", False, None, what)
        seconds = "wall time of the training up to and with this epoch, without evaluations, as published"
        yield Metric(dataset, "train_seconds", "none", "seconds", False, None, seconds)
        yield Metric(dataset, "params", "none", "count", None, None, "parameters of the language model, words included")


_METRICS = tuple(_metrics())
_TRAINED = tuple(dict.fromkeys(m.metric for m in _METRICS if m.metric != "params"))

BENCHMARK = Benchmark(
    name=NAME,
    title="NAS-Bench-NLP",
    spaces=(Space(SPACE, None, "recurrent cells of one to three states, seven operations"),),
    metrics=_METRICS,
    licence="Apache-2.0",
    reader_version=1,
    canonical=canonical,
    compose=compose,
    read=read,
    build=build,
    features=features,
    stages=1,
    forms="a folder or zip of NAS-Bench-NLP's log_stats_model_*.json files, or one of them",
    inputs="sequences",
    sample=sample,
    mutate=mutate,
    check=check,
)
