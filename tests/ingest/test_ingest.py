"""Ingest: what good files bring, that a second time changes nothing, and that a bad input leaves no trace."""

from __future__ import annotations

import json
import pickle
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline import benchmarks, provenance
from pipeline.benchmarks.contract import arch_id_of
from pipeline.cli import application as cli
from pipeline.errors import UserError
from pipeline.ingest import mapping as table_mapping
from pipeline.ingest.run import ingest, list_mappings
from pipeline.lake import checksums, schema
from tests.fixtures import analog_package, lake_content, nasbench201_files
from tests.fixtures import mapped_tables as fixtures

CELLS = nasbench201_files.topologies(5)
HEADER = ["file id", "arch str", "train accuracy", "validation accuracy", "test accuracy"]
LENGTHS = {"12": [111, 777], "60": [777]}


def graph_table(path: Path, count: int = 5) -> Path:
    """A table that the table mapping nasgraph-cifar10 is taken for."""
    return fixtures.table(path, HEADER, [(i, c, 90 + i, 80 + i, 70 + i) for i, c in enumerate(CELLS[:count])])


def scores_table(folder: Path, values: list[object]) -> Path:
    """A table that the table mapping freerea-cifar10-synflow is taken for."""
    folder.mkdir(parents=True, exist_ok=True)
    return fixtures.table(
        folder / "synflow.csv", ["index", "synflow", "time=[s]"], [(i, v, 0.5) for i, v in enumerate(values)]
    )


@pytest.fixture
def mine(tmp_path: Path) -> str:
    return str(fixtures.mapping(tmp_path / "mine.toml", fixtures.ACCURACY))


@pytest.fixture
def filled(lake: Path, tmp_path: Path) -> Path:
    """A lake that knows the architectures by number."""
    ingest(lake, "nasbench201", [graph_table(tmp_path / "table_cifar10.csv")])
    return lake


def test_a_table_fills_the_lake_with_all_that_it_takes(lake: Path, tmp_path: Path) -> None:
    path = graph_table(tmp_path / "table_cifar10.csv")
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


def test_another_content_is_another_source(filled: Path, tmp_path: Path) -> None:
    [summary] = ingest(filled, "nasbench201", [graph_table(tmp_path / "table_cifar10.csv", 4)])
    assert not summary.already
    assert len(lake_content.rows(filled, "sources")) == 2
    assert len(lake_content.rows(filled, "architectures")) == 5


def test_released_scores_land_under_their_source(filled: Path, tmp_path: Path) -> None:
    ingest(filled, "nasbench201", [scores_table(tmp_path / "nats_cifar10", [1.5, "inf", 2.5, 0, 4])])
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
    ingest(filled, "nasbench201", [scores_table(folder, [1, 2, 3])])
    ingest(filled, "nasbench201", [scores_table(folder, [1, 2, 3, 4])])
    assert sorted(r["value"] for r in lake_content.rows(filled, "scores")) == [1, 2, 3, 4]
    before = lake_content.files(filled)
    with pytest.raises(UserError, match=r"another value of a released score, 2\.0, where this file has 9\.0"):
        ingest(filled, "nasbench201", [scores_table(folder, [1, 9])])
    assert lake_content.files(filled) == before


def test_tables_by_number_wait_for_those_that_bring_the_numbers(lake: Path, tmp_path: Path) -> None:
    scores = scores_table(tmp_path / "nats_cifar10", [1, 2])
    with pytest.raises(
        UserError,
        match=r"by number, the lake knows none: ingest first nasgraph-cifar10, or .*, or the published form",
    ):
        ingest(lake, "nasbench201", [scores])
    assert not lake.exists()
    found = ingest(lake, "nasbench201", [scores, graph_table(tmp_path / "table_cifar10.csv")])
    assert [s.source for s in found] == ["nasgraph-cifar10", "freerea-cifar10-synflow"]


