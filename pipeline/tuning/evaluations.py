"""Evaluations of tuning: store their draws, read their results, and show them as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from pipeline import catalog, provenance, text_table
from pipeline.lake.part_name import PartName
from pipeline.lake.part_writer import PartWriter
from pipeline.lake.store import Lake
from pipeline.progress import progress
from pipeline.tuning.data import VERSION, TuningData
from pipeline.tuning.draws import Draw
from pipeline.tuning.terms import TermTable

if TYPE_CHECKING:
    import pandas as pd

_DRAWS_PER_PART = 10  # an interruption loses at most so many

DrawFunction = Callable[[Sequence[int]], Iterator[Draw]]
"""Seeds -> the rho of each method for each of them."""


def store(
    lake: Lake,
    data: TuningData,
    tables: tuple[TermTable, TermTable],
    seeds: Sequence[int],
    draw: DrawFunction,
    ways: Sequence[str] = (),
) -> str:
    """Make and store the draws that are not stored yet, a few at a time.

    Args:
        tables: of the space that is tuned on, and of the space that rho is taken of.
        ways: what it judges, where that is not every way to weigh terms.

    Returns:
        The identity of the evaluation.

    Raises:
        UserError: what `draw` raises.
    """
    source, target = tables
    basis = {**data.basis(source), "to": data.basis(target), "labels": data.labels}
    if ways:
        basis["ways"] = sorted(ways)
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


def read(lake: Lake, source: TermTable, evaluation_ids: Sequence[str]) -> pd.DataFrame:
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
