"""The registry of benchmarks: each is a package of this one, imported on first use.

A package that is named after a benchmark holds one `BENCHMARK`, and imports no other benchmark. Besides those of this
folder there are those in the folder that `PIPELINE_BENCHMARKS` names, for a user's own benchmarks.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from pipeline import progress
from pipeline.benchmarks import own_benchmarks
from pipeline.benchmarks.contract import Benchmark
from pipeline.errors import UserError, excerpt, unknown

OWN = "PIPELINE_BENCHMARKS"
"""The environment variable that names a folder of further benchmarks; a process reads it when it starts."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")  # names a folder of the lake, and stands in addresses

Result = TypeVar("Result")

if os.environ.get(OWN):
    __path__.append(str(Path(os.environ[OWN]).absolute()))


def names() -> list[str]:
    """The registered benchmarks, sorted.

    Raises:
        UserError: `PIPELINE_BENCHMARKS` names the folder of a benchmark in the place of the one that holds it.
    """
    for own in folders()[1:]:
        if (own / "__init__.py").is_file():
            raise UserError(
                f"{OWN} names {own}, which is a benchmark itself: name the folder that holds it, {own.parent}"
            )
    return _packages(__path__)


def folders() -> list[Path]:
    """The folders that hold a folder for each benchmark."""
    return [Path(path) for path in __path__]


def mappings(name: str = "*") -> Iterator[Path]:
    """The files of the table mappings of a benchmark, or of all."""
    return (path for folder in folders() for path in folder.glob(f"{name}/mappings/*.toml"))


def is_own(name: str) -> bool:
    """Whether the benchmark is in the folder that `PIPELINE_BENCHMARKS` names."""
    return name in _packages(__path__[1:])


def load(name: str) -> Benchmark:
    """The benchmark of that name.

    Raises:
        UserError: there is none, and the message suggests the nearest; or one of the user's own cannot be imported, has
            a name of this package, or states what no benchmark has.
    """
    if absent := [str(folder) for folder in folders()[1:] if not folder.is_dir()]:
        raise UserError(f"{OWN} names {absent[0]}, which is no folder: correct it, or unset it")
    if is_own(name):
        return _load_own(name, Path(__path__[1], name))
    if name not in names():
        error = unknown("benchmark", name, names())
        unset = "" if OWN in os.environ else f", and for one of your own set {OWN}"
        joined = "" if str(error).endswith("?") else ";"
        raise UserError(f"{error}{joined} to add one see docs/add-a-benchmark.md{unset}")
    return _imported(name)


def find(name: str) -> Benchmark | None:
    """The benchmark of that name; None where there is none, or one that cannot be loaded."""
    try:
        return load(name)
    except UserError:
        return None


def each(function: Callable[[str], Result]) -> list[Result]:
    """What a function gives for each benchmark, in the order of their names.

    A fault of one of the user's own is one line on standard error; the others are still loaded.

    Raises:
        UserError: something else is wrong.
    """
    results = []
    for name in names():
        try:
            results.append(function(name))
        except UserError as error:
            if not is_own(name):
                raise
            progress.warn(f"{error}; the other benchmarks are not concerned")
    return results


def _load_own(name: str, folder: Path) -> Benchmark:
    if name in {module.name for module in pkgutil.iter_modules(__path__[:1])}:
        raise UserError(f"{folder} has a name that this package uses itself: call the folder otherwise")
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{excerpt(str(folder), 200, bare=True)} is the folder of a benchmark, whose name is made of at most 64 "
            "letters of A to Z, digits, - and _, the first a letter or digit: call it otherwise"
        )
    return own_benchmarks.loaded(name, folder, lambda: _imported(name))


def _imported(name: str) -> Benchmark:
    benchmark: object = importlib.import_module(f"{__name__}.{name}").BENCHMARK
    if not isinstance(benchmark, Benchmark) or benchmark.name != name:
        raise UserError(f"the folder {name} of benchmarks does not hold a BENCHMARK named '{name}'")
    return benchmark


def _packages(paths: Sequence[str]) -> list[str]:
    return sorted({module.name for module in pkgutil.iter_modules(paths) if module.ispkg})
