"""The registry of benchmarks: each is a package of this one, imported when it is asked for.

A package that is named after a benchmark holds one `BENCHMARK`, and imports no other benchmark. Besides those of this
folder there are those in the folder that `PIPELINE_BENCHMARKS` names, for benchmarks of one's own.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.benchmarks.contract import Benchmark
from pipeline.errors import UserError, excerpt, unknown

OWN = "PIPELINE_BENCHMARKS"
"""The environment variable that names a folder of further benchmarks; a process reads it when it starts."""

if os.environ.get(OWN):
    __path__.append(str(Path(os.environ[OWN]).absolute()))


def names() -> list[str]:
    """The registered benchmarks, sorted."""
    return sorted({m.name for m in pkgutil.iter_modules(__path__) if m.ispkg})


def folders() -> list[Path]:
    """The folders that hold a folder for each benchmark."""
    return [Path(path) for path in __path__]


def mappings(name: str = "*") -> Iterator[Path]:
    """The files of the table mappings of a benchmark, or of all."""
    return (path for folder in folders() for path in folder.glob(f"{name}/mappings/*.toml"))


def load(name: str) -> Benchmark:
    """The benchmark of that name.

    Raises:
        UserError: there is none, and the message suggests the nearest; or one of the user's own cannot be imported.
    """
    own = folders()[1:]
    if absent := [str(folder) for folder in own if not folder.is_dir()]:
        raise UserError(f"{OWN} names {absent[0]}, which is no folder: correct it, or unset it")
    if name not in names():
        error = unknown("benchmark", name, names())
        raise UserError(f"{error}{'' if str(error).endswith('?') else ';'} to add one see docs/add-a-benchmark.md")
    package = f"{__name__}.{name}"
    try:
        benchmark = importlib.import_module(package).BENCHMARK
    except Exception as error:
        if not any((folder / name).is_dir() for folder in own):
            raise
        reason = excerpt(" ".join(f"{type(error).__name__}: {error}".split()), 200, bare=True)
        raise UserError(f"the benchmark {name} of {own[0]} cannot be loaded: {reason}") from error
    if not isinstance(benchmark, Benchmark) or benchmark.name != name:
        raise UserError(f"the folder {name} of benchmarks does not hold a BENCHMARK named '{name}'")
    return benchmark
