"""The options and arguments of the verbs, in the groups in which the help shows them, with their defaults."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import configuration

if TYPE_CHECKING:
    from pipeline.executor import Executor
    from pipeline.scoring.plan import Plan


class DeviceChoice(StrEnum):
    """Where networks are trained."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class ExecutorChoice(StrEnum):
    """What the workers are."""

    inline = "inline"
    processes = "processes"
    ray = "ray"


class FormatChoice(StrEnum):
    """How the rows of a query are written."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


def complete_benchmark(incomplete: str) -> list[str]:
    """The benchmarks that begin so, for the shell."""
    from pipeline import benchmarks

    return [name for name in benchmarks.names() if name.startswith(incomplete)]


def complete_proxy(incomplete: str) -> list[str]:
    """The proxies that begin so, for the shell."""
    from pipeline import proxies

    return [name for name in proxies.names() if name.startswith(incomplete)]


DEFAULT_LAKE = Path("data/lake")
DEFAULT_DOWNLOADS = Path("data/downloads")
DEFAULT_OUT = Path("reports/latest")
DEFAULT_PROXY = "generic"
SEARCHED_BY_DEFAULT = {"images": "regression-n101", "sequences": "regression-nlp"}  # by what the networks take
_BENCHMARKS = Path(__file__).parents[1] / "benchmarks"  # listed, not imported: help has to be quick
BENCHMARK_HELP = f"Benchmark: {', '.join(sorted(m.name for m in iter_modules([str(_BENCHMARKS)]) if m.ispkg))}."

_SEEDS = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?")
_MOST_SEEDS = 10_000  # each of which is a search

BenchmarkArgument = Annotated[
    str, typer.Argument(help=BENCHMARK_HELP, show_default=False, autocompletion=complete_benchmark)
]
PathsArgument = Annotated[list[Path] | None, typer.Argument(help="Files or folders.", show_default=False)]
LakeOption = Annotated[
    Path, typer.Option("--lake", envvar="PIPELINE_LAKE", help="Folder of the lake.", show_default="data/lake")
]
SpaceOption = Annotated[str | None, typer.Option(help="Search space of the benchmark; its first one by default.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Seed of regression targets, weights and noise.")]
SampleSeedOption = Annotated[int, typer.Option(min=0, help="Seed of that random order.")]
SampleOption = Annotated[
    int | None,
    typer.Option(min=1, help="How many architectures to score: the first of a random order; all by default."),
]
RetryFailedOption = Annotated[
    bool, typer.Option("--retry-failed", help="Compute again what is stored as failed, as after a mended network.")
]
ImagesOption = Annotated[
    str | None,
    typer.Option(
        help="CIFAR-10's python-version folder, a folder of pictures, an .npz file, or a synthetic batch "
        "(synthetic-noise, -spectrum, -patches, -leaves); synthetic-patches by default."
    ),
]
TargetOption = Annotated[
    str | None,
    typer.Option(
        help="Target to rank by: a family (robustness), a metric (pgd_1_accuracy), or a data set and a metric "
        '("cifar100 test_accuracy"); each space\'s main one by default.',
        show_default=False,
    ),
]
OutOption = Annotated[Path, typer.Option(help="Folder of the report.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a file of that name.")]


@dataclass(frozen=True)
class ReadingOptions:
    """How files are read."""

    mapping: Annotated[
        str | None,
        typer.Option(help="Table mapping: a name (see `pipeline ingest --mappings`) or a TOML file."),
    ] = None
    curves: Annotated[bool, typer.Option("--curves", help="Store the values of every epoch, not only of the last.")] = (
        False
    )
    max_rejects: Annotated[int, typer.Option(min=0, help="How many bad rows of a table may be left out.")] = 0


@dataclass(frozen=True)
class ScoreOptions:
    """What is scored, and with what."""

    proxy: Annotated[
        str | None,
        typer.Option(
            help="Proxy: a name (generic, regression-n101, synflow, ...), zero-cost for all zero-cost proxies at once, "
            "or a TOML or Python file.",
            show_default=DEFAULT_PROXY,
            autocompletion=complete_proxy,
        ),
    ] = None
    space: SpaceOption = None
    seed: SeedOption = 0
    images: ImagesOption = None


@dataclass(frozen=True)
class SearchedOptions(ScoreOptions):
    """What the search follows."""

    proxy: Annotated[
        str | None,
        typer.Option(
            help="Proxy: a name (regression-n101, synflow, ...), or a TOML or Python file; with --stored also an "
            "aggregate.",
            show_default="regression-n101, or regression-nlp for sequences",
            autocompletion=complete_proxy,
        ),
    ] = None


@dataclass(frozen=True)
class ComputeOptions:
    """Where networks are computed."""

    device: Annotated[
        DeviceChoice, typer.Option(help="Where to compute; auto trains on a card where there is one.")
    ] = DeviceChoice.auto
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=configuration.MOST_WORKERS,
            help="Number of processes, at most four per core of this machine; by default one per core, one per card on "
            "cards.",
        ),
    ] = None

    def workers_of(self, kind: str) -> int | None:
        """The workers of an executor; of processes the most that this machine can have where pipeline.toml has more.

        That file may be shared by several machines. What the command line asks for is left to be refused.
        """
        if self.workers is None or kind != "processes" or not configuration.is_from_file("workers"):
            return self.workers
        from pipeline import executor, progress

        if (most := executor.most_workers(self.workers)) < self.workers:
            progress.warn(f"{configuration.FILE} asks for {self.workers:,} workers, and this machine takes {most}")
        return most


@dataclass(frozen=True)
class ExecutorOptions:
    """How work is distributed."""

    executor: Annotated[
        ExecutorChoice, typer.Option(help="Score in this process, in several, or on a Ray cluster.")
    ] = ExecutorChoice.processes
    address: Annotated[
        str, typer.Option(help="Ray cluster: HOST:PORT of its head, or auto for that of this machine.")
    ] = "auto"
    gpu_share: Annotated[float, typer.Option(min=0.01, max=1, help="Share of a GPU for each worker of Ray.")] = 1.0

    def chosen(self) -> Executor:
        """The executor.

        Raises:
            BadParameter: options that do not go together.
        """
        from pipeline.executor import Executor

        if self.executor is not ExecutorChoice.ray and (self.address, self.gpu_share) != ("auto", 1.0):
            raise typer.BadParameter("--address and --gpu-share go with --executor ray")
        if self.executor is ExecutorChoice.inline and configuration.is_given("workers"):
            raise typer.BadParameter("--executor inline has one worker, this process: leave --workers out")
        return Executor(self.executor.value, self.address, self.gpu_share)


def plan_of(benchmark: str, lake: Path, options: ScoreOptions, device: DeviceChoice, *, sample_seed: int = 0) -> Plan:
    """The plan that the options ask for, with the benchmark's first space and the default proxy where none is named."""
    from pipeline import benchmarks
    from pipeline.proxies.images import parse_source
    from pipeline.scoring.plan import Plan
    from pipeline.tuning import rules

    bench = benchmarks.load(benchmark)
    default = SEARCHED_BY_DEFAULT[bench.inputs] if isinstance(options, SearchedOptions) else DEFAULT_PROXY
    proxy = rules.named(lake, options.proxy or default)
    images = parse_source(configuration.images_for(bench.inputs, options.images))
    return Plan(benchmark, bench.space(options.space).name, proxy, images, options.seed, device.value, sample_seed)


def seeds_of(text: str) -> tuple[int, ...]:
    """The seeds that "0", "0,3,5" or "0-19" names, each once."""
    seeds: dict[int, None] = {}
    for part in text.split(","):
        match = _SEEDS.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
        if first <= last:  # no range is gone through that is too long
            seeds |= dict.fromkeys(range(first, min(last, first + _MOST_SEEDS) + 1))
        if first > last or len(seeds) > _MOST_SEEDS:
            raise typer.BadParameter(f"--seeds {text}: write 0, 0,3,5 or 0-19, and at most {_MOST_SEEDS:,} seeds")
    return tuple(seeds)
