"""The ranking of a space's proxies by its main target, and the figures of single proxies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import rank_correlation
from pipeline.report import figures
from pipeline.report.certainty import with_certainty
from pipeline.report.figures import Figure, RhoBand, RhoCurve
from pipeline.report.queries import SERIES, Row, answer, of_series, records, target_of
from pipeline.report.text import number, series_figure_name, series_name

if TYPE_CHECKING:
    import duckdb

_BAND_RESAMPLES = (500, 100)  # up to rank_correlation.MANY architectures, and above
_BAND_POINTS = 25  # a band is computed at so many iterations at most
_MODES = {"train": "batch statistics", "eval": "running statistics"}


def rank(connection: duckdb.DuckDBPyConnection, main: Row, cost: pd.DataFrame) -> tuple[pd.DataFrame, list[Figure]]:
    """The proxies of a space, the highest rho first, with intervals, tau, seconds and devices; and their figures.

    Args:
        connection: a snapshot of the lake.
        main: the target.
        cost: seconds per architecture and devices of each benchmark, space, proxy and seed.
    """
    pairs = answer(connection, "pairs", target_of(main))
    ranking = with_certainty(answer(connection, "ranking", target_of(main)), pairs)
    ranking = ranking.merge(cost, on=["benchmark", "space", *SERIES], how="left")
    scored = ranking[ranking["n"] > 0].sort_values("released", kind="stable")
    score_figures = [_scatter(main, row, of_series(pairs, row).iloc[0]) for row in records(scored)]
    rows = records(ranking)
    return ranking, [*score_figures, *_iterations(connection, main, rows), *_menus(connection, main, rows)]


def overview(rankings: list[pd.DataFrame]) -> list[Figure]:
    """The heat map of our own proxies and spaces, where more than one space has scores; means over seeds."""
    ranked = pd.concat([ranking.assign(place=place) for place, ranking in enumerate(rankings)]) if rankings else None
    if ranked is None or len(rankings) < 2:
        return []
    own = ranked[ranked["rho"].notna() & ~ranked["released"]]
    if own.empty:
        return []
    table = own.pivot_table(index="label", columns="place", values="rho", aggfunc="mean", sort=False)
    table = table.reindex(columns=range(len(rankings)))
    order = np.argsort(-np.nanmean(table.to_numpy(), axis=1), kind="stable")
    names = [f"{ranking['benchmark'].iloc[0]} {ranking['space'].iloc[0]}" for ranking in rankings]
    labels = [str(label) for label in table.index[order]]
    drawing = figures.heat(labels, names, table.to_numpy()[order], title="rho of every proxy, by space")
    caption = "Spearman's rho of what was computed here with the main target of each space, the mean over seeds"
    return [Figure("heat-proxies-spaces", "overview", caption, drawing)]


def _scatter(main: Row, row: Row, pair: pd.Series) -> Figure:
    score = pair["score_as_stored"]
    drawing = figures.scatter(
        pair["truth_as_stored"],
        score,
        title=f"{series_name(row)}\nrho {number(row['rho'])}, n {row['n']}",
        x_label=f"{main['dataset']} {main['metric']}, {main['unit']}",
        y_label="score",
        flip=(not main["higher_is_better"], bool(np.any(score != pair["score"]))),
        released=row["released"],
    )
    caption = f"{series_name(row)}: score against {main['dataset']} {main['metric']}, {row['n']} architectures"
    return Figure(series_figure_name("score", row), "score", caption, drawing)


def _iterations(connection: duckdb.DuckDBPyConnection, main: Row, ranking: list[Row]) -> list[Figure]:
    """rho against iterations, a figure for each proxy, seed and kind of loss that has curves."""
    curves = answer(connection, "iterations", target_of(main))
    result = []
    for row in ranking:
        own = of_series(curves, row)
        if own.empty:
            continue
        series = {**target_of(main), "proxy_id": row["proxy_id"], "seed": row["seed"]}
        bands = _bands(answer(connection, "losses", series))
        lowest = pd.Series(np.concatenate(own["rho"].to_list())).min()
        limits = (min(0.0, 0.0 if pd.isna(lowest) else float(lowest)) - 0.05, 1.0)
        for mode, statistics in _MODES.items():
            lines = [_curve(line) for line in records(own[own["mode"] == mode])]
            if not lines:
                continue
            title = f"{series_name(row)}\n{mode} loss ({statistics})"
            drawing = figures.iterations(lines, bands.get(mode), title=title, limits=limits)
            caption = f"{series_name(row)}: rho of the {mode} loss ({statistics}) against iterations, by stage"
            result.append(Figure(series_figure_name(f"iterations-{mode}", row), "iterations", caption, drawing))
    return result


def _menus(connection: duckdb.DuckDBPyConnection, main: Row, ranking: list[Row]) -> list[Figure]:
    """The heat map of a menu's stages, signals and iterations, a figure for each proxy, seed and kind of loss."""
    menus = answer(connection, "menu", target_of(main))
    result = []
    for row in ranking:
        for mode in _MODES:
            own = of_series(menus[menus["mode"] == mode], row)
            if own.empty:
                continue
            points = own.explode(["stages", "iterations", "rho"])
            table = points.pivot(index="signal", columns=["stages", "iterations"], values="rho").sort_index(axis=1)
            stages, iterations = (table.columns.get_level_values(level) for level in (0, 1))
            columns = [f"stage {stage}\n{at}" for stage, at in zip(stages, iterations, strict=True)]
            title = f"{series_name(row)}: rho of each signal's {mode} loss, n {own['n'].max()}"
            signals = [str(signal) for signal in table.index]
            drawing = figures.heat(signals, columns, table.to_numpy(float), title=title)
            caption = f"{series_name(row)}: rho of the {mode} loss of each signal, by stage and iteration"
            result.append(Figure(series_figure_name(f"menu-{mode}", row), "menu", caption, drawing))
    return result


def _curve(line: Row) -> RhoCurve:
    return RhoCurve(line["stage"], np.asarray(line["iterations"], float), np.asarray(line["rho"], float))


def _bands(architectures: pd.DataFrame) -> dict[str, RhoBand]:
    """The interval of rho at some iterations, by mode, from the architectures with whole curves."""
    bands = {}
    for mode, whole in architectures.groupby("mode"):
        iterations = np.asarray(whole["iterations"].iloc[0], float)
        places = np.unique(np.linspace(0, len(iterations) - 1, _BAND_POINTS).round().astype(int))
        losses = np.stack(whole["losses"].to_list()).T[places]
        resamples = _BAND_RESAMPLES[len(whole) > rank_correlation.MANY]
        intervals = rank_correlation.spearman_intervals(-losses, whole["truth"].to_numpy(float), resamples=resamples)
        limits = [(at, i.low, i.high) for at, i in zip(iterations[places], intervals, strict=True) if i is not None]
        if limits:
            bands[str(mode)] = RhoBand(*np.array(limits).T)
    return bands
