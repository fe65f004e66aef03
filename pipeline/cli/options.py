"""The options and arguments of the verbs, with their defaults."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipeline.executor import Where
    from pipeline.scoring.plan import Plan


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

BudgetOption = Annotated[int, typer.Option(min=1, help="Steps of each seed, the first population among them.")]
SeedsOption = Annotated[str, typer.Option(help="Seeds of the search: 0, 0,3,5 or 0-19.")]
StoredOption = Annotated[
    bool, typer.Option("--stored", help="Score nothing: search among what is scored, with a released proxy too.")
]

DEFAULT_LAKE = Path("data/lake")
DEFAULT_OUT = Path("reports/latest")
DEFAULT_PROXIES = {"images": "regression-n101", "sequences": "regression-nlp"}  # by what the networks take
CHECKED = 50  # networks of a file


def where_of(executor: Executor, workers: int | None, address: str, gpu_share: float) -> Where:
    """The executor.

    Raises:
        BadParameter: options that do not go together.
    """
    from pipeline.executor import Where

    if executor is not Executor.ray and (address, gpu_share) != ("auto", 1.0):
        raise typer.BadParameter("--address and --gpu-share go with --executor ray")
    if executor is Executor.inline and workers is not None:
        raise typer.BadParameter("--executor inline has one worker, this process: leave --workers out")
    return Where(executor.value, address, gpu_share)


def plan_of(
    benchmark: str, lake: Path, proxy: str | None, space: str | None, seed: int, images: str | None, device: Device
) -> Plan:
    from pipeline import benchmarks
    from pipeline.proxies.images import asked
    from pipeline.scoring.plan import Plan
    from pipeline.tuning import rules

    bench = benchmarks.load(benchmark)
    name = rules.named(lake, proxy or DEFAULT_PROXIES[bench.inputs])
    return Plan(benchmark, bench.space(space).name, name, asked(images), seed, device.value)


def seeds_of(text: str) -> tuple[int, ...]:
    """The seeds that "0", "0,3,5" or "0-19" names, each once."""
    found: dict[int, None] = {}
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or (dash and int(last) < int(first)):
            raise typer.BadParameter(f"--seeds {text}: write 0, 0,3,5 or 0-19")
        found |= dict.fromkeys(range(int(first), int(last if dash else first) + 1))
    return tuple(found)
