"""`make gpu`: everything that needs a CUDA card, on the first one that comes.

    python -m tests.bench.gpu [tests] [bench] [workers] [whole]

- tests: the tests marked gpu;
- bench: the plain eager loop beside the engine, one network at a time and in groups of several sizes and layouts;
- workers: `pipeline score` with several processes on the card, whose hosts record at the same time;
- whole: all of NAS-Bench-201 with regression-menu, and rho of every signal, stage and iteration.

Without names, all four. Each writes reports/bench/DATE-CARD-NAME.json when it is done, so that a run that is cut short
keeps what it has; `whole` goes on where it was stopped.
"""

from __future__ import annotations

import gc
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import torch
from scipy.stats import spearmanr

from pipeline import benchmarks, executor, provenance
from pipeline.lake.store import Lake
from pipeline.proxies import Network, Proxy, regression
from pipeline.proxies.regression import card
from pipeline.proxies.regression.resident import Card
from pipeline.scoring import run as score
from tests.bench import floors
from tests.fixtures import plain

DEVICE, PRESET = "cuda", "regression-n101"
SIZES = (1, 2, 4, 8, 16, 32)
LAYOUTS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
WORKERS = (1, 2, 4)
FEW, MANY, SAMPLE = 6, 64, 512  # networks of the plain loop, of a group's setting, of a number of workers
LAKE = Path("data/gpu")


def networks(name: str, count: int) -> list[Network]:
    bench, space = benchmarks.load(name), floors.SPACES[name]
    assert bench.sample is not None
    specs = [bench.sample(space, random.Random(number)) for number in range(count)]
    return [(partial(bench.build, space, spec), str(number)) for number, spec in enumerate(specs)]


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    torch.cuda.synchronize()
    started = time.perf_counter()
    result = call()
    torch.cuda.synchronize()
    return time.perf_counter() - started, result


def one_by_one(proxy: Proxy, some: list[Network]) -> tuple[float, list[Any]]:
    """Seconds a network, and the scores; the first network warms up and does not count."""
    proxy.score(*some[0], 0, DEVICE)
    seconds, scores = timed(lambda: [proxy.score(*network, 0, DEVICE) for network in some])
    return seconds / len(some), scores


def in_groups(proxy: Proxy, some: list[Network], size: int, layout: str) -> tuple[dict[str, Any], list[Any]]:
    """One setting of the engine; what its first networks take longer is not counted."""
    score_all: Any = proxy.score_all
    on = Card(card.exact(DEVICE), torch.cuda.CUDAGraph, size, LAYOUTS[layout])
    score_all(some[:2], 0, DEVICE, on)
    torch.cuda.reset_peak_memory_stats()
    seconds, found = timed(partial(score_all, some, 0, DEVICE, on))
    peak = torch.cuda.max_memory_reserved() / 1e9
    del on
    gc.collect()
    torch.cuda.empty_cache()
    statuses = sorted({f"{s.status} {s.reason or ''}".strip() for s, _ in found})
    row = {"size": size, "layout": layout, "seconds": seconds / len(some), "peak_gb": peak, "statuses": statuses}
    return row, [s for s, _ in found]


def agreement(scores: list[Any], others: list[Any]) -> dict[str, float]:
    """Spearman's rho, and the largest relative differences: of the score, and of a loss of the first iteration."""
    both = [(a, b) for a, b in zip(scores, others, strict=False) if a.value is not None and b.value is not None]
    firsts = [(x.losses[0], y.losses[0]) for a, b in both for x, y in zip(a.curves, b.curves, strict=True)]
    values = [(a.value, b.value) for a, b in both]
    return {
        "networks": len(both),
        "rho": float(spearmanr(*zip(*values, strict=True)).statistic),
        "score_apart": max(abs(a - b) / b for a, b in values),
        "first_loss_apart": max(abs(a - b) / b for a, b in firsts),
    }


