"""Network Design Spaces: trainings of random networks, five spaces of cells and ResNet-like ones beside them.

Radosavovic, Johnson, Xie, Lo and Dollar, "On Network Design Spaces for Visual Recognition", ICCV 2019.

A file name tells the space: FAMILY[_fix-w-d][_lr-wd][_in][_reruns|_rngN].json. Networks trained on ImageNet (`_in`) and
with random learning rates (`_lr-wd`) are spaces of their own, for they are other draws: a sample of the CIFAR-10 space
must not hold architectures without a CIFAR-10 accuracy, and an accuracy under a random learning rate is no ground truth
of an architecture. Reruns (`_reruns`, `_rngN`) are further seeds of their space.

An architecture is written as the JSON of a published `net`, or of the spec that comes of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from pipeline.benchmarks.contract import Benchmark, Metric, Space, Spec, arch_id_of
from pipeline.benchmarks.nds import cells as _nds_cells
from pipeline.benchmarks.nds import jobs as _nds_jobs
from pipeline.benchmarks.nds import residual as _nds_residual
from pipeline.benchmarks.parameter_check import ParameterCheck
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError, UserError
from pipeline.formats import json_arrays
from pipeline.formats.fault import Fault
from pipeline.provenance import canonical_json

if TYPE_CHECKING:
    from torch import nn

NAME = "nds"
FAMILIES: dict[str, _nds_cells.CellSpace | _nds_residual.ResidualSpace] = {**_nds_cells.SPACES, **_nds_residual.SPACES}
CLASSES = {"cifar10": 10, "imagenet": 1000}

_SCORED = (
    "darts", "darts-fix-w-d", "amoeba", "enas", "enas-fix-w-d", "nasnet", "pnas", "pnas-fix-w-d", "resnet",
    "resnext-a", "resnext-b",
)  # fmt: skip
_IMAGENET = (
    "darts-in", "darts-fix-w-d-in", "amoeba-in", "enas-in", "nasnet-in", "pnas-in", "resnext-a-in", "resnext-b-in",
)  # fmt: skip
_TRUTH_ONLY = (
    "vanilla", "resnet-b", "darts-lr-wd", "resnet-lr-wd", "vanilla-lr-wd", "darts-lr-wd-in", "resnet-lr-wd-in",
    "vanilla-lr-wd-in",
)  # fmt: skip
_FILE = re.compile(rf"(({'|'.join(FAMILIES)})(_fix-w-d)?(_lr-wd)?(_in)?)(_reruns|_rng[0-9]+)?\.json", re.IGNORECASE)
_BATCH_JOBS = 200


def _family(space: str) -> _nds_cells.CellSpace | _nds_residual.ResidualSpace:
    return FAMILIES[space.removesuffix("-in").removesuffix("-lr-wd").removesuffix("-fix-w-d")]


def _dataset(space: str) -> str:
    return "imagenet" if space.endswith("-in") else "cifar10"


def canonical(space: str, architecture: object) -> Spec:
    """The spec of a published `net`, of its JSON text, or of a spec.

    Returns:
        Of a cell space {"normal": [[operation, node], ...], "normal_concat": [node, ...], "reduce", "reduce_concat",
        "width", "depth"}; of a ResNet-like one {"block_type", "ds", "ws", "ss", "num_gs", "bot_muls"}.

    Raises:
        UserError: it breaks a rule of the space; the message says which.
    """
    found = _decoded(architecture) if isinstance(architecture, str) else architecture
    if not isinstance(found, Mapping):
        raise UserError(f"an architecture of {space} is written as the JSON of a job's net, not {architecture!r:.80}")
    return _family(space).canonical(found)


def _decoded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def compose(space: str, parts: Mapping[str, object]) -> Spec:
    """The spec from the fields of a `net`, each as a value or as its JSON text.

    Args:
        space: name of the space.
        parts: genotype, width, depth or the fields of a genotype; or block_type, ds, ws, ss, num_gs, bot_muls.

    Raises:
        UserError: as `canonical`.
    """
    return canonical(space, {n: _decoded(part) if isinstance(part, str) else part for n, part in parts.items()})


def sample(space: str, random: Random) -> Spec:
    """An architecture by the paper's rules; of an ImageNet space with the widths and depths of the CIFAR-10 one."""
    return canonical(space, _family(space).sample(random, fixed="fix-w-d" in space))


