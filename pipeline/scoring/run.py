"""Score architectures with a proxy: what is stored is not scored again, and what is done is not lost."""

from __future__ import annotations

import contextlib
import math
import re
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pipeline import benchmarks, catalog, provenance
from pipeline import executor as executors
from pipeline.benchmarks.contract import Benchmark, arch_id_of
from pipeline.benchmarks.notation import spec_of
from pipeline.errors import UserError, excerpt
from pipeline.formats import text_files, toml_files
from pipeline.lake import locations
from pipeline.lake.store import Lake
from pipeline.progress import progress
from pipeline.proxies import arithmetic
from pipeline.proxies.contract import Bundle
from pipeline.proxies.zerocost import own
from pipeline.scoring import batches
from pipeline.scoring.plan import ArchitectureScorer, Item, Plan, fits, sampled, specs
from pipeline.scoring.writer import ScoreWriter
from pipeline.wording import every

_ARCH_ID = re.compile(r"[0-9a-f]{16}")
_HEADERS = ("arch_id", "spec", "arch", "architecture")  # of one column, unless the benchmark has such an architecture
_WORDS = re.compile(r"[^\W\d][\w ,;.-]*")
BATCH = 512  # architectures that a worker on a card is handed at a time; some seconds, which an interruption loses


@dataclass(frozen=True)
class ScoringSummary:
    """What a run did: `asked` scores, of which `before` were stored already and `scored` are new, by status.

    `proxies` are scored of each architecture; the new ones are those of `architectures`. `reason` is the most frequent
    one where none is ok. Where nothing is new, `failed` of the stored ones can be computed again.
    """

    proxy: str
    proxies: int
    architectures: int
    asked: int
    before: int
    statuses: dict[str, int]
    seconds: float
    reason: str | None = None
    failed: int = 0

    @property
    def scored(self) -> int:
        """New scores, those that failed again among them."""
        return sum(self.statuses.values())

    @property
    def line(self) -> str:
        if not self.scored:
            failed = f"; {self.failed:,} of them failed: computed again with --retry-failed" if self.failed else ""
            return f"{self.proxy}: {every(self.asked, 'score')} stored already, nothing to do{failed}"
        statuses = ", ".join(f"{count} {status}" for status, count in sorted(self.statuses.items()))
        before = f" ({self.before:,} stored before)" if self.before else ""
        pace = self.seconds / self.architectures
        name = self.proxy if self.proxies == 1 else f"{self.proxy} ({self.proxies} proxies)"
        why = f", most often with {self.reason}" if self.reason else ""
        return f"{name}: {statuses}{before}, {self.seconds:.0f} s, {pace:.2f} s per architecture{why}"


def run(
    lake_root: Path,
    plan: Plan,
    *,
    sample: int | None = None,
    only: Path | None = None,
    retry_failed: bool = False,
    workers: int | None = None,
    executor: executors.Executor = executors.PROCESSES,
) -> ScoringSummary:
    """Score a sample of the ingested architectures of a space and store the scores.

    The sample is nested: the first `sample` architectures by the hash of seed and architecture, so that a larger one
    holds every smaller one. A score that is stored (by this run, an earlier or a concurrent one) is not stored again.

    Args:
        sample: how many architectures; None for all.
        only: a file that lists the architectures instead, one per line, in the benchmark's notation or by `arch_id`.
        retry_failed: compute again the scores that are stored as failed; a value then stands in the place of the
            failure, and of a second failure nothing is stored.
        workers: how many; by default one per core, with CUDA one per card.
        executor: on one instruction set the rows are the same bits whichever it is.

    Raises:
        UserError: unknown names, no architectures, a device that is not there, a cluster that does not answer.
        KeyboardInterrupt: on Ctrl-C, after storing what is done.
    """
    started = time.monotonic()
    bench = benchmarks.load(plan.benchmark)
    lake = Lake(lake_root)
    bundle = plan.load()
    fits(bundle, bench)
    listed = _listed(lake, bench, plan.space, only) if only else None
    chosen = list(listed) if listed is not None else sampled(lake, plan.benchmark, plan.space, plan.sample_seed, sample)
    writer = ScoreWriter(lake, plan.benchmark, plan.space, plan.seed, bundle, chosen)
    writer.adopt(chosen)
    if retry_failed:
        writer.retry_failed(chosen)
    asked, before = len(chosen) * len(bundle.proxies), writer.stored.count
    incomplete = writer.stored.incomplete()
    if incomplete:
        texts = listed if listed is not None else specs(lake, plan.benchmark, plan.space, incomplete)
        wanted = [(a, texts[a], writer.stored.missing(a)) for a in incomplete]
        with executors.opened(executor, workers, bundle.asked_device(plan.device), apart=plan.calls_own_code) as pool:
            asked_for = {"sample": sample, "only": only, "executor": executor.kind, **of_workers(pool)}
            if retry_failed:
                asked_for["retry_failed"] = True
            _remember_location(lake, plan, bundle)
            arguments = {**plan.arguments, **asked_for}
            run_row = provenance.new_run("score", arguments, pool.device_name, by_workers=True)
            locations.record_paths(lake.root, run_row["run_id"], arguments)
            with lake.running(run_row["run_id"]):
                _score(writer, run_row, wanted, plan.scorer(bundle, pool.device, pool.sharing), pool)
    catalog.ensure(lake)
    failed = 0 if incomplete else len(writer.failed(chosen))
    seconds = time.monotonic() - started
    return ScoringSummary(
        bundle.name, len(bundle.proxies), len(incomplete), asked, before, writer.statuses, seconds, writer.reason,
        failed,
    )  # fmt: skip


