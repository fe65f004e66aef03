"""Score architectures with a proxy: what is stored already is not done again, and what is done is not lost."""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import batches, benchmarks, catalog, executor, provenance
from pipeline.errors import UserError
from pipeline.progress import progress
from pipeline.proxies import Bundle, Proxy, Score, Timed
from pipeline.store import Lake
from pipeline.stored import Stored

Key = tuple[str, str]  # arch_id, proxy_id; the seed is the plan's
Item = tuple[str, str, tuple[str, ...]]  # arch_id, spec, proxy_ids that are missing

BATCH = 128  # architectures that a worker on a card is handed at a time, some groups that train side by side
SHORTEST, LONGEST = 5.0, 60.0  # seconds between two parts


@dataclass(frozen=True)
class Plan:
    """What a run scores.

    Args:
        benchmark: name of the benchmark.
        space: name of its space.
        proxy: the name of a proxy or a bundle, or the path of a TOML file.
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

    def load(self) -> Bundle:
        """The proxies, ready to score."""
        from pipeline.proxies import shelf

        return shelf.load(self.proxy, self.images, benchmarks.load(self.benchmark).inputs)


@dataclass(frozen=True)
class Summary:
    """What a run did: `asked` scores, of which `before` were stored already and `scored` are new, by status.

    `proxies` are scored of each architecture; the new ones are those of `architectures`.
    """

    proxy: str
    proxies: int
    architectures: int
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
        pace = self.seconds / self.architectures
        name = self.proxy if self.proxies == 1 else f"{self.proxy} ({self.proxies} proxies)"
        return f"{name}: {statuses}{before}, {self.seconds:.0f} s, {pace:.2f} s an architecture"


@dataclass
class ScoreTask:
    """Scores one architecture in a worker; see `executor.Task`.

    The driver hands its bundle along: a worker on another machine has neither its TOML files nor its images.
    """

    plan: Plan
    bundle: Bundle
    bench: benchmarks.Benchmark | None = field(default=None, compare=False)

    def prepare(self) -> None:
        """Import torch and the benchmark's module."""
        import torch

        torch.set_num_threads(1)
        if self.plan.device == "cuda":
            torch.cuda.set_device(executor.worker() % torch.cuda.device_count())
        self.bench = benchmarks.load(self.plan.benchmark)

    def __call__(self, item: Item) -> dict[str, Timed]:
        """The missing scores by proxy_id, with their seconds."""
        arch_id, spec, missing = item
        return self.bundle.score(partial(self._build, spec), arch_id, self.plan.seed, self.plan.device, missing)

    def together(self, items: Sequence[Item]) -> list[dict[str, Timed]]:
        """The scores of each of several architectures, which train side by side."""
        assert self.bundle.score_all is not None
        networks = [(partial(self._build, spec), arch_id) for arch_id, spec, _ in items]
        return self.bundle.score_all(networks, self.plan.seed, self.plan.device)

    def _build(self, spec: str) -> Any:
        assert self.bench is not None
        make = self.bench.build if self.bundle.network == "backbone" else self.bench.features
        assert make is not None
        return make(self.plan.space, json.loads(spec))


