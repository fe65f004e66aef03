"""Tables for a terminal: cells of text in columns of equal width, fitted to the width of the terminal.

What is too wide is fitted in two steps. First the widest columns of text are cut, each to no less than `NARROWEST`
characters; a cut cell ends in `…`. Where that is not enough, columns that do not fit follow in a further block of the
same rows, which begins with the first column again. Numbers and addresses are never cut, and nothing is where the
output is no terminal.
"""

from __future__ import annotations

import bisect
import shutil
import sys
from collections.abc import Collection, Sequence

from pipeline.escaping import cell

NARROWEST = 16  # characters to which a column of text may be cut
CUT = "…"
RULE = "─"  # of which the line under a header is made


def aligned(rows: Sequence[Sequence[str]], right: Sequence[bool] = (), separator: str = "  ") -> list[str]:
    """One line per row, every cell padded to the width of its column.

    Args:
        rows: cells of text, the same number in each row; the header is a row like any other. What is not to be seen in
            them is shown, see `escaping.cell`.
        right: for each column, whether its cells stand on the right; by default all stand on the left.

    Returns:
        the lines; blanks at their ends are those of the padding.
    """
    rows = [[cell(text) for text in row] for row in rows]
    widths = _widths(rows)
    sides = right or [False] * len(widths)
    return [
        separator.join(
            text.rjust(width) if on_right else text.ljust(width)
            for text, width, on_right in zip(row, widths, sides, strict=True)
        )
        for row in rows
    ]


def fitted(
    rows: Sequence[Sequence[str]],
    right: Sequence[bool] = (),
    *,
    width: int | None = None,
    indent: str = "",
    whole: Collection[int] = (),
) -> list[str]:
    """The lines of `aligned` without blanks at their ends, none wider than `width` as far as numbers allow.

    Args:
        rows, right: as in `aligned`.
        width: characters; None for any.
        indent: what each line begins with.
        whole: columns of text that are not cut.
    """
    cells = [[cell(text) for text in row] for row in rows]
    sides = list(right) or [False] * (len(cells[0]) if cells else 0)
    room = None if width is None else width - len(indent)
    if room is not None:
        cells = _cut(cells, [side or column in whole for column, side in enumerate(sides)], room)
    lines: list[str] = []
    for block in [range(len(sides))] if room is None else _blocks(_widths(cells), room):
        if lines:
            lines.append("")
        lines += aligned([[row[column] for column in block] for row in cells], [sides[column] for column in block])
    return [f"{indent}{line}".rstrip() for line in lines]


def terminal_width() -> int | None:
    """How wide the terminal is that standard output goes to; None where it goes elsewhere."""
    return shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else None


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _cut(rows: list[list[str]], kept: Sequence[bool], room: int) -> list[list[str]]:
    """The rows with their widest columns cut to one width, as far as is needed, but for those that are kept."""
    widths = _widths(rows)

    def limits(most: int) -> list[int]:
        return [width if keep else min(width, most) for width, keep in zip(widths, kept, strict=True)]

    choices = range(NARROWEST, max(widths, default=0) + 1)
    place = bisect.bisect_right(choices, room, key=lambda most: sum(limits(most)) + 2 * (len(widths) - 1))
    chosen = limits(choices[max(0, place - 1)] if choices else NARROWEST)
    return [[_shortened(text, limit) for text, limit in zip(row, chosen, strict=True)] for row in rows]


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return text[:limit] if text.startswith(RULE * 2) else text[: limit - 1] + CUT


def _blocks(widths: Sequence[int], room: int) -> list[list[int]]:
    """The columns of each block: as many as fit, and in each but the first block the first column again."""
    blocks: list[list[int]] = []
    used = 0
    for column, width in enumerate(widths):
        if not blocks or used + 2 + width > room:
            repeated = [0] if column else []
            blocks.append([*repeated, column])
            used = sum(widths[i] for i in blocks[-1]) + 2 * (len(blocks[-1]) - 1)
        else:
            blocks[-1].append(column)
            used += 2 + width
    return blocks
