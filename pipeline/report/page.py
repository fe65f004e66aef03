"""The report: how well each proxy ranks each space, with certainty, failures and cost, as a page and as data.

Ranks, rho, coverage and cost come from SQL (queries/report); intervals, tau and text from this package. What was
computed of a lake's state is kept in LAKE/derived, so that the report of an unchanged lake is written at once.
"""

from __future__ import annotations

import base64
import functools
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import catalog, provenance, rank_correlation, templates
from pipeline.errors import from_os
from pipeline.lake import last_check
from pipeline.lake.store import Lake
from pipeline.report import baseline, charts, figures, folder, kept
from pipeline.report.content import ReportContent
from pipeline.report.history import earlier, history
from pipeline.report.leaderboard import FEW, leaders
from pipeline.report.queries import Row
from pipeline.report.tables import terminal_tables
from pipeline.report.text import axis_from, brief, counted, interval, number, score_command, seed, target_name
from pipeline.wording import count_of

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup

_TEMPLATES = Path(__file__).with_name("templates")
_SCRIPTS = ("address", "tables", "charts", "drawer", "comparison")  # in the order in which they read one another
_SPECIFICATIONS_OF_THE_PAGE = ("compare", "cost", "history", "iterations", "limits", "losses", "scatter", "searches")


@dataclass(frozen=True)
class ReportResult:
    """Where the report is, its main table as text for a terminal, and what differs from the baseline, if any."""

    index: Path
    table: str
    differences: list[baseline.BaselineDifference] | None = None


