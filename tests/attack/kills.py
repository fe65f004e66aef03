"""`kill -9` at random moments of every verb: what was stored is there, nothing is there twice, and nothing is left.

A child of this process, which has imported everything, runs the verb and is killed with its workers; then the same
command runs to its end, and the lake is compared with one that was never disturbed.

    python -m tests.attack.kills [VERB ...]      one kill of each verb; of all of them sixty
"""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline import text_table
from pipeline.cli import application as cli
from pipeline.lake.schema import TABLES
from pipeline.lake.store import Lake
from tests.attack import harness
from tests.fixtures import lakes, mapped_tables, nasbench201_files

STAGE = '[[stages]]\nchannels = 4\n[[stages.signals]]\nkind = "dot"\npartial = 0.5\n'
TINY = f'name = "tiny"\niterations = 2\nevaluate_every = 1\n{STAGE * 3}'
CACHES = ("bench.duckdb", "derived", "keys", ".lock-*", "rules", "locations")
COMPARED = ("architectures", "truth", "rejects", "scores", "retried", "curves", "trajectories", "tuning_draws")
WITHIN = 120.0  # seconds for the orphans of a killed verb to end


@dataclass(frozen=True)
class Verb:
    """A command that is killed.

    Attributes:
        command: its words, run in a folder with `table.csv`, `mine.toml`, `tiny.toml` and the lake `other`.
        lake: the lake that it begins with.
        writes: what it may leave in that folder when it has run to its end.
    """

    command: str
    lake: Callable[[Path], object]
    writes: tuple[str, ...] = ()


VERBS = {
    "ingest": Verb("ingest nasbench201 table.csv --mapping mine.toml", lakes.empty),
    "score": Verb("score nasbench201 --proxy tiny.toml --sample 6 --workers 2", harness.cells),
    "score, zero-cost": Verb("score nasbench201 --proxy zero-cost --sample 3 --executor inline", harness.cells),
    "score, retried": Verb("score nasbench201 --proxy params --retry-failed --executor inline", harness.failed_cells),
    "search": Verb("search nasbench201 --proxy params --budget 60 --executor inline --out best.txt --force",
                   harness.cells, ("best.txt",)),
    "merge": Verb("merge other", lakes.empty),
    "tune": Verb("tune evaluate nasbench201 --labels 8 --draws 2", harness.labelled_cells),
    "report": Verb("report --out report", lakes.made_up, ("report",)),
    "query": Verb("query 'FROM correlations' --format csv --out rows.csv --force", lakes.made_up, ("rows.csv",)),
    "export": Verb("export all.duckdb", lakes.made_up, ("all.duckdb",)),
}  # fmt: skip


@dataclass
class Tally:
    """What kills of a verb came to: rows lost and doubled, what was left over when it had been run again."""

    kills: int = 0
    during: int = 0
    lost: int = 0
    doubled: int = 0
    orphans: int = 0
    unfinished: int = 0
    leftovers: Counter[str] = field(default_factory=Counter)

    @property
    def row(self) -> list[str]:
        """The cells of its line."""
        numbers = (self.kills, self.during, self.lost, self.doubled, self.orphans, self.unfinished)
        return [*map(str, numbers), ", ".join(sorted(self.leftovers)) or "none"]

    @property
    def whole(self) -> bool:
        """Whether nothing was lost, doubled or left."""
        return not (self.lost or self.doubled or self.orphans or self.unfinished or self.leftovers)


HEADER = ["verb", "kills", "while it ran", "rows lost", "doubled", "orphans", "not finished again", "left over"]


def kill(verb: Verb, folder: Path, draw: random.Random, kills: int) -> Tally:
    """Kill a verb so many times, each in a new copy of its lake.

    Args:
        verb: the verb.
        folder: a new one.
        draw: of the moments.
        kills: how many.
    """
    begin = _begin(verb, folder / "begin")
    whole = _copy(begin, folder / "whole")
    needed = _timed(verb, whole)
    expected, tally = _rows(whole), Tally()
    for number in range(kills):
        place = _copy(begin, folder / f"kill-{number:02d}")
        before = _rows(place)
        child = _start(verb, place)
        time.sleep(draw.uniform(0, 1) * needed)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)  # its workers see for themselves that it is gone
        _, status = os.waitpid(child, 0)
        tally.kills += 1
        tally.during += os.WIFSIGNALED(status)
        tally.orphans += not _gone(child)
        after = _rows(place)
        tally.lost += sum((before - after).values())
        child = _start(verb, place)
        _, status = os.waitpid(child, 0)
        tally.unfinished += os.waitstatus_to_exitcode(status) != 0
        end = _rows(place)
        tally.lost += sum((expected - end).values()) + sum((after - end).values())
        tally.doubled += sum((end - expected).values())
        tally.leftovers.update(_names(verb, place) - _names(verb, whole))
        shutil.rmtree(place)
    return tally


