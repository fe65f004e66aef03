"""`make bench`: speeds as ratios, each measured beside its yardstick in one run on one machine.

    python -m tests.bench.engine [ARCHITECTURES OF A SPACE]

- scoring: the engine beside the plain eager loop on three spaces, the same networks, tasks and streams (12 of each; 60
  take half an hour, and say how well the rankings agree);
- the zero-cost proxies together beside each alone, in forward-backward passes of the same batch;
- ingest of a table of 15,625 rows beside a bare read of the same file with the csv module;
- a query with its process beside an empty Python process.

Prints a table and writes reports/bench/DATE.json.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from pipeline import provenance
from pipeline.ingest import run as ingest
from tests.bench.queries import table
from tests.bench.scoring import SPACES, compared
from tests.bench.zerocost import sharing


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def reading(folder: Path) -> dict[str, float]:
    made, mapping = table(folder)
    lake = folder / "lake"
    ingest.ingest(folder / "warm", "nasbench201", [made], mapping=str(mapping))
    bare, _ = timed(lambda: [tuple(r) for r in csv.reader(made.open(newline=""))])
    ours, _ = timed(lambda: ingest.ingest(lake, "nasbench201", [made], mapping=str(mapping)))
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
    row: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": platform.machine(), "cores": os.cpu_count(),
        "version": provenance.code_version(), "torch": torch.__version__,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        row |= reading(Path(folder))
    row |= {f"zero-cost.{what}": value for what, value in sharing().items()}
    row |= {f"{name}.{what}": value for name in SPACES for what, value in compared(name, count).items()}
    for name, value in row.items():
        print(f"{name:32} {value:.3f}" if isinstance(value, float) else f"{name:32} {value}")
    out = Path("reports/bench")
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{datetime.now(UTC):%Y-%m-%d}.json").write_text(json.dumps(row, indent=1) + "\n")


if __name__ == "__main__":
    main()
