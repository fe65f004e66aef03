"""Our zero-cost scores against released ones of the same architectures."""

import csv
import math
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.benchmarks.nasbench201.network import features
from pipeline.proxies import zerocost

COUNT = 12


def test_sizes_are_the_released_ones_and_synflow_ranks_like_them(shared: Path) -> None:
    """Twelve architectures, evenly over the range of the released synaptic flow."""
    with (shared / "nasbench201" / "published_zero_cost.csv").open(newline="") as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: float(row["synflow"]))
    chosen = rows[:: len(rows) // COUNT][1 : COUNT + 1]
    ours = []
    for row in chosen:
        build = partial(features, {"cell": row["net_str"]})
        value = {
            name: zerocost.load(name).proxies[0].score(build, row["net"], 0, "cpu").value
            for name in ("params", "flops", "synflow")
        }
        assert value["params"] == round(1e6 * float(row["params"]))
        # the released count holds another 5,184 for the pooling before the classifier
        assert value["flops"] == round(1e6 * float(row["flops"])) - 5_184
        ours.append(math.log(value["synflow"] or 0))
    ranks = [np.argsort(np.argsort(values)) for values in (ours, [float(row["synflow"]) for row in chosen])]
    assert np.corrcoef(ranks[0], ranks[1])[0, 1] > 0.97
