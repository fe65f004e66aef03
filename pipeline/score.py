"""Score architectures with a proxy: what is stored already is not done again, and what is done is not lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline import benchmarks, catalog, executor, provenance
from pipeline.errors import UserError
from pipeline.progress import progress
from pipeline.proxies import Proxy, Score
from pipeline.store import Lake

Key = tuple[str, int]  # arch_id, seed

SHORTEST, LONGEST = 5.0, 60.0  # seconds between two parts


@dataclass(frozen=True)
class Plan:
    """What a run scores.

    Args:
        benchmark: name of the benchmark.
        space: name of its space.
        proxy: a preset's name, or the path of a TOML file.
        images: a path, the name of a synthetic batch, or None for the default one.
        seed: of the targets, the weights and the noise.
        device: auto, cpu or cuda.
    """

    benchmark: str
    space: str
    proxy: str
    images: Path | str | None
    seed: int
    device: str

    def load(self) -> Proxy:
        """The proxy, ready to score."""
        from pipeline.proxies import regression

        return regression.load(self.proxy, self.images)


@dataclass(frozen=True)
class Summary:
    """What a run did: `asked` architectures, of which `before` were stored already and `scored` are new, by status."""

    proxy: str
    proxy_id: str
    asked: int
    before: int
    statuses: dict[str, int]
    seconds: float

    @property
    def scored(self) -> int:
        """New rows."""
        return sum(self.statuses.values())

    @property
    def line(self) -> str:
        """The summary in one line."""
        if not self.scored:
            return f"{self.proxy}: all {self.asked} scores are stored already, nothing to do"
        statuses = ", ".join(f"{count} {status}" for status, count in sorted(self.statuses.items()))
        before = f" ({self.before} stored before)" if self.before else ""
        pace = self.seconds / self.scored
        return f"{self.proxy}: {statuses}{before}, {self.seconds:.0f} s, {pace:.2f} s an architecture"


@dataclass
class ScoreTask:
    """Scores one architecture, (arch_id, spec), in a worker; see `executor.Task`."""

    plan: Plan
    proxy: Proxy | None = field(default=None, compare=False)
    bench: benchmarks.Benchmark | None = field(default=None, compare=False)

    def prepare(self) -> None:
        """Import torch, read the images."""
        import torch

        torch.set_num_threads(1)
        self.proxy, self.bench = self.plan.load(), benchmarks.load(self.plan.benchmark)

    def __call__(self, item: tuple[str, str]) -> tuple[Score, float]:
        """The score and its seconds."""
        import json

        arch_id, spec = item
        bench, proxy, started = self.bench, self.proxy, time.perf_counter()
        assert bench is not None and proxy is not None
        score = proxy.score(
            lambda: bench.build(self.plan.space, json.loads(spec)), arch_id, self.plan.seed, self.plan.device
        )
        return score, time.perf_counter() - started


def run(
    lake_root: Path, plan: Plan, *, sample: int | None = None, only: Path | None = None, workers: int | None = None
) -> Summary:
    """Score a sample of the ingested architectures of a space and store the scores.

    The sample is nested: the first `sample` architectures by the hash of seed and architecture, so that a larger one
    holds every smaller one. A score that is stored (by this run, an earlier or a concurrent one) is not stored again.

    Args:
        lake_root: the lake.
        plan: what to score.
        sample: how many architectures; None for all.
        only: a file that lists the architectures instead, one a line, in the benchmark's notation.
        workers: processes; by default one a core, or one on a GPU.

    Raises:
        UserError: unknown names, no architectures, a device that is not there.
        KeyboardInterrupt: on Ctrl-C, after storing what is done.
    """
    started = time.monotonic()
    bench = benchmarks.load(plan.benchmark)
    lake = Lake(lake_root)
    proxy = plan.load()
    _fits(proxy, bench)
    chosen = _listed(bench, plan.space, only) if only else _sampled(lake, plan, sample)
    journal = _Journal(lake, plan, proxy)
    wanted = [(a, spec) for a, spec in chosen.items() if (a, plan.seed) not in journal.stored]
    before = len(chosen) - len(wanted)
    if wanted:
        device, device_name = _device(plan.device)
        workers = workers or (executor.default_workers() if device == "cpu" else 1)
        run_row = provenance.new_run("score", _arguments(plan, sample, only, workers), device_name)
        _work(journal, run_row, wanted, replace(plan, device=device), workers)
    catalog.refresh(lake)
    return Summary(proxy.name, proxy.proxy_id, len(chosen), before, journal.statuses, time.monotonic() - started)


def _work(journal: _Journal, run_row: dict[str, Any], wanted: list[tuple[str, str]], plan: Plan, workers: int) -> None:
    """Two runs that ask for the same work go through it in different orders, so that they share it."""
    run_id = run_row["run_id"]
    wanted.sort(key=lambda item: provenance.text_identity("order", 1, run_id + item[0]))
    journal.open(run_row)
    status = "failed"
    try:
        with progress(f"scoring {journal.proxy.name}", len(wanted)) as advance:
            for item, result in executor.run(ScoreTask(plan), wanted, workers, journal.has):
                journal.add(item[0], result)
                advance(1)
        status = "finished"
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        journal.close(status)


class _Journal:
    """Gathers results and publishes them part by part.

    The time between two parts grows with the run: a kill loses at most a twentieth of the work done, within the two
    limits, and a long run does not leave thousands of parts.
    """

    def __init__(self, lake: Lake, plan: Plan, proxy: Proxy) -> None:
        self.lake, self.plan, self.proxy = lake, plan, proxy
        self.prefix = f"score-{proxy.proxy_id}-"
        self.stored: set[Key] = set()
        self.statuses: dict[str, int] = {}
        self._seen: set[str] = set()
        self._pending: list[tuple[str, Score, float]] = []
        self._run: dict[str, Any] = {}
        self._part = 0
        self._refresh()

    def has(self, item: tuple[str, str]) -> bool:
        """Whether a score is stored meanwhile; looks at the parts that others have added."""
        self._refresh()
        return (item[0], self.plan.seed) in self.stored

    def open(self, run_row: dict[str, Any]) -> None:
        """Publish the run and the proxy."""
        self._run = run_row
        self._started = self._flushed = time.monotonic()
        proxy = self.proxy
        row = {
            "proxy_id": proxy.proxy_id,
            "name": proxy.name,
            "configuration": provenance.canonical_json(proxy.configuration),
            "version": proxy.version,
            "higher_is_better": proxy.higher_is_better,
        }
        self._publish({"runs": [run_row], "proxies": [row]})
        catalog.refresh(self.lake)

    def add(self, arch_id: str, result: tuple[Score, float] | executor.LostWorker) -> None:
        """Take one result, and publish when it is time."""
        if isinstance(result, executor.LostWorker):
            reason = f"{executor.LIVES} workers died while it was scored (out of memory?)"
            result = (Score(None, "failed", reason), 0.0)
        self._pending.append((arch_id, *result))
        now = time.monotonic()
        if now - self._flushed >= min(LONGEST, max(SHORTEST, (now - self._started) / 20)):
            self._flush()

    def close(self, status: str) -> None:
        """Publish the rest and the end of the run."""
        self._flush()
        self._publish({"runs": [provenance.finished(self._run, status)]})

    def _flush(self) -> None:
        """Publish what is pending, less what another run has stored meanwhile; the lock makes that exact."""
        self._flushed = time.monotonic()
        if not self._pending:
            return
        with self.lake.lock("score"):
            self._refresh()
            fresh = [p for p in self._pending if (p[0], self.plan.seed) not in self.stored]
            if fresh:
                scores = [self._row(*p) for p in fresh]
                curves = [row for a, score, _ in fresh for row in self._curve_rows(a, score)]
                self._publish({"scores": scores, **({"curves": curves} if curves else {})})
        for _, score, _ in fresh:
            self.statuses[score.status] = self.statuses.get(score.status, 0) + 1
        self._pending.clear()

    def _publish(self, tables: dict[str, list[dict[str, Any]]]) -> None:
        self._part += 1
        self.lake.publish(self.plan.benchmark, f"{self.prefix}{self._run['run_id']}-{self._part:05d}", tables)

    def _refresh(self) -> None:
        new = [p for p in self.lake.part_names(self.plan.benchmark, self.prefix) if p not in self._seen]
        if new:
            rows = self.lake.read("scores", self.plan.benchmark, parts=new, columns=["space", "arch_id", "seed"])
            self.stored.update((r["arch_id"], r["seed"]) for r in rows.to_pylist() if r["space"] == self.plan.space)
            self._seen.update(new)

    def _key(self, arch_id: str) -> dict[str, Any]:
        return {
            "benchmark": self.plan.benchmark,
            "space": self.plan.space,
            "arch_id": arch_id,
            "proxy_id": self.proxy.proxy_id,
            "seed": self.plan.seed,
        }

    def _row(self, arch_id: str, score: Score, seconds: float) -> dict[str, Any]:
        return {
            **self._key(arch_id),
            "value": score.value,
            "status": score.status,
            "reason": score.reason,
            "seconds": seconds,
            "device": self._run["device"],
            "run_id": self._run["run_id"],
        }

    def _curve_rows(self, arch_id: str, score: Score) -> Iterator[dict[str, Any]]:
        return ({**self._key(arch_id), **vars(curve)} for curve in score.curves)


def _fits(proxy: Proxy, bench: benchmarks.Benchmark) -> None:
    """Refuse a proxy whose networks take something else than the benchmark's."""
    from pipeline.proxies import regression

    if proxy.inputs != bench.inputs:
        raise UserError(
            f"{proxy.name} is for networks that take {proxy.inputs}, those of {bench.name} take {bench.inputs}: "
            f"choose with --proxy one of {', '.join(regression.fitting(bench.inputs))}"
        )


