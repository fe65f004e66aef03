"""A night in small: a scoring run under a rain of kill -9 ends with every row, none twice. Not run unless asked for:

    python -m pytest tests/test_chaos.py -m chaos -s [--chaos-minutes 20] [--chaos-kill-seconds 60]

One kill in five is the driver's, which is started again by the same command; the others are those of a random worker.
"""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from pipeline import catalog, executor
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.lake.store import Lake
from pipeline.scoring import run as score
from pipeline.scoring.plan import sampled
from tests.fixtures.lake_content import rows
from tests.fixtures.tiny_scoring import cell, command, losses, plan, preset

FIRST = 60  # architectures of the first run; a third more whenever a run has finished
PATIENCE = 300.0  # seconds for processes to end, and for what is left at the end


@pytest.fixture
def space(lake: Path) -> Path:
    """A lake of all 15,625 architectures of NAS-Bench-201."""
    batch = SourceRows("nasbench201")
    for number in range(5**6):
        batch.add_architecture("topology", {"cell": cell(number)}, str(number))
    made = batch.arrow("architectures", {"benchmark": "nasbench201", "source_id": "0" * 16})
    Lake(lake, create=True).publish("nasbench201", "ingest-made-up", {"architectures": made.to_pylist()})
    return lake


class Rain:
    """A run that is started again whenever it has ended, however that was."""

    def __init__(self, lake: Path, path: Path, draw: random.Random) -> None:
        self.lake, self.path, self.draw = lake, path, draw
        self.sample = FIRST
        self.told: Counter[str] = Counter()
        self.driver = self._start()

    def _start(self) -> subprocess.Popen[str]:
        arguments = command(self.lake, self.path, "--sample", str(self.sample), "--workers", "2")
        return subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def workers(self) -> list[int]:
        """Process ids of the workers of the driver."""
        done = subprocess.run(
            ["ps", "-ww", "-o", "pid=", "-o", "args=", "--ppid", str(self.driver.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        return [int(line.split()[0]) for line in done.stdout.splitlines() if "spawn_main" in line]

    def kill_a_worker(self) -> None:
        if workers := self.workers():
            self._kill(self.draw.choice(workers))
            self.told["workers killed"] += 1

    def kill_the_driver(self) -> None:
        orphans = self.workers()
        self.driver.kill()
        self.driver.communicate()
        self.told["drivers killed"] += 1
        end = time.monotonic() + PATIENCE
        while any(Path(f"/proc/{pid}").exists() for pid in orphans):
            assert time.monotonic() < end, f"workers outlive their driver: {orphans}"
            time.sleep(0.1)
        self.driver = self._start()

    def tend(self) -> None:
        """Where a run has finished, ask for more."""
        if self.driver.poll() is not None:
            _, error = self.driver.communicate()
            assert self.driver.returncode == 0, error
            self.told["runs finished"] += 1
            self.sample = min(self.sample * 4 // 3, 5**6)
            self.driver = self._start()

    def end(self) -> None:
        """Let the last run finish."""
        _, error = self.driver.communicate(timeout=PATIENCE * 4)
        assert self.driver.returncode == 0, error

    @staticmethod
    def _kill(pid: int) -> None:
        subprocess.run(["kill", f"-{signal.SIGKILL.value}", str(pid)], check=False)  # it may have ended by itself


@pytest.mark.chaos
def test_a_rain_of_kill_9_loses_nothing_and_doubles_nothing(
    space: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    minutes, every = (float(request.config.getoption(f"--chaos-{name}")) for name in ("minutes", "kill-seconds"))
    path, draw = preset(tmp_path), random.Random(0)
    rain = Rain(space, path, draw)
    started = time.monotonic()
    kills = 0
    while time.monotonic() - started < 60 * minutes:
        rain.tend()
        if time.monotonic() - started > every * (kills + 1):
            kills += 1
            if kills % 5:
                rain.kill_a_worker()
            else:
                rain.kill_the_driver()
        time.sleep(0.2)
    rain.end()
    print(f"\n{len(rows(space))} scores in {time.monotonic() - started:.0f} s: {dict(rain.told)}")
    check_whole(space, tmp_path / "some", path, rain.sample)
    assert rain.told["workers killed"] and rain.told["drivers killed"]


def check_whole(lake: Path, other: Path, path: Path, sample: int) -> None:
    """Every row and curve once, nothing failed, nothing left behind, some rows the bits of the inline executor."""
    expected = set(sampled(Lake(lake), "nasbench201", "topology", 0, sample))
    scored = {r["arch_id"]: r for r in rows(lake)}
    assert len(rows(lake)) == len(scored) == sample and set(scored) == expected
    assert Counter(r["status"] for r in scored.values()) == {"ok": sample}
    assert len(rows(lake, "curves")) == len(losses(lake)) == 6 * sample
    assert {name: table.num_rows for name, table in catalog.checks(Lake(lake)) if table.num_rows} == {}
    assert not [p for p in (lake / ".staging").iterdir() if p.is_dir()]
    Lake(other, create=True).publish("nasbench201", "ingest-made-up", {"architectures": rows(lake, "architectures")})
    score.run(other, plan(path), sample=8, executor=executor.Executor("inline"))
    assert {r["arch_id"]: r["value"] for r in rows(other)}.items() <= {a: r["value"] for a, r in scored.items()}.items()
