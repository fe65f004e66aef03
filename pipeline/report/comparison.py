"""One space's proxies beside one another: on the same architectures, against the best, against what others report, and
against the noise of the truth itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline import catalog
from pipeline import rank_correlation as statistics

if TYPE_CHECKING:
    import duckdb

    from pipeline.report.figures import Dot

Row = dict[str, Any]


def answers(connection: duckdb.DuckDBPyConnection, query: str, parameters: Row | None = None) -> list[Row]:
    """The rows of one of the report's queries."""
    found: list[Row] = catalog.rows(connection, catalog.queries("report")[query].read_text(), parameters).to_pylist()
    return found


def compare(connection: duckdb.DuckDBPyConnection, main: Row, ranking: list[Row]) -> Row:
    """What the report says of a space beside its ranking.

    Args:
        connection: a snapshot of the lake.
        main: the target.
        ranking: the space's proxies with rho, interval and seconds.

    Returns:
        `comparison` (rows on the same architectures, with the difference to the best and its interval), `seeds` (spread
        of rho), `ceiling` (how the truth ranks the truth), `published` (figures of others with ours and its interval),
        and `figures`.
    """
    parameters = {key: main[key] for key in ("benchmark", "space", "dataset", "metric")}
    rows = answers(connection, "comparison", parameters)
    pairs = {(p["proxy_id"], p["seed"]): p for p in answers(connection, "comparison_scores", parameters)}
    for row in rows:
        row |= {"difference": None, "difference_low": None, "difference_high": None}
    if pairs and len(rows) > 1:
        _add_differences(rows, [pairs[row["proxy_id"], row["seed"]] for row in rows])
    ceiling = answers(connection, "ceiling", parameters)
    return {
        "comparison": rows,
        "seeds": answers(connection, "seeds", parameters),
        "ceiling": ceiling,
        "published": _published(connection, parameters),
        "figures": _figures(main, ranking, ceiling),
    }


def add_certainty(connection: duckdb.DuckDBPyConnection, target: Row, rows: list[Row]) -> list[tuple[Row, Row]]:
    """Give each proxy's row its interval and tau with one target, where there are any.

    Returns:
        The rows that have architectures, each with its pairs of score and truth.
    """
    pairs = {(p["proxy_id"], p["seed"]): p for p in answers(connection, "pairs", target)}
    scored = [(row, pairs[row["proxy_id"], row["seed"]]) for row in rows if row["n"]]
    for row in rows:
        row |= {"low": None, "high": None, "resamples": None, "tau": None}
    together: dict[tuple[float, ...], list[tuple[Row, Row]]] = {}
    for row, pair in scored:  # proxies that scored the same architectures see the same resamples
        together.setdefault(tuple(pair["truth"]), []).append((row, pair))
    for values, members in together.items():
        truth, scores = np.asarray(values), np.asarray([pair["score"] for _, pair in members])
        intervals = statistics.spearman_intervals(scores, truth)
        for (row, _), score, found in zip(members, scores, intervals, strict=True):
            row["tau"] = statistics.kendall_tau(score, truth)
            if found is not None:
                row |= {"low": found.low, "high": found.high, "resamples": found.resamples}
    return scored


def across(
    connection: duckdb.DuckDBPyConnection, targets: list[Row], further: list[Row], ranking: list[Row]
) -> list[Row]:
    """The rho of each ranked proxy and seed with every further target, in their order, with its interval.

    Args:
        connection: a snapshot of the lake.
        targets: those to tell of.
        further: rows of rho with them, which get intervals and tau.
        ranking: the proxies, in the order of the result.
    """
    found: dict[tuple[str, int | None], list[Row]] = {(row["proxy_id"], row["seed"]): [] for row in ranking}
    for target in targets:
        parameters = {key: target[key] for key in ("benchmark", "space", "dataset", "metric")}
        rows = [f for f in further if all(f[key] == value for key, value in parameters.items())]
        add_certainty(connection, parameters, rows)
        by_series = {(row["proxy_id"], row["seed"]): row for row in rows}
        for series, told in found.items():
            told.append({key: by_series.get(series, {}).get(key) for key in ("rho", "low", "high", "n")})
    kept = ("label", "proxy_id", "released", "seed")
    return [{**{key: row[key] for key in kept}, "by_target": found[row["proxy_id"], row["seed"]]} for row in ranking]


def _add_differences(rows: list[Row], pairs: list[Row]) -> None:
    """Compare each with the first, which has the highest rho."""
    scores, truth = np.asarray([p["score"] for p in pairs]), np.asarray(pairs[0]["truth"])
    for row, found in zip(rows, statistics.paired_differences(scores, truth, 0), strict=True):
        if found is not None:
            row["difference"] = row["rho"] - rows[0]["rho"]
            row |= {"difference_low": found.low, "difference_high": found.high}


def _published(connection: duckdb.DuckDBPyConnection, main: Row) -> list[Row]:
    """What others report of the space, each with the interval of the same proxy here."""
    rows = answers(connection, "published", {key: main[key] for key in ("benchmark", "space")})
    for row in rows:
        row |= {"low": None, "high": None, "resamples": None, "tau": None}
    here = [row for row in rows if row["n"]]
    for dataset, metric in sorted({(row["dataset"], row["metric"]) for row in here}):
        same = [row for row in here if (row["dataset"], row["metric"]) == (dataset, metric)]
        add_certainty(connection, {**main, "dataset": dataset, "metric": metric}, same)
    return rows


def _figures(main: Row, ranking: list[Row], ceiling: list[Row]) -> list[Row]:
    """The chart of all rhos, and rho against cost where some of them have a cost."""
    from pipeline.report import figures

    dots = [_dot(row) for row in ranking if row["rho"] is not None]
    made = []
    if dots:
        lines = [(c["kind"] if c["kind"] != "seeds" else "seed against seed", c["rho"]) for c in ceiling]
        drawing = figures.rhos(dots, lines, title=f"rho with {main['dataset']} {main['metric']}")
        told = "; ".join(f"{name} {rho:.3f}" for name, rho in lines)
        caption = "Every proxy with its 95 % interval" + (f"; how the truth ranks the truth: {told}" if told else "")
        made.append({"name": slug("rhos", main), "kind": "overview", "caption": caption, "drawing": drawing})
    if costly := [dot for dot in dots if dot.seconds]:
        certain = [dot for dot in costly if dot.low is not None]  # two architectures give a rho of 1, and it would lead
        drawing = figures.pareto(certain or costly, title="rho against cost")
        caption = "rho against seconds an architecture; the line joins those that no other beats at their cost"
        made.append({"name": slug("pareto", main), "kind": "overview", "caption": caption, "drawing": drawing})
    return made


def _dot(row: Row) -> Dot:
    from pipeline.report.figures import Dot

    seed = "" if row["seed"] is None else f", seed {row['seed']}"
    return Dot(f"{row['label']}{seed}", row["rho"], row["low"], row["high"], row["seconds"], row["released"])


def slug(kind: str, target: Row, *more: str) -> str:
    """A figure's name for files and ids."""
    text = "-".join((kind, target["benchmark"], target["space"], *more))
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower()
