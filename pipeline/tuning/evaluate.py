"""`pipeline tune evaluate`: how well each way to use the labels ranks the unlabelled architectures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import catalog
from pipeline.errors import unknown
from pipeline.lake.store import Lake
from pipeline.tuning import draws, evaluations, graph_features, prior
from pipeline.tuning.data import TuningData

if TYPE_CHECKING:
    import pandas as pd


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
    evaluation_id = evaluations.store(lake, data, (table, table), seeds, draw, ways)
    catalog.ensure(lake)
    return evaluations.read(lake, table, [evaluation_id])
