"""How a file holds a table: its container, and names for what is not in a column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.formats.fault import Fault

ContainerKind = Literal["csv", "json", "jsonl", "pickle", "parquet", "torch", "arrow", "numpy", "sqlite"]
Layout = Literal["rows", "columns", "row"]
Cells = Mapping[str, object]

Rows = Iterator[tuple[str, Cells | Fault]]
"""Position and cells of each row, or why it cannot be read."""

DELIMITERS = (",", "\t", ";", "|")
"""Of a CSV, those that are looked for where none is stated."""

KEY, VALUE, FILE, FOLDER = "@key", "@value", "@file", "@folder"

ANY, LEVEL = "*", "@"
"""In a root, every key, or every item, of what is there; with a number, the cell with the key of one of them."""


@dataclass(frozen=True)
class TableForm:
    """How a file holds a table.

    Args:
        delimiter: between the cells of a CSV; a blank stands for any number of blanks.
        skip: lines of a CSV before its header.
        comment: what lines of a CSV begin with that are left out.
        header: lines of a CSV that together name its columns.
        table: the name of a database's table; needed where it has several.
        root: what leads from the top of a JSON, pickle or torch file to the table: keys, or the numbers of a list's
            items, from 0, or `ANY`. Several pickles in one file are a list.
        classes: classes ("package.module.Class") whose objects a pickle may hold; they are read as mappings.
        layout: of a JSON, pickle or torch file: `rows` where each entry of the table is a row; `columns` where each
            entry is a column, a list or a mapping from a row's key to its cell; `row` where the table is one row.
        columns: the names of the cells where the table has none: of a CSV without a header, of rows that are lists.
        members: the files of a folder that are read, as a pattern.
        nested: columns whose text is JSON, or a literal of Python.
        objects: columns that are wanted as the objects they are, besides their fields.
    """

    kind: ContainerKind
    delimiter: str = ","
    root: Sequence[str] = ()
    classes: Sequence[str] = ()
    layout: Layout = "rows"
    columns: Sequence[str] = ()
    members: str = "*"
    skip: int = 0
    comment: str = ""
    table: str = ""
    header: int = 1
    nested: Sequence[str] = ()
    objects: Sequence[str] = ()
