"""What a value of a metric can be."""

from __future__ import annotations

import math

from pipeline.benchmarks import units
from pipeline.benchmarks.contract import Metric
from pipeline.errors import UserError


def checked(value: float, what: str, metric: Metric) -> float:
    """The value; NaN and infinity are values of trainings that failed.

    Raises:
        UserError: the metric cannot have it; the message begins with `what`.
    """
    least, most = metric.plausible or (-math.inf, math.inf)
    if math.isfinite(value):
        if units.outside(metric.unit, value):
            raise UserError(f"{what} {value:g}, which is no {metric.unit}")
        if not least - units.TOLERANCE <= value <= most + units.TOLERANCE:
            raise UserError(f"{what} {value:g}, where {metric.metric} is {_range(least, most)}")
    return value


def _range(least: float, most: float) -> str:
    if math.isinf(most):
        return f"at least {least:g}"
    return f"at most {most:g}" if math.isinf(least) else f"from {least:g} to {most:g}"
