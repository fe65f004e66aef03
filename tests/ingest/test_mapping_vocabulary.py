"""What a table mapping can say of other tables: levels of keys, metrics, cells that may lack, parts of a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, starmap
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline import catalog
from pipeline.cli import app
from pipeline.errors import UserError
from pipeline.ingest import mapping as table_mapping
from pipeline.ingest import mapping_check
from pipeline.ingest.mapping_sections import TruthColumn
from pipeline.lake.store import Lake
from tests.fixtures import lake_content, nasbench201_files
from tests.fixtures import mapped_tables as fixtures
from tests.fixtures.stored_tables import (
    ACC,
    ARCHITECTURE,
    KEYED,
    ONE,
    OTHER,
    mapping,
    stored,
    truth,
    written,
)


def test_data_sets_are_the_keys_above_the_architectures(tmp_path: Path) -> None:
    content = {"cifar10": {ONE: {"acc": 90.5, "p": {"score": 3}}, OTHER: {"acc": 91}}, "cifar100": {ONE: {"acc": 60}}}
    score = '[[score]]\ncolumn = "p.score"\nproxy = "snip"\nhigher_is_better = true\noptional = true\n'
    file = mapping(
        tmp_path, 'kind = "json"\nroot = ["*"]', KEYED, score, truth(where={"@1": "cifar10"}),
        truth(dataset="cifar100", where={"@1": "cifar100"}),
    )  # fmt: skip
    values, rejects = stored(file, written(tmp_path / "t.json", content))
    assert not rejects and values == {
        (ONE, ACC, None): 90.5, (OTHER, ACC, None): 91, (ONE, "cifar100 test_accuracy", None): 60,
        (ONE, "snip", None): 3,
    }  # fmt: skip


def test_what_is_beside_the_table_is_a_cell_and_what_is_none_a_fault(tmp_path: Path) -> None:
    content = [
        {"cell": ONE, "lr": 0.1, "trials": [{"seed": 0, "acc": 90.5}, {"seed": 1, "acc": 91}]},
        {"cell": OTHER, "lr": 0.1, "trials": [{"seed": 0, "acc": 80}]},
        {"cell": OTHER, "lr": 0.2, "trials": [{"seed": 0, "acc": 99}]},
        {"cell": OTHER},
        {"cell": OTHER, "trials": 3},
    ]
    named = '[architecture]\ncolumn = "@1.cell"\nencoding = "string"\n'
    file = mapping(
        tmp_path, 'kind = "json"\nroot = ["*", "trials"]', named, truth(seed_column="seed", where={"@1.lr": 0.1})
    )
    values, rejects = stored(file, written(tmp_path / "t.json", content))
    assert values == {(ONE, ACC, 0): 90.5, (ONE, ACC, 1): 91, (OTHER, ACC, 0): 80}
    assert "unknown key of t.json 'trials': known are cell" in rejects[0]
    assert "holds an int, where a mapping or a list of rows is expected" in rejects[1]


def test_a_row_for_each_data_set_stores_what_they_share_once(tmp_path: Path) -> None:
    rows = [(ONE, "a", 90, 7, 1e6), (ONE, "b", 60, 7, 1e6), (OTHER, "a", 80, 8, 2e6)]
    score = '[[score]]\ncolumn = "snip"\nproxy = "snip"\nhigher_is_better = true\n'
    size = truth("size", metric="params", unit="count")
    parts = [ARCHITECTURE, score, size, truth(where={"set": "a"}), truth(dataset="cifar100", where={"set": "b"})]
    expected = {
        (ONE, ACC, None): 90, (ONE, "cifar100 test_accuracy", None): 60, (OTHER, ACC, None): 80, (ONE, "snip", None): 7,
        (OTHER, "snip", None): 8, (ONE, "cifar10 params", None): 1e6, (OTHER, "cifar10 params", None): 2e6,
    }  # fmt: skip
    table = fixtures.table(tmp_path / "t.csv", ["arch", "set", "acc", "snip", "size"], rows)
    for top in ("", 'repeated = "mean"'):
        assert stored(mapping(tmp_path, 'kind = "csv"', *parts, top=top), table) == (expected, [])
    rows[1] = (*rows[1][:3], 9, 1e6)
    fixtures.table(table, ["arch", "set", "acc", "snip", "size"], rows)
    values, rejects = stored(mapping(tmp_path, 'kind = "csv"', *parts), table)
    assert rejects == ["the same architecture as in line 2, with other values"] and len(values) == 6
    values, rejects = stored(mapping(tmp_path, 'kind = "csv"', *parts, top='repeated = "mean"'), table)
    assert values == expected | {(ONE, "snip", None): 8} and not rejects


FIRST, SECOND = {(ONE, ACC, None): 90}, {(OTHER, ACC, None): 90}
NAN = float("nan")
OPTIONAL: dict[str, tuple[str, str, Sequence[Mapping[str, object]], Mapping[Any, Any] | str]] = {
    # what is said of the column, of the container; the rows; the values, or why there are none
    "absent": ("optional = true", "", [{"acc": 90}, {}], FIRST),
    "null": ("optional = true", "", [{"acc": 90}, {"acc": None}], FIRST),
    "blank": ("optional = true", "", [{"acc": " "}, {"acc": 90}], SECOND),
    "a failure": ("optional = true", "", [{"acc": 90}, {"acc": NAN}], FIRST | {(OTHER, ACC, None): None}),
    "not optional": ("", "", [{"acc": 90}, {}], "no 'acc' in this row"),
    "in no row": ("optional = true", "", [{"a": 90}, {}], "no row has anything in column 'acc'"),
    "rows of others": ('where = { of = "x" }', "", [{"of": "x", "acc": 90}, {"of": "y"}], FIRST),
    "a number": ("where = { lr = 0.1 }", "", [{"lr": "0.10", "acc": 90}, {"lr": 0.2, "acc": 1}], FIRST),
    "a truth value": ("where = { ok = true }", "", [{"ok": True, "acc": 90}, {"ok": False, "acc": 1}], FIRST),
    "its text": ("where = { ok = false }", "", [{"ok": "True", "acc": 1}, {"ok": "false", "acc": 90}], SECOND),
    "no such number": ("where = { lr = 3 }", "", [{"lr": 0.1, "acc": 90}], "no row has 3 in column 'lr', which holds"),
    "a list": (
        "where = { a = [1] }",
        "",
        [{"a": 1, "acc": 90}],
        "truth.1.where.a: a text, a number or a truth value is expected$",
    ),
    "thousands": ("", "thousands = ','", [{"acc": "1,0"}], "',' stands between thousands"),
    "no thousands": ("", "thousands = '.'", [], "'thousands' and 'decimal' are the same"),
}


@pytest.mark.parametrize("case", OPTIONAL)
def test_which_cells_count(case: str, tmp_path: Path) -> None:
    said, container, cells, expected = OPTIONAL[case]
    rows = [{"arch": arch, **held} for arch, held in zip((ONE, OTHER), cells, strict=False)]
    file = mapping(tmp_path, f'kind = "json"\n{container}', ARCHITECTURE, truth() + said)
    table = written(tmp_path / "t.json", rows)
    if isinstance(expected, str):
        with pytest.raises(UserError, match=expected):
            raise UserError("; ".join(stored(file, table)[1]))
        assert mapping_check.check(file, table).faults
    else:
        assert stored(file, table) == (expected, [])


METRIC = '[[metric]]\ndataset = "ninapro"\nmetric = "test_error"\nunit = "percent"\nhigher_is_better = false\n'


def ranked(lake: Path) -> list[tuple[Any, ...]]:
    sql = "SELECT dataset, metric, proxy, n, round(rho, 3) FROM correlations"
    return catalog.connect(Lake(lake)).execute(sql).fetchall()


def test_a_metric_of_another_data_set_is_declared_and_ranked(tmp_path: Path) -> None:
    cells = nasbench201_files.topologies(12)
    rows = [(cell, 10 + place, 100 - place) for place, cell in enumerate(cells)]
    table = fixtures.table(tmp_path / "t.csv", ["arch", "err", "snip"], rows)
    score = '[[score]]\ncolumn = "snip"\nproxy = "snip"\nhigher_is_better = true\n'
    file = mapping(tmp_path, 'kind = "csv"', ARCHITECTURE, METRIC, score, truth("err", "ninapro", "test_error"))
    command = ["ingest", "nasbench201", str(table), "--mapping", str(file), "--lake", str(tmp_path / "lake")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert ranked(tmp_path / "lake") == [("ninapro", "test_error", "snip@mine", 12, 1.0)]
    checked = mapping_check.check(file, table)
    assert not checked.faults and "ninapro test_error" in checked.preview[2]
    text = file.read_text().replace('name = "mine"', 'name = "other"').replace("better = false", "better = true")
    file.write_text(text)
    table.write_text(table.read_text() + f"{nasbench201_files.topologies(13)[-1]},50,50\n")
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert "ninapro test_error with higher_is_better = True, and the lake has it with False" in str(result.exception)
    assert len(lake_content.rows(tmp_path / "lake", "sources")) == 1


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (METRIC.replace("ninapro", "cifar10").replace("error", "accuracy"), "nasbench201 declares the metric cifar10"),
        (METRIC + METRIC, "it declares a metric twice"),
        (METRIC.replace("percent", "per cent"), "metric.1.unit: 'per cent' is not one of 'percent'"),
        (
            METRIC.replace("ninapro", " "),
            "metric.1.dataset: ' ' is not a string that neither begins nor ends with a space",
        ),
        (METRIC + "classes = 1\n", "metric.1.classes"),
        ('[[extract]]\ncolumn = "acc"\npattern = "(?P<acc>"\n', "'pattern' is no regular expression: missing \\)"),
        ('[[extract]]\ncolumn = "acc"\npattern = "([0-9]+)"\n', "'pattern' has no group with a name"),
    ],
)
def test_a_section_that_breaks_a_rule_is_one_line(section: str, said: str, tmp_path: Path) -> None:
    file = mapping(tmp_path, 'kind = "csv"', ARCHITECTURE, section, truth())
    table = fixtures.table(tmp_path / "t.csv", ["arch", "acc"], [(ONE, 90)])
    with pytest.raises(UserError, match=said):
        stored(file, table)
    assert mapping_check.check(file, table).faults


EXTRACT = "[[extract]]\ncolumn = {0}\npattern = '{1}'\n"


def test_parts_of_a_text_are_cells(tmp_path: Path) -> None:
    rows = [(ONE, "91.5 ± 0.2 %"), (OTHER, "60.1 +- 0.3 %"), (OTHER, "n/a")]
    table = fixtures.table(tmp_path / "t.csv", ["arch", "acc"], rows)
    section = EXTRACT.format('"acc"', r"(?P<acc>[\d.]+) (±|\+-) [\d.]+ %")
    values, rejects = stored(mapping(tmp_path, 'kind = "csv"', ARCHITECTURE, section, truth()), table)
    assert values == {(ONE, ACC, None): 91.5, (OTHER, ACC, None): 60.1}
    assert rejects == [r"column 'acc' holds 'n/a', which does not match (?P<acc>[\\d.]+) (±|\\+-) [\\d.]+ %"]
    absent = mapping(tmp_path, 'kind = "csv"', ARCHITECTURE, section.replace('n = "acc"', 'n = "ac"'), truth())
    assert stored(absent, table) == ({}, ["no 'ac' in this row"] * 3)


@pytest.mark.parametrize("again", [False, True])
def test_a_part_takes_the_place_of_no_other_cell(again: bool, tmp_path: Path) -> None:
    """Two columns name an architecture: which of them is meant is for the mapping to say."""
    table = fixtures.table(tmp_path / "t.csv", ["acc", "run" if again else "arch", "note"], [(90, f"{ONE} 1", OTHER)])
    first = EXTRACT.format('"run"', r"(?P<arch>\S+) \d") if again else ""
    file = mapping(
        tmp_path, 'kind = "csv"', ARCHITECTURE, first, EXTRACT.format('"note"', "(?P<arch>.+)"), truth()
    )  # fmt: skip
    assert stored(file, table) == ({}, ["the pattern for column 'note' names a part 'arch', as another cell is named"])


def test_names_of_files_and_folders_are_cells(tmp_path: Path) -> None:
    for dataset, seed, value in (("cifar10", 777, 90), ("cifar10", 888, 91), ("cifar100", 777, 60)):
        written(tmp_path / "runs" / dataset / f"net_seed{seed}.json", {"arch": ONE, "acc": value})
    section = EXTRACT.format('"@file"', r"net_seed(?P<seed>\d+)")
    container = 'kind = "json"\nlayout = "row"'
    column = truth(seed_column="seed", where={"@folder": "cifar10"})
    file = mapping(tmp_path, container, ARCHITECTURE, section, column)
    assert stored(file, tmp_path / "runs") == ({(ONE, ACC, 777): 90, (ONE, ACC, 888): 91}, [])


def may_state_the_same(one: TruthColumn, other: TruthColumn) -> bool:
    """The rule for two columns, as directly as it can be written."""
    if any(getattr(one, name) != getattr(other, name) for name in ("dataset", "metric", "epochs")):
        return False
    several = [truth.each == "seed" or truth.seed_column is not None for truth in (one, other)]
    none = [truth.seed is None and not of_several for truth, of_several in zip((one, other), several, strict=True)]
    if none[0] != none[1] or (one.seed != other.seed and not any(several)):
        return False
    return not any(str(held) != str(other.where[name]) for name, held in one.where.items() if name in other.where)


SEEDS: list[dict[str, Any]] = [{}, {"seed": 1}, {"seed": 2}, {"seed_column": "s"}, {"each": "seed"}, {"each": "epoch"}]
COLUMNS = st.builds(
    lambda seed, **rest: TruthColumn(column="a", dataset="d", unit="percent", **rest, **seed),
    seed=st.sampled_from(SEEDS), metric=st.sampled_from(["x", "y"]), epochs=st.sampled_from([None, 9]),
    where=st.dictionaries(st.sampled_from(["p", "q", "r"]), st.sampled_from([1, "1", 2, True, "b"])),
)  # fmt: skip


@hypothesis.given(st.lists(COLUMNS, max_size=5))
def test_of_many_columns_two_for_one_value_are_found_as_by_comparing_each_with_each(columns: list[TruthColumn]) -> None:
    assert table_mapping._clash(columns) == any(starmap(may_state_the_same, combinations(columns, 2)))
