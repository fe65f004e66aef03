"""`pipeline fetch`: download a published file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.application import verb
from pipeline.cli.options import DEFAULT_DOWNLOADS
from pipeline.cli.output import answer, say
from pipeline.errors import UserError


def complete_source(incomplete: str) -> list[str]:
    """The published files that begin so, for the shell."""
    from pipeline.ingest import fetch as stage

    return [name for name in stage.names() if name.startswith(incomplete)]


@verb(
    example="pipeline fetch nasbench_only108.tfrecord",
    interrupted="what has come is kept; the same command goes on from there",
)
def fetch(
    name: Annotated[
        str,
        typer.Argument(
            help="File or table, as `pipeline sources` lists it.", show_default=False, autocompletion=complete_source
        ),
    ],
    downloads: Annotated[
        Path,
        typer.Option(
            "--downloads", envvar="PIPELINE_DOWNLOADS", help="Folder to put it in.", show_default="data/downloads"
        ),
    ] = DEFAULT_DOWNLOADS,
) -> None:
    """Download a published file, and print the command that ingests it.

    An interrupted download is resumed. The file is compared with the SHA-256 that its publisher states, or else with
    that of the first download, which is recorded beside it. For a file that no program can download, the steps for a
    person are printed.
    """
    from pipeline.ingest import fetch as stage

    fetched = stage.fetch(name, downloads)
    if fetched.file is not None:
        file = fetched.file
        done = "is here already" if file.was_here else "downloaded"
        compared = {
            "published": "as published",
            "first seen": "as first downloaded",
            "none": "put down beside it: none is published",
        }[file.expected]
        say(f"{file.path}: {file.bytes / 1e6:,.1f} MB, {done}; its SHA-256 {file.sha256} is {compared}")
    for number, step in enumerate(fetched.steps, 1):
        answer(f"{number}. {step}")
    for number, command in enumerate(fetched.commands, len(fetched.steps) + 1):
        answer(f"{number}. {command}" if fetched.steps else command)
    if fetched.steps:
        raise UserError(f"{name} cannot be downloaded by a program: take the steps above")
