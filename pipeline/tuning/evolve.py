"""Search for a task of the regression proxy with few labels: train, remember every training, go on where it stopped.

The search is a pure function of its settings and of what the trainings gave; what is stored is not trained again, so a
search that was killed takes the same steps when it is asked for again, and a larger budget goes on from a smaller one.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline import benchmarks, catalog, executor, provenance
from pipeline.benchmarks.contract import Benchmark
from pipeline.errors import UserError
from pipeline.lake.store import Lake
from pipeline.progress import progress
from pipeline.proxies import regression
from pipeline.proxies.contract import Proxy, Score
from pipeline.proxies.regression import presets
from pipeline.scoring.plan import specs
from pipeline.scoring.writer import LONGEST, SHORTEST
from pipeline.tuning import evolution, genes, terms
from pipeline.tuning.run import Found, Question, Row, store

VERSION = 1  # raise it when the same search would take other steps
_SCORE_SEED = 0  # of targets, weights and noise: the default of `score`

Trial = tuple[int, str]  # step, arch_id
Item = tuple[int, str, str, str]  # step, genes, arch_id, spec


@dataclass(frozen=True)
class Plan:
    """Where, on what and how to train: `images` as for `score`, `device` auto, cpu or cuda, `schedule` a preset's."""

    images: Path | str | None = None
    schedule: str | None = None
    device: str = "auto"
    workers: int | None = None


@dataclass
class TrialTask:
    """Trains one architecture on one task in a worker; see `executor.Task`."""

    benchmark: str
    space: str
    inputs: str
    identity: str
    schedule: Row
    images: Path | str | None
    device: str
    bench: Benchmark | None = field(default=None, compare=False)
    last: tuple[int, Proxy] | None = field(default=None, compare=False)

    def prepare(self) -> None:
        """Import torch."""
        import torch

        torch.set_num_threads(1)
        self.bench = benchmarks.load(self.benchmark)

    def __call__(self, item: Item) -> tuple[Score, float]:
        """The score and its seconds."""
        step, written, arch_id, spec = item
        bench = self.bench
        assert bench is not None
        if self.last is None or self.last[0] != step:
            preset = genes.preset(json.loads(written), self.inputs, _name(self.identity, step), "", self.schedule)
            self.last = step, regression.of(preset, self.images if self.inputs == "images" else None)
        started = time.perf_counter()
        build = bench.build
        score = self.last[1].score(lambda: build(self.space, json.loads(spec)), arch_id, _SCORE_SEED, self.device)
        return score, time.perf_counter() - started


def run(lake_root: Path, question: Question, plan: Plan, settings: evolution.Settings) -> Found:
    """Search for a task, and store the best one as a configuration of the regression proxy.

    Args:
        lake_root: the lake.
        question: what to tune; the labelled architectures begin the nested sample of those with a true value.
        plan: where, on what and how to train.
        settings: of the search; its `inputs` are replaced by the benchmark's.

    Raises:
        UserError: no truth, too few architectures, a budget that is less than one task takes, or a schedule that does
            not fit.
        KeyboardInterrupt: on Ctrl-C, after storing what is done.
    """
    lake, bench = Lake(lake_root), benchmarks.load(question.benchmark)
    settings = replace(settings, inputs=bench.inputs)
    if settings.budget < question.labels:
        raise UserError(f"--budget {settings.budget}: one task takes {question.labels} trainings, one for each label")
    target = terms.target(lake, question.benchmark, question.space)
    texts = specs(lake, question.benchmark, question.space)
    labelled = [a for a in provenance.nested(target.truth, question.seed) if a in texts][: question.labels]
    if len(labelled) < question.labels:
        raise UserError(f"{len(labelled)} architectures have a true value, {question.labels} labels are asked for")
    images = regression.images_of(plan.images) if bench.inputs == "images" else None
    schedule = genes.schedule(plan.schedule, bench.inputs) if plan.schedule else {}
    configuration = {
        "benchmark": question.benchmark, "space": question.space, "dataset": target.dataset, "metric": target.metric,
        "method": "evolution", "seed": question.seed, "labels": {a: target.truth[a] for a in labelled},
        "images": images, "population": settings.population, "tournament": settings.tournament,
        "early": settings.early, **({"schedule": schedule} if schedule else {}),
    }  # fmt: skip
    identity = provenance.identity("tuning", VERSION, configuration)
    task = TrialTask(question.benchmark, question.space, bench.inputs, identity, schedule, plan.images, plan.device)
    with lake.lock(f"tune-{identity}"):  # two processes that search the same would train the same
        trials = _Trials(lake, question.benchmark, identity, task, {a: texts[a] for a in labelled})
        tried = trials.search(settings, {a: target.truth[a] for a in labelled}, plan)
    best = evolution.best(tried)
    told = f"task {best.step} of {len(tried)} tried with {question.labels} labels"
    name, description = _name(identity, best.step), f"{told} of {question.benchmark}"
    preset = genes.preset(best.genes, bench.inputs, name, description, schedule)
    row = {
        "tuning_id": identity, "benchmark": question.benchmark, "space": question.space, "dataset": target.dataset,
        "metric": target.metric, "method": "evolution", "configuration": provenance.canonical_json(configuration),
        "seed": question.seed, "labels": labelled, "trainings": sum(t.used for t in tried), "fitness": best.fitness,
    }  # fmt: skip
    proxy = regression.of(preset, plan.images if bench.inputs == "images" else None)
    return store(lake, row, written(preset), proxy.proxy_id, told)