def mutate(space: str, spec: Spec, random: Random) -> Spec:
    """A neighbour: one operation or input of a cell, or one number of the frame or of a stage, is another."""
    return canonical(space, _family(space).mutate(spec, random, fixed="fix-w-d" in space))


def build(space: str, spec: Spec) -> nn.Module:
    """The network: images [N, 3, 32, 32] -> its three taps; an ImageNet space's too has CIFAR-10's stem."""
    from pipeline.benchmarks.nds import cell_network as nds_cells
    from pipeline.benchmarks.nds import residual_network as nds_residual

    return nds_residual.network(spec) if "block_type" in spec else nds_cells.Network(spec)


def features(space: str, spec: Spec) -> nn.Module:
    """The network that CIFAR-10 trains, up to its pooling."""
    from pipeline.benchmarks.nds import cell_network as nds_cells
    from pipeline.benchmarks.nds import residual_network as nds_residual

    return nds_residual.features(spec) if "block_type" in spec else nds_cells.features(spec)


@dataclass(frozen=True)
class _File:
    """A published file: its space, whether it is the space's own draw (no rerun), and how to name a place in it."""

    path: Path
    space: str
    own: bool
    prefix: str


def _files(path: Path) -> list[_File]:
    members = sorted(path.glob("*.json")) if path.is_dir() else [path]
    files = []
    for member in members:
        found = _FILE.fullmatch(member.name)
        space = found[1].lower().replace("_", "-") if found else ""
        if found and space in _SPACES:
            files.append(_File(member, space, not found[6], member.name if path.is_dir() else ""))
    if not files:
        what = "holds no file named like" if path.is_dir() else "is not named like"
        raise NotThisFormError(
            f"{path} {what} a published one: the name tells the space (DARTS.json, ENAS_fix-w-d.json)"
        )
    return files


def read(path: Path, curves: bool) -> Iterator[SourceRows]:
    """The published form: a JSON file under its published name, or a folder of them.

    A job that cannot be taken is a reject; so is the place where a file is damaged, and what follows it is lost.

    Args:
        path: the file or folder; files of other names in a folder are left alone.
        curves: also every epoch, not the last one alone.

    Raises:
        NotThisFormError: nothing of this form is there.
    """
    return _batches(path, _files(path), curves)


def _batches(path: Path, files: Sequence[_File], curves: bool) -> Iterator[SourceRows]:
    seen = _Seen()
    for file in files:
        batch = SourceRows(NAME)
        try:
            for index, (position, job) in enumerate(json_arrays.read(file.path)):
                _take(batch, file, index, position, job, curves, seen)
                if index % _BATCH_JOBS == _BATCH_JOBS - 1:
                    yield batch
                    batch = SourceRows(NAME)
        except NotThisFormError as error:
            if path.is_file():
                raise
            batch.add_reject(file.path.name, str(error))
        yield batch


@dataclass
class _Seen:
    """Of each architecture, what its jobs so far have stated of its size, and their seeds."""

    sizes: dict[str, Mapping[str, float]] = field(default_factory=dict)
    seeds: dict[str, set[int]] = field(default_factory=dict)

    def add(self, space: str, spec: Spec, sizes: Mapping[str, float]) -> bool:
        """Whether the architecture is new; UserError if it is not, and its size is another."""
        before = self.sizes.setdefault(arch_id_of(NAME, space, spec), sizes)
        for name, value in sizes.items():
            if before[name] != value:
                raise UserError(f"{name} is {value:.0f}, and {before[name]:.0f} in an earlier job of this network")
        return before is sizes

    def seed(self, arch_id: str, stated: int) -> int:
        """The seed of a further training: the stated one, or the next that is free where a network is repeated."""
        taken = self.seeds.setdefault(arch_id, set())
        while stated in taken:
            stated += 1
        taken.add(stated)
        return stated


def _take(batch: SourceRows, file: _File, index: int, position: str, found: object, curves: bool, seen: _Seen) -> None:
    place = f"{file.prefix}{position}"
    if isinstance(found, Fault):
        batch.add_reject(place, found)
        return
    try:
        job = _nds_jobs.parse(found)
        spec = canonical(file.space, job.net)
        new = seen.add(file.space, spec, job.sizes)
    except UserError as error:
        batch.add_reject(place, str(error), found)
        return
    arch_id = batch.add_architecture(file.space, spec, str(index) if file.own else None)
    dataset, seed = _dataset(file.space), seen.seed(arch_id, job.seed)
    for metric, value in job.sizes.items() if new else ():
        batch.add_truth(file.space, arch_id, dataset, metric, value)
    for metric, value, epoch in job.values(curves=curves, tuned="lr-wd" in file.space):
        finite = value - value == 0
        batch.add_truth(
            file.space, arch_id, dataset, metric, value if finite else None,
            epochs=job.epochs, seed=seed, epoch=epoch,
            status="ok" if finite else "diverged", reason=None if finite else f"the source says {value}",
        )  # fmt: skip


