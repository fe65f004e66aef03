"""The report: how well each proxy ranks each space, with certainty, failures and cost, as a page and as data.

Ranks, rho, coverage and cost come from SQL (queries/report); intervals, tau, figures and text are made here.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import uuid
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline import catalog, provenance, text_table
from pipeline import rank_correlation as statistics
from pipeline.errors import from_os
from pipeline.lake.store import Lake
from pipeline.report.comparison import across, add_certainty, answers, compare, slug
from pipeline.report.searches import tell
from pipeline.report.tuning import transfer, tuned

if TYPE_CHECKING:
    import duckdb

    from pipeline.report.figures import Band, Curve, Drawing

Row = dict[str, Any]

CSV_COLUMNS = (
    "benchmark", "space", "dataset", "metric", "epochs", "source_id", "proxy", "proxy_id", "seed", "n", "n_failed",
    "n_no_truth", "rho", "low", "high", "tau", "n_top", "rho_top", "n_shared", "rho_shared",
)  # fmt: skip
_BAND_RESAMPLES = (500, 100)  # up to statistics.MANY architectures, and above
_BAND_POINTS = 25  # a band is computed at so many iterations at most
_RUNS_SHOWN = 50
_FEW = 5  # a rho of fewer architectures is not shown
_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class ReportResult:
    """Where the report is, and its main table as text for a terminal."""

    index: Path
    table: str


def write(lake_root: Path, out: Path) -> ReportResult:
    """Write the report of a lake into a folder: index.html, report.md, report.json, correlations.csv and figures.

    All is computed before the first file is touched, each file is replaced whole, and figures of an earlier report that
    this one lacks are removed; nothing else in the folder is.

    Raises:
        UserError: there is no such lake, or the folder cannot be written.
    """
    with closing(catalog.snapshot(Lake(lake_root), stored=True)) as connection:
        content = _content(connection)
    drawings = {figure["name"]: figure.pop("drawing") for figure in _figures(content)}
    files: dict[str, bytes] = {}
    for name, drawing in drawings.items():
        files[f"figures/{name}.svg"] = drawing.svg.encode()
        files[f"figures/{name}.png"] = drawing.png
    files["correlations.csv"] = _csv(content).encode()
    files["report.json"] = (json.dumps(content, indent=1, default=str, allow_nan=False) + "\n").encode()
    files["report.md"] = _render("report.md.j2", content, drawings).encode()
    files["index.html"] = _render("report.html.j2", content, drawings).encode()
    try:
        _replace(out, files)
    except OSError as error:
        raise from_os(error, f"writing the report to {out}") from error
    return ReportResult((out / "index.html").absolute(), _text(content))


def _content(connection: duckdb.DuckDBPyConnection) -> Row:
    """Everything that the report tells, as JSON values, beside the figures' drawings."""
    targets, cost, failures = (answers(connection, name) for name in ("targets", "cost", "failures"))
    seconds = {_series(row): row for row in cost}
    further = answers(connection, "further")
    spaces = []
    for main in (t for t in targets if t["main"]):
        space = _space(connection, main)
        for row in space["ranking"]:
            spent = seconds.get(_series(row), {})
            row |= {"seconds": spent.get("seconds"), "devices": spent.get("devices")}
        beside = compare(connection, main, space["ranking"])
        searched = tell(connection, main)
        space["figures"] = beside.pop("figures") + searched.pop("figures") + space["figures"]
        space |= beside | searched | tuned(connection, main)
        further_targets = [t for t in targets if _within(t, main) and not t["main"]]
        space["targets"] = [t for t in further_targets if t["covered"]]
        space["sparse_targets"] = [t for t in further_targets if not t["covered"]]
        space["further"] = [f for f in further if _within(f, main)]
        space["others"] = across(connection, space["targets"], space["further"], space["ranking"])
        space["failures"] = [f for f in failures if _within(f, main)]
        spaces.append(space)
    spaces.sort(key=lambda s: not s["ranking"])  # those without a score last
    runs = answers(connection, "runs")
    carried = transfer(connection)
    return {
        "version": provenance.code_version(),
        "made_at": datetime.now(UTC).replace(microsecond=0).isoformat(),
        "packages": json.loads(provenance.new_run("report", {})["packages"]),
        "spaces": spaces,
        "figures": _heat(spaces) + carried["figures"],
        "transfer": carried["transfer"],
        "agreement": answers(connection, "agreement"),
        "sources": answers(connection, "sources"),
        "runs": runs[:_RUNS_SHOWN],
        "runs_in_all": len(runs),
    }


