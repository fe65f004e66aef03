"""The command line: `pipeline ingest | check | score | search | tune | merge | report | query | export | run`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.options import (
    BENCHMARK_HELP,
    CHECKED,
    DEFAULT_LAKE,
    DEFAULT_OUT,
    AddressOption,
    AgainstOption,
    BenchmarkArgument,
    BudgetOption,
    CurvesOption,
    Device,
    DeviceOption,
    Executor,
    ExecutorOption,
    Format,
    GpuShareOption,
    ImagesOption,
    LakeOption,
    OutOption,
    ProxyOption,
    RecipeOption,
    RejectsOption,
    SampleOption,
    SeedOption,
    SeedsOption,
    SpaceOption,
    StoredOption,
    WorkersOption,
    plan_of,
    seeds_of,
    where_of,
)
from pipeline.errors import UserError

if TYPE_CHECKING:
    from pipeline.executor import Where

app = typer.Typer(
    help="How well does a proxy rank the architectures of a search space, at what cost, with what certainty?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class _StoppedError(Exception):
    """Ctrl-C, after what was done has been stored."""


@app.command()
def ingest(
    benchmark: Annotated[str | None, typer.Argument(help=BENCHMARK_HELP, show_default=False)] = None,
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders.", show_default=False)] = None,
    lake: LakeOption = DEFAULT_LAKE,
    recipe: RecipeOption = None,
    recipes: Annotated[bool, typer.Option("--recipes", help="List the recipes and stop.")] = False,
    curves: CurvesOption = False,
    max_rejects: RejectsOption = 0,
) -> None:
    """Take benchmark files into the lake; a file that is there already changes nothing."""
    from pipeline.ingest import run as stage

    if recipes:
        for line in stage.list_recipes():
            typer.echo(line)
        return
    if benchmark is None:
        raise typer.BadParameter("name a benchmark, or list the recipes with --recipes")
    summaries = stage.ingest(lake, benchmark, paths or [], recipe=recipe, curves=curves, max_rejects=max_rejects)
    for summary in summaries:
        typer.echo(summary.line)
    unconfirmed = _check(benchmark, [Path(s.file) for s in summaries if s.source == stage.NATIVE and not s.already])
    if (rejected := sum(s.rejected for s in summaries)) > max_rejects:
        raise UserError(
            f"{rejected} records rejected, the others are stored: see them with `pipeline query 'FROM rejects'`"
        )
    if unconfirmed:
        raise UserError(f"{unconfirmed}; what the files say is stored")


@app.command()
def check(
    benchmark: BenchmarkArgument,
    paths: Annotated[list[Path], typer.Argument(help="Published files, or folders of them.", show_default=False)],
    sample: Annotated[int, typer.Option(min=1, help="Networks to build of each file.")] = CHECKED,
) -> None:
    """Build networks of published files and compare their parameters with what the files say."""
    from pipeline import benchmarks

    if not benchmarks.load(benchmark).check:
        raise UserError(f"the files of {benchmark} say nothing of their networks to check")
    if unconfirmed := _check(benchmark, paths, sample):
        raise UserError(unconfirmed)


@app.command()
def score(
    benchmark: BenchmarkArgument,
    proxy: ProxyOption = None,
    lake: LakeOption = DEFAULT_LAKE,
    space: SpaceOption = None,
    sample: SampleOption = None,
    only: Annotated[Path | None, typer.Option(help="File with a line an architecture, written out or arch_id.")] = None,
    seed: SeedOption = 0,
    images: ImagesOption = None,
    device: DeviceOption = Device.auto,
    workers: WorkersOption = None,
    executor: ExecutorOption = Executor.processes,
    address: AddressOption = "auto",
    gpu_share: GpuShareOption = 1.0,
) -> None:
    """Score architectures of the lake with a proxy; what is stored already is not done again."""
    if sample is not None and only is not None:
        raise typer.BadParameter("--sample and --only exclude each other")
    where = where_of(executor, workers, address, gpu_share)
    typer.echo(_score(benchmark, proxy, lake, space, sample, only, seed, images, device, workers, where))


@app.command()
def search(
    benchmark: BenchmarkArgument,
    proxy: ProxyOption = None,
    lake: LakeOption = DEFAULT_LAKE,
    space: SpaceOption = None,
    method: Annotated[str, typer.Option(help="evolution (ageing) or random.")] = "evolution",
    budget: BudgetOption = 450,
    seeds: SeedsOption = "0",
    population: Annotated[int, typer.Option(min=1, help="Of evolution: members.")] = 50,
    tournament: Annotated[int, typer.Option(min=1, help="Of evolution: members of a tournament.")] = 10,
    stored: StoredOption = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the scores, as for `score`.")] = 0,
    images: ImagesOption = None,
    device: DeviceOption = Device.auto,
    workers: WorkersOption = None,
    executor: ExecutorOption = Executor.processes,
    address: AddressOption = "auto",
    gpu_share: GpuShareOption = 1.0,
    out: Annotated[
        Path | None, typer.Option(help="File for the best architectures, as `score --only` takes it.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many of the best to print and write.")] = 5,
) -> None:
    """Search a space with a proxy, from no ground truth; the best architectures are told as JSON that builds."""
    from pipeline.search import run as stage
    from pipeline.search.walk import Method

    where = where_of(executor, workers, address, gpu_share)
    settings = stage.Settings(Method(method, population, tournament), budget, seeds_of(seeds))
    plan = plan_of(benchmark, lake, proxy, space, seed, images, device)
    try:
        done = stage.run(lake, plan, settings, stored=stored, workers=workers, where=where)
    except KeyboardInterrupt:
        raise _StoppedError from None
    typer.echo(done.line)
    for found in done.best[:top]:
        typer.echo(f"{found.score:.6g}  {found.spec}")
    if out is not None:
        stage.write_best(done.best[:top], out)


@app.command()
def tune(
    benchmark: BenchmarkArgument,
    method: Annotated[
        str,
        typer.Option(
            help="menu weighs what is stored, as mixed does; choice, single, pair, shrunken, sparse, bagged, ridge, "
            "centred, blend, mixed: one way to weigh; evolution trains to find a task."
        ),
    ] = "menu",
    labels: Annotated[int, typer.Option(min=4, help="True values to use.")] = 20,
    lake: LakeOption = DEFAULT_LAKE,
    space: SpaceOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sample that begins with the labels.")] = 0,
    use: Annotated[list[str] | None, typer.Option(help="Proxy whose terms to weigh; several times; all.")] = None,
    coverage: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the architectures that a proxy must have to be a term.")
    ] = 0.9,
    evaluate: Annotated[bool, typer.Option("--evaluate", help="Judge every way over many draws of labels.")] = False,
    transfer: Annotated[bool, typer.Option("--transfer", help="Judge the rules on the other spaces.")] = False,
    draws: Annotated[int, typer.Option(min=2, help="Draws of the labels to judge by.")] = 100,
    budget: Annotated[int, typer.Option(min=1, help="Evolution: trainings at most.")] = 9000,
    tasks: Annotated[int, typer.Option(min=1, help="Evolution: tasks at most.")] = 450,
    population: Annotated[int, typer.Option(min=2, help="Evolution: tasks alive.")] = 50,
    schedule: Annotated[
        str | None, typer.Option(help="Evolution: train and score each task as this preset does.")
    ] = None,
    images: ImagesOption = None,
    device: DeviceOption = Device.auto,
    workers: WorkersOption = None,
) -> None:
    """Find a scoring rule with few labels, and store it as a proxy; or judge how well that works."""
    from pipeline import benchmarks
    from pipeline.tuning.data import TuningData

    name = benchmarks.load(benchmark).space(space).name
    data = TuningData(benchmark, name, labels, seed, tuple(use or ()), coverage)
    if evaluate or transfer:
        from pipeline.tuning import evaluate as here
        from pipeline.tuning import evaluations
        from pipeline.tuning import transfer as elsewhere

        judged = [here.evaluate(lake, data, draws)] if evaluate else []
        if transfer:
            others, left_out = elsewhere.transfer(lake, data, draws)
            judged.append(others)
            for line in left_out:
                typer.echo(line, err=True)
        for line in evaluations.table(*judged):
            typer.echo(line)
    elif method == "evolution":
        from pipeline.proxies.images import asked
        from pipeline.tuning.evolve import evolve
        from pipeline.tuning.task_evolution import EvolutionSettings
        from pipeline.tuning.trials import TrainingSettings

        training = TrainingSettings(asked(images), schedule, device.value, workers)
        settings = EvolutionSettings(population, min(10, population), tasks, budget)
        try:
            typer.echo(evolve(lake, data, training, settings).line)
        except KeyboardInterrupt:
            raise _StoppedError from None
    else:
        from pipeline.tuning.weigh import weigh

        typer.echo(weigh(lake, data, method).line)


@app.command()
def merge(
    other: Annotated[Path, typer.Argument(help="Folder of the other lake.", show_default=False)],
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Take the scores of another lake, with curves, proxies and runs; what is stored already is not taken again."""
    from pipeline.scoring import merge as stage

    typer.echo(stage.run(lake, other).line)


