"""The content of the report, read from the lake: values for JSON and templates, figures, and all correlations."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline import provenance
from pipeline.report.certainty import with_certainty_of_targets
from pipeline.report.comparison import by_target, charts, compare
from pipeline.report.queries import Row, answer, of_space, records
from pipeline.report.ranking import overview, rank
from pipeline.report.searches import searches
from pipeline.report.tuning import transfer, tuning

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from pipeline.report.figures import Figure

_RUNS_SHOWN = 50


@dataclass(frozen=True)
class SpaceReport:
    """The report of one space: values for JSON, its ranking, rho with its further targets, and figures."""

    content: Row
    ranking: pd.DataFrame
    further: pd.DataFrame
    figures: list[Figure]


@dataclass(frozen=True)
class ReportContent:
    """The content of a report: values for JSON, tables of correlations, and figures."""

    content: Row
    correlations: list[pd.DataFrame]
    figures: list[Figure]


def read(connection: duckdb.DuckDBPyConnection) -> ReportContent:
    """Read the content of a report from a snapshot of the lake."""
    tables = {name: answer(connection, name) for name in ("targets", "cost", "further", "failures", "environments")}
    main_targets = records(tables["targets"][tables["targets"]["main"]])
    spaces = [_space(connection, main, tables) for main in main_targets]
    spaces.sort(key=lambda space: space.ranking.empty)  # those without a score last
    transferred, transfer_figures = transfer(connection)
    overviews = overview([space.ranking for space in spaces if not space.ranking.empty]) + transfer_figures
    runs = records(answer(connection, "runs"))
    content = {
        "version": provenance.code_version(),
        "made_at": datetime.now(UTC).replace(microsecond=0).isoformat(),
        "packages": json.loads(provenance.new_run("report", {})["packages"]),
        "spaces": [space.content for space in spaces],
        "figures": _listed(overviews),
        "transfer": transferred,
        "agreement": records(answer(connection, "agreement")),
        "sources": records(answer(connection, "sources")),
        "runs": runs[:_RUNS_SHOWN],
        "runs_in_all": len(runs),
    }
    correlations = [frame for space in spaces for frame in (space.ranking, space.further)]
    return ReportContent(content, correlations, [*overviews, *(f for space in spaces for f in space.figures)])


def _space(connection: duckdb.DuckDBPyConnection, main: Row, tables: dict[str, pd.DataFrame]) -> SpaceReport:
    """One space, by its main target."""
    ranking, proxy_figures = rank(connection, main, tables["cost"])
    compared = compare(connection, main)
    search_rows, search_figures = searches(connection, main)
    figures = [*charts(main, ranking, compared["ceiling"]), *search_figures, *proxy_figures]
    others = of_space(tables["targets"], main)
    others = others[~others["main"]]
    covered, sparse = records(others[others["covered"]]), records(others[~others["covered"]])
    further = with_certainty_of_targets(connection, of_space(tables["further"], main), covered)
    content = {
        "benchmark": main["benchmark"],
        "space": main["space"],
        "main": main,
        "ranking": records(ranking),
        "figures": _listed(figures),
        **compared,
        "searches": search_rows,
        **tuning(connection, main),
        "targets": covered,
        "sparse_targets": sparse,
        "further": records(further),
        "others": by_target(covered, further, ranking),
        "failures": records(of_space(tables["failures"], main)),
        "mixed_environments": records(of_space(tables["environments"], main)),
    }
    return SpaceReport(content, ranking, further, figures)


def _listed(figures: list[Figure]) -> list[Row]:
    return [{"name": figure.name, "kind": figure.kind, "caption": figure.caption} for figure in figures]
