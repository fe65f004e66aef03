"""The charts of the report."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.report.figures.axes import better, plain, scale
from pipeline.report.figures.drawing import ACCENT, DASHED, INK, LINE, MUTED, RenderedFigure, render

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

_PIXELS = {True: "#7b8794", False: "#2f86e0"}  # released or not; pixels cannot follow the page, so these suit both
_VECTOR_POINTS = 400  # more are drawn as pixels, which keeps a page of whole spaces small


@dataclass(frozen=True)
class ProxyPoint:
    """A proxy in a chart of several: its rho with its interval, and seconds per architecture where they are known."""

    label: str
    rho: float
    low: float | None
    high: float | None
    seconds: float | None
    released: bool


@dataclass(frozen=True)
class RhoCurve:
    """rho against iterations: `iterations` and `rho` [k]; `stage` None is the weighted sum."""

    stage: int | None
    iterations: Floats
    rho: Floats


@dataclass(frozen=True)
class RhoBand:
    """The interval of the weighted sum's rho: three arrays [k]."""

    iterations: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class SearchCurve:
    """A search: the mean over its seeds of the best true value so far, and its band.

    `mean`, `low` and `high` are [k], at each number of architectures in `scored`.
    """

    label: str
    scored: Floats
    mean: Floats
    low: Floats
    high: Floats


def scatter(
    truth: Floats, score: Floats, *, title: str, x_label: str, y_label: str, flip: tuple[bool, bool], released: bool
) -> RenderedFigure:
    """Score against true value, one dot per architecture, better to the right and up.

    Args:
        truth: [n], as stored.
        score: [n], as stored; positive scores over more than two decades get a logarithmic axis.
        title: above the axes.
        x_label: the truth, with its unit.
        y_label: the score.
        flip: whether smaller is better in truth and in score, so that the axis runs the other way.
        released: drawn in the muted colour.
    """

    def draw(axes: Axes) -> None:
        if len(truth) > _VECTOR_POINTS:
            axes.scatter(truth, score, color=_PIXELS[released], s=3, alpha=0.3, linewidths=0, rasterized=True)
        else:
            axes.scatter(truth, score, color=MUTED if released else ACCENT, s=16, alpha=0.6, linewidths=0)
        scale(axes, score)
        axes.set(xlabel=f"{x_label}{better('→', flip[0])}", ylabel=f"{y_label}{better('↑', flip[1])}")
        if flip[0]:
            axes.invert_xaxis()
        if flip[1]:
            axes.invert_yaxis()

    return render(draw, title)


def iterations(
    curves: Sequence[RhoCurve], band: RhoBand | None, *, title: str, limits: tuple[float, float]
) -> RenderedFigure:
    """rho against iterations: the weighted sum with its band, and each stage.

    Args:
        curves: the lines.
        band: around the weighted sum.
        title: above the axes.
        limits: of the rho axis.
    """
    from matplotlib.ticker import MaxNLocator

    def draw(axes: Axes) -> None:
        axes.axhline(0, color=MUTED, linewidth=0.6)
        if band is not None:
            axes.fill_between(band.iterations, band.low, band.high, color=ACCENT, alpha=0.18, linewidth=0)
        for curve in sorted(curves, key=lambda c: -1 if c.stage is None else c.stage, reverse=True):
            line: dict[str, Any]
            mark: dict[str, Any] = {"marker": "o", "markersize": 2.5} if len(curve.iterations) <= 20 else {}
            if curve.stage is None:
                line, label = {"color": ACCENT, "linewidth": 2}, "weighted sum"
            else:
                colour, dashes = DASHED[curve.stage % len(DASHED)]
                line, label = {"color": colour, "linestyle": dashes, "linewidth": 1.2}, f"stage {curve.stage}"
            axes.plot(curve.iterations, curve.rho, label=label, **line, **mark)
        axes.set(xlabel="iterations", ylabel="Spearman's rho", ylim=limits)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.figure.subplots_adjust(bottom=0.28)
        axes.figure.legend(
            loc="lower center", ncols=len(curves), fontsize=8, columnspacing=1, handlelength=1.6, reverse=True
        )

    return render(draw, title)


def rhos(dots: Sequence[ProxyPoint], ceiling: Sequence[tuple[str, float]], *, title: str) -> RenderedFigure:
    """Every proxy's rho with its interval, the first on top, and lines that no proxy is expected to pass.

    Args:
        dots: the proxies, in their order.
        ceiling: name and rho of each line.
        title: above the axes.
    """
    places = np.arange(len(dots))[::-1]
    lowest = min((d.rho if d.low is None else d.low for d in dots), default=0.0)
    height = 1.2 + 0.19 * len(dots)

    def draw(axes: Axes) -> None:
        for place, dot in zip(places, dots, strict=True):
            colour = MUTED if dot.released else ACCENT
            if dot.low is not None and dot.high is not None:
                axes.plot([dot.low, dot.high], [place, place], color=colour, alpha=0.5, linewidth=2)
            axes.plot([dot.rho], [place], color=colour, marker="o", markersize=4)
        for (name, rho), (colour, dashes) in zip(ceiling, itertools.cycle(DASHED)):
            axes.axvline(rho, color=colour, linestyle=dashes, linewidth=1.2, label=name)
        axes.set(xlabel="Spearman's rho", xlim=(min(0.0, lowest - 0.03), 1.02), ylim=(-0.8, len(dots) - 0.2))
        axes.set_yticks(places, [d.label for d in dots], fontsize=7.5)
        axes.figure.subplots_adjust(left=0.47, top=1 - 0.35 / height, bottom=(0.8 if ceiling else 0.45) / height)
        if ceiling:
            axes.figure.legend(loc="lower right", ncols=2, fontsize=7.5)

    return render(draw, title, (7.6, height))


