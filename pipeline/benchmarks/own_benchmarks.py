"""Benchmarks of a user, whose code is unknown: whatever goes wrong in it becomes one line that names the benchmark."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pipeline import own_code, provenance
from pipeline.benchmarks import defaults, soundness, stable_specs
from pipeline.benchmarks.contract import Benchmark, composed_by
from pipeline.errors import UserError, excerpt, is_out_of_memory, message_of
from pipeline.formats import json_objects
from pipeline.time_limit import TooSlowError, within

LONGEST = 60.0  # seconds that it may take to load one: a busy machine needs ten for torch

_GIVE_SPECS = ("canonical", "compose", "sample", "mutate")
_DRAW = frozenset({"sample", "mutate"})
_GIVE_OTHERS = ("check", "graph")
"""Of the functions `build` and `features` are not among them: what they raise is a network that failed."""


def loaded(name: str, folder: Path, load: Callable[[], Benchmark]) -> Benchmark:
    """A benchmark whose functions raise nothing but `UserError`.

    Args:
        load: imports it. What it prints goes to standard error: what a command answers stays as it is.

    Raises:
        UserError: it raises, ends the process or never ends, or states what no benchmark has.
    """
    named = f"the benchmark {name} of {folder.parent}"
    if not (folder / "__init__.py").is_file() and (folder / "__init__.py").exists():
        raise UserError(f"{folder / '__init__.py'} is no plain file, and no benchmark is loaded from there")
    try:
        with own_code.death_told(f"loading {named}"), own_code.contained(), within(LONGEST):
            benchmark = load()
        soundness.require(benchmark)
    except TooSlowError as error:
        raise UserError(f"{named} cannot be loaded: it takes more than {LONGEST:g} s") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise UserError(f"{named} cannot be loaded: {_reason(error)}") from error
    return _guarded(benchmark, named)


def _guarded(benchmark: Benchmark, named: str) -> Benchmark:
    """The benchmark with functions of its own in whose place are those that call them."""
    functions: dict[str, Any] = {"read": _read, **dict.fromkeys(_GIVE_SPECS, _spec)}
    functions |= dict.fromkeys(_GIVE_OTHERS, _called)
    changes: dict[str, Any] = {}
    for field, call in functions.items():
        function = getattr(benchmark, field)
        if function is not None and function is not getattr(defaults, field, None):
            changes[field] = partial(call, f"{named}: `{field}`", function)
    canonical = changes.get("canonical", benchmark.canonical)
    if "canonical" in changes and "compose" not in changes:
        changes["compose"] = composed_by(canonical, json_objects.decoded_if_json)
    for field in _DRAW.intersection(changes):
        changes[field] = partial(_drawn, f"{named}: `{field}`", changes[field], canonical)
    return replace(benchmark, **changes)


def _called(what: str, function: Callable[..., Any], *given: Any) -> Any:
    try:
        with contextlib.redirect_stdout(sys.stderr), own_code.guarded():
            return function(*given)
    except (UserError, KeyboardInterrupt, TooSlowError):
        raise
    except BaseException as error:
        if is_out_of_memory(error):
            raise
        raise UserError(f"{what} raises {_reason(error)}") from error


def _spec(what: str, function: Callable[..., Any], *given: Any) -> dict[str, Any]:
    spec = _called(what, function, *given)
    try:
        provenance.canonical_json(spec)
    except (ValueError, TypeError, RecursionError) as error:
        raise UserError(f"{what} gives {excerpt(spec)}, which is no JSON: {_reason(error)}") from error
    if not isinstance(spec, dict):
        raise UserError(f"{what} gives {excerpt(spec)}, where a dictionary is expected")
    return spec


def _drawn(what: str, function: Callable[..., Any], canonical: Callable[..., Any], space: str, *given: Any) -> Any:
    spec = function(space, *given)
    stable_specs.require(canonical, space, spec, what)
    return spec


def _read(what: str, function: Callable[..., Any], *given: Any) -> Iterator[Any]:
    """What `function` refuses it refuses at once, as the readers of this package do."""
    batches = _called(what, lambda: iter(function(*given)))
    return _batches(what, batches)


def _batches(what: str, batches: Iterator[Any]) -> Iterator[Any]:
    ended = object()
    while (batch := _called(what, next, batches, ended)) is not ended:
        yield batch


def _reason(error: BaseException) -> str:
    kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
    return excerpt(" ".join(f"{kind}{message_of(error)}".split()), 200, bare=True)
