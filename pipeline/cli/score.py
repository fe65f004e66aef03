"""`pipeline score`: score architectures of the lake with a proxy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.application import GOES_ON, superfluous, verb
from pipeline.cli.options import (
    DEFAULT_LAKE,
    BenchmarkArgument,
    ComputeOptions,
    ExecutorOptions,
    LakeOption,
    RetryFailedOption,
    SampleOption,
    SampleSeedOption,
    ScoreOptions,
    plan_of,
)
from pipeline.cli.output import say


@dataclass(frozen=True)
class SelectionOptions:
    """Which architectures are scored."""

    sample: SampleOption = None
    sample_seed: SampleSeedOption = 0
    only: Annotated[
        Path | None, typer.Option(help="File with one architecture per line, written out or as its arch_id.")
    ] = None
    retry_failed: RetryFailedOption = False


def contradiction(given: Mapping[str, Any]) -> str | None:
    """The options that are of no use beside others: an aggregate is computed by a view, whatever is stored."""
    if "only" in given and (line := superfluous(given, ["sample_seed"], "with --only")):
        return line
    if not given.keys() & {"sample", "only"} and (line := superfluous(given, ["sample_seed"], "without --sample")):
        return line
    scoring = (
        "sample",
        "sample_seed",
        "only",
        "retry_failed",
        "seed",
        "images",
        "device",
        "workers",
        "executor",
        "address",
        "gpu_share",
    )
    if "proxy" not in given or not given.keys() & scoring:
        return None
    from pipeline.proxies import aggregates

    if given["proxy"] == aggregates.GENERIC or not aggregates.recognised(given["proxy"]):
        return None
    return superfluous(given, scoring, "on an aggregate, which is computed from what is stored")


@verb(example="pipeline score nasbench201 --sample 200", contradiction=contradiction, interrupted=GOES_ON)
def score(
    benchmark: BenchmarkArgument,
    options: ScoreOptions,
    selection: SelectionOptions,
    compute: ComputeOptions,
    executor: ExecutorOptions,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Score architectures of the lake with a proxy.

    The default, generic, is a sum of other proxies: these are scored and stored, and then added up. Stored scores are
    not computed again, so that the same command continues an interrupted run.
    """
    if selection.sample is not None and selection.only is not None:
        raise typer.BadParameter("--sample and --only exclude each other")
    from pipeline.proxies import aggregates
    from pipeline.scoring import aggregates as aggregation
    from pipeline.scoring import generic
    from pipeline.scoring import run as stage

    chosen = executor.chosen()
    plan = plan_of(benchmark, lake, options, compute.device, sample_seed=selection.sample_seed)
    how: dict[str, Any] = {
        "sample": selection.sample,
        "only": selection.only,
        "retry_failed": selection.retry_failed,
        "workers": compute.workers_of(chosen.kind),
        "executor": chosen,
    }
    if plan.proxy == aggregates.GENERIC:
        for done in generic.run(lake, plan, **how):
            say(done.line)
        return
    if aggregates.recognised(plan.proxy):
        say(aggregation.define(lake, benchmark, plan.space, aggregates.load(plan.proxy)).line)
        return
    say(stage.run(lake, plan, **how).line)
