"""The tables of TransNAS-Bench-101's tasks, on made-up files: units and directions by task, hostile rows as rejects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.benchmarks.contract import arch_id_of
from pipeline.benchmarks.transnas101 import BENCHMARK, architectures, reading
from pipeline.benchmarks.transnas101.metrics import EPOCHS
from pipeline.errors import NotThisFormError, UserError
from tests.fixtures import transnas101_files as files

SEGMENTS = "segmentsemantic"
TOPS = tuple(f"{split}_top{n}" for split in ("valid", "test") for n in (1, 5))
ROOM_LOSS = ("room_layout", "test_loss")

Change = Callable[[str], str]


def without(text: str, *columns: str) -> str:
    """A table without these columns."""
    rows = [line.split(",") for line in text.splitlines()]
    left = [n for n, name in enumerate(rows[0]) if name not in columns]
    return "\n".join(",".join(row[n] for n in left) for row in rows)


def with_column(text: str, name: str, cell: str) -> str:
    """A table with one more column."""
    return "\n".join(f"{line},{cell if n else name}" for n, line in enumerate(text.splitlines()))


def test_each_task_has_its_own_metrics_units_and_directions() -> None:
    targets = {
        (m.dataset, m.metric): (m.unit, m.higher_is_better)
        for m in BENCHMARK.metrics
        if m.priority and m.split == "test" and m.dataset in files.FIRST_TABLES
    }
    assert targets == {
        ("class_object", "test_accuracy"): ("percent", True),
        ("jigsaw", "test_accuracy"): ("percent", True),
        ("autoencoder", "test_ssim"): ("none", True),
        ("autoencoder", "test_l1_loss"): ("none", False),
    }


def test_so_have_the_other_tasks() -> None:
    targets = {
        (m.dataset, m.metric): (m.unit, m.higher_is_better)
        for m in BENCHMARK.metrics
        if m.priority and m.split == "test" and m.dataset not in files.FIRST_TABLES
    }
    assert targets == {
        ("class_scene", "test_accuracy"): ("percent", True),
        ("room_layout", "test_neg_loss"): ("none", True),
        ("normal", "test_ssim"): ("none", True),
        ("segmentsemantic", "test_mean_iou"): ("percent", True),
        ("segmentsemantic", "test_accuracy"): ("percent", True),
    }
    assert not next(m for m in BENCHMARK.metrics if (m.dataset, m.metric) == ROOM_LOSS).higher_is_better
    led = [m.dataset for m in sorted(BENCHMARK.metrics, key=lambda m: m.priority or 99) if m.priority]
    assert len(set(led[:7])) == 7 and set(BENCHMARK.classes) == {"class_object", "class_scene", "jigsaw", SEGMENTS}


@pytest.mark.parametrize("task", EPOCHS)
def test_every_tasks_table_is_read_as_it_stands(task: str, tmp_path: Path) -> None:
    files.tables(tmp_path, [task])
    [batch] = reading.read(tmp_path / f"{task}.csv", False)
    assert not batch.rejects["reason"] and set(batch.truths["epochs"]) == {EPOCHS[task]}
    assert set(batch.truths["metric"]) == {m.metric for m in BENCHMARK.metrics if m.dataset == task}
    first = (tmp_path / f"{task}.csv").read_text().splitlines()[1].split(",")[1:-1]
    assert batch.truths["value"][: len(first)] == [float(cell) for cell in first]


@pytest.mark.parametrize(
    ("task", "change", "metrics"),
    [
        ("class_scene", lambda t: without(t, "train_top5", "time_elapsed", "file_id"), 8),
        ("room_layout", lambda t: without(t, "train_neg_loss", "valid_neg_loss", "test_neg_loss"), 4),
        ("segmentsemantic", lambda t: t.replace("mIoU", "miou"), 10),
        ("normal", lambda t: t.replace("valid_", "val_"), 7),
        ("normal", lambda t: with_column(t, "train_g_loss", "0.3"), 7),
        ("jigsaw", lambda t: with_column(t, "", "7"), 10),
    ],
)
def test_a_column_more_or_fewer_is_no_reason_to_refuse(task: str, change: Change, metrics: int, tmp_path: Path) -> None:
    (tmp_path / f"x_{task}.csv").write_text(change(files.table(task, files.names(4))))
    [batch] = reading.read(tmp_path, False)
    assert not batch.rejects["reason"] and len(set(batch.truths["metric"])) == metrics


@pytest.mark.parametrize(
    ("task", "change", "said"),
    [
        ("class_scene", lambda t: without(t, "architecture"), "no column 'architecture': put the architectures' names"),
        ("class_scene", lambda t: without(t, *TOPS), "none of the figures of class_scene: valid_top1"),
        ("room_layout", lambda t: t.replace("test_neg_loss", "test_acc"), "is it the table of room_layout"),
        ("normal", lambda t: with_column(t, "val_ssim", "0.3"), "two columns for valid_ssim"),
        ("normal", lambda t: t.splitlines()[0] + "\n", "holds no row"),
    ],
)
def test_what_cannot_be_told_is_refused_in_one_line(task: str, change: Change, said: str, tmp_path: Path) -> None:
    (tmp_path / f"{task}.csv").write_text(change(files.table(task, files.names(4))))
    with pytest.raises(NotThisFormError, match=said):
        list(reading.read(tmp_path, False))


def test_two_tables_of_a_task_or_tables_beside_the_archive_are_refused(tmp_path: Path) -> None:
    files.tables(tmp_path, ["normal"])
    (tmp_path / "transbench101_normal.csv").write_text(files.table("normal", files.names(4)))
    with pytest.raises(NotThisFormError, match="are both tables of normal"):
        reading.read(tmp_path, False)
    (tmp_path / "transbench101_normal.csv").rename(tmp_path / "abnormal.csv")  # which is no table of a task
    assert len(list(reading.read(tmp_path, False))) == 1
    files.published(tmp_path)
    with pytest.raises(NotThisFormError, match="are of the same trainings: name one"):
        reading.read(tmp_path, False)


@pytest.mark.parametrize(
    ("task", "column", "cell", "said"),
    [
        ("room_layout", "test_loss", "-0.1", "holds -0.1, where test_loss is at least 0"),
        ("room_layout", "test_neg_loss", "0.1", "holds 0.1, where test_neg_loss is at most 0"),
        ("normal", "test_ssim", "52.5", "holds 52.5, where test_ssim is from -1 to 1"),
        ("segmentsemantic", "test_mIoU", "101", "holds 101, which is no percent"),
    ],
)
def test_what_a_metric_cannot_be_is_a_reject(task: str, column: str, cell: str, said: str, tmp_path: Path) -> None:
    lines = files.table(task, files.names(4)).splitlines()
    at = lines[0].split(",").index(column)
    lines[2] = ",".join(cell if n == at else c for n, c in enumerate(lines[2].split(",")))
    (tmp_path / f"{task}.csv").write_text("\n".join(lines))
    [batch] = reading.read(tmp_path, False)
    assert [said in reason for reason in batch.rejects["reason"]] == [True]


def test_an_empty_cell_is_a_value_that_is_not_there(tmp_path: Path) -> None:
    lines = files.table("normal", files.names(4)).splitlines()
    lines[1] = ",".join(["" if n == 2 else cell for n, cell in enumerate(lines[1].split(","))])
    (tmp_path / "normal.csv").write_text("\n".join(lines))
    [batch] = reading.read(tmp_path, False)
    assert not batch.rejects["reason"] and batch.truths["status"].count("failed") == 1


def test_a_folder_of_tables_is_one_source_of_both_spaces(tmp_path: Path) -> None:
    batches = list(reading.read(files.tables(tmp_path), False))
    assert len(batches) == 3
    assert {space for b in batches for space in b.architectures["space"]} == {"micro", "macro"}
    [jigsaw] = [b for b in batches if "jigsaw" in b.truths["dataset"]]
    assert set(jigsaw.truths["epochs"]) == {10} and set(jigsaw.architectures["native_id"]) == set("012345")
    first = arch_id_of("transnas101", "macro", architectures.canonical("macro", files.names(6)[0]))
    assert first == jigsaw.architectures["arch_id"][0]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("64-41414-0_00_004", "six codes from 0 to 3"),
        ("64-9111-basic", "module '9'"),
        ("64-1111-basic", "0 modules that double the channels"),
        ("64-12-basic", "2 modules"),
        ("32-1234-basic", "not of the form"),
        ("", "is written"),
    ],
)
def test_an_architecture_outside_the_space_is_a_reject(row: str, reason: str, tmp_path: Path) -> None:
    text = files.table("jigsaw", files.names(4)).replace(files.names(4)[1], row)
    (tmp_path / "jigsaw.csv").write_text(text)
    [batch] = reading.read(tmp_path / "jigsaw.csv", False)
    [said] = batch.rejects["reason"]
    assert reason in said and len(batch.architectures["arch_id"]) == 3


def test_an_impossible_value_or_a_second_row_is_a_reject(tmp_path: Path) -> None:
    lines = files.table("class_object", files.names(4)).splitlines()
    cells = lines[1].split(",")
    lines[1] = ",".join([cells[0], "101.5", *cells[2:]])
    (tmp_path / "class_object.csv").write_text("\n".join([*lines, lines[2], "short,row"]))
    [batch] = reading.read(tmp_path, False)
    assert [part in said for part, said in zip(("no percent", "same", "cells"), batch.rejects["reason"], strict=True)]
    assert "no percent" in batch.rejects["reason"][0] and "same architecture" in batch.rejects["reason"][1]


def test_the_table_of_another_task_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "autoencoder.csv").write_text(files.table("jigsaw", files.names(4)))
    with pytest.raises(NotThisFormError, match="no column 'test_l1_loss'"):
        list(reading.read(tmp_path, False))


@pytest.mark.parametrize("parts", [{"0-1": "none"}, dict.fromkeys(architectures.EDGES, "max_pool")])
def test_parts_that_make_no_cell_are_refused(parts: dict[str, str]) -> None:
    with pytest.raises(UserError):
        architectures.compose("micro", parts)


@pytest.mark.parametrize("absent", [{}, {"4": "", "5": " "}])
def test_modules_after_the_last_are_left_out_or_empty(absent: dict[str, object]) -> None:
    assert architectures.compose("macro", {"0": "1", "1": "2", "2": 3, "3": "4", **absent}) == {"modules": "1234"}


@pytest.mark.parametrize("parts", [{"0": "1", "1": "2", "3": "3", "4": "4"}, {"0": "", "1": "1", "2": "2", "3": "4"}])
def test_a_module_that_is_missing_before_another_is_named(parts: dict[str, object]) -> None:
    with pytest.raises(UserError, match=r"the module [02] is missing, and a later one is there"):
        architectures.compose("macro", parts)
