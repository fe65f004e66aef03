"""`pipeline export`: write the lake as one database file, or as a folder of Parquet files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.application import superfluous, verb
from pipeline.cli.options import DEFAULT_LAKE, ForceOption, LakeOption
from pipeline.cli.output import say


def contradiction(given: Mapping[str, Any]) -> str | None:
    """A database and a folder together, neither, or a licence for a database, which has no card."""
    if "file" in given and "parquet" in given:
        return "name a database or a folder with --parquet, not both"
    if "file" not in given and "parquet" not in given:
        return "name a database to write, or a folder with --parquet"
    return superfluous(given, ["licence"], "on a database, which has no card") if "file" in given else None


@verb(
    example="pipeline export --parquet shared",
    interrupted="no file was written; run the same command again",
    contradiction=contradiction,
)
def export(
    file: Annotated[Path | None, typer.Argument(help="DuckDB database to write.", show_default=False)] = None,
    parquet: Annotated[
        Path | None, typer.Option(help="Write one Parquet file per table, and a dataset card, into this folder.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence of the scores that you computed, for the card: CC-BY-4.0.")
    ] = None,
    force: ForceOption = False,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Write the lake as one DuckDB database, or as Parquet files to publish.

    The database needs no other file. An earlier export of that name is replaced. Neither form says where the lake is
    stored.
    """
    from pipeline import catalog
    from pipeline.lake.store import Lake

    if parquet is not None:
        from pipeline.export import tables

        say(tables.export(Lake(lake), parquet, licence=licence, force=force).line)
        if licence is None:
            say("the card states no licence of the scores that you computed: give one with --licence", err=True)
        return
    assert file is not None  # else there is a contradiction
    written = catalog.export(Lake(lake), file, force=force)
    say(f"{written}: {written.stat().st_size / 1e6:.1f} MB")
