"""`pipeline ingest`: store published files and tables of others as parts of the lake."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.application import superfluous, verb
from pipeline.cli.check import compare_networks, unconfirmed
from pipeline.cli.options import (
    BENCHMARK_HELP,
    DEFAULT_LAKE,
    LakeOption,
    PathsArgument,
    ReadingOptions,
    complete_benchmark,
)
from pipeline.cli.output import answer, print_json, say
from pipeline.errors import UserError

_MOST_WARNINGS = 20  # lines for one file

OptionalBenchmark = Annotated[
    str | None, typer.Argument(help=BENCHMARK_HELP, show_default=False, autocompletion=complete_benchmark)
]


def contradiction(given: Mapping[str, Any]) -> str | None:
    if "mappings" in given:
        if "benchmark" in given:
            return "--mappings lists those of all benchmarks and ingests nothing: leave one of the two out"
        return superfluous(given, ("mapping", "curves", "max_rejects"), "beside --mappings")
    if "mapping" not in given or ("curves" in given and _has_curves(given["mapping"])):
        return None
    return superfluous(given, ["curves"], "on a table, which has none, with --mapping")


def _has_curves(mapping: str) -> bool:
    """Whether a table mapping of the user's own has columns with a value per epoch; no shipped one has."""
    from pipeline.ingest import mapping as table_mapping

    with contextlib.suppress(UserError):
        return mapping.lower().endswith(".toml") and table_mapping.load(Path(mapping)).has_curves
    return False


@verb(
    example="pipeline ingest nasbench201 table.csv --mapping my.toml",
    contradiction=contradiction,
    interrupted="files that were read to their end are stored; the same command goes on from there",
)
def ingest(
    reading: ReadingOptions,
    benchmark: OptionalBenchmark = None,
    paths: PathsArgument = None,
    mappings: Annotated[bool, typer.Option("--mappings", help="List the table mappings by name and stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="List them as JSON.")] = False,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Store the content of benchmark files in the lake.

    Ingesting the same file again changes nothing.
    """
    if mappings:
        if as_json:
            from pipeline.ingest import published

            print_json([row for row in published.sources() if row["name"] != published.NATIVE])
            return
        from pipeline.ingest import mapping as table_mapping

        for m in table_mapping.shipped():
            answer(f"{m.benchmark}  {m.name:<27} {m.description} ({m.distribution or ', '.join(m.files)})")
        return
    if as_json:
        raise typer.BadParameter("--json goes with --mappings: leave it out")
    if benchmark is None:
        raise typer.BadParameter("name a benchmark, or list the table mappings with --mappings")
    ingest_files(lake, benchmark, paths or [], reading)


def ingest_files(lake: Path, benchmark: str, paths: Sequence[Path], reading: ReadingOptions) -> None:
    """Ingest files, check the networks of those that are new, and print what each file brought.

    Raises:
        UserError: more records were rejected than allowed, or networks are not confirmed; the others are stored.
    """
    from pipeline.ingest import published
    from pipeline.ingest import run as stage
    from pipeline.wording import count_of

    summaries = stage.ingest(
        lake, benchmark, paths, mapping=reading.mapping, curves=reading.curves, max_rejects=reading.max_rejects
    )
    for summary in summaries:
        say(summary.line)
        for warning in summary.warnings[:_MOST_WARNINGS]:
            say(f"warning: {warning}", err=True)
        if (more := len(summary.warnings) - _MOST_WARNINGS) > 0:
            others = count_of(more, "further column has", "further columns have")
            say(f"warning: {summary.file}: {others} odd values", err=True)
    new_files = [Path(s.file) for s in summaries if s.source == published.NATIVE and not s.already]
    results = compare_networks(benchmark, new_files)
    for result in results:
        say(result.line)
    if (rejected := sum(s.rejected - s.known_rejects for s in summaries)) > reading.max_rejects:
        raise UserError(
            f"{count_of(rejected, 'record')} rejected, the others are stored: see them with "
            "`pipeline query 'FROM rejects'`"
        )
    if problem := unconfirmed(results):
        raise UserError(f"{problem}; what the files say is stored")