def check(path: Path, sample_size: int) -> list[ParameterCheck]:
    """Build some networks of each file as they were trained, and compare their parameters with the file's.

    Args:
        path: as of `read`.
        sample_size: networks a file, drawn with equal chance over the whole file.

    Raises:
        NotThisFormError: as `read`.
    """
    return [_checked(file, sample_size) for file in _files(path)]


def _checked(file: _File, sample_size: int) -> ParameterCheck:
    result = ParameterCheck(file.path.name)
    for position, found in _drawn(file, sample_size):
        try:
            job = _nds_jobs.parse(found)
            spec = canonical(file.space, job.net)
        except UserError:
            continue  # a reject of the ingest
        built = _trained_parameters(file.space, spec, job)
        result.add(position, built, round(job.sizes["params"]), canonical_json(spec))
    return result


def _drawn(file: _File, count: int) -> list[tuple[str, object]]:
    """So many elements of a file, each with equal chance, in the file's order; none of a spoilt one in a folder."""
    random, drawn = Random(0), dict[int, tuple[int, str, object]]()
    try:
        for index, (position, found) in enumerate(json_arrays.read(file.path)):
            slot = index if index < count else random.randrange(index + 1)
            if slot < count:
                drawn[slot] = (index, position, found)
    except NotThisFormError:
        if not file.prefix:
            raise
    return [(position, found) for _, position, found in sorted(drawn.values(), key=lambda item: item[0])]


def _trained_parameters(space: str, spec: Spec, job: _nds_jobs.Job) -> int:
    from pipeline.benchmarks.nds import cell_network as nds_cells
    from pipeline.benchmarks.nds import residual_network as nds_residual

    dataset = _dataset(space)
    classes, imagenet = CLASSES[dataset], dataset == "imagenet"
    if "block_type" in spec:
        return nds_residual.trained_parameters(spec, classes, imagenet=imagenet)
    return nds_cells.trained_parameters(spec, classes, imagenet=imagenet, auxiliary=job.auxiliary)


def _metrics() -> Iterator[Metric]:
    for priority, dataset in enumerate(CLASSES, 1):
        for metric, split, unit, higher, description in (
            ("test_accuracy", "test", "percent", True, "top-1 accuracy after the last epoch"),
            (
                "best_test_accuracy",
                "test",
                "percent",
                True,
                "highest top-1 accuracy of all epochs, chosen on the test set",
            ),
            ("train_accuracy", "train", "percent", True, "top-1 accuracy on the training set"),
            ("train_loss", "train", "nats", False, "cross-entropy on the training set"),
            ("params", "none", "count", None, "trainable parameters"),
            ("flops", "none", "count", None, "multiply-adds of a forward pass, as the benchmark counts them"),
            ("learning_rate", "none", "none", None, "initial learning rate, where it differs from job to job"),
            ("weight_decay", "none", "none", None, "weight decay, where it differs from job to job"),
        ):
            first = priority if metric == "test_accuracy" else None
            yield Metric(dataset, metric, split, unit, higher, first, description)


def _described(space: str) -> str:
    family = _family(space)
    what = "cells in a frame" if isinstance(family, _nds_cells.CellSpace) else "stages"
    frame = "of one width and depth" if "fix-w-d" in space else "of any width and depth"
    tuned = " and learning rate" if "lr-wd" in space else ""
    return f"{what} {frame}{tuned}, trained on {_dataset(space)}"


_SPACES = {name: Space(name, None, _described(name)) for name in (*_SCORED, *_IMAGENET, *_TRUTH_ONLY)}

BENCHMARK = Benchmark(
    name=NAME,
    title="Network Design Spaces",
    spaces=tuple(_SPACES.values()),
    metrics=tuple(_metrics()),
    licence="MIT",
    reader_version=1,
    canonical=canonical,
    compose=compose,
    read=read,
    build=build,
    stages=3,
    forms="a file of nds_data under its published name (DARTS.json, ENAS_fix-w-d.json, ...), or a folder of them",
    sample=sample,
    mutate=mutate,
    check=check,
    features=features,
)