def _begin(verb: Verb, place: Path) -> Path:
    place.mkdir(parents=True)
    (place / "tmp").mkdir()
    verb.lake(place / "lake")
    (place / "tiny.toml").write_text(TINY)
    mapped_tables.mapping(place / "mine.toml", mapped_tables.ACCURACY)
    cells = nasbench201_files.topologies(300)
    mapped_tables.table(place / "table.csv", ["arch", "acc"], [(cell, 60 + i / 10) for i, cell in enumerate(cells)])
    lakes.made_up(place / "other")
    return place


def _copy(begin: Path, place: Path) -> Path:
    shutil.copytree(begin, place)
    return place


def _timed(verb: Verb, place: Path) -> float:
    started = time.monotonic()
    _, status = os.waitpid(_start(verb, place), 0)
    assert os.waitstatus_to_exitcode(status) == 0, f"{verb.command} fails without being killed: see {place}"
    return time.monotonic() - started


def _start(verb: Verb, place: Path) -> int:
    """A child that runs the verb in a process group of its own; its process id."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.setsid()
        os.chdir(place)
        os.environ.update(PIPELINE_LAKE=str(place / "lake"), TMPDIR=str(place / "tmp"))
        tempfile.tempdir = str(place / "tmp")
        said = os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(said, 1)
        os.dup2(said, 2)
        cli.main(shlex.split(verb.command))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    finally:
        os._exit(code)


def _gone(group: int) -> bool:
    """Whether the processes of a group end by themselves; else they are killed."""
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    os.killpg(group, signal.SIGKILL)
    return False


def _rows(place: Path) -> Counter[Any]:
    """How often the lake holds each key of the tables that a verb adds to."""
    lake = Lake(place / "lake")
    rows: Counter[Any] = Counter()
    for benchmark in sorted(folder.name for folder in lake.parts.iterdir() if not folder.name.startswith("_")):
        for table in COMPARED:
            key = TABLES[table].key
            rows.update(
                (table, *map(str, row.values())) for row in lake.read(table, benchmark, columns=key).to_pylist()
            )
    return rows


def _names(verb: Verb, place: Path) -> set[str]:
    """What lies in the folders, but for the parts themselves and what is a cache."""
    lake = place / "lake"
    names = {path.name for path in place.iterdir() if path.name not in verb.writes}
    names |= {f"lake/{path.name}" for path in lake.iterdir() if not any(path.match(cache) for cache in CACHES)}
    names |= {f"tmp/{path.name}" for path in (place / "tmp").iterdir()}
    names |= {f"lake/.staging/{path.name}" for path in lake.glob(".staging/*")}
    names |= {f"lake/derived/*/{path.name}" for path in lake.glob("derived/*/.*")}
    for written in verb.writes:
        names |= {f"{written}/{path.relative_to(place / written)}" for path in (place / written).rglob("*")}
    return names


KILLS = {"ingest": 8, "score": 4, "score, zero-cost": 6, "score, retried": 6, "search": 6, "merge": 6, "tune": 6,
         "report": 6, "query": 6, "export": 6}  # fmt: skip


def campaign(kills: dict[str, int], seed: int) -> bool:
    """Kill verbs, print the table of what that came to, and say whether nothing was lost, doubled or left."""
    importlib.import_module("torch")  # once, so that a kill meets the work and not the start
    for module in ("api", "report.page", "catalog.query", "scoring.run", "scoring.merge", "search.run", "ingest.run"):
        importlib.import_module(f"pipeline.{module}")
    draw, rows, whole = random.Random(seed), [HEADER], True
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, count) in enumerate(kills.items()):
            tally = kill(VERBS[name], Path(folder, str(number)), draw, count)
            rows.append([name, *tally.row])
            whole &= tally.whole
    print("\n".join(text_table.aligned(rows, [False, *[True] * 6, False])))
    return whole


if __name__ == "__main__":
    sys.exit(not campaign(dict.fromkeys(sys.argv[1:], 1) or KILLS, 0))