def _space(connection: duckdb.DuckDBPyConnection, main: Row) -> Row:
    """One space: its ranking by the main target with intervals and tau, and its figures."""
    parameters = {key: main[key] for key in ("benchmark", "space", "dataset", "metric")}
    ranking = answers(connection, "ranking", parameters)
    scored = add_certainty(connection, parameters, ranking)
    ours_first = sorted(scored, key=lambda both: bool(both[0]["released"]))
    figures = [_scatter(main, row, pair) for row, pair in ours_first]
    figures += _iterations(connection, parameters, ranking) + _menus(connection, parameters, ranking)
    return {
        "benchmark": main["benchmark"],
        "space": main["space"],
        "main": main,
        "ranking": ranking,
        "figures": figures,
    }


def _scatter(main: Row, row: Row, pair: Row) -> Row:
    from pipeline.report import figures

    score, truth = np.asarray(pair["score_as_stored"]), np.asarray(pair["truth_as_stored"])
    drawing = figures.scatter(
        truth,
        score,
        title=f"{_titled(row)}\nrho {number(row['rho'])}, n {row['n']}",
        x_label=f"{main['dataset']} {main['metric']}, {main['unit']}",
        y_label="score",
        flip=(not main["higher_is_better"], bool(np.any(score != np.asarray(pair["score"])))),
        released=row["released"],
    )
    caption = f"{_titled(row)}: score against {main['dataset']} {main['metric']}, {row['n']} architectures"
    return {"name": _slug("score", row), "kind": "score", "caption": caption, "drawing": drawing}


def _iterations(connection: duckdb.DuckDBPyConnection, parameters: Row, ranking: list[Row]) -> list[Row]:
    """rho against iterations, a figure for each proxy, seed and kind of loss that has curves."""
    from pipeline.report import figures

    lines = answers(connection, "iterations", parameters)
    made = []
    for row in ranking:
        own = [line for line in lines if (line["proxy_id"], line["seed"]) == (row["proxy_id"], row["seed"])]
        if not own:
            continue
        series = {**parameters, "proxy_id": row["proxy_id"], "seed": row["seed"]}
        bands = _bands(answers(connection, "losses", series))
        lowest = min((value for line in own for value in line["rho"] if value is not None), default=0.0)
        for mode, told in (("train", "batch statistics"), ("eval", "running statistics")):
            curves = [_curve(line) for line in own if line["mode"] == mode]
            if curves:
                drawing = figures.iterations(
                    curves,
                    bands.get(mode),
                    title=f"{_titled(row)}\n{mode} loss ({told})",
                    limits=(min(0.0, lowest) - 0.05, 1.0),
                )
                caption = f"{_titled(row)}: rho of the {mode} loss ({told}) against iterations, by stage"
                figure = {"name": _slug(f"iterations-{mode}", row), "kind": "iterations", "caption": caption}
                made.append({**figure, "drawing": drawing})
    return made


