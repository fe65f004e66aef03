"""Numbers from outside, restricted to what the lake can hold: signed 64-bit integers and finite floats.

Options, TOML files and benchmark files all state numbers as text or as objects of any size, and Python takes more than
is meant: digits of every script, `1_000`, `1e400` as infinity, integers without end. What is taken here is what JSON
and CSV writers write: ASCII digits, a sign, a point, an exponent.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import UserError, excerpt

LEAST, MOST = -(1 << 63), (1 << 63) - 1
"""The smallest and the largest integer that a column of the lake holds."""

_DEEPEST = 100  # levels of a settings file: what is stored of it has to be read by JSON readers, DuckDB among them
_LONGEST = 400  # characters of a number; a double written out in full has up to 309 digits before the point
_WHOLE = re.compile(r"[+-]?[0-9]+")


def whole(value: object, what: str, *, least: int = LEAST, most: int = MOST) -> int:
    """An integer from `least` to `most`, stated as an integer, as a float without a fraction, or as text.

    Raises:
        UserError: it is none, or out of range; the message begins with `what`.
    """
    if type(value) is int and least <= value <= most:
        return value
    number: object = value.item() if isinstance(value, np.generic) else value
    if isinstance(number, str):
        text = number.strip()
        number = int(text) if len(text) <= _LONGEST and _WHOLE.fullmatch(text) else None
    elif isinstance(number, float):
        number = int(number) if number.is_integer() else None
    if type(number) is not int:
        raise UserError(f"{what} is {excerpt(value, 40)}, where a whole number is expected")
    if not least <= number <= most:
        span = (
            "of 63 bits"
            if (least, most) == (LEAST, MOST)
            else f"from {least} to {'2^63 - 1' if most == MOST else most}"
        )
        raise UserError(f"{what} is {excerpt(value, 40)}, where a whole number {span} is expected")
    return number


def real(value: object, what: str) -> float:
    """A float, stated as a number or as text; it may be NaN or infinite where the source says so.

    Raises:
        UserError: it is none, or larger than a float can be; the message begins with `what`.
    """
    if type(value) is float:
        return value
    number: object = value.item() if isinstance(value, np.generic) else value
    if isinstance(number, str):
        number = as_float(number)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise UserError(f"{what} is {excerpt(value, 40)}, where a number is expected")
    try:
        return float(number)
    except OverflowError as error:
        raise UserError(f"{what} is {excerpt(value, 40)}, which is larger than any float") from error


def finite(value: object, what: str) -> float:
    """A finite float, stated as a number or as text.

    Raises:
        UserError: as `real`, or it is NaN or infinite; the message begins with `what`.
    """
    number = real(value, what)
    if not math.isfinite(number):
        raise UserError(f"{what} is {excerpt(value, 40)}, where a finite number is expected")
    return number


def within(value: object, what: str, least: float, most: float) -> float:
    """A float from `least` to `most`, stated as a number or as text.

    Raises:
        UserError: it is none, or out of range; the message begins with `what`.
    """
    number = real(value, what)
    if not least <= number <= most:
        raise UserError(f"{what} is {excerpt(value, 40)}, where a number from {least:g} to {most:g} is expected")
    return number


def listed(array: npt.NDArray[Any]) -> Any:
    """The values of an array as numbers and texts of Python, in lists; numpy leaves long doubles its own."""
    return (array.astype(np.float64) if array.dtype.type is np.longdouble else array).tolist()


def as_float(text: str) -> float | None:
    """The number that a text states, NaN and infinity among them, or None."""
    if len(text) > _LONGEST or not text.isascii() or "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def bounded(content: object) -> None:
    """Check every number in what a settings file holds: nested mappings, lists and values.

    Raises:
        UserError: an integer of more than 63 bits, or a float that is not finite; the message begins with its place.
            Or more than `_DEEPEST` levels.
    """
    waiting: list[tuple[str, int, object]] = [("", 0, content)]
    while waiting:
        place, depth, value = waiting.pop()
        if depth > _DEEPEST:
            raise UserError(f"{excerpt(place, 60, bare=True)} is nested too deeply: {_DEEPEST} levels are read")
        if isinstance(value, dict):
            waiting.extend((f"{place}.{key}" if place else str(key), depth + 1, one) for key, one in value.items())
        elif isinstance(value, list | tuple):
            waiting.extend((f"{place}.{number}", depth + 1, one) for number, one in enumerate(value, 1))
        elif isinstance(value, float) and not math.isfinite(value):
            raise UserError(f"{place} is {value}, where a finite number is expected")
        elif isinstance(value, int):
            whole(int(value), place)
