"""`pipeline search`: search for architectures with a high score."""

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
    ForceOption,
    LakeOption,
    SearchedOptions,
    plan_of,
    seeds_of,
)
from pipeline.cli.output import answer, say

ShownTargetOption = Annotated[
    str | None,
    typer.Option(
        help="Also print the true value by this target: a family (robustness), a metric (pgd_1_accuracy), or a data "
        'set and a metric ("cifar100 test_accuracy").',
        show_default=False,
    ),
]


@dataclass(frozen=True)
class SearchOptions:
    """How the space is searched."""

    method: Annotated[str, typer.Option(help="evolution (ageing) or random.")] = "evolution"
    budget: Annotated[
        int, typer.Option(min=1, help="Steps of each seed, including the first population; of all, a million at most.")
    ] = 450
    seeds: Annotated[str, typer.Option(help="Seeds of the search: 0, 0,3,5 or 0-19.")] = "0"
    population: Annotated[int, typer.Option(min=1, help="Members of the population (evolution).")] = 50
    tournament: Annotated[
        int | None,
        typer.Option(
            min=1, help="Members of a tournament (evolution).", show_default="10, or the population if it is smaller"
        ),
    ] = None
    stored: Annotated[
        bool, typer.Option("--stored", help="Score nothing: search among stored scores, also released ones.")
    ] = False


@dataclass(frozen=True)
class BestOptions:
    """What is written of the best architectures."""

    out: Annotated[Path | None, typer.Option(help="File for the best architectures, as `score --only` takes it.")] = (
        None
    )
    force: ForceOption = False
    top: Annotated[int, typer.Option(min=1, help="How many of the best to print and write.")] = 5


def contradiction(given: Mapping[str, Any]) -> str | None:
    if given.get("method") == "random" and (
        line := superfluous(given, ("population", "tournament"), "on a random search")
    ):
        return line
    if "stored" in given and (
        line := superfluous(given, ("workers", "executor", "address", "gpu_share"), "with --stored")
    ):
        return line
    return None if "out" in given else superfluous(given, ["force"], "without --out")


@verb(
    example="pipeline search nds --space darts --proxy synflow --out best.jsonl",
    contradiction=contradiction,
    interrupted=GOES_ON,
)
def search(
    benchmark: BenchmarkArgument,
    options: SearchedOptions,
    searching: SearchOptions,
    compute: ComputeOptions,
    executor: ExecutorOptions,
    best: BestOptions,
    target: ShownTargetOption = None,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Search a space for architectures with a high score.

    The search uses no ground truth. The best architectures are printed as JSON from which they can be built; --target
    adds the true value of each, where the lake has it.
    """
    from pipeline.lake.outputs import OutputFile
    from pipeline.search import run as stage
    from pipeline.search.evolution import usual_tournament
    from pipeline.search.search import SearchSettings
    from pipeline.search.trajectory import SearchMethod

    chosen = executor.chosen()
    tournament = searching.tournament or usual_tournament(searching.population)
    method = SearchMethod(searching.population, tournament, searching.method)
    settings = SearchSettings(method, searching.budget, seeds_of(searching.seeds))
    if best.out is not None:
        OutputFile(best.out, best.force).refuse()
    plan = plan_of(benchmark, lake, options, compute.device)
    if target:
        stage.true_values(lake, plan, [], target)  # which refuses an unknown one before hours of search
    workers = compute.workers_of(chosen.kind)
    summary = stage.run(lake, plan, settings, stored=searching.stored, workers=workers, executor=chosen)
    say(summary.line)
    shown = summary.best[: best.top]
    true_values = stage.true_values(lake, plan, shown, target) if target else [""] * len(shown)
    for architecture, value in zip(shown, true_values, strict=True):
        answer(f"{architecture.score:.6g}  {value}{architecture.spec}")
    if best.out is not None:
        stage.write_best(shown, best.out, force=best.force)
