"""The points that the charts of a page draw, packed: each architecture once, and one list of scores per series."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.report.queries import SERIES, Row, answer, answer_of, records, target_of

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import numpy.typing as npt

    from pipeline.report.comparison import Comparison

DRAWN = ("drawn_architectures", "drawn_truth", "drawn_scores")
"""The queries of `drawn_tables`."""

_MOST_ARCHITECTURES = 1000
_SPEC_LENGTH = 160
_DIGITS = 6  # significant, of what is drawn


def drawn_tables(connection: duckdb.DuckDBPyConnection) -> dict[str, pd.DataFrame]:
    """The architectures that charts draw, and their true values and scores, of all spaces, by the names in `DRAWN`."""
    architectures, *of_them = DRAWN
    drawn = answer(connection, architectures, {"most": _MOST_ARCHITECTURES})
    columns = {"benchmarks": "benchmark", "spaces": "space", "arch_ids": "arch_id"}
    chosen = {name: drawn[column].to_list() for name, column in columns.items()}
    return {architectures: drawn, **{query: answer(connection, query, chosen) for query in of_them}}


def chart_data(
    connection: duckdb.DuckDBPyConnection,
    main: Row,
    targets: list[Row],
    comparisons: list[Comparison],
    search_points: list[Row],
    tables: dict[str, pd.DataFrame],
) -> Row:
    """What the charts of a space draw.

    Returns:
        `architectures` (identity and specification), `targets` (`truth`, one value per architecture, and `differences`
        of the compared series), `series` (`scores`, one per architecture, None where there is none, with `rho` and
        `loss` by iteration), and the points of searches. A list of points is a list per column.

    Args:
        main: the target that rho by iteration is taken with.
        targets: all that have a leaderboard, the main one first.
        comparisons: one per target.
        tables: the space's part of `drawn_tables`; `losses`, deciles by proxy, seed, mode and iteration.
    """
    drawn, truths, scores = (tables[name] for name in DRAWN)
    losses = tables["losses"]
    arch_ids = drawn["arch_id"].to_list()
    place = {arch_id: number for number, arch_id in enumerate(arch_ids)}

    def aligned(arch_ids: npt.NDArray[np.object_], values: npt.NDArray[np.float64]) -> list[float | None]:
        column: list[float | None] = [None] * len(place)
        for arch_id, value in zip(arch_ids, values, strict=True):
            column[place[arch_id]] = _rounded(value)
        return column

    truth = {(row["dataset"], row["metric"]): aligned(row["arch_ids"], row["truths"]) for row in records(truths)}
    series = [
        {"proxy_id": row["proxy_id"], "seed": row["seed"], "scores": aligned(row["arch_ids"], row["scores"])}
        for row in records(scores)
    ]
    rho = _by_series(
        answer_of(connection, "iterations", target_of(main)), ["mode", "stage", "iteration", "rho", "low", "high"]
    )
    deciles = pd.DataFrame(losses["losses"].to_list(), index=losses.index, columns=["low", "median", "high"])
    loss = _by_series(losses.join(deciles), ["mode", "iteration", "low", "median", "high"])
    for row in series:
        key = (row["proxy_id"], row["seed"])
        row.update({name: points[key] for name, points in (("rho", rho), ("loss", loss)) if key in points})
    return {
        "architectures": {"id": arch_ids, "spec": [_shortened(row["spec"]) for row in records(drawn)]},
        "targets": [
            {"key": target["key"], "truth": truth.get((target["dataset"], target["metric"]), []),
             "differences": _differences(comparison)}
            for target, comparison in zip(targets, comparisons, strict=True)
        ],
        "series": series,
        "searches": _columns(pd.DataFrame(search_points)),
    }  # fmt: skip


def _differences(comparison: Comparison) -> Row:
    """The compared series, and the interval of the difference of each pair, row less column, row by row."""
    limits = (comparison.difference_low, comparison.difference_high)
    low, high = ([[_rounded(value, 4) for value in row] for row in matrix.tolist()] for matrix in limits)
    return {"series": records(comparison.rows[SERIES]), "rho": [_rounded(r) for r in comparison.rows["rho"]],
            "low": low, "high": high}  # fmt: skip


def _by_series(points: pd.DataFrame, columns: list[str]) -> dict[tuple[str, int | None], Row]:
    result = {}
    for _, group in points.groupby(SERIES, sort=False, dropna=False):
        [series] = records(group[SERIES].head(1))
        result[(series["proxy_id"], series["seed"])] = _columns(group[columns])
    return result


def _columns(points: pd.DataFrame) -> Row:
    return {
        str(name): [_rounded(value) if isinstance(value, float) else value for value in column]
        for name, column in points.astype(object).where(points.notna(), None).to_dict("list").items()
    }


def _rounded(value: float | None, digits: int = _DIGITS) -> float | None:
    return None if value is None or math.isnan(value) else float(f"{value:.{digits}g}")


def _shortened(spec: str | None) -> str:
    spec = spec or ""
    return spec if len(spec) <= _SPEC_LENGTH else f"{spec[: _SPEC_LENGTH - 1]}…"
