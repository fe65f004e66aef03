"""What predicts without being a rule: a Gaussian process and a random forest of scikit-learn, to compare rules with."""

from __future__ import annotations

import warnings

import numpy as np

from pipeline.tuning.terms import Floats, Ints


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

    forest = RandomForestRegressor(100, max_features=1 / 3, min_samples_leaf=2, random_state=seed)
    return np.asarray(forest.fit(ranks[labelled], target).predict(ranks), np.float64)
