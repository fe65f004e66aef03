"""What a lake of millions of scores costs a run before, beside and after the scoring itself.

    python -m tests.bench.lake [SCORES [PARTS]]

Makes a lake with SCORES scores (2,000,000) of the nineteen zero-cost proxies in PARTS parts (2,000), and with 100,000
architectures that have none, and measures, each in a process of its own:

- nothing: `pipeline score` where all is stored already, from the start of Python to its end;
- publish: planning, storing and publishing 100,000 scores of a proxy that takes no time, less the import of torch;
- index: the start of a run that finds the parts without an index of their keys.

Seconds of the wall and of the processor: on a machine that does other things the second say more.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import catalog, executor, proxies
from pipeline.lake.schema import TABLES
from pipeline.lake.score_index import ScoreIndex
from pipeline.lake.store import Lake
from pipeline.proxies.contract import Score
from pipeline.scoring import run as score
from pipeline.scoring.plan import Plan

BENCHMARK, SPACE, BUNDLE, NEW = "nasbench101", "cell", "zero-cost", 100_000
SPEC = json.dumps({"adjacency": [[int(j == i + 1) for j in range(7)] for i in range(7)], "operations": ["conv3x3"] * 5})


def arch_ids(start: int, count: int) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest()[:16] for number in range(start, start + count)]


def ingested(lake: Lake, part: str, names: list[str]) -> None:
    same = {"benchmark": BENCHMARK, "space": SPACE, "spec": SPEC, "native_id": None, "source_id": "0" * 16}
    with lake.staged(BENCHMARK, part) as staging:
        staging.append("architectures", [{**same, "arch_id": name} for name in names])


def scored(lake: Lake, names: list[str], parts: int) -> None:
    """Written as `Lake.publish` would, without waiting for the disk each time."""
    ids = [proxy.proxy_id for proxy in proxies.load(BUNDLE).proxies]
    draw, schema = np.random.default_rng(0), TABLES["scores"].arrow
    for number in range(parts):
        mine = names[number * len(names) // parts : (number + 1) * len(names) // parts]
        rows, run = len(mine) * len(ids), f"{number // 100:016x}"
        same = {"benchmark": BENCHMARK, "space": SPACE, "status": "ok", "device": "cpu", "run_id": run, "reason": None}
        table = pa.table(
            {
                **{name: pa.repeat(pa.scalar(value, pa.string()), rows) for name, value in same.items()},
                "arch_id": np.repeat(mine, len(ids)), "proxy_id": ids * len(mine), "seed": np.zeros(rows, int),
                "value": draw.normal(size=rows), "seconds": draw.random(rows),
            }
        )  # fmt: skip
        folder = lake.parts / BENCHMARK / f"score-{BUNDLE}-{run}-{number % 100:05d}"
        folder.mkdir(parents=True)
        pq.write_table(table.select(schema.names).cast(schema), folder / "scores.parquet", compression="zstd")


def nothing(lake: str) -> None:
    """All that is ingested is scored."""
    from pipeline.cli import application as cli

    cli.main(["score", BENCHMARK, "--proxy", BUNDLE, "--lake", lake, "--sample", str(10**9)])


def index(lake: str) -> None:
    bundle = proxies.load(BUNDLE)
    names = Lake(Path(lake)).read("architectures", BENCHMARK, columns=["arch_id"])["arch_id"].to_pylist()
    ids = [proxy.proxy_id for proxy in bundle.proxies]
    ScoreIndex(Lake(Path(lake)), BENCHMARK, f"score-{BUNDLE}-", SPACE, 0, names, ids)


def publish(lake: str) -> None:
    bundle = proxies.load("params")
    (proxy,) = bundle.proxies
    at_once = replace(bundle, score=lambda *_: {proxy.proxy_id: (Score(1.0, "ok", None), 0.0)})
    proxies.load = lambda *_: at_once
    plan = Plan(BENCHMARK, SPACE, "params", None, 0, "cpu")
    done = score.run(Path(lake), plan, executor=executor.Executor("inline"))
    assert done.statuses == {"ok": NEW}


CASES: dict[str, Callable[[str], None]] = {"index": index, "nothing": nothing, "publish": publish}


def case(name: str, lake: str) -> None:
    """Run one and print what it took, as JSON on the last line."""
    if name == "publish":
        import torch  # noqa: F401
    wall, cpu = time.perf_counter(), time.process_time() if name == "publish" else 0.0
    try:
        CASES[name](lake)
    except SystemExit as ended:
        assert not ended.code, ended
    status = Path("/proc/self/status").read_text()  # getrusage counts in what this process was forked from
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    took = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu, "peak_mb": peak}
    print(json.dumps({f"{name}_{what}": value for what, value in took.items()}))


def measured(name: str, lake: Path) -> dict[str, float]:
    started = time.perf_counter()
    command = [sys.executable, "-m", "tests.bench.lake", name, str(lake)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    took = json.loads(done.stdout.splitlines()[-1])
    if name != "publish":
        took[f"{name}_seconds"] = time.perf_counter() - started  # from the start of Python
    return dict(took)


def main(scores: int = 2_000_000, parts: int = 2_000) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder) / "lake", create=True)
        names = arch_ids(0, scores // 19)
        ingested(lake, "ingest-made-up", names)
        scored(lake, names, parts)
        catalog.ensure(lake)
        row: dict[str, float] = {"scores": len(names) * 19, "parts": parts}
        row |= measured("index", lake.root) | measured("nothing", lake.root)
        ingested(lake, "ingest-more", arch_ids(len(names), NEW))
        row |= measured("publish", lake.root)
    for name, value in row.items():
        print(f"{name:20} {value:.2f}" if isinstance(value, float) else f"{name:20} {value}")


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in CASES:
        case(*sys.argv[1:3])
    else:
        main(*map(int, sys.argv[1:3]))
