"""Search a space with a proxy: score, or look up, what a walk tries, and store its trajectory.

Ground truth is not read here. What a search is worth is asked afterwards, of the views `search_progress` and
`search_results`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline import benchmarks, catalog, executor, provenance
from pipeline.benchmarks.contract import Benchmark
from pipeline.errors import UserError, from_os, unknown
from pipeline.lake.part_name import PartName
from pipeline.lake.part_writer import PartWriter
from pipeline.lake.store import Lake
from pipeline.progress import progress
from pipeline.proxies import aggregates
from pipeline.proxies.contract import Score
from pipeline.scoring.plan import DRAWN, Item, Plan, ScoreTask, fits, specs
from pipeline.scoring.writer import ScoreWriter, settled
from pipeline.search.stored_scores import scored, single, stored_proxy, stored_scores
from pipeline.search.walk import METHODS, Method, Scored, Territory, Walk, best_first, part_of_space, whole_space

STAGE = "search"  # of its runs: scores that they alone asked for are no sample
SEARCH_VERSION = 1  # raise it when the same search would take other steps
SHOWN = 5


@dataclass(frozen=True)
class Settings:
    """How to search: the method, the steps of each seed, and the seeds."""

    method: Method = field(default_factory=Method)
    budget: int = 450
    seeds: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Found:
    """An architecture that a search has found: `spec` is the canonical JSON that builds it."""

    arch_id: str
    spec: str
    score: float


@dataclass(frozen=True)
class Summary:
    """What a search did: `steps` in all, of which `before` were stored; `scored` architectures are newly scored.

    `best` are the most promising of all seeds, the best first.
    """

    search_id: str
    proxy: str
    settings: Settings
    steps: int
    before: int
    scored: int
    best: tuple[Found, ...]
    seconds: float

    @property
    def line(self) -> str:
        """The summary in one line."""
        seeds = f"{len(self.settings.seeds)} seed{'s' if len(self.settings.seeds) > 1 else ''}"
        what = f"{self.settings.method.name} with {self.proxy}, search {self.search_id}, {seeds}"
        if self.before == self.steps:
            return f"{what}: all {self.steps} steps are stored already, nothing to do"
        before = f" ({self.before} stored before)" if self.before else ""
        return f"{what}: {self.steps} steps{before}, {self.scored} architectures scored, {self.seconds:.0f} s"


def run(
    lake_root: Path,
    plan: Plan,
    settings: Settings,
    *,
    stored: bool = False,
    workers: int | None = None,
    where: executor.Where = executor.PROCESSES,
) -> Summary:
    """Search a space and store the trajectories, the scores and the architectures.

    Args:
        lake_root: the lake; it is made where there is none.
        plan: the space, the proxy that is followed, and the seed of its scores.
        settings: how to search.
        stored: follow stored scores alone, and search among the architectures that have one; the plan's proxy may then
            also be the name or the proxy_id of a released one.
        workers: how many; by default one a core; on a card one, or several where MPS runs.
        where: the executor; the steps are the same whichever it is.

    Raises:
        UserError: unknown names, a bundle of several proxies, no stored scores.
        KeyboardInterrupt: on Ctrl-C, after storing what is done.
    """
    started = time.monotonic()
    if settings.method.name not in METHODS:
        raise unknown("method", settings.method.name, METHODS)
    bench = benchmarks.load(plan.benchmark)
    search = (
        _among_stored(Lake(lake_root), plan, bench, settings) if stored else _live(lake_root, plan, bench, settings)
    )
    search.record.refresh()
    before = search.stored_steps()
    search.advance()
    if search.unfinished:
        with executor.opened(where, workers, "cpu" if plan.device == "auto" else plan.device) as pool:
            search.score(_run_row(plan, settings, stored, pool.workers, pool.device_name), pool)
    elif search.record.missing():
        search.store(_run_row(plan, settings, stored, 1, "cpu"))
    catalog.ensure(search.lake)
    steps = sum(len(walk.steps) for walk in search.walks)
    return Summary(
        search.search_id, search.proxy["name"], settings, steps, before, search.newly, search.best(),
        time.monotonic() - started,
    )  # fmt: skip


def write_best(found: Sequence[Found], path: Path) -> None:
    """Write the specs, one a line, as `pipeline score --only` takes them.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        path.write_text("".join(f"{one.spec}\n" for one in found), encoding="utf-8")
    except OSError as error:
        raise from_os(error, f"writing {path}") from error


