"""The app: how a verb is registered, how help is laid out, and what an error becomes.

Help and errors are plain text: a usage error stays one line, and `--help` imports little.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, NoReturn, TypeVar, cast

import typer
from typer.core import TyperCommand, TyperGroup

from pipeline import interruption
from pipeline.cli import configuration, streams
from pipeline.cli.grouping import documentation, flattened
from pipeline.errors import UserError, excerpt, from_os, is_homeless, is_out_of_memory, refused_by_system, shortened

GROUPS = {
    "Fill a lake": ("run", "mapping", "ingest", "score", "search", "tune", "merge"),
    "Ask": ("status", "report", "query", "export"),
    "List what there is, and download it": ("benchmarks", "sources", "fetch", "proxies"),
    "Check": ("check", "doctor"),
}
"""The verbs by what they are for, in the order of the help; a verb that is not named here comes last."""

VERBS = tuple(name for names in GROUPS.values() for name in names)

EXAMPLES = (
    ("pipeline run nasbench201 --mapping analog-nasbench --sample 48", "ingest, score and report"),
    ("pipeline status", "what the lake holds, and the next command"),
    ('pipeline query "FROM correlations"', "how well each proxy ranks"),
)
"""Command lines at the end of the help, and what each does."""

RENAMED = {"recipe": "mapping", "recipes": "mappings"}
"""Options by their former names, which are still understood by the verbs that have them."""

_USAGE_ERROR: Any = typer.BadParameter.__base__  # typer itself does not export it

Function = TypeVar("Function", bound=Callable[..., Any])
Contradiction = Callable[[Mapping[str, Any]], str | None]
"""What is wrong with the options of a command line together, given by name with their words; None if nothing is."""

GOES_ON = "what was done is stored; the same command goes on from there"
"""What an interrupted verb says that stores as it goes."""


class OrderedGroup(TyperGroup):
    """A group whose help lists its commands in the order of `VERBS`, each with the whole first sentence of its help."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands that are not hidden."""
        listed = ((name, self.commands[name]) for name in self.list_commands(ctx))
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary(command)) for name, command in listed if not command.hidden])

    def list_commands(self, ctx: Any) -> list[str]:
        places = {name: place for place, name in enumerate(VERBS)}
        return sorted(super().list_commands(ctx), key=lambda name: places.get(name, len(places)))


class VerbGroup(OrderedGroup):
    """The group of the verbs: its help lists them by what they are for, an unknown one is answered with suggestions."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write each group of verbs with a sentence for each verb, and the examples."""
        names = [name for name in self.list_commands(ctx) if not self.commands[name].hidden]
        groups = {**GROUPS, "Others": tuple(name for name in names if name not in VERBS)}
        widest = max(map(len, names), default=0)
        for title, verbs in groups.items():
            if rows := [(name.ljust(widest), summary(self.commands[name])) for name in verbs if name in names]:
                with formatter.section(title):
                    formatter.write_dl(rows)
        with formatter.section("Examples"):
            for command, what in EXAMPLES:
                formatter.write_text(f"{command}  # {what}")

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that the first word names.

        Raises:
            UsageError: there is none; the message says what exists of such a name.
        """
        if not ctx.resilient_parsing and args[0] not in self.commands and not args[0].startswith("-"):
            from pipeline.cli import suggestions

            meant = suggestions.line(args[0], self.list_commands(ctx))
            ctx.fail(f"No such command '{excerpt(args[0], 60, bare=True)}'. {meant}")
        return super().resolve_command(ctx, args)

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        with _usage_errors_shown():
            return super().make_context(info_name, args, parent=parent, **extra)

    def invoke(self, ctx: Any) -> Any:
        with _usage_errors_shown():
            return super().invoke(ctx)


@contextlib.contextmanager
def _usage_errors_shown() -> Iterator[None]:
    """Let what a usage error repeats of the command line be one line, with what is not to be seen in it shown."""
    try:
        yield
    except _USAGE_ERROR as error:
        from pipeline.escaping import line

        if type(error).show is _USAGE_ERROR.show:  # what shows itself is the help, where no command is named
            error.message = shortened(line(error.message))
        raise


def summary(command: Any) -> str:
    """The first sentence of a command's help."""
    return str(command.help).partition("\n")[0]