def _menus(connection: duckdb.DuckDBPyConnection, parameters: Row, ranking: list[Row]) -> list[Row]:
    """The heat map of a menu's stages, signals and iterations, a figure for each proxy, seed and kind of loss."""
    from pipeline.report import figures

    lines = answers(connection, "menu", parameters)
    made = []
    for row in ranking:
        for mode in ("train", "eval"):
            sought = (row["proxy_id"], row["seed"], mode)
            own = [line for line in lines if (line["proxy_id"], line["seed"], line["mode"]) == sought]
            columns = sorted({at for line in own for at in zip(line["stages"], line["iterations"], strict=True)})
            if not own:
                continue
            values = np.full((len(own), len(columns)), np.nan)
            for down, line in enumerate(own):
                for at, rho in zip(zip(line["stages"], line["iterations"], strict=True), line["rho"], strict=True):
                    values[down, columns.index(at)] = np.nan if rho is None else rho
            titles = [f"stage {stage}\n{iteration}" for stage, iteration in columns]
            title = f"{_titled(row)}: rho of each signal's {mode} loss, n {max(line['n'] for line in own)}"
            drawing = figures.heat([line["signal"] for line in own], titles, values, title=title)
            caption = f"{_titled(row)}: rho of the {mode} loss of each signal, by stage and iteration"
            made.append({"name": _slug(f"menu-{mode}", row), "kind": "menu", "caption": caption, "drawing": drawing})
    return made


def _heat(spaces: list[Row]) -> list[Row]:
    """The heat map of our own proxies and spaces, where more than one space has scores; means over seeds."""
    from pipeline.report import figures

    scored = [space for space in spaces if space["ranking"]]
    found: dict[str, dict[int, list[float]]] = {}
    for at, space in enumerate(scored):
        for row in space["ranking"]:
            if row["rho"] is not None and not row["released"]:
                found.setdefault(row["label"], {}).setdefault(at, []).append(row["rho"])
    if len(scored) < 2 or not found:
        return []
    values = np.array([[np.mean(by.get(at, np.nan)) for at in range(len(scored))] for by in found.values()])
    order = np.argsort(-np.nanmean(values, axis=1), kind="stable")
    labels, names = list(found), [f"{space['benchmark']} {space['space']}" for space in scored]
    drawing = figures.heat([labels[i] for i in order], names, values[order], title="rho of every proxy, by space")
    caption = "Spearman's rho of what was computed here with the main target of each space, the mean over seeds"
    return [{"name": "heat-proxies-spaces", "kind": "overview", "caption": caption, "drawing": drawing}]


def _figures(content: Row) -> list[Row]:
    return [*content["figures"], *(figure for space in content["spaces"] for figure in space["figures"])]


def _curve(line: Row) -> Curve:
    from pipeline.report.figures import Curve

    return Curve(line["stage"], np.asarray(line["iterations"], float), np.asarray(line["rho"], float))


def _bands(architectures: list[Row]) -> dict[str, Band]:
    """The interval of rho at some iterations, by mode, from the architectures with whole curves."""
    from pipeline.report.figures import Band

    bands = {}
    for mode in sorted({a["mode"] for a in architectures}):
        whole = [a for a in architectures if a["mode"] == mode]
        iterations = np.asarray(whole[0]["iterations"], float)
        taken = np.unique(np.linspace(0, len(iterations) - 1, _BAND_POINTS).round().astype(int))
        losses = np.asarray([a["losses"] for a in whole]).T[taken]
        truth = np.asarray([a["truth"] for a in whole])
        resamples = _BAND_RESAMPLES[len(whole) > statistics.MANY]
        intervals = statistics.spearman_intervals(-losses, truth, resamples=resamples)
        found = [(at, i.low, i.high) for at, i in zip(iterations[taken], intervals, strict=True) if i is not None]
        if found:
            bands[mode] = Band(*np.array(found).T)
    return bands


def _csv(content: Row) -> str:
    """Every correlation, sorted and rounded to four decimals, so that a diff shows what changed and nothing else.

    Intervals and tau are of the covered targets, the rest after them of the main target alone.
    """
    rows = [row for space in content["spaces"] for row in [*space["ranking"], *space["further"]]]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    cells = [[_exact(row.get(column)) for column in CSV_COLUMNS] for row in rows]
    writer.writerows(sorted(cells))
    return text.getvalue()


