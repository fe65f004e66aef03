"""The app: how a verb is registered, how help is laid out, and what an error becomes.

Help and errors are plain text: a usage error stays one line, and `--help` imports little.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from pipeline.cli.grouping import flattened
from pipeline.errors import UserError

VERBS = ("run", "ingest", "check", "score", "search", "tune", "merge", "report", "query", "export")
"""The order of the verbs in the help; a verb that is not named here comes last."""

RENAMED = {"recipe": "mapping", "recipes": "mappings"}
"""Options by their former names, which are still understood by the verbs that have them."""

Function = TypeVar("Function", bound=Callable[..., Any])


class StoredBeforeStopError(Exception):
    """Ctrl-C, after what was done has been stored."""


@contextmanager
def storing_before_stop() -> Iterator[None]:
    """Mark a Ctrl-C as one after which the same command goes on; typer would end it with a line of its own."""
    try:
        yield
    except KeyboardInterrupt:
        raise StoredBeforeStopError from None


class OrderedGroup(TyperGroup):
    """A group whose help lists its commands in the order of `VERBS`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the commands."""
        places = {name: place for place, name in enumerate(VERBS)}
        return sorted(super().list_commands(ctx), key=lambda name: places.get(name, len(places)))


class PanelCommand(TyperCommand):
    """A command whose help lists its options in groups, those of one `rich_help_panel` under its title."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, each group of options, and last the options of no group."""
        groups: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is not None:
                groups[panel_of(parameter)].append(record)
        for title in in_order(groups):
            with formatter.section(title):
                formatter.write_dl(groups[title])


def in_order(titles: Iterable[str]) -> list[str]:
    """The titles of a command's help: arguments first, options of no group last."""
    return sorted(titles, key=lambda title: (title == "Options", title != "Arguments"))


def panel_of(parameter: Any) -> str:
    """The title under which the help shows a parameter."""
    if parameter.param_type_name == "argument":
        return "Arguments"
    return getattr(parameter, "rich_help_panel", None) or "Options"


app = typer.Typer(
    cls=OrderedGroup,
    help="How well does a proxy rank the architectures of a search space, at what cost, with what certainty?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def verb(
    group: typer.Typer = app,
    *,
    example: str,
    name: str | None = None,
    hidden: bool = False,
    cls: type[PanelCommand] = PanelCommand,
) -> Callable[[Function], Function]:
    """Register a function as a command of the app or of one of its groups; the function itself is returned as it is.

    Args:
        group: where it is added.
        example: a command line that uses it, shown at the end of its help and in docs/cli.md.
        name: of the command; by default the function's.
        hidden: not listed in the help.
        cls: of the command.
    """

    def register(function: Function) -> Function:
        command = flattened(function)
        parameters = inspect.signature(command).parameters
        renamed = {former: today for former, today in RENAMED.items() if today in parameters}
        settings = {"token_normalize_func": lambda name: renamed.get(name, name)} if renamed else None
        epilog = f"Example: {example}"
        group.command(name, cls=cls, epilog=epilog, hidden=hidden, context_settings=settings)(command)
        return function

    return register


def _show_version(wanted: bool) -> None:
    if wanted:
        from pipeline import provenance

        typer.echo(f"nas-proxy-bench {provenance.released_version()}")
        raise typer.Exit


@app.callback()
def _every_verb(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; exit code 0, 1 (what the user can mend), 2 (usage) or 130 (Ctrl-C)."""
    try:
        app(arguments, prog_name="pipeline")
    except UserError as error:
        _fail(f"error: {error}", 1)
    except StoredBeforeStopError:
        _fail("interrupted: what was done is stored; the same command goes on from there", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the exit flushes into the closed pipe
        sys.exit(1)


def _fail(line: str, code: int) -> None:
    print(" ".join(line.split()), file=sys.stderr)
    sys.exit(code)