class PanelCommand(TyperCommand):
    """A command whose help lists its options in groups, those of one `rich_help_panel` under its title.

    It refuses empty values, second values and options that contradict one another before anything is done.
    """

    contradiction: Contradiction | None = None

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context, with the values of pipeline.toml for options that are not given."""
        if "--help" not in args and not extra.get("resilient_parsing"):
            extra.setdefault("default_map", configuration.read())
        return super().make_context(info_name, args, parent=parent, **extra)

    def invoke(self, ctx: Any) -> Any:
        configuration.begin(ctx)
        return super().invoke(ctx)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of the command line.

        Raises:
            BadParameter: a value is empty, an option of one value has several, an option is given under its former
                name, too, or options contradict.
        """
        if not ctx.resilient_parsing and "--help" not in args:
            self._refuse_bad(ctx, args)
        try:
            return super().parse_args(ctx, args)
        except _USAGE_ERROR as error:
            error.message = error.message.removeprefix("Value error, ")  # some versions of typer begin so
            raise

    def _refuse_bad(self, ctx: Any, args: list[str]) -> None:
        names = {word.partition("=")[0] for word in args}
        for former, today in RENAMED.items():
            if {f"--{former}", f"--{today}"} <= names:
                raise typer.BadParameter(f"--{former} is the former name of --{today}: give one of them", ctx=ctx)
        values, _, given_in_order = self.make_parser(ctx).parse_args(list(args))
        parameters: list[Any] = self.get_params(ctx)
        for parameter in parameters:
            one = parameter.param_type_name == "option" and not (parameter.multiple or parameter.is_flag)
            if one and (times := given_in_order.count(parameter)) > 1:
                do = "write 0,3,5 or 0-19" if parameter.name == "seeds" else "give one, or run the command for each"
                raise typer.BadParameter(f"given {times} times, and it takes one value: {do}", ctx=ctx, param=parameter)
            value = values.get(parameter.name)
            texts = value if isinstance(value, list | tuple) else [value]
            if any(isinstance(text, str) and not text.strip() for text in texts):  # a path of it is the working folder
                hint = "give one" if parameter.required else "give one, or leave it out"
                raise typer.BadParameter(f"the value is empty: {hint}", ctx=ctx, param=parameter)
            if parameter.min is not None:
                for text in texts:
                    if isinstance(text, str):
                        _refuse_unless_number(text, parameter, ctx)
        given = {name: value for name, value in values.items() if value is not None}
        if self.contradiction is not None and (problem := self.contradiction(given)):
            raise typer.BadParameter(problem, ctx=ctx)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, each group of options, and last the options of no group."""
        groups: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is not None:
                groups[panel_of(parameter)].append(record)
        for title in in_order(groups):
            with formatter.section(title):
                formatter.write_dl(groups[title])


def _refuse_unless_number(text: str, parameter: Any, ctx: Any) -> None:
    """Refuse a text that is no number within the bounds of an option, whole where its lower bound is."""
    from pipeline.formats import numbers

    try:
        if isinstance(parameter.min, int):
            most = numbers.MOST if parameter.max is None else parameter.max
            numbers.whole(text, "the value", least=parameter.min, most=most)
        else:
            numbers.within(text, "the value", parameter.min, parameter.max)
    except UserError as error:
        raise typer.BadParameter(str(error), ctx=ctx, param=parameter) from error


def superfluous(given: Mapping[str, Any], without: Iterable[str], because: str) -> str | None:
    """The line that refuses the first option given among those that have no effect `because` of another."""
    names = [name for name in without if name in given]
    return f"--{names[0].replace('_', '-')} has no effect {because}: leave it out" if names else None


def in_order(titles: Iterable[str]) -> list[str]:
    """The titles of a command's help: arguments first, options of no group last."""
    return sorted(titles, key=lambda title: (title == "Options", title != "Arguments"))


def panel_of(parameter: Any) -> str:
    """The title under which the help shows a parameter."""
    if parameter.param_type_name == "argument":
        return "Arguments"
    return getattr(parameter, "rich_help_panel", None) or "Options"


app = typer.Typer(
    cls=VerbGroup,
    help="How well does a proxy rank the architectures of a search space, at what cost, with what certainty?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def verb(
    group: typer.Typer = app,
    *,
    example: str,
    interrupted: str = "what was stored before is as it was; run the same command again",
    name: str | None = None,
    hidden: bool = False,
    cls: type[PanelCommand] = PanelCommand,
    contradiction: Contradiction | None = None,
) -> Callable[[Function], Function]:
    """Register a function as a command of the app or of one of its groups; the function itself is returned as it is.

    Args:
        group: where it is added.
        example: a command line that uses it, shown at the end of its help and in docs/cli.md.
        interrupted: what is stored when a signal such as Ctrl-C ends it.
        name: of the command; by default the function's.
        contradiction: tells what is wrong with options that do not go together.
    """

    def register(function: Function) -> Function:
        command = _saying(interrupted, flattened(function))
        parameters = inspect.signature(command).parameters
        renamed = {former: today for former, today in RENAMED.items() if today in parameters}
        settings = {"token_normalize_func": lambda name: renamed.get(name, name)} if renamed else None
        shown: dict[str, Any] = {"help": documentation(function), "epilog": f"Example: {example}", "hidden": hidden}
        checked: Any = type(cls.__name__, (cls,), {"contradiction": contradiction and staticmethod(contradiction)})
        group.command(name, cls=checked, context_settings=settings, **shown)(command)
        return function

    return register


