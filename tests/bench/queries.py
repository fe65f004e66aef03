"""How long the example queries take over a whole space: NAS-Bench-201's 15,625 architectures, made-up numbers.

    python -m tests.bench.queries

The truth of three data sets and the scores of ten proxies for every architecture. Each query is asked twice, in seconds
of the wall without the start of Python: the first answer may have to compute views that the second finds stored. Prints
the five that take longest.
"""

from __future__ import annotations

import csv
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline import catalog, provenance, proxies
from pipeline.ingest import run as ingest
from pipeline.lake.store import Lake

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
PROXIES = 10


def table(folder: Path, datasets: Sequence[str] = ("cifar10",)) -> tuple[Path, Path]:
    """A CSV with a made-up accuracy of every architecture on each data set, and its table mapping."""
    made, mapping = folder / "table.csv", folder / "bench.toml"
    with made.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["cell", *datasets])
        for number in range(15625):
            kinds = [OPERATIONS[number // 5**i % 5] for i in range(6)]
            cell = f"|{kinds[0]}~0|+|{kinds[1]}~0|{kinds[2]}~1|+|{kinds[3]}~0|{kinds[4]}~1|{kinds[5]}~2|"
            rows.writerow([cell, *(10 + number % (8000 + at) / 100 for at in range(len(datasets)))])
    truth = '[[truth]]\ncolumn = "{0}"\ndataset = "{0}"\nmetric = "test_accuracy"\nunit = "percent"\n'
    mapping.write_text(
        'name = "bench"\nbenchmark = "nasbench201"\nspace = "topology"\ndescription = "made up"\n'
        '[publisher]\nproject = "made up"\nwhere = "here"\n[container]\nkind = "csv"\n'
        '[architecture]\ncolumn = "cell"\nencoding = "string"\n' + "".join(map(truth.format, datasets))
    )
    return made, mapping


def scored(lake: Lake) -> None:
    """Made-up scores of every architecture."""
    names = sorted(lake.read("architectures", "nasbench201", columns=["arch_id"])["arch_id"].to_pylist())
    chosen = proxies.load("zero-cost").proxies[:PROXIES]
    draw = np.random.default_rng(0).normal(size=(len(names), len(chosen)))
    run = provenance.finished(provenance.new_run("score", {}, "none"))
    same = {"benchmark": "nasbench201", "space": "topology", "seed": 0, "status": "ok", "device": "cpu", "reason": None}
    rows = [
        {**same, "arch_id": name, "proxy_id": proxy.proxy_id, "value": value, "seconds": 0.1, "run_id": run["run_id"]}
        for name, values in zip(names, draw.tolist(), strict=True)
        for proxy, value in zip(chosen, values, strict=True)
    ]
    with lake.staged("nasbench201", "score-made-up-00001") as staging:
        staging.append("runs", [run])
        staging.append("proxies", [proxy.row for proxy in chosen])
        staging.append("scores", rows)


def asked(lake: Lake) -> dict[str, tuple[float, float]]:
    """Seconds that each query takes when it is first asked, and again."""
    took = {}
    for name, path in catalog.queries("examples").items():
        sql = path.read_text()
        params = dict(re.findall(r"--param (\w+)=(\S+)", sql))
        seconds = []
        for _ in range(2):
            started = time.perf_counter()
            catalog.run_sql(lake, sql, params)
            seconds.append(time.perf_counter() - started)
        took[name] = seconds[0], seconds[1]
    return took


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        made, mapping = table(Path(folder), ("cifar10", "cifar100", "ImageNet16-120"))
        lake = Lake(Path(folder) / "lake", create=True)
        ingest.ingest(lake.root, "nasbench201", [made], mapping=str(mapping))
        scored(lake)
        catalog.ensure(lake)
        took = asked(lake)
    for name, (first, again) in sorted(took.items(), key=lambda found: -max(found[1]))[:5]:
        print(f"{name:32} {first:.2f} s, again {again:.2f} s")


if __name__ == "__main__":
    main()
