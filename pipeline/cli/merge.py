"""`pipeline merge`: copy the scores of another lake into this one."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.application import GOES_ON, verb
from pipeline.cli.options import DEFAULT_LAKE, LakeOption
from pipeline.cli.output import answer, say


@verb(example="pipeline merge data/scores", interrupted=GOES_ON)
def merge(
    other: Annotated[
        str,
        typer.Argument(
            help="Another lake, or a folder of `export --parquet`: its path, or its http(s):// or s3:// address.",
            show_default=False,
        ),
    ],
    show_conflicts: Annotated[
        bool, typer.Option("--show-conflicts", help="List the values that differ by more than rounding.")
    ] = False,
    keep_first: Annotated[
        bool, typer.Option("--keep-first", help="Where values differ, keep those of this lake and copy the rest.")
    ] = False,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Copy the scores of another lake into this one.

    Training curves, proxies and runs are copied with them. Scores that are stored already are not copied but compared:
    where they differ by more than the rounding of another machine, nothing is copied at all. From an address,
    everything is downloaded and compared with its checksums first.
    """
    from pipeline.scoring import merge as stage

    try:
        summary = stage.run(lake, other, keep_first=keep_first)
    except stage.DifferingValuesError as error:
        if show_conflicts:
            answer(error.differences.listing)
        raise
    if show_conflicts:
        answer(summary.differences.listing)
    say(summary.line)
    if summary.differences.rounding or summary.differences.differing:
        say(summary.differences.line)
