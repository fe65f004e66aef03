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
_DECIMAL_COMMA = re.compile(r"[^\s,]+(,[^\s,]+)?")
_CODE = re.compile(r"[A-Za-z0-9_]+")
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
        parted = _parted(text, ",") if "," in text else re.split(r"[\s;:|/_-]+", text)
        if len(parted) > 1 and all(map(_CODE.fullmatch, parted)):
            return parted
        if text.isalnum() and text.isascii() and len(text) == count:
            return list(text)
        raise


def list_of(cell: object, column: str, decimal: str = ".") -> Sequence[object]:
    """The list in a cell, or in its text; None in the place of a value that the text leaves out.

    Args:
        decimal: what stands before the decimals of numbers in a text; where it is a comma, they are returned as texts.

    Raises:
        UserError: there is none, or it cannot be told which commas of a text part numbers.
    """
    values = cell
    if isinstance(cell, str) and len(cell) <= _LONGEST_LIST:
        if decimal == "," and not any(mark in cell for mark in "'\""):
            return _with_decimal_commas(cell, column)
        with contextlib.suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            values = ast.literal_eval(cell)
        if isinstance(values, str) and (printed := _PRINTED.fullmatch(values.strip())):
            values = _numbers(printed[1] or printed[2] or "", cell, column)
    if not isinstance(values, list | tuple):
        raise UserError(f"{column_named(column)} holds {excerpt(cell)}, where a list is expected")
    return values


def _numbers(text: str, cell: str, column: str) -> list[float | None]:
    """The numbers of a list without its brackets: nothing between two commas is a value that is not there."""
    texts = _parted(text, ",") if "," in text else text.split()
    values = [numbers.as_float(text) if text else None for text in texts]
    if not values or any(text and value is None for text, value in zip(texts, values, strict=True)):
        raise UserError(f"{column_named(column)} holds {excerpt(cell)}, where a list of numbers is expected")
    return [int(value) if value is not None and value.is_integer() else value for value in values]


def _with_decimal_commas(cell: str, column: str) -> list[str | None]:
    """The numbers of a list, as texts: a comma that could also part two of them is refused."""
    printed = _PRINTED.fullmatch(cell.strip())
    text = (printed[1] or printed[2] or "") if printed else ""
    texts = _parted(text, ";") if ";" in text else text.split()
    if not printed or any(not _DECIMAL_COMMA.fullmatch(text) for text in texts if text):
        raise UserError(
            f"{column_named(column)} holds {excerpt(cell)}, where decimals follow a comma and a list is written "
            "[93,12 94,10] or [93,12; 94,10]"
        )
    return [text or None for text in texts]


def _parted(text: str, mark: str) -> list[str]:
    """What stands between the marks of a list; the last one may have a mark after it."""
    texts = [part.strip() for part in text.split(mark)]
    return texts if texts[-1] else texts[:-1]


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


def without_percent_sign(cell: object) -> object:
    """A text without the sign that ends it, if it is more than that; any other cell as it is."""
    return (cell.rstrip().removesuffix("%").rstrip() or cell) if isinstance(cell, str) else cell


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
