"""The report's figures, the only place that draws: SVG for the page, the same as PNG for elsewhere.

The same numbers give the same SVG, byte for byte: no date, and element ids from a fixed salt.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

Floats = npt.NDArray[np.float64]

INK, MUTED, LINE, ACCENT = "#1b1f24", "#5b6470", "#d8dee4", "#0b6bcb"
_PIXELS = {True: "#7b8794", False: "#2f86e0"}  # released or not; pixels cannot follow the page, so these suit both
_THEME = {INK: "ink", MUTED: "muted", LINE: "line", ACCENT: "accent"}  # colours that follow the page's, by variable
_STAGES = (("#d98a00", ":"), ("#009e73", "--"), ("#c2609a", "-."), ("#8a6d3b", (0, (5, 1))), ("#6a5acd", (0, (1, 1))))
_SIZE = (4.2, 3.25)  # inches
_VECTOR_POINTS = 400  # more are drawn as pixels, which keeps a page of whole spaces small
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
    "text.parse_math": False,  # a name may hold a dollar
    "figure.subplot.bottom": 0.16,
}


@dataclass(frozen=True)
class Drawing:
    """A figure as standalone SVG text and as PNG bytes."""

    svg: str
    png: bytes


@dataclass(frozen=True)
class Dot:
    """A proxy in a chart of many: its rho with its interval, and seconds an architecture where they are known."""

    label: str
    rho: float
    low: float | None
    high: float | None
    seconds: float | None
    released: bool


@dataclass(frozen=True)
class Curve:
    """rho against iterations: `iterations` and `rho` [k]; `stage` None is the weighted sum."""

    stage: int | None
    iterations: Floats
    rho: Floats


@dataclass(frozen=True)
class Band:
    """The interval of the weighted sum's rho: three arrays [k]."""

    iterations: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Path:
    """A search: the mean of the best found over its seeds, and its band; [k] each, at so many architectures scored."""

    label: str
    scored: Floats
    mean: Floats
    low: Floats
    high: Floats


def scatter(
    truth: Floats, score: Floats, *, title: str, x_label: str, y_label: str, flip: tuple[bool, bool], released: bool
) -> Drawing:
    """Score against true value, a dot an architecture, better to the right and up.

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
        _scale(axes, score)
        axes.set(xlabel=f"{x_label}{_better('→', flip[0])}", ylabel=f"{y_label}{_better('↑', flip[1])}")
        if flip[0]:
            axes.invert_xaxis()
        if flip[1]:
            axes.invert_yaxis()

    return _drawn(draw, title)


def iterations(curves: Sequence[Curve], band: Band | None, *, title: str, limits: tuple[float, float]) -> Drawing:
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
                colour, dashes = _STAGES[curve.stage % len(_STAGES)]
                line, label = {"color": colour, "linestyle": dashes, "linewidth": 1.2}, f"stage {curve.stage}"
            axes.plot(curve.iterations, curve.rho, label=label, **line, **mark)
        axes.set(xlabel="iterations", ylabel="Spearman's rho", ylim=limits)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.figure.subplots_adjust(bottom=0.28)
        axes.figure.legend(
            loc="lower center", ncols=len(curves), fontsize=8, columnspacing=1, handlelength=1.6, reverse=True
        )

    return _drawn(draw, title)


def rhos(dots: Sequence[Dot], ceiling: Sequence[tuple[str, float]], *, title: str) -> Drawing:
    """Every proxy's rho with its interval, the first on top, and lines that nobody is expected to pass.

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
        for (name, rho), (colour, dashes) in zip(ceiling, itertools.cycle(_STAGES)):
            axes.axvline(rho, color=colour, linestyle=dashes, linewidth=1.2, label=name)
        axes.set(xlabel="Spearman's rho", xlim=(min(0.0, lowest - 0.03), 1.02), ylim=(-0.8, len(dots) - 0.2))
        axes.set_yticks(places, [d.label for d in dots], fontsize=7.5)
        axes.figure.subplots_adjust(left=0.47, top=1 - 0.35 / height, bottom=(0.8 if ceiling else 0.45) / height)
        if ceiling:
            axes.figure.legend(loc="lower right", ncols=2, fontsize=7.5)

    return _drawn(draw, title, (7.6, height))


