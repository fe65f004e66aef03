"""`pipeline mapping check`: every fault at once, each with its line and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.ingest import mapping_check
from tests.fixtures import mapped_tables as fixtures
from tests.fixtures import nasbench201_files

CELLS = nasbench201_files.topologies(3)
HEAD = """\
name = "mine"
benchmark = "nasbench201"
description = "made up"
[container]
kind = "csv"
"""
BY_CODES = """\
[architecture]
column = "ops"
encoding = "codes"
positions = ["0-1", "0-2", "1-2", "0-3", "1-3", "2-3"]
codes = { 0 = "none", 1 = "skip_connect", 2 = "nor_conv_1x1", 3 = "nor_conv_3x3", 4 = "avg_pool_3x3" }
"""
STRING = '[architecture]\ncolumn = "arch"\nencoding = "string"\n'
ACC = '[[truth]]\ncolumn = "acc"\ndataset = "cifar10"\nmetric = "test_accuracy"\nunit = "percent"\n'
PARAMS = '[[truth]]\ncolumn = "params"\ndataset = "cifar10"\nmetric = "params"\nunit = "count"\n'
SCORE = '[[score]]\ncolumn = "sf"\nproxy = "synflow"\nhigher_is_better = true\n'


def checked(tmp_path: Path, mapping: str, rows: list[list[object]] | None = None) -> mapping_check.MappingCheck:
    (tmp_path / "m.toml").write_text(mapping)
    given = rows or [[cell, "0-1-2-3-4-0", 90 + n, 0.5 + n / 10, 1e5, n] for n, cell in enumerate(CELLS)]
    return mapping_check.check(
        tmp_path / "m.toml", fixtures.table(tmp_path / "t.csv", ["arch", "ops", "acc", "frac", "params", "sf"], given)
    )


def test_a_mapping_with_five_faults_names_five(tmp_path: Path) -> None:
    mapping = HEAD + BY_CODES + ACC + PARAMS + SCORE
    for old, new in (
        ('"avg_pool_3x3"', '"avg_pool_5x5"'),  # line 10
        ('column = "acc"', 'column = "frac"'),  # line 15: percent, but fractions
        ('metric = "params"', 'metric = "parms"'),  # line 19
        ('unit = "count"', 'units = "count"'),  # line 20
        ('column = "sf"', 'column = "sfl"'),  # line 22
    ):
        assert old in mapping
        mapping = mapping.replace(old, new)
    faults = checked(tmp_path, mapping).faults
    assert [(f.line, f.what.split("; ")[0]) for f in faults] == [
        (10, "architecture: code 4: unknown operation 'avg_pool_5x5'"),
        (15, "column 'frac' is declared percent, and its largest value is 0.7"),
        (19, "unknown metric of nasbench201 on cifar10 'parms'"),
        (20, "truth.2.units is no field of a table mapping"),
        (22, f"unknown column of {tmp_path / 't.csv'} 'sfl'"),
    ]
    assert [f.remedy for f in faults] == [
        "did you mean avg_pool_3x3?", 'if it is a fraction, say unit = "fraction"', "did you mean params?",
        "did you mean unit?", "did you mean sf?",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mapping", "line", "what"),
    [
        (HEAD.replace("nasbench201", "nasbench21") + STRING + ACC, 2, "unknown benchmark 'nasbench21'"),
        (
            HEAD.replace("[container]", 'space = "topolgy"\n[container]') + STRING + ACC,
            4,
            "unknown space of nasbench201",
        ),
        (HEAD + STRING + ACC.replace("cifar10", "cifar11"), 11, "unknown dataset of nasbench201 'cifar11'"),
        (HEAD + STRING + ACC.replace("percent", "count"), 13, "is in count, but test_accuracy is in percent"),
        (
            HEAD + STRING + ACC.replace("percent", "per cent"),
            13,
            "truth.1.unit: 'per cent' is not one of 'percent'",
        ),
        (HEAD + STRING + ACC.replace('"percent"', '["percent"]'), 13, "truth.1.unit: ['percent'] is not one of"),
        (HEAD + STRING + PARAMS.replace("count", "fraction"), 13, "is in fraction, but params is in count"),
        (HEAD + STRING.replace('"arch"', '"ops"') + ACC, 6, "line 2 (and 2 more): architecture '0-1-2-3-4-0'"),
        (HEAD + BY_CODES.replace("4 = ", "5 = ") + ACC, 10, "line 2: column 'ops' holds the code '4'"),
        (HEAD + BY_CODES.replace('"0-1"', '"0-7"') + ACC, 9, "architecture: the benchmark has no part '0-7'"),
        (HEAD + BY_CODES.replace('"0-1"', '"0-7"') + ACC, 9, "architecture: the part 0-1 is missing"),
        (HEAD + STRING, 1, "no column is taken"),
        (HEAD + STRING.replace("string", "words") + ACC.replace('acc"', 'ac"'), 10, "unknown column of"),
        (
            HEAD.replace('kind = "csv"', 'kind = "xlsx"') + STRING + ACC,
            5,
            "container.kind: 'xlsx' is not one of 'csv'",
        ),
        (HEAD.replace('name = "mine"\n', "") + STRING + ACC, 1, "name is missing"),
        (HEAD + STRING + ACC + ACC, 1, "two columns for the same value"),
        (HEAD + STRING + SCORE.replace('"sf"', '"arch"'), 9, "where a number is expected"),
        (HEAD + STRING + ACC.replace('column = "acc"', 'column = "params"'), 13, "holds 100000, which is no percent"),
    ],
)
def test_a_fault_has_its_line(tmp_path: Path, mapping: str, line: int, what: str) -> None:
    faults = checked(tmp_path, mapping).faults
    assert any(fault.line == line and what in fault.what for fault in faults), faults
    assert all("\n" not in f"{fault.what}{fault.remedy}" and fault.remedy for fault in faults)


def test_rows_that_contradict_one_another_are_told_with_the_remedy(tmp_path: Path) -> None:
    rows: list[list[object]] = [[CELLS[0], "x", 90, 0, 1, 1], [CELLS[0], "x", 91, 0, 1, 1]]
    [fault] = checked(tmp_path, HEAD + STRING + ACC, rows).faults
    assert "the same architecture as in line 2, with other values" in fault.what and "repeated" in fault.remedy
    assert not checked(tmp_path, HEAD.replace("[c", 'repeated = "mean"\n[c') + STRING + ACC, rows).faults


def test_what_is_previewed_is_in_the_units_of_the_benchmark(tmp_path: Path) -> None:
    mapping = HEAD + STRING + ACC.replace('"acc"', '"frac"').replace("percent", "fraction") + SCORE
    result = checked(tmp_path, mapping)
    assert not result.faults and (result.rows, result.benchmark) == (3, "nasbench201")
    assert [line.split()[5:] for line in result.preview[2:3]] == [["-", "50", "percent"]]
    assert [line.split()[3:] for line in result.preview[3:4]] == [["synflow", "-", "0"]]


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not TOML"):
        checked(tmp_path, "name = ")
    (tmp_path / "m.toml").write_text(HEAD + STRING + ACC)
    with pytest.raises(UserError, match=r"none\.csv"):
        mapping_check.check(tmp_path / "m.toml", tmp_path / "none.csv")
