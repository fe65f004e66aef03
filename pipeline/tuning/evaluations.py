"""How well labels help: `tune evaluate` in the space that is tuned on, `tune transfer` in the other spaces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import catalog, provenance, text_table
from pipeline.errors import UserError, unknown
from pipeline.lake.part_name import PartName
from pipeline.lake.part_writer import PartWriter
from pipeline.lake.store import Lake
from pipeline.progress import progress
from pipeline.tuning import draws, graph_features, prior, terms
from pipeline.tuning.data import VERSION, TuningData
from pipeline.tuning.draws import Draw
from pipeline.tuning.terms import TermTable

if TYPE_CHECKING:
    import pandas as pd

_DRAWS_PER_PART = 10  # an interruption loses at most so many

DrawFunction = Callable[[Sequence[int]], Iterator[Draw]]
"""Seeds -> the rho of each method for each of them."""


def evaluate(lake_root: Path, data: TuningData, count: int = 100, ways: Sequence[str] = ()) -> pd.DataFrame:
    """Judge every way to use the labels over many draws of them, and store each rho; what is stored is not done again.

    Args:
        data: labels and terms; the draws have the seeds from its seed on.
        ways: names of `draws.LEARNED`, to judge these and nothing else; every way to weigh terms by default.

    Returns:
        Its rows of the view `tuned_evaluations`, the highest rho first.

    Raises:
        UserError: too few architectures, an unknown way, or ways to learn where the generic rule cannot be computed.
    """
    lake = Lake(lake_root)
    for way in ways:
        if way not in draws.LEARNED:
            raise unknown("way", way, draws.LEARNED)
    table = data.table(lake)
    if ways:
        prior.require_generic_rule(table)
    graph = graph_features.features(lake, data.benchmark, data.space, table.arch_ids) if ways else None
    seeds = data.seeds(count)
    draw = partial(draws.within, table, data.labels, graph=graph, ways=ways)
    evaluation_id = _store(lake, data, (table, table), seeds, draw, ways)
    catalog.ensure(lake)
    return _read(lake, table, [evaluation_id])


def transfer(lake_root: Path, data: TuningData, count: int = 100) -> tuple[pd.DataFrame, list[str]]:
    """Tune on the space of the data and apply the rules to every other space of the lake that has terms of it.

    Args:
        data: labels and terms; the draws have the seeds from its seed on.

    Returns:
        Its rows of the view `tuned_evaluations`, the highest rho first; and a line for each space that was left out,
        with the reason, or one where there is no other.

    Raises:
        UserError: no truth or no scores of the space.
    """
    lake = Lake(lake_root)
    source = data.table(lake)
    seeds = data.seeds(count)
    stored, left_out = [], []
    if not (others := _other_spaces(lake, data)):
        left_out.append("the lake has scores of no other space: score one with the same proxies")
    for benchmark, space in others:
        try:
            target = TuningData(benchmark, space, coverage=data.coverage, target=data.target).table(lake)
            alike = terms.alike(lake, source, target)
            draw = partial(draws.across, source, target, data.labels, alike=alike)
            stored.append(_store(lake, data, (source, target), seeds, draw, alike=alike))
        except UserError as error:
            left_out.append(f"{benchmark} {space} is left out: {error}")
    catalog.ensure(lake)
    return _read(lake, source, stored), left_out


def _other_spaces(lake: Lake, data: TuningData) -> list[tuple[str, str]]:
    with closing(catalog.snapshot(lake)) as connection:
        rows = catalog.rows(connection, "SELECT DISTINCT benchmark, space FROM scores ORDER BY ALL").to_pylist()
    spaces = [(row["benchmark"], row["space"]) for row in rows]
    return [space for space in spaces if space != (data.benchmark, data.space)]


def _store(
    lake: Lake,
    data: TuningData,
    tables: tuple[TermTable, TermTable],
    seeds: Sequence[int],
    draw: DrawFunction,
    ways: Sequence[str] = (),
    alike: Mapping[str, str] | None = None,
) -> str:
    """Make and store the draws that are not stored yet, a few at a time.

    Args:
        tables: of the space that is tuned on, and of the space that rho is taken of.
        ways: what it judges, where that is not every way to weigh terms.
        alike: see `draws.across`.

    Returns:
        The identity of the evaluation.

    Raises:
        UserError: what `draw` raises.
    """
    source, target = tables
    basis = {**data.basis(source), "to": data.basis(target), "labels": data.labels}
    if ways:
        basis["ways"] = sorted(ways)
    if alike:
        basis["alike"] = provenance.identity("alike", 1, alike)
    evaluation_id = provenance.identity("evaluation", VERSION, basis)
    run = provenance.new_run("tune", {**vars(data), "draws": len(seeds)})
    constant = {
        "evaluation_id": evaluation_id, "benchmark": source.benchmark, "space": source.space,
        "dataset": target.dataset, "metric": target.metric, "run_id": run["run_id"],
    }  # fmt: skip
    name = PartName("tune", f"draws-{evaluation_id}")
    with lake.lock("tune", evaluation_id):  # two processes with the same evaluation would store each draw twice
        parts = lake.part_names(source.benchmark, name.prefix)
        stored = set(lake.read("tuning_draws", source.benchmark, parts=parts, columns=["draw"])["draw"].to_pylist())
        missing = [seed for seed in seeds if seed not in stored]
        if not missing:
            return evaluation_id
        what = f"drawing labels of {source.benchmark} {source.space} for {target.benchmark} {target.space}"
        writer = PartWriter(lake, source.benchmark, name, run["run_id"])
        with progress(what, len(missing)) as advance:
            for first in range(0, len(missing), _DRAWS_PER_PART):
                some = missing[first : first + _DRAWS_PER_PART]
                rows = [{**constant, **_row(one)} for one in draw(some)]
                tables_of_part = {"runs": [run, provenance.finished(run)], "tuning_draws": rows}
                writer.publish(tables_of_part)
                advance(len(some))
    return evaluation_id


def _read(lake: Lake, source: TermTable, evaluation_ids: Sequence[str]) -> pd.DataFrame:
    """The rows of the view `tuned_evaluations` for these evaluations, the highest rho first."""
    order = "rho DESC, to_benchmark, to_space, terms, method"
    sql = f"FROM tuned_evaluations WHERE benchmark = $benchmark AND space = $space ORDER BY {order}"
    with closing(catalog.snapshot(lake)) as connection:
        rows = catalog.frame(connection, sql, {"benchmark": source.benchmark, "space": source.space})
    return rows[rows["evaluation_id"].isin(evaluation_ids)].reset_index(drop=True)


def table(*evaluations: pd.DataFrame) -> list[str]:
    cells = [
        ["on", "terms", "method", "labels", "rho", "95 % of draws", "n", "draws", "against the best without labels"]
    ]
    for row in (row for evaluation in evaluations for row in evaluation.to_dict("records")):
        against = f"{row['difference']:+.3f} [{row['difference_low']:+.3f}, {row['difference_high']:+.3f}]"
        cells.append([
            f"{row['to_benchmark']} {row['to_space']}", row["terms"], row["method"], str(row["labels"]),
            f"{row['rho']:.3f}", f"[{row['low']:.3f}, {row['high']:.3f}]", str(row["n"]), str(row["draws"]),
            f"{against} {row['verdict']}" if row["labels"] else "",
        ])  # fmt: skip
    return text_table.fitted(cells, width=text_table.terminal_width())


def _row(draw: Draw) -> dict[str, Any]:
    row = dict(vars(draw))
    row["to_benchmark"], row["to_space"] = row.pop("benchmark"), row.pop("space")
    return row