class _Search:
    """The walks of all seeds, over scores that they share.

    Args:
        lake: the lake.
        plan: what is searched.
        settings: how.
        proxy: the row of `proxies`.
        scores: what is stored, by arch_id.
        territory: where the walks go.
        among: what names the territory, where that is not the whole space.
        writer: of new scores; None where only stored ones are followed.
    """

    def __init__(
        self,
        lake: Lake,
        plan: Plan,
        settings: Settings,
        proxy: dict[str, Any],
        seed: int | None,
        scores: dict[str, Scored],
        territory: Territory,
        among: object = None,
        writer: ScoreWriter | None = None,
    ) -> None:
        self.lake, self.plan, self.settings, self.proxy = lake, plan, settings, proxy
        self.scores, self.writer, self.newly = scores, writer, 0
        configuration = {
            "benchmark": plan.benchmark, "space": plan.space, "proxy_id": proxy["proxy_id"], "score_seed": seed,
            "among": among, **settings.method.configuration,
        }  # fmt: skip
        self.search_id = provenance.identity("search", SEARCH_VERSION, configuration)
        self.walks = [Walk(self.search_id, s, settings.method, territory) for s in settings.seeds]
        self.record = _Record(self, {
            "search_id": self.search_id, "benchmark": plan.benchmark, "space": plan.space,
            "method": settings.method.name, "proxy_id": proxy["proxy_id"], "score_seed": seed,
            "configuration": provenance.canonical_json(configuration),
        })  # fmt: skip
        self._known = set(specs(lake, plan.benchmark, plan.space)) if writer else set()
        self._queue: deque[Item] = deque()
        self._waiting: set[str] = set()

    @property
    def unfinished(self) -> bool:
        """Whether scores are missing that a step within the budget needs, or is."""
        return bool(self._queue)

    def stored_steps(self) -> int:
        """How many of the steps asked for are stored."""
        return sum(seed in self.settings.seeds and step <= self.settings.budget for seed, step in self.record.stored)

    def advance(self) -> int:
        """Take the steps that the scores decide, and queue what they need; returns how many steps have their scores."""
        for walk in self.walks:
            for step in walk.advance(self.scores, self.settings.budget):
                if step.arch_id not in self.scores and step.arch_id not in self._waiting:
                    self._waiting.add(step.arch_id)
                    self._queue.append((step.arch_id, step.spec, (self.proxy["proxy_id"],)))
        return sum(walk.scored(self.scores) for walk in self.walks)

    def score(self, run_row: dict[str, Any], pool: executor.Pool) -> None:
        """Score what the walks ask for until they are done."""
        writer, total = self.writer, self.settings.budget * len(self.walks)
        assert writer is not None
        task = ScoreTask(replace(self.plan, device=pool.device), writer.bundle, pool.sharing)
        writer.open(run_row)
        self.record.open(run_row["run_id"])
        status = "failed"
        try:
            with (
                contextlib.closing(pool.run(task, self._queue, skip=lambda _: False)) as results,
                progress(f"searching with {self.proxy['name']}", total) as tell,
            ):
                done = self.advance()
                tell(done)
                for item, result in results:
                    self._take(item[0], *settled(item, result)[self.proxy["proxy_id"]])
                    if item[0] not in self._known:
                        writer.collect("architectures", self._architecture(item))
                    if writer.add(item, result):
                        self.record.publish()
                    before, done = done, self.advance()
                    tell(done - before)
            status = "finished"
        except KeyboardInterrupt:
            status = "interrupted"
            raise
        finally:
            writer.close(status)
            self.record.publish()

    def store(self, run_row: dict[str, Any]) -> None:
        """Store steps for which every score was there."""
        self.record.open(run_row["run_id"])
        self.record.publish({"runs": [run_row, provenance.finished(run_row)]})

    def best(self) -> tuple[Found, ...]:
        """The most promising of all seeds."""
        steps = best_first([step for walk in self.walks for step in walk.steps], self.scores)
        return tuple(Found(s.arch_id, s.spec, self.scores[s.arch_id].value or 0.0) for s in steps)

    def _take(self, arch_id: str, score: Score, seconds: float) -> None:
        self.scores[arch_id] = scored(score.value, seconds, self.proxy["higher_is_better"])
        self.newly += 1

    def _architecture(self, item: Item) -> dict[str, Any]:
        return {
            "benchmark": self.plan.benchmark, "space": self.plan.space, "arch_id": item[0], "spec": item[1],
            "native_id": None, "source_id": f"{DRAWN}{self.search_id}",
        }  # fmt: skip


