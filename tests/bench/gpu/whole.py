"""All of NAS-Bench-201, and of NAS-Bench-101 as much as there is time for; goes on where it was stopped.

The scores are in OUT/lake, with their curves. OUT/scores holds them without: a lake that `pipeline merge` takes.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from scipy.stats import spearmanr

from pipeline.lake.store import Lake
from tests.bench.gpu.about import require_card
from tests.bench.gpu.runner import partly
from tests.bench.gpu.setting import Row, Setting

# Where a command runs behind &, Python leaves SIGINT ignored, and a run could not be interrupted at its deadline.
INTERRUPTIBLE = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
CLI = "from pipeline.cli import main; main()"
LISTED = 500  # of a list; then twice as many, and so on
KEPT = ("scores.parquet", "proxies.parquet", "runs.parquet")
STORED = Path("data/scores")
AT_END = 15.0  # seconds that are kept for the results
STOPPING = 15.0  # seconds from Ctrl-C until what is done is stored


def whole(setting: Setting) -> Row:
    """Score with each preset until the time is used up."""
    require_card(setting)
    row: Row = {}
    lake = setting.out / "lake"
    for number, job in enumerate(_jobs(setting)):
        if setting.left < AT_END + STOPPING + 5:
            row["stopped"] = "no time left; the same command goes on"
            break
        seconds = setting.left - AT_END - STOPPING
        row[f"{number + 1} {job[0]} {job[1]}"] = _scored(setting, lake, job, seconds)
        row["scores"] = counts(lake)
        partly(setting, row)
    export(lake, setting.out / "scores")
    row["with_stored"] = compared(lake, STORED)
    partly(setting, row)
    row["rho"] = _rho(lake, max(5.0, setting.left - 2))
    return row


Job = tuple[str, str, list[str]]  # benchmark, what is scored, options that choose the architectures


def _jobs(setting: Setting) -> Iterator[Job]:
    """Preset by preset; a run takes architectures in the order of a hash, so that those of a part are a sample."""
    for preset in setting.presets:
        for benchmark in setting.spaces:
            if benchmark == "nasbench201":
                yield benchmark, preset, []
        for benchmark in setting.spaces:
            if benchmark == "nasbench101" and setting.architectures is not None:
                yield from ((benchmark, preset, ["--only", str(part)]) for part in _prefixes(setting))


def _prefixes(setting: Setting) -> Iterator[Path]:
    """Files of the first of the listed architectures, of twice as many, and so on."""
    assert setting.architectures is not None
    lines, count = setting.architectures.read_text().splitlines(), LISTED
    while True:
        part = setting.out / f"first-{min(count, len(lines))}.txt"
        part.write_text("\n".join(lines[:count]) + "\n")
        yield part
        if count >= len(lines):
            return
        count *= 2


def _scored(setting: Setting, lake: Path, job: Job, seconds: float) -> Row:
    benchmark, preset, chosen = job
    row: Row = {"options": chosen}
    if benchmark == "nasbench201" and not (lake / "parts" / benchmark).exists():
        row["ingest"] = run(["ingest", benchmark, "--mapping", "analog-nasbench", "--lake", str(lake)], 120)[-1:]
    Lake(lake, create=True)
    images = ["--images", str(setting.images)] if setting.images else []
    before = sum(counts(lake).values())
    began = time.monotonic()
    device = ["--device", setting.device, *(["--workers", str(setting.workers)] if setting.workers else [])]
    arguments = ["score", benchmark, "--proxy", preset, *device, *images, *chosen, "--lake", str(lake)]
    row["said"] = run(arguments, seconds)[-3:]
    took = time.monotonic() - began
    new = sum(counts(lake).values()) - before
    return {**row, "new": new, "seconds": took, "ms_per_architecture_with_start": 1e3 * took / new if new else None}


def run(arguments: Sequence[str], seconds: float) -> list[str]:
    """What `pipeline` says; after so many seconds it is interrupted, as by Ctrl-C, and stores what is done."""
    command = [sys.executable, "-c", INTERRUPTIBLE + CLI, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        text, _ = process.communicate(timeout=max(1.0, seconds))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        try:
            text, _ = process.communicate(timeout=STOPPING)
        except subprocess.TimeoutExpired:
            process.kill()
            text, _ = process.communicate()
        text += "\ninterrupted at its deadline"
    print(text, flush=True)
    return [line for line in text.replace("\r", "\n").splitlines() if line.strip()] + [f"exit {process.returncode}"]


def counts(lake: Path) -> dict[str, int]:
    """Scores that are stored, by benchmark and proxy."""
    found: dict[str, int] = {}
    for benchmark, name, rows in _scores(lake):
        found[f"{benchmark} {name}"] = found.get(f"{benchmark} {name}", 0) + len(rows)
    return found


def _scores(lake: Path) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """(benchmark, proxy, its scores) of each part."""
    names: dict[str, str] = {}
    for proxies in (lake / "parts").glob("*/*/proxies.parquet"):  # of a run the first part has them
        names |= {row["proxy_id"]: row["name"] for row in pq.read_table(proxies).to_pylist()}
    for part in sorted((lake / "parts").glob("*/*/scores.parquet")):
        rows = pq.read_table(part, columns=["arch_id", "proxy_id", "seed", "value", "status"]).to_pylist()
        for proxy_id in {row["proxy_id"] for row in rows}:
            yield part.parts[-3], names[proxy_id], [row for row in rows if row["proxy_id"] == proxy_id]


def compared(lake: Path, stored: Path) -> Row:
    """rho and relative differences between these scores and stored ones of the same proxies and seeds, from a CPU."""
    theirs = {
        (row["arch_id"], row["proxy_id"], row["seed"]): row["value"]
        for _, _, rows in _scores(stored) for row in rows if row["status"] == "ok"
    }  # fmt: skip
    pairs: dict[str, list[tuple[float, float]]] = {}
    for benchmark, name, rows in _scores(lake):
        for row in rows:
            expected = theirs.get((row["arch_id"], row["proxy_id"], row["seed"]))
            if row["status"] == "ok" and expected is not None:
                pairs.setdefault(f"{benchmark} {name}", []).append((row["value"], expected))
    return {
        name: {
            "architectures": len(both),
            "rho": float(spearmanr(both).statistic) if len(both) > 2 else None,
            "median_apart": sorted(abs(a - b) / max(abs(b), 1e-30) for a, b in both)[len(both) // 2],
        }
        for name, both in pairs.items()
    }


def export(lake: Path, out: Path) -> None:
    """A lake of the scores alone: small, and `pipeline merge` takes it."""
    if not (lake / "lake.json").exists():
        return
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(lake / "lake.json", out / "lake.json")
    for part in (lake / "parts").glob("*/score-*"):
        target = out / "parts" / part.parent.name / part.name
        if target.exists():
            continue
        half = out / f".{part.name}"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir()
        for name in KEPT:
            if (part / name).exists():
                shutil.copyfile(part / name, half / name)
        target.parent.mkdir(parents=True, exist_ok=True)
        half.rename(target)


def _rho(lake: Path, seconds: float) -> Any:
    """Spearman's rho of each proxy with each target of the ground truth."""
    query = Path("queries/examples/01_rho_of_each_proxy.sql")
    if not query.exists() or not (lake / "lake.json").exists():
        return None
    out = lake.parent / "rho.json"
    words = ["query", "--file", str(query), "--format", "json", "--out", str(out), "--force", "--lake", str(lake)]
    said = run(words, seconds)
    return json.loads(out.read_text()) if out.exists() else said[-2:]
