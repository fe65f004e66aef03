"""How certain a rank correlation is: Spearman's rho under resampling, and Kendall's tau.

A resample of n architectures is held as how often each of them was drawn, and its ranks follow from running sums of
these counts over the sorted values. That is exact, ties included, and needs no sort for each resample. Twice a rank is
whole, so that sums are exact and do not depend on their order, up to 208,000 architectures: a float64 holds their cube.
"""

from __future__ import annotations

import functools
import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int16] | npt.NDArray[np.int32]

RESAMPLES = 2000
FEW_RESAMPLES = 500  # above MANY architectures, where an interval is narrow and a resample costs more
MANY = 5000
LEVEL = 0.95
FEWEST = 10  # pairs; the resamples of fewer repeat so few values that five in order give [1, 1]
_CELLS = 125_000  # counts in a block: a quarter of a megabyte, so that they stay in the processor's cache
_KEPT_CELLS = 1_000_000  # of draws that are kept for the next correlations of as many architectures: two megabytes


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


def paired_intervals_by_target(
    x: Floats, ys: Floats, orders: Sequence[Sequence[int]], seed: int = 0, resamples: int | None = None
) -> list[PairedIntervals]:
    """The bootstrap percentile intervals of each row's Spearman's rho and of all differences, in the same resamples.

    That the same architectures are drawn for both is what makes a difference's interval narrow: proxies err on the same
    ones. A score is ranked once for all t targets.

    Args:
        x: one finite value per architecture, for each of k proxies: [k, n].
        ys: the true values of the same architectures, for each target: [t, n].
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
        for counts in _drawn(n, resamples, seed):
            block = slice(done, done + counts.shape[1])
            ranked = [truth.ranks(counts).astype(exact) for truth in truths]
            weighted = [ranks * counts for ranks in ranked]
            squares = [_products(ranks, times) for ranks, times in zip(ranked, weighted, strict=True)]

            def correlate(
                row: int, counts: Whole = counts, weighted: list[npt.NDArray[Any]] = weighted,
                squares: list[Floats] = squares, block: slice = block,
            ) -> None:  # fmt: skip
                ranks = sides[row].ranks(counts).astype(exact)
                own_square = _products(ranks, ranks * counts)
                with np.errstate(invalid="ignore", divide="ignore"):
                    for target, (truth_ranks, square) in enumerate(zip(weighted, squares, strict=True)):
                        rhos[target, row, block] = _products(ranks, truth_ranks) / np.sqrt(own_square * square)

            list(pool.map(correlate, range(len(sides))))
            done = block.stop
    return rhos


def kendall_tau(x: Floats, y: Floats) -> float | None:
    """Kendall's tau-b between `x` and `y`, both [n]; None where it is not defined."""
    [[tau]] = kendall_taus(x[None], y[None])
    return float(tau) if np.isfinite(tau) else None


def kendall_taus(x: Floats, ys: Floats) -> Floats:
    """Kendall's tau-b of each row of `x` [k, n] with each row of `ys` [t, n]: [t, k], NaN where it is not defined.

    tau-b is Kendall's (1945), with discordant pairs counted by merging (Knight 1966). Bit for bit it is that of
    scipy.stats.kendalltau, whose import takes longer than all taus of a report.
    """
    n = ys.shape[1]
    taus = np.full((len(ys), len(x)), np.nan)
    if n < 2:
        return taus
    pairs = n * (n - 1) // 2
    (sides, tied_sides), (truths, tied_truths) = _lowest_ranks(x), _lowest_ranks(ys)
    for target, (truth, tied_truth) in enumerate(zip(truths, tied_truths, strict=True)):
        both = np.sort(sides * n + truth, axis=1)  # by score, and those of one score by truth
        tied_both = (np.arange(n) - _first_equal(both)).sum(axis=1)
        difference = pairs - tied_sides - tied_truth + tied_both - 2 * _inversions(both % n)
        with np.errstate(invalid="ignore", divide="ignore"):
            tau = difference / np.sqrt(pairs - tied_sides) / np.sqrt(pairs - tied_truth)
        taus[target] = np.clip(tau, -1, 1)
    return taus


