"""`pipeline benchmarks`: the benchmarks and their search spaces."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.application import verb
from pipeline.cli.options import complete_benchmark
from pipeline.cli.output import JsonOption, print_rows


@verb(example="pipeline benchmarks nds")
def benchmarks(
    benchmark: Annotated[
        str | None,
        typer.Argument(help="List the spaces of this one.", show_default=False, autocompletion=complete_benchmark),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the benchmarks, or the search spaces of one.

    Each benchmark with what its networks take, the licence of the published files and an address; each space with its
    number of architectures, where it is known.
    """
    from pipeline import benchmarks as registry
    from pipeline.ingest import published

    if benchmark is None:
        columns = {"benchmark": "benchmark", "space_count": "spaces", "inputs": "inputs", "licence": "licence"}
        print_rows(registry.each(published.benchmark_row), columns | {"address": "address"}, as_json=as_json)
        return
    spaces = published.benchmark_row(benchmark)["spaces"]
    print_rows(spaces, {n: n for n in ("space", "architectures", "description")}, as_json=as_json)
