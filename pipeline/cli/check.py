"""`pipeline check`: compare the networks that are built here with published files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.application import verb
from pipeline.cli.options import BenchmarkArgument
from pipeline.cli.output import JsonOption, answer, print_json
from pipeline.errors import UserError

if TYPE_CHECKING:
    from pipeline.benchmarks.parameter_check import ParameterCheck

DEFAULT_SAMPLE = 50  # networks of a file


@verb(example="pipeline check nds DARTS.json ResNeXt-A.json", interrupted="a check stores nothing")
def check(
    benchmark: BenchmarkArgument,
    paths: Annotated[list[Path], typer.Argument(help="Published files, or folders of them.", show_default=False)],
    sample: Annotated[int, typer.Option(min=1, help="Networks to build of each file.")] = DEFAULT_SAMPLE,
    as_json: JsonOption = False,
) -> None:
    """Compare the networks built here with published files.

    Networks of each file are built, and their numbers of parameters are compared with those that the file states.
    """
    from pipeline import benchmarks
    from pipeline.ingest import source

    if not benchmarks.load(benchmark).check:
        raise UserError(f"the files of {benchmark} say nothing of their networks to check")
    for path in paths:
        source.refuse_absent(path)
    results = compare_networks(benchmark, paths, sample)
    if as_json:
        print_json([{**vars(result), "confirmed": result.confirmed} for result in results])
    else:
        for result in results:
            answer(result.line)
    if problem := unconfirmed(results):
        raise UserError(problem)


def compare_networks(benchmark: str, paths: Sequence[Path], sample: int = DEFAULT_SAMPLE) -> list[ParameterCheck]:
    """Whether the networks of each file are built as it says; nothing of a benchmark whose files do not tell."""
    from pipeline import benchmarks

    compare = benchmarks.load(benchmark).check
    return [result for path in paths for result in compare(path, sample)] if compare else []


def unconfirmed(results: Sequence[ParameterCheck]) -> str | None:
    """What is wrong with the networks, or None."""
    names = [result.file for result in results if not result.confirmed]
    return f"the networks built are not confirmed by {', '.join(names)}" if names else None
