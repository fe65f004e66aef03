"""The command line: `pipeline ingest | check | score | report | query | export | run`."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.errors import UserError, from_os

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


class Device(StrEnum):
    """Where to train."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Executor(StrEnum):
    """What the workers are."""

    inline = "inline"
    processes = "processes"
    ray = "ray"


class Format(StrEnum):
    """How to write the rows of a query."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


LakeOption = Annotated[
    Path, typer.Option("--lake", envvar="PIPELINE_LAKE", help="Folder of the lake.", show_default="data/lake")
]
BENCHMARK_HELP = "Benchmark: nasbench101, nasbench201, nasbench_nlp, nds."  # not looked up: help has to be quick
BenchmarkArgument = Annotated[str, typer.Argument(help=BENCHMARK_HELP, show_default=False)]
RecipeOption = Annotated[
    str | None, typer.Option(help="Recipe for a table: a name (see `pipeline ingest --recipes`) or a TOML file.")
]
CurvesOption = Annotated[bool, typer.Option("--curves", help="Keep whole learning curves, not the final epoch alone.")]
RejectsOption = Annotated[int, typer.Option(min=0, help="Take a table of which at most so many rows are bad.")]
ProxyOption = Annotated[
    str | None,
    typer.Option(
        help="Proxy: regression-n101, ..., synflow, ..., zero-cost for all of its kind at once, aggregate-az-nas, ... "
        "to add up what is stored, or a TOML file.",
        show_default="regression-n101; regression-nlp for sequences",
    ),
]
SpaceOption = Annotated[str | None, typer.Option(help="Search space of the benchmark; its first one by default.")]
SampleOption = Annotated[
    int | None, typer.Option(min=1, help="Architectures to score: a nested random sample; all by default.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="Seed of sample, targets, weights and noise.")]
ImagesOption = Annotated[
    str | None,
    typer.Option(
        help="CIFAR-10's python-version folder, a folder of pictures, an .npz file, or a synthetic batch "
        "(synthetic-noise, -spectrum, -patches, -leaves)."
    ),
]
DeviceOption = Annotated[Device, typer.Option(help="Where to train.")]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Processes; as many as cores by default.")]
ExecutorOption = Annotated[Executor, typer.Option(help="Score in this process, in several, or on a Ray cluster.")]
AddressOption = Annotated[
    str, typer.Option(help="Ray cluster: HOST:PORT of its head, or auto for the one that this machine is part of.")
]
GpuShareOption = Annotated[float, typer.Option(min=0.01, max=1, help="Share of a GPU for each worker of Ray.")]
OutOption = Annotated[Path, typer.Option(help="Folder of the report.")]
AgainstOption = Annotated[
    Path | None, typer.Option(help="Folder of a baseline: fail where a rho moved, a row vanished or failures grew.")
]

DEFAULT_LAKE = Path("data/lake")
DEFAULT_OUT = Path("reports/latest")
DEFAULT_PROXIES = {"images": "regression-n101", "sequences": "regression-nlp"}  # by what the networks take
CHECKED = 50  # networks of a file


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
    from pipeline import ingest as stage

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
    only: Annotated[Path | None, typer.Option(help="File that lists the architectures instead, one a line.")] = None,
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
    if executor is not Executor.ray and (address, gpu_share) != ("auto", 1.0):
        raise typer.BadParameter("--address and --gpu-share go with --executor ray")
    if executor is Executor.inline and workers is not None:
        raise typer.BadParameter("--executor inline has one worker, this process: leave --workers out")
    from pipeline.executor import Where

    where = Where(executor.value, address, gpu_share)
    typer.echo(_score(benchmark, proxy, lake, space, sample, only, seed, images, device, workers, where))


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
    from pipeline import query as stage

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
    from pipeline.store import Lake

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
    chosen: list[str | None] = [*proxy] if proxy else [None]
    for name in chosen:
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
    from pipeline import benchmarks, define, executor
    from pipeline import score as stage
    from pipeline.proxies import aggregates

    bench = benchmarks.load(benchmark)
    name = proxy or DEFAULT_PROXIES[bench.inputs]
    if aggregates.recognised(name):
        return define.run(lake, benchmark, bench.space(space).name, name).line
    plan = stage.Plan(benchmark, bench.space(space).name, name, _images(images), seed, device.value)
    try:
        where = where or executor.PROCESSES
        return stage.run(lake, plan, sample=sample, only=only, workers=workers, where=where).line
    except KeyboardInterrupt:
        raise _StoppedError from None  # typer would end it with a line of its own


def _images(name: str | None) -> Path | str | None:
    if name is None:
        return None
    return name.removeprefix("synthetic-") if name.startswith("synthetic-") else Path(name)


def _report(lake: Path, out: Path, against: Path | None = None) -> None:
    from pipeline import baseline
    from pipeline import report as stage

    before = baseline.read(against) if against else None  # first: the report may be written over it
    result = stage.write(lake, out)
    typer.echo(result.table)
    typer.echo(f"report: {result.index}")
    if before is None:
        return
    differences = baseline.compare(before, baseline.read(out))
    told = baseline.table(differences) if differences else f"all {len(before)} rows are as in {against}"
    typer.echo(told)
    _summarise(f"### Against {against}\n\n{told}\n")
    if faulty := sum(bool(d.faults) for d in differences):
        raise UserError(
            f"{faulty} rows are not as in {against} (above): mend what changed them; "
            f"or, if it was meant, copy {out / baseline.FILE} there and have the diff reviewed"
        )


def _summarise(markdown: str) -> None:
    """Add to the summary of a job of GitHub's, where this runs in one."""
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(markdown)
        except OSError as error:
            raise from_os(error, "writing the job summary") from error


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
