"""Units of measured values: what a number may be, what is plausible of it, and what becomes of one unit in another.

This is where metrics state their ranges. A value that is not *possible* is no measurement: the record is rejected. One
that is possible and not *plausible* is stored, and the ingest warns of it.

What guessing gives bounds accuracies from below, and losses and perplexities from above. It is among the classes or
words of the data set, as `Benchmark.classes` counts them; where it does not, the bound is left out. A metric whose
values its unit does not bound states what is plausible itself (`Metric.plausible`): a correlation may be negative, and
a squared error has no upper bound.
"""

from __future__ import annotations

import math

from pipeline.benchmarks.contract import Metric

TOLERANCE = 1e-6
"""How far a value may lie outside of its range, as an accuracy of 100 % that went through float32 does."""

LIMITS = {
    "percent": (0.0, 100.0),
    "fraction": (0.0, 1.0),
    "count": (1.0, math.inf),
    "seconds": (0.0, math.inf),
    "milliseconds": (0.0, math.inf),
    "millijoules": (0.0, math.inf),
    "ratio": (0.0, math.inf),
    "nats": (0.0, math.inf),
    "perplexity": (1.0, math.inf),
    "none": (-math.inf, math.inf),
}
"""The least and the largest possible value of each unit."""

_PLAUSIBLE = {
    "fraction": (0.0, 1.0),
    "count": (1e3, 1e13),
    "seconds": (1e-6, 1e9),
    "milliseconds": (1e-3, 1e6),
    "millijoules": (1e-3, 1e6),
    "ratio": (0.0, 1e6),
    "none": (0.0, 10.0),
}
_FACTORS = {
    ("fraction", "percent"): 100.0,
    ("percent", "fraction"): 0.01,
    ("seconds", "milliseconds"): 1e3,
    ("milliseconds", "seconds"): 1e-3,
}


def outside(unit: str, value: float) -> bool:
    """Whether a value cannot be of that unit."""
    low, high = LIMITS[unit]
    return not low - TOLERANCE <= value <= high + TOLERANCE


def factor(unit: str, other: str) -> float | None:
    """What a value in `unit` is multiplied with to be in `other`; None if that cannot be."""
    return 1.0 if unit == other else _FACTORS.get((unit, other))


def is_accuracy(metric: Metric) -> bool:
    """Whether it is a share of right answers, in percent, that guessing bounds: under a condition nothing does."""
    return metric.unit == "percent" and metric.higher_is_better is True and metric.condition is None


def plausible(metric: Metric, classes: int | None) -> tuple[float, float]:
    """The smallest and the largest plausible value of a metric, whose data set has so many classes or words."""
    if metric.plausible is not None:
        return metric.plausible
    if is_accuracy(metric):
        return (50 / classes if classes else 0.0), (100.0 if metric.split == "train" else 99.95)
    if metric.unit == "percent":
        return 0.0, (100.0 if metric.condition else 50.0)
    if metric.unit == "nats":
        return 0.0, 10 * math.log(classes) if classes else math.inf
    if metric.unit == "perplexity":
        return 2.0, 10.0 * classes if classes else math.inf
    return _PLAUSIBLE[metric.unit]
