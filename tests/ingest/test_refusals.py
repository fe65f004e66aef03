"""What the ingest refuses, in one line, with the lake as it was."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import benchmarks, provenance
from pipeline.errors import UserError
from pipeline.ingest.run import ingest
from pipeline.lake import checksums, schema
from pipeline.lake.store import Lake
from tests.fixtures import analog_package, lake_content, nasbench201_files
from tests.fixtures import mapped_tables as fixtures
from tests.fixtures.command import exit_code

CELLS = nasbench201_files.topologies(5)


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
    with pytest.raises(UserError, match=r"analog-nasbench 9.9 carries no .*data.anb: .*it has to be installed again"):
        ingest(lake, "nasbench201", [], mapping="analog-nasbench")


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
    assert exit_code(*command) == 0  # what is allowed is no error
    assert "4 values, 1 rejected" in capsys.readouterr().out
    [reject] = lake_content.rows(lake, "rejects")
    assert reject["position"] == "line 6"
    assert lake_content.rows(lake, "sources")[0]["rejected"] == 1


def written(name: str, content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def empty_folder(at: Path) -> Path:
    folder = at / "empty-folder"
    folder.mkdir()
    return folder


def hostile_folder(at: Path) -> Path:
    folder = nasbench201_files.nats_folder(at / "hostile", CELLS[:1], {"12": [777]})
    (folder / "meta.pickle.pbz2").unlink()
    (folder / "000000.pickle.pbz2").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    return folder


def fractions(at: Path) -> Path:
    return fixtures.table(at / "f.csv", ["arch", "acc"], [[cell, 0.9] for cell in CELLS])


BAD_INPUTS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "mine missing": (lambda at: at / "t.csc", "does not exist: did you mean t.csv"),
    "mine folder": (empty_folder, "is a folder; the table mapping mine reads a file"),
    "mine empty": (written("empty.csv", b""), "is empty"),
    "mine header only": (written("header.csv", b"arch,acc\n"), "holds no rows"),
    "mine garbage": (written("garbage.csv", bytes(range(256)) * 20), "is not a CSV"),
    "mine other header": (written("other.csv", b"arch,accu\nx,1\n"), "unknown column .*'acc': did you mean acc"),
    "mine fractions": (fractions, "a fraction"),
    "mine all bad": (written("all.csv", b"arch,acc\nx,1\ny,2\n"), "2 rows cannot be taken, the first at line 2"),
    "- empty folder": (empty_folder, r"holds no \*.pickle.pbz2 file. nasbench201 reads a folder of NATS-Bench's"),
    "- garbage": (written("garbage.bin", b"\x00\x01"), "not a whole pickle.*a table needs --mapping"),
    "- hostile": (
        lambda at: hostile_folder(at) / "000000.pickle.pbz2",
        r"000000.pickle.pbz2: the pickle asks for os\.system",
    ),
    "- all hostile": (
        hostile_folder,
        r"1 file cannot be taken, at 000000.pickle.pbz2: the pickle asks for os\.system",
    ),
    "- truncated": (written("000001.pickle.pbz2", b"BZh91AY&SY"), "truncated"),
    "- other pickle": (written("p.pickle", pickle.dumps([1])), "not of NATS-Bench's form"),
}
"""For the table mapping `mine`, or without one."""


def test_a_mapping_that_takes_no_column_leaves_no_trace(filled: Path, tmp_path: Path) -> None:
    table = fixtures.accuracies(tmp_path / "t.csv")
    mapping = fixtures.mapping(tmp_path / "m.toml", text=fixtures.MAPPING)
    before = lake_content.files(filled)
    for at in (tmp_path / "new", filled):
        with pytest.raises(UserError, match=r"m\.toml takes no column: nothing but architectures"):
            ingest(at, "nasbench201", [table], mapping=str(mapping))
    assert not (tmp_path / "new").exists() and lake_content.files(filled) == before


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_a_bad_input_leaves_no_trace(case: str, filled: Path, tmp_path: Path, mine: str) -> None:
    fixtures.accuracies(tmp_path / "t.csv")
    make, said = BAD_INPUTS[case]
    path = make(tmp_path)
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
        ingest(lake, "nasbench201", [fixtures.nasgraph(tmp_path / "table_cifar10.csv"), tmp_path / "none.csv"])
    assert not lake.exists()


def test_a_number_of_two_architectures_is_that_of_none(lake: Path, tmp_path: Path) -> None:
    row = {"benchmark": "nasbench201", "space": "topology", "spec": "{}", "native_id": "0", "source_id": "0" * 16}
    architectures = [{**row, "arch_id": digit * 16} for digit in "12"]
    Lake(lake, create=True).publish("nasbench201", "ingest-made-up", {"architectures": architectures})
    with pytest.raises(UserError, match="index 0 is the name of two architectures in the lake"):
        ingest(lake, "nasbench201", [fixtures.freerea(tmp_path / "nats_cifar10", [1])])


def test_an_unknown_number_says_what_would_bring_it(filled: Path, tmp_path: Path) -> None:
    before = lake_content.files(filled)
    with pytest.raises(
        UserError, match=r"2 rows .*at line 7: the lake knows .*index 5 \(ingest first nasgraph-cifar10"
    ):
        ingest(filled, "nasbench201", [fixtures.freerea(tmp_path / "nats_cifar10", list(range(7)))])
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
