"""Predictors that are not rules: scikit-learn's Gaussian processes, random forests and gradient boosting.

`corrected` is what `tune` does by default where the generic rule can be computed; it is compared with the others.
"""

from __future__ import annotations

import warnings

import numpy as np

from pipeline.tuning.terms import Floats, Ints

TREES = 100
KEPT = 0.9  # of the rule, in the units of the target: what the trees then learn is what it leaves over
_SEEDS = 1 << 32  # that scikit-learn tells apart
DOUBT = 20  # labels with which half of what the trees learn is taken


def gaussian_process(ranks: Floats, labelled: Ints, target: Floats) -> Floats:
    """The mean of a Gaussian process given the labels, for every architecture, [n].

    Its kernel is a linear one and a squared exponential, with noise; their parameters maximise the likelihood
    (Rasmussen and Williams, "Gaussian Processes for Machine Learning", chapter 5).

    Args:
        ranks: [n, terms].
        labelled: places of the labels.
        target: of these, centred.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel

    x = ranks / np.sqrt(ranks.shape[1])
    linear = ConstantKernel() * DotProduct(sigma_0=0, sigma_0_bounds="fixed")
    kernel = linear + ConstantKernel() * RBF(length_scale=1.5) + WhiteKernel(0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a parameter at its bound: a part that labels do not need
        fitted = GaussianProcessRegressor(kernel).fit(x[labelled], target)
    return np.asarray(fitted.predict(x), np.float64)


def random_forest(ranks: Floats, labelled: Ints, target: Floats, seed: int) -> Floats:
    """The mean prediction of a hundred regression trees on resamples of the labels, for every architecture, [n].

    Each split looks at a third of the terms, the usual share for regression (Breiman, "Random Forests", 2001).
    """
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(TREES, max_features=1 / 3, min_samples_leaf=2, random_state=seed % _SEEDS)
    return np.asarray(forest.fit(ranks[labelled], target).predict(ranks), np.float64)


def gradient_boosting(
    ranks: Floats, labelled: Ints, target: Floats, seed: int, *, rate: float = 0.1, share: float = 0.8, leaf: int = 1
) -> Floats:
    """A hundred regression trees of depth 3, each fitted to what those before leave over, [n].

    Each split looks at a third of the terms (Friedman, "Stochastic gradient boosting", 2002).

    Args:
        ranks: [n, terms].
        labelled: places of the labels.
        target: of these.
        rate: share of each tree's prediction that is taken.
        share: of the labels, drawn anew for each tree.
        leaf: labels that a leaf has at least; without twice as many nothing is learned.
    """
    from sklearn.ensemble import GradientBoostingRegressor

    boosting = GradientBoostingRegressor(
        n_estimators=TREES, learning_rate=rate, subsample=share, max_features=1 / 3, min_samples_leaf=leaf,
        random_state=seed % _SEEDS,
    )  # fmt: skip
    return np.asarray(boosting.fit(ranks[labelled], target).predict(ranks), np.float64)


def corrected(features: Floats, rule: Floats, labelled: Ints, target: Floats, seed: int) -> Floats:
    """The rule, and what trees learn from its errors on the labels, for every architecture, [n].

    The mean of a random forest and of cautious gradient boosting is fitted to what nine tenths of the rule leave over,
    and taken in the share labels / (labels + 20): with few labels the rule stays what it is.

    Args:
        features: [n, features].
        rule: its ranks, centred, of variance 1, [n].
        labelled: places of the labels.
        target: of these, the same way.
    """
    left = target - KEPT * rule[labelled]
    forest = random_forest(features, labelled, left, seed)
    boosted = gradient_boosting(features, labelled, left, seed, rate=0.05, share=0.5, leaf=3)
    taken = len(labelled) / (len(labelled) + DOUBT)
    return np.asarray(KEPT * rule + taken * (forest + boosted) / 2)
