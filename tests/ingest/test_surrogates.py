"""Predictions are never ground truth: columns and files that are called after them are refused, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import benchmarks
from pipeline.errors import UserError
from pipeline.ingest import mapped_columns, run, surrogates
from pipeline.ingest.mapping_sections import TruthColumn


@pytest.mark.parametrize(
    "name",
    [
        "predicted_accuracy",
        "pred_acc",
        "surrogate_test_acc",
        "predictedAcc",
        "nb301_models",
        "nasbench301-surrogates.csv",
    ],
)
def test_names_of_predictions_are_known(name: str) -> None:
    assert surrogates.named(name)


@pytest.mark.parametrize("name", ["test_accuracy", "val_accs", "nb301_trainings.csv", "spread", "Regression"])
def test_names_of_measurements_are_let_through(name: str) -> None:
    assert not surrogates.named(name)


def test_a_column_of_predictions_is_no_truth() -> None:
    stated = {"column": "predicted_acc", "dataset": "cifar10", "metric": "test_accuracy", "unit": "percent"}
    column = TruthColumn.model_validate(stated)
    with pytest.raises(UserError, match=r"'predicted_acc' holds what a surrogate model predicts.*\[\[score\]\]"):
        mapped_columns.mapped_truth(benchmarks.load("nasbench201"), column)


def test_a_file_of_predictions_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "nb301_models_predictions.csv"
    file.write_text("genotype,accuracy\n")
    with pytest.raises(UserError, match="never stored as ground truth"):
        run.ingest(tmp_path / "lake", "darts", [file])
    assert not (tmp_path / "lake").exists()
