"""The figures of a report for papers and slides: the charts of the page, filled with their points."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pipeline import executor
from pipeline.errors import unknown
from pipeline.report import charts
from pipeline.report.content import ReportContent
from pipeline.report.queries import Row
from pipeline.report.text import interval, proxy_name, series_name, slug, slugs

_FOR_A_PROCESS = 16  # figures per process: fewer are drawn before another process has started


def drawn(report: ReportContent, chosen: Sequence[str], say: Callable[[str], None]) -> dict[str, bytes]:
    """The files of the figures of a report, by their paths in its folder.

    Args:
        chosen: parts of names: figures with one of these in their name are drawn. If it is empty, all are.
        say: is called with a line of progress for each figure.

    Raises:
        UserError: no figure has one of these in its name.
    """
    specifications = figures(report)
    parts = {part: slug(part) for part in chosen}
    for part, letters in parts.items():
        if not letters or not any(letters in name for name in specifications):
            raise unknown("figure", part, specifications)
    names = [name for name in specifications if not parts or any(letters in name for letters in parts.values())]
    workers = min(executor.default_workers(), 1 + len(names) // _FOR_A_PROCESS)
    files: dict[str, bytes] = {}
    images = executor.ordered(charts.drawn, [specifications[name] for name in names], workers)
    for number, (name, image) in enumerate(zip(names, images, strict=True), 1):
        say(f"figure {number} of {len(names)}, {name}")
        files |= {f"figures/{name}.{extension}": data for extension, data in image.items()}
    return files


def figures(report: ReportContent) -> dict[str, Row]:
    """The Vega-Lite specification of every figure, by the name of its files."""
    named = list(_named(report))
    return dict(zip(slugs(names for names, _ in named), (figure for _, figure in named), strict=True))


def _named(report: ReportContent) -> Iterator[tuple[Sequence[str], Row]]:
    """Each figure with the names of what it shows."""
    for space, drawn in zip(report.content["spaces"], report.charts, strict=True):
        for target in space["targets"]:
            named = (space["benchmark"], space["space"], target["dataset"], target["metric"])
            ranked = [row for row in target["leaderboard"] if row["shared"] and row["rho"] is not None]
            if not ranked:
                continue
            title = f"{space['name']}, {target['name']}"
            yield ("rhos", *named), charts.filled("rhos", points(ranked), {"title": title})
            costly = cost_points(ranked)
            if costly:
                yield ("cost", *named), charts.filled("cost", costly, {"title": title})
        if drawn["searches"]:
            searches = charts.filled("searches", _records(drawn["searches"]))
            yield ("searches", space["benchmark"], space["space"]), searches
        yield from _of_series(space, drawn)


def points(rows: list[Row]) -> list[Row]:
    """The points of the chart `rhos`: one per row of a leaderboard."""
    keys = ("kind", "rho", "low", "high")
    return [{"name": proxy_name(row), **{key: row[key] for key in keys}} for row in rows]


def cost_points(rows: list[Row]) -> list[Row]:
    """The points of the chart `cost`, the cheapest first; `front` marks those that no cheaper one beats.

    A random order is left out: it costs next to nothing, and would stretch the axis.
    """
    result: list[Row] = []
    best = float("-inf")
    costly = [
        row
        for row in rows
        if row["seconds"] and row["kind"] != "released" and not row["few"] and row["label"] != "random"
    ]
    for row in sorted(costly, key=lambda row: (row["seconds"], -row["rho"])):
        point = points([row])[0]
        result.append({**point, "seconds": row["seconds"], "interval": interval(row), "front": row["rho"] > best})
        best = max(best, row["rho"])
    return result


def _of_series(space: Row, drawn: Row) -> Iterator[tuple[Sequence[str], Row]]:
    """Score against true value, and rho by iteration, of each series of scores that is drawn."""
    rows = {(row["proxy_id"], row["seed"]): row for row in space["targets"][0]["leaderboard"]}
    truth, main = drawn["targets"][0]["truth"], space["main"]
    for series in drawn["series"]:
        row = rows.get((series["proxy_id"], series["seed"]))
        if row is None:
            continue
        seed = [] if row["seed"] is None else [f"seed{row['seed']}"]
        named = (space["benchmark"], space["space"], row["proxy"], row["proxy_id"][:6], *seed)
        pairs = zip(series["scores"], truth, strict=True)
        cloud = [{"x": score, "y": value} for score, value in pairs if score is not None and value is not None]
        titles = {"x": "score", "y": f"{space['targets'][0]['name']}, {main['unit']}", "title": series_name(row)}
        yield ("score", *named), charts.filled("scatter", cloud, titles)
        lines = _records(series.get("rho", {}))
        for mode in sorted({point["mode"] for point in lines}):
            staged = [
                {**point, "stage": "all stages" if point["stage"] is None else f"stage {point['stage']}"}
                for point in lines
                if point["mode"] == mode
            ]
            title = {"title": f"{series_name(row)}, {mode} loss"}
            yield ("iterations", mode, *named), charts.filled("iterations", staged, title)


def _records(columns: Row) -> list[Row]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
