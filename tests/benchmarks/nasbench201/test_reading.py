"""The published form of NAS-Bench-201, on made-up files: values, curves, what is damaged."""

from __future__ import annotations

import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.benchmarks.contract import arch_id_of
from pipeline.benchmarks.nasbench201 import nats_files, reading
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError
from tests.fixtures import nasbench201_files as files

CELL = "|avg_pool_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|nor_conv_3x3~1|none~2|"
LENGTHS = {"12": [111, 777], "60": [777]}


def joined(batches: list[SourceRows]) -> list[dict[str, Any]]:
    return [dict(zip(b.truths, row, strict=True)) for b in batches for row in zip(*b.truths.values(), strict=True)]


def test_final_values_of_the_published_form(tmp_path: Path) -> None:
    cells = files.topologies(3)
    folder = files.nats_folder(tmp_path, cells, LENGTHS)
    batches = list(reading.read(folder, False))
    assert [b.rejects["reason"] for b in batches] == [[]]
    numbered = dict(zip(batches[0].architectures["native_id"], batches[0].architectures["spec"], strict=True))
    assert [numbered[str(i)] for i in range(3)] == [f'{{"cell":"{c}"}}' for c in cells]
    rows = joined(batches)
    assert {r["epoch"] for r in rows} == {None}
    # a training: accuracy and loss of train and of each split, and seconds; a data set: params, flops and latency
    assert len(rows) == 3 * (3 * sum(2 * (1 + len(s)) + 1 for s in files.SPLITS.values()) + 3 * len(files.SPLITS))
    content: Any = files.nats_record(1, cells[1], LENGTHS)
    trained = content["60"]["all_results"]["cifar100", 777]
    arch_id = arch_id_of("nasbench201", "topology", {"cell": cells[1]})
    found = {
        r["metric"]: r["value"] for r in rows if (r["arch_id"], r["dataset"], r["epochs"]) == (arch_id, "cifar100", 60)
    }
    expected = {"train_accuracy": trained["train_acc1es"][59], "train_loss": trained["train_losses"][59]}
    for published, split in (("x-valid", "validation"), ("x-test", "test"), ("ori-test", "valtest")):
        expected[f"{split}_accuracy"] = trained["eval_acc1es"][f"{published}@59"]
        expected[f"{split}_loss"] = trained["eval_losses"][f"{published}@59"]
    assert found == {**expected, "train_seconds": 120.0}
    once = {
        r["metric"]: (r["value"], r["seed"])
        for r in rows
        if (r["arch_id"], r["dataset"], r["epochs"]) == (arch_id, "cifar10", None)
    }
    assert once == {"params": (250_000.0, None), "flops": (15_647_370.0, None), "latency": (0.01, None)}


def test_a_training_whose_latency_was_not_measured_has_its_other_values(tmp_path: Path) -> None:
    content: Any = files.nats_record(1, files.topologies(1)[0], LENGTHS)
    for training in content["60"]["all_results"].values():
        del training["latency"]
    rows = joined(list(reading.read(files.pack(tmp_path / "000001.pickle.pbz2", {"60": content["60"]}), False)))
    measured = {r["metric"] for r in rows}
    assert {"test_accuracy", "params", "flops"} <= measured and "latency" not in measured


def test_ori_test_is_the_test_set_of_cifar10_alone(tmp_path: Path) -> None:
    rows = joined(list(reading.read(files.nats_folder(tmp_path, files.topologies(1), {"12": [777]}), False)))
    accuracies = {(r["dataset"], r["metric"]) for r in rows if r["metric"].endswith("accuracy")}
    assert {m for d, m in accuracies if d == "cifar10"} == {"train_accuracy", "test_accuracy"}
    assert {m for d, m in accuracies if d == "cifar10-valid"} == {
        "train_accuracy",
        "validation_accuracy",
        "test_accuracy",
    }


def test_learning_curves_come_with_their_epochs(tmp_path: Path) -> None:
    folder = files.nats_folder(tmp_path, files.topologies(1), LENGTHS)
    finals, everything = (joined(list(reading.read(folder, c))) for c in (False, True))
    assert [r for r in everything if r["epoch"] is None] == finals
    of = [r for r in everything if (r["dataset"], r["epochs"], r["seed"]) == ("cifar100", 60, 777)]
    epochs = {m: [r["epoch"] for r in of if r["metric"] == m and r["epoch"]] for m in {r["metric"] for r in of}}
    assert epochs["train_accuracy"] == epochs["validation_accuracy"] == list(range(1, 61))
    assert epochs["test_accuracy"] == epochs["valtest_loss"] == [60]
    seconds = [r["value"] for r in of if r["metric"] == "train_seconds" and r["epoch"]]
    assert seconds == [2.0 * e for e in range(1, 61)]