def write(
    lake_root: Path,
    out: Path,
    *,
    against: Mapping[baseline.Key, baseline.BaselineCorrelation] | None = None,
    history_folder: Path | None = None,
    with_figures: Sequence[str] | None = None,
    target: str | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> ReportResult:
    """Write the report of a lake into a folder: index.html, report.md, report.json, correlations.csv, manifest.json.

    All is computed before the first file is touched, and each file is replaced whole. Files of an earlier report that
    this one lacks are removed; nothing else in the folder is.

    Args:
        against: the correlations of an earlier report: what changed stands on the page and in the result.
        history_folder: with earlier files of the form of report.json; the page draws rho over them.
        with_figures: parts of the names of the figures to write as SVG, PNG and PDF as well; all figures if it is
            empty, none if it is None.
        target: the target or family to lead with, see `catalog.lead_with`; by default each space's own.
        say: is told what is done next, for a line of progress.

    Raises:
        UserError: there is no such lake or folder of earlier reports, the report's folder cannot be written, or a file
            there is of something else.
    """
    folder.refuse_foreign(out)
    past = [] if history_folder is None else earlier(history_folder)
    lake = Lake(lake_root)
    stored = catalog.stored_results_folder(lake)
    with ThreadPoolExecutor(1) as beside:  # bundling the library takes a second or two, in another thread than views
        library = beside.submit(charts.library, stored and stored.parent)
        report = kept.of_lake(lake, say, target)
    differences = None if against is None else baseline.compare(against, baseline.parsed(report.correlations))
    content = {
        "version": provenance.code_version(),
        "made_at": datetime.now(UTC).replace(microsecond=0).isoformat(),
        "lake": lake.root.name,
        "packages": provenance.package_versions(),
        "examined": last_check.summary(lake.root),
        "leaders": leaders(report.content["spaces"]),
        **report.content,
    }
    past = [] if history_folder is None else history(past, content)
    say("the page")
    page = {**content, **_page_values(report, past, differences, library.result())}
    files = {
        "correlations.csv": report.correlations.encode(),
        "report.json": (json.dumps(content, indent=1, allow_nan=False) + "\n").encode(),
        "report.md": _render("report.md.j2", content).encode(),
        "index.html": _render("report.html.j2", page).encode(),
    }
    if against is not None and differences is not None:
        files["changes.md"] = baseline.section(differences, len(against)).encode()
    if with_figures is not None:
        files |= figures.drawn(report, with_figures, say)
    about = {key: content[key] for key in ("schema", "version", "made_at")}
    try:
        folder.replace(out, files, about)
    except OSError as error:
        raise from_os(error, f"writing the report to {out}") from error
    table = terminal_tables(content["spaces"], content["sources"])
    return ReportResult((out / "index.html").absolute(), table, differences)


def _page_values(
    report: ReportContent, past: list[Row], differences: list[baseline.BaselineDifference] | None, library: bytes
) -> Row:
    """The values of the page's template that report.json does not have."""
    return {
        "changes": None if differences is None else [_change(difference) for difference in differences],
        "changes_verdict": _changes_verdict(differences),
        "history": past,
        "page_data": _packed(json.dumps(_page_data(report, past), separators=(",", ":")).encode()),
        "chart_library": base64.b64encode(library).decode(),
        "style": (_TEMPLATES / "page.css").read_text(encoding="utf-8"),
        "script": _script(),
    }


def _page_data(report: ReportContent, past: list[Row]) -> Row:
    """What the page's script reads: specifications, proxies, and of each space what its charts draw."""
    specifications = charts.specifications()
    spaces = []
    for space, drawn in zip(report.content["spaces"], report.charts, strict=True):
        targets = [
            {"name": target["name"], "unit": target["unit"], "higher_is_better": target["higher_is_better"], **points}
            for target, points in zip(space["targets"], drawn["targets"], strict=True)
        ]
        costs = space["limits"]["costs"] if space["limits"] else []
        lines = [{"from": cost["limits"][0]["limit"], "lines": cost["lines"]} for cost in costs]
        own = {"key": space["key"], "targets": targets, "failures": space["failures"], "limits": lines}
        spaces.append({**drawn, **own})
    return {
        "specifications": {name: specifications[name] for name in _SPECIFICATIONS_OF_THE_PAGE},
        "proxies": {proxy["proxy_id"]: proxy for proxy in report.content["proxies"]},
        "spaces": spaces,
        "history": past,
    }


def _script() -> str:
    """The page's scripts as one function, which leaves no name to the page."""
    parts = [(_TEMPLATES / "scripts" / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS]
    return "\n".join(["(() => {", *parts, "})();"])


def _packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()


def _render(name: str, values: Row) -> str:
    from markupsafe import Markup

    own = {key: Markup(values[key]) for key in ("style", "script", "page_data", "chart_library") if key in values}
    return _template(name).render({**values, **own})


@functools.cache  # compiling the page's template takes longer than filling it
def _template(name: str) -> jinja2.Template:
    environment = templates.environment(_TEMPLATES, "html" if name.endswith(".html.j2") else "markdown")
    environment.filters |= {
        "number": _safe(number), "seed": _safe(seed), "interval": _safe(interval), "counted": _safe(counted),
        "brief": _safe(brief), "target": target_name, "axis_from": axis_from,
        "score_command": score_command,
    }  # fmt: skip
    environment.globals |= {
        "title": folder.TITLE, "many": rank_correlation.MANY, "few": rank_correlation.FEW_RESAMPLES,
        "resamples": rank_correlation.RESAMPLES, "least": FEW,
    }  # fmt: skip
    return environment.get_template(name)


def _safe(text_of: Callable[..., str]) -> Callable[..., Markup]:
    """The function that makes text of numbers alone, which no template needs to escape."""
    from markupsafe import Markup

    return lambda *values: Markup(text_of(*values))


def _change(difference: baseline.BaselineDifference) -> Row:
    benchmark, space, dataset, metric, proxy, _, seed = difference.key
    before, now = difference.before, difference.now
    return {
        "what": ", ".join(difference.faults) or "new", "space": f"{benchmark} {space}", "target": f"{dataset} {metric}",
        "proxy": proxy, "seed": int(seed) if seed else None, "rho_before": before and before.rho,
        "rho_now": now and now.rho, "n_before": before and before.n, "n_now": now and now.n,
    }  # fmt: skip


def _changes_verdict(differences: list[baseline.BaselineDifference] | None) -> str:
    if not differences:
        return "Every row is as in the earlier report."
    faulty = sum(bool(difference.faults) for difference in differences)
    return f"{count_of(faulty, 'row')} moved, vanished or lost architectures, {len(differences) - faulty} are new."
