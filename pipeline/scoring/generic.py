"""Score `generic`: its parts where they are missing, and then the definition of their sum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline import benchmarks
from pipeline.errors import UserError
from pipeline.proxies.aggregates import GENERIC, Aggregate, generic
from pipeline.proxies.aggregates.generic import Part
from pipeline.scoring import aggregates as aggregation
from pipeline.scoring import run as scoring
from pipeline.scoring.plan import Plan, fits, require_networks


def run(lake_root: Path, plan: Plan, **how: Any) -> Iterator[scoring.ScoringSummary | aggregation.Definition]:
    """Score the parts one after the other, and define the sum; each part is stored as a score of its own.

    Arguments, errors and interruptions are those of `scoring.run.run`. The sum of an architecture is a matter of
    ranks, and so relative to the others that are scored.

    Yields:
        The summary of each part as soon as it is scored, and the definition.

    Raises:
        UserError: a part is not defined on the benchmark.
    """
    whole, parts = planned(plan)
    for part, one in parts:
        for seed in part.seeds_of(plan.seed):
            yield scoring.run(lake_root, replace(one, seed=seed), **how)
    yield aggregation.define(lake_root, plan.benchmark, plan.space, whole)


def planned(plan: Plan) -> tuple[Aggregate, list[tuple[Part, Plan]]]:
    """The sum, and its parts with the plan by which each is scored.

    Raises:
        UserError: a part is not defined on the benchmark, cannot be loaded, or would take too large a seed.
    """
    bench = benchmarks.load(plan.benchmark)
    require_networks(bench)
    whole = generic.pinned(bench.inputs, plan.images)
    parts = [(part, replace(plan, proxy=part.proxy, names=part.names)) for part in generic.parts(whole)]
    for part, one in parts:
        part.seeds_of(plan.seed)
        try:
            fits(one.load(), bench)
        except UserError as error:
            parts_named = ", ".join(part.names)
            raise UserError(f"{GENERIC} is not defined on {bench.name}, as {parts_named} is not: {error}") from error
    return whole, parts