QuietOption = Annotated[
    bool, typer.Option("--quiet", help="Print only the answer and errors: no progress, no summary.")
]


def _saying(interrupted: str, command: Function) -> Function:
    """The command with the option --quiet, which says on an interruption what is stored."""

    @functools.wraps(command)
    def saying(*positional: Any, quiet: bool = False, **named: Any) -> Any:
        from pipeline import progress

        interruption.says(interrupted)
        progress.silence(quiet)
        try:
            return command(*positional, **named)
        except SystemExit as end:
            raise _ended_by(end) from end
        except KeyboardInterrupt as end:
            if interruption.may_be_wished():
                raise
            raise _ended_by(end) from end
        finally:
            progress.silence(False)

    signature = inspect.signature(command)
    option = inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=QuietOption)
    changed: Any = saying
    changed.__signature__ = signature.replace(parameters=[*signature.parameters.values(), option])
    changed.__annotations__ = {**command.__annotations__, "quiet": QuietOption}
    return cast("Function", saying)


def _ended_by(end: BaseException) -> UserError:
    """The error for code, such as a user's own, that tried to end the command."""
    from pipeline.errors import message_of

    what = f"{type(end).__name__}: {message_of(end)}".removesuffix(": ")
    return UserError(f"code that the command called tried to end it ({what}); what was done is stored")


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
    """Run the command line; exit code 0, 1 (what the user can mend), 2 (usage), 130 (Ctrl-C), 143 (SIGTERM) or 129."""
    streams.prepare()
    with interruption.handled(to_the_end=arguments is None) as signals:
        try:
            signals.begin()
            _run(arguments)
        except BaseException as end:
            signals.finish()
            if signals.signal is None or (isinstance(end, SystemExit) and not end.code):
                with _ended_at_once() if arguments is None else contextlib.nullcontext():
                    _answer(end)
            if arguments is None:  # whatever a library has made of the signal
                signals.end()
            signals.tell()
            sys.exit(signals.exit_code)


@contextlib.contextmanager
def _ended_at_once() -> Iterator[None]:
    """End the process as the block exits, where threads of a user's own code would have Python wait for them."""
    try:
        yield
    except SystemExit as end:
        own_code = sys.modules.get("pipeline.own_code")  # not loaded where no code of a user has run
        if own_code is not None and own_code.runs_on():
            with contextlib.suppress(OSError, ValueError, AttributeError):  # a stream is closed
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(end.code if isinstance(end.code, int) else int(end.code is not None))
        raise


def _run(arguments: list[str] | None) -> None:
    """Run the verb, and write out what it prints while an error can still be told."""
    try:
        app(arguments, prog_name="pipeline")
    except SystemExit:
        sys.stdout.flush()
        raise


def _answer(end: BaseException) -> NoReturn:
    """Exit as an error says; raise what is none that a user can mend."""
    if isinstance(end, UserError):
        _fail(f"error: {end}")
    if is_out_of_memory(end):
        end.__traceback__ = None  # lets go of what its frames hold
        _fail("error: out of memory: give the process more, or ask for less; nothing stored is lost")
    if isinstance(end, OSError) and end.filename is not None:
        _fail(f"error: {from_os(end, f'reading or writing {end.filename}')}")
    if isinstance(end, FileNotFoundError) and is_homeless():
        _fail(f"error: {from_os(end, 'looking for the working folder')}")
    if isinstance(end, Exception) and (refusal := refused_by_system(end)):  # Arrow says so without a number
        _fail(f"error: {refusal}; what was done is stored")
    if isinstance(end, OSError) and end.errno is None:  # of a library; the system states a number
        _fail(f"error: {end}; what was done is stored")
    if isinstance(end, OSError):
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else the exit of Python writes out what is left
        sys.stdout = None
        if isinstance(end, BrokenPipeError):  # the reader, `head` for one, has seen enough
            sys.exit(1)
        _fail(f"error: standard output cannot be written: {end.strerror or end}; what was done is stored")
    raise end


def _fail(text: str) -> NoReturn:
    from pipeline import progress
    from pipeline.escaping import line

    progress.tell(shortened(line(text)))
    sys.exit(1)
