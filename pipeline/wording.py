"""Counts in sentences: one row, two rows."""

from __future__ import annotations


def count_of(count: int, one: str, many: str = "") -> str:
    """The count with its noun: "1 row", "1,200 rows".

    Args:
        count: how many there are.
        one: what one is called, with its verb where that depends on the count: "row is".
        many: what several are called; by default the noun with an s, and proxies.
    """
    return f"{count:,} {noun(count, one, many)}"


def noun(count: int, one: str, many: str = "") -> str:
    """The noun for this count: "row" or "rows"; the arguments are those of `count_of`."""
    return one if count == 1 else many or _plural(one)


def every(count: int, one: str) -> str:
    """The beginning of a sentence about all that there are: "all 3 rows are", "1 row is"."""
    return f"{count_of(count, one)} is" if count == 1 else f"all {count_of(count, one)} are"


def _plural(noun: str) -> str:
    return f"{noun[:-1]}ies" if noun.endswith("xy") else f"{noun}s"


def with_article(name: str) -> str:
    """A noun after its indefinite article: "a list", "an int"."""
    return f"{'an' if name[:1].lower() in tuple('aeiou') else 'a'} {name}"
