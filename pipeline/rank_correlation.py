"""How certain a rank correlation is: Spearman's rho under resampling, and Kendall's tau.

A resample of n architectures is held as how often each of them was drawn, and its ranks follow from running sums of
these counts over the sorted values. That is exact, ties included, and needs no sort for each resample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RESAMPLES = 2000
FEW_RESAMPLES = 500  # above MANY architectures, where an interval is narrow and a resample costs more
MANY = 5000
LEVEL = 0.95
FEWEST = 10  # pairs; the resamples of fewer repeat so few values that five in order give [1, 1]
_CELLS = 250_000  # counts held at a time: 2 MB, so that they stay in the cache


@dataclass(frozen=True)
class Interval:
    """A percentile interval of `LEVEL` from `resamples` resamples."""

    low: float
    high: float
    resamples: int


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
    intervals: list[Interval | None] = [None] * len(x)
    defined = _defined(x, y)
    if defined:
        count = resamples or resamples_for(len(y))
        for place, interval in zip(defined, _intervals(resampled_rhos(x[defined], y, count, seed)), strict=True):
            intervals[place] = interval
    return intervals


def paired_differences(
    x: Floats, y: Floats, best: int, seed: int = 0, resamples: int | None = None
) -> list[Interval | None]:
    """The bootstrap percentile interval of each row's Spearman's rho less that of row `best`, in the same resamples.

    That the same architectures are drawn for both is what makes it narrow: proxies err on the same ones.

    Args:
        x: one finite value per architecture, for each of k proxies: [k, n].
        y: the true values of the same architectures, [n].
        best: the row that the others are compared with.
        seed: of the resampling.
        resamples: how many; by default as for `spearman_intervals`.

    Returns:
        k intervals; None for the row `best`, and where either rho is not defined.
    """
    intervals: list[Interval | None] = [None] * len(x)
    defined = _defined(x, y)
    if best in defined:
        rhos = resampled_rhos(x[defined], y, resamples or resamples_for(len(y)), seed)
        for place, interval in zip(defined, _intervals(rhos - rhos[defined.index(best)]), strict=True):
            intervals[place] = None if place == best else interval
    return intervals


def resamples_for(n: int) -> int:
    """How many resamples an interval over `n` architectures takes by default."""
    return RESAMPLES if n <= MANY else FEW_RESAMPLES


def resampled_rhos(x: Floats, y: Floats, resamples: int, seed: int = 0) -> Floats:
    """Spearman's rho of each row of `x` [k, n] with `y` [n] in each resample: [k, resamples].

    All rows see the same resamples. A resample in which one side has a single value gives NaN.
    """
    groups = [_SortedValues(row) for row in x]
    truth = _SortedValues(y)
    rhos = np.empty((len(x), resamples))
    done = 0
    for counts in _drawn(len(y), resamples, np.random.default_rng(seed)):
        truth_ranks, block = truth.ranks(counts), slice(done, done + len(counts))
        for row, group in enumerate(groups):
            rhos[row, block] = _weighted_pearson(group.ranks(counts), truth_ranks, counts)
        done += len(counts)
    return rhos


def kendall_tau(x: Floats, y: Floats) -> float | None:
    """Kendall's tau-b between `x` and `y`, both [n]; None where it is not defined."""
    from scipy.stats import kendalltau

    tau = float(kendalltau(x, y, variant="b").statistic) if len(x) > 1 else np.nan
    return tau if np.isfinite(tau) else None


def _defined(x: Floats, y: Floats) -> list[int]:
    """The rows of `x` that have a rho with `y`, of enough pairs for an interval."""
    return [k for k, row in enumerate(x) if len(y) >= FEWEST and row.min() < row.max() and y.min() < y.max()]


def _intervals(resampled: Floats) -> list[Interval]:
    """The percentile interval of each row of [k, resamples], NaN left out."""
    tail = 50 * (1 - LEVEL)
    low, high = np.nanpercentile(resampled, [tail, 100 - tail], axis=1)
    return [Interval(float(a), float(b), resampled.shape[1]) for a, b in zip(low, high, strict=True)]


class _SortedValues:
    """The values of one side of a correlation, sorted once into groups of equal ones."""

    def __init__(self, values: Floats) -> None:
        self.order = np.argsort(values, kind="stable")
        distinct, self.member = np.unique(values, return_inverse=True)
        self.starts = np.searchsorted(values[self.order], distinct)

    def ranks(self, counts: Ints) -> Floats:
        """The tie-averaged rank of every architecture in each resample: [resamples, n] for counts [resamples, n].

        Ranks are shifted by a constant of the resample, (n + 1) / 2, so that they have mean zero.
        """
        drawn = np.add.reduceat(counts[:, self.order], self.starts, axis=1)
        upto = np.cumsum(drawn, axis=1)
        middle = upto - drawn / 2 - counts.shape[1] / 2
        return np.asarray(middle[:, self.member])


def _drawn(n: int, resamples: int, rng: np.random.Generator) -> Iterator[Ints]:
    """How often each of `n` is drawn in n draws with replacement: blocks of [some resamples, n]."""
    size = max(1, _CELLS // n)
    for start in range(0, resamples, size):
        block = min(size, resamples - start)
        picks = rng.integers(0, n, size=(block, n)) + n * np.arange(block)[:, None]
        yield np.bincount(picks.ravel(), minlength=block * n).reshape(block, n)


def _weighted_pearson(a: Floats, b: Floats, weights: Ints) -> Floats:
    """Pearson's correlation by rows of weighted `a` and `b` whose weighted means are zero, all [resamples, n]."""
    weighted = a * weights
    both = np.einsum("ij,ij->i", weighted, b)
    size = np.einsum("ij,ij->i", weighted, a) * np.einsum("ij,ij,ij->i", weights, b, b)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(both / np.sqrt(size))
