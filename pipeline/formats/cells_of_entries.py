"""The cells of a row, from a mapping, a list, or a single value of a container."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from pipeline.errors import excerpt
from pipeline.formats import numbers, pickles
from pipeline.formats.table_form import KEY, VALUE, Cells, Unreadable
from pipeline.wording import count_of

MOST_ELEMENTS = 100_000
"""Of a cell, written out; what refers to itself, or shares its parts, may have any number."""

_MOST_FIELDS = 20_000  # of a row
_DEEPEST = 50  # lists and mappings within one another
_SCALARS = {float, int, str, bool, type(None)}


class EntryError(Exception):
    """What an entry holds cannot be the cells of a row."""


class BoundlessError(EntryError):
    """What an entry holds has no end, or none that is near."""


class RepeatedFieldError(EntryError):
    """Two fields of an entry have one name, as `{"a.b": 1, "a": {"b": 2}}` has, and either may be meant."""

    def __init__(self, name: str) -> None:
        super().__init__(f"two fields are called {excerpt(name)}")


def cells(
    entry: object, key: object = None, columns: Sequence[str] = (), objects: Collection[str] = ()
) -> Cells | Unreadable:
    """The cells of an entry.

    Args:
        entry: a mapping, a list, or a single value.
        key: the key that it has in its table, where it has one.
        columns: names of the cells of a list.
        objects: names of mappings within it that are cells, besides their fields.
    """
    try:
        if columns and isinstance(entry, list | tuple | np.ndarray):
            if len(entry) != len(columns):
                return Unreadable(
                    f"{count_of(len(entry), 'cell')} where {count_of(len(columns), 'column is', 'columns are')} named"
                )
            entry = dict(zip(columns, entry, strict=True))
        named = fields(entry, objects=objects)
        return named if key is None else {KEY: plain(key), **named}
    except EntryError as error:
        return Unreadable(str(error))


def fields(entry: object, depth: int = 1, within: str = "", objects: Collection[str] = ()) -> dict[str, object]:
    """The fields of an entry by name, those of a field as `outer.inner`; a single value is named `VALUE`.

    Raises:
        BoundlessError: it has too many.
        RepeatedFieldError: two have one name.
    """
    if isinstance(entry, pickles.ForeignObject):
        entry = vars(entry)
    if not isinstance(entry, dict):
        return {VALUE: plain(entry)}
    if depth > _DEEPEST:
        raise BoundlessError(f"it refers to itself, or is nested more than {_DEEPEST} deep")
    named: dict[str, object] = {}
    for given, value in entry.items():
        name = given if type(given) is str else excerpt(given, 150)
        name = f"{within}.{name}" if within else name
        if name in named:
            raise RepeatedFieldError(name)
        if type(value) in (float, str):
            named[name] = value
        elif isinstance(value, dict | pickles.ForeignObject):
            if name in objects:
                named[name] = plain(vars(value) if isinstance(value, pickles.ForeignObject) else value)
            named = joined(named, fields(value, depth + 1, name, objects))
            if len(named) > _MOST_FIELDS:
                raise BoundlessError(f"it has more than {_MOST_FIELDS:,} fields")
        else:
            named[name] = value if type(value) is int else plain(value)
    return named


def joined(fields: dict[str, object], others: dict[str, object]) -> dict[str, object]:
    """The fields with others added to them.

    Raises:
        RepeatedFieldError: a name is among both.
    """
    if not fields.keys().isdisjoint(others):
        raise RepeatedFieldError(next(name for name in others if name in fields))
    fields.update(others)
    return fields


def plain(value: object) -> object:
    """The value of a cell: arrays as lists.

    Raises:
        BoundlessError: it has no end.
    """
    if type(value) in _SCALARS:
        return value
    if isinstance(value, np.ndarray):
        return numbers.listed(value)
    if isinstance(value, list | tuple) and set(map(type, value)) <= _SCALARS:
        return value
    count, waiting = 0, [(value, 0)]
    while waiting:
        part, depth = waiting.pop()
        if isinstance(part, pickles.ForeignObject):
            part = vars(part)
        if not isinstance(part, list | tuple | dict | set | frozenset):
            continue
        count += len(part)
        if count > MOST_ELEMENTS or depth > _DEEPEST:
            raise BoundlessError(
                f"a cell refers to itself, or holds more than {MOST_ELEMENTS:,} values or {_DEEPEST} levels"
            )
        waiting.extend((member, depth + 1) for member in part)
        if isinstance(part, dict):
            waiting.extend((member, depth + 1) for member in part.values())
    return value
