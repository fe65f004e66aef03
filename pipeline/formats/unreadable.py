"""A value that a reader yields in place of a record that it cannot read."""

from __future__ import annotations


class Unreadable(str):
    """In the place of a record: why it cannot be read."""

    __slots__ = ()
