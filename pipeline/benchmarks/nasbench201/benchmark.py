"""NAS-Bench-201, as NATS-Bench publishes it: the topology space of 15,625 cells and the size space of 32,768 widths.

Dong and Yang, "NAS-Bench-201", ICLR 2020; Dong, Liu, Musial and Gabrys, "NATS-Bench", TPAMI 2021.

A topology is written |op~0|+|op~0|op~1|+|op~0|op~1|op~2|: one group a node, in it one operation a node before.
A size is written 8:16:24:32:64: the channels of the five stages of one fixed cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from pipeline.benchmarks import units as _units
from pipeline.benchmarks.contract import Benchmark, Metric, Space, Spec
from pipeline.benchmarks.nasbench201 import nats
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError, UserError, unknown

if TYPE_CHECKING:
    from torch import nn

NAME = "nasbench201"
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ("0-1", "0-2", "1-2", "0-3", "1-3", "2-3")  # in the order of the architecture's notation
WIDTHS = tuple(range(8, 65, 8))
STAGES = 5

_EDGE = f"({'|'.join(OPERATIONS)})~"
_CELL = re.compile(r"\+".join(r"\|" + "".join(rf"{_EDGE}{source}\|" for source in range(node)) for node in (1, 2, 3)))
_BATCH_FILES = 200

_SPLITS = {
    "cifar10-valid": {"x-valid": "validation", "ori-test": "test"},
    "cifar10": {"ori-test": "test"},
    "cifar100": {"x-valid": "validation", "x-test": "test", "ori-test": "valtest"},
    "ImageNet16-120": {"x-valid": "validation", "x-test": "test", "ori-test": "valtest"},
}
"""What each data set's published evaluations are. The halves of what used to be one test set are validation and test;
their union is kept as `valtest`, so that no number is called test accuracy that a search may have seen."""

_PRIORITY = {
    ("cifar10", "test_accuracy"): 1,
    ("cifar10-valid", "validation_accuracy"): 2,
    ("cifar100", "test_accuracy"): 3,
    ("ImageNet16-120", "test_accuracy"): 4,
    ("cifar10", "baseline_accuracy"): 5,
}
_ANALOG = {
    "baseline_accuracy": "test accuracy of the digital network",
    "ptq_accuracy": "test accuracy after post-training quantisation",
    "qat_accuracy": "test accuracy after quantisation-aware training",
    "noisy_accuracy": "test accuracy of the digital network on noisy analog hardware",
    "analog_accuracy": "test accuracy after hardware-aware training, on noisy analog hardware",
}
_DRIFT_SECONDS = (60, 3_600, 86_400, 2_592_000)


def canonical(space: str, architecture: object) -> Spec:
    """The spec of an architecture written in the benchmark's notation, or of a spec.

    Returns:
        {"cell": "|op~0|+..."} for the topology space, {"channels": [8, 16, ...]} for the size space.

    Raises:
        UserError: it breaks a rule of the space; the message says which.
    """
    if space == "size":
        given = architecture.get("channels") if isinstance(architecture, Mapping) else architecture
        return _sized(given.split(":") if isinstance(given, str) else given)
    text = architecture.get("cell") if isinstance(architecture, Mapping) else architecture
    if not isinstance(text, str):
        raise UserError(f"an architecture is written |op~0|+|op~0|op~1|+|op~0|op~1|op~2|, not {architecture!r:.80}")
    text = text.strip()
    if not _CELL.fullmatch(text):
        raise _broken(text)
    return {"cell": text}


def _broken(text: str) -> UserError:
    """The rule that a notation breaks: the first one, from the outside in."""
    shown = f"architecture '{text[:120]}'"
    nodes = text.split("+")
    if len(nodes) != 3:
        return UserError(f"{shown} has {len(nodes)} nodes; a cell has 3, joined by +")
    for node, group in enumerate(nodes, 1):
        if len(group) < 2 or group[0] != "|" or group[-1] != "|":
            return UserError(f"node {node} of {shown} is '{group}', not enclosed in |")
        edges = group[1:-1].split("|")
        for source, edge in enumerate(edges[:node]):
            problem = _broken_edge(edge, source)
            if problem:
                return UserError(f"node {node} of {shown}: {problem}")
        if len(edges) < node:
            return UserError(f"node {node} of {shown}: the edge from node {len(edges)} is missing")
        if len(edges) > node:
            return UserError(f"node {node} of {shown} has {len(edges)} edges; it takes {node}")
    return UserError(f"{shown} is not of the form |op~0|+|op~0|op~1|+|op~0|op~1|op~2|")


def _broken_edge(edge: str, source: int) -> str | None:
    operation, tilde, named = edge.rpartition("~")
    if not tilde:
        return f"'{edge}' is not operation~node"
    if operation not in OPERATIONS:
        return str(unknown("operation", operation, OPERATIONS))
    return None if named == str(source) else f"'{edge}' stands where the edge from node {source} belongs"


def _sized(given: object) -> Spec:
    if not isinstance(given, list | tuple) or len(given) != STAGES:
        raise UserError(f"a size is {STAGES} channel counts, 8:16:24:32:64, not {given!r:.80}")
    channels = [int(c) if isinstance(c, str) and c.strip().isdecimal() else c for c in given]
    for stage, width in enumerate(channels):
        if width not in WIDTHS or isinstance(width, bool):
            raise UserError(f"stage {stage} has {width!r:.20} channels; it takes a multiple of 8 from 8 to 64")
    return {"channels": [int(width) for width in channels]}


def compose(space: str, parts: Mapping[str, object]) -> Spec:
    """The spec from named parts.

    Args:
        space: topology or size.
        parts: operation of each edge "0-1", "0-2", "1-2", "0-3", "1-3", "2-3"; or channels of each stage "0" to "4".

    Raises:
        UserError: an edge or stage is missing or unknown, or what it is given is not of the space.
    """
    wanted = tuple(map(str, range(STAGES))) if space == "size" else EDGES
    kind = "stage" if space == "size" else "edge"
    for name in parts:
        if name not in wanted:
            raise unknown(kind, name, wanted)
    for name in wanted:
        if name not in parts:
            raise UserError(f"the {kind} {name} is missing")
    if space == "size":
        return _sized([parts[name] for name in wanted])
    for operation in parts.values():
        if operation not in OPERATIONS:
            raise unknown("operation", str(operation), OPERATIONS)
    a, b, c, d, e, f = (parts[edge] for edge in EDGES)
    return {"cell": f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|"}


def operations(spec: Spec) -> dict[str, str]:
    """The operation of each edge of a topology."""
    found = _CELL.fullmatch(spec["cell"])
    if found is None:
        raise _broken(spec["cell"])
    return dict(zip(EDGES, found.groups(), strict=True))


def sample(space: str, random: Random) -> Spec:
    """An architecture, each with equal chance."""
    if space == "size":
        return {"channels": [random.choice(WIDTHS) for _ in range(STAGES)]}
    return compose(space, {edge: random.choice(OPERATIONS) for edge in EDGES})


def mutate(space: str, spec: Spec, random: Random) -> Spec:
    """A neighbour: one edge with another operation, or one stage with another width."""
    if space == "size":
        channels = list(spec["channels"])
        stage = random.randrange(STAGES)
        channels[stage] = random.choice([w for w in WIDTHS if w != channels[stage]])
        return {"channels": channels}
    edges = operations(spec)
    edge = random.choice(EDGES)
    edges[edge] = random.choice([o for o in OPERATIONS if o != edges[edge]])
    return compose(space, edges)


def build(space: str, spec: Spec) -> nn.Module:
    """The network: images [N, 3, 32, 32] -> its three taps, one after each stack."""
    from pipeline.benchmarks.nasbench201 import network as nasbench201

    return nasbench201.network(spec)


def features(space: str, spec: Spec) -> nn.Module:
    """The network that the benchmark trained, up to its pooling."""
    from pipeline.benchmarks.nasbench201 import network as nasbench201

    return nasbench201.features(spec)


def read(path: Path, curves: bool) -> Iterator[SourceRows]:
    """The published form: a folder of NNNNNN.pickle.pbz2, one a architecture, or one such file, or meta.pickle.pbz2.

    A damaged member of a folder is a reject; a single file that is damaged is refused.

    Args:
        path: the folder (or one that holds such folders), or the file.
        curves: also every epoch, not the last one alone.

    Raises:
        NotThisFormError: nothing of this form is there.
    """
    return _batches(path, nats.members(path), curves)


def _batches(path: Path, members: list[Path], curves: bool) -> Iterator[SourceRows]:
    seen: dict[str, str] = {}
    batch = SourceRows(NAME)
    for number, member in enumerate(members, 1):
        name = member.name if path.is_file() else member.relative_to(path).as_posix()
        try:
            _take(batch, nats.read(member), curves, name, seen)
        except UserError as error:
            if path.is_file():
                raise NotThisFormError(f"{path}: {error}") from error
            batch.reject(name, str(error))
        if number % _BATCH_FILES == 0:
            yield batch
            batch = SourceRows(NAME)
    yield batch


def _take(
    batch: SourceRows, content: nats.Record | nats.Listing, curves: bool, name: str, seen: dict[str, str]
) -> None:
    if isinstance(content, nats.Listing):
        specs = [_told_apart(text) for text in content.architectures]
        for index, (space, spec) in enumerate(specs):
            batch.architecture(space, spec, str(index))
        return
    space, spec = _told_apart(content.architecture)
    rows = list(_measured(content, curves))
    before = seen.setdefault(f"{space} {content.architecture}", name)
    if before != name:
        raise UserError(f"the architecture {content.architecture} is in {before} already")
    arch_id = batch.architecture(space, spec, str(content.index))
    for dataset, metric, value, epochs, seed, epoch in rows:
        finite = value is not None and value - value == 0
        reason = None if finite else "no value at this epoch" if value is None else f"the source says {value}"
        batch.truth(
            space, arch_id, dataset, metric, value if finite else None,
            epochs=epochs, seed=seed, epoch=epoch, status="ok" if finite else "failed", reason=reason,
        )  # fmt: skip


def _told_apart(text: str) -> tuple[str, Spec]:
    space = "topology" if "|" in text else "size"
    return space, canonical(space, text)


_Row = tuple[str, str, float | None, int | None, int | None, int | None]
"""Dataset, metric, value, epochs, seed, epoch."""


def _measured(record: nats.Record, curves: bool) -> Iterator[_Row]:
    for training in record.trainings:
        dataset, epochs, seed = training.dataset, training.epochs, training.seed
        if dataset not in _SPLITS:
            raise unknown(f"dataset of {NAME}", dataset, _SPLITS)
        for metric, series in _series(training):
            limits = _METRICS[dataset, metric].unit
            for epoch in [*range(epochs)] if curves else []:
                if epoch in series:
                    yield dataset, metric, _inside(series[epoch], limits, metric), epochs, seed, epoch + 1
            yield dataset, metric, _inside(series.get(epochs - 1), limits, metric), epochs, seed, None
    yield from _constants(record)


def _series(training: nats.Training) -> Iterator[tuple[str, Mapping[int, float]]]:
    yield "train_accuracy", training.train_accuracy
    yield "train_loss", training.train_loss
    total, elapsed = 0.0, {}
    for epoch in sorted(training.train_seconds):
        total += training.train_seconds[epoch]
        elapsed[epoch] = total
    yield "train_seconds", elapsed
    names = _SPLITS[training.dataset]
    for what, splits in (("accuracy", training.accuracy), ("loss", training.loss)):
        for split, series in splits.items():
            if split not in names:
                raise unknown(f"split of {training.dataset}", split, names)
            yield f"{names[split]}_{what}", series


def _constants(record: nats.Record) -> Iterator[_Row]:
    """What does not depend on the training: one value a data set; latency is the mean of what was measured."""
    for dataset in dict.fromkeys(t.dataset for t in record.trainings):
        of_dataset = [t for t in record.trainings if t.dataset == dataset]
        for metric, found in (
            ("params", {t.params for t in of_dataset}),
            ("flops", {t.flops for t in of_dataset}),
        ):
            if len(found) > 1:
                raise UserError(f"{metric} on {dataset} differs between trainings: {sorted(found)}")
            yield dataset, metric, _inside(float(round(1e6 * found.pop())), "count", metric), None, None, None
        latencies = [seconds for t in of_dataset for seconds in t.latency]
        if latencies:
            mean = sum(latencies) / len(latencies)
            yield dataset, "latency", _inside(mean, "seconds", "latency"), None, None, None


def _inside(value: float | None, unit: str, metric: str) -> float | None:
    if value is not None and value - value == 0 and _units.outside(unit, value):
        raise UserError(f"{metric} is {value:g}, which is no {unit}")
    return value


def _metrics() -> Iterator[Metric]:
    for dataset, splits in _SPLITS.items():
        for split in ("train", *splits.values()):
            where = {"valtest": "validation and test set together"}.get(split, f"{split} set")
            accuracy = f"{split}_accuracy"
            priority = _PRIORITY.get((dataset, accuracy))
            yield Metric(dataset, accuracy, split, "percent", True, priority, f"top-1 accuracy on the {where}")
            yield Metric(dataset, f"{split}_loss", split, "nats", False, None, f"cross-entropy on the {where}")
        for metric, unit, higher, description in (
            ("params", "count", None, "trainable parameters"),
            ("flops", "count", None, "operations of a forward pass, as the benchmark counts them"),
            ("latency", "seconds", False, "wall time of the forward pass of a batch, as published"),
            ("train_seconds", "seconds", False, "wall time of the training up to and with this epoch, as published"),
        ):
            yield Metric(dataset, metric, "none", unit, higher, None, description)
    for metric, description in _ANALOG.items():
        yield Metric("cifar10", metric, "test", "percent", True, _PRIORITY.get(("cifar10", metric)), description)
    for of in ("baseline", "analog"):
        for seconds in _DRIFT_SECONDS:
            base = _ANALOG[f"{of}_accuracy"].split(",")[0]
            what = f"{base}, on analog hardware {seconds:,} s after programming"
            yield Metric("cifar10", f"{of}_drift_{seconds}_accuracy", "test", "percent", True, None, what)
            spread = f"stated uncertainty of {of}_drift_{seconds}_accuracy, in percentage points"
            yield Metric("cifar10", f"{of}_drift_{seconds}_uncertainty", "test", "percent", False, None, spread)


_METRICS = {(m.dataset, m.metric): m for m in _metrics()}

BENCHMARK = Benchmark(
    name=NAME,
    title="NAS-Bench-201",
    spaces=(
        Space("topology", len(OPERATIONS) ** len(EDGES), "six edges of a cell, five operations each"),
        Space("size", len(WIDTHS) ** STAGES, "five stages of a fixed cell, eight widths each"),
    ),
    metrics=tuple(_METRICS.values()),
    licence="MIT",
    reader_version=1,
    canonical=canonical,
    compose=compose,
    read=read,
    build=build,
    stages=3,
    forms="a folder of NATS-Bench's NNNNNN.pickle.pbz2 files, or one of them",
    sample=sample,
    mutate=mutate,
    features=features,
)