def pareto(dots: Sequence[ProxyPoint], *, title: str) -> RenderedFigure:
    """rho against seconds per architecture; those that no cheaper one beats are joined and named.

    Args:
        dots: proxies with seconds.
        title: above the axes.
    """
    timed = sorted(((d.seconds, d) for d in dots if d.seconds is not None), key=lambda pair: (pair[0], -pair[1].rho))
    front = [pair for i, pair in enumerate(timed) if all(pair[1].rho > cheaper.rho for _, cheaper in timed[:i])]

    def draw(axes: Axes) -> None:
        axes.step([seconds for seconds, _ in front], [d.rho for _, d in front], where="post", color=LINE, linewidth=1.5)
        for seconds, dot in timed:
            axes.plot([seconds], [dot.rho], color=MUTED if dot.released else ACCENT, marker="o", markersize=4)
        for i, (seconds, dot) in enumerate(front):
            offset = (5, -9 if i % 2 else 5)
            axes.annotate(dot.label, (seconds, dot.rho), offset, textcoords="offset points", fontsize=7, color=INK)
        axes.set_xscale("log")
        axes.margins(x=0.1, y=0.12)
        axes.set(xlabel="seconds per architecture", ylabel="Spearman's rho")
        low, high = axes.get_xlim()
        axes.set_xlim(low, high * (high / low) ** 0.6)  # room for the names
        plain(axes.xaxis)
        axes.figure.subplots_adjust(left=0.1)

    return render(draw, title, (7.6, 3.4))


def searches(
    paths: Sequence[SearchCurve], best: float | None, *, title: str, y_label: str, lower_is_better: bool
) -> RenderedFigure:
    """The true value of the best architecture so far against the architectures scored, with a band over the seeds.

    Args:
        paths: the searches.
        best: of the whole space.
        title: above the axes.
        y_label: the truth, with its unit.
        lower_is_better: so that the axis runs the other way.
    """
    looks: Any = itertools.cycle(((ACCENT, "-"), (MUTED, "--"), *DASHED))

    def draw(axes: Axes) -> None:
        for path, (colour, dashes) in zip(paths, looks, strict=False):
            axes.fill_between(path.scored, path.low, path.high, color=colour, alpha=0.18, linewidth=0)
            axes.plot(path.scored, path.mean, color=colour, linestyle=dashes, linewidth=1.8, label=path.label)
        if best is not None:
            axes.axhline(best, color=INK, linewidth=0.8, linestyle=":", label="best of the space")
        axes.set(xlabel="architectures scored", ylabel=f"{y_label}{better('↑', lower_is_better)}")
        if lower_is_better:
            axes.invert_yaxis()
        axes.yaxis.label.set_fontsize(8)
        axes.figure.subplots_adjust(left=0.1, bottom=0.24)
        axes.figure.legend(loc="lower center", ncols=len(paths) + 1, fontsize=8, columnspacing=1, handlelength=1.8)

    return render(draw, title, (7.6, 3.4))


def heat(labels: Sequence[str], spaces: Sequence[str], values: Floats, *, title: str) -> RenderedFigure:
    """A heat map of rho: proxies or signals in rows, spaces or stages in columns; missing values are left empty.

    Args:
        labels: of the rows.
        spaces: of the columns.
        values: rho [labels, spaces], NaN where there is none.
        title: above the axes.
    """
    from matplotlib.patches import Rectangle

    height = 0.9 + 0.19 * len(labels)

    def draw(axes: Axes) -> None:
        for (down, across), rho in np.ndenumerate(values):
            if np.isfinite(rho):
                colour, share = (ACCENT, rho) if rho >= 0 else (DASHED[0][0], -rho)
                axes.add_patch(
                    Rectangle((across - 0.5, down - 0.5), 1, 1, color=colour, alpha=0.6 * share, linewidth=0)
                )
                axes.text(across, down, f"{rho:.2f}", ha="center", va="center", fontsize=7.5)
        axes.grid(False)
        axes.set(xlim=(-0.5, len(spaces) - 0.5), ylim=(len(labels) - 0.5, -0.5))
        axes.set_xticks(range(len(spaces)), spaces, fontsize=7.5)
        axes.set_yticks(range(len(labels)), labels, fontsize=7.5)
        left = min(0.47, 0.04 + 0.008 * max(map(len, labels)))
        axes.figure.subplots_adjust(left=left, top=1 - 0.35 / height, bottom=0.35 / height)

    return render(draw, title, (7.6, height))
