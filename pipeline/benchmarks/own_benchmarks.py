"""Benchmarks of a user, whose code is unknown: whatever goes wrong in it becomes one line that names the benchmark."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

from pipeline import own_code, provenance
from pipeline.benchmarks import defaults, notation, units
from pipeline.benchmarks.contract import Benchmark, Metric, PublishedFile, Space, composed_by
from pipeline.errors import UserError, excerpt, is_out_of_memory, message_of
from pipeline.formats import json_objects
from pipeline.time_limit import TooSlowError, within

LONGEST = 60.0  # seconds that it may take to load one: a busy machine needs ten for torch

_GIVE_SPECS = ("canonical", "compose", "sample", "mutate")
_DRAW = frozenset({"sample", "mutate"})
_GIVE_OTHERS = ("check", "graph")
"""Of the functions `build` and `features` are not among them: what they raise is a network that failed."""

Part = Benchmark | Space | Metric | PublishedFile

_LONGEST_NAME = 64  # characters
_FUNCTIONS = ("canonical", "compose", "read", "build", "sample", "mutate", "check", "features", "graph")
_NEEDED = ("canonical", "compose", "read", "build")
_TYPES: dict[type, dict[str, Any]] = {
    Benchmark: {
        **dict.fromkeys(("title", "licence", "forms", "reference", "inputs"), str),
        **dict.fromkeys(("reader_version", "stages"), int), "curves_asked": bool,
        "classes": Mapping, "published": tuple | list,
    },
    PublishedFile: {**get_type_hints(PublishedFile), "steps": tuple | list},
    Space: get_type_hints(Space),
    Metric: {name: kind for name, kind in get_type_hints(Metric).items() if name != "plausible"},
}  # fmt: skip


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
        _require_sound(benchmark)
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
    notation.require_stable(canonical, space, spec, what)
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


def _require_sound(benchmark: Benchmark) -> None:
    """Refuse a benchmark without a search space or metric, with two of one name, or with a value of another type.

    Raises:
        UserError: it is one; the message says what it states, and what is expected.
    """
    for field, kind in (("spaces", Space), ("metrics", Metric)):
        stated = getattr(benchmark, field)
        if not isinstance(stated, tuple | list) or not stated or not all(isinstance(one, kind) for one in stated):
            raise UserError(f"its {field} are {excerpt(stated, 60)}, where a tuple of {kind.__name__} is expected")
    _require_types(benchmark)
    if not all(isinstance(file, PublishedFile) for file in benchmark.published):
        raise UserError(f"published is {excerpt(benchmark.published, 60)}, where a tuple of PublishedFile is expected")
    parts: list[Part] = [*benchmark.spaces, *benchmark.metrics, *benchmark.published]
    for part in parts:
        _require_types(part)
    _require_functions(benchmark)
    for metric in benchmark.metrics:
        _require_plausible(metric)
    _require_names("space", ((space.name,) for space in benchmark.spaces))
    _require_names("metric", ((metric.dataset, metric.metric) for metric in benchmark.metrics))
    for unit in (metric.unit for metric in benchmark.metrics):
        if unit not in units.LIMITS:
            raise UserError(f"a metric has the unit {excerpt(unit, 40)}; known are {', '.join(units.LIMITS)}")


def _require_types(part: Part) -> None:
    for field, kind in _TYPES[type(part)].items():
        value = getattr(part, field)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind in (int, int | None)):
            wanted = getattr(kind, "__name__", kind)
            raise UserError(f"{field} of a {type(part).__name__} is {excerpt(value, 60)}, where {wanted} is expected")


def _require_functions(benchmark: Benchmark) -> None:
    for field in _FUNCTIONS:
        value = getattr(benchmark, field)
        if not callable(value) and (value is not None or field in _NEEDED):
            raise UserError(f"{field} of a Benchmark is {excerpt(value, 60)}, where a function is expected")


def _require_plausible(metric: Metric) -> None:
    limits = metric.plausible
    if limits is None:
        return
    numbers = isinstance(limits, tuple | list) and len(limits) == 2 and all(type(one) in (int, float) for one in limits)
    if not numbers or not limits[0] <= limits[1]:  # which NaN is not
        raise UserError(
            f"plausible of the metric {metric.dataset} {metric.metric} is {excerpt(limits, 60)}, where the smallest "
            "and the largest plausible number are expected"
        )


def _require_names(what: str, names: Iterable[tuple[str, ...]]) -> None:
    counts = Counter(names)
    for text in (text for name in counts for text in name):
        if not text.strip() or not text.isprintable() or len(text) > _LONGEST_NAME:
            raise UserError(
                f"a {what} is called {excerpt(text, 60)}, where a text of 1 to {_LONGEST_NAME} characters is expected"
            )
    if twice := [name for name, count in counts.items() if count > 1]:
        raise UserError(f"it states the {what} {' '.join(twice[0])} twice")