def _sampled(lake: Lake, plan: Plan, sample: int | None) -> dict[str, str]:
    """arch_id -> spec of the first `sample` architectures by the hash of seed and architecture."""
    rows = lake.read("architectures", plan.benchmark, columns=["space", "arch_id", "spec"]).to_pylist()
    found = {r["arch_id"]: r["spec"] for r in rows if r["space"] == plan.space}
    if not found:
        raise UserError(
            f"the lake {lake.root} holds no architectures of {plan.benchmark}/{plan.space}: "
            f"run `pipeline ingest {plan.benchmark} PATH` first"
        )
    order = sorted(found, key=lambda a: provenance.text_identity("sample", 1, f"{plan.seed}/{a}"))
    return {a: found[a] for a in order[:sample]}


def _listed(bench: benchmarks.Benchmark, space: str, path: Path) -> dict[str, str]:
    """arch_id -> spec of the architectures that a file lists."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--only {path} cannot be read: {error}") from error
    found = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            spec = provenance.canonical_json(bench.canonical(space, line.strip()))
        except UserError as error:
            raise UserError(f"--only {path}, line {number}: {error}") from error
        found[benchmarks.arch_id_of(bench.name, space, spec)] = spec
    return found


def _arguments(plan: Plan, sample: int | None, only: Path | None, workers: int) -> dict[str, Any]:
    return {
        **{k: str(v) if isinstance(v, Path) else v for k, v in vars(plan).items()},
        "sample": sample,
        "only": str(only) if only else None,
        "workers": workers,
    }


def _device(name: str) -> tuple[str, str]:
    """torch's device for auto, cpu or cuda, and what the record calls it: cpu, or the card's name.

    Raises:
        UserError: cuda is asked for and not there.
    """
    if name != "cpu":
        import torch

        if torch.cuda.is_available():
            return "cuda", torch.cuda.get_device_name()
        if name == "cuda":
            raise UserError("--device cuda: torch finds no CUDA device here; use --device cpu, or auto")
    return "cpu", "cpu"
