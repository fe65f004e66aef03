"""Rank correlation of scores with true values."""

from __future__ import annotations

import contextlib
import math
import operator
import warnings
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

    from pipeline.rank_correlation import Floats


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


@dataclass(frozen=True)
class RhoDifference:
    """How much higher one Spearman's rho is than another, with the bootstrap 95 % interval, over the same `n` networks.

    `left_out` networks lack a score or a true value. The difference is None where one of the two rhos is not defined,
    the interval also where there are fewer than ten networks.
    """

    difference: float | None
    low: float | None
    high: float | None
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
        scores: one per network; of numbers, higher is better. Failures are left out, and what is None, NaN or infinite.
        truth: the true value of each, in the same order; None or NaN where it is missing.
        lower_is_better: whether a smaller true value is the better one, as of a loss.

    Raises:
        UserError: the two are not equally long, have indexes that differ, or hold something else than numbers; or
            `lower_is_better` is neither true nor false.
    """
    from pipeline import rank_correlation

    [x], y = _complete([scores], truth, lower_is_better)
    left_out = len(scores) - len(y)
    if (rho := _rho(x, y)) is None:
        return Correlation(None, None, None, None, len(y), left_out)
    (interval,) = rank_correlation.spearman_intervals(x[None], y)
    low, high = (interval.low, interval.high) if interval else (None, None)
    return Correlation(rho, low, high, rank_correlation.kendall_tau(x, y), len(y), left_out)


def compare(
    first: Sequence[NetworkScore | float | None] | pd.Series[Any],
    second: Sequence[NetworkScore | float | None] | pd.Series[Any],
    truth: Sequence[float | None] | pd.Series[Any],
    *,
    lower_is_better: bool = False,
) -> RhoDifference:
    """How much better the first scores rank the networks than the second, as a difference of Spearman's rho.

    Both rhos are of the networks that have both scores, and are resampled together: two proxies err on the same
    networks, so that the interval is narrower than the two of `correlate` suggest.

    Args:
        first, second: the scores of two proxies, as in `correlate`.
        truth: the true value of each network, in the same order; None or NaN where it is missing.
        lower_is_better: whether a smaller true value is the better one, as of a loss.

    Raises:
        UserError: as `correlate` does.
    """
    import numpy as np

    from pipeline import rank_correlation

    (x, z), y = _complete([first, second], truth, lower_is_better)
    rho, other = _rho(x, y), _rho(z, y)
    left_out = len(truth) - len(y)
    if rho is None or other is None:
        return RhoDifference(None, None, None, len(y), left_out)
    [intervals] = rank_correlation.paired_intervals_by_target(np.stack([x, z]), y[None], [[0, 1]])
    ends = (float(end[0, 1]) for end in (intervals.difference_low, intervals.difference_high))
    low, high = (None if math.isnan(end) else end for end in ends)
    return RhoDifference(rho - other, low, high, len(y), left_out)


def _complete(series: Sequence[Any], truth: Any, lower_is_better: Any) -> tuple[list[Floats], Floats]:
    """The scores of several proxies and the true values of the networks that have all of them, higher for the better.

    Args:
        series: of each proxy the scores.
        truth, lower_is_better: as in `correlate`.
    """
    import numpy as np

    lower_is_better = arguments.plain(lower_is_better)
    if not isinstance(lower_is_better, bool):
        raise UserError(f"lower_is_better is {excerpt(lower_is_better, 40)}, where True or False is expected")
    for scores in series:
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
    promises = [[score.promise if isinstance(score, NetworkScore) else score for score in scores] for scores in series]
    with warnings.catch_warnings():
        # of a masked value, which is none, and of a tensor with a gradient, whose number is asked for
        warnings.simplefilter("ignore")
        rows = [row for row in zip(*promises, truth, strict=True) if all(map(math.isfinite, map(_number, row)))]
        *scored, y = (np.array(_ordered([row[side] for row in rows]), float) for side in range(len(series) + 1))
    return scored, -y if lower_is_better else y


def _rho(x: Floats, y: Floats) -> float | None:
    """Spearman's rho; None of fewer than three pairs, or where all are of one value."""
    import numpy as np
    from scipy.stats import rankdata

    if len(x) < 3 or x.min() == x.max() or y.min() == y.max():
        return None
    # whole numbers, whose sums are exact: the rho of the same order is 1
    one, other = (2 * rankdata(side) - (len(side) + 1) for side in (x, y))
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))


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
