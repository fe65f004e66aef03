"""`pipeline tune`: make a proxy from a few labels, or evaluate how well that works."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli import configuration
from pipeline.cli.application import GOES_ON, OrderedGroup, PanelCommand, app, superfluous, verb
from pipeline.cli.options import (
    DEFAULT_LAKE,
    BenchmarkArgument,
    ComputeOptions,
    ImagesOption,
    LakeOption,
    SpaceOption,
    TargetOption,
    complete_benchmark,
)
from pipeline.cli.output import JsonOption, answer, print_json, say

if TYPE_CHECKING:
    from pipeline.tuning.data import TuningData

COMMANDS = ("weigh", "evolve", "evaluate", "transfer")
BARE = "bare"  # the hidden command that `pipeline tune BENCHMARK` runs
METHODS = "choice, untuned, single, pair, shrunken, sparse, bagged, ridge, centred, blend, mixed"
"""Those of `pipeline.tuning.methods`, which takes long to import."""
MENU = "corrected where the parts of generic are scored, else mixed"


class TuneGroup(OrderedGroup):
    """A group whose first argument may also be a benchmark or an option, as it was before there were commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the hidden command before anything that begins with no command."""
        if not args or args[0] not in {*self.commands, "--help"}:
            args = [BARE, *args]
        return super().parse_args(ctx, args)


class BareCommand(PanelCommand):
    """The command whose usage and errors call it `pipeline tune`."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context, in the place of the group's."""
        return super().make_context("tune", args, parent=parent and parent.parent, **extra)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Name the commands where nothing was asked for, or something like a command that is no benchmark."""
        known = f"name a benchmark, or one of the commands {', '.join(COMMANDS)} and a benchmark"
        if not args and not ctx.resilient_parsing:
            ctx.fail(f"Missing argument: {known}.")
        near = difflib.get_close_matches(args[0], COMMANDS, n=1) if args else []
        if near and not ctx.resilient_parsing and args[0] not in complete_benchmark(args[0]):
            ctx.fail(f"No such command '{args[0]}': did you mean {near[0]}? Else {known}.")
        return super().parse_args(ctx, args)


tuning = typer.Typer(
    cls=TuneGroup,
    help="""Make a proxy from a few true values (labels), or evaluate how well that works.

    Without a command, `pipeline tune BENCHMARK --labels 20` is the same as `tune weigh`; --method evolution, --evaluate
    and --transfer are the former forms of the other three, which have further options.
    """,
    subcommand_metavar=f"{'|'.join(COMMANDS)} BENCHMARK [OPTIONS]",
    epilog="Example: pipeline tune weigh nasbench201 --labels 20",
)
app.add_typer(tuning, name="tune")


@dataclass(frozen=True)
class LabelOptions:
    """Which architectures are labelled."""

    labels: Annotated[int, typer.Option(min=4, help="How many true values to use.")] = 20
    space: SpaceOption = None
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sample whose first architectures are labelled.")] = 0
    target: TargetOption = None


@dataclass(frozen=True)
class TermOptions:
    """What is weighed."""

    use: Annotated[
        list[str] | None,
        typer.Option(help="Proxy whose terms are weighed; may be given several times; all by default."),
    ] = None
    coverage: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of the architectures that a proxy must have to be a term.")
    ] = 0.9


@dataclass(frozen=True)
class EvolutionOptions:
    """How tasks evolve."""

    budget: Annotated[int, typer.Option(min=1, help="Largest number of trainings.")] = 9000
    tasks: Annotated[int, typer.Option(min=1, help="Largest number of tasks.")] = 450
    population: Annotated[int, typer.Option(min=2, help="Tasks in the population.")] = 50
    schedule: Annotated[str | None, typer.Option(help="Train and score each task as this preset does.")] = None
    images: ImagesOption = None


@dataclass(frozen=True)
class JudgingOptions:
    """What is judged."""

    evaluate: Annotated[bool, typer.Option("--evaluate", help="Judge every way over many draws of labels.")] = False
    transfer: Annotated[bool, typer.Option("--transfer", help="Judge the rules on the other spaces.")] = False


DrawsOption = Annotated[int, typer.Option(min=2, max=10_000, help="Number of draws of the labels.")]
DEFAULT_DRAWS = 100
NOT_JUDGED = "no draw was stored; run the same command again"


@verb(
    tuning,
    example="pipeline tune weigh nasbench201 --labels 20",
    interrupted="no rule was stored; run the same command again",
)
def weigh(
    benchmark: BenchmarkArgument,
    labels: LabelOptions,
    terms: TermOptions,
    method: Annotated[str, typer.Option(help=f"How: corrected, {METHODS}, or menu: {MENU}.")] = "menu",
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Make a proxy of stored scores and a few labels.

    By default, trees learn the errors of the generic rule on the labels, and the corrected values are stored as scores
    of a proxy. Other methods, and the default where a part of the generic rule is not scored, weigh stored terms and
    store the rule as an aggregate.
    """
    from pipeline.tuning import weigh as stage

    say(stage.weigh(lake, _data(benchmark, labels, terms), method).line)


