"""What all steps share: where they run, how long they may, what they train."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from pipeline import benchmarks
from pipeline.proxies import arithmetic, regression
from pipeline.proxies.contract import Network, Proxy, Score
from pipeline.proxies.regression.recorded import Resident, Task, Work
from pipeline.proxies.regression.resident import Card, Trained
from tests.bench import floors

LAYOUTS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
SHORT = 'name = "short"\nextends = "regression-n101"\niterations = {iterations}\nevaluate_every = {every}\n'

Row = dict[str, Any]


@dataclass
class Setting:
    """How the steps are run.

    Args:
        out: folder of the results.
        device: cuda, or cpu with a stand-in for `graph`, which runs through everything that needs no card.
        graph: makes what records a step.
        preset: of the regression proxy.
        images: a folder of pictures, or None for the synthetic batch.
        spaces: benchmarks whose networks are trained.
        sizes: networks of a group.
        plain: networks that the plain eager loop trains one at a time; the engine trains the same ones.
        many: networks of a steady state.
        repeats: of a measurement.
        shapes: convolutions that are timed.
        groups: networks of a group of the engine by operation tables.
        precisions: of its products.
        presets: that whole spaces are scored with.
        architectures: file with those of NAS-Bench-101 that are scored, one per line.
        workers: that score whole spaces; None for as many as `pipeline score` has by default.
        processes: that train on the card at the same time.
        seconds: that the step may take.
    """

    out: Path
    device: str = "cuda"
    graph: Callable[[], Any] = torch.cuda.CUDAGraph
    preset: str = "regression-n101"
    images: Path | None = None
    spaces: Sequence[str] = tuple(floors.SPACES)
    sizes: Sequence[int] = (8, 16)
    streams: Sequence[int] = (1, 4, 8, 16)
    plain: int = 24
    many: int = 256
    repeats: int = 2
    shapes: int = 99
    groups: Sequence[int] = (64,)
    precisions: Sequence[str] = ("ieee",)
    processes: Sequence[int] = (1, 2, 3, 4)
    presets: Sequence[str] = ("regression-fast", "regression-n101", "regression-menu")
    architectures: Path | None = None
    workers: int | None = None
    seconds: float = 600.0
    started: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds that the step has left."""
        return self.started + self.seconds - time.monotonic()

    def wait(self) -> None:
        """Until the card has done all that it was asked to."""
        if self.device == "cuda":
            torch.cuda.synchronize()

    def timed(self, call: Callable[[], Any]) -> tuple[float, Any]:
        """Seconds until the card has done it, and the result."""
        self.wait()
        started = time.perf_counter()
        result = call()
        self.wait()
        return time.perf_counter() - started, result

    def card(self, size: int, layout: str | None = None, graph: Any = ...) -> Card:
        """An engine, in the layout that it prefers where none is named."""
        named: dict[str, Any] = {} if layout is None else {"layout": LAYOUTS[layout]}
        return Card(arithmetic.exact(self.device), self.graph if graph is ... else graph, size, **named)

    def proxy(self) -> Proxy:
        """The regression proxy."""
        return regression.load(self.preset, self.images)

    @contextmanager
    def short(self, iterations: int, every: int) -> Iterator[Proxy]:
        """The same task for fewer iterations."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "short.toml"
            path.write_text(SHORT.format(iterations=iterations, every=every))
            yield regression.load(str(path), self.images)


def networks(name: str, count: int, distinct: int | None = None, first: int = 0) -> list[Network]:
    """Random architectures of a space; after `distinct` of them the same ones again, each with a name of its own."""
    benchmark, space = benchmarks.load(name), floors.SPACES[name]
    assert benchmark.sample is not None
    specs = [benchmark.sample(space, random.Random(first + n)) for n in range(min(count, distinct or count))]
    return [(partial(benchmark.build, space, specs[n % len(specs)]), str(first + n)) for n in range(count)]


def score_all(proxy: Proxy, some: Sequence[Network], device: str, on: Card) -> list[Score]:
    """The engine's scores."""
    scorer: Any = proxy.score_all
    spoilt = Score(None, "failed", "nothing more could be recorded in this process"), 0.0
    return [score for score, _ in (timed or spoilt for timed in scorer(some, 0, device, on))]


def scorer_of(proxy: Proxy) -> Any:
    """What stands behind `Proxy.score_all`."""
    return proxy.score_all.__self__  # type: ignore[union-attr]


def works(proxy: Proxy, some: Sequence[Network]) -> list[Work]:
    """The networks with their random streams."""
    return [Work(build, *scorer_of(proxy)._streams(arch_id, 0)) for build, arch_id in some]


def residents(setting: Setting, proxy: Proxy, some: Sequence[Network], on: Card) -> list[Resident]:
    """Networks on slots, with their recorded steps."""
    scorer = scorer_of(proxy)
    task = Task(scorer.task.preset, scorer.task.images, scorer.drawn(0))
    made = [on.resident(work, task) for work in works(proxy, some)]
    for resident in made:
        resident.drawn.result()
    setting.wait()
    return made


def replay(residents: Sequence[Resident], batches: int) -> None:
    """Batches of a training of each, in turn, with the images that are there: what the card does, and little more."""
    for resident in residents:
        with resident.slot.here():
            resident.next.zero_()
    for batch in range(batches):
        for resident in residents:
            with resident.slot.here():
                resident._once[resident.task.evaluates(batch)]()


class Training:
    """The engine under way: what it trains, and when each network was done."""

    def __init__(self, proxy: Proxy, some: Sequence[Network], on: Card) -> None:
        scorer = scorer_of(proxy)
        self._trained = scorer.task.train_all(works(proxy, some), scorer.drawn(0), on)
        self.done: list[float] = []
        self.stopped = False  # before the last was done: until then the card was full
        self.errors: list[str] = []

    def run(self, until: float = float("inf")) -> None:
        """Train them, and stop early when `time.monotonic()` has come."""
        trained: Trained
        try:
            for trained in self._trained:
                self.done.append(time.perf_counter())
                if isinstance(trained.outcome, Exception):
                    self.errors.append(f"{type(trained.outcome).__name__}: {trained.outcome}"[:300])
                if time.monotonic() > until:
                    self.stopped = True
                    break
        finally:
            self._trained.close()
