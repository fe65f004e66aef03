"""Read the published files of the Network Design Spaces into rows of the lake.

A file name tells the space: FAMILY[_fix-w-d][_lr-wd][_in][_reruns|_rngN].json. Reruns (`_reruns`, `_rngN`) are further
seeds of their space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.benchmarks.contract import Spec, arch_id_of
from pipeline.benchmarks.nds import jobs
from pipeline.benchmarks.nds.architectures import FAMILIES, NAME, SPACES, canonical, dataset
from pipeline.benchmarks.nds.jobs import Job
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError, UserError
from pipeline.formats import json_arrays
from pipeline.formats.table_form import Unreadable

_FILE = re.compile(rf"(({'|'.join(FAMILIES)})(_fix-w-d)?(_lr-wd)?(_in)?)(_reruns|_rng[0-9]+)?\.json", re.IGNORECASE)
_JOBS_PER_BATCH = 200


@dataclass(frozen=True)
class SpaceFile:
    """A published file.

    Args:
        own: the space's own draw, not a rerun of some of it.
        prefix: what the positions of its jobs begin with: its name, in a folder.
    """

    path: Path
    space: str
    own: bool
    prefix: str


def published_files(path: Path) -> list[SpaceFile]:
    """The published files in a folder, or the file itself.

    Raises:
        NotThisFormError: no file has a published name.
    """
    members = sorted(path.iterdir()) if path.is_dir() else [path]
    files = []
    for member in members:
        match = _FILE.fullmatch(member.name)
        space = match[1].lower().replace("_", "-") if match else ""
        if match and space in SPACES:
            files.append(SpaceFile(member, space, not match[6], member.name if path.is_dir() else ""))
    if not files:
        what = "holds no file named like" if path.is_dir() else "is not named like"
        raise NotThisFormError(
            f"{path} {what} a published one: the name tells the space (DARTS.json, ENAS_fix-w-d.json)"
        )
    return files


def read(path: Path, curves: bool) -> Iterator[SourceRows]:
    """The published form: a JSON file under its published name, or a folder of them, in which others are left alone.

    A job that cannot be taken is a reject; so is the place where a file is damaged, and what follows it is lost.
    """
    return _batches(path, published_files(path), curves)


def _batches(path: Path, files: Sequence[SpaceFile], curves: bool) -> Iterator[SourceRows]:
    earlier = _EarlierJobs()
    for file in files:
        batch = SourceRows(NAME)
        try:
            for index, (position, element) in enumerate(json_arrays.read(file.path)):
                place = f"{file.prefix}{position}"
                if isinstance(element, Unreadable):
                    batch.add_reject(place, element)
                else:
                    with batch.record(place, element):
                        _add(batch, file, index, jobs.parse(element), curves, earlier)
                if index % _JOBS_PER_BATCH == _JOBS_PER_BATCH - 1:
                    yield batch
                    batch = SourceRows(NAME)
        except NotThisFormError as error:
            if path.is_file():
                raise
            batch.add_reject(file.path.name, str(error))
        yield batch


@dataclass
class _EarlierJobs:
    """What the jobs so far have stated: the size of each architecture, and the seeds of its trainings."""

    sizes: dict[str, Mapping[str, float]] = field(default_factory=dict)
    seeds: dict[str, set[int]] = field(default_factory=dict)

    def add(self, space: str, spec: Spec, sizes: Mapping[str, float]) -> bool:
        """Whether the architecture is new; UserError if it is not, and its size is another."""
        stated = self.sizes.setdefault(arch_id_of(NAME, space, spec), sizes)
        for name, value in sizes.items():
            if stated[name] != value:
                raise UserError(f"{name} is {value:.0f}, and {stated[name]:.0f} in an earlier job of this network")
        return stated is sizes

    def seed(self, arch_id: str, stated: int) -> int:
        """The seed of a further training: the stated one, or the next that is free where a network is repeated."""
        taken = self.seeds.setdefault(arch_id, set())
        while stated in taken:
            stated += 1
        taken.add(stated)
        return stated


def _add(batch: SourceRows, file: SpaceFile, index: int, job: Job, curves: bool, earlier: _EarlierJobs) -> None:
    spec = canonical(file.space, job.net)
    new = earlier.add(file.space, spec, job.sizes)
    arch_id = batch.add_architecture(file.space, spec, str(index) if file.own else None)
    trained_on, seed = dataset(file.space), earlier.seed(arch_id, job.seed)
    for metric, value in job.sizes.items() if new else ():
        batch.add_truth(file.space, arch_id, trained_on, metric, value)
    for metric, value, epoch in job.values(curves=curves, tuned="lr-wd" in file.space):
        batch.add_truth(
            file.space, arch_id, trained_on, metric, value,
            epochs=job.epochs, seed=seed, epoch=epoch, failure="diverged",
        )  # fmt: skip
