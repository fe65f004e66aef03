"""`pipeline status`: what a lake holds, what is stale, and the next command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import configuration
from pipeline.cli.application import verb
from pipeline.cli.options import DEFAULT_LAKE, LakeOption, TargetOption
from pipeline.cli.output import JsonOption, answer, print_json


@verb(example="pipeline status --lake data/lake")
def status(
    lake: LakeOption = DEFAULT_LAKE,
    as_json: JsonOption = False,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder to look in for source files whose place the lake does not know."),
    ] = None,
    target: TargetOption = None,
) -> None:
    """Show what the lake holds, what is stale and what to do next.

    For each benchmark: its sources, and its proxies with failures and what is missing of the sample that was asked for.
    Then the last run, runs in progress and runs that did not finish, and what is stale: sources whose file changed,
    proxies whose configuration changed, views of another version. Nothing is written.
    """
    from pipeline import text_table
    from pipeline.status import content as contents
    from pipeline.status import next_command, text

    content = contents.read(lake, data, target)
    if configuration.is_given("lake"):  # or the command would be of the lake that is meant without --lake
        content["next"]["command"] = next_command.in_lake(content["next"]["command"], lake)
    if as_json:
        print_json(content)
        return
    shown = text.lines if target is None else text.target_lines
    for line in shown(content, text_table.terminal_width()):
        answer(line)