def _lowest_ranks(rows: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The rank of each value in its row [k, n], equal values sharing the lowest, from 0; and the tied pairs [k]."""
    order = rows.argsort(axis=1)
    first = _first_equal(np.take_along_axis(rows, order, axis=1))
    ranks = np.empty_like(first)
    np.put_along_axis(ranks, order, first, axis=1)
    return ranks, (np.arange(rows.shape[1]) - first).sum(axis=1)


def _first_equal(rows: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """For each place of sorted rows [k, n] the first place that has the same value."""
    first = np.zeros(rows.shape, np.int64)
    first[:, 1:] = np.where(rows[:, 1:] == rows[:, :-1], 0, np.arange(1, rows.shape[1]))
    return np.maximum.accumulate(first, axis=1)


def _inversions(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many pairs of each row of whole numbers below n [k, n] are in descending order, by merging sorted halves.

    Of two sorted halves with w values each, the j-th of the right is merged to the place j + those of the left that are
    not greater: the sum of its places tells how many are.
    """
    k, n = rows.shape
    size = 1 << (n - 1).bit_length()
    merged = np.full((k, size), n, np.int32)  # padding is greater than every value
    merged[:, :n] = rows
    total, width = np.zeros(k, np.int64), 1
    while width < size:
        blocks = merged.reshape(k, -1, 2 * width)
        order = blocks.argsort(axis=2, kind="stable")
        places = np.where(order >= width, np.arange(2 * width), 0).sum(axis=2)
        total += (width * width + width * (width - 1) // 2 - places).sum(axis=1)
        merged = np.take_along_axis(blocks, order, axis=2)
        width *= 2
    return total


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

    def ranks(self, counts: Whole) -> Whole:
        """Twice the tie-averaged rank of every architecture in each resample, less n, so that their mean is zero.

        Args:
            counts: how often each architecture was drawn, [n, resamples]; rows are copied faster than single numbers.

        Returns:
            ranks [n, resamples], between -n and n.
        """
        n = len(counts)
        drawn_up_to = counts.take(self._order, axis=0)
        _add_up(drawn_up_to)
        if len(self._ends) < n:
            drawn_up_to = drawn_up_to.take(self._ends, axis=0)
        middle: Whole = drawn_up_to - counts.dtype.type(n)
        middle[1:] += drawn_up_to[:-1]
        return middle.take(self._member, axis=0)


def _add_up(rows: Whole) -> None:
    """Replace each row of [n, m] by the sum of it and all rows before it.

    np.cumsum adds one number after the other. Here whole rows are added, in about sqrt(n) stretches at once.
    """
    stretch = math.isqrt(len(rows))
    whole = len(rows) // stretch * stretch
    stretches = rows[:whole].reshape(-1, stretch, rows.shape[1])
    for place in range(1, stretch):
        stretches[:, place] += stretches[:, place - 1]
    for number in range(1, len(stretches)):
        stretches[number] += stretches[number - 1, -1]
    for place in range(whole, len(rows)):
        rows[place] += rows[place - 1]


def _products(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> Floats:
    """The sum of products of two [n, resamples] in each resample."""
    sums: Floats = np.einsum("ij,ij->j", left, right).astype(np.float64)
    return sums


def _drawn(n: int, resamples: int, seed: int) -> Iterable[Whole]:
    """How often each of `n` is drawn in n draws with replacement: blocks of [n, some resamples]."""
    draws = _kept_draws if n * resamples <= _KEPT_CELLS else _draws
    return draws(n, resamples, seed, max(1, _CELLS // n))


@functools.lru_cache(maxsize=16)  # a report resamples as many architectures again and again
def _kept_draws(n: int, resamples: int, seed: int, size: int) -> tuple[Whole, ...]:
    return tuple(_draws(n, resamples, seed, size))


def _draws(n: int, resamples: int, seed: int, size: int) -> Iterator[Whole]:
    rng = np.random.default_rng(seed)
    whole = np.dtype(np.int16 if 2 * n < 2**15 else np.int32)  # `ranks` adds two counts of up to n
    for start in range(0, resamples, size):
        block = min(size, resamples - start)
        picks = rng.integers(0, n, size=(block, n)) * block + np.arange(block)[:, None]
        yield np.bincount(picks.ravel(), minlength=block * n).reshape(n, block).astype(whole)
