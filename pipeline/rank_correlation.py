"""How certain a rank correlation is: Spearman's rho under resampling, and Kendall's tau.

A resample of n architectures is held as how often each of them was drawn, and its ranks follow from running sums of
these counts over the sorted values. That is exact, ties included, and needs no sort for each resample. Twice a rank is
whole, so that sums are exact and do not depend on their order.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int32]

RESAMPLES = 2000
FEW_RESAMPLES = 500  # above MANY architectures, where an interval is narrow and a resample costs more
MANY = 5000
LEVEL = 0.95
FEWEST = 10  # pairs; the resamples of fewer repeat so few values that five in order give [1, 1]
_CELLS = 125_000  # counts held at a time: half a megabyte, so that they stay in the cache


@dataclass(frozen=True)
class Interval:
    """A percentile interval of `LEVEL` from `resamples` resamples."""

    low: float
    high: float
    resamples: int


@dataclass(frozen=True)
class PairedIntervals:
    """The intervals of k rhos [k] and of all their differences [k, k], row less column; NaN where none is defined."""

    low: Floats
    high: Floats
    difference_low: Floats
    difference_high: Floats


def spearman_intervals(x: Floats, y: Floats, seed: int = 0, resamples: int | None = None) -> list[Interval | None]:
    """The bootstrap percentile interval of Spearman's rho of each row of `x` [k, n] with `y` [n], over pairs.

    Args:
        x: one finite value per architecture, for each of k proxies.
        y: the true values of the same architectures.
        seed: of the resampling.
        resamples: how many; by default `RESAMPLES`, or `FEW_RESAMPLES` above `MANY` architectures.

    Returns:
        k intervals; None where there are fewer than `FEWEST` pairs, or all are of one value.
    """
    [intervals] = spearman_intervals_by_target(x, y[None], seed, resamples)
    return intervals


def spearman_intervals_by_target(
    x: Floats, ys: Floats, seed: int = 0, resamples: int | None = None
) -> list[list[Interval | None]]:
    """`spearman_intervals` of `x` [k, n] with each row of `ys` [t, n]; a score is ranked once for all t targets."""
    intervals: list[list[Interval | None]] = [[None] * len(x) for _ in ys]
    proxies, targets = _defined(x), _defined(ys)
    if proxies and targets:
        count = resamples or resamples_for(ys.shape[1])
        for target, rhos in zip(targets, resampled_rhos_by_target(x[proxies], ys[targets], count, seed), strict=True):
            for place, interval in zip(proxies, _intervals(rhos), strict=True):
                intervals[target][place] = interval
    return intervals


def paired_intervals(x: Floats, y: Floats, seed: int = 0, resamples: int | None = None) -> PairedIntervals:
    """The bootstrap percentile intervals of each row's Spearman's rho and of all differences, in the same resamples.

    That the same architectures are drawn for both is what makes a difference's interval narrow: proxies err on the same
    ones.

    Args:
        x: one finite value per architecture, for each of k proxies: [k, n].
        y: the true values of the same architectures, [n].
        seed: of the resampling.
        resamples: how many; by default as for `spearman_intervals`.
    """
    [intervals] = paired_intervals_by_target(x, y[None], [range(len(x))], seed, resamples)
    return intervals


def paired_intervals_by_target(
    x: Floats, ys: Floats, orders: Sequence[Sequence[int]], seed: int = 0, resamples: int | None = None
) -> list[PairedIntervals]:
    """`paired_intervals` of `x` [k, n] with each row of `ys` [t, n]; a score is ranked once for all t targets.

    Args:
        x: as of `paired_intervals`.
        ys: the true values of the same architectures, for each target.
        orders: for each target the order in which its result has the rows of `x`.
        seed: of the resampling.
        resamples: how many; by default as for `spearman_intervals`.
    """
    proxies, targets = _defined(x), _defined(ys)
    rhos = np.full((len(ys), len(x), resamples or resamples_for(ys.shape[1])), np.nan)
    if proxies and targets:
        rhos[np.ix_(targets, proxies)] = resampled_rhos_by_target(x[proxies], ys[targets], rhos.shape[2], seed)
    ranked = [{*proxies} if target in targets else set() for target in range(len(ys))]
    return [
        _paired(rhos[target][list(order)], [place for place, row in enumerate(order) if row in ranked[target]])
        for target, order in enumerate(orders)
    ]


def _paired(rhos: Floats, defined: list[int]) -> PairedIntervals:
    """The intervals of resampled rhos [k, resamples] and of their differences, of the rows where they are defined."""
    k = len(rhos)
    low, high = np.full(k, np.nan), np.full(k, np.nan)
    difference_low, difference_high = np.full((k, k), np.nan), np.full((k, k), np.nan)
    if defined:
        rhos = rhos[defined]
        low[defined], high[defined] = _limits(rhos)
        for place, row in enumerate(defined):
            others = defined[place + 1 :]
            if others:
                lows, highs = _limits(rhos[place] - rhos[place + 1 :])
                difference_low[row, others], difference_high[row, others] = lows, highs
                difference_low[others, row], difference_high[others, row] = -highs, -lows
    return PairedIntervals(low, high, difference_low, difference_high)


def resamples_for(n: int) -> int:
    """How many resamples an interval over `n` architectures takes by default."""
    return RESAMPLES if n <= MANY else FEW_RESAMPLES


def resampled_rhos(x: Floats, y: Floats, resamples: int, seed: int = 0) -> Floats:
    """Spearman's rho of each row of `x` [k, n] with `y` [n] in each resample: [k, resamples].

    All rows see the same resamples. A resample in which one side has a single value gives NaN.
    """
    rhos: Floats = resampled_rhos_by_target(x, y[None], resamples, seed)[0]
    return rhos


def resampled_rhos_by_target(x: Floats, ys: Floats, resamples: int, seed: int = 0) -> Floats:
    """`resampled_rhos` of `x` [k, n] with each row of `ys` [t, n]: [t, k, resamples]; all see the same resamples."""
    n = ys.shape[1]
    sides, truths = [_SortedValues(row) for row in x], [_SortedValues(row) for row in ys]
    rhos = np.empty((len(ys), len(x), resamples))
    exact = np.dtype(np.int32 if n**3 < 2**31 else np.float64)  # n^3 is the largest sum
    done = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for counts in _drawn(n, resamples, np.random.default_rng(seed)):
            block = slice(done, done + counts.shape[1])
            cubes = _sum_of_cubes(counts)
            ranked = [truth.ranks(counts, cubes) for truth in truths]
            weighted = [np.multiply(ranks, counts, dtype=exact) for ranks, _ in ranked]
            squares = [square for _, square in ranked]

            def correlate(
                row: int, counts: Whole = counts, cubes: Floats = cubes,
                weighted: list[npt.NDArray[Any]] = weighted, squares: list[Floats] = squares, block: slice = block,
            ) -> None:  # fmt: skip
                own_ranks, own_square = sides[row].ranks(counts, cubes)
                with np.errstate(invalid="ignore", divide="ignore"):
                    for target, (truth_ranks, square) in enumerate(zip(weighted, squares, strict=True)):
                        product = np.einsum("ij,ij->j", own_ranks, truth_ranks)
                        rhos[target, row, block] = product / np.sqrt(own_square * square)

            list(pool.map(correlate, range(len(sides))))
            done = block.stop
    return rhos


def kendall_tau(x: Floats, y: Floats) -> float | None:
    """Kendall's tau-b between `x` and `y`, both [n]; None where it is not defined."""
    from scipy.stats import kendalltau

    tau = float(kendalltau(x, y, variant="b").statistic) if len(x) > 1 else np.nan
    return tau if np.isfinite(tau) else None


