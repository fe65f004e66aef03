"""Ingest at its worst: killed anywhere, on a full disk, or twice at once, the lake is as before or as after."""

from __future__ import annotations

import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from pipeline.ingest.run import ingest
from pipeline.lake import schema
from pipeline.lake.store import Lake
from tests.fixtures import lake_content, nasbench201_files
from tests.fixtures import mapped_tables as fixtures

COMMAND = """
import resource, sys
from pathlib import Path
from pipeline.errors import UserError
from pipeline.ingest.run import ingest

lake, limit, *paths = sys.argv[1:]
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
print("ready", flush=True)
try:
    for summary in ingest(Path(lake), "nasbench201", [Path(p) for p in paths]):
        print("already" if summary.already else "stored", flush=True)
except UserError as error:
    sys.exit(str(error))
"""
AT_EVERY_STEP = """
import itertools, os, signal, sys
from pathlib import Path
from pipeline.ingest.run import ingest

root, table = sys.argv[1:]
ingest(Path(root) / "first", "nasbench201", [Path(table)])  # what it imports and keeps each child would do again
STEPS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.listdir"}

def dying(lake, after):
    steps = itertools.count()
    def hook(event, arguments):
        if event in STEPS and str(lake) in str(arguments[0]) and next(steps) == after:
            os.kill(os.getpid(), signal.SIGKILL)
    return hook

for number in itertools.count():
    lake = Path(root) / f"lake-{number:03d}"
    child = os.fork()
    if not child:
        sys.addaudithook(dying(lake, number))
        ingest(lake, "nasbench201", [Path(table)])
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
"""
ARCHITECTURES = 400


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cells = nasbench201_files.topologies(ARCHITECTURES)
    header = ["file id", "arch str", "train accuracy", "validation accuracy", "test accuracy"]
    path = tmp_path_factory.mktemp("tables") / "table_cifar10.csv"
    return fixtures.table(path, header, [(i, c, 90 + i / 1e3, 80 - i / 1e3, 70) for i, c in enumerate(cells)])


def start(lake: Path, *paths: Path, limit: int = 0) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", COMMAND, str(lake), str(limit), *map(str, paths)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def parts(lake: Path) -> list[str]:
    return Lake(lake).part_names("nasbench201") if (lake / "lake.json").exists() else []


def whole(lake: Path) -> bool:
    """Whether the lake holds the table once and nothing of it twice."""
    rows = lake_content.rows(lake, "truth")
    keys = Counter(tuple(row[k] for k in schema.TABLES["truth"].key) for row in rows)
    return len(keys) == 3 * ARCHITECTURES == len(rows) and len(lake_content.rows(lake, "sources")) == 1


def test_killed_at_any_time_the_lake_is_as_before_or_as_after(tmp_path: Path, table: Path) -> None:
    process = start(tmp_path / "timed", table)
    begun = time.monotonic()
    process.communicate()
    needed = time.monotonic() - begun
    draw = random.Random(1)
    for number in range(4):
        lake = tmp_path / f"lake-{number}"
        process = start(lake, table)
        time.sleep(draw.uniform(0.2, 0.9) * needed)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        as_before_or_as_after(lake, table)


def test_killed_before_any_touch_of_the_disk_the_lake_is_as_before_or_as_after(tmp_path: Path, table: Path) -> None:
    process = subprocess.run([sys.executable, "-c", AT_EVERY_STEP, str(tmp_path), str(table)], check=False)
    assert process.returncode == 0
    *killed, done = sorted(tmp_path.glob("lake-*"))
    assert whole(done)
    assert len(killed) > 20
    assert len({as_before_or_as_after(lake, table) for lake in killed}) == 2


def as_before_or_as_after(lake: Path, table: Path) -> bool:
    """Whether a killed ingest stored the table; in either case the next one makes the lake whole."""
    stored = bool(parts(lake))
    assert not stored or whole(lake)
    [summary] = ingest(lake, "nasbench201", [table])
    assert summary.already == stored
    assert whole(lake)
    assert not list((lake / ".staging").iterdir()) or stored
    return stored


def test_a_full_disk_is_one_line_and_changes_nothing(tmp_path: Path, table: Path) -> None:
    lake = tmp_path / "lake"
    few = fixtures.table(tmp_path / "table_cifar100.csv", table.read_text().splitlines()[0].split(","),
                         [(0, nasbench201_files.topologies(1)[0], 3, 2, 1.5)])  # fmt: skip
    ingest(lake, "nasbench201", [few])
    before = lake_content.files(lake)
    process = start(lake, table, limit=5_000)
    _, said = process.communicate()
    assert process.returncode == 1
    assert said.startswith("no space left while writing")
    assert said.count("\n") == 1
    assert lake_content.files(lake) == before
    [summary] = ingest(lake, "nasbench201", [table])
    assert not summary.already


def test_two_at_once_store_it_once(tmp_path: Path, table: Path) -> None:
    lake = tmp_path / "lake"
    both = [start(lake, table) for _ in range(2)]
    said = [process.communicate() for process in both]
    assert [p.returncode for p in both] == [0, 0], said
    assert sorted(out for out, _ in said) == ["already\n", "stored\n"]
    assert whole(lake)


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path, table: Path) -> None:
    """The file system refuses a lake below a file, whoever asks; permissions do not bind root."""
    (tmp_path / "file").write_text("x")
    process = start(tmp_path / "file" / "lake", table)
    _, said = process.communicate()
    assert process.returncode == 1
    assert said.startswith("Not a directory")
    assert said.count("\n") == 1


def test_the_limit_of_these_tests_works_here() -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
