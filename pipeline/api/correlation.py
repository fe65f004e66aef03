"""Rank correlation of scores with true values."""

from __future__ import annotations

import contextlib
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pipeline.api import arguments
from pipeline.api.networks import NetworkScore
from pipeline.errors import UserError, excerpt
from pipeline.wording import count_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Correlation:
    """How well scores rank: Spearman's rho with its bootstrap 95 % interval and Kendall's tau-b, over `n` pairs.

    `left_out` pairs lack a score or a true value. Rho and tau are None where there are fewer than three pairs or all
    are of one value, the interval also where there are fewer than ten.
    """

    rho: float | None
    low: float | None
    high: float | None
    tau: float | None
    n: int
    left_out: int


def correlate(
    scores: Sequence[NetworkScore | float | None] | pd.Series[Any],
    truth: Sequence[float | None] | pd.Series[Any],
    *,
    lower_is_better: bool = False,
) -> Correlation:
    """Rank correlation of scores with true values.

    Args:
        scores: one per network; of numbers, higher is better. Failures and missing scores (None or NaN) are left out.
        truth: the true value of each, in the same order; None or NaN where it is missing.
        lower_is_better: whether a smaller true value is the better one, as with a loss.

    Raises:
        UserError: the two are not equally long, have indexes that differ, or hold something else than numbers; or
            `lower_is_better` is neither true nor false.
    """
    import numpy as np
    from scipy.stats import spearmanr

    from pipeline import rank_correlation

    lower_is_better = arguments.plain(lower_is_better)
    if not isinstance(lower_is_better, bool):
        raise UserError(f"lower_is_better is {excerpt(lower_is_better, 40)}, where True or False is expected")
    count, values = arguments.length("the scores", scores), arguments.length("the true values", truth)
    if count != values:
        raise UserError(
            f"{count_of(count, 'score')} and {count_of(values, 'true value')}: give one value for each score"
        )
    names, true_names = _index(scores), _index(truth)
    if names is not None and true_names is not None and not names.equals(true_names):
        raise UserError(
            "the scores and the true values have different indexes, and are paired by their order: give "
            "truth.reindex(scores.index), or scores.to_numpy() and truth.to_numpy() where the order is right"
        )
    promises = [score.promise if isinstance(score, NetworkScore) else score for score in scores]
    pairs = [
        pair
        for pair in zip(promises, truth, strict=True)
        if all(math.isfinite(number) for number in map(_number, pair))
    ]
    x, y = (np.array(_ordered([pair[side] for pair in pairs]), float) for side in (0, 1))
    y = -y if lower_is_better else y
    left_out = len(scores) - len(x)
    if len(x) < 3 or x.min() == x.max() or y.min() == y.max():
        return Correlation(None, None, None, None, len(x), left_out)
    (interval,) = rank_correlation.spearman_intervals(x[None], y)
    low, high = (interval.low, interval.high) if interval else (None, None)
    rho = float(spearmanr(x, y).statistic)
    return Correlation(rho, low, high, rank_correlation.kendall_tau(x, y), len(x), left_out)


def _index(values: Any) -> Any:
    """The index of a Series, None of what has none; a list's is a method."""
    index = getattr(values, "index", None)
    return None if callable(index) else index


def _ordered(values: Sequence[Any]) -> list[float]:
    """The values as floats, or their places in order where floats tie what differs: whole numbers beyond 2^53."""
    floats, exact = list(map(_number, values)), list(map(_exactly, values))
    if floats == exact:
        return floats
    places = {value: place for place, value in enumerate(sorted(set(exact)))}
    return [float(places[value]) for value in exact]


def _exactly(value: Any) -> float | Fraction:
    """A number without a loss where it is a whole one, a fraction or a decimal."""
    if isinstance(value, Fraction | Decimal):
        return Fraction(value)
    try:
        return Fraction(operator.index(value))
    except TypeError:
        return _number(value)


def _number(value: Any) -> float:
    """The value as a float, NaN where there is none; pandas' NA is not a number either."""
    if isinstance(value, Decimal) and value.is_nan():  # also a signaling one, which is no float
        return math.nan
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        number = float(value)
        beyond = math.isinf(number) and isinstance(value, Decimal) and value.is_finite()
        if not beyond and not isinstance(value, str | bytes):  # of which Python reads "1_000" and digits of any script
            return number
    import pandas as pd

    if pd.api.types.is_scalar(value) and pd.isna(value):
        return math.nan
    raise UserError(f"a value is {excerpt(value, 40)}, where a number or None is expected")
