"""The plan of a scoring run, its architectures, and how a worker scores one of them."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import benchmarks, environment, executor, own_code, provenance, proxies
from pipeline.benchmarks.contract import Benchmark, Spec
from pipeline.errors import UserError, is_out_of_memory
from pipeline.formats import toml_files
from pipeline.lake.store import Lake
from pipeline.proxies import arithmetic
from pipeline.proxies.contract import Bundle, Score, Timed, reason_of
from pipeline.proxies.zerocost import own
from pipeline.wording import count_of

if TYPE_CHECKING:
    from torch import nn

Key = tuple[str, str]  # arch_id, proxy_id; the seed is the plan's
Item = tuple[str, str, tuple[str, ...]]  # arch_id, spec, proxy_ids that are missing

Scores = TypeVar("Scores")

CARD_MEMORY = 0.9  # of a card's memory, for all its workers
DRAWN = "search:"  # begins the source of an architecture that a search drew


@dataclass(frozen=True)
class Plan:
    """What a run scores.

    Args:
        proxy: the name of a proxy or a bundle, or the path of a TOML or Python file.
        images: a path, the name of a synthetic batch, or None for the default one.
        seed: of the regression targets, the weights and the noise.
        sample_seed: of the random order whose first architectures are a sample.
        device: auto, cpu or cuda.
        names: of a bundle's proxies, the ones to score; all by default.
    """

    benchmark: str
    space: str
    proxy: str
    images: Path | str | None
    seed: int
    device: str
    sample_seed: int = 0
    names: tuple[str, ...] = ()

    def load(self) -> Bundle:
        """The proxies, ready to score."""
        bundle = proxies.load(self.proxy, self.images, benchmarks.load(self.benchmark).inputs)
        if not self.names:
            return bundle
        return replace(bundle, proxies=tuple(proxy for proxy in bundle.proxies if proxy.name in self.names))

    @property
    def arguments(self) -> dict[str, Any]:
        """What the row of the run stores as its arguments."""
        of_file = toml_files.is_named(self.proxy) or own.is_named(self.proxy)
        return {**vars(self), "proxy": Path(self.proxy) if of_file else self.proxy}

    def scorer(self, bundle: Bundle, device: str, sharing: int = 1) -> ArchitectureScorer:
        """What scores an architecture of this plan on a device: cpu or cuda."""
        return ArchitectureScorer(self.benchmark, self.space, self.seed, device, bundle, sharing, self.calls_own_code)

    @property
    def calls_own_code(self) -> bool:
        """Whether scoring calls code of a user's own, which may take its process down."""
        return own.is_named(self.proxy) or benchmarks.is_own(self.benchmark)


@dataclass
class ArchitectureScorer:
    """Scores one architecture in a worker; see `executor.ItemFunction`.

    It carries the bundle: a worker on another machine has neither its TOML files nor its images.

    Args:
        sharing: workers on one card, which share its memory and its time: the seconds of a score are those that its
            worker took, divided by this.
        bench: the benchmark, once prepared.
    """

    benchmark: str
    space: str
    seed: int
    device: str
    bundle: Bundle
    sharing: int = 1
    calls_own_code: bool = False
    bench: Benchmark | None = field(default=None, compare=False)

    def prepare(self) -> dict[str, Any]:
        """Import torch and the benchmark's module; returns the environment of this worker."""
        self.bench = benchmarks.load(self.benchmark)
        return prepare_worker(self.device, self.sharing)

    def __call__(self, item: Item) -> dict[str, Timed]:
        """The missing scores by proxy_id, with their seconds."""
        arch_id, spec, missing = item
        started = time.perf_counter()
        build = partial(self._build, spec)
        score = partial(self.bundle.score, build, arch_id, self.seed, self.device, missing)
        scores = unless_own_code_fails(self.benchmark, self.calls_own_code, score)
        if isinstance(scores, Score):
            scores = dict.fromkeys(missing, (scores, time.perf_counter() - started))
        return self._shared(scores)

    def side_by_side(self, items: Sequence[Item]) -> list[dict[str, Timed] | None]:
        """The scores of each of several architectures, which train side by side."""
        score_all = self.bundle.score_all
        assert score_all is not None
        networks = [(partial(self._build, spec), arch_id) for arch_id, spec, _ in items]
        score = partial(score_all, networks, self.seed, self.device)
        scores = unless_own_code_fails(self.benchmark, self.calls_own_code, score)
        if isinstance(scores, Score):  # the failure of one network, which has ended all
            return [self(item) for item in items]
        return [one and self._shared(one) for one in scores]

    def _shared(self, scores: dict[str, Timed]) -> dict[str, Timed]:
        return {proxy_id: (score, seconds / self.sharing) for proxy_id, (score, seconds) in scores.items()}

    def _build(self, spec: str) -> Any:
        assert self.bench is not None
        return built(self.bench, self.bundle, self.space, json.loads(spec))


