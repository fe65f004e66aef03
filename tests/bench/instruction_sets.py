"""How far scores move from one instruction set to another: score in the environment as it is, compare with a lake.

ATEN_CPU_CAPABILITY=default python -m tests.bench.instruction_sets score LAKE BENCHMARK PROXY IMAGES COUNT OUT.csv
python -m tests.bench.instruction_sets compare LAKE DATASET METRIC OUT.csv...

LAKE holds the ground truth and the scores of the other environment, such as those of data/scores.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import catalog, text_table
from pipeline.benchmarks import load
from pipeline.lake.store import Lake
from pipeline.scoring.plan import Plan, sampled, specs

COLUMNS = ["benchmark", "space", "arch_id", "proxy_id", "proxy", "value"]


def score(lake_root: str, benchmark: str, proxy: str, images: str, count: str, out: str) -> None:
    """Score the first architectures of the sample of seed 0 and append a row per score to a file."""
    lake = Lake(Path(lake_root), read_only=True)
    space = load(benchmark).space(None).name
    chosen = sampled(lake, benchmark, space, 0, int(count))
    texts = specs(lake, benchmark, space, chosen)
    plan = Plan(benchmark, space, proxy, Path(images), 0, "cpu")
    bundle = plan.load()
    scorer = plan.scorer(bundle, "cpu")
    print(scorer.prepare())
    names = {one.proxy_id: one.name for one in bundle.proxies}
    with Path(out).open("a", newline="") as stream:
        writer = csv.writer(stream)
        for arch_id in chosen:
            for proxy_id, (found, _) in scorer((arch_id, texts[arch_id], tuple(names))).items():
                writer.writerow([benchmark, space, arch_id, proxy_id, names[proxy_id], found.value])
            stream.flush()


def compare(lake_root: str, dataset: str, metric: str, *files: str) -> None:
    """Print, for each proxy, how its scores differ from the lake's, and rho with each other and with the truth."""
    scored = pd.concat([pd.read_csv(file, names=COLUMNS) for file in files]).drop_duplicates(COLUMNS[:4])
    lake = Lake(Path(lake_root), read_only=True)
    stored = catalog.run_sql(lake, "SELECT arch_id, proxy_id, value AS stored FROM scores WHERE seed = 0").to_pandas()
    sql = "SELECT arch_id, truth FROM target_values WHERE dataset = $dataset AND metric = $metric"
    truth = catalog.run_sql(lake, sql, {"dataset": dataset, "metric": metric}).to_pandas()
    both = scored.merge(stored, on=["arch_id", "proxy_id"]).merge(truth, on="arch_id", how="left")
    rows = [["proxy", "n", "equal", "median", "90 %", "largest", "rho", "rho with truth", "stored with truth"]]
    for name, group in both.groupby("proxy"):
        here, there, true = group["value"], group["stored"], group["truth"]
        a, b = here.to_numpy(), there.to_numpy()
        difference = np.abs(a - b) / np.maximum(np.maximum(np.abs(a), np.abs(b)), np.finfo(float).tiny)
        middle = [f"{value:.2g}" for value in np.nanquantile(difference, [0.5, 0.9, 1.0])]
        rhos = [f"{x.corr(y, method='spearman'):.3f}" for x, y in ((here, there), (here, true), (there, true))]
        rows.append([str(name), str(len(group)), str(int((a == b).sum())), *middle, *rhos])
    print("\n".join(text_table.aligned(rows, [False, *[True] * 8])))


if __name__ == "__main__":
    if sys.argv[1] == "score":
        score(*sys.argv[2:])
    else:
        compare(*sys.argv[2:])