def _remember_location(lake: Lake, plan: Plan, bundle: Bundle) -> None:
    """Remember where the file of a proxy is, so that `status` tells when it has changed."""
    if toml_files.is_named(plan.proxy) or own.is_named(plan.proxy):
        sha256, _ = provenance.file_sha256(Path(plan.proxy))
        locations.record(lake.root, bundle.proxies[0].proxy_id, Path(plan.proxy), sha256)


def _score(
    writer: ScoreWriter, run_row: dict[str, Any], wanted: list[Item], scorer: ArchitectureScorer, pool: executors.Pool
) -> None:
    """Score the items and store them; two runs with the same items take them in different orders, and so share them."""
    run_id = run_row["run_id"]
    wanted.sort(key=lambda item: provenance.text_identity("order", 1, run_id + item[0]))
    writer.open(run_row)
    run_items = partial(pool.run, prepared=writer.add_environment)
    with provenance.status_at_end(writer.close):
        size = _batch_size(pool.device, writer.bundle, len(wanted), pool.workers)
        with (
            contextlib.closing(batches.results(run_items, scorer, wanted, size, writer.has)) as results,
            progress(f"scoring {writer.bundle.name}", len(wanted)) as advance,
        ):
            for item, result in results:
                writer.add(item, result)
                advance(1)


def of_workers(pool: executors.Pool) -> dict[str, Any]:
    """What a run's record says of its workers."""
    on_a_card = {"sharing": pool.sharing, "arithmetic": arithmetic.ON_A_CARD} if pool.device == "cuda" else {}
    return {"workers": pool.workers, **on_a_card}


def _batch_size(device: str, bundle: Bundle, items: int, workers: int) -> int:
    """Architectures that a worker is handed at a time: one, unless they train side by side."""
    side_by_side = device == "cuda" and bundle.score_all is not None
    return min(BATCH, math.ceil(items / workers)) if side_by_side else 1


def _listed(lake: Lake, bench: Benchmark, space: str, path: Path) -> dict[str, str]:
    """arch_id -> spec of the architectures that a file lists: written as in a table, or by `arch_id` if ingested."""
    lines = [_unquoted(line) for line in text_files.read(path, "--only", "a list of architectures").split("\n")]
    named = [line for line in lines if _ARCH_ID.fullmatch(line)]
    known = specs(lake, bench.name, space, named) if named else {}
    listed = {}
    first = next((number for number, line in enumerate(lines, 1) if line), 0)
    for number, line in enumerate(lines, 1):
        if not line or (number == first and line == "arch_id"):  # the header of `pipeline query --format csv`
            continue
        if number == first and "arch_id" in re.split(r"\W+", line):
            raise UserError(f"--only {path} has other columns, too ({excerpt(line)}): select arch_id alone, as CSV")
        if line in known:
            listed[line] = known[line]
            continue
        try:
            if _ARCH_ID.fullmatch(line):
                raise UserError(f"no architecture {line} of {bench.name}/{space} is ingested")
            spec = provenance.canonical_json(spec_of(bench, space, line))
        except UserError as error:
            if number == first and line.lower() in _HEADERS:
                continue
            words = number == first and _WORDS.fullmatch(line) and not _ARCH_ID.fullmatch(line)
            do = "; if it is a header, write arch_id alone" if words else ""
            raise UserError(f"--only {path}, line {number}: {error}{do}") from error
        listed[arch_id_of(bench.name, space, spec)] = spec
    if not listed:
        raise UserError(f"--only {path} lists no architecture")
    return listed


def _unquoted(line: str) -> str:
    """A line without the quotation marks that a CSV writer may put around it."""
    line = line.strip()
    quoted = len(line) >= 2 and line[0] == line[-1] == '"'
    return line[1:-1].replace('""', '"').strip() if quoted else line