def _exact(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def number(value: float | None, digits: int = 3) -> str:
    """A number for a reader: so many decimals, a dash where there is none."""
    return "–" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"  # + 0.0: never "-0.000"


def _text(content: Row) -> str:
    """The main tables for a terminal."""
    lines = []
    for space in content["spaces"]:
        main = space["main"]
        if not space["ranking"]:
            lines.append(
                f"{space['benchmark']} {space['space']}: no scores yet, run `pipeline score` or ingest released ones"
            )
            continue
        lines.append(f"{space['benchmark']} {space['space']}: Spearman's rho with {target_name(main)}")
        header = ["proxy", "seed", "rho", "95 % interval", "n", "failed", "s/arch", "tau", "rho top 10 %"]
        cells = [header] + [
            [
                row["label"], number(row["seed"], 0), number(row["rho"]), interval(row), str(row["n"]),
                str(row["n_failed"]), number(row["seconds"], 2), number(row["tau"]),
                counted(row["rho_top"], row["n_top"]),
            ]
            for row in space["ranking"]
        ]  # fmt: skip
        right = [False] + [True] * (len(header) - 1)
        lines += [f"  {line}" for line in text_table.aligned(cells, right)]
    return "\n".join(lines or ["no ground truth yet: run `pipeline ingest` first"])


def counted(value: float | None, n: int | None) -> str:
    """A correlation and, in brackets, how many architectures it rests on; a dash where these are too few to tell."""
    return "–" if value is None or n is None or n < _FEW else f"{number(value)} ({n})"


def interval(row: Row, of: str = "") -> str:
    """A row's interval for a reader; `of` begins the names of its columns."""
    low, high = row[f"{of}low"], row[f"{of}high"]
    return "–" if low is None else f"[{low:.3f}, {high:.3f}]"


def target_name(target: Row) -> str:
    """A target for a reader: data set, metric, training length."""
    length = "" if target["epochs"] is None else f", {target['epochs']} epochs"
    return f"{target['dataset']} {target['metric']}{length}"


def _titled(row: Row) -> str:
    seed = "" if row["seed"] is None else f", seed {row['seed']}"
    return f"{row['label']}{seed}"


def _slug(kind: str, row: Row) -> str:
    seed = () if row["seed"] is None else (f"seed{row['seed']}",)
    return slug(kind, row, row["proxy"], row["proxy_id"][:6], *seed)


def _series(row: Row) -> tuple[object, ...]:
    return row["benchmark"], row["space"], row["proxy_id"], row["seed"]


def _within(row: Row, target: Row) -> bool:
    return (row["benchmark"], row["space"]) == (target["benchmark"], target["space"])


def _render(template: str, content: Row, drawings: Mapping[str, Drawing]) -> str:
    import jinja2
    from markupsafe import Markup, escape

    from pipeline.report.figures import inline

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, autoescape=template.endswith(".html.j2"), keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {"number": number, "interval": interval, "counted": counted, "target": target_name}

    places = {name: f"f{place}" for place, name in enumerate(drawings)}  # short, as every id of a page has it

    def drawn(figure: Row) -> Markup:
        return Markup(inline(drawings[figure["name"]].svg, places[figure["name"]], str(escape(figure["caption"]))))

    environment.globals |= {"drawn": drawn, "many": statistics.MANY, "few": statistics.FEW_RESAMPLES}
    return environment.get_template(template).render(content, resamples=statistics.RESAMPLES)


def _replace(out: Path, files: dict[str, bytes]) -> None:
    """Put the files in place, index.html last, and remove the figures of an earlier report that are not among them."""
    staging = out / f".report-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        (staging / "figures").mkdir(parents=True)
        (out / "figures").mkdir(exist_ok=True)
        for name, data in files.items():
            (staging / name).write_bytes(data)
        for name in _earlier(out) - set(files):
            (out / name).unlink(missing_ok=True)
        for name in files:
            (staging / name).replace(out / name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _earlier(out: Path) -> set[str]:
    """The figures that the report in the folder lists."""
    try:
        names = [figure["name"] for figure in _figures(json.loads((out / "report.json").read_text()))]
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {f"figures/{name}.{kind}" for name in names if re.fullmatch(r"[a-z0-9-]+", name) for kind in ("svg", "png")}