def bench(name: str) -> dict[str, Any]:
    """The plain loop and the engine on one space."""
    proxy, some = regression.load(PRESET), networks(name, MANY)
    with plain.loop():
        plain_seconds, reference = one_by_one(proxy, some[:FEW])
    single_seconds, single = one_by_one(proxy, some[:FEW])
    floor = max(floors.mean(name, 16, PRESET).seconds("H100"))
    rows = []
    for layout in LAYOUTS:
        for size in SIZES:
            row, scores = in_groups(proxy, some[: min(MANY, 8 * size)], size, layout)
            row["ratio"] = plain_seconds / row["seconds"]
            row["times_h100_floor"] = row["seconds"] / floor
            row["with_plain"] = agreement(scores, reference)
            rows.append(row)
            print(name, row)
    return {
        "plain_seconds": plain_seconds, "single_seconds": single_seconds, "h100_floor_seconds": floor,
        "single_with_plain": agreement(single, reference), "groups": rows,
        "best": max(rows, key=lambda row: row["ratio"]),
    }  # fmt: skip


def workers(name: str) -> list[dict[str, Any]]:
    """Whole runs of `pipeline score`, with their starts; the ratio to one worker says what more of them are worth."""
    rows = []
    for count in WORKERS:
        with tempfile.TemporaryDirectory() as folder:
            lake = Path(folder) / "lake"
            drawn(lake, name, SAMPLE)
            plan = score.Plan(name, floors.SPACES[name], PRESET, None, 0, DEVICE)
            seconds, summary = timed(partial(score.run, lake, plan, workers=count))
            rows.append({"workers": count, "seconds": seconds / SAMPLE, "statuses": summary.statuses})
            print(name, rows[-1])
    return rows


def drawn(lake: Path, name: str, count: int) -> None:
    """A lake of random architectures."""
    bench, space, batch = benchmarks.load(name), floors.SPACES[name], benchmarks.Batch(name)
    assert bench.sample is not None
    for number in range(count):
        batch.architecture(space, bench.sample(space, random.Random(number)), str(number))
    rows = batch.arrow("architectures", {"benchmark": name, "source_id": "0" * 16}).to_pylist()
    unique = list({row["arch_id"]: row for row in rows}.values())
    Lake(lake, create=True).publish(name, "ingest-drawn", {"architectures": unique})


def pipeline(*arguments: str) -> None:
    program = "from pipeline.cli import main; main()"
    subprocess.run([sys.executable, "-c", program, *arguments, "--lake", str(LAKE)], check=True)


def whole() -> dict[str, Any]:
    """Every architecture of NAS-Bench-201, and what of its losses tells how much."""
    pipeline("ingest", "nasbench201", "--recipe", "analog-nasbench")
    started = time.perf_counter()
    pipeline("score", "nasbench201", "--proxy", "regression-menu", "--device", "cuda")
    seconds = time.perf_counter() - started
    table = LAKE / "pairs.json"
    query, asked = "queries/examples/21_rho_of_each_pair.sql", "proxy=regression-menu"
    pipeline("query", "--file", query, "--param", asked, "--format", "json", "--out", str(table))
    pairs = json.loads(table.read_text())
    return {"seconds_of_this_run": seconds, "pairs": pairs}


def tests() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "gpu"], check=False, capture_output=True, text=True
    )
    print(done.stdout)
    return {"exit_code": done.returncode, "said": done.stdout.splitlines()[-20:]}


STEPS: dict[str, Callable[[], Any]] = {
    "tests": tests,
    "bench": lambda: {name: bench(name) for name in floors.SPACES},
    "workers": lambda: {name: workers(name) for name in floors.SPACES},
    "whole": whole,
}


def main() -> None:
    names = sys.argv[1:] or list(STEPS)
    if unknown := set(names) - set(STEPS):
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}")
    if not torch.cuda.is_available():
        sys.exit("torch finds no CUDA card here")
    os.environ.setdefault("CUDA_DEVICE_MAX_CONNECTIONS", "32")  # as `pipeline score` does
    torch.set_num_threads(1)
    about = {
        "card": torch.cuda.get_device_name(), "memory_gb": torch.cuda.get_device_properties(0).total_memory / 1e9,
        "torch": torch.__version__, "cuda": torch.version.cuda, "cores": executor.default_workers(),
        "version": provenance.code_version(), "preset": PRESET,
    }  # fmt: skip
    out = Path("reports/bench")
    out.mkdir(parents=True, exist_ok=True)
    for name in names:
        row = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **about, name: STEPS[name]()}
        file = out / f"{datetime.now(UTC):%Y-%m-%d}-{about['card'].replace(' ', '-')}-{name}.json"
        file.write_text(json.dumps(row, indent=1) + "\n")
        print(f"{name}: {file}")


if __name__ == "__main__":
    main()
