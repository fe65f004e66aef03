"""The registry of benchmarks: each is a package of this one, imported when it is asked for.

A package that is named after a benchmark holds one `BENCHMARK`, and imports no other benchmark.
"""

from __future__ import annotations

import importlib
import pkgutil

from pipeline.benchmarks.contract import Benchmark
from pipeline.errors import UserError, unknown


def names() -> list[str]:
    """The registered benchmarks, sorted."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if m.ispkg)


def load(name: str) -> Benchmark:
    """The benchmark of that name.

    Raises:
        UserError: there is none; the message suggests the nearest.
    """
    if name not in names():
        raise unknown("benchmark", name, names())
    benchmark = importlib.import_module(f"{__name__}.{name}").BENCHMARK
    if not isinstance(benchmark, Benchmark) or benchmark.name != name:
        raise UserError(f"pipeline/benchmarks/{name} does not hold a BENCHMARK named '{name}'")
    return benchmark