@app.command()
def report(lake: LakeOption = DEFAULT_LAKE, out: OutOption = DEFAULT_OUT, against: AgainstOption = None) -> None:
    """Write the report: index.html, report.md, correlations.csv, report.json and figures."""
    _report(lake, out, against)


@app.command()
def query(
    sql: Annotated[str | None, typer.Argument(help="One SELECT.", show_default=False)] = None,
    file: Annotated[Path | None, typer.Option(help="File with one SELECT, such as queries/examples/*.sql.")] = None,
    fmt: Annotated[Format, typer.Option("--format", help="How to write the rows.")] = Format.table,
    param: Annotated[list[str] | None, typer.Option(help="Value of a $name in the query: name=value.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write to; needed for parquet.")] = None,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Put SQL to the lake, read-only."""
    from pipeline.catalog import query as stage

    if (sql is None) == (file is None):
        raise typer.BadParameter("give either one SELECT or --file FILE")
    pairs = [p.partition("=") for p in param or []]
    if wrong := [name for name, equals, _ in pairs if not equals or not name]:
        raise typer.BadParameter(f"--param {wrong[0]}: write it as name=value")
    text = sql if sql is not None else _read(file)
    stage.run(lake, text, {name: value for name, _, value in pairs}, fmt.value, out)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="DuckDB database to write.", show_default=False)],
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Write one self-contained DuckDB database to hand to a colleague."""
    from pipeline import catalog
    from pipeline.lake.store import Lake

    written = catalog.export(Lake(lake), file)
    typer.echo(f"{written}: {written.stat().st_size / 1e6:.1f} MB")


@app.command()
def run(
    benchmark: BenchmarkArgument,
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders.", show_default=False)] = None,
    lake: LakeOption = DEFAULT_LAKE,
    recipe: RecipeOption = None,
    curves: CurvesOption = False,
    max_rejects: RejectsOption = 0,
    proxy: Annotated[list[str] | None, typer.Option(help="Proxy; may be given several times.")] = None,
    space: SpaceOption = None,
    sample: SampleOption = None,
    seed: SeedOption = 0,
    images: ImagesOption = None,
    device: DeviceOption = Device.auto,
    workers: WorkersOption = None,
    out: OutOption = DEFAULT_OUT,
) -> None:
    """Ingest, score and report in one."""
    ingest(benchmark, paths, lake, recipe, recipes=False, curves=curves, max_rejects=max_rejects)
    for name in proxy or (None,):
        typer.echo(_score(benchmark, name, lake, space, sample, None, seed, images, device, workers))
    _report(lake, out)


def _check(benchmark: str, paths: list[Path], sample: int = CHECKED) -> str | None:
    """Tell of each file whether its networks are built as it says; returns what is wrong, if anything is."""
    from pipeline import benchmarks

    compare = benchmarks.load(benchmark).check
    results = [result for path in paths for result in compare(path, sample)] if compare else []
    for result in results:
        typer.echo(result.line)
    names = [result.file for result in results if not result.confirmed]
    return f"the networks built are not confirmed by {', '.join(names)}" if names else None


def _score(
    benchmark: str,
    proxy: str | None,
    lake: Path,
    space: str | None,
    sample: int | None,
    only: Path | None,
    seed: int,
    images: str | None,
    device: Device,
    workers: int | None,
    where: Where | None = None,
) -> str:
    from pipeline import executor as executors
    from pipeline.proxies import aggregates
    from pipeline.scoring import aggregates as define
    from pipeline.scoring import run as stage

    plan = plan_of(benchmark, lake, proxy, space, seed, images, device)
    if aggregates.recognised(plan.proxy):
        return define.run(lake, benchmark, plan.space, plan.proxy).line
    try:
        where = where or executors.PROCESSES
        return stage.run(lake, plan, sample=sample, only=only, workers=workers, where=where).line
    except KeyboardInterrupt:
        raise _StoppedError from None  # typer would end it with a line of its own


def _report(lake: Path, out: Path, against: Path | None = None) -> None:
    from pipeline.report import baseline
    from pipeline.report import page as stage

    before = baseline.read(against) if against else None  # first: the report may be written over it
    result = stage.write(lake, out)
    typer.echo(result.table)
    typer.echo(f"report: {result.index}")
    if before is None:
        return
    differences = baseline.compare(before, baseline.read(out))
    told = baseline.table(differences) if differences else f"all {len(before)} rows are as in {against}"
    typer.echo(told)
    baseline.summarise(f"### Against {against}\n\n{told}\n")
    if faulty := sum(bool(d.faults) for d in differences):
        raise UserError(
            f"{faulty} rows are not as in {against} (above): mend what changed them; "
            f"or, if it was meant, copy {out / baseline.FILE} there and have the diff reviewed"
        )


def _read(file: Path | None) -> str:
    assert file is not None
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--file {file} cannot be read: {error}") from error


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; exit code 0, 1 (what the user can mend), 2 (usage) or 130 (Ctrl-C)."""
    try:
        app(arguments, prog_name="pipeline")
    except UserError as error:
        _fail(f"error: {error}", 1)
    except _StoppedError:
        _fail("interrupted: what was done is stored; the same command goes on from there", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the exit flushes into the closed pipe
        sys.exit(1)


def _fail(line: str, code: int) -> None:
    print(" ".join(line.split()), file=sys.stderr)
    sys.exit(code)
