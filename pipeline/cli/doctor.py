"""`pipeline doctor`: check that everything in the lake is as it was stored."""

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
    files: Annotated[bool, typer.Option("--files", help="Check files only, not their rows.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Remove what interrupted runs have left behind.")] = False,
    forget_missing: Annotated[
        bool,
        typer.Option(
            "--forget-missing", help="Continue without the parts that are missing: remove them from the list."
        ),
    ] = False,
) -> None:
    """Check that the lake is complete and unchanged.

    Every part is compared with its checksums and schema, and rows, identities and derived files with the parts. Each
    fault is one line: the file, what is wrong, what to do. With any fault the exit code is 1.
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
