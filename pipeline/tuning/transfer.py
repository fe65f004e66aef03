"""`pipeline tune transfer`: how well rules that were tuned on one space rank the others."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline import catalog
from pipeline.errors import UserError
from pipeline.lake.store import Lake
from pipeline.tuning import draws, evaluations
from pipeline.tuning.data import TuningData

if TYPE_CHECKING:
    import pandas as pd


class TransferEvaluation(NamedTuple):
    """How rules do on other spaces.

    Attributes:
        evaluations: rows of the view `tuned_evaluations`, the highest rho first.
        left_out: a line for each space that was left out, with the reason, or one where there is no other.
    """

    evaluations: pd.DataFrame
    left_out: list[str]


def transfer(lake_root: Path, data: TuningData, count: int = 100) -> TransferEvaluation:
    """Tune on the space of the data and apply the rules to every other space of the lake that has terms of it.

    Args:
        data: labels and terms; the draws have the seeds from its seed on.

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
            draw = partial(draws.across, source, target, data.labels)
            stored.append(evaluations.store(lake, data, (source, target), seeds, draw))
        except UserError as error:
            left_out.append(f"{benchmark} {space} is left out: {error}")
    catalog.ensure(lake)
    return TransferEvaluation(evaluations.read(lake, source, stored), left_out)


def _other_spaces(lake: Lake, data: TuningData) -> list[tuple[str, str]]:
    with closing(catalog.snapshot(lake)) as connection:
        rows = catalog.rows(connection, "SELECT DISTINCT benchmark, space FROM scores ORDER BY ALL").to_pylist()
    spaces = [(row["benchmark"], row["space"]) for row in rows]
    return [space for space in spaces if space != (data.benchmark, data.space)]
