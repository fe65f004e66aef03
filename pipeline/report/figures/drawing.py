"""How a figure is drawn: the look of all of them, and one drawing as SVG and PNG.

The same numbers give the same SVG, byte for byte: no date, and element ids from a fixed salt.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARK = "nas-proxy-bench"  # in the metadata of a figure, which tells ours from others
INK, MUTED, LINE, ACCENT = "#1b1f24", "#5b6470", "#d8dee4", "#0b6bcb"
DASHED = (("#d98a00", ":"), ("#009e73", "--"), ("#c2609a", "-."), ("#8a6d3b", (0, (5, 1))), ("#6a5acd", (0, (1, 1))))
_SIZE = (4.2, 3.25)  # inches
_RC: dict[Any, Any] = {
    "svg.hashsalt": "nas-proxy-bench",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "figure.subplot.left": 0.16,
    "figure.subplot.right": 0.98,
    "figure.subplot.top": 0.86,
    "figure.subplot.bottom": 0.16,
    "text.parse_math": False,  # a name may hold a dollar
}


@dataclass(frozen=True)
class RenderedFigure:
    """A drawing as standalone SVG text and as PNG bytes."""

    svg: str
    png: bytes


@dataclass(frozen=True)
class Figure:
    """A figure of the report.

    Attributes:
        name: of its files and ids.
        kind: which part of the page it belongs to: overview, score, iterations, menu or search.
        caption: for readers, also those who do not see it.
        drawing: the figure itself.
    """

    name: str
    kind: str
    caption: str
    drawing: RenderedFigure


def render(draw: Callable[[Axes], None], title: str, size: tuple[float, float] = _SIZE) -> RenderedFigure:
    """Draw on the axes of a new figure.

    Args:
        draw: draws on the axes.
        title: above the axes.
        size: in inches.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_RC), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # the SVG has the text, whatever the font
        figure = Figure(figsize=size)
        axes = figure.add_subplot()
        axes.grid(True)
        axes.set_axisbelow(True)
        draw(axes)
        figure.suptitle(title, x=0.03, y=1 - 0.065 / size[1], ha="left", va="top", fontsize=9.5, color=INK)
        svg, png = io.StringIO(), io.BytesIO()
        figure.savefig(svg, format="svg", transparent=True, dpi=150, metadata={"Date": None, "Creator": MARK})
        figure.savefig(png, format="png", dpi=150, facecolor="white", metadata={"Software": MARK})
    return RenderedFigure(svg.getvalue(), png.getvalue())
