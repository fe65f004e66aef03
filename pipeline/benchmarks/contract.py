"""What a benchmark is: its search spaces, its metrics, and the functions that read, build and sample.

A package `pipeline.benchmarks.NAME` holds one `BENCHMARK` of this form; `pipeline.benchmarks` finds it by its name. Its
name, title, spaces and metrics are all that it must state: then its architectures are known by name, and tables with
table mappings are ingested. Whatever else it can do it states as functions.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from pipeline import provenance
from pipeline.benchmarks import defaults
from pipeline.errors import unknown
from pipeline.formats import json_objects

if TYPE_CHECKING:
    from torch import nn

    from pipeline.benchmarks.parameter_check import ParameterCheck
    from pipeline.benchmarks.source_rows import SourceRows

ARCHITECTURE_VERSION = 1

QUALITY = "quality"
"""The family of the targets that say how well a network does what it was trained for; reports lead with it."""

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
    """What a value of `truth` means; the fields but `plausible` are the columns of `metrics`.

    Args:
        dataset, metric: its name.
        split: train, validation, test, or none.
        unit: one of `units.LIMITS`.
        higher_is_better: None where neither is.
        priority: the order of the targets, 1 is the one to lead with; None where proxies are not ranked against it.
        description: one sentence.
        family: what kind of property it is: quality, robustness, latency, energy, ...
        condition: under which circumstances, where there are several: an attack with its strength, or a device.
        plausible: the smallest and the largest plausible value, where neither unit nor classes tell: see `units`.
    """

    dataset: str
    metric: str
    split: str
    unit: str
    higher_is_better: bool | None
    priority: int | None
    description: str
    family: str = QUALITY
    condition: str | None = None
    plausible: tuple[float, float] | None = None

    def __hash__(self) -> int:
        return hash((self.dataset, self.metric))  # which is as good as that of all fields

    @property
    def row(self) -> dict[str, Any]:
        """Its columns of `metrics`."""
        return {name: value for name, value in vars(self).items() if name != "plausible"}


@dataclass(frozen=True)
class ArchitectureGraph:
    """An architecture as a directed acyclic graph.

    Args:
        operations: of each vertex, those of its inputs and outputs among them.
        edges: pairs of vertices, from and to.
    """

    operations: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]

    @classmethod
    def chain(cls, operations: Iterable[str]) -> ArchitectureGraph:
        """Operations one after another between an input and an output."""
        vertices = ("input", *operations, "output")
        return cls(vertices, tuple(pairwise(range(len(vertices)))))


@dataclass(frozen=True)
class PublishedFile:
    """A file of ground truth that a benchmark's authors released.

    Args:
        name: of the file, or of the folder that it is unpacked to.
        holds: what is in it, in a few words.
        publisher: whose it is.
        address: of the file itself; where there are `steps`, of a page about it.
        bytes: its size, as it is stated: it may be rounded.
        sha256: its SHA-256, where it is published.
        steps: what a person does to get it where no program can; `{folder}` is the folder to put it in.
        unpacked: the folder that unpacking the zip gives, where that and not the zip is ingested.
        licence: SPDX identifier, where it is not the benchmark's.
    """

    name: str
    holds: str
    publisher: str
    address: str
    bytes: int | None = None
    sha256: str | None = None
    steps: tuple[str, ...] = ()
    unpacked: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Benchmark:
    """A benchmark as facts and functions.

    Args:
        name: as on the command line; the package's name.
        title: as in a report.
        spaces: its search spaces, the default one first.
        metrics: what its ground truth measures.
        licence: SPDX identifier of the published native form, of those files that state no other; NOASSERTION where
            nothing is stated.
        reader_version: raise it when `read` would store other rows for the same file.
        canonical: (space, architecture in any accepted notation) -> spec; UserError says which rule is broken. By
            default any text is the name of an architecture.
        compose: (space, parts) -> spec, from named parts as a table's columns or codes give them; errors likewise.
        read: (path, whether to read every epoch, too) -> rows from the published native form; NotThisFormError if it
            is not that. By default there is no such form: its publishers' files are tables, with a table mapping in
            `mappings/`.
        build: (space, spec) -> a torch module whose forward maps `inputs` to the list of its taps. By default networks
            are not built, and released scores alone can be ranked.
        stages: number of taps of a network.
        sample: (space, random) -> a random architecture, where the space is generative.
        mutate: (space, spec, random) -> a neighbour, likewise.
        check: (path, number of networks, drawn with equal chance) -> for each file, whether its networks are built as
            the file says; errors as in `read`.
        features: (space, spec) -> `inputs` to the features that a classifier pools: `networks.features`.
        graph: (space, spec) -> the architecture's graph, of which `tune` takes counts and paths; None where a space has
            none.
        forms: one line for each form that `read` takes, for error messages.
        published: the files that its authors released.
        reference: the papers to cite.
        inputs: what the networks take: images [N, 3, H, W], or sequences [N, T, width].
        classes: data set -> number of classes or words that a network chooses among; it says what guessing gives.
        curves_asked: whether `read` leaves learning curves out unless it is asked for them.
    """

    name: str
    title: str
    spaces: tuple[Space, ...]
    metrics: tuple[Metric, ...]
    licence: str = "NOASSERTION"
    reader_version: int = 1
    canonical: Callable[[str, object], Spec] = defaults.canonical
    compose: Callable[[str, Mapping[str, object]], Spec] = defaults.compose
    read: Callable[[Path, bool], Iterator[SourceRows]] = defaults.read
    build: Callable[[str, Spec], nn.Module] = defaults.build
    stages: int = 0
    forms: str = "tables alone"
    published: tuple[PublishedFile, ...] = ()
    reference: str = ""
    inputs: str = "images"
    classes: Mapping[str, int] = field(default_factory=dict)
    curves_asked: bool = True
    sample: Callable[[str, Random], Spec] | None = None
    mutate: Callable[[str, Spec, Random], Spec] | None = None
    check: Callable[[Path, int], list[ParameterCheck]] | None = None
    features: Callable[[str, Spec], nn.Module] | None = None
    graph: Callable[[str, Spec], ArchitectureGraph | None] | None = None

    @property
    def builds(self) -> bool:
        """Whether its networks are built here, so that proxies can score them."""
        return self.build is not defaults.build

    @property
    def takes_any_name(self) -> bool:
        """Whether any text is the name of an architecture, so that no column of a table is known by its cells."""
        return self.canonical is defaults.canonical

    def space(self, name: str | None) -> Space:
        """The space of that name, or the default one."""
        if name is None:
            return self.spaces[0]
        for space in self.spaces:
            if space.name == name:
                return space
        raise unknown(f"space of {self.name}", name, (s.name for s in self.spaces))

    def licence_of(self, file_name: str) -> str:
        """The licence of a file or folder of that name in the published native form."""
        stated = (file.licence for file in self.published if file.licence and file.name == file_name)
        return next(stated, self.licence)

    def metric(self, dataset: str, metric: str) -> Metric:
        """The declared metric; UserError with a suggestion if there is none."""
        if found := self._by_name.get((dataset, metric)):
            return found
        of_dataset = [m.metric for m in self.metrics if m.dataset == dataset]
        if not of_dataset:
            raise unknown(f"dataset of {self.name}", dataset, {m.dataset for m in self.metrics})
        raise unknown(f"metric of {self.name} on {dataset}", metric, of_dataset)

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], Metric]:
        return {(m.dataset, m.metric): m for m in self.metrics}


def built_by(function: str, *, by_space: bool = False) -> Callable[[str, Spec], nn.Module]:
    """A `build` or `features` that calls a function of the spec, "package.module:name".

    The module is imported at the first call: networks need torch, which takes seconds to import.

    Args:
        by_space: the function is one of space and spec.
    """
    return partial(_built_by, function, by_space)


def _built_by(function: str, by_space: bool, space: str, spec: Spec) -> nn.Module:
    module, _, name = function.partition(":")
    build = getattr(importlib.import_module(module), name)
    network: nn.Module = build(space, spec) if by_space else build(spec)
    return network


def composed_by(
    canonical: Callable[[str, object], Spec], decode: Callable[[object], object] = json_objects.decoded
) -> Callable[[str, Mapping[str, object]], Spec]:
    """A `compose` whose parts, each a value or its JSON text, are the fields of what `canonical` takes.

    Args:
        decode: `json_objects.decoded_if_json` where a part may be another text.
    """
    return partial(_composed_by, canonical, decode)  # which a worker can be sent, as a function within one cannot


def _composed_by(
    canonical: Callable[[str, object], Spec],
    decode: Callable[[object], object],
    space: str,
    parts: Mapping[str, object],
) -> Spec:
    return canonical(space, {name: decode(part) for name, part in parts.items()})


def arch_id_of(benchmark: str, space: str, spec: str | Spec) -> str:
    """The identity of an architecture, from its spec or the spec's canonical JSON."""
    text = spec if isinstance(spec, str) else provenance.canonical_json(spec)
    return provenance.text_identity("architecture", ARCHITECTURE_VERSION, f"{benchmark}/{space}/{text}")