def _defined(values: Floats) -> list[int]:
    """The rows of [k, n] that can be correlated: of enough architectures for an interval, and not of a single value."""
    return [k for k, row in enumerate(values) if len(row) >= FEWEST and row.min() < row.max()]


def _intervals(resampled: Floats) -> list[Interval]:
    """The percentile interval of each row of [k, resamples], NaN left out."""
    low, high = _limits(resampled)
    return [Interval(float(a), float(b), resampled.shape[1]) for a, b in zip(low, high, strict=True)]


def _limits(resampled: Floats) -> tuple[Floats, Floats]:
    """The limits of the percentile interval of each row of [k, resamples], NaN left out."""
    tail = 50 * (1 - LEVEL)
    percentile = np.nanpercentile if np.isnan(resampled).any() else np.percentile
    low, high = percentile(resampled, [tail, 100 - tail], axis=1)
    return low, high


class _SortedValues:
    """The values of one side of a correlation, sorted once into groups of equal ones."""

    def __init__(self, values: Floats) -> None:
        self._order = np.argsort(values, kind="stable")
        distinct, self._member = np.unique(values, return_inverse=True)
        self._ends = np.searchsorted(values[self._order], distinct, side="right") - 1

    def ranks(self, counts: Whole, cubes: Floats) -> tuple[Whole, Floats]:
        """Twice the tie-averaged rank of every architecture in each resample, and their sum of squares.

        Ranks are shifted by a constant of the resample, so that they have mean zero.

        Args:
            counts: how often each architecture was drawn, [n, resamples]; rows are copied faster than single numbers.
            cubes: the sum of their cubes [resamples].

        Returns:
            ranks [n, resamples]; the sum of their squares over the n drawn [resamples], a third of what n^3 exceeds the
            sum of t^3 over groups of t equal values by.
        """
        n = len(counts)
        drawn_up_to = counts.take(self._order, axis=0)
        np.cumsum(drawn_up_to, axis=0, out=drawn_up_to)
        if len(self._ends) < n:
            drawn_up_to = drawn_up_to.take(self._ends, axis=0)
            cubes = _sum_of_cubes(np.diff(drawn_up_to, axis=0, prepend=counts.dtype.type(0)))
        middle: Whole = drawn_up_to - n
        middle[1:] += drawn_up_to[:-1]
        return middle.take(self._member, axis=0), (float(n) ** 3 - cubes) / 3


def _sum_of_cubes(counts: Whole) -> Floats:
    numbers = counts.astype(np.float64)
    cubes: Floats = np.einsum("ij,ij,ij->j", numbers, numbers, numbers)
    return cubes


def _drawn(n: int, resamples: int, rng: np.random.Generator) -> Iterator[Whole]:
    """How often each of `n` is drawn in n draws with replacement: blocks of [n, some resamples]."""
    size = max(1, _CELLS // n)
    for start in range(0, resamples, size):
        block = min(size, resamples - start)
        picks = rng.integers(0, n, size=(block, n)) * block + np.arange(block)[:, None]
        yield np.bincount(picks.ravel(), minlength=block * n).reshape(n, block).astype(np.int32)
