"""Units of measured values: what a number may be, and what becomes of one unit in another."""

from __future__ import annotations

import math

_TOLERANCE = 1e-6  # an accuracy of 100 % that went through float32

LIMITS = {
    "percent": (0.0, 100.0),
    "fraction": (0.0, 1.0),
    "count": (0.0, math.inf),
    "seconds": (0.0, math.inf),
    "nats": (0.0, math.inf),
}
_FACTORS = {("fraction", "percent"): 100.0, ("percent", "fraction"): 0.01}


def outside(unit: str, value: float) -> bool:
    """Whether a value cannot be of that unit."""
    low, high = LIMITS[unit]
    return not low - _TOLERANCE <= value <= high + _TOLERANCE


def factor(unit: str, other: str) -> float | None:
    """What a value in `unit` is multiplied with to be in `other`; None if that cannot be."""
    return 1.0 if unit == other else _FACTORS.get((unit, other))