def test_only_what_the_lake_lacks_of_an_architecture_is_written(lake: Path, tmp_path: Path, mine: str) -> None:
    ingest(lake, "nasbench201", [fixtures.accuracies(tmp_path / "t.csv")], mapping=mine)
    assert Counter(r["native_id"] for r in lake_content.rows(lake, "architectures")) == {None: 5}
    ingest(lake, "nasbench201", [graph_table(tmp_path / "table_cifar10.csv")])
    assert Counter(r["native_id"] is None for r in lake_content.rows(lake, "architectures")) == {True: 5, False: 5}
    ingest(lake, "nasbench201", [graph_table(tmp_path / "table_cifar100.csv")])
    assert len(lake_content.rows(lake, "architectures")) == 10


def test_the_published_form_keeps_the_good_and_stores_the_bad(lake: Path, tmp_path: Path) -> None:
    folder = nasbench201_files.nats_folder(tmp_path / "NATS", CELLS, LENGTHS)
    (folder / "000002.pickle.pbz2").write_bytes(b"BZh9 cut")
    [summary] = ingest(lake, "nasbench201", [folder])
    assert (summary.source, summary.architectures, summary.rejected) == ("native", 5, 1)
    [reject] = lake_content.rows(lake, "rejects")
    assert (reject["position"], reject["source_id"]) == (
        "000002.pickle.pbz2",
        lake_content.rows(lake, "sources")[0]["source_id"],
    )
    assert len({r["arch_id"] for r in lake_content.rows(lake, "truth")}) == 4
    assert ingest(lake, "nasbench201", [folder])[0].already


def test_curves_add_themselves_to_the_finals_that_are_there(lake: Path, tmp_path: Path) -> None:
    folder = nasbench201_files.nats_folder(tmp_path / "NATS", CELLS[:1], LENGTHS)
    ingest(lake, "nasbench201", [folder])
    finals = len(lake_content.rows(lake, "truth"))
    ingest(lake, "nasbench201", [folder], curves=True)
    rows = lake_content.rows(lake, "truth")
    assert len([r for r in rows if r["epoch"] is None]) == finals
    assert len([r for r in rows if r["epoch"] is not None]) > 1000
    keys = Counter(tuple(r[k] for k in schema.TABLES["truth"].key) for r in rows)
    assert set(keys.values()) == {1}
    before = lake_content.files(lake)
    assert all(ingest(lake, "nasbench201", [folder], curves=c)[0].already for c in (True, False))
    assert lake_content.files(lake) == before


def test_curves_from_the_start_bring_the_finals_too(lake: Path, tmp_path: Path) -> None:
    folder = nasbench201_files.nats_folder(tmp_path / "NATS", CELLS[:1], LENGTHS)
    ingest(lake, "nasbench201", [folder], curves=True)
    assert {None, 1, 60} <= {r["epoch"] for r in lake_content.rows(lake, "truth")}
    assert ingest(lake, "nasbench201", [folder])[0].already


