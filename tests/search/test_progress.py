"""How far searches come with each step, and what the report says of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline import catalog
from pipeline.lake import checksums
from pipeline.lake.store import Lake
from pipeline.report import page as report
from tests.fixtures import lakes


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The usual lake, whose search ends with an architecture that has no true value."""
    root = tmp_path_factory.mktemp("made-up") / "lake"
    lakes.made_up(root)
    drawn = lakes.architecture(77, source_id=f"search:{lakes.SEARCH}")
    return lakes.publish(root, "search", trajectories=[lakes.step(1, 3, 77, 1.0)], architectures=[drawn])


def test_progress_follows_the_best_score_and_regret_the_better_side(made_up: Lake) -> None:
    progress = "SELECT seed, step, arch_id FROM search_progress WHERE metric = 'test_accuracy' ORDER BY seed, step"
    found = [(r["seed"], r["step"], int(r["arch_id"], 16)) for r in catalog.run_sql(made_up, progress).to_pylist()]
    assert found == [
        (0, 1, 5),
        (0, 2, 7),
        (0, 3, 7),
        (0, 4, 7),
        (1, 1, 9),
        (1, 2, 9),
        (1, 3, 77),
    ]  # lower is better here
    for metric, choose in (("test_accuracy", max), ("test_loss", min)):
        truth = catalog.run_sql(made_up, "SELECT arch_id, value FROM ground_truth WHERE metric = $m", {"m": metric})
        values = {r["arch_id"]: r["value"] for r in truth.to_pylist()}
        rows_ = catalog.run_sql(
            made_up, "FROM search_progress WHERE metric = $m AND step = 2", {"m": metric}
        ).to_pylist()
        assert rows_
        for row in rows_:
            assert row["best_of_space"] == choose(values.values()) and row["truth"] == values[row["arch_id"]]
            assert row["regret"] == pytest.approx(abs(row["truth"] - row["best_of_space"])) and row["regret"] >= 0
    results = catalog.run_sql(made_up, "FROM search_results WHERE metric = 'test_loss' ORDER BY step").to_pylist()
    assert [(r["step"], r["seeds"], r["known"], r["seconds"]) for r in results] == [
        (1, 2, 2, 2),
        (2, 2, 2, 4),
        (3, 2, 1, 6),
    ]


def test_the_report_tells_what_searches_found(made_up: Lake, tmp_path: Path) -> None:
    written = report.write(made_up.root, tmp_path / "out", with_figures=[])
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    [found] = content["spaces"][0]["searches"]
    assert (found["label"], found["method"], found["seeds"], found["step"]) == (
        "regression-toy",
        "evolution",
        2,
        3,
    )
    assert (tmp_path / "out" / "figures" / "searches-madeup-toys.svg").is_file()
    assert "What a search finds" in written.index.read_text()
    assert "What a search finds" in (tmp_path / "out" / "report.md").read_text()


def test_a_lake_that_is_older_than_a_table_is_brought_up_to_date(tmp_path: Path) -> None:
    lake = lakes.empty(tmp_path / "lake")
    for table_ in ("adopted", "searches", "trajectories"):
        for file in lake.parts.glob(f"_schema/*/{table_}.parquet"):
            file.unlink()
    checksums.renew_list(lake.root)  # an older lake lists what it has
    catalog.refresh(Lake(tmp_path / "lake"))
    assert catalog.run_sql(Lake(tmp_path / "lake"), "FROM trajectories").num_rows == 0