@verb(tuning, example="pipeline tune evolve nasbench201 --budget 900", interrupted=GOES_ON)
def evolve(
    benchmark: BenchmarkArgument,
    labels: LabelOptions,
    evolution: EvolutionOptions,
    compute: ComputeOptions,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Search for a task of the regression proxy with a few labels.

    The best task is stored as a proxy of the lake. Every training is stored, too, so that the same command continues an
    interrupted search.
    """
    from pipeline import benchmarks
    from pipeline.proxies.images import parse_source
    from pipeline.search.evolution import usual_tournament
    from pipeline.tuning import evolve as stage
    from pipeline.tuning.task_evolution import EvolutionSettings
    from pipeline.tuning.trials import TrainingSettings

    images = configuration.images_for(benchmarks.load(benchmark).inputs, evolution.images)
    workers = compute.workers_of("processes")
    training = TrainingSettings(parse_source(images), evolution.schedule, compute.device.value, workers)
    tournament = usual_tournament(evolution.population)
    settings = EvolutionSettings(evolution.population, tournament, evolution.tasks, evolution.budget)
    result = stage.evolve(lake, _data(benchmark, labels, TermOptions()), training, settings)
    say(result.line)


@verb(tuning, example="pipeline tune evaluate nasbench201 --labels 20", interrupted=NOT_JUDGED)
def evaluate(
    benchmark: BenchmarkArgument,
    labels: LabelOptions,
    terms: TermOptions,
    draws: DrawsOption = DEFAULT_DRAWS,
    way: Annotated[
        list[str] | None,
        typer.Option(
            help="Evaluate only this way: generic, corrected, random-forest, gradient-boosting or "
            "gaussian-process; may be given several times. By default all methods that weigh are evaluated."
        ),
    ] = None,
    as_json: JsonOption = False,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Evaluate every way to use the labels, over many draws of them."""
    judging = JudgingOptions(evaluate=True)
    _judge(lake, _data(benchmark, labels, terms), draws, judging, way or (), as_json=as_json)


@verb(tuning, example="pipeline tune transfer nasbench201", interrupted=NOT_JUDGED)
def transfer(
    benchmark: BenchmarkArgument,
    labels: LabelOptions,
    terms: TermOptions,
    draws: DrawsOption = DEFAULT_DRAWS,
    as_json: JsonOption = False,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Evaluate the rules of one space on the other spaces of the lake."""
    _judge(lake, _data(benchmark, labels, terms), draws, JudgingOptions(transfer=True), as_json=as_json)


def contradiction(given: Mapping[str, Any]) -> str | None:
    """The options of the other commands, which bare tune would not use."""
    training = ("budget", "tasks", "population", "schedule", "images", "device", "workers")
    if judging := [f"--{name}" for name in ("evaluate", "transfer") if name in given]:
        return superfluous(given, ("method", *training), f"beside {judging[0]}, which judges every method")
    if given.get("method") == "evolution":
        return superfluous(given, ("use", "coverage", "draws"), "with --method evolution")
    return superfluous(given, training, "without --method evolution") or superfluous(
        given, ["draws"], "without --evaluate or --transfer"
    )


@verb(
    tuning,
    name=BARE,
    hidden=True,
    cls=BareCommand,
    contradiction=contradiction,
    example="pipeline tune nasbench201 --labels 20",
    interrupted=GOES_ON,
)
def bare(
    benchmark: BenchmarkArgument,
    labels: LabelOptions,
    terms: TermOptions,
    judging: JudgingOptions,
    evolution: EvolutionOptions,
    compute: ComputeOptions,
    method: Annotated[
        str,
        typer.Option(help=f"How: corrected, {METHODS}, menu ({MENU}), or evolution for a search."),
    ] = "menu",
    draws: DrawsOption = DEFAULT_DRAWS,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Do what one of the commands does, chosen by options."""
    if judging.evaluate or judging.transfer:
        _judge(lake, _data(benchmark, labels, terms), draws, judging)
    elif method == "evolution":
        evolve(benchmark, labels, evolution, compute, lake)
    else:
        weigh(benchmark, labels, terms, method, lake)


def _data(benchmark: str, labels: LabelOptions, terms: TermOptions) -> TuningData:
    from pipeline import benchmarks
    from pipeline.tuning.data import TuningData

    space = benchmarks.load(benchmark).space(labels.space).name
    use = tuple(terms.use or ())
    return TuningData(benchmark, space, labels.labels, labels.seed, use, terms.coverage, labels.target)


def _judge(
    lake: Path,
    data: TuningData,
    draws: int,
    judging: JudgingOptions,
    ways: Sequence[str] = (),
    *,
    as_json: bool = False,
) -> None:
    from pipeline.tuning import evaluations

    judged = [evaluations.evaluate(lake, data, draws, ways)] if judging.evaluate else []
    if judging.transfer:
        others, left_out = evaluations.transfer(lake, data, draws)
        judged.append(others)
        for line in left_out:
            say(line, err=True)
    if as_json:
        print_json([row for evaluation in judged for row in json.loads(evaluation.to_json(orient="records"))])
        return
    for line in evaluations.table(*judged):
        answer(line)
