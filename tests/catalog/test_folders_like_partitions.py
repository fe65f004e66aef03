"""A lake below folders called `seed=7` and the like, which DuckDB would take for partitions: the same answers."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline import catalog
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.catalog import stored_results
from pipeline.export import tables
from pipeline.lake.schema import TABLES
from pipeline.lake.store import Lake
from pipeline.report import kept
from tests.fixtures import lakes
from tests.fixtures.command import exit_code
from tests.fixtures.lake_content import files, rows
from tests.fixtures.tiny_scoring import cell

LIKE_PARTITIONS = Path("seed=7", "value=1", "benchmark=foo", "space=zzz", "arch_id=1", "rho=0", "metric=x")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Lake:
    return lakes.made_up(tmp_path / "plain" / "lake")


@pytest.fixture
def lake(elsewhere: Lake, tmp_path: Path) -> Lake:
    return Lake(shutil.copytree(elsewhere.root, tmp_path / LIKE_PARTITIONS / "lake"))


def answers(lake: Lake) -> dict[str, list[str]]:
    every = [f"FROM {view}" for view in stored_results.stored_views()]
    with closing(catalog.snapshot(lake, stored_for=every)) as connection:
        names = {row["name"] for row in catalog.rows(connection, "SHOW TABLES").to_pylist()} - {"about"}
        return {name: sorted(map(str, catalog.rows(connection, f"FROM {name}").to_pylist())) for name in names}


def test_every_table_and_view_has_the_same_rows_computed_and_stored(lake: Lake, elsewhere: Lake) -> None:
    expected = answers(elsewhere)
    assert answers(lake) == expected
    assert list((lake.root / stored_results.FOLDER).rglob("*.parquet"))
    assert answers(lake) == expected


def test_a_report_has_the_same_content(lake: Lake, elsewhere: Lake) -> None:
    expected, *reports = [vars(kept.of_lake(place, lambda _: None)) for place in (elsewhere, lake, lake)]
    assert reports == [expected, expected]


def test_what_is_exported_is_the_same(lake: Lake, elsewhere: Lake, tmp_path: Path) -> None:
    for name, place in (("here", lake), ("there", elsewhere)):
        tables.export(place, tmp_path / name)
        catalog.export(place, tmp_path / f"{name}.duckdb")
    assert files(tmp_path / "here") == files(tmp_path / "there")
    assert exported(tmp_path / "here.duckdb") == exported(tmp_path / "there.duckdb")


def exported(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of the tables of an exported database."""
    with closing(duckdb.connect(file, read_only=True)) as connection:
        return {name: connection.execute(f"FROM {name}").fetchall() for name in TABLES}


def test_status_and_doctor_say_the_same(lake: Lake, elsewhere: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("status", "doctor"):
        said = []
        for place in (elsewhere, lake):
            assert exit_code(verb, "--lake", place.root) == 0
            said.append(capsys.readouterr().out.replace(str(place.root), "LAKE"))
        assert said[0] == said[1]


def test_scores_are_computed_once_and_merged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake, other = tmp_path / LIKE_PARTITIONS / "lake", tmp_path / "other"
    batch = SourceRows("nasbench201")
    for number in range(3):
        batch.add_architecture("topology", {"cell": cell(number * 389)}, str(number))
    listed = batch.arrow("architectures", {"benchmark": "nasbench201", "source_id": "0" * 16}).to_pylist()
    for root in (lake, other):
        root.parent.mkdir(parents=True, exist_ok=True)
        Lake(root, create=True).publish("nasbench201", "ingest-made-up", {"architectures": listed})
    for _ in range(2):
        assert exit_code("score", "nasbench201", "--lake", lake, "--proxy", "params", "--workers", 1) == 0
    assert len(rows(lake)) == 3
    assert exit_code("merge", lake, "--lake", other) == 0
    assert sorted(map(str, rows(other))) == sorted(map(str, rows(lake)))