def test_a_large_native_form_is_written_in_pieces(lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.benchmarks.nasbench201 import reading
    from pipeline.ingest import run as stage

    folder = nasbench201_files.nats_folder(tmp_path / "NATS", CELLS, {"12": [777]})
    ingest(tmp_path / "whole", "nasbench201", [folder])
    monkeypatch.setattr(reading, "_FILES_PER_BATCH", 1)
    monkeypatch.setattr(stage, "_FLUSH_VALUES", 1)
    ingest(lake, "nasbench201", [folder])
    for table, columns in (
        ("truth", ("arch_id", "dataset", "metric", "value")),
        ("architectures", ("arch_id", "native_id")),
    ):
        one, other = (
            [tuple(r[c] for c in columns) for r in lake_content.rows(at, table)] for at in (lake, tmp_path / "whole")
        )
        assert Counter(one) == Counter(other)


def test_an_installed_package_is_found_and_not_imported(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = analog_package.install(tmp_path / "site", monkeypatch)
    [summary] = ingest(lake, "nasbench201", [], mapping="analog-nasbench")
    assert (summary.file, summary.architectures, summary.values) == (str(path), 4, 84)
    content: Any = lake_content.rows(lake, "truth")
    assert {r["metric"] for r in content if r["epochs"] is None} >= {"baseline_accuracy", "analog_drift_60_uncertainty"}


def test_a_package_that_is_not_installed_or_has_no_such_file(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = analog_package.install(tmp_path / "site", monkeypatch)
    text = (benchmarks.folders()[0] / "nasbench201" / "mappings" / "analog-nasbench.toml").read_text()
    for old, new, said in (
        (
            '"analog-nasbench"\nfile',
            '"analog-nasbensch"\nfile',
            r"analog-nasbensch is not installed: pip install 'nas-proxy-bench\[demo\]'",
        ),
        ('file = "analognasbench/data.anb"', 'file = "x.anb"', "analog-nasbench 9.9 carries no x.anb"),
    ):
        mapping = fixtures.mapping(tmp_path / "r.toml", text=text.replace(old, new))
        with pytest.raises(UserError, match=said):
            ingest(lake, "nasbench201", [], mapping=str(mapping))
    path.unlink()
    with pytest.raises(UserError, match=r"does not exist"):
        ingest(lake, "nasbench201", [], mapping="analog-nasbench")


def test_a_folder_gives_all_that_is_known_in_it(lake: Path, tmp_path: Path) -> None:
    folder = tmp_path / "all"
    scores_table(folder / "nats_cifar10", [1, 2])
    fixtures.accuracies(folder / "t.csv")
    graph_table(folder / "table_cifar10.csv")
    assert [s.source for s in ingest(lake, "nasbench201", [folder])] == ["nasgraph-cifar10", "freerea-cifar10-synflow"]
    nasbench201_files.nats_folder(folder / "NATS", CELLS, {"12": [777]})
    found = ingest(lake, "nasbench201", [folder], curves=True)
    assert [(s.source, s.already) for s in found] == [
        ("native", False),
        ("nasgraph-cifar10", True),
        ("freerea-cifar10-synflow", True),
    ]


def test_the_mappings_are_listed_one_a_line() -> None:
    lines = list_mappings()
    assert len(lines) == len(table_mapping.shipped())
    assert any("meco-seeds" in line and "cifar10_test_by_seed.p" in line for line in lines)


def bad(path: Path, *cells: object, arch: str = CELLS[4]) -> Path:
    """A table for `mine` with four good rows and a bad one."""
    return fixtures.table(path, ["arch", "acc"], [*((c, 60) for c in CELLS[:4]), (arch, *cells)])


@pytest.mark.parametrize(
    ("arch", "acc", "said"),
    [
        (CELLS[4].replace("~2", "e~2"), 60, "line 6: node 3 of .*unknown operation .*did you mean"),
        (
            CELLS[4].rpartition("|")[0].rpartition("|")[0] + "|",
            60,
            "line 6: node 3 of .*the edge from node 2 is missing",
        ),
        (CELLS[4], 100.5, "line 6: column 'acc' holds 100.5, which is no percent"),
        (CELLS[0], 61, "line 6: the same architecture as in line 2, with other values"),
        (CELLS[4], "many", "line 6: column 'acc' holds 'many', where a number"),
    ],
)
def test_a_table_with_a_bad_row_is_refused_unless_it_is_allowed(
    tmp_path: Path, mine: str, arch: str, acc: object, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, path = tmp_path / "lake", bad(tmp_path / "t.csv", acc, arch=arch)
    with pytest.raises(UserError, match=rf"t\.csv: 1 row cannot be taken, at {said}.*; nothing was stored") as caught:
        ingest(lake, "nasbench201", [path], mapping=mine)
    assert "\n" not in str(caught.value)
    assert not lake.exists()
    command = ["ingest", "nasbench201", str(path), "--mapping", mine, "--max-rejects", "1", "--lake", str(lake)]
    with pytest.raises(SystemExit) as exit_code:
        cli.main(command)
    assert exit_code.value.code == 0  # what is allowed is no error
    assert "4 values, 1 rejected" in capsys.readouterr().out
    [reject] = lake_content.rows(lake, "rejects")
    assert reject["position"] == "line 6"
    assert lake_content.rows(lake, "sources")[0]["rejected"] == 1


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def inputs(at: Path) -> dict[str, tuple[Path, str]]:
    """Bad inputs: for the table mapping `mine`, or without one."""
    folder = at / "empty-folder"
    folder.mkdir()
    hostile = nasbench201_files.nats_folder(at / "hostile", CELLS[:1], {"12": [777]})
    (hostile / "meta.pickle.pbz2").unlink()
    (hostile / "000000.pickle.pbz2").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    return {
        "mine missing": (at / "t.csc", "does not exist: did you mean t.csv"),
        "mine folder": (folder, "is a folder; the table mapping mine reads a file"),
        "mine empty": (write(at / "empty.csv", b""), "is empty"),
        "mine header only": (write(at / "header.csv", b"arch,acc\n"), "holds no rows"),
        "mine garbage": (write(at / "garbage.csv", bytes(range(256)) * 20), "is not a CSV"),
        "mine other header": (write(at / "other.csv", b"arch,accu\nx,1\n"), "unknown column .*'acc': did you mean acc"),
        "mine fractions": (fixtures.table(at / "f.csv", ["arch", "acc"], [[c, 0.9] for c in CELLS]), "a fraction"),
        "mine all bad": (write(at / "all.csv", b"arch,acc\nx,1\ny,2\n"), "2 rows cannot be taken, the first at line 2"),
        "- empty folder": (folder, r"holds no \*.pickle.pbz2 file. nasbench201 reads a folder of NATS-Bench's"),
        "- garbage": (write(at / "garbage.bin", b"\x00\x01"), "not a whole pickle.*a table needs --mapping"),
        "- hostile": (hostile / "000000.pickle.pbz2", r"000000.pickle.pbz2: the pickle asks for os\.system"),
        "- all hostile": (hostile, r"1 file cannot be taken, at 000000.pickle.pbz2: the pickle asks for os\.system"),
        "- truncated": (write(at / "000001.pickle.pbz2", b"BZh91AY&SY"), "truncated"),
        "- other pickle": (write(at / "p.pickle", pickle.dumps([1])), "not of NATS-Bench's form"),
    }  # fmt: skip


CASES = (
    "mine missing", "mine folder", "mine empty", "mine header only", "mine garbage", "mine other header",
    "mine fractions", "mine all bad", "- empty folder", "- garbage", "- hostile", "- all hostile", "- truncated",
    "- other pickle",
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_bad_input_leaves_no_trace(case: str, filled: Path, tmp_path: Path, mine: str) -> None:
    fixtures.accuracies(tmp_path / "t.csv")
    known = inputs(tmp_path)
    assert set(known) == set(CASES)
    path, said = known[case]
    mapping = mine if case.startswith("mine") else None
    before = lake_content.files(filled)
    for at in (tmp_path / "new", filled):
        with pytest.raises(UserError, match=said) as caught:
            ingest(at, "nasbench201", [path], mapping=mapping)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()
    assert lake_content.files(filled) == before


def test_a_file_that_changes_while_it_is_read_is_not_stored(
    lake: Path, tmp_path: Path, mine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fixtures.table(tmp_path / "t.csv", ["arch", "acc"], [[CELLS[0], 93.5]])
    sha256 = provenance.file_sha256

    def and_change(path: Path) -> tuple[str, int]:
        before = sha256(path)
        path.write_text(path.read_text().replace("93.5", "39.5"))
        return before

    monkeypatch.setattr(provenance, "file_sha256", and_change)
    with pytest.raises(UserError, match=r"t.csv has changed while it was read: run the same command again"):
        ingest(lake, "nasbench201", [path], mapping=mine)
    assert not lake.exists()


def test_names_that_do_not_exist(lake: Path, tmp_path: Path) -> None:
    path = fixtures.accuracies(tmp_path / "t.csv")
    with pytest.raises(UserError, match=r"unknown benchmark 'nasbench-201': did you mean nasbench201"):
        ingest(lake, "nasbench-201", [path])
    with pytest.raises(
        UserError, match=r"unknown table mapping of nasbench201 'nasgraf-cifar10': did you mean nasgraph-cifar10"
    ):
        ingest(lake, "nasbench201", [path], mapping="nasgraf-cifar10")
    with pytest.raises(UserError, match=r"nothing to ingest"):
        ingest(lake, "nasbench201", [])
    with pytest.raises(UserError, match=r"needs the path of its file \(https://"):
        ingest(lake, "nasbench201", [], mapping="nasgraph-cifar10")
    assert not lake.exists()


def test_a_missing_file_among_several_stops_before_the_first(lake: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"does not exist"):
        ingest(lake, "nasbench201", [graph_table(tmp_path / "table_cifar10.csv"), tmp_path / "none.csv"])
    assert not lake.exists()


def test_an_unknown_number_says_what_would_bring_it(filled: Path, tmp_path: Path) -> None:
    before = lake_content.files(filled)
    with pytest.raises(
        UserError, match=r"2 rows .*at line 7: the lake knows .*index 5 \(ingest first nasgraph-cifar10"
    ):
        ingest(filled, "nasbench201", [scores_table(tmp_path / "nats_cifar10", list(range(7)))])
    assert lake_content.files(filled) == before


def test_a_mapping_that_has_changed_does_not_pass_for_the_one_that_was_used(
    lake: Path, tmp_path: Path, mine: str
) -> None:
    path = fixtures.accuracies(tmp_path / "t.csv")
    ingest(lake, "nasbench201", [path], mapping=mine)
    before = lake_content.files(lake)
    told = fixtures.mapping(
        tmp_path / "told.toml", fixtures.ACCURACY, text=fixtures.MAPPING.replace("made up", "in other words")
    )
    assert ingest(lake, "nasbench201", [path], mapping=str(told))[0].already
    other = fixtures.mapping(tmp_path / "other.toml", fixtures.ACCURACY.replace("test_", "train_"))
    [folder] = (lake / "parts" / "nasbench201").iterdir()
    with pytest.raises(
        UserError,
        match=rf"t.csv is in the lake already, as version 1 of the table mapping mine read it, and the mapping has "
        rf"changed since: to replace .*, remove the folder {folder}, run `pipeline doctor --forget-missing`",
    ):
        ingest(lake, "nasbench201", [path], mapping=str(other))
    assert lake_content.files(lake) == before
    shutil.rmtree(folder)
    checksums.renew_list(lake)  # as doctor does
    ingest(lake, "nasbench201", [path], mapping=str(other))
    assert {row["metric"] for row in lake_content.rows(lake, "truth")} == {"train_accuracy"}


def test_a_lake_of_a_newer_version_and_a_folder_that_is_no_lake(filled: Path, tmp_path: Path, mine: str) -> None:
    path = fixtures.accuracies(tmp_path / "t.csv")
    (filled / "lake.json").write_text(json.dumps({"format": schema.FORMAT + 1}))
    before = lake_content.files(filled)
    with pytest.raises(UserError, match=r"written by a newer version.*pip install -U"):
        ingest(filled, "nasbench201", [path], mapping=mine)
    assert lake_content.files(filled) == before
    with pytest.raises(UserError, match=r"neither empty nor a lake"):
        ingest(tmp_path, "nasbench201", [path], mapping=mine)
