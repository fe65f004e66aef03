"""The tables of TransNAS-Bench-101's tasks, on made-up files: units and directions by task, hostile rows as rejects."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.benchmarks.contract import arch_id_of
from pipeline.benchmarks.transnas101 import BENCHMARK, architectures, reading
from pipeline.errors import NotThisFormError, UserError
from tests.fixtures import transnas101_files as files


def test_each_task_has_its_own_metrics_units_and_directions() -> None:
    targets = {
        (m.dataset, m.metric): (m.unit, m.higher_is_better)
        for m in BENCHMARK.metrics
        if m.priority and m.split == "test"
    }
    assert targets == {
        ("class_object", "test_accuracy"): ("percent", True),
        ("jigsaw", "test_accuracy"): ("percent", True),
        ("autoencoder", "test_ssim"): ("none", True),
        ("autoencoder", "test_l1_loss"): ("none", False),
    }


def test_a_folder_of_tables_is_one_source_of_both_spaces(tmp_path: Path) -> None:
    batches = list(reading.read(files.published(tmp_path), False))
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
