"""Lists in the text of a cell: which number is of which seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.mapped_tables import table
from tests.fixtures.stored_tables import ARCHITECTURE, ONE, mapping, stored, truth

Read = dict[int, float | None] | str
"""The values by their seeds, or why there are none."""
LISTS: dict[str, Read] = {
    "[91.2, , 90.5]": {1: 91.2, 2: None, 3: 90.5},
    "[91.2,,90.5]": {1: 91.2, 2: None, 3: 90.5},
    "[,1,2]": {1: None, 2: 1, 3: 2},
    "array([1., , 3.])": {1: 1, 2: None, 3: 3},
    "tensor([91.5, 90.5,])": {1: 91.5, 2: 90.5},
    "[91.5 90.5]": {1: 91.5, 2: 90.5},
    "[91.5, 90.5 89.5]": "holds '[91.5, 90.5 89.5]', where a list of numbers is expected",
}
COMMAS: dict[str, Read] = {
    "[93,12 94,10]": {1: 93.12, 2: 94.1},
    "[93,12; ; 94]": {1: 93.12, 2: None, 3: 94},
    "array([93,12 94,10])": {1: 93.12, 2: 94.1},
    "['93,12', '94,10']": {1: 93.12, 2: 94.1},
    "[]": {},
    "[93,12, 94,10]": "where decimals follow a comma and a list is written [93,12 94,10] or [93,12; 94,10]",
    "[93, 94]": "where decimals follow a comma and a list is written",
    "[93,94,95]": "where decimals follow a comma and a list is written",
    "(93,94)": "where decimals follow a comma and a list is written",
    "[93.12 94.10]": "holds '93.12', where decimals follow a comma",
}


def read(cell: str, container: str, tmp_path: Path) -> Read:
    file = mapping(tmp_path, f'kind = "csv"\n{container}', ARCHITECTURE, truth(each="seed"))
    values, rejects = stored(file, table(tmp_path / "t.csv", ["arch", "acc"], [(ONE, cell)]))
    return rejects[0] if rejects else {seed or 0: value for (_, _, seed), value in values.items()}


@pytest.mark.parametrize(
    ("cell", "container", "expected"),
    [*((c, "", e) for c, e in LISTS.items()), *((c, 'decimal = ","', e) for c, e in COMMAS.items())],
)
def test_each_number_of_a_list_is_of_its_own_seed(cell: str, container: str, expected: Read, tmp_path: Path) -> None:
    found = read(cell, container, tmp_path)
    assert found == expected or (isinstance(found, str) and isinstance(expected, str) and expected in found)
