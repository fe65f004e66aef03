"""Print the answers of verbs as text, table or JSON, and summaries, which `--quiet` leaves out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Write the result as JSON.")]


def answer(text: str) -> None:
    """Print what was asked for, on standard output, with what is not to be seen in it shown."""
    from pipeline.escaping import visible  # help does without

    typer.echo(visible(text))


def say(text: str, *, err: bool = False) -> None:
    """Print what was done, on standard output or error, with what is not to be seen in it shown; not with --quiet."""
    from pipeline import progress
    from pipeline.escaping import visible

    if not progress.silent():
        (progress.tell if err else typer.echo)(visible(text))


def print_json(value: Any) -> None:
    """Print a value as JSON, whose escapes keep what is not to be seen from a terminal."""
    typer.echo(json.dumps(value, indent=1, allow_nan=False))


def print_rows(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, as_json: bool, head: bool = True
) -> None:
    """Print rows as JSON with all their members, or as a table of some.

    Args:
        rows: their members by name.
        columns: of the table: the name of a member, and the head of its column.
        head: whether the table has a line with the heads of its columns.
    """
    if as_json:
        print_json(list(rows))
        return
    from pipeline import text_table

    right = [bool(rows) and all(isinstance(row[name], int | float | None) for row in rows) for name in columns]
    cells = [[_cell(row[name]) for name in columns] for row in rows]
    whole = [place for place, name in enumerate(columns) if name in ("address", "source")]
    table, width = [*[list(columns.values())][:head], *cells], text_table.terminal_width()
    for line in text_table.fitted(table, right, width=width, whole=whole):
        answer(line)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else str(value)