def built(bench: Benchmark, bundle: Bundle, space: str, spec: Spec) -> nn.Module:
    """The network of an architecture as the proxies take it."""
    make = bench.build if bundle.network == "backbone" else bench.features
    assert make is not None  # else the bundle does not fit, see `fits`
    return make(space, spec)


def unless_own_code_fails(benchmark: str, calls_own_code: bool, score: Callable[[], Scores]) -> Scores | Score:
    """Call `score`; return a failed score where the benchmark is the user's own and it raises, or where memory runs out
    in a user's own code, which may ask for any amount.

    Raises:
        BaseException: as `score` does, else: a fault of ours is to be seen. So do a UserError and a KeyboardInterrupt.
    """
    own = benchmarks.is_own(benchmark)
    try:
        with contextlib.ExitStack() as apart:
            if own:
                from pipeline.proxies import process_state

                apart.enter_context(own_code.contained())
                apart.enter_context(process_state.restored())
            return score()
    except BaseException as error:
        of_theirs = own and not isinstance(error, UserError | KeyboardInterrupt)
        if not of_theirs and not (calls_own_code and is_out_of_memory(error)):
            raise
        return Score(None, "failed", reason_of(error))


def prepare_worker(device: str, sharing: int) -> dict[str, Any]:
    """Have this worker compute in one thread, and on a card of its own or its share of one; returns its environment.

    Args:
        sharing: workers on one card.

    Raises:
        UserError: the card failed.
    """
    import torch

    torch.set_num_threads(1)
    if device == "cuda":
        with arithmetic.failing_in_one_line():
            torch.cuda.set_device(executor.worker_number() % torch.cuda.device_count())
            # The rest is for what is not torch's: the context, the kernels, the graphs.
            torch.cuda.set_per_process_memory_fraction(CARD_MEMORY / sharing)
            arithmetic.exact(device)
    return environment.of_worker(device)


def require_networks(bench: Benchmark) -> None:
    """Refuse a benchmark whose networks are not built here."""
    if not bench.builds:
        raise UserError(
            f"the networks of {bench.name} are not built here, so no proxy can score them: ingest scores that others "
            "released, as [[score]] of a table mapping, or state `build` (docs/add-a-benchmark.md)"
        )


def fits(bundle: Bundle, bench: Benchmark) -> None:
    """Refuse a benchmark without networks, and a proxy for other networks: of other inputs, or another number of taps.

    A benchmark that does not state its number of stages is not asked for it.
    """
    require_networks(bench)
    if bundle.inputs == bench.inputs and bundle.network == "features" and bench.features is None:
        raise UserError(f"{bundle.name} looks at the features of a network, and {bench.name} states no `features`")
    if bundle.inputs != bench.inputs:
        raise UserError(
            f"{bundle.name} is for networks that take {bundle.inputs}, those of {bench.name} take {bench.inputs}: "
            f"choose with --proxy one of {', '.join(proxies.fitting(bench.inputs))}"
        )
    weights = bundle.proxies[0].configuration.get("stage_weights")
    if weights is not None and bench.stages not in (0, len(weights)):
        raise UserError(
            f"{bundle.name} trains {count_of(len(weights), 'stage')}, the networks of {bench.name} have "
            f"{bench.stages} (`stages`): return as many taps, or write a TOML file with a stage for each "
            "(docs/add-a-proxy.md)"
        )


def sampled(lake: Lake, benchmark: str, space: str, seed: int, sample: int | None) -> list[str]:
    """The arch_ids of a sample of the ingested architectures of a space.

    Args:
        sample: how many, the first by the hash of seed and architecture; None for all, in any order.

    Raises:
        UserError: the lake holds none.
    """
    rows = lake.read("architectures", benchmark, columns=["space", "arch_id", "source_id"])
    each = zip(*(rows[name].to_pylist() for name in ("space", "arch_id", "source_id")), strict=True)
    # not with pyarrow.compute, whose first call imports pandas: it would double the start of a run with nothing to do
    arch_ids = list(dict.fromkeys(a for where, a, source in each if where == space and not source.startswith(DRAWN)))
    if not arch_ids:
        raise UserError(
            f"the lake {lake.root} holds no architectures of {benchmark}/{space}: "
            f"run `pipeline ingest {benchmark} PATH` first"
        )
    if sample is not None:
        arch_ids = provenance.nested(arch_ids, seed)
    return arch_ids[:sample]


def specs(lake: Lake, benchmark: str, space: str, arch_ids: list[str] | None = None) -> dict[str, str]:
    """arch_id -> spec of architectures of the lake, by default of all of the space."""
    rows = lake.read("architectures", benchmark, columns=["space", "arch_id", "spec"])
    asked = pc.equal(rows["space"], space)
    if arch_ids is not None:
        asked = pc.and_(asked, pc.is_in(rows["arch_id"], value_set=pa.array(arch_ids, pa.string())))
    rows = rows.filter(asked)
    return dict(zip(rows["arch_id"].to_pylist(), rows["spec"].to_pylist(), strict=True))
