"""Parse a cell of a table: a number, a list, or codes."""

from __future__ import annotations

import ast
import contextlib
import math
import re
from collections.abc import Mapping, Sequence

from pipeline.errors import UserError, column_named, excerpt
from pipeline.formats import numbers

_LONGEST_LIST = 100_000  # characters of a list that is written as text
_PRINTED = re.compile(r"\[([^\[\]]*)\]|\w+\(\[([^\[\]]*)\](?:, \w+=[^()]*)?\)")
"""A list as numpy or torch print it: [0 1 2], tensor([0, 1, 2]), array([0, 1, 2], dtype=int8)."""
_ABSENT = ("", "-", "na", "n/a", "none", "null")


def listed_codes(cell: object, column: str, count: int | None = None) -> Sequence[object]:
    """The codes in a cell: a list, its Python literal as text, codes with something between them, or one digit each.

    Args:
        count: how many there should be; codes without anything between them are parted where that gives as many.

    Raises:
        UserError: it is no such list.
    """
    try:
        return list_of(cell, column)
    except UserError:
        text = cell.strip() if isinstance(cell, str) else ""
        parted = re.split(r"[\s;:|/_-]+", text)
        if len(parted) > 1 and all(part.isalnum() and part.isascii() for part in parted):
            return parted
        if text.isalnum() and text.isascii() and len(text) == count:
            return list(text)
        raise


def list_of(cell: object, column: str) -> Sequence[object]:
    """The list in a cell, or in its text.

    Raises:
        UserError: there is none.
    """
    values = cell
    if isinstance(cell, str) and len(cell) <= _LONGEST_LIST:
        with contextlib.suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            values = ast.literal_eval(cell)
        if isinstance(values, str) and (printed := _PRINTED.fullmatch(values.strip())):
            values = _numbers((printed[1] or printed[2] or "").replace(",", " ").split(), cell, column)
    if not isinstance(values, list | tuple):
        raise UserError(f"{column_named(column)} holds {excerpt(cell)}, where a list is expected")
    return values


def _numbers(texts: Sequence[str], cell: str, column: str) -> list[float]:
    values = [numbers.as_float(text) for text in texts]
    if None in values or not values:
        raise UserError(f"{column_named(column)} holds {excerpt(cell)}, where a list of numbers is expected")
    return [int(value) if value.is_integer() else value for value in values if value is not None]


def has(cells: Mapping[str, object], column: str) -> bool:
    return not _is_absent(cells.get(column))


def number_of(cell: object, column: str) -> float | None:
    """The number in a cell; None where the cell says that there is none.

    Raises:
        UserError: it is neither.
    """
    if _is_absent(cell):
        return None
    if isinstance(cell, str) and (number := numbers.as_float(cell)) is not None:
        if math.isinf(number) and any(digit in cell for digit in "0123456789"):
            raise UserError(f"{column_named(column)} holds {excerpt(cell)}, which is larger than any float")
        return number
    if isinstance(cell, int) and not isinstance(cell, bool):
        with contextlib.suppress(OverflowError):
            return float(cell)
    raise UserError(f"{column_named(column)} holds {excerpt(cell)}, where a number is expected")


def _is_absent(cell: object) -> bool:
    """Whether a cell says that there is nothing in it."""
    return cell is None or (isinstance(cell, str) and cell.strip().lower() in _ABSENT)


def is_decimal(text: str) -> bool:
    """Whether a text is a number with decimals."""
    number = numbers.as_float(text)
    return number is not None and not number.is_integer()


def plain_text(cell: object) -> str:
    """A cell that names something, as text.

    Raises:
        UserError: it is neither a number nor a text.
    """
    if not isinstance(cell, str | int | float):
        raise UserError(f"a name is {excerpt(cell, 40)}, where a number or text is expected")
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()
