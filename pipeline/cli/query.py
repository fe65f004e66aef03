"""`pipeline query`: SQL, read-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.application import superfluous, verb
from pipeline.cli.options import DEFAULT_LAKE, ForceOption, FormatChoice, LakeOption
from pipeline.cli.output import print_rows
from pipeline.errors import unknown


@dataclass(frozen=True)
class TextOptions:
    """What is asked, in place of SQL."""

    file: Annotated[Path | None, typer.Option(help="File with one SELECT.")] = None
    example: Annotated[str | None, typer.Option(help="Example by its name (see `pipeline query --examples`).")] = None
    param: Annotated[list[str] | None, typer.Option(help="Value of a $name in the query: name=value.")] = None
    examples: Annotated[bool, typer.Option("--examples", help="List the examples by name and stop.")] = False


def contradiction(given: Mapping[str, Any]) -> str | None:
    if "examples" in given:
        if "sql" in given:
            return "--examples lists the examples and answers no SQL: leave one of the two out"
        if "fmt" in given:
            return "--format has no effect beside --examples: leave it out"
        others = ("file", "example", "param", "out", "force")
        return superfluous(given, others, "beside --examples")
    if {"as_json", "fmt"} <= given.keys():
        return "--json stands for --format json: give one of them"
    return None if "out" in given else superfluous(given, ["force"], "without --out")


@verb(
    example="pipeline query 'SELECT benchmark, space, proxy, n, rho FROM correlations ORDER BY rho DESC'",
    contradiction=contradiction,
    interrupted="nothing was stored, nothing is written to a file",
)
def query(
    text: TextOptions,
    sql: Annotated[str | None, typer.Argument(help="One SELECT.", show_default=False)] = None,
    fmt: Annotated[
        FormatChoice | None,
        typer.Option(
            "--format", help="How to write the rows; if not given, as the ending of --out says, else a table."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write to; needed for parquet.")] = None,
    force: ForceOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Run one SELECT on the lake, read-only."""
    if text.examples:
        print_rows(list_examples(), {"example": "example", "asks": "asks"}, as_json=as_json, head=False)
        return
    if [sql, text.file, text.example].count(None) != 2:
        raise typer.BadParameter("give either one SELECT, or --file FILE, or --example NAME")
    if wrong := [p for p in text.param or [] if not p.partition("=")[0] or "=" not in p]:
        raise typer.BadParameter(f"--param {wrong[0]}: write it as name=value")
    pairs = [p.partition("=") for p in text.param or []]
    names = [name for name, _, _ in pairs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise typer.BadParameter(f"--param {twice[0]} is given twice: give it one value")
    from pipeline.catalog import query as stage

    statement = sql if sql is not None else _read(text)
    written = FormatChoice.json if as_json else fmt or _format_of(out)
    stage.run(lake, statement, {name: value for name, _, value in pairs}, written.value, out, force=force)


def _format_of(out: Path | None) -> FormatChoice:
    """The format by the ending of a file: without it a table for people would be in `x.csv`."""
    ending = "" if out is None else out.suffix.lower().removeprefix(".")
    return FormatChoice(ending) if ending in {*FormatChoice} else FormatChoice.table


def list_examples() -> list[dict[str, str]]:
    """A row for each example that comes with the package: its name, and what it asks."""
    from pipeline import catalog

    comments = {
        name: catalog.head_comment(path.read_text(encoding="utf-8"))
        for name, path in catalog.queries("examples").items()
    }
    return [{"example": name, "asks": comment.partition(" Run: ")[0]} for name, comment in comments.items()]


def _read(text: TextOptions) -> str:
    if text.example is not None:
        from pipeline import catalog

        examples = catalog.queries("examples")
        if text.example not in examples:
            raise unknown("example", text.example, examples)
        return examples[text.example].read_text(encoding="utf-8")
    assert text.file is not None
    from pipeline.formats import text_files

    return text_files.read(text.file, "--file", "SQL")
