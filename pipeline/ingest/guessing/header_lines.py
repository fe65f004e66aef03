"""Whether lines of a CSV are its header or rows, and how numbers are written in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.formats import numbers
from pipeline.formats.table_form import Cells

COMMA = re.compile(r"[+-]?\d+,\d+")
"""A number with a comma before its decimals."""

_NUMBER_AT_END = re.compile(r"(^|\.)[+-]?\d+(\.\d+)?$")
_WORD = re.compile("[A-Za-z0-9_]+")
_SHORT_FORM = 5  # characters of a name without its words
_MOST_WORDS = 3  # for missing numbers


def begins_with_a_row(names: Sequence[str], first: Cells) -> bool:
    """Whether the line that was taken for a header is a row: it has decimals, or it has numbers and a cell of the same
    form as the cell below it, in the `first` row.
    """
    if not any(map(is_number, names)):
        return False
    forms = [(_WORD.sub("a", name), _WORD.sub("a", str(first.get(name)))) for name in names]
    alike = any(form == below and len(form) > _SHORT_FORM for form, below in forms)
    return alike or any("." in name and is_number(name) for name in names)


def has_numbers_of_rows(names: Sequence[str], rows: Sequence[Cells]) -> bool:
    """Whether a header of several lines has a wrong number of lines: one too many, if its last line has numbers where
    the rows have; or one too few, if the first row is nearly empty.
    """
    first = [cell for cell in map(str, rows[0].values()) if cell.strip()]
    numbered = (name for name in names if any(is_number(str(row[name])) for row in rows))
    return len(first) < 2 or any(_NUMBER_AT_END.search(name) for name in numbered)


def have_commas(cells: Sequence[str]) -> bool:
    """Whether most cells are numbers with a decimal comma, and the others whole numbers or a few words."""
    others = [cell for cell in cells if not COMMA.fullmatch(cell)]
    words = {cell for cell in others if not cell.isdecimal()}
    return 2 * len(others) < len(cells) and len(words) <= _MOST_WORDS and not any(map(is_number, words))


def is_number(text: str) -> bool:
    return numbers.as_float(text) is not None
