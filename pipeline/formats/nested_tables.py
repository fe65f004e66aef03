"""A table within one object of mappings and lists, as JSON, pickles and torch files hold it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from pipeline.errors import NotThisFormError, UserError, excerpt, unknown
from pipeline.formats.cells_of_entries import EntryError, cells, fields
from pipeline.formats.numbers import listed
from pipeline.formats.table_form import ANY, LEVEL, Cells, Rows, TableForm, Unreadable
from pipeline.wording import count_of

_MOST_CODES = 100  # of an architecture that is the key of its row
_LONGEST_INDEX = 9  # digits of the number of an item


class _Level(NamedTuple):
    """What a root has led to.

    Args:
        position: the keys that `ANY` stood for on the way, for messages.
        passed: the cells of its rows that tell where it is.
    """

    table: object
    position: str = ""
    passed: Cells = MappingProxyType({})


def rows(path: Path, content: object, form: TableForm) -> Rows:
    """The rows of the table to which the form's root leads.

    Raises:
        NotThisFormError: there is none; with `ANY` in the root an `Unreadable` comes in place of the rows instead.
    """
    if ANY not in form.root:
        [level] = _descend(path, _Level(content), form, form.root)
        return _entries(path, level.table, form)
    levels = _descend(path, _Level(content), form, form.root)
    return chain.from_iterable(_rows_of_level(path, level, form) for level in levels)


def _rows_of_level(path: Path, level: _Level, form: TableForm) -> Rows:
    if isinstance(level.table, Unreadable):
        yield level.position, level.table
        return
    try:
        for position, entry in _entries(path, level.table, form):
            where = f"{level.position}, {position}"
            yield where, entry if isinstance(entry, Unreadable) else {**level.passed, **entry}
    except NotThisFormError as error:
        yield level.position, Unreadable(str(error).removeprefix(f"{path}").lstrip(": "))


def _descend(path: Path, level: _Level, form: TableForm, root: Sequence[str], depth: int = 1) -> Iterator[_Level]:
    """What the rest of a form's root leads to, once for everything that `ANY` in it stands for."""
    if not root:
        yield level
        return
    key, rest = root[0], root[1:]
    table = listed(level.table) if isinstance(level.table, np.ndarray) else level.table
    if key != ANY or (isinstance(table, dict) and key in table):
        yield from _descend(path, level._replace(table=_entry(path, table, key)), form, rest, depth)
        return
    if not isinstance(table, dict | list | tuple):
        raise NotThisFormError(f"{path}: there is no mapping or list where '{ANY}' stands for each of its entries")
    keyed = table.items() if isinstance(table, dict) else enumerate(table)
    for number, (name, entry) in enumerate(keyed, 1):
        here = f"key {shown(name)}" if isinstance(table, dict) else f"item {number}"
        position = f"{level.position}, {here}" if level.position else here
        try:
            passed = {**level.passed, f"{LEVEL}{depth}": name if isinstance(name, str | int) else shown(name)}
            if rest and rest[0] != ANY and isinstance(entry, dict):
                beside = {n: value for n, value in entry.items() if n != rest[0]}
                passed |= fields(beside, within=f"{LEVEL}{depth}", objects=form.objects)
            yield from _descend(path, _Level(entry, position, passed), form, rest, depth + 1)
        except (UserError, EntryError) as error:
            yield _Level(Unreadable(str(error).removeprefix(f"{path}: ")), position)


def _entry(path: Path, table: object, key: str) -> object:
    if isinstance(table, list | tuple) and key.isdecimal():
        if len(key) > _LONGEST_INDEX or int(key) >= len(table):
            raise NotThisFormError(f"{path}: item {key[:40]} of {len(table)}, counted from 0, does not exist")
        return table[int(key)]
    if not isinstance(table, dict):
        raise NotThisFormError(f"{path}: there is no mapping where '{key}' is looked for")
    if key not in table:
        raise unknown(f"key of {path.name}", key, map(shown, table))
    return table[key]


def _entries(path: Path, table: object, form: TableForm) -> Rows:
    table = listed(table) if isinstance(table, np.ndarray) else table
    if isinstance(table, dict | list | tuple) and table:
        if form.layout == "row":
            return iter([("the file", cells(table, None, form.columns, form.objects))])
        if form.layout == "columns":
            return _across(path, table, form)
        if isinstance(table, dict):
            return (
                (f"key {shown(key)}", cells(entry, key, form.columns, form.objects)) for key, entry in table.items()
            )
        return (
            (f"item {number}", cells(entry, None, form.columns, form.objects)) for number, entry in enumerate(table, 1)
        )
    empty = isinstance(table, dict | list | tuple)
    kind = type(table).__name__
    what = f"an empty {kind}" if empty else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    raise NotThisFormError(f"{path} holds {what}, where a mapping or a list of rows is expected")


def _across(path: Path, table: dict[object, object] | Sequence[object], form: TableForm) -> Rows:
    """The rows of a table that is held column by column; what is neither a list nor a mapping is no column."""
    names = form.columns
    if names and not isinstance(table, dict) and len(names) != len(table):
        raise NotThisFormError(f"{path} has {count_of(len(table), 'column')} where {len(names)} are named")
    named = table.items() if isinstance(table, dict) else zip(names or map(str, range(len(table))), table, strict=True)
    columns = {
        name if isinstance(name, str) else excerpt(name, 150): listed(c) if isinstance(c, np.ndarray) else c
        for name, c in named
        if isinstance(c, list | tuple | dict | np.ndarray)
    }
    if not columns:
        raise NotThisFormError(f"{path} holds no column: lists or mappings of cells are expected")
    keyed = {name: column for name, column in columns.items() if isinstance(column, dict)}
    if len(keyed) == len(columns):
        return _by_key(keyed, form.objects)
    lengths = {name: len(column) for name, column in columns.items()}
    if keyed or len(set(lengths.values())) != 1:
        shown_lengths = ", ".join(f"{name} {length}" for name, length in [*lengths.items()][:8])
        raise NotThisFormError(
            f"{path}: columns of equal length are expected, all of them lists or all of them mappings; it has "
            f"{shown_lengths}"
        )
    return (
        (f"item {number}", cells(dict(zip(columns, row, strict=True)), objects=form.objects))
        for number, row in enumerate(zip(*columns.values(), strict=True), 1)
    )


def _by_key(columns: Mapping[str, dict[object, object]], objects: Sequence[str]) -> Rows:
    """The rows of columns that are mappings; a mapping that shares no key with the longest column is none."""
    longest = max(columns.values(), key=len)
    columns = {name: column for name, column in columns.items() if not longest.keys().isdisjoint(column)}
    table: dict[object, dict[str, object]] = {}
    for name, column in columns.items():  # cell by cell: a few may be in thousands of columns and rows
        for key, cell in column.items():
            table.setdefault(key, {})[name] = cell
    for key, row in table.items():
        yield f"key {shown(key)}", cells(row, key, objects=objects)


def shown(key: object) -> str:
    """A key as messages name it."""
    if isinstance(key, str):
        return key[:150]
    codes = type(key) is tuple and len(key) <= _MOST_CODES and all(type(c) is int and abs(c) < 1 << 63 for c in key)
    return str(key)[:150] if codes else excerpt(key, 150)  # which takes as long as all else that is done with a row
