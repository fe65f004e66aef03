"""The bootstrap against the slow way of doing it, and intervals against what they promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline import rank_correlation as statistics


def slow_rhos(x: np.ndarray, y: np.ndarray, resamples: int, seed: int) -> list[float]:
    """Draw the same resamples, build each sample, and let scipy rank it."""
    picks = np.random.default_rng(seed).integers(0, len(x), size=(resamples, len(x)))
    return [stats.pearsonr(stats.rankdata(x[p]), stats.rankdata(y[p])).statistic for p in picks]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(-3, 3)), min_size=8, max_size=30), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
@pytest.mark.filterwarnings("ignore::scipy.stats.ConstantInputWarning")
def test_resampled_rhos_equal_those_of_ranked_samples(pairs: Any, seed: int) -> None:
    x, y = np.array(pairs, dtype=float).T
    fast = statistics.resampled_rhos(x[None, :], y, 5, seed)[0]
    np.testing.assert_allclose(fast, slow_rhos(x, y, 5, seed), atol=1e-12)


@pytest.mark.parametrize("n", [60, 1400, 16400])  # beyond where sums need more than 32 bits, and counts more than 16
def test_targets_that_are_resampled_together_have_the_rhos_of_each(n: int) -> None:
    rng = np.random.default_rng(4)
    x, ys = rng.normal(size=(3, n)), rng.normal(size=(2, n)).round(1)
    x[1], x[2] = x[1].round(), np.where(np.arange(n) < n - 2, 0.0, 1.0)  # ties, and nearly all of them
    together = statistics.resampled_rhos_by_target(x, ys, 20, 6)
    for y, rhos in zip(ys, together, strict=True):
        np.testing.assert_array_equal(rhos, statistics.resampled_rhos(x, y, 20, 6))
        for row, fast in zip(x[:2], rhos[:2], strict=True):
            np.testing.assert_allclose(fast, slow_rhos(row, y, 20, 6), atol=1e-12)
    intervals = statistics.spearman_intervals_by_target(x, np.stack([ys[0], np.ones(n)]), resamples=20)
    assert intervals == [statistics.spearman_intervals(x, ys[0], resamples=20), [None] * 3]


def test_blocks_do_not_change_the_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 50))
    whole = statistics.resampled_rhos(x[None, :], y, 40, 3)
    monkeypatch.setattr(statistics, "_CELLS", 150)
    np.testing.assert_array_equal(statistics.resampled_rhos(x[None, :], y, 40, 3), whole)


def test_the_interval_holds_the_true_rho_about_as_often_as_it_says() -> None:
    """For a bivariate normal, rho_s = 6 / pi * asin(rho / 2)."""
    rng = np.random.default_rng(5)
    true = 6 / np.pi * np.arcsin(0.8 / 2)
    inside = 0
    for trial in range(200):
        x, y = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=80).T
        [interval] = statistics.spearman_intervals(x[None, :], y, seed=trial, resamples=400)
        assert interval
        inside += interval.low <= true <= interval.high
    assert 0.89 <= inside / 200 <= 0.99


def test_an_interval_depends_on_its_seed_and_row_alone() -> None:
    x, y = np.random.default_rng(2).normal(size=(2, 40))
    constant = np.ones(40)
    first, none, again = statistics.spearman_intervals(np.stack([x, constant, x]), y, seed=1)
    assert first == again == statistics.spearman_intervals(x[None, :], y, seed=1)[0]
    assert none is None and first
    assert [first] != statistics.spearman_intervals(x[None, :], y, seed=2)
    assert first.resamples == statistics.RESAMPLES
    assert first.low < stats.spearmanr(x, y).statistic < first.high


@pytest.mark.parametrize("y", [[1.0, 2.0], [3.0, 3.0, 3.0, 3.0], []])
def test_where_rho_is_not_defined_there_is_no_interval(y: Any) -> None:
    x = np.arange(len(y), dtype=float)[None, :]
    assert statistics.spearman_intervals(x, np.array(y)) == [None]


def test_many_architectures_take_fewer_resamples() -> None:
    assert statistics.resamples_for(statistics.MANY) == statistics.RESAMPLES
    assert statistics.resamples_for(statistics.MANY + 1) == statistics.FEW_RESAMPLES


def test_tau_is_tau_b_and_undefined_for_a_constant() -> None:
    x, y = np.array([1.0, 2, 2, 3, 5]), np.array([2.0, 2, 1, 4, 5])
    concordant, discordant, tied_x, tied_y = 7, 1, 1, 1  # counted by hand over the ten pairs
    by_hand = (concordant - discordant) / np.sqrt((10 - tied_x) * (10 - tied_y))
    assert statistics.kendall_tau(x, y) == pytest.approx(by_hand)
    assert statistics.kendall_tau(x, np.ones(5)) is None
    assert statistics.kendall_tau(x[:1], y[:1]) is None


@pytest.mark.parametrize(("n", "values"), [(2, 2), (9, 3), (64, 1000), (200, 12), (333, 10**9)])
def test_taus_are_those_of_scipy_to_the_bit(n: int, values: int) -> None:
    draw = np.random.default_rng(n)
    x, ys = (draw.integers(0, values, size=(rows, n)).astype(float) for rows in (4, 3))
    x[3] = -ys[0]
    expected = [[stats.kendalltau(row, y).statistic for row in x] for y in ys]
    np.testing.assert_array_equal(statistics.kendall_taus(x, ys), expected)


def test_a_paired_difference_is_that_of_the_same_resamples_and_narrower_than_two_intervals() -> None:
    rng = np.random.default_rng(4)
    y = rng.normal(size=60)
    near = y + rng.normal(size=60) / 2
    x = np.stack([near, near + rng.normal(size=60) / 10, rng.normal(size=60), np.ones(60)])
    [paired] = statistics.paired_intervals_by_target(x, y[None], [range(len(x))], seed=1, resamples=300)
    low, high = paired.difference_low[:, 0], paired.difference_high[:, 0]
    rhos = statistics.resampled_rhos(x, y, 300, seed=1)
    assert (low[2], high[2]) == pytest.approx(tuple(np.percentile(rhos[2] - rhos[0], [2.5, 97.5])))
    assert low[1] < 0 < high[1] and high[2] < 0
    alone = statistics.spearman_intervals(x, y, seed=1, resamples=300)[1]
    assert alone and high[1] - low[1] < (alone.high - alone.low) / 2
    assert (paired.low[1], paired.high[1]) == (alone.low, alone.high)
    assert np.isnan([low[0], high[0], low[3], high[3]]).all()
    assert np.isnan(paired.difference_low[:, 3]).all() and np.isnan(paired.low[3])
    assert paired.difference_low[0, 2] == -high[2] and paired.difference_high[0, 2] == -low[2]


def test_few_pairs_have_no_interval() -> None:
    y = np.arange(10.0)
    assert statistics.spearman_intervals(y[None, :9], y[:9]) == [None]
    assert statistics.spearman_intervals(y[None], y) != [None]
    [few] = statistics.paired_intervals_by_target(np.stack([y[:9], -y[:9]]), y[None, :9], [[0, 1]])
    assert np.isnan(few.difference_low).all()


def test_scores_as_large_as_floats_get_have_an_interval() -> None:
    scores = np.array([[-1.7e308, 1e300, 0.0, 1.7e308, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]])
    assert statistics.spearman_intervals(scores, np.arange(10.0))[0] is not None
