"""The trainings of a search for a task: those that are stored, and those that are done now.

A training is one architecture on one task. Tasks are trained by one pool of workers, and their trainings are published
part by part.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from pipeline import benchmarks, catalog, executor, provenance
from pipeline.benchmarks.contract import Benchmark
from pipeline.lake.part_name import TRIALS, PartName
from pipeline.lake.part_writer import PartWriter
from pipeline.lake.store import Lake
from pipeline.progress import progress
from pipeline.proxies import regression
from pipeline.proxies.contract import Proxy, Score
from pipeline.proxies.regression import presets
from pipeline.scoring.plan import prepare_worker, unless_own_code_fails
from pipeline.tuning import genes, task_evolution
from pipeline.tuning.task_evolution import EvolutionSettings, TriedTask
from pipeline.wording import count_of

_SCORE_SEED = 0  # of targets, weights and noise: the default of `score`

Row = dict[str, Any]
Trial = tuple[int, str]  # step, arch_id
Item = tuple[int, str, str, str]  # step, genes, arch_id, spec


@dataclass(frozen=True)
class TrainingSettings:
    """On what and how to train.

    Args:
        images: as for `pipeline score`.
        schedule: a preset or a TOML file whose training schedule is taken; None: the published one.
        device: auto, cpu or cuda.
        workers: how many; by default one per core, or one per card.
    """

    images: Path | str | None = None
    schedule: str | None = None
    device: str = "auto"
    workers: int | None = None


@dataclass
class TrialTrainer:
    """Trains one architecture on one task in a worker; see `executor.ItemFunction`.

    Args:
        benchmark, space: of the architectures.
        inputs: what their networks take, images or sequences.
        identity: of the search.
        schedule: how a preset trains, see `genes.schedule`.
        images: to train on; None for the default ones, and for sequences.
        device: cpu or cuda.
        sharing: workers on one card.
        bench: of the benchmark, once prepared.
        last: the step whose task was trained last, and its proxy.
    """

    benchmark: str
    space: str
    inputs: str
    identity: str
    schedule: Row
    images: Path | str | None
    device: str
    sharing: int = 1
    bench: Benchmark | None = field(default=None, compare=False)
    last: tuple[int, Proxy] | None = field(default=None, compare=False)

    def prepare(self) -> Row:
        """Import torch; returns the environment of this worker."""
        self.bench = benchmarks.load(self.benchmark)
        return prepare_worker(self.device, self.sharing)

    def __call__(self, item: Item) -> tuple[Score, float]:
        step, task, arch_id, spec = item
        bench = self.bench
        assert bench is not None
        if self.last is None or self.last[0] != step:
            preset = genes.preset(json.loads(task), self.inputs, task_name(self.identity, step), "", self.schedule)
            self.last = step, regression.from_preset(preset, self.images)
        started = time.perf_counter()
        build, proxy = partial(bench.build, self.space, json.loads(spec)), self.last[1]
        own = benchmarks.is_own(self.benchmark)
        score = unless_own_code_fails(
            self.benchmark, own, lambda: proxy.score(build, arch_id, _SCORE_SEED, self.device)
        )
        return score, time.perf_counter() - started


class Trials:
    """The trainings of one search, by step and architecture.

    Args:
        identity: of the search.
        trainer: trains one architecture.
        specs: arch_id -> spec of the labelled architectures.
    """

    def __init__(self, lake: Lake, identity: str, trainer: TrialTrainer, specs: dict[str, str]) -> None:
        self.lake, self.benchmark, self.identity, self.specs = lake, trainer.benchmark, identity, specs
        self.trainer = trainer
        self._name = PartName("tune", identity, TRIALS)
        parts = lake.part_names(self.benchmark, self._name.prefix)
        stored = lake.read("tuning_trials", self.benchmark, parts=parts).to_pylist()
        self._losses: dict[Trial, float | None] = {(r["step"], r["arch_id"]): r["value"] for r in stored}
        steps = lake.read("tuning_tasks", self.benchmark, parts=parts, columns=["step"])
        self._stored_tasks: set[int] = set(steps["step"].to_pylist())
        self._submitted: deque[Item] = deque()
        self._results: Generator[tuple[Item, Any], None, None] | None = None
        self._run: Row = {}
        self._writer: PartWriter | None = None

    def evolve(
        self, settings: EvolutionSettings, labels: dict[str, float], training: TrainingSettings
    ) -> list[TriedTask]:
        """Run the search, training what is not stored.

        A training that is under way when the search ends, or is stopped, is lost.
        """
        self._training = training
        total = min(settings.budget, settings.tasks * len(labels))
        with (
            progress("tuning", total) as self._advance,
            contextlib.ExitStack() as self._marks,
            provenance.status_at_end(self._close),
        ):
            tried = task_evolution.evolve_tasks(settings, self.trainer.inputs, labels, self.identity, self._train)
        self._publish_tasks(tried)
        return tried

    def _close(self, status: str) -> None:
        """End the trainings that are under way, and publish those that are done."""
        if self._results is not None:
            self._results.close()
        self._flush(status)

    def _train(self, step: int, task: genes.Genes, arch_ids: Sequence[str]) -> dict[str, float | None]:
        missing = [a for a in arch_ids if (step, a) not in self._losses]
        self._advance(len(arch_ids) - len(missing))
        text = provenance.canonical_json(task)
        self._submitted.extend((step, text, a, self.specs[a]) for a in missing)
        for _ in missing:
            self._add(*next(self._workers()))
        return {a: self._losses[step, a] for a in arch_ids}

    def _workers(self) -> Generator[tuple[Item, Any], None, None]:
        """The results of one pool for all tasks, which is opened when the first training is needed."""
        if self._results is None:
            # one network at a time, the cores are faster than a card
            asked_device = "cpu" if self._training.device == "auto" else self._training.device
            opened = executor.opened(
                executor.PROCESSES, self._training.workers, asked_device, apart=benchmarks.is_own(self.benchmark)
            )
            pool = self._marks.enter_context(opened)
            arguments = {"tuning_id": self.identity, "workers": pool.workers}
            self._run = provenance.new_run("tune", arguments, pool.device_name, by_workers=True)
            self._marks.enter_context(self.lake.running(self._run["run_id"]))
            self._writer = PartWriter(self.lake, self.benchmark, self._name, self._run["run_id"])
            trainer = replace(self.trainer, device=pool.device, sharing=pool.sharing)
            self._results = pool.run(trainer, self._submitted, lambda _: False, self._add_environment)
        return self._results

    def _add_environment(self, of_worker: Row) -> None:
        self._run = provenance.computed_in(self._run, of_worker)

    def _add(self, item: Item, result: tuple[Score, float] | executor.LostWorker) -> None:
        if isinstance(result, executor.LostWorker):
            died = count_of(result.deaths, "worker")
            reason = f"{died} died while it was trained (out of memory, or a crash in a library?)"
            result = Score(None, "failed", reason), 0.0
        score, seconds = result
        self._losses[item[0], item[2]] = score.value
        assert self._writer is not None
        self._writer.collect("tuning_trials", [{
            "tuning_id": self.identity, "step": item[0], "arch_id": item[2], "value": score.value,
            "status": score.status, "reason": score.reason, "seconds": seconds, "run_id": self._run["run_id"],
        }])  # fmt: skip
        self._advance(1)
        if self._writer.due:
            self._flush("running")

    def _flush(self, status: str) -> None:
        """Publish the trainings that are done since the last time."""
        if self._writer is None:
            return
        run = self._run if status == "running" else provenance.finished(self._run, status)
        self._writer.publish({"runs": [run]})

    def _publish_tasks(self, tried: Sequence[TriedTask]) -> None:
        """Publish the tasks that are not stored yet."""
        run = self._run or provenance.new_run("tune", {"tuning_id": self.identity})
        rows = [
            {"tuning_id": self.identity, "step": t.step, "parent": t.parent, "fitness": t.fitness, "used": t.used,
             "genes": provenance.canonical_json(t.genes), "run_id": run["run_id"]}
            for t in tried if t.step not in self._stored_tasks
        ]  # fmt: skip
        if rows:
            writer = self._writer or PartWriter(self.lake, self.benchmark, self._name, run["run_id"])
            writer.publish({"runs": [provenance.finished(run)], "tuning_tasks": rows})
        catalog.ensure(self.lake)


def configuration_of(preset: presets.Preset | presets.SequencePreset) -> Row:
    """The configuration of a task as it is written to TOML."""
    return preset.model_dump(exclude_none=True, exclude_unset=True)


def task_name(identity: str, step: int) -> str:
    """A task's name, which its random streams depend on: the best one is scored later as it was when it was tried."""
    return f"tuned-{identity[:8]}-{step}"