def test_sizes_are_distinguished_from_topologies_by_their_content(tmp_path: Path) -> None:
    files.nats_folder(tmp_path / "a", files.topologies(2), {"12": [777]})
    files.nats_folder(tmp_path / "b", files.sizes(3), {"01": [777], "12": [777, 888], "90": [777]})
    rows = joined(list(reading.read(tmp_path, False)))
    assert Counter(s for s, _ in {(r["space"], r["arch_id"]) for r in rows}) == {"topology": 2, "size": 3}
    assert {r["epochs"] for r in rows if r["space"] == "size"} == {1, 12, 90, None}


def test_a_single_file_is_enough(tmp_path: Path) -> None:
    folder = files.nats_folder(tmp_path, files.topologies(2), {"12": [777]})
    assert len({r["arch_id"] for r in joined(list(reading.read(folder / "000001.pickle.pbz2", False)))}) == 1
    [listing] = reading.read(folder / "meta.pickle.pbz2", False)
    assert listing.architectures["native_id"] == ["0", "1"]


def damage(path: Path, how: str) -> None:
    """Spoil a member of a made-up folder."""
    cell = files.topologies(9)[8]
    record: Any = files.nats_record(1, cell, {"12": [777]})
    run = record["12"]["all_results"]["cifar10", 777]
    match how:
        case "truncated":
            path.write_bytes(path.read_bytes()[:-30])
            return
        case "hostile":
            path.write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
            return
        case "operation":
            record["12"]["arch_str"] = cell.replace("~2", "x~2")
        case "unit" | "true":
            run["eval_acc1es"]["ori-test@11"] = 104.0 if how == "unit" else True
        case "between epochs":
            run["train_losses"][10.5] = run["train_losses"].pop(10)
        case "no test":
            del run["eval_acc1es"]
        case "dataset":
            record["12"]["all_results"]["cifar11", 777] = run
        case "split":
            run["eval_acc1es"]["x-tests@11"] = 1.0
        case "params":
            record["12"]["all_results"]["cifar10", 888] = {**run, "params": 0.5}
        case "copy":
            record["12"]["arch_str"] = files.topologies(1)[0]
        case "two":
            record["200"] = {**record["12"], "arch_index": 2}
        case "other":
            record = [1, 2]
    files.pack(path, record)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("truncated", "truncated"),
        ("hostile", "posix.system"),
        ("operation", "unknown operation"),
        ("unit", "test_accuracy is 104, which is no percent"),
        ("true", "ori-test@11 is True, where a number is expected"),
        ("between epochs", "an epoch is 10.5, where a whole number is expected"),
        ("no test", "it has no 'eval_acc1es'"),
        ("dataset", "unknown dataset of nasbench201 'cifar11': did you mean cifar10"),
        ("split", "unknown split of cifar10 'x-tests'"),
        ("params", "params on cifar10 differs between trainings"),
        ("copy", "is in 000000.pickle.pbz2 already"),
        ("two", "about 2 architectures"),
        ("other", "not of NATS-Bench's form"),
    ],
)
def test_one_damaged_file_is_a_reject_and_the_others_are_kept(tmp_path: Path, how: str, said: str) -> None:
    cells = files.topologies(3)
    folder = files.nats_folder(tmp_path, cells, {"12": [777]})
    damage(folder / "000001.pickle.pbz2", how)
    [batch] = reading.read(folder, False)
    assert batch.rejects["position"] == ["000001.pickle.pbz2"]
    assert said in batch.rejects["reason"][0]
    kept = {arch_id_of("nasbench201", "topology", {"cell": c}) for c in (cells[0], cells[2])}
    assert set(batch.truths["arch_id"]) == kept
    if how != "copy":
        with pytest.raises(NotThisFormError, match=said):
            list(reading.read(folder / "000001.pickle.pbz2", False))


def test_a_value_that_is_no_number_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    folder = files.nats_folder(tmp_path, files.topologies(1), {"12": [777]})
    record: Any = files.nats_record(0, files.topologies(1)[0], {"12": [777]})
    run = record["12"]["all_results"]["cifar10", 777]
    run["train_losses"][11] = float("nan")
    del run["eval_acc1es"]["ori-test@11"]
    files.pack(folder / "000000.pickle.pbz2", record)
    rows = [r for r in joined(list(reading.read(folder, False))) if r["status"] != "ok"]
    assert {(r["metric"], r["value"], r["status"], r["reason"]) for r in rows} == {
        ("train_loss", None, "failed", "the source says nan"),
        ("test_accuracy", None, "failed", "no value at this epoch"),
    }


def test_a_folder_without_such_files_is_not_of_this_form(tmp_path: Path) -> None:
    with pytest.raises(NotThisFormError, match=r"holds no \*.pickle.pbz2"):
        reading.read(tmp_path, False)


def test_a_listing_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "meta.pickle.pbz2"
    path.write_bytes(pickle.dumps({"meta_archs": [1, 2]}))
    with pytest.raises(NotThisFormError, match=r"written 1"):
        nats_files.read(path)
