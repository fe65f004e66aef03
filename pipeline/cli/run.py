"""`pipeline run`: ingest files, score and report in one command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from pipeline.cli import ingest
from pipeline.cli.application import GOES_ON, superfluous, verb
from pipeline.cli.options import (
    DEFAULT_LAKE,
    DEFAULT_OUT,
    DEFAULT_PROXY,
    BenchmarkArgument,
    ComputeOptions,
    DeviceChoice,
    ExecutorOptions,
    ImagesOption,
    LakeOption,
    OutOption,
    PathsArgument,
    ReadingOptions,
    RetryFailedOption,
    SampleOption,
    SampleSeedOption,
    ScoreOptions,
    SeedOption,
    SpaceOption,
    complete_proxy,
    plan_of,
)
from pipeline.cli.report import report
from pipeline.cli.score import SelectionOptions, score


@dataclass(frozen=True)
class SeveralScoreOptions:
    """What is scored, and with what."""

    proxy: Annotated[
        list[str] | None,
        typer.Option(
            help="Proxy; may be given several times.", show_default=DEFAULT_PROXY, autocompletion=complete_proxy
        ),
    ] = None
    space: SpaceOption = None
    sample: SampleOption = None
    sample_seed: SampleSeedOption = 0
    retry_failed: RetryFailedOption = False
    seed: SeedOption = 0
    images: ImagesOption = None


def contradiction(given: Mapping[str, Any]) -> str | None:
    """The options that are of no use beside others, as in `ingest` and `score`."""
    if "sample" not in given and (line := superfluous(given, ["sample_seed"], "without --sample")):
        return line
    return ingest.contradiction(given)


@verb(
    example="pipeline run nasbench201 --mapping analog-nasbench --sample 48 --out reports/demo",
    contradiction=contradiction,
    interrupted=GOES_ON,
)
def run(
    benchmark: BenchmarkArgument,
    reading: ReadingOptions,
    several: SeveralScoreOptions,
    compute: ComputeOptions,
    paths: PathsArgument = None,
    out: OutOption = DEFAULT_OUT,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Ingest files, score a sample and write the report."""
    from pipeline import benchmarks, executor
    from pipeline.proxies import aggregates
    from pipeline.report import folder
    from pipeline.scoring import generic
    from pipeline.scoring.plan import fits

    selection = SelectionOptions(several.sample, several.sample_seed, retry_failed=several.retry_failed)
    scoring = [ScoreOptions(p, several.space, several.seed, several.images) for p in several.proxy or (None,)]
    compute = replace(compute, workers=compute.workers_of(executor.PROCESSES.kind))
    if compute.workers is not None:
        executor.refuse_too_many(compute.workers)
    if compute.device is DeviceChoice.cuda:
        executor.device_of("cuda")
    folder.refuse_foreign(out)  # what is wrong with an option is said before hours of work
    for options in scoring:
        plan = plan_of(benchmark, lake, options, compute.device)
        if plan.proxy == aggregates.GENERIC:
            generic.planned(plan)
        elif aggregates.recognised(plan.proxy):
            aggregates.load(plan.proxy)
        else:
            fits(plan.load(), benchmarks.load(benchmark))
    ingest.ingest_files(lake, benchmark, paths or [], reading)
    for options in scoring:
        score(benchmark, options, selection, compute, ExecutorOptions(), lake)
    report(out=out, lake=lake)
