"""The report's figures, the only place that draws: SVG for the page, the same as PNG for elsewhere."""

from pipeline.report.figures.charts import (
    ProxyPoint,
    RhoBand,
    RhoCurve,
    SearchCurve,
    heat,
    iterations,
    pareto,
    rhos,
    scatter,
    searches,
)
from pipeline.report.figures.drawing import MARK, Figure, RenderedFigure
from pipeline.report.figures.svg import inline

__all__ = [
    "MARK", "Figure", "ProxyPoint", "RenderedFigure", "RhoBand", "RhoCurve", "SearchCurve", "heat", "inline",
    "iterations", "pareto", "rhos", "scatter", "searches",
]  # fmt: skip
