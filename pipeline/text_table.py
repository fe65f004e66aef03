"""Tables for a terminal: cells of text in columns of equal width."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.escaping import cell


def aligned(rows: Sequence[Sequence[str]], right: Sequence[bool] = (), separator: str = "  ") -> list[str]:
    """One line per row, every cell padded to the width of its column.

    Args:
        rows: cells of text, the same number in each row; the header is a row like any other. What is not to be seen in
            them is shown, see `escaping.cell`.
        right: for each column, whether its cells stand on the right; by default all stand on the left.
        separator: between two columns.

    Returns:
        the lines; blanks at their ends are those of the padding.
    """
    rows = [[cell(text) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = right or [False] * len(widths)
    return [
        separator.join(
            text.rjust(width) if on_right else text.ljust(width)
            for text, width, on_right in zip(row, widths, sides, strict=True)
        )
        for row in rows
    ]
