"""Whether a benchmark states what every benchmark has: one of one's own is written by hand, by whoever needs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pipeline.benchmarks import units
from pipeline.benchmarks.contract import Benchmark, Metric, Space
from pipeline.errors import UserError, excerpt

_LONGEST_NAME = 64  # characters
_TYPES: dict[type, dict[str, Any]] = {
    Benchmark: dict.fromkeys(("title", "licence", "forms", "reference", "inputs"), str),
    Space: {"name": str, "size": int | None, "description": str},
    Metric: {
        **dict.fromkeys(("dataset", "metric", "split", "unit", "description", "family"), str),
        "higher_is_better": bool | None, "priority": int | None, "condition": str | None,
    },
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
    parts: list[Benchmark | Space | Metric] = [benchmark, *benchmark.spaces, *benchmark.metrics]
    for part in parts:
        _require_types(part)
    _require_names("space", ((space.name,) for space in benchmark.spaces))
    _require_names("metric", ((metric.dataset, metric.metric) for metric in benchmark.metrics))
    for unit in (metric.unit for metric in benchmark.metrics):
        if unit not in units.LIMITS:
            raise UserError(f"a metric has the unit {excerpt(unit, 40)}; known are {', '.join(units.LIMITS)}")


def _require_types(part: Benchmark | Space | Metric) -> None:
    for field, kind in _TYPES[type(part)].items():
        value = getattr(part, field)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind == int | None):
            wanted = getattr(kind, "__name__", kind)
            raise UserError(f"{field} of a {type(part).__name__} is {excerpt(value, 60)}, where {wanted} is expected")


def _require_names(what: str, names: Iterable[tuple[str, ...]]) -> None:
    counts = Counter(names)
    for text in (text for name in counts for text in name):
        if not text.strip() or not text.isprintable() or len(text) > _LONGEST_NAME:
            raise UserError(
                f"a {what} is called {excerpt(text, 60)}, where a text of 1 to {_LONGEST_NAME} characters is expected"
            )
    if twice := [name for name, count in counts.items() if count > 1]:
        raise UserError(f"it states the {what} {' '.join(twice[0])} twice")
