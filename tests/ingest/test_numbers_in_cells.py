"""Numbers in cells: what their marks mean, and which of them a metric can have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.mapped_tables import table
from tests.fixtures.stored_tables import ARCHITECTURE, ONE, OTHER, mapping, read_by_draft, stored, truth, written

THOUSANDS: dict[tuple[str, str], float | None] = {
    ("1,234,567", ","): 1234567,
    (" +1,234 ", ","): 1234,
    ("1,234e3", ","): 1234000,
    ("1,234.5E1", ","): 12345,
    (" 1234 ", " "): 1234,
    ("1 234", " "): 1234,
    ("1,2e6", ","): None,
    ("1,23e,456", ","): None,
    ("1e6,234", ","): None,
    ("1,234.5,678", ","): None,
    ("1,-23", ","): None,
    ("1,\u0661\u0662\u0663", ","): None,
    ("n,aan", ","): None,
}
"""A cell and what stands between its thousands -> the number, or None where it is refused."""


@pytest.mark.parametrize("case", THOUSANDS)
def test_thousands_are_groups_of_three_digits(case: tuple[str, str], tmp_path: Path) -> None:
    (cell, mark), number = case, THOUSANDS[case]
    column = truth("size", metric="params", unit="count")
    file = mapping(tmp_path, f'kind = "csv"\nthousands = "{mark}"', ARCHITECTURE, column)
    values, rejects = stored(file, table(tmp_path / "t.csv", ["arch", "size"], [(ONE, cell)]))
    assert list(values.values()) == ([] if number is None else [number])
    assert number is not None or f"where '{mark}' stands between thousands" in rejects[0]


@pytest.mark.parametrize(
    ("cell", "scale", "expected"),
    [
        ("1073466", 1, 1073466),
        ("0.344306", 1e6, 344306),
        ("153.27386474609375", 1e6, 153273865),  # 153.273866, as a float32 has it
        ("344306.0000000001", 1, 344306),
        ("15.65", 1, "column 'size' holds 15.65, where a count is a whole number: is it in thousands or millions"),
        ("0.01565", 1e3, "column 'size' holds 0.01565, which is 15.65 with its scale, where a count is a whole number"),
    ],
)
def test_a_count_with_a_fraction_is_a_reject(cell: str, scale: float, expected: float | str, tmp_path: Path) -> None:
    """Rounded, 15.65 and 15.51 tie."""
    column = truth("size", metric="params", unit="count", scale=scale)
    file = mapping(tmp_path, 'kind = "csv"', ARCHITECTURE, column)
    values, rejects = stored(file, table(tmp_path / "t.csv", ["arch", "size"], [(ONE, cell)]))
    if isinstance(expected, str):
        assert not values and expected in rejects[0]
    else:
        assert [*values.values()] == [expected] and not rejects


@pytest.mark.parametrize(
    ("cell", "decimal", "unit", "expected"),
    [
        ("93.12%", ".", "percent", 93.12),
        (" 93,12 % ", ",", "percent", 93.12),
        ("93.12%", ".", "fraction", "column 'acc' holds '93.12%', where a number is expected"),
        ("93.12%%", ".", "percent", "where a number is expected"),
        ("%", ".", "percent", "where a number is expected"),
    ],
)
def test_a_percent_sign_follows_what_is_declared_percent(
    cell: str, decimal: str, unit: str, expected: float | str, tmp_path: Path
) -> None:
    file = mapping(tmp_path, f'kind = "csv"\ndecimal = "{decimal}"', ARCHITECTURE, truth("acc", unit=unit))
    values, rejects = stored(file, table(tmp_path / "t.csv", ["arch", "acc"], [(ONE, cell)]))
    if isinstance(expected, str):
        assert not values and expected in rejects[0]
    else:
        assert [*values.values()] == [expected] and not rejects


def test_a_draft_reads_percent_signs(tmp_path: Path) -> None:
    rows = f"arch,test acc\n{ONE},93.12%\n{OTHER},9.5 %\n"
    values, text = read_by_draft(written(tmp_path / "t.csv", rows))
    assert [*values.values()] == [93.12, 9.5] and 'unit = "percent"' in text and "missing" not in text
