"""What `mapping init` makes of a table with a row for each split: a column of splits says what its values are of."""

from __future__ import annotations

from pathlib import Path

from pipeline.ingest import mapping_draft
from tests.fixtures.stored_tables import ACC, ONE, OTHER, read_by_draft, written

VALIDATION = "cifar10-valid validation_accuracy"
HUNDRED = "cifar100 test_accuracy", "cifar100 validation_accuracy"


def test_a_column_of_splits_parts_a_column_of_accuracies(tmp_path: Path) -> None:
    lines = ["arch,split,acc,params"]
    for cell, test, validation in ((ONE, 80, 70), (OTHER, 81, 71)):
        lines += [f"{cell},test,{test},90000", f"{cell},val,{validation},90000"]
    values, text = read_by_draft(written(tmp_path / "t.csv", "\n".join(lines)))
    assert values[ONE, ACC, None] == 80 and values[ONE, VALIDATION, None] == 70
    assert values[OTHER, ACC, None] == 81 and values[OTHER, VALIDATION, None] == 71
    assert values[ONE, "cifar10 params", None] == 90_000
    assert "the split" not in text and "rows that are of one architecture" not in text


def test_accuracies_whose_rows_are_all_of_the_validation_set_are_not_of_the_test_set(tmp_path: Path) -> None:
    table = f"arch,subset,accuracy\n{ONE},valid,70\n{OTHER},valid,71\n"
    values, _ = read_by_draft(written(tmp_path / "t.csv", table))
    assert values == {(ONE, VALIDATION, None): 70, (OTHER, VALIDATION, None): 71}


def test_splits_and_data_sets_part_errors_too(tmp_path: Path) -> None:
    lines = ["arch,dataset,split,error"]
    lines += [
        f"{cell},cifar100,{split},{error}" for cell in (ONE, OTHER) for split, error in (("test", 40), ("val", 45))
    ]
    values, _ = read_by_draft(written(tmp_path / "t.csv", "\n".join(lines)))
    assert values == {
        (cell, metric, None): value for cell in (ONE, OTHER) for metric, value in zip(HUNDRED, (60, 55), strict=True)
    }


def test_a_split_that_is_none_leaves_the_table_as_it_is(tmp_path: Path) -> None:
    table = f"arch,split,test_acc\n{ONE},public,80\n{OTHER},private,81\n"
    values, text = read_by_draft(written(tmp_path / "t.csv", table))
    assert values == {(ONE, ACC, None): 80, (OTHER, ACC, None): 81} and "where" not in text


def test_rows_that_differ_in_their_proxy_do_not_repeat_one_another(tmp_path: Path) -> None:
    lines = ["arch,proxy,score", *(f"{cell},{proxy},{3.5}" for cell in (ONE, OTHER) for proxy in ("naswot", "synflow"))]
    text = mapping_draft.draft(written(tmp_path / "t.csv", "\n".join(lines))).text
    assert text.count("[[score]]") == 2 and "rows that are of one architecture" not in text