def pareto(dots: Sequence[Dot], *, title: str) -> Drawing:
    """rho against seconds an architecture; those that no cheaper one beats are joined and named.

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
        axes.set(xlabel="seconds an architecture", ylabel="Spearman's rho")
        low, high = axes.get_xlim()
        axes.set_xlim(low, high * (high / low) ** 0.6)  # room for the names
        _plain(axes.xaxis)
        axes.figure.subplots_adjust(left=0.1)

    return _drawn(draw, title, (7.6, 3.4))


def searches(paths: Sequence[Path], best: float | None, *, title: str, y_label: str, lower_is_better: bool) -> Drawing:
    """The true value of the best architecture found against the architectures scored, with a band over the seeds.

    Args:
        paths: the searches.
        best: of the whole space.
        title: above the axes.
        y_label: the truth, with its unit.
        lower_is_better: so that the axis runs the other way.
    """
    looks: Any = itertools.cycle(((ACCENT, "-"), (MUTED, "--"), *_STAGES))

    def draw(axes: Axes) -> None:
        for path, (colour, dashes) in zip(paths, looks, strict=False):
            axes.fill_between(path.scored, path.low, path.high, color=colour, alpha=0.18, linewidth=0)
            axes.plot(path.scored, path.mean, color=colour, linestyle=dashes, linewidth=1.8, label=path.label)
        if best is not None:
            axes.axhline(best, color=INK, linewidth=0.8, linestyle=":", label="best of the space")
        axes.set(xlabel="architectures scored", ylabel=f"{y_label}{_better('↑', lower_is_better)}")
        if lower_is_better:
            axes.invert_yaxis()
        axes.yaxis.label.set_fontsize(8)
        axes.figure.subplots_adjust(left=0.1, bottom=0.24)
        axes.figure.legend(loc="lower center", ncols=len(paths) + 1, fontsize=8, columnspacing=1, handlelength=1.8)

    return _drawn(draw, title, (7.6, 3.4))


def heat(labels: Sequence[str], spaces: Sequence[str], values: Floats, *, title: str) -> Drawing:
    """A heat map of rho, proxies or signals down and spaces or stages across; what is not known is left empty.

    Args:
        labels: what stands down.
        spaces: what stands across.
        values: rho [labels, spaces], NaN where there is none.
        title: above the axes.
    """
    from matplotlib.patches import Rectangle

    height = 0.9 + 0.19 * len(labels)

    def draw(axes: Axes) -> None:
        for (down, across), rho in np.ndenumerate(values):
            if np.isfinite(rho):
                colour, share = (ACCENT, rho) if rho >= 0 else (_STAGES[0][0], -rho)
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

    return _drawn(draw, title, (7.6, height))


def inline(svg: str, prefix: str, described: str) -> str:
    """The SVG as an element of a page: scaling, in the page's colours, with ids of its own and a description.

    Args:
        svg: standalone SVG.
        prefix: put before every id, so that figures of one page do not meet.
        described: what it shows, for readers who do not see it; must be safe to place in an attribute.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    named = set(re.findall(r'(?:url\(#|href="#)([^)"]*)', svg))
    svg = re.sub(r'\sid="([^"]*)"', lambda found: found[0] if found[1] in named else "", svg)
    svg = re.sub(r'(\sid="|url\(#|href="#)', rf"\g<1>{prefix}-", svg)
    svg = _slim(svg)
    for colour, name in _THEME.items():
        svg = svg.replace(colour, f"var(--{name})")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{described}" font-family="system-ui, sans-serif" ', 1)


def _slim(svg: str) -> str:
    """The same picture in half the text; a page holds a hundred and is one file."""
    svg = re.sub(r"font-family: 'DejaVu Sans'[^;\"]*; ", "", svg)
    svg = re.sub(r'\s+transform="rotate\(-0 [^"]*"', "", svg)
    svg = re.sub(r'\b(?:x|y|d)="[^"]*"', lambda found: re.sub(r"(\.\d\d)\d+", r"\1", found[0]), svg)
    alike = r'(<g[^>]*)>((?:\s*<use [^>]*)(\sstyle="[^"]*")/>(?:\s*<use [^>]*\3/>)+)\s*</g>'
    svg = re.sub(alike, lambda group: f"{group[1]}{group[3]}>{group[2].replace(group[3], '')}</g>", svg)
    return re.sub(r"\s*\n\s*", "\n", svg)


def _scale(axes: Axes, score: Floats) -> None:
    """A logarithmic axis for positive scores over decades; for other heavy tails an axis that ends inside them."""
    from matplotlib.ticker import EngFormatter

    if score.min() > 0 and score.max() > 100 * score.min():
        axes.set_yscale("log")
        _plain(axes.yaxis)
        return
    if not 1e-3 < np.abs(score).max() < 1e4:
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    low, high = np.percentile(score, [1, 99])
    if np.ptp(score) > 5 * (high - low) > 0:
        axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
        outside = int(np.sum((score < axes.get_ylim()[0]) | (score > axes.get_ylim()[1])))
        axes.text(1, 1.02, f"{outside} outside", transform=axes.transAxes, ha="right", color=MUTED, fontsize=8)


def _plain(axis: Axis) -> None:
    """Plain numbers on a logarithmic axis: by default they are mathematics, which is switched off for names' sake.

    To be called when the limits stand: within a decade there may be no power of ten to name.
    """
    from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter

    prefixed = EngFormatter(sep="")
    low, high = axis.get_view_interval()
    named = ((1e4, (1,)), (10, (1, 2, 5)), (0, (1, 1.5, 2, 3, 4, 5, 6, 8)))
    axis.set_major_locator(LogLocator(subs=next(subs for ratio, subs in named if high > ratio * low)))
    axis.set_major_formatter(FuncFormatter(lambda at, _: f"{at:g}" if 1e-3 <= at < 1e4 else prefixed(at)))
    axis.set_minor_formatter(NullFormatter())


def _better(arrow: str, flipped: bool) -> str:
    return f" (lower is better {arrow})" if flipped else f" (better {arrow})"


def _drawn(draw: Any, title: str, size: tuple[float, float] = _SIZE) -> Drawing:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_RC):
        figure = Figure(figsize=size)
        axes = figure.add_subplot()
        axes.grid(True)
        axes.set_axisbelow(True)
        draw(axes)
        figure.suptitle(title, x=0.03, y=1 - 0.065 / size[1], ha="left", va="top", fontsize=9.5, color=INK)
        svg, png = io.StringIO(), io.BytesIO()
        figure.savefig(svg, format="svg", transparent=True, dpi=150, metadata={"Date": None, "Creator": None})
        figure.savefig(png, format="png", dpi=150, facecolor="white", metadata={"Software": None})
    return Drawing(svg.getvalue(), png.getvalue())
