"""Ingest: what good files bring, and that a second time changes nothing."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline import catalog, provenance
from pipeline.benchmarks.contract import arch_id_of
from pipeline.errors import UserError
from pipeline.ingest import run
from pipeline.ingest.run import ingest
from pipeline.lake import locations
from pipeline.lake.store import Lake
from tests.fixtures import analog_package, lake_content, nasbench201_files
from tests.fixtures import mapped_tables as fixtures
from tests.fixtures.lines import refused

CELLS = nasbench201_files.topologies(5)


def test_a_table_fills_the_lake_with_all_that_it_takes(lake: Path, tmp_path: Path) -> None:
    path = fixtures.nasgraph(tmp_path / "table_cifar10.csv")
    [summary] = ingest(lake, "nasbench201", [path])
    assert (summary.source, summary.architectures, summary.values, summary.rejected) == ("nasgraph-cifar10", 5, 15, 0)
    assert summary.line.startswith("nasgraph-cifar10: 5 architectures, 15 values, 0 rejected, ")
    [source] = lake_content.rows(lake, "sources")
    assert source["file_name"] == f"{tmp_path.name}/table_cifar10.csv"
    assert (source["sha256"], source["bytes"]) == provenance.file_sha256(path)
    assert (source["rows"], source["rejected"], source["licence"]) == (15, 0, "Apache-2.0")
    [run] = lake_content.rows(lake, "runs")
    assert (run["run_id"], run["stage"], run["status"]) == (source["run_id"], "ingest", "finished")
    architectures = {r["native_id"]: r for r in lake_content.rows(lake, "architectures")}
    assert architectures["3"]["spec"] == json.dumps({"cell": CELLS[3]}, separators=(",", ":"))
    truth = lake_content.rows(lake, "truth")
    value = {(r["arch_id"], r["metric"]): r["value"] for r in truth}
    assert value[arch_id_of("nasbench201", "topology", {"cell": CELLS[3]}), "test_accuracy"] == 73.0
    assert {(r["dataset"], r["epochs"], r["seed"], r["status"]) for r in truth} == {("cifar10-valid", 200, None, "ok")}
    declared = {(r["dataset"], r["metric"]): r["priority"] for r in lake_content.rows(lake, "metrics")}
    assert declared == {
        ("cifar10-valid", f"{s}_accuracy"): p for s, p in (("train", None), ("validation", 2), ("test", None))
    }


def test_a_second_time_says_so_and_changes_nothing(filled: Path, tmp_path: Path) -> None:
    before = lake_content.files(filled)
    [summary] = ingest(filled, "nasbench201", [tmp_path / "table_cifar10.csv"])
    assert summary.already
    assert "already ingested, nothing changed" in summary.line
    assert lake_content.files(filled) == before


def test_what_takes_long_to_hash_shows_how_far_it_is(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = fixtures.nasgraph(tmp_path / "table_cifar10.csv")
    ingest(lake, "nasbench201", [path])
    assert "hashing" not in capsys.readouterr().err
    monkeypatch.setattr(locations, "MOST_HASHED", 1)
    ingest(lake, "nasbench201", [path])
    assert capsys.readouterr().err.startswith(f"hashing {path}: 0.0 MB of 0.0 MB, ")


@pytest.mark.parametrize("there", [True, False])
def test_a_lake_that_cannot_be_written_is_refused_before_anything_is_read(
    there: bool, filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = fixtures.nasgraph(tmp_path / "table_cifar10.csv", 4)
    lake = filled if there else tmp_path / "new" / "lake"
    unwritable = filled if there else tmp_path
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != unwritable)  # root may write anywhere
    monkeypatch.setattr(run, "_read_all", None)
    with refused(f"no permission for writing the lake {lake}: make {unwritable} writable"):
        ingest(lake, "nasbench201", [table])
    if there:  # what is stored already is known without writing
        fixtures.nasgraph(tmp_path / "table_cifar10.csv")
        assert ingest(lake, "nasbench201", [table])[0].already


def test_another_content_is_another_source(filled: Path, tmp_path: Path) -> None:
    [summary] = ingest(filled, "nasbench201", [fixtures.nasgraph(tmp_path / "table_cifar10.csv", 4)])
    assert not summary.already
    assert len(lake_content.rows(filled, "sources")) == 2
    assert len(lake_content.rows(filled, "architectures")) == 5


@pytest.mark.parametrize("backwards", [False, True])
def test_of_a_table_and_its_correction_the_later_is_the_truth_and_is_told(
    lake: Path, tmp_path: Path, mine: str, backwards: bool
) -> None:
    path = fixtures.accuracies(tmp_path / "tab.csv")
    first = path.read_text()
    header, *lines = first.splitlines()
    corrected = "\n".join([header, *(f"{line.rpartition(',')[0]},77.5" for line in lines[:2]), *lines[2:]]) + "\n"
    texts = [corrected, first] if backwards else [first, corrected]
    warnings = []
    for text in texts:
        path.write_text(text)
        [summary] = ingest(lake, "nasbench201", [path], mapping=mine)
        warnings.append([line for line in summary.warnings if "differ" in line])
    name = f"{tmp_path.name}/tab.csv"
    says = f"{name}: 2 values differ from those of {name}, ingested before: the report takes the later"
    assert warnings == [[], [f"{says} ones; a new lake forgets the earlier"]]
    values = catalog.run_sql(Lake(lake), "SELECT value FROM ground_truth").to_pylist()
    assert sum(row["value"] == 77.5 for row in values) == (0 if backwards else 2)


def test_a_correction_that_lacks_architectures_is_not_the_truth_and_says_so(
    lake: Path, tmp_path: Path, mine: str
) -> None:
    path = fixtures.accuracies(tmp_path / "tab.csv")
    ingest(lake, "nasbench201", [path], mapping=mine)
    header, line, *_ = path.read_text().splitlines()
    path.write_text(f"{header}\n{line.rpartition(',')[0]},77.5\n")
    [summary] = ingest(lake, "nasbench201", [path], mapping=mine)
    [line] = summary.warnings
    assert "1 value differs from those of" in line and "the report takes 0 of the later ones" in line


def test_released_scores_land_under_their_source(filled: Path, tmp_path: Path) -> None:
    ingest(filled, "nasbench201", [fixtures.freerea(tmp_path / "nats_cifar10", [1.5, "inf", 2.5, 0, 4])])
    [proxy] = lake_content.rows(filled, "proxies")
    assert (proxy["name"], proxy["higher_is_better"]) == ("synflow@freerea-cifar10", True)
    assert proxy["proxy_id"] == provenance.identity("proxy", 1, json.loads(proxy["configuration"]))
    scores = lake_content.rows(filled, "scores")
    assert sorted(r["value"] for r in scores if r["status"] == "ok") == [0, 1.5, 2.5, 4]
    assert [r["reason"] for r in scores if r["status"] == "failed"] == ["the source says inf"]
    assert {(r["seconds"], r["seed"], r["device"], r["proxy_id"]) for r in scores} == {
        (0.5, None, None, proxy["proxy_id"])
    }


def test_another_edition_of_released_scores_may_add_but_not_contradict(filled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "nats_cifar10"
    ingest(filled, "nasbench201", [fixtures.freerea(folder, [1, 2, 3])])
    ingest(filled, "nasbench201", [fixtures.freerea(folder, [1, 2, 3, 4])])
    rounded_otherwise = [1 + 2.3e-16, 2 + 4.5e-16]
    ingest(filled, "nasbench201", [fixtures.freerea(folder, rounded_otherwise)])
    assert sorted(r["value"] for r in lake_content.rows(filled, "scores")) == [1, 2, 3, 4]
    before = lake_content.files(filled)
    with pytest.raises(UserError, match=r"another value of a released score, 2\.0, where this file has 9\.0"):
        ingest(filled, "nasbench201", [fixtures.freerea(folder, [1, 9])])
    assert lake_content.files(filled) == before


def test_tables_by_number_wait_for_those_that_bring_the_numbers(lake: Path, tmp_path: Path) -> None:
    scores = fixtures.freerea(tmp_path / "nats_cifar10", [1, 2])
    with pytest.raises(
        UserError,
        match=r"by number, the lake knows none: ingest first nasgraph-cifar10, or .*, or the published form",
    ):
        ingest(lake, "nasbench201", [scores])
    assert not lake.exists()
    found = ingest(lake, "nasbench201", [scores, fixtures.nasgraph(tmp_path / "table_cifar10.csv")])
    assert [s.source for s in found] == ["nasgraph-cifar10", "freerea-cifar10-synflow"]


def test_only_what_the_lake_lacks_of_an_architecture_is_written(lake: Path, tmp_path: Path, mine: str) -> None:
    ingest(lake, "nasbench201", [fixtures.accuracies(tmp_path / "t.csv")], mapping=mine)
    assert Counter(r["native_id"] for r in lake_content.rows(lake, "architectures")) == {None: 5}
    ingest(lake, "nasbench201", [fixtures.nasgraph(tmp_path / "table_cifar10.csv")])
    assert Counter(r["native_id"] is None for r in lake_content.rows(lake, "architectures")) == {True: 5, False: 5}
    ingest(lake, "nasbench201", [fixtures.nasgraph(tmp_path / "table_cifar100.csv")])
    assert len(lake_content.rows(lake, "architectures")) == 10


def test_an_installed_package_is_found_and_not_imported(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = analog_package.install(tmp_path / "site", monkeypatch)
    [summary] = ingest(lake, "nasbench201", [], mapping="analog-nasbench")
    assert (summary.file, summary.architectures, summary.values) == (str(path), 4, 84)
    content: Any = lake_content.rows(lake, "truth")
    assert {r["metric"] for r in content if r["epochs"] is None} >= {"baseline_accuracy", "analog_drift_60_uncertainty"}


def test_a_folder_gives_all_that_is_known_in_it(lake: Path, tmp_path: Path) -> None:
    folder = tmp_path / "all"
    fixtures.freerea(folder / "nats_cifar10", [1, 2])
    fixtures.accuracies(folder / "t.csv")
    fixtures.nasgraph(folder / "table_cifar10.csv")
    assert [s.source for s in ingest(lake, "nasbench201", [folder])] == ["nasgraph-cifar10", "freerea-cifar10-synflow"]
    nasbench201_files.nats_folder(folder / "NATS", CELLS, {"12": [777]})
    found = ingest(lake, "nasbench201", [folder], curves=True)
    assert [(s.source, s.already) for s in found] == [
        ("native", False),
        ("nasgraph-cifar10", True),
        ("freerea-cifar10-synflow", True),
    ]


@pytest.mark.parametrize("cell", [CELLS[0], CELLS[1]])
def test_a_released_score_has_one_direction(lake: Path, tmp_path: Path, cell: str) -> None:
    """Also where the file brings nothing that the lake lacks: a direction that was corrected has no effect."""
    score = '[[score]]\ncolumn = "loss"\nproxy = "loss"\nhigher_is_better = {}\n'
    for name, direction, arch in (("one", "true", CELLS[0]), ("two", "false", cell)):
        table = fixtures.table(tmp_path / f"{name}.csv", ["arch", "loss"], [(arch, 1.5)])
        text = fixtures.MAPPING.replace('"mine"', f'"{name}"\nsource = "rel"')
        file = fixtures.mapping(tmp_path / f"{name}.toml", score.format(direction), text=text)
        if name == "one":
            ingest(lake, "nasbench201", [table], mapping=str(file))
    before = lake_content.files(lake)
    said = "two.csv: the mapping declares loss@rel with higher_is_better = False, and the lake has it with True"
    with pytest.raises(UserError, match=said):
        ingest(lake, "nasbench201", [table], mapping=str(file))
    assert lake_content.files(lake) == before
    again = fixtures.mapping(tmp_path / "three.toml", score.format("true"), text=text.replace('"two"', '"three"'))
    assert not ingest(lake, "nasbench201", [table], mapping=str(again))[0].already
