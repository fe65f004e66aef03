"""How a file holds a table: its container, and names for what is not in a column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

ContainerKind = Literal["csv", "json", "jsonl", "pickle", "parquet", "torch", "arrow", "numpy", "sqlite"]
Layout = Literal["rows", "columns", "row"]
Cells = Mapping[str, object]


class Unreadable(str):
    """In the place of a record that cannot be read: why not."""

    __slots__ = ()


Rows = Iterator[tuple[str, Cells | Unreadable]]
"""Position and cells of each row, or why it cannot be read."""

DELIMITERS = (",", "\t", ";", "|")
"""Of a CSV, those that are looked for where none is stated."""

KEY, VALUE, FILE, FOLDER = "@key", "@value", "@file", "@folder"

ANY, LEVEL = "*", "@"
"""In a root, every key, or every item, of what is there; with a number, the cell with the key of one of them."""


@dataclass(frozen=True)
class TableForm:
    """How a file holds a table: the fields are those of `[container]` in docs/mapping-reference.md, and `objects`, the
    columns that are wanted as the objects they are, besides their fields.
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
