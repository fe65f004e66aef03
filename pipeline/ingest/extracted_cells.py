"""Cells that a table mapping takes out of the text of others, by regular expressions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.errors import excerpt
from pipeline.formats.fault import Fault
from pipeline.formats.tables import Cells, Rows
from pipeline.ingest.mapping_sections import ExtractedCells

_LONGEST = 10_000  # characters of a text that is matched


def extracted(rows: Rows, sections: Sequence[ExtractedCells]) -> Rows:
    """The rows with further cells; a row whose text does not match is a fault."""
    patterns = [(section.column, re.compile(section.pattern)) for section in sections]
    for position, cells in rows:
        yield position, cells if isinstance(cells, Fault) else _with_groups(cells, patterns)


def _with_groups(cells: Cells, patterns: Sequence[tuple[str, re.Pattern[str]]]) -> Cells | Fault:
    extended = dict(cells)
    for column, pattern in patterns:
        if column not in extended:
            return Fault(f"no '{column}' in this row")
        cell = extended[column]
        text = cell if isinstance(cell, str) else "" if cell is None else str(cell)
        match = pattern.fullmatch(text.strip()) if len(text) <= _LONGEST else None
        if match is None:
            wanted = excerpt(pattern.pattern, 100, bare=True)
            return Fault(f"column '{column}' holds {excerpt(cell, 60)}, which does not match {wanted}")
        extended |= match.groupdict()
    return extended
