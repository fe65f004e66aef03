"""`pipeline sources`: published files and tables that can be ingested."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.application import verb
from pipeline.cli.options import complete_benchmark
from pipeline.cli.output import JsonOption, print_rows


@verb(example="pipeline sources nasbench201")
def sources(
    benchmark: Annotated[
        str | None,
        typer.Argument(help="Only those of this benchmark.", show_default=False, autocompletion=complete_benchmark),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the published files and tables that can be ingested.

    Files of a benchmark's authors are listed by file name, tables of others by the name that `ingest --mapping` takes
    (BENCHMARK/NAME where two benchmarks have tables of that name); each with its size, licence and address, and whether
    `pipeline fetch` can download it.
    """
    from pipeline import benchmarks
    from pipeline.ingest import published

    names = benchmarks.names() if benchmark is None else [benchmarks.load(benchmark).name]
    rows = [
        row | {"source": row["fetched_as"], "size": _size(row["bytes"]),
               "fetch": "yes" if row["download"] else "by hand"}
        for row in published.sources() if row["benchmark"] in names
    ]  # fmt: skip
    columns = ("source", *(["benchmark"] if benchmark is None else []), "size", "fetch", "licence", "holds", "address")
    print_rows(rows, {name: name for name in columns}, as_json=as_json)


def _size(count: int | None) -> str | None:
    """A number of bytes as a person reads it: 499 MB."""
    if count is None:
        return None
    for unit, name, digits in ((1e9, "GB", 2), (1e6, "MB", 0), (1e3, "kB", 0)):
        if count >= unit:
            return f"{count / unit:.{digits}f} {name}"
    return f"{count} B"