def written(preset: presets.Preset | presets.SequencePreset) -> Row:
    """The configuration as it is written."""
    return preset.model_dump(exclude_none=True, exclude_unset=True)


class _Trials:
    """The trainings of a search: those stored, and those that are done now and published part by part."""

    def __init__(self, lake: Lake, benchmark: str, identity: str, task: TrialTask, specs: dict[str, str]) -> None:
        self.lake, self.benchmark, self.identity, self.task, self.specs = lake, benchmark, identity, task, specs
        self._prefix = f"tune-{identity}-trials-"
        parts = lake.part_names(benchmark, self._prefix)
        stored = lake.read("tuning_trials", benchmark, parts=parts).to_pylist()
        self._known: dict[Trial, float | None] = {(r["step"], r["arch_id"]): r["value"] for r in stored}
        steps = lake.read("tuning_tasks", benchmark, parts=parts, columns=["step"])
        self._told: set[int] = set(steps["step"].to_pylist())
        self._pending: list[Row] = []
        self._waiting: deque[Item] = deque()
        self._running: Generator[tuple[Item, Any], None, None] | None = None
        self._run: Row = {}
        self._part = len(parts)

    def search(self, settings: evolution.Settings, labels: dict[str, float], plan: Plan) -> list[evolution.Task]:
        """Run the search, training what is not stored.

        A training that is under way when the search ends, or is stopped, is lost.
        """
        self._plan = plan
        tried: list[evolution.Task] = []
        status = "failed"
        with progress("tuning", min(settings.budget, settings.tasks * len(labels))) as self._advance:
            try:
                tried = evolution.search(settings, labels, self.identity, self._train)
                status = "finished"
            except KeyboardInterrupt:
                status = "interrupted"
                raise
            finally:
                if self._running is not None:
                    self._running.close()
                self._flush(status)
        self._tell(tried)
        return tried

    def _train(self, step: int, drawn: genes.Genes, arch_ids: Sequence[str]) -> dict[str, float | None]:
        missing = [a for a in arch_ids if (step, a) not in self._known]
        self._advance(len(arch_ids) - len(missing))
        written = provenance.canonical_json(drawn)
        self._waiting.extend((step, written, a, self.specs[a]) for a in missing)
        for _ in missing:
            self._take(*next(self._workers()))
        return {a: self._known[step, a] for a in arch_ids}

    def _workers(self) -> Generator[tuple[Item, Any], None, None]:
        """One pool for all tasks; begun when the first training is needed."""
        if self._running is None:
            # one network at a time, the cores are faster than a card
            device, device_name = executor.device_of("cpu" if self._plan.device == "auto" else self._plan.device)
            workers = self._plan.workers or executor.default_workers(device)
            self._run = provenance.new_run("tune", {"tuning_id": self.identity, "workers": workers}, device_name)
            self._begun = self._flushed = time.monotonic()
            self._running = executor.run(replace(self.task, device=device), self._waiting, workers)
        return self._running

    def _take(self, item: Item, result: tuple[Score, float] | executor.LostWorker) -> None:
        if isinstance(result, executor.LostWorker):
            reason = f"{result.deaths} workers died while it was trained (out of memory?)"
            result = Score(None, "failed", reason), 0.0
        score, seconds = result
        self._known[item[0], item[2]] = score.value
        self._pending.append({
            "tuning_id": self.identity, "step": item[0], "arch_id": item[2], "value": score.value,
            "status": score.status, "reason": score.reason, "seconds": seconds, "run_id": self._run["run_id"],
        })  # fmt: skip
        self._advance(1)
        now = time.monotonic()
        if now - self._flushed >= min(LONGEST, max(SHORTEST, (now - self._begun) / 20)):
            self._flush("running")

    def _flush(self, status: str) -> None:
        """Publish the trainings that are done since the last time."""
        if not self._run:
            return
        run = self._run if status == "running" else provenance.finished(self._run, status)
        self._publish({"runs": [run], "tuning_trials": self._pending})
        self._pending, self._flushed = [], time.monotonic()

    def _tell(self, tried: Sequence[evolution.Task]) -> None:
        """Publish the tasks that are not stored yet."""
        run = self._run or provenance.new_run("tune", {"tuning_id": self.identity})
        rows = [
            {"tuning_id": self.identity, "step": t.step, "parent": t.parent, "fitness": t.fitness, "used": t.used,
             "genes": provenance.canonical_json(t.genes), "run_id": run["run_id"]}
            for t in tried if t.step not in self._told
        ]  # fmt: skip
        if rows:
            self._publish({"runs": [provenance.finished(run)], "tuning_tasks": rows})
        catalog.ensure(self.lake)

    def _publish(self, tables: dict[str, list[Row]]) -> None:
        self._part += 1
        self.lake.publish(self.benchmark, f"{self._prefix}{self._part:05d}", tables)


def _name(identity: str, step: int) -> str:
    """A task's name, which its random streams depend on: the one found is scored as it was when it was tried."""
    return f"tuned-{identity[:8]}-{step}"
