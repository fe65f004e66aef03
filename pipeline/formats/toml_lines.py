"""The line of a TOML file in which a field stands, for messages; `tomllib` gives values alone."""

from __future__ import annotations

import re
from collections import Counter

_HEADER = re.compile(r"\s*(\[{1,2})\s*([^\[\]]+?)\s*\]{1,2}\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def line_of(text: str, location: tuple[str | int, ...]) -> int:
    """The line, from 1, of a field, or of the nearest table around it that the file writes; else the first.

    Args:
        location: names, and for arrays of tables the place, from 0: ("truth", 1, "unit").
    """
    lines = _lines(text)
    return next((lines[location[:n]] for n in range(len(location), 0, -1) if location[:n] in lines), 1)


def _lines(text: str) -> dict[tuple[str | int, ...], int]:
    table: tuple[str | int, ...] = ()
    counts: Counter[tuple[str | int, ...]] = Counter()
    lines: dict[tuple[str | int, ...], int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if header := _HEADER.fullmatch(line):
            table = tuple(part.strip("\"'") for part in _PART.findall(header[2]))
            if header[1] == "[[":
                counts[table] += 1
                table = (*table, counts[table] - 1)
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, *(part.strip("\"'") for part in _PART.findall(key[1]))), number)
    return lines
