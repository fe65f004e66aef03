"""The published trainings and released scores themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy import stats

from pipeline.benchmarks.flexibert import checking, reading
from pipeline.formats import tables
from pipeline.formats.table_form import TableForm
from pipeline.ingest.run import ingest
from pipeline.lake.store import Lake


def test_every_training_is_there_and_its_parameters_are_as_stated(shared: Path) -> None:
    [batch] = reading.read(shared / "flexibert", False)
    assert batch.rejects["reason"] == []
    assert len(batch.architectures["arch_id"]) == 339 and len(set(batch.architectures["arch_id"])) == 334
    assert len(batch.truths["value"]) == 10 * 339
    [result] = checking.check(shared / "flexibert", 60)  # all 339 take seconds, and differ in none
    assert (result.checked, result.differing) == (60, 0)


def test_released_scores_join_by_number_and_rank_as_published(shared: Path, tmp_path: Path) -> None:
    folder = shared / "flexibert"
    [trainings] = ingest(tmp_path / "lake", "flexibert", [folder / reading.FILE])
    assert (trainings.values, trainings.warnings) == (3390, ())  # correlations below zero among them
    [summary] = ingest(tmp_path / "lake", "flexibert", [folder / checking.TABLE])
    assert (summary.architectures, summary.rejected, summary.values) == (334, 161, 15 * 334)
    names = {row["name"] for row in Lake(tmp_path / "lake").read("proxies", "flexibert").to_pylist()}
    assert {"params@training-free-nas", "head_confidence@training-free-nas"} <= names
    cells = [dict(row) for _, row in tables.rows(folder / checking.TABLE, TableForm("csv")) if not isinstance(row, str)]
    for column, rho in (("Number of Parameters", 0.652), ("Head Confidence", 0.716)):
        pairs = [(float(str(row[column])), float(str(row["GLUE Score"]))) for row in cells]
        assert len(pairs) == 500 and stats.spearmanr(pairs)[0] == pytest.approx(rho, abs=5e-4)
