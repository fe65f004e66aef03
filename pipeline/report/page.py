"""The report: how well each proxy ranks each space, with certainty, failures and cost, as a page and as data.

Ranks, rho, coverage and cost come from SQL (queries/report); intervals, tau, figures and text from this package.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import catalog, rank_correlation
from pipeline.errors import from_os
from pipeline.escaping import markdown
from pipeline.lake import last_check
from pipeline.lake.store import Lake
from pipeline.report import content as contents
from pipeline.report import folder
from pipeline.report.figures import inline
from pipeline.report.queries import Row
from pipeline.report.tables import correlations_csv, terminal_tables
from pipeline.report.text import counted, interval, number, target_name

if TYPE_CHECKING:
    from markupsafe import Markup

_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class ReportResult:
    """Where the report is, and its main table as text for a terminal."""

    index: Path
    table: str


def write(lake_root: Path, out: Path) -> ReportResult:
    """Write the report of a lake into a folder: index.html, report.md, report.json, correlations.csv and figures.

    All is computed before the first file is touched, each file is replaced whole, and figures of an earlier report that
    this one lacks are removed. What no report wrote stays as it is.

    Raises:
        UserError: there is no such lake, the folder cannot be written, or a file there is of something else.
    """
    folder.refuse_foreign(out)
    lake = Lake(lake_root)
    with closing(catalog.snapshot(lake, stored=True)) as connection:
        report = contents.read(connection)
    report.content["examined"] = last_check.summary(lake.root)
    files: dict[str, bytes] = {}
    for figure in report.figures:
        files[f"figures/{figure.name}.svg"] = figure.drawing.svg.encode()
        files[f"figures/{figure.name}.png"] = figure.drawing.png
    files["correlations.csv"] = correlations_csv(report.correlations).encode()
    files["report.json"] = (json.dumps(report.content, indent=1, default=str, allow_nan=False) + "\n").encode()
    files["report.md"] = _render("report.md.j2", report).encode()
    files["index.html"] = _render("report.html.j2", report).encode()
    try:
        folder.replace(out, files)
    except OSError as error:
        raise from_os(error, f"writing the report to {out}") from error
    return ReportResult(
        (out / "index.html").absolute(), terminal_tables(report.content["spaces"], report.content["sources"])
    )


def _render(template: str, report: contents.ReportContent) -> str:
    import jinja2
    from markupsafe import Markup, escape

    def in_markdown(value: object) -> object:
        return markdown(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    html = template.endswith(".html.j2")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, autoescape=html, finalize=None if html else in_markdown, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {
        "number": _safe(number), "interval": _safe(interval), "counted": _safe(counted), "target": target_name,
    }  # fmt: skip
    by_name = {figure.name: (f"f{place}", figure) for place, figure in enumerate(report.figures)}

    def drawn(figure: Row) -> Markup:
        prefix, known = by_name[figure["name"]]  # a short prefix, as every id of the page has it
        return Markup(inline(known.drawing.svg, prefix, str(escape(known.caption))))

    many, few = rank_correlation.MANY, rank_correlation.FEW_RESAMPLES
    environment.globals |= {"drawn": drawn, "many": many, "few": few, "resamples": rank_correlation.RESAMPLES}
    return environment.get_template(template).render(report.content)


def _safe(text_of: Callable[..., str]) -> Callable[..., Markup]:
    """The function that makes text of numbers alone, which no template needs to escape."""
    from markupsafe import Markup

    return lambda *values: Markup(text_of(*values))
