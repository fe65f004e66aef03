"""Check that a benchmark written by a user states everything that a benchmark must have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, get_type_hints

from pipeline.benchmarks import units
from pipeline.benchmarks.contract import Benchmark, Metric, PublishedFile, Space
from pipeline.errors import UserError, excerpt

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


def require(benchmark: Benchmark) -> None:
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
