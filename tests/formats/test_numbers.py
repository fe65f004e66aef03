"""Numbers from outside: integers of 63 bits and finite floats, in ASCII digits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.errors import UserError, excerpt
from pipeline.formats import numbers


@pytest.mark.parametrize(
    ("stated", "number"),
    [(7, 7), ("7", 7), (" -7 ", -7), ("+7", 7), (200.0, 200), (np.int64(3), 3), (np.float32(3), 3),
     (2**63 - 1, 2**63 - 1), (-(2**63), -(2**63)), (str(2**63 - 1), 2**63 - 1)],
)  # fmt: skip
def test_a_whole_number_is_taken_from_any_plain_notation(stated: object, number: int) -> None:
    result = numbers.whole(stated, "seed")
    assert (result, type(result)) == (number, int)


@pytest.mark.parametrize(
    "stated",
    [2**63, -(2**63) - 1, 10**400, 10**5000, str(2**63), "9" * 5000, 1.5, 1e300, math.inf, math.nan, True, None, "",
     "٣", "７", "1_000", "0x10", "1e3", "²", [1], {}, np.array([1])],
    ids=excerpt,
)  # fmt: skip
def test_what_is_no_whole_number_of_63_bits_is_refused_in_one_line(stated: object) -> None:
    with pytest.raises(UserError, match=r"^seed is .{1,70}, where a whole number.* is expected$"):
        numbers.whole(stated, "seed")


def test_a_number_out_of_range_is_refused_with_the_range() -> None:
    assert numbers.whole("12", "epochs", least=1, most=12) == 12
    with pytest.raises(UserError, match=r"^epochs is 0, where a whole number from 1 to 12 is expected$"):
        numbers.whole(0, "epochs", least=1, most=12)
    with pytest.raises(UserError, match=r"^seed is -1, where a whole number from 0 to 2\^63 - 1 is expected$"):
        numbers.whole(-1, "seed", least=0)


@pytest.mark.parametrize(
    ("stated", "number"),
    [(1.5, 1.5), (1, 1.0), ("1.5", 1.5), (" .5e-3 ", 0.0005), ("1.", 1.0), (np.float32(0.5), 0.5), ("-2E+2", -200.0)],
)
def test_a_float_is_taken_from_any_plain_notation(stated: object, number: float) -> None:
    assert numbers.finite(stated, "level") == numbers.real(stated, "level") == number


@pytest.mark.parametrize("stated", ["nan", "Infinity", "-inf", math.inf, math.nan, "1e400", np.float32("inf")])
def test_only_real_takes_what_is_not_finite(stated: object) -> None:
    assert not math.isfinite(numbers.real(stated, "loss"))
    with pytest.raises(UserError, match=r"^loss is .*, where a finite number is expected$"):
        numbers.finite(stated, "loss")


@pytest.mark.parametrize(
    "stated", [10**400, "٣.٥", "１", "1_0.5", "", None, True, [1.0], "0x1p3", "1,5", "9" * 500], ids=excerpt
)
def test_what_is_no_float_is_refused_in_one_line(stated: object) -> None:
    with pytest.raises(UserError, match=r"^loss is .{1,70}, (where a number is|which is larger than any float)"):
        numbers.real(stated, "loss")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"a": {"b": [1, math.inf]}}, "a.b.2 is inf, where a finite number is expected"),
        ({"seed": 10**30}, f"seed is {10**30}, where a whole number of 63 bits is expected"),
        ({"weights": [[1.0, math.nan]]}, "weights.1.2 is nan, where a finite number is expected"),
    ],
)
def test_a_number_without_bounds_in_settings_is_named_by_its_place(content: object, line: str) -> None:
    with pytest.raises(UserError) as error:
        numbers.bounded(content)
    assert str(error.value) == line


def test_settings_with_plain_numbers_pass() -> None:
    numbers.bounded({"a": [1, 2.5, True, "x", None, {"b": 2**63 - 1}]})
