"""What searches have found in a space, for the report: a table, and a picture of each proxy's searches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.report.comparison import answers, slug

if TYPE_CHECKING:
    import duckdb

    from pipeline.report.figures import Path

Row = dict[str, Any]

_BAND = (10, 90)  # percentiles over the seeds
_POINTS = 200  # of a line
_FROM = 10  # architectures: before, the axis would have to hold the worst of the space


def tell(connection: duckdb.DuckDBPyConnection, main: Row) -> Row:
    """What the report says of the searches of a space: `searches`, a row each, and `figures`.

    Args:
        connection: a snapshot of the lake.
        main: the target.
    """
    parameters = {key: main[key] for key in ("benchmark", "space", "dataset", "metric")}
    rows = answers(connection, "searches", parameters)
    by_search: dict[str, list[Row]] = {}
    for path in answers(connection, "search_paths", parameters) if rows else []:
        by_search.setdefault(path["search_id"], []).append(path)
    series = dict.fromkeys((row["proxy_id"], row["score_seed"]) for row in rows if row["search_id"] in by_search)
    figures = [
        _figure(main, [r for r in rows if (r["proxy_id"], r["score_seed"]) == one and r["search_id"] in by_search],
                by_search)
        for one in series
    ]  # fmt: skip
    return {"searches": rows, "figures": figures}


def _figure(main: Row, rows: Sequence[Row], paths: dict[str, list[Row]]) -> Row:
    """The searches that follow one proxy."""
    from pipeline.report import figures

    first = rows[0]
    methods = [row["method"] for row in rows]
    names = [m if methods.count(m) == 1 else f"{m} {r['search_id'][:6]}" for m, r in zip(methods, rows, strict=True)]
    drawing = figures.searches(
        [
            _path(f"{name}, {row['seeds']} seeds", paths[row["search_id"]])
            for name, row in zip(names, rows, strict=True)
        ],
        first["best_of_space"],
        title=f"{first['label']}: the best found",
        y_label=f"{main['dataset']} {main['metric']}, {main['unit']}",
        lower_is_better=not main["higher_is_better"],
    )
    caption = (
        f"{first['label']}: {main['dataset']} {main['metric']} of the best architecture found against the "
        f"architectures scored; mean over seeds, and the band between the {_BAND[0]}th and the {_BAND[1]}th percentile"
    )
    name = slug("search", main, first["label"], first["proxy_id"][:6])
    return {"name": name, "kind": "search", "caption": caption, "drawing": drawing}


def _path(label: str, seeds: Sequence[Row]) -> Path:
    """Mean and band over the seeds, after as many architectures as any of them has scored; each keeps what it has."""
    from pipeline.report.figures import Path

    first, last = max(seed["scored"][0] for seed in seeds), max(seed["scored"][-1] for seed in seeds)
    at = np.unique(np.linspace(max(first, min(_FROM, last // 2)), last, _POINTS).round().astype(int))
    found = np.array([
        np.asarray(seed["truth"], float)[np.searchsorted(seed["scored"], at, side="right") - 1] for seed in seeds
    ])  # fmt: skip
    low, high = np.percentile(found, _BAND, axis=0)
    return Path(label, at.astype(float), found.mean(axis=0), low, high)
