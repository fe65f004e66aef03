"""A trajectory through a space: each step names an architecture, from the steps before it and their scores.

A trajectory is a pure function of its search, its seed and the scores: what is random in a step comes from a random
stream of (search, seed, step). So a trajectory that was interrupted is computed again from its first step, with the
scores that are stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from pipeline import provenance
from pipeline.benchmarks.contract import Benchmark, Spec, arch_id_of
from pipeline.errors import UserError
from pipeline.search.evolution import AgeingEvolution, winner

METHODS = ("evolution", "random")
TRIES, FARTHEST = 50, 10  # of a mutation to some architectures alone: tries at each distance, and distances


@dataclass(frozen=True)
class SearchScore:
    """A score as a search sees it.

    Attributes:
        value: as stored; None where it failed.
        promise: the value turned so that higher is better; None where it failed.
        seconds: wall time; None where it is not stored.
    """

    value: float | None
    promise: float | None
    seconds: float | None


@dataclass(frozen=True)
class Step:
    """An architecture that was tried: its identity, its canonical JSON, and what it was mutated from."""

    arch_id: str
    spec: str
    parent: str | None


@dataclass(frozen=True)
class SearchDomain:
    """The architectures that a search can try.

    Args:
        identify: its arch_id and canonical JSON.
    """

    sample: Callable[[Random], Spec]
    mutate: Callable[[Spec, Random], Spec]
    identify: Callable[[Spec], tuple[str, str]]


@dataclass(frozen=True)
class SearchMethod(AgeingEvolution):
    """How the next architecture is chosen: by ageing `evolution`, or at `random`.

    Of evolution, a failed score ranks last, and a tournament of failures alone ends with a random step.
    """

    name: str = "evolution"

    @property
    def configuration(self) -> dict[str, object]:
        """What of it changes the steps of a search."""
        sizes = {} if self.name == "random" else {"population": self.population, "tournament": self.tournament}
        return {"method": self.name, **sizes}


class Trajectory:
    """The steps of one seed.

    A step of evolution needs the scores of its own tournament alone, so several steps of a trajectory can be scored at
    once and are still the same steps.

    Args:
        method: how the next architecture is chosen.
    """

    def __init__(self, search_id: str, seed: int, method: SearchMethod, domain: SearchDomain) -> None:
        self.search_id, self.seed, self.method, self.domain = search_id, seed, method, domain
        self.steps: list[Step] = []
        self._specs: dict[str, Spec] = {}

    def advance(self, scores: Mapping[str, SearchScore], budget: int) -> list[Step]:
        """Take every step up to `budget` that the scores known so far decide; returns the new ones."""
        before = len(self.steps)
        while len(self.steps) < budget:
            random = Random(provenance.stream_seed("search", self.search_id, self.seed, len(self.steps)))
            if not self._step(random, scores):
                break
        return self.steps[before:]

    def _step(self, random: Random, scores: Mapping[str, SearchScore]) -> bool:
        """Take one step; False if a score that it depends on is not known yet."""
        contestants = [] if self.method.name == "random" else self.method.contestants(self.steps, random)
        if any(member.arch_id not in scores for member in contestants):
            return False
        parent = winner(contestants, lambda member: scores[member.arch_id].promise)
        if parent is None:
            self._append(self.domain.sample(random), None)
        else:
            self._append(self.domain.mutate(self._specs[parent.arch_id], random), parent.arch_id)
        return True

    def _append(self, spec: Spec, parent: str | None) -> None:
        arch_id, text = self.domain.identify(spec)
        self._specs[arch_id] = spec
        self.steps.append(Step(arch_id, text, parent))

    def scored(self, scores: Mapping[str, SearchScore]) -> int:
        """How many steps from the first on have their scores."""
        return next((i for i, step in enumerate(self.steps) if step.arch_id not in scores), len(self.steps))


def best_first(steps: Sequence[Step], scores: Mapping[str, SearchScore]) -> list[Step]:
    """The distinct architectures with a score, the most promising first; of equal ones the one that came first."""
    distinct: dict[str, tuple[float, Step]] = {}
    for step in steps:
        if (promise := scores[step.arch_id].promise) is not None:
            distinct.setdefault(step.arch_id, (promise, step))
    return [step for _, step in sorted(distinct.values(), key=lambda pair: -pair[0])]


def whole_space(bench: Benchmark, space: str) -> SearchDomain:
    """All architectures that the benchmark's `sample` and `mutate` lead to.

    Raises:
        UserError: it has none.
    """
    sample, mutate = bench.sample, bench.mutate
    if sample is None or mutate is None:
        raise UserError(
            f"{bench.name} has no sample and mutate to search with: state them (docs/add-a-benchmark.md), or search "
            "another benchmark"
        )
    return SearchDomain(lambda r: sample(space, r), lambda spec, r: mutate(space, spec, r), _identify(bench, space))


def part_of_space(bench: Benchmark, space: str, specs: Mapping[str, Spec]) -> SearchDomain:
    """These architectures alone: each is sampled with equal chance, and a neighbour is another of them that is near.

    A neighbour is as few mutations away as possible: the smallest distance, from 1 to `FARTHEST`, at which one of
    `TRIES` draws leads to one of the architectures.
    """
    whole, order = whole_space(bench, space), sorted(specs)

    def mutate(spec: Spec, random: Random) -> Spec:
        own, text = whole.identify(spec)
        for distance in (d for d in range(1, FARTHEST + 1) for _ in range(TRIES)):
            neighbour = spec
            for _ in range(distance):
                neighbour = whole.mutate(neighbour, random)
            arch_id = whole.identify(neighbour)[0]
            if arch_id in specs and arch_id != own:
                return neighbour
        raise UserError(
            f"nothing near {text[:120]} has a stored score: score more of {bench.name}/{space} first, "
            "leave out --stored, or take --method random"
        )

    return SearchDomain(lambda random: specs[random.choice(order)], mutate, whole.identify)


def _identify(bench: Benchmark, space: str) -> Callable[[Spec], tuple[str, str]]:
    def identify(spec: Spec) -> tuple[str, str]:
        text = provenance.canonical_json(spec)
        return arch_id_of(bench.name, space, text), text

    return identify
