"""Rank correlations in Python: of any numbers, paired as the caller means, with their differences."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import pipeline
from pipeline import rank_correlation
from pipeline.errors import UserError

WHOLE = [2**53, 2**53 + 1, 2**53 + 2, 2**53 + 3]


@pytest.mark.parametrize(
    "values",
    [
        WHOLE, np.array(WHOLE), np.array(WHOLE, np.uint64), torch.tensor(WHOLE), pd.Series(WHOLE),
        [Fraction(n, 2**70) + 1 for n in range(4)], [1 + Decimal(n).scaleb(-20) for n in range(4)],
        [2**60, 2.0**60 + 2**10, 2**60 + 2**10 + 1, 2.0**61],
    ],
)  # fmt: skip
def test_numbers_that_floats_tie_do_not_tie(values: Any) -> None:
    for result in (pipeline.correlate(values, [1, 2, 3, 4]), pipeline.correlate([1, 2, 3, 4], values)):
        assert [result.rho, result.tau] == pytest.approx([1, 1])
    assert pipeline.correlate([None, *values], [5, 1, 2, 3, 4], lower_is_better=True).rho == pytest.approx(-1)


def test_the_rho_of_the_same_order_is_one_and_within_its_interval() -> None:
    for n in (29, 100):
        order = pipeline.correlate([2.0 * place for place in range(n)], list(range(n)))
        assert (order.rho, order.low, order.high) == (1, 1, 1)


@pytest.mark.filterwarnings("error")
def test_masked_values_and_tensors_with_a_gradient_are_taken_without_a_warning() -> None:
    masked: Any = np.ma.array([1.0, 2.0, 3.0, 4.0], mask=[False, True, False, False])
    graded: Any = torch.arange(4.0, requires_grad=True)
    assert pipeline.correlate(masked, [1, 2, 3, 4]).left_out == 1
    assert pipeline.correlate(graded, [1, 2, 3, 4]).rho == 1


def test_a_signaling_decimal_is_a_missing_value() -> None:
    truth: Any = [Decimal("sNaN"), 1, 2, 3]
    assert pipeline.correlate([5, 1, 2, 3], truth).left_out == 1


def test_series_whose_indexes_differ_are_not_paired_by_their_order() -> None:
    scores = pd.Series([1.0, 2.0, 3.0, 4.0], index=list("abcd"))
    truth = pd.Series([4.0, 3.0, 2.0, 1.0], index=list("dcba"))
    with pytest.raises(UserError, match=r"different indexes, .* give truth.reindex\(scores.index\)"):
        pipeline.correlate(scores, truth)
    assert pipeline.correlate(scores, truth.reindex(scores.index)).rho == pytest.approx(1)
    for others in (truth.to_list(), pd.Series(truth.to_numpy(), index=scores.index)):
        assert pipeline.correlate(scores, others).rho == pytest.approx(-1)


def test_two_proxies_are_compared_on_the_networks_that_both_have_scored() -> None:
    truth = [float(place) for place in range(40)]
    good: list[float | None] = [place + 7 * (place % 3) for place in range(40)]
    poor: list[float | None] = [place + 60 * (place % 3) for place in range(40)]
    good[5], poor[7] = None, math.nan
    kept = [place for place in range(40) if place not in (5, 7)]
    alone = [pipeline.correlate([of[place] for place in kept], [truth[place] for place in kept]) for of in (good, poor)]
    lead = pipeline.compare(good, poor, truth)
    assert lead.difference and lead.low and lead.high
    assert (lead.n, lead.left_out) == (38, 2) and alone[0].rho and alone[1].rho
    assert lead.difference == pytest.approx(alone[0].rho - alone[1].rho)
    [paired] = rank_correlation.paired_intervals_by_target(
        np.array([[of[place] for place in kept] for of in (good, poor)], float), np.array([kept], float), [[0, 1]]
    )
    assert (lead.low, lead.high) == (paired.difference_low[0, 1], paired.difference_high[0, 1])
    back = pipeline.compare(poor, good, [-value for value in truth], lower_is_better=True)
    assert (back.difference, back.low, back.high) == pytest.approx((-lead.difference, -lead.high, -lead.low))
    few = pipeline.compare([1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [1, 2, 3])
    assert few.difference == pytest.approx(0.5) and few.low is None
    assert pipeline.compare([1.0, 1.0, 1.0], [1.0, 3.0, 2.0], [1, 2, 3]).difference is None
    with pytest.raises(UserError, match="2 scores and 3 true values"):
        pipeline.compare([1.0, 2.0, 3.0], [1.0, 2.0], [1, 2, 3])
