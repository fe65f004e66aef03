"""The unit and the scale of a column, by its name or its largest value."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.benchmarks.contract import Metric
from pipeline.ingest.guessing.column_words import split_words, words_of_metric

_THOUSANDS = {
    "k": 1e3, "thousand": 1e3, "thousands": 1e3, "m": 1e6, "million": 1e6, "millions": 1e6, "mb": 1e6, "g": 1e9,
    "b": 1e9, "billion": 1e9, "billions": 1e9,
}  # fmt: skip
_TIMES = {
    **dict.fromkeys(("ns", "nanoseconds"), ("milliseconds", 1e-6)),
    **dict.fromkeys(("us", "usec", "microseconds"), ("milliseconds", 1e-3)),
    **dict.fromkeys(("ms", "msec", "milliseconds"), ("milliseconds", 1.0)),
    **dict.fromkeys(("s", "sec", "secs", "seconds"), ("seconds", 1.0)),
    **dict.fromkeys(("min", "mins", "minutes"), ("seconds", 60.0)),
    **dict.fromkeys(("h", "hr", "hrs", "hours"), ("seconds", 3600.0)),
    "days": ("seconds", 86_400.0),
}
_ENERGIES = {"uj": 1e-3, "mj": 1.0, "millijoule": 1.0, "millijoules": 1.0, "j": 1e3, "joule": 1e3, "joules": 1e3}
_SMALLEST_COUNT = 5_000  # parameters of a network: a column of smaller numbers is in thousands or millions
_LARGEST_BILLIONS = 5  # of operations: the largest of a column in millions is larger


class UnitGuess(NamedTuple):
    """A unit, the factor by which the numbers are in it, and what the column does not say of them."""

    unit: str
    scale: float = 1.0
    doubts: tuple[str, ...] = ()


def unit_of(column: str, metric: Metric, largest: float) -> UnitGuess:
    """The unit of a column of this name, metric and largest number."""
    seen = f"its largest value of the first rows is {largest:g}"
    words = split_words(column)
    match metric.unit:
        case "percent" | "fraction":
            return UnitGuess("fraction" if largest <= 1 else "percent", 1.0, (f"the unit: {seen}",))
        case "count":
            named = next((_THOUSANDS[word] for word in words if word in _THOUSANDS), None)
            scale = named or _scale(metric, largest)
            why = "its name says so" if named else seen
            return UnitGuess(metric.unit, scale, (f"the scale of {scale:g}: {why}",) if scale != 1 else ())
        case "seconds" | "milliseconds":
            called = next((_TIMES[word] for word in words if word in _TIMES), None)
            if called is not None:
                return UnitGuess(*called)
        case "millijoules":
            scale = next((_ENERGIES[word] for word in words if word in _ENERGIES), 0.0)
            if scale:
                return UnitGuess(metric.unit, scale)
        case _:
            return UnitGuess(metric.unit)
    return UnitGuess(metric.unit, 1.0, (f"the unit: the column does not name one, and {metric.unit} is taken",))


def _scale(metric: Metric, largest: float) -> float:
    """The scale of numbers of parameters or operations; of these a network of images has millions or more."""
    if "flops" in words_of_metric(metric) and largest < _SMALLEST_COUNT:
        return 1e9 if largest < _LARGEST_BILLIONS else 1e6
    return 1.0 if largest >= _SMALLEST_COUNT else 1e6 if largest < 50 else 1e3