def run(
    lake_root: Path,
    plan: Plan,
    *,
    sample: int | None = None,
    only: Path | None = None,
    workers: int | None = None,
    where: executor.Where = executor.PROCESSES,
) -> Summary:
    """Score a sample of the ingested architectures of a space and store the scores.

    The sample is nested: the first `sample` architectures by the hash of seed and architecture, so that a larger one
    holds every smaller one. A score that is stored (by this run, an earlier or a concurrent one) is not stored again.

    Args:
        lake_root: the lake.
        plan: what to score.
        sample: how many architectures; None for all.
        only: a file that lists the architectures instead, one a line, in the benchmark's notation.
        workers: how many; by default one a core, or one a GPU.
        where: the executor; the rows are the same bits whichever it is.

    Raises:
        UserError: unknown names, no architectures, a device that is not there, a cluster that does not answer.
        KeyboardInterrupt: on Ctrl-C, after storing what is done.
    """
    started = time.monotonic()
    bench = benchmarks.load(plan.benchmark)
    lake = Lake(lake_root)
    bundle = plan.load()
    _fits(bundle, bench)
    listed = _listed(bench, plan.space, only) if only else None
    chosen = list(listed) if listed is not None else _sampled(lake, plan, sample)
    journal = _Journal(lake, plan, bundle, chosen)
    asked, before = len(chosen) * len(bundle.proxies), journal.stored.count
    incomplete = journal.stored.incomplete()
    if incomplete:
        specs = listed if listed is not None else _specs(lake, plan, incomplete)
        wanted = [(a, specs[a], journal.stored.missing(a)) for a in incomplete]
        with executor.opened(where, workers, plan.device) as pool:
            arguments = {**_arguments(plan, sample, only, pool.workers), "executor": where.kind}
            run_row = provenance.new_run("score", arguments, pool.device_name)
            _work(journal, run_row, wanted, replace(plan, device=pool.device), pool)
    catalog.ensure(lake)
    seconds = time.monotonic() - started
    return Summary(bundle.name, len(bundle.proxies), len(incomplete), asked, before, journal.statuses, seconds)


def _work(journal: _Journal, run_row: dict[str, Any], wanted: list[Item], plan: Plan, pool: executor.Pool) -> None:
    """Two runs that ask for the same work go through it in different orders, so that they share it."""
    run_id = run_row["run_id"]
    wanted.sort(key=lambda item: provenance.text_identity("order", 1, run_id + item[0]))
    journal.open(run_row)
    status = "failed"
    try:
        size = _batch_size(plan, journal.bundle, len(wanted), pool.workers)
        found = batches.results(pool.run, ScoreTask(plan, journal.bundle), wanted, size, journal.has)
        with (
            contextlib.closing(found) as results,
            progress(f"scoring {journal.bundle.name}", len(wanted)) as advance,
        ):
            for item, result in results:
                journal.add(item, result)
                advance(1)
        status = "finished"
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        journal.close(status)


def _batch_size(plan: Plan, bundle: Bundle, items: int, workers: int) -> int:
    """Architectures that a worker is handed at a time: one, unless they train side by side."""
    side_by_side = plan.device == "cuda" and bundle.score_all is not None
    return min(BATCH, math.ceil(items / workers)) if side_by_side else 1


