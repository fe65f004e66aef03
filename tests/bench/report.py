"""What a report costs: of a lake without stored results, of the same lake again, and with its figures.

    python -m tests.bench.report [LAKE]

LAKE is copied; without one a lake is made up, as `tests.bench.queries` makes it. Prints wall time and CPU time of
separate processes; on a busy machine the latter says more.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipeline import catalog
from pipeline.ingest import run as ingest
from pipeline.lake.store import Lake
from tests.bench import queries

CASES = {"cold": (), "the lake is unchanged": (), "with figures": ("--figures",)}


def made_up(folder: Path) -> Lake:
    table, mapping = queries.table(folder, ("cifar10", "cifar100", "ImageNet16-120"))
    lake = Lake(folder / "lake", create=True)
    ingest.ingest(lake.root, "nasbench201", [table], mapping=str(mapping))
    queries.scored(lake)
    return lake


def copied(lake: Path, folder: Path) -> Lake:
    """A copy without stored results."""
    shutil.copytree(lake, folder / "lake", ignore=shutil.ignore_patterns(catalog.STORED_RESULTS))
    return Lake(folder / "lake")


def measured(lake: Lake, out: Path, *options: str) -> tuple[float, float]:
    """Seconds of wall time and of CPU time."""
    command = [sys.executable, "-m", "pipeline", "report", "--lake", str(lake.root), "--out", str(out), "--quiet"]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(lake: str | None = None) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reported = made_up(folder) if lake is None else copied(Path(lake), folder)
        catalog.ensure(reported)
        for case, options in CASES.items():
            wall, processor = measured(reported, folder / "report", *options)
            print(f"{case:24} {wall:.1f} s, {processor:.1f} s of CPU time", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:2])
