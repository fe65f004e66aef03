"""`pipeline export`: the lake as one database file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.application import say, verb
from pipeline.cli.options import DEFAULT_LAKE, ForceOption, LakeOption


@verb(example="pipeline export colleague.duckdb", interrupted="no file was written; run the same command again")
def export(
    file: Annotated[Path, typer.Argument(help="DuckDB database to write.", show_default=False)],
    force: ForceOption = False,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Write the lake as one DuckDB database that needs no other file.

    An earlier export of that name is replaced.
    """
    from pipeline import catalog
    from pipeline.lake.store import Lake

    written = catalog.export(Lake(lake), file, force=force)
    say(f"{written}: {written.stat().st_size / 1e6:.1f} MB")