class _Journal:
    """Gathers results and publishes them part by part.

    The time between two parts grows with the run: a kill loses at most a twentieth of the work done, within the two
    limits, and a long run does not leave thousands of parts.
    """

    def __init__(self, lake: Lake, plan: Plan, bundle: Bundle, chosen: list[str]) -> None:
        self.lake, self.plan, self.bundle = lake, plan, bundle
        self.prefix = f"score-{bundle.family}-"
        proxy_ids = [proxy.proxy_id for proxy in bundle.proxies]
        self.stored = Stored(lake, plan.benchmark, self.prefix, plan.space, plan.seed, chosen, proxy_ids)
        self.statuses: dict[str, int] = {}
        self._pending: list[tuple[Key, Score, float]] = []
        self._run: dict[str, Any] = {}
        self._part = 0

    def has(self, item: Item) -> bool:
        """Whether all that an item misses is stored meanwhile; looks at the parts that others have added."""
        self.stored.glance()
        return all(self.stored.has(item[0], proxy_id) for proxy_id in item[2])

    def open(self, run_row: dict[str, Any]) -> None:
        """Publish the run and the proxies."""
        self._run = run_row
        self._started = self._flushed = time.monotonic()
        self._publish({"runs": [run_row], "proxies": [_proxy_row(proxy) for proxy in self.bundle.proxies]})
        catalog.ensure(self.lake)

    def add(self, item: Item, result: dict[str, Timed] | executor.LostWorker) -> None:
        """Take the result of one item, and publish when it is time."""
        if isinstance(result, executor.LostWorker):
            reason = f"{result.deaths} workers died while it was scored (out of memory?)"
            result = {proxy_id: (Score(None, "failed", reason), 0.0) for proxy_id in item[2]}
        self._pending += [((item[0], proxy_id), *timed) for proxy_id, timed in result.items()]
        now = time.monotonic()
        if now - self._flushed >= min(LONGEST, max(SHORTEST, (now - self._started) / 20)):
            self._flush()

    def close(self, status: str) -> None:
        """Publish the rest and the end of the run."""
        self._flush()
        self._publish({"runs": [provenance.finished(self._run, status)]})
        self.stored.keep()

    def _flush(self) -> None:
        """Publish what is pending, less what another run has stored meanwhile; the lock makes that exact."""
        self._flushed = time.monotonic()
        if not self._pending:
            return
        with self.lake.lock("score"):
            self.stored.look()
            fresh = [p for p in self._pending if not self.stored.has(*p[0])]
            if fresh:
                scores = [self._row(*p) for p in fresh]
                curves = [row for key, score, _ in fresh for row in self._curve_rows(key, score)]
                part = self._publish({"scores": scores, **({"curves": curves} if curves else {})})
                self.stored.add(part, (key for key, _, _ in fresh))
        for _, score, _ in fresh:
            self.statuses[score.status] = self.statuses.get(score.status, 0) + 1
        self._pending.clear()

    def _publish(self, tables: dict[str, list[dict[str, Any]]]) -> str:
        self._part += 1
        part = f"{self.prefix}{self._run['run_id']}-{self._part:05d}"
        self.lake.publish(self.plan.benchmark, part, tables)
        return part

    def _key(self, key: Key) -> dict[str, Any]:
        return {
            "benchmark": self.plan.benchmark,
            "space": self.plan.space,
            "arch_id": key[0],
            "proxy_id": key[1],
            "seed": self.plan.seed,
        }

    def _row(self, key: Key, score: Score, seconds: float) -> dict[str, Any]:
        return {
            **self._key(key),
            "value": score.value,
            "status": score.status,
            "reason": score.reason,
            "seconds": seconds,
            "device": self._run["device"],
            "run_id": self._run["run_id"],
        }

    def _curve_rows(self, key: Key, score: Score) -> Iterator[dict[str, Any]]:
        return ({**self._key(key), **vars(curve)} for curve in score.curves)


def _proxy_row(proxy: Proxy) -> dict[str, Any]:
    return {
        "proxy_id": proxy.proxy_id,
        "name": proxy.name,
        "configuration": provenance.canonical_json(proxy.configuration),
        "version": proxy.version,
        "higher_is_better": proxy.higher_is_better,
    }


def _fits(bundle: Bundle, bench: benchmarks.Benchmark) -> None:
    """Refuse a proxy whose networks take something else than the benchmark's."""
    from pipeline.proxies import shelf

    if bundle.inputs != bench.inputs or (bundle.network == "features" and bench.features is None):
        raise UserError(
            f"{bundle.name} is for networks that take {bundle.inputs}, those of {bench.name} take {bench.inputs}: "
            f"choose with --proxy one of {', '.join(shelf.fitting(bench.inputs))}"
        )


def _sampled(lake: Lake, plan: Plan, sample: int | None) -> list[str]:
    """The first `sample` architectures by the hash of seed and architecture, or all in any order."""
    rows = lake.read("architectures", plan.benchmark, columns=["space", "arch_id"])
    both = zip(rows["space"].to_pylist(), rows["arch_id"].to_pylist(), strict=True)
    found = list(dict.fromkeys(arch_id for space, arch_id in both if space == plan.space))
    if not found:
        raise UserError(
            f"the lake {lake.root} holds no architectures of {plan.benchmark}/{plan.space}: "
            f"run `pipeline ingest {plan.benchmark} PATH` first"
        )
    if sample is not None:
        found.sort(key=lambda a: provenance.text_identity("sample", 1, f"{plan.seed}/{a}"))
    return found[:sample]


def _specs(lake: Lake, plan: Plan, arch_ids: list[str]) -> dict[str, str]:
    """arch_id -> spec of architectures of the lake."""
    rows = lake.read("architectures", plan.benchmark, columns=["space", "arch_id", "spec"])
    asked = pc.and_(pc.equal(rows["space"], plan.space), pc.is_in(rows["arch_id"], value_set=pa.array(arch_ids)))
    rows = rows.filter(asked)
    return dict(zip(rows["arch_id"].to_pylist(), rows["spec"].to_pylist(), strict=True))


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
