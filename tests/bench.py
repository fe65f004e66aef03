"""`make bench`: speeds as ratios, each measured beside its yardstick in one run on one machine.

    python -m tests.bench [ARCHITECTURES]

- scoring: the engine beside a plain eager loop, the same networks, task and losses;
- ingest of a table of 15,625 rows beside a bare read of the same file with the csv module;
- a query with its process beside an empty Python process.

Prints a table and writes reports/bench/DATE-HOST.json.
"""

from __future__ import annotations

import csv
import json
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from scipy.stats import spearmanr
from torch import nn

from pipeline import ingest, provenance
from pipeline.networks import nasbench201 as nets
from pipeline.proxies import images, regression
from pipeline.proxies.regression import presets, training

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
PRESET = "regression-n101"


class PlainCell(nn.Module):
    """As a search network holds it: every candidate of every edge exists, each with its own ReLU; one is used."""

    def __init__(self, edges: dict[tuple[int, int], str], channels: int) -> None:
        super().__init__()
        self.chosen = edges
        self.candidates = nn.ModuleDict(
            {
                f"{i}-{j}-{kind}": nn.Sequential(nn.ReLU(), *nets.ConvBN(channels, channels, kernel, plain=True))
                for i, j in edges
                for kind, kernel in (("nor_conv_1x1", 1), ("nor_conv_3x3", 3))
            }
        )
        self.pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)

    def edge(self, i: int, j: int, x: torch.Tensor) -> torch.Tensor:
        kind = self.chosen[i, j]
        if kind == "none":
            return x * 0
        if kind == "skip_connect":
            return x
        return self.pool(x) if kind == "avg_pool_3x3" else self.candidates[f"{i}-{j}-{kind}"](x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        nodes = [x]
        for j in range(1, 4):
            nodes.append(sum(self.edge(i, j, nodes[i]) for i in range(j)))
        return nodes[3]


def plain_network(cell: str) -> nn.Module:
    net = nets.network({"cell": cell})
    for stack, width in zip((0, 2, 4), nets.TOPOLOGY_CHANNELS, strict=True):
        net.stacks[stack] = nn.Sequential(*(PlainCell(nets.parse_cell(cell), width) for _ in range(5)))
    return net


def plain_score(cell: str, preset: presets.Preset, batch: torch.Tensor, goals: list[torch.Tensor]) -> float:
    """The loop as METHOD descriptions give it: eager, default layout, one network at a time."""
    model = training.Regression(plain_network(cell), goals, batch)
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    optimiser = torch.optim.SGD(
        [{"params": decayed, "weight_decay": preset.weight_decay}, {"params": others}], lr=0.1, momentum=0.9
    )
    weights = torch.tensor(preset.stage_weights)
    last = 0.0
    for iteration in range(1, preset.iterations + 1):
        model.train()
        optimiser.zero_grad()
        (weights * model(batch + 0.1 * (torch.rand_like(batch) * 2 - 1))).sum().backward()
        optimiser.step()
        if iteration % preset.evaluate_every == 0:
            model.eval()
            with torch.no_grad():
                last = float((weights * model(batch + 0.1 * (torch.rand_like(batch) * 2 - 1))).sum())
    return last


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def scoring(count: int) -> dict[str, float]:
    torch.set_num_threads(1)
    rng = random.Random(0)
    edges = [(i, j) for j in range(1, 4) for i in range(j)]
    cells = []
    for _ in range(count):
        kinds = {edge: rng.choice(OPERATIONS) for edge in edges}
        cells.append("+".join("|" + "|".join(f"{kinds[i, j]}~{i}" for i in range(j)) + "|" for j in range(1, 4)))
    proxy, preset = regression.load(PRESET), presets.load(PRESET)
    batch = images.named(None, regression.IMAGES).tensor()
    goals = training.targets(preset, batch, torch.Generator().manual_seed(0))
    plain, ours = [], []
    for cell in cells:  # in turn, so that a machine that slows down slows both
        plain.append(timed(lambda c=cell: plain_score(c, preset, batch, goals)))
        ours.append(timed(lambda c=cell: proxy.score(lambda: nets.network({"cell": c}), c, 0, "cpu").value))
    seconds = [sum(t for t, _ in runs) / count for runs in (plain, ours)]
    agreement = spearmanr([v for _, v in plain], [v for _, v in ours]).statistic
    return {
        "plain_seconds": seconds[0], "engine_seconds": seconds[1], "ratio": seconds[0] / seconds[1],
        "agreement_rho": float(agreement), "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def reading(folder: Path) -> dict[str, float]:
    table, recipe = folder / "table.csv", folder / "bench.toml"
    with table.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["cell", "accuracy"])
        for number in range(15625):
            kinds = [OPERATIONS[number // 5**i % 5] for i in range(6)]
            cell = f"|{kinds[0]}~0|+|{kinds[1]}~0|{kinds[2]}~1|+|{kinds[3]}~0|{kinds[4]}~1|{kinds[5]}~2|"
            rows.writerow([cell, 10 + number % 8000 / 100])
    recipe.write_text(
        'name = "bench"\nbenchmark = "nasbench201"\nspace = "topology"\ndescription = "made up"\n'
        '[publisher]\nproject = "made up"\nwhere = "here"\n[container]\nkind = "csv"\n'
        '[architecture]\ncolumn = "cell"\nencoding = "string"\n'
        '[[truth]]\ncolumn = "accuracy"\ndataset = "cifar10"\nmetric = "test_accuracy"\nunit = "percent"\n'
    )
    lake = folder / "lake"
    ingest.ingest(folder / "warm", "nasbench201", [table], recipe=str(recipe))
    bare, _ = timed(lambda: [tuple(r) for r in csv.reader(table.open(newline=""))])
    ours, _ = timed(lambda: ingest.ingest(lake, "nasbench201", [table], recipe=str(recipe)))
    empty, _ = timed(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))
    sql = "SELECT dataset, count(*) FROM truth GROUP BY ALL"
    program = "from pipeline.cli import main; main()"
    asked, _ = timed(
        lambda: subprocess.run(
            [sys.executable, "-c", program, "query", sql, "--lake", str(lake)], check=True, capture_output=True
        )
    )
    return {
        "csv_seconds": bare, "ingest_seconds": ours, "ingest_ratio": ours / bare,
        "python_seconds": empty, "query_seconds": asked, "query_ratio": asked / empty,
    }  # fmt: skip


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    with tempfile.TemporaryDirectory() as folder:
        row = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": platform.machine(),
            "version": provenance.code_version(), "torch": torch.__version__, "architectures": count,
            **scoring(count), **reading(Path(folder)),
        }  # fmt: skip
    for name, value in row.items():
        print(f"{name:20} {value:.3f}" if isinstance(value, float) else f"{name:20} {value}")
    out = Path("reports/bench")
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{datetime.now(UTC):%Y-%m-%d}-nasbench201.json").write_text(json.dumps(row, indent=1) + "\n")


if __name__ == "__main__":
    main()
