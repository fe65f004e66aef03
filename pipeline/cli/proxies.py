"""`pipeline proxies`: the proxies that ship with this package."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.application import verb
from pipeline.cli.options import complete_benchmark
from pipeline.cli.output import JsonOption, print_rows


@verb(example="pipeline proxies --for nasbench_nlp")
def proxies(
    benchmark: Annotated[
        str | None,
        typer.Option("--for", help="Only those for this benchmark's networks.", autocompletion=complete_benchmark),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the proxies by name, with what each computes.

    Each with its kind, and what the networks take that it scores: images or sequences.
    """
    from pipeline import benchmarks
    from pipeline.status import shipped_proxies

    inputs = None if benchmark is None else benchmarks.load(benchmark).inputs
    rows = shipped_proxies.rows(inputs)
    print_rows(
        rows, {"name": "proxy", "kind": "kind", "inputs": "inputs", "description": "description"}, as_json=as_json
    )
