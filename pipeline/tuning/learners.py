"""What predicts without being a rule: a Gaussian process and a random forest, to compare the rules with.

Both are small because the labels are few; for many labels a library would be the better choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from pipeline.tuning.terms import Floats, Ints

_LENGTHS, _SHARES, _NOISES = (0.7, 1.5, 3.0), (0.0, 0.5, 2.0), (0.03, 0.1, 0.3)
_TREES, _SMALLEST = 100, 2  # trees of a forest; labels of a leaf


def gaussian_process(ranks: Floats, labelled: Ints, target: Floats) -> Floats:
    """The mean of a Gaussian process given the labels, for every architecture, [n].

    Its kernel is linear plus a share of a squared exponential; share, length and noise maximise the likelihood, whose
    scale is profiled out (Rasmussen and Williams, "Gaussian Processes for Machine Learning", chapter 5).

    Args:
        ranks: [n, terms].
        labelled: places of the labels.
        target: of these, centred.
    """
    linear = ranks @ ranks[labelled].T / ranks.shape[1]
    size = (ranks**2).mean(axis=1)
    apart = np.maximum(size[:, None] + size[labelled] - 2 * linear, 0)
    best, mean = np.inf, np.zeros(len(ranks))
    for length, share, noise in product(_LENGTHS, _SHARES, _NOISES):
        kernel = linear + share * np.exp(-apart / (2 * length**2))
        covariance = kernel[labelled] + noise * np.eye(len(labelled))
        solved = np.linalg.solve(covariance, target)
        loss = np.linalg.slogdet(covariance)[1] + len(target) * np.log(max(float(target @ solved), 1e-12))
        if loss < best:
            best, mean = loss, kernel @ solved
    return mean


def random_forest(ranks: Floats, labelled: Ints, target: Floats, seed: int) -> Floats:
    """The mean prediction of regression trees on resamples of the labels, for every architecture, [n].

    Each split looks at a third of the terms, the usual share for regression (Breiman, "Random Forests", 2001).
    """
    random = np.random.default_rng(seed)
    total = np.zeros(len(ranks))
    for _ in range(_TREES):
        drawn = random.integers(0, len(labelled), len(labelled))
        total += _grown(ranks[labelled[drawn]], target[drawn], random).predict(ranks)
    return total / _TREES


@dataclass(frozen=True)
class _Tree:
    """A split with its two sides, or a leaf's value."""

    value: float
    term: int = 0
    threshold: float = 0.0
    sides: tuple[_Tree, _Tree] | None = None

    def predict(self, ranks: Floats) -> Floats:
        if self.sides is None:
            return np.full(len(ranks), self.value)
        low = ranks[:, self.term] <= self.threshold
        found = np.empty(len(ranks))
        found[low], found[~low] = self.sides[0].predict(ranks[low]), self.sides[1].predict(ranks[~low])
        return found


def _grown(x: Floats, y: Floats, random: np.random.Generator) -> _Tree:
    leaf = _Tree(float(y.mean()))
    if len(y) < 2 * _SMALLEST or np.ptp(y) == 0:
        return leaf
    tried = random.permutation(x.shape[1])[: max(1, x.shape[1] // 3)]
    order = np.argsort(x[:, tried], axis=0, kind="stable")
    values, sums = np.take_along_axis(x[:, tried], order, axis=0), np.cumsum(y[order], axis=0)
    left = np.arange(1, len(y))[:, None]
    gain = sums[:-1] ** 2 / left + (sums[-1] - sums[:-1]) ** 2 / (len(y) - left)
    allowed = (values[:-1] < values[1:]) & (left >= _SMALLEST) & (len(y) - left >= _SMALLEST)
    if not allowed.any():
        return leaf
    place, term = np.unravel_index(np.where(allowed, gain, -np.inf).argmax(), gain.shape)
    threshold = float(values[place, term] + values[place + 1, term]) / 2
    low = x[:, tried[term]] <= threshold
    sides = _grown(x[low], y[low], random), _grown(x[~low], y[~low], random)
    return _Tree(leaf.value, int(tried[term]), threshold, sides)
