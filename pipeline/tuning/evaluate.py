"""`pipeline tune evaluate`: how well every way to use the labels ranks the architectures that have no label."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import catalog
from pipeline.lake.store import Lake
from pipeline.tuning import draws, evaluations
from pipeline.tuning.data import TuningData

if TYPE_CHECKING:
    import pandas as pd


def evaluate(lake_root: Path, data: TuningData, count: int = 100) -> pd.DataFrame:
    """Judge every way to use the labels over many draws of them, and store each rho; what is stored is not done again.

    Args:
        lake_root: the lake.
        data: labels and terms; the draws have the seeds from its seed on.
        count: of draws.

    Returns:
        Its rows of the view `tuned_evaluations`, the highest rho first.

    Raises:
        UserError: too few architectures.
    """
    lake = Lake(lake_root)
    table = data.table(lake)
    seeds = range(data.seed, data.seed + count)
    draw = partial(draws.within, table, data.labels)
    evaluation_id = evaluations.store(lake, data, (table, table), seeds, draw)
    catalog.ensure(lake)
    return evaluations.read(lake, table, [evaluation_id])
