"""Parts of a lake that are missing, damaged, of another table, or that nobody may read, asked through every verb."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import api
from pipeline.lake.schema import TABLES
from pipeline.lake.store import Lake
from tests.attack.case import Case, Place
from tests.fixtures import lakes

SCORES = "parts/madeup/scores-0/scores.parquet"
TRUTH = "parts/madeup/ingest/truth.parquet"
PROXIES = "parts/madeup/scores-0/proxies.parquet"


def without(name: str) -> Callable[[Path], object]:
    """Take a part or a file out of the lake."""
    return lambda lake: shutil.move(lake / name, lake.parent / "gone")


def cut(name: str) -> Callable[[Path], object]:
    """Cut a file in half, as a full disk does."""
    return lambda lake: os.truncate(lake / name, (lake / name).stat().st_size // 2)


def spoiled_footer(name: str) -> Callable[[Path], object]:
    """Change the description of a file at its end, of which nothing can be decoded then."""

    def damage(lake: Path) -> None:
        content = bytearray((lake / name).read_bytes())
        length = int.from_bytes(content[-8:-4], "little")
        content[-8 - length : -8] = b"\xff" * length
        (lake / name).write_bytes(content)

    return damage


def other(name: str, **columns: list[str]) -> Callable[[Path], object]:
    """Put a table with other columns in place of a file."""
    return lambda lake: pq.write_table(pa.table(columns or {"a": ["1"]}), lake / name)


def part_nobody_may_read(lake: Path) -> None:
    """A link that leads nowhere stands for a folder without permission, which does not bind root."""
    (lake / "parts/madeup/scores-0").rename(lake.parent / "gone")
    (lake / "parts/madeup/scores-0").symlink_to(lake / "parts/madeup/scores-0")


def second_lake_lacks_a_part(lake: Path) -> None:
    """Beside the lake, a copy without a part."""
    shutil.copytree(lake, lake.parent / "second")
    without("parts/madeup/scores-0")(lake.parent / "second")


def first_lake_lacks_a_part(lake: Path) -> None:
    """Beside the lake a whole copy."""
    shutil.copytree(lake, lake.parent / "second")
    without("parts/madeup/scores-0")(lake)


def lacking_a_column(lake: Path) -> None:
    """Scores without their values."""
    pq.write_table(pq.read_table(lake / SCORES).drop_columns(["value"]), lake / SCORES)


def linked_part(lake: Path) -> None:
    """A link stands for a part that lies outside of the lake."""
    without("parts/madeup/scores-0")(lake)
    (lake / "parts/madeup/scores-0").symlink_to(lake.parent / "gone")


def described_otherwise(lake: Path) -> None:
    """Beside the lake another, in which the same identity is that of another proxy."""
    lakes.publish(
        lake.parent / "second",
        f"score-{lakes.OURS}-{'1' * 16}-00001",
        proxies=[lakes.proxy(lakes.OURS, "another")],
        scores=[lakes.score(0, lakes.OURS, 1.0, seed=77)],
        runs=[lakes.run()],
    )


def written_after_a_move(place: Place) -> None:
    """Publish a part in a lake that somebody has moved since it was opened; it is put back where no folder is made."""
    lake = Lake(place.lake)
    place.lake.rename(place.root / "moved")
    try:
        lake.publish(lakes.BENCHMARK, "scores-9", {"scores": [lakes.score(0, lakes.OURS, 1.0, seed=9)]})
    finally:
        (place.root / "moved").rename(place.lake)


def read(place: Place) -> object:
    """Every table of the made-up benchmark, as a run of the pipeline reads it."""
    return [Lake(place.lake).read(table, lakes.BENCHMARK) for table in ("truth", "scores", "proxies")]


READING = (
    ("query", "query 'SELECT count(*) FROM correlations'"),
    ("report", "report --out page"),
    ("export", "export copy.duckdb"),
)
VERBS = (
    *READING,
    ("score", "score nasbench201 --proxy params --sample 2 --workers 1"),
    ("search", "search nasbench201 --proxy params --stored"),
    ("tune", "tune nasbench201 --labels 5"),
    ("transfer", "tune transfer nasbench201 --labels 5"),
    ("aggregate", "score nasbench201 --proxy aggregate-az-nas"),
    ("search of its own", "search nasbench201 --proxy params --budget 3 --population 2 --tournament 1"),
)

CASES = [
    *(Case(f"a missing part: {verb}", command, damage=without("parts/madeup/scores-0"), says=("scores-0 is missing",),
           stores=True) for verb, command in VERBS),
    *(Case(f"a part without one of its files: {verb}", command, damage=without(TRUTH), stores=True,
           says=("truth.parquet is missing",)) for verb, command in READING),
    Case("a lake to merge that lacks a part", "merge ../second", damage=second_lake_lacks_a_part, stores=True,
         says=("second/parts/madeup/scores-0 is missing",)),
    Case("a lake to merge into that lacks a part", "merge ../second", damage=first_lake_lacks_a_part, stores=True,
         says=("lake/parts/madeup/scores-0 is missing",)),
    *(Case(f"a part cut in half: {verb}", command, damage=cut(TRUTH), says=("truth.parquet cannot be read",),
           stores=True) for verb, command in READING),
    *(Case(f"a part with a spoiled footer: {verb}", command, damage=spoiled_footer(name), says=(f"{name} cannot be",),
           stores=True) for verb, command in READING[:2] for name in ("parts/madeup/ingest/metrics.parquet",)),
    Case("scores with a spoiled footer", "query 'FROM scores'", damage=spoiled_footer(SCORES), stores=True,
         says=("scores.parquet cannot be read",)),
    Case("the first part of all with a spoiled footer", "query 'FROM scores'", stores=True,
         damage=spoiled_footer("parts/_schema/0/runs.parquet"), says=("_schema/0/runs.parquet cannot be read",)),
    *(Case(f"a part of another table: {verb}", command, damage=other(SCORES), says=("scores.parquet cannot be read",),
           stores=True) for verb, command in READING),
    *(Case(f"a part that nobody may read: {verb}", command, damage=part_nobody_may_read, says=("scores-0",),
           stores=True) for verb, command in READING),
    Case("proxies of another table, read by name", "query 'FROM proxies'", damage=other(PROXIES), stores=True,
         says=("proxies.parquet cannot be read", "column a")),
    Case("truth with words as values", "query 'SELECT avg(value) FROM truth'", stores=True,
         damage=other(TRUTH, **{column.name: ["x"] for column in TABLES["truth"].columns}),
         says=("truth.parquet cannot be read",)),
    Case("the first part of all, which gives types", "query 'FROM truth'", stores=True,
         damage=other("parts/_schema/0/truth.parquet"), says=("_schema/0/truth.parquet cannot be read",)),
    Case("a missing part, from Python", call=lambda place: api.query("FROM truth", lake=place.lake), stores=True,
         damage=without("parts/madeup/ingest"), says=("ingest is missing",)),
    Case("a part cut in half, as a run reads it", call=read, damage=cut(TRUTH), stores=True,
         says=("truth.parquet cannot be read",)),
    Case("a part of another table, as a run reads it", call=read, damage=other(SCORES), stores=True,
         says=("scores.parquet cannot be read", "column a")),
    Case("a part without a column, exported", "export --parquet out", damage=lacking_a_column, stores=True,
         says=("scores.parquet cannot be read (it lacks the column value)",)),
    Case("a file among the parts", "query 'SELECT count(*) AS n FROM correlations'", exit=0, says=("n",), stores=True,
         damage=lambda lake: (lake / "parts/madeup/.DS_Store").write_bytes(b"x")),
    Case("a part that is a symbolic link", "query 'FROM correlations'", damage=linked_part, stores=True,
         says=("a symbolic link stands for it or its folder",)),
    Case("a lake to merge that describes a proxy otherwise", "merge ../second", damage=described_otherwise,
         stores=True, says=("is described in another way here", "nothing was taken")),
    Case("a lake that is moved while it is written", call=written_after_a_move, stores=True,
         damage=lambda lake: None, says=("lake is not there any more",)),
    Case("a list of parts that is no text", "query 'SELECT count(*) AS n FROM truth'", stores=True, exit=0, says=("n",),
         damage=lambda lake: (lake / "SHA256SUMS").write_bytes(bytes(range(256)))),
]  # fmt: skip
