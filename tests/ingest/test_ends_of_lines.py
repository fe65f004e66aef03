"""A CSV whose lines have more delimiters than columns, or one cell more than its header has names."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.formats import tables
from pipeline.formats.table_form import TableForm, Unreadable
from tests.fixtures.stored_tables import ONE, OTHER, read_by_draft, written

VALIDATION = {
    (ONE, "cifar10-valid validation_accuracy", None): 70,
    (OTHER, "cifar10-valid validation_accuracy", None): 71,
}


@pytest.mark.parametrize(
    "table",
    [
        f"arch,val_acc\n{ONE},70,\n{OTHER},71,\n",
        f"arch,val_acc,\n{ONE},70,\n{OTHER},71,\n",
        f"arch,val_acc,,\n{ONE},70,,\n{OTHER},71,,\n",
        f"arch;val_acc\n{ONE};70;; \n{OTHER};71;;\n",
    ],
)
def test_delimiters_at_the_ends_of_lines_are_no_columns(table: str, tmp_path: Path) -> None:
    values, text = read_by_draft(written(tmp_path / "t.csv", table))
    assert values == VALIDATION and "skip" not in text


@pytest.mark.parametrize("mark", [",", " "])
def test_names_without_one_for_the_numbers_of_rows(mark: str, tmp_path: Path) -> None:
    table = f'"arch" "val_acc"\n"1" "{ONE}" 70\n"2" "{OTHER}" 71\n'.replace(" ", mark)
    values, text = read_by_draft(written(tmp_path / "t.csv", table))
    assert values == VALIDATION and 'columns = ["row", "arch", "val_acc"]' in text
    assert "GUESSED: the line above names all columns but the first" in text


def test_a_line_of_another_width_stays_unreadable(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", "arch,acc,note\na,70,x\nb,,71,\nc,72,y,z\n")
    cells = [cells for _, cells in tables.rows(table, TableForm("csv"))]
    assert [isinstance(one, Unreadable) for one in cells] == [False, True, True]
    table = written(tmp_path / "t.csv", "arch,acc,,\na,70,,\nb,71,x,\n")
    cells = [cells for _, cells in tables.rows(table, TableForm("csv"))]
    assert cells[0] == {"arch": "a", "acc": "70"} and isinstance(cells[1], Unreadable)


def test_a_column_without_a_name_among_others_is_still_refused(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", f"arch,,,val_acc\n{ONE},1,2,70\n{OTHER},1,2,71\n")
    with pytest.raises(UserError, match="names column '' twice"):
        list(tables.rows(table, TableForm("csv")))
