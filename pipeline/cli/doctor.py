"""`pipeline doctor`: is everything in the lake as it was stored?"""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.application import verb
from pipeline.cli.options import DEFAULT_LAKE, LakeOption
from pipeline.cli.output import JsonOption, answer, print_json


@verb(example="pipeline doctor --lake data/lake")
def doctor(
    lake: LakeOption = DEFAULT_LAKE,
    as_json: JsonOption = False,
    files: Annotated[bool, typer.Option("--files", help="Examine the files alone, not their rows.")] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="Remove what interrupted runs have left, and nothing else.")
    ] = False,
    forget_missing: Annotated[
        bool, typer.Option("--forget-missing", help="Go on without the parts that are missing: take them off the list.")
    ] = False,
) -> None:
    """Examine the lake: whether everything is there, as it was stored.

    Each part is compared with its checksums and schema, rows with the checks and identities, what is made from the
    parts with them. A fault is one line: the file, what is wrong, what to do. The exit code is 1 where there is one.
    """
    from pipeline.doctor.examination import examine

    result = examine(lake, rows=not files, fix=fix, forget_missing=forget_missing)
    if as_json:
        print_json(result.content)
    else:
        for line in [
            *(fault.line for fault in result.faults),
            *(f"note: {note}" for note in result.notes),
            result.line,
        ]:
            answer(line)
    if result.faults:
        raise typer.Exit(1)