class _Record:
    """The trajectories of a search in the lake: what is stored, and what of the walks is not yet."""

    def __init__(self, search: _Search, row: dict[str, Any]) -> None:
        self.search, self.row = search, row
        self.stored: dict[tuple[int, int], str] = {}  # seed, step -> arch_id
        self._seen: set[str] = set()
        self._name = PartName("search", search.search_id)
        self._parts: PartWriter

    def open(self, run_id: str) -> None:
        """Begin to publish, as this run."""
        self._run_id = run_id
        self._parts = PartWriter(self.search.lake, self.search.plan.benchmark, self._name, run_id)

    def refresh(self) -> None:
        """Look at the parts that were published since."""
        plan, lake = self.search.plan, self.search.lake
        new = [part for part in lake.part_names(plan.benchmark, self._name.prefix) if part not in self._seen]
        if new:
            columns = ["seed", "step", "arch_id"]
            rows = lake.read("trajectories", plan.benchmark, parts=new, columns=columns).to_pylist()
            self.stored.update(((r["seed"], r["step"]), r["arch_id"]) for r in rows)
            self._seen.update(new)

    def missing(self) -> list[dict[str, Any]]:
        """The rows, without their run, of the steps that have their scores and are not stored.

        Raises:
            UserError: a step is stored with another architecture.
        """
        rows = []
        for walk in self.search.walks:
            for number, row in enumerate(_rows(walk, self.search.scores), 1):
                stored = self.stored.get((walk.seed, number))
                if stored is None:
                    rows.append({"search_id": self.row["search_id"], **row})
                elif stored != row["arch_id"]:
                    raise UserError(
                        f"step {number} of seed {walk.seed} of search {self.row['search_id']} is stored with another "
                        "architecture: it was made by another version of this program; search in another --lake"
                    )
        return rows

    def publish(self, tables: Mapping[str, list[dict[str, Any]]] | None = None) -> None:
        """Publish what is missing; the lock lets two processes that search the same store each step once."""
        with self.search.lake.lock("search"):
            self.refresh()
            if rows := [{**row, "run_id": self._run_id} for row in self.missing()]:
                described = {"proxies": [self.search.proxy], "searches": [self.row]}
                self._parts.publish({"trajectories": rows, **described, **(tables or {})})


def _rows(walk: Walk, scores: Mapping[str, Scored]) -> Iterator[dict[str, Any]]:
    """What is stored of the steps from the first on that have their scores."""
    seen: set[str] = set()
    seconds: float | None = 0.0
    for number, step in enumerate(walk.steps[: walk.scored(scores)], 1):
        scored = scores[step.arch_id]
        if step.arch_id not in seen:
            seconds = None if seconds is None or scored.seconds is None else seconds + scored.seconds
            seen.add(step.arch_id)
        yield {
            "seed": walk.seed, "step": number, "arch_id": step.arch_id, "parent": step.parent, "value": scored.value,
            "scored": len(seen), "seconds": seconds,
        }  # fmt: skip


def _live(root: Path, plan: Plan, bench: Benchmark, settings: Settings) -> _Search:
    """A search that scores what is not stored yet."""
    if aggregates.recognised(plan.proxy):
        raise UserError(f"{plan.proxy} adds up stored scores: search among these with --stored")
    bundle = plan.load()
    row = single(bundle).row
    fits(bundle, bench)
    territory, lake = whole_space(bench, plan.space), Lake(root, create=True)
    scores = stored_scores(lake, plan, row).get(plan.seed, {})
    writer = ScoreWriter(lake, plan, bundle, None)
    return _Search(lake, plan, settings, row, plan.seed, scores, territory, writer=writer)


def _among_stored(lake: Lake, plan: Plan, bench: Benchmark, settings: Settings) -> _Search:
    """A search among the architectures with a stored score; a released proxy's own seed is that it states none."""
    row = stored_proxy(lake, plan)
    by_seed = stored_scores(lake, plan, row)
    seed = plan.seed if plan.seed in by_seed else None
    texts = specs(lake, plan.benchmark, plan.space)
    scores = by_seed.get(seed, {})
    there = {arch_id: json.loads(texts[arch_id]) for arch_id in scores if arch_id in texts}
    if not there:
        raise UserError(
            f"no score of {plan.proxy} with seed {plan.seed} is stored for {plan.benchmark}/{plan.space}: "
            f"run `pipeline score {plan.benchmark} --proxy {plan.proxy}` first, or search without --stored"
        )
    listing = hashlib.sha256("\n".join(sorted(there)).encode()).hexdigest()
    among = {"architectures": len(there), "sha256": listing}
    return _Search(lake, plan, settings, row, seed, scores, part_of_space(bench, plan.space, there), among)


def _run_row(plan: Plan, settings: Settings, stored: bool, workers: int, device: str) -> dict[str, Any]:
    arguments = {
        **plan.arguments,
        **settings.method.configuration, "budget": settings.budget, "seeds": list(settings.seeds),
        "stored": stored, "workers": workers,
    }  # fmt: skip
    return provenance.new_run(STAGE, arguments, device)
