"""A search in progress: the trajectories of its seeds, and the scoring of the architectures that they try."""

from __future__ import annotations

import contextlib
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pipeline import executor, provenance
from pipeline.errors import UserError
from pipeline.lake.store import Lake
from pipeline.progress import progress
from pipeline.proxies.contract import Score
from pipeline.scoring.plan import DRAWN, Item, Plan, specs
from pipeline.scoring.writer import ScoreWriter, settled
from pipeline.search.record import TrajectoryRecord
from pipeline.search.stored_scores import search_score
from pipeline.search.trajectory import SearchDomain, SearchMethod, SearchScore, Trajectory, best_first
from pipeline.wording import count_of

MOST_STEPS = 1_000_000  # of all seeds; they are held in memory
SEARCH_VERSION = 1  # raise it when the same search would take other steps

Row = dict[str, Any]


@dataclass(frozen=True)
class SearchSettings:
    """How to search: the method, the steps of each seed, and the seeds.

    Raises:
        UserError: more than `MOST_STEPS`.
    """

    method: SearchMethod = field(default_factory=SearchMethod)
    budget: int = 450
    seeds: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        if (steps := self.budget * len(self.seeds)) > MOST_STEPS:
            raise UserError(
                f"--budget {self.budget} with {count_of(len(self.seeds), 'seed')} is {steps:,} steps, and a search has "
                f"at most {MOST_STEPS:,}: ask for fewer"
            )


@dataclass(frozen=True)
class BestArchitecture:
    """An architecture with a high score: `spec` is the canonical JSON that builds it."""

    arch_id: str
    spec: str
    score: float


class Search:
    """The trajectories of all seeds, over scores that they share.

    Args:
        seed: of the scores; None for a released proxy that states none.
        scores: those that are stored, by arch_id.
        among: what identifies the domain, where that is not the whole space.
        writer: stores new scores; None where only stored ones are followed.
    """

    def __init__(
        self,
        lake: Lake,
        plan: Plan,
        settings: SearchSettings,
        proxy: Row,
        seed: int | None,
        scores: dict[str, SearchScore],
        domain: SearchDomain,
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
        self.trajectories = [Trajectory(self.search_id, s, settings.method, domain) for s in settings.seeds]
        row = {
            "search_id": self.search_id, "benchmark": plan.benchmark, "space": plan.space,
            "method": settings.method.name, "proxy_id": proxy["proxy_id"], "score_seed": seed,
            "configuration": provenance.canonical_json(configuration),
        }  # fmt: skip
        self.record = TrajectoryRecord(lake, row, proxy, self.trajectories, self.scores)
        self._ingested = set(specs(lake, plan.benchmark, plan.space)) if writer else set()
        self._queue: deque[Item] = deque()
        self._waiting: set[str] = set()

    @property
    def unfinished(self) -> bool:
        """Whether scores are missing that a step within the budget needs, or is."""
        return bool(self._queue)

    def stored_steps(self) -> int:
        """How many of the steps within the budget are stored."""
        return sum(seed in self.settings.seeds and step <= self.settings.budget for seed, step in self.record.stored)

    def advance(self) -> int:
        """Take the steps that the scores decide, and queue what they need; returns how many steps have their scores."""
        for trajectory in self.trajectories:
            for step in trajectory.advance(self.scores, self.settings.budget):
                if step.arch_id not in self.scores and step.arch_id not in self._waiting:
                    self._waiting.add(step.arch_id)
                    self._queue.append((step.arch_id, step.spec, (self.proxy["proxy_id"],)))
        return sum(trajectory.scored(self.scores) for trajectory in self.trajectories)

    def score(self, run_row: Row, pool: executor.Pool) -> None:
        """Score what the trajectories need until they are done."""
        writer, total = self.writer, self.settings.budget * len(self.trajectories)
        assert writer is not None
        scorer = self.plan.scorer(writer.bundle, pool.device, pool.sharing)
        writer.open(run_row)
        self.record.open(run_row["run_id"])
        run = partial(pool.run, skip=lambda _: False, prepared=writer.add_environment)

        def close(status: str) -> None:
            writer.close(status)
            self.record.publish()

        with (
            provenance.status_at_end(close),
            contextlib.closing(run(scorer, self._queue)) as results,
            progress(f"searching with {self.proxy['name']}", total) as advance,
        ):
            done = self.advance()
            advance(done)
            for item, result in results:
                self._add(item[0], *settled(item, result)[self.proxy["proxy_id"]])
                if item[0] not in self._ingested:
                    writer.collect("architectures", self._architecture(item))
                if writer.add(item, result):
                    self.record.publish()
                before, done = done, self.advance()
                advance(done - before)

    def store(self, run_row: Row) -> None:
        """Store steps whose scores were all stored."""
        self.record.open(run_row["run_id"])
        self.record.publish({"runs": [run_row, provenance.finished(run_row)]})

    def best(self) -> tuple[BestArchitecture, ...]:
        """The most promising of all seeds."""
        steps = best_first([step for trajectory in self.trajectories for step in trajectory.steps], self.scores)
        return tuple(BestArchitecture(s.arch_id, s.spec, self.scores[s.arch_id].value or 0.0) for s in steps)

    def _add(self, arch_id: str, score: Score, seconds: float) -> None:
        self.scores[arch_id] = search_score(score.value, seconds, self.proxy["higher_is_better"])
        self.newly += 1

    def _architecture(self, item: Item) -> Row:
        return {
            "benchmark": self.plan.benchmark, "space": self.plan.space, "arch_id": item[0], "spec": item[1],
            "native_id": None, "source_id": f"{DRAWN}{self.search_id}",
        }  # fmt: skip
