"""`pipeline mapping`: begin and check a table mapping."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.application import OrderedGroup, app, verb
from pipeline.cli.options import BENCHMARK_HELP, ForceOption, complete_benchmark
from pipeline.cli.output import answer, say
from pipeline.errors import UserError

mapping = typer.Typer(
    cls=OrderedGroup,
    help="Write or check a table mapping, which says what the columns of a table mean.",
    no_args_is_help=True,
    epilog="Example: pipeline mapping init colleague.csv",
)
app.add_typer(mapping, name="mapping")

OptionalBenchmarkOption = Annotated[
    str | None, typer.Option(help=f"{BENCHMARK_HELP} Guessed by default.", autocompletion=complete_benchmark)
]


@verb(mapping, example="pipeline mapping init colleague.csv", interrupted="no file was written")
def init(
    table: Annotated[Path, typer.Argument(help="A table of whatever form, or a folder of such files.")],
    benchmark: OptionalBenchmarkOption = None,
    out: Annotated[
        Path | None, typer.Option(help="TOML file to write; by default the table's name with .toml, here.")
    ] = None,
    force: ForceOption = False,
) -> None:
    """Guess a table mapping from a table, with comments on what was guessed."""
    from pipeline.ingest import mapping_draft
    from pipeline.wording import count_of

    file = out or Path(f"{table.name.partition('.')[0] or 'table'}.toml")
    drafted = mapping_draft.write(table, file, benchmark, force=force)
    then = shlex.join(["pipeline", "mapping", "check", str(file), str(table)])
    if not drafted.values:
        say(
            f"{file}: the architectures are of {drafted.benchmark}, and no column is taken, for the reasons at its "
            f"end: add [[truth]] or [[score]] by hand, then `{then}`"
        )
        return
    say(
        f"{file}: {count_of(drafted.values, 'column')} of {drafted.benchmark} with "
        f"{count_of(drafted.guesses, 'guess', 'guesses')} to look at, then `{then}`"
    )


@verb(mapping, example="pipeline mapping check colleague.toml colleague.csv", interrupted="nothing was changed")
def check(
    file: Annotated[Path, typer.Argument(help="Table mapping.", metavar="FILE.toml")],
    table: Annotated[Path, typer.Argument(help="The table.")],
) -> None:
    """List all mistakes of a table mapping, and show how the first five rows of the table would be stored."""
    from pipeline.ingest import mapping_check
    from pipeline.wording import count_of

    checked = mapping_check.check(file, table)
    for fault in checked.faults:
        answer(f"{file}:{fault.line}: {fault.what}; {fault.remedy}")
    for line in checked.preview:
        answer(line)
    if checked.faults:
        count = len(checked.faults)
        raise UserError(f"{count_of(count, 'fault')} in {file}: mend {'them' if count > 1 else 'it'}, check again")
    then = shlex.join(["pipeline", "ingest", checked.benchmark, str(table), "--mapping", str(file)])
    say(f"no fault in {count_of(checked.rows, 'row')}: {then}")
