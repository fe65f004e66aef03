"""Cells that a table mapping takes out of the text of others, by regular expressions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.errors import UserError, column_named, excerpt
from pipeline.formats.table_form import Cells, Rows, Unreadable
from pipeline.ingest.mapping_sections import ExtractedCells
from pipeline.time_limit import TooSlowError, within

_LONGEST = 10_000  # characters of a text that is matched
_SHORT = 12  # characters of one that any pattern ends with soon
_SECONDS = 2.0  # of a processor, that a text may take


def extracted(rows: Rows, sections: Sequence[ExtractedCells]) -> Rows:
    """The rows with further cells; a row whose text does not match is a fault."""
    patterns = [(section.column, re.compile(section.pattern)) for section in sections]
    for position, cells in rows:
        yield position, cells if isinstance(cells, Unreadable) else _with_groups(cells, patterns)


def _with_groups(cells: Cells, patterns: Sequence[tuple[str, re.Pattern[str]]]) -> Cells | Unreadable:
    extended = dict(cells)
    for column, pattern in patterns:
        if column not in extended:
            return Unreadable(f"no '{column}' in this row")
        cell = extended[column]
        text = cell if isinstance(cell, str) else "" if cell is None else _written(cell)
        match = _match(column, pattern, text.strip()) if len(text) <= _LONGEST else None
        if match is None:
            wanted = excerpt(pattern.pattern, 100, bare=True)
            return Unreadable(f"{column_named(column)} holds {excerpt(cell, 60)}, which does not match {wanted}")
        parts = match.groupdict()
        if taken := [name for name in parts if name in extended and name != column]:
            return Unreadable(
                f"the pattern for {column_named(column)} names a part '{taken[0]}', as another cell is named"
            )
        extended |= parts
    return extended


def _match(column: str, pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    if len(text) <= _SHORT:
        return pattern.fullmatch(text)
    try:
        with within(_SECONDS, of_processor=True):
            return pattern.fullmatch(text)
    except TooSlowError as error:
        raise UserError(
            f"the pattern {excerpt(pattern.pattern, 100, bare=True)} takes more than {_SECONDS:g} s for "
            f"{excerpt(text, 60)} of {column_named(column)}: let no repetition stand within another, as in (a+)+"
        ) from error


def _written(cell: object) -> str:
    try:
        return str(cell)
    except ValueError:  # Python refuses to write thousands of digits
        return excerpt(cell)
