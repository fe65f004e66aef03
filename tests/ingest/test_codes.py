"""Codes of operations: what a code means, however the cell writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.ingest import mapping_check
from tests.fixtures.stored_tables import ACC, mapping, stored, truth, written

PARTS = ("0-1", "0-2", "1-2", "0-3", "1-3", "2-3")
CODES = 'codes = { 0 = "none", 1 = "nor_conv_1x1", 2 = "skip_connect", "0-2=1" = "nor_conv_3x3" }\n'
FIELDS = ", ".join(f'"{part}" = "e{place}"' for place, part in enumerate(PARTS, 1))
BY_FIELDS = f'[architecture]\nencoding = "fields"\nfields = {{ {FIELDS} }}\n{CODES}'
BY_CODES = f'[architecture]\ncolumn = "ops"\nencoding = "codes"\npositions = {list(PARTS)}\n{CODES}'
CELL = "|none~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|none~1|none~2|"
"""What the codes 0, 1, 0, 2, 0, 0 stand for: a 1 from node 0 to node 2 has a meaning of its own."""


@pytest.mark.parametrize("code", [1, 1.0, "1", " 1", "1 "])
def test_what_a_code_means_for_one_part_holds_however_it_is_written(code: object, tmp_path: Path) -> None:
    row = {"e1": 0, "e2": code, "e3": 0, "e4": 2, "e5": 0, "e6": 0, "ops": [0, code, 0, 2, 0, 0], "acc": 91}
    table = written(tmp_path / "t.json", [row])
    for notation in (BY_FIELDS, BY_CODES):
        assert stored(mapping(tmp_path, 'kind = "json"', notation, truth()), table) == ({(CELL, ACC, None): 91}, [])


def test_a_blank_before_a_code_makes_no_other_architecture(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", "e1,e2,e3,e4,e5,e6,acc\n0,1,0,2,0,0,91\n0, 1,0,2,0,0,92\n")
    values, rejects = stored(mapping(tmp_path, 'kind = "csv"', BY_FIELDS, truth()), table)
    assert values == {(CELL, ACC, None): 91} and rejects == ["the same architecture as in line 2, with other values"]


def test_a_code_that_has_a_meaning_for_another_part_alone_is_a_fault_of_the_check_too(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", 'ops,acc\n"[0., 3., 0., 2., 0., 0.]",91\n"[3, 0, 0, 0, 0, 0]",92\n')
    file = mapping(tmp_path, 'kind = "csv"', BY_CODES.replace("0-2=1", "0-2=3"), truth())
    values, rejects = stored(file, table)
    assert values == {(CELL, ACC, None): 91} and "holds the code 3; known are" in rejects[0]
    assert "line 3: column 'ops' holds the code 3" in mapping_check.check(file, table).faults[0].what


NAMED = 'codes = { none = "none", skip = "skip_connect", nor_conv_3x3 = "nor_conv_3x3" }\n'


@pytest.mark.parametrize("cell", ["{}", " {} ", "{},"])
def test_a_comma_may_stand_between_codes(cell: str, tmp_path: Path) -> None:
    table = written(tmp_path / "t.json", [{"ops": cell.format("none,nor_conv_3x3, none,skip,none,none"), "acc": 91}])
    file = mapping(tmp_path, 'kind = "json"', BY_CODES.replace(CODES, NAMED), truth())
    assert stored(file, table) == ({(CELL, ACC, None): 91}, [])


@pytest.mark.parametrize("cell", ["none,,none,skip,none,none,none", "none,skip"])
def test_a_code_that_is_left_out_moves_no_other_up(cell: str, tmp_path: Path) -> None:
    table = written(tmp_path / "t.json", [{"ops": cell, "acc": 91}])
    values, rejects = stored(mapping(tmp_path, 'kind = "json"', BY_CODES.replace(CODES, NAMED), truth()), table)
    assert not values and ("a list is expected" in rejects[0] or "2 codes where 6 are expected" in rejects[0])
