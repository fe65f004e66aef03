"""Axes that suit what is drawn: logarithmic ones with plain numbers, and ones that end inside heavy tails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline.report.figures.drawing import MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

Floats = npt.NDArray[np.float64]


def scale(axes: Axes, score: Floats) -> None:
    """A logarithmic axis for positive scores over decades; for other heavy tails an axis that ends inside them."""
    from matplotlib.ticker import EngFormatter

    if score.min() > 0 and score.max() > 100 * score.min():
        axes.set_yscale("log")
        plain(axes.yaxis)
        return
    if not 1e-3 < np.abs(score).max() < 1e4:
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    low, high = np.percentile(score, [1, 99])
    if np.ptp(score) > 5 * (high - low) > 0:
        axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
        outside = int(np.sum((score < axes.get_ylim()[0]) | (score > axes.get_ylim()[1])))
        axes.text(1, 1.02, f"{outside} outside", transform=axes.transAxes, ha="right", color=MUTED, fontsize=8)


def plain(axis: Axis) -> None:
    """Plain numbers on a logarithmic axis: by default they are mathematics, which is switched off for names' sake.

    To be called when the limits are set: within a decade there may be no power of ten to name.
    """
    from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter

    prefixed = EngFormatter(sep="")
    low, high = axis.get_view_interval()
    named = ((1e4, (1,)), (10, (1, 2, 5)), (0, (1, 1.5, 2, 3, 4, 5, 6, 8)))
    axis.set_major_locator(LogLocator(subs=next(subs for ratio, subs in named if high > ratio * low)))
    axis.set_major_formatter(FuncFormatter(lambda at, _: f"{at:g}" if 1e-3 <= at < 1e4 else prefixed(at)))
    axis.set_minor_formatter(NullFormatter())


def better(arrow: str, flipped: bool) -> str:
    """What to add to an axis label: which way is better, and whether that is lower."""
    return f" (lower is better {arrow})" if flipped else f" (better {arrow})"
