"""The content of the report, read from the lake: values for JSON and templates, points for charts, correlations."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline.errors import UserError
from pipeline.lake import stored_json
from pipeline.report.certainty import certainty, with_certainty
from pipeline.report.chart_data import DRAWN, chart_data, drawn_tables
from pipeline.report.comparison import by_target, compare_by_target
from pipeline.report.families import families
from pipeline.report.higher import higher_on_its_own
from pipeline.report.leaderboard import leaderboard, verdict
from pipeline.report.limits import limits
from pipeline.report.queries import (
    SERIES,
    SPACE,
    TARGET,
    Row,
    answer,
    answer_of,
    of_space,
    of_target,
    records,
    space_of,
    target_of,
)
from pipeline.report.ranking import menus, overview, rank
from pipeline.report.searches import searches
from pipeline.report.tables import correlations_csv
from pipeline.report.text import slugs, target_name

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

SCHEMA = 3
"""The version of `content` as report.json holds it: reports/README.md describes it."""

_RUNS_SHOWN = 50
_PARTS = ("compare", "targets", "limits", "signals", "labels", "searches", "published", "failures")  # of a space's page
_TABLES = ("targets", "cost", "further", "failures", "environments", "proxies", "losses", "published", "tuned")


@dataclass(frozen=True)
class ReportContent:
    """What a report says, as values that JSON can hold.

    `content` is what report.json holds, `charts` the points that the page's charts draw, one entry per space, and
    `correlations` the text of correlations.csv.
    """

    content: Row
    charts: list[Row]
    correlations: str


def read(connection: duckdb.DuckDBPyConnection, say: Callable[[str], None]) -> ReportContent:
    """Read the content of a report from a snapshot of the lake."""
    tables = {name: answer(connection, name) for name in _TABLES}
    tables |= drawn_tables(connection)
    main_targets = records(tables["targets"][tables["targets"]["main"]])
    spaces = []
    keys = slugs((main["benchmark"], main["space"]) for main in main_targets)
    for main, key in zip(main_targets, keys, strict=True):
        say(f"{main['benchmark']} {main['space']}")
        spaces.append(_space(connection, main, key, tables))
    spaces.sort(key=lambda space: not space.content["ranking"])  # those without a score last
    runs = records(answer(connection, "runs"))
    rules = answer(connection, "transfer")
    boards = [(space.content["name"], space.content["targets"][0]["leaderboard"]) for space in spaces]
    content = {
        "schema": SCHEMA,
        "spaces": [space.content for space in spaces],
        "overview": overview(boards),
        "transfer": [] if rules["tuned_on"].eq(rules["scored_on"]).all() else records(rules),
        "agreement": records(answer(connection, "agreement")),
        "sources": records(answer(connection, "sources")),
        "proxies": [
            {**row, "configuration": stored_json.parsed(row["configuration"])} for row in records(tables["proxies"])
        ],
        "runs": runs[:_RUNS_SHOWN],
        "runs_in_all": len(runs),
        "scores": int(tables["cost"]["scores"].sum()),
    }
    frames = [frame for space in spaces for frame in (space.ranking, space.further)]
    return ReportContent(_plain(content), _plain([space.charts for space in spaces]), correlations_csv(frames))


@dataclass(frozen=True)
class _SpaceReport:
    content: Row
    charts: Row
    ranking: pd.DataFrame
    further: pd.DataFrame


def _space(connection: duckdb.DuckDBPyConnection, main: Row, key: str, tables: dict[str, pd.DataFrame]) -> _SpaceReport:
    """One space, by its main target and its others; `key` is the space's own on the page."""
    others = of_space(tables["targets"], main)
    others = others[others["leads"] & ~others["main"]]
    covered, sparse = records(others[others["covered"]]), records(others[~others["covered"]])
    certain = certainty(connection, [main, *covered])
    ranking = rank(connection, main, tables["cost"], certain)
    further = with_certainty(of_space(tables["further"], main), certain)
    search_rows, search_points = searches(connection, main)
    shown = [main, *covered]
    comparisons = compare_by_target(connection, shown)
    keys = slugs(((target["dataset"], target["metric"]) for target in shown), taken=_PARTS)
    targets = []
    for target, target_key, comparison in zip(shown, keys, comparisons, strict=True):
        rows = ranking if target is main else _ranking_of(target, further, ranking)
        kinds = tables["proxies"][["proxy_id", "kind", "images"]]
        board = leaderboard(rows.merge(kinds, on="proxy_id", how="left"), comparison)
        higher = higher_on_its_own(connection, target, board)
        targets.append(
            {
                **target, "name": target_name(target), "key": target_key,
                "verdict": verdict(board, target_name(target), higher), "higher": higher, "leaderboard": board,
                "compared": records(comparison.rows),
            }
        )  # fmt: skip
    space = space_of(main)
    of_families = records(answer_of(connection, "families", space))
    measured = pd.concat([rows for rows in (ranking, further) if len(rows)] or [ranking])
    content = {
        **space,
        "name": f"{main['benchmark']} {main['space']}",
        "key": key,
        "main": main,
        "targets": targets,
        "ranking": records(ranking),
        "comparison": targets[0]["compared"],
        "seeds": records(answer_of(connection, "seeds", target_of(main))),
        "ceiling": records(answer_of(connection, "ceiling", target_of(main))),
        "published": records(of_space(tables["published"], main).drop(columns=SPACE)),
        "searches": search_rows,
        "tuning": records(answer_of(connection, "tuning", target_of(main))),
        "tuned": records(of_target(tables["tuned"], main).drop(columns=TARGET)),
        "menus": menus(connection, main, ranking),
        "further_targets": covered,
        "sparse_targets": sparse,
        "further": records(further),
        "others": by_target(covered, further, ranking),
        "families": families(connection, [main, *covered], of_families, by_target([main, *covered], measured, ranking)),
        "limits": limits(connection, main, of_families, targets[0]["leaderboard"]),
        "failures": records(of_space(tables["failures"], main)),
        "mixed_environments": records(of_space(tables["environments"], main)),
    }
    drawn = {name: of_space(tables[name], main) for name in ("losses", *DRAWN)}
    charts = chart_data(connection, main, targets, comparisons, search_points, drawn)
    return _SpaceReport(content, charts, ranking, further)


def _ranking_of(target: Row, further: pd.DataFrame, ranking: pd.DataFrame) -> pd.DataFrame:
    """The ranking by a further target, of the same proxies."""
    rows = of_target(further, target)
    measured = rows[[*SERIES, "rho", "low", "high", "tau", "n", "n_failed", "n_no_truth"]]
    constant = ranking[["label", "proxy", *SERIES, "released", "seconds", "devices"]]
    return constant.merge(measured, on=SERIES, how="inner").assign(rho_top=None, n_top=None)


def _plain(value: Any) -> Any:
    """The value as JSON gives it back, so that what is computed and what is kept are equal."""
    try:
        return json.loads(json.dumps(value, default=_plain_cell, allow_nan=False))
    except ValueError as error:
        raise UserError("a number of the lake is not finite where it has to be: `pipeline doctor` names it") from error


def _plain_cell(value: Any) -> Any:
    """A value that JSON does not know: a list of a cell, a number of NumPy's, or a time."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
