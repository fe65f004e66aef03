"""Search a space with a proxy: score or look up the architectures that are tried, and store the trajectories.

Ground truth is not read here. What a search is worth is answered afterwards by the views `search_progress` and
`search_results`.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import benchmarks, catalog, provenance
from pipeline import executor as executors
from pipeline.benchmarks.contract import Benchmark, arch_id_of
from pipeline.errors import UserError, unknown
from pipeline.lake import locations
from pipeline.lake.outputs import OutputFile
from pipeline.lake.store import Lake
from pipeline.proxies import aggregates
from pipeline.scoring.plan import Plan, fits, specs
from pipeline.scoring.writer import ScoreWriter
from pipeline.search.search import BestArchitecture, Search, SearchSettings
from pipeline.search.stored_scores import single, stored_proxy, stored_scores
from pipeline.search.trajectory import METHODS, part_of_space, whole_space
from pipeline.wording import count_of, every

STAGE = "search"  # of its runs, whose scores are no sample


@dataclass(frozen=True)
class SearchSummary:
    """What a search did: `steps` in all, of which `before` were stored; `scored` architectures are newly scored.

    `best` are the most promising of all seeds, the best first.
    """

    search_id: str
    proxy: str
    settings: SearchSettings
    steps: int
    before: int
    scored: int
    best: tuple[BestArchitecture, ...]
    seconds: float

    @property
    def line(self) -> str:
        seeds = count_of(len(self.settings.seeds), "seed")
        what = f"{self.settings.method.name} with {self.proxy}, search {self.search_id}, {seeds}"
        if self.before == self.steps:
            return f"{what}: {every(self.steps, 'step')} stored already, nothing to do"
        before = f" ({self.before:,} stored before)" if self.before else ""
        return (
            f"{what}: {count_of(self.steps, 'step')}{before}, {count_of(self.scored, 'architecture')} scored, "
            f"{self.seconds:.0f} s"
        )


def run(
    lake_root: Path,
    plan: Plan,
    settings: SearchSettings,
    *,
    stored: bool = False,
    workers: int | None = None,
    executor: executors.Executor = executors.PROCESSES,
) -> SearchSummary:
    """Search a space and store the trajectories, the scores and the architectures.

    Args:
        lake_root: the lake; it is created where there is none.
        plan: the space, the proxy that is followed, and the seed of its scores.
        stored: follow stored scores alone, and search among the architectures that have one; the plan's proxy may then
            also be the name or the proxy_id of a released one.
        workers: how many; by default one per core, with CUDA one per card.
        executor: the steps are the same whichever it is.

    Raises:
        UserError: unknown names, a bundle of several proxies, no stored scores.
        KeyboardInterrupt: on Ctrl-C, after storing what is done.
    """
    started = time.monotonic()
    if settings.method.name not in METHODS:
        raise unknown("method", settings.method.name, METHODS)
    bench = benchmarks.load(plan.benchmark)
    search = among_stored(Lake(lake_root), plan, bench, settings) if stored else live(lake_root, plan, bench, settings)
    search.record.refresh()
    before = search.stored_steps()
    search.advance()
    if search.unfinished:
        device = "cpu" if plan.device == "auto" else plan.device
        with executors.opened(executor, workers, device, apart=plan.calls_own_code) as pool:
            run_row = _run_row(plan, settings, stored, pool.workers, pool.device_name, by_workers=True)
            locations.record_paths(search.lake.root, run_row["run_id"], plan.arguments)
            with search.lake.running(run_row["run_id"]):
                search.score(run_row, pool)
    elif search.record.missing():
        search.store(_run_row(plan, settings, stored, 1, "cpu"))
    catalog.ensure(search.lake)
    steps = sum(len(trajectory.steps) for trajectory in search.trajectories)
    return SearchSummary(
        search.search_id, search.proxy["name"], settings, steps, before, search.newly, search.best(),
        time.monotonic() - started,
    )  # fmt: skip


def write_best(best: Sequence[BestArchitecture], path: Path, *, force: bool = True) -> None:
    """Write the specs, one per line, as `pipeline score --only` takes them.

    Args:
        force: whether a file of that name is replaced.

    Raises:
        UserError: the file cannot be written, or has to stay.
    """
    with OutputFile(path, force).written() as temporary:
        temporary.write_text("".join(f"{one.spec}\n" for one in best), encoding="utf-8")


def true_values(lake_root: Path, plan: Plan, best: Sequence[BestArchitecture], target: str) -> list[str]:
    """What each architecture is worth by a target, as text before its spec: "cifar100 test_accuracy 71.2 percent  ".

    Args:
        target: its name, see `catalog.lead_with`; where it stands for several, the first.

    Raises:
        UserError: the space has no such target.
    """
    with closing(catalog.snapshot(Lake(lake_root))) as connection:
        catalog.lead_with(connection, target)
        sql = catalog.queries("search")["true_values"].read_text()
        rows = catalog.rows(connection, sql, {"benchmark": plan.benchmark, "space": plan.space}).to_pylist()
    if not rows:
        raise UserError(f"{plan.benchmark}/{plan.space} has no target {target}")
    name, unit = f"{rows[0]['dataset']} {rows[0]['metric']}", rows[0]["unit"]
    known = {row["arch_id"]: row["value"] for row in rows}
    ids = [arch_id_of(plan.benchmark, plan.space, one.spec) for one in best]
    return [f"{name} {known[i]:.6g} {unit}  " if i in known else f"{name} not known  " for i in ids]


def live(lake_root: Path, plan: Plan, bench: Benchmark, settings: SearchSettings) -> Search:
    """A search that scores the architectures that have no stored score.

    Raises:
        UserError: a proxy that adds up stored scores, a bundle of several, or one that does not fit the benchmark.
    """
    if aggregates.recognised(plan.proxy):
        raise UserError(f"{plan.proxy} adds up stored scores: search among these with --stored")
    bundle = plan.load()
    row = single(bundle).row
    fits(bundle, bench)
    domain, lake = whole_space(bench, plan.space), Lake(lake_root, create=True)
    lake.refuse_missing_parts()
    scores = stored_scores(lake, plan, row).get(plan.seed, {})
    writer = ScoreWriter(lake, plan.benchmark, plan.space, plan.seed, bundle, None)
    return Search(lake, plan, settings, row, plan.seed, scores, domain, writer=writer)


def among_stored(lake: Lake, plan: Plan, bench: Benchmark, settings: SearchSettings) -> Search:
    """A search among the architectures with a stored score; those of a released proxy have no seed.

    Raises:
        UserError: there is no such proxy, or no stored score.
    """
    row = stored_proxy(lake, plan)
    by_seed = stored_scores(lake, plan, row)
    seed = plan.seed if plan.seed in by_seed else None
    texts = specs(lake, plan.benchmark, plan.space)
    scores = by_seed.get(seed, {})
    scored = {arch_id: json.loads(texts[arch_id]) for arch_id in scores if arch_id in texts}
    if not scored:
        advice = f"run `pipeline score {plan.benchmark} --proxy {shlex.quote(plan.proxy)} --seed {plan.seed}` first"
        if row["kind"] != "aggregate":
            advice += ", or search without --stored"
        elif plan.proxy != aggregates.GENERIC:
            advice = "score its terms with this seed first"
        raise UserError(
            f"no score of {plan.proxy} with seed {plan.seed} is stored for {plan.benchmark}/{plan.space}: {advice}"
        )
    listing = hashlib.sha256("\n".join(sorted(scored)).encode()).hexdigest()
    among = {"architectures": len(scored), "sha256": listing}
    return Search(lake, plan, settings, row, seed, scores, part_of_space(bench, plan.space, scored), among)


def _run_row(
    plan: Plan, settings: SearchSettings, stored: bool, workers: int, device: str, *, by_workers: bool = False
) -> dict[str, Any]:
    arguments = {
        **plan.arguments,
        **settings.method.configuration, "budget": settings.budget, "seeds": list(settings.seeds),
        "stored": stored, "workers": workers,
    }  # fmt: skip
    return provenance.new_run(STAGE, arguments, device, by_workers=by_workers)
