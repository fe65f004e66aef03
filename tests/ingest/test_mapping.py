"""Recipes: what one may say, and what reading a table by one gives."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from pipeline import benchmarks
from pipeline.benchmarks.contract import arch_id_of
from pipeline.benchmarks.nasbench201 import BENCHMARK, architectures
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError, UserError
from pipeline.ingest import cells
from pipeline.ingest import mapped_table as _table
from pipeline.ingest import mapping as table_mapping
from tests.fixtures import analog_package, nasbench201_files
from tests.fixtures import mapped_tables as fixtures

CELLS = nasbench201_files.topologies(4)
CODES = {op: code for code, op in enumerate(architectures.OPERATIONS)}
BY_CODES = """
encoding = "codes"
positions = ["0-1", "0-2", "1-2", "0-3", "1-3", "2-3"]
codes = { 0 = "none", 1 = "skip_connect", 2 = "nor_conv_1x1", 3 = "nor_conv_3x3", 4 = "avg_pool_3x3" }
"""
SCORE = '\n[[score]]\ncolumn = "sf"\nproxy = "synflow"\nhigher_is_better = true\nseconds = "t"\n'


def ids(cells: list[str]) -> list[str]:
    return [arch_id_of("nasbench201", "topology", {"cell": c}) for c in cells]


def codes(cell: str) -> tuple[int, ...]:
    return tuple(CODES[o] for o in architectures.operations({"cell": cell}).values())


def read(mapping: Path, table: Path, known: dict[str, str] | None = None) -> SourceRows:
    """What a table that fits in one batch gives."""
    [batch] = _table.read(table_mapping.load(mapping), BENCHMARK, table, known or {})
    return batch


def changed(old: str, new: str, text: str = fixtures.MAPPING + fixtures.ACCURACY) -> str:
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'column = "acc"',
            'colum = "acc"',
            r"truth.1.column: it is missing; truth.1.colum: unknown field 'colum': did you mean column or seed_column",
        ),
        ('unit = "percent"', 'unit = "percent"\nunits = 3', "truth.1.units: unknown field 'units': did you mean unit"),
        (
            'unit = "percent"',
            'unit = "per cent"',
            "truth.1.unit: 'per cent' is not one of 'percent', 'fraction'",
        ),
        ('unit = "percent"', 'unit = "percent"\nepochs = 0', "truth.1.epochs"),
        ('unit = "percent"', 'unit = "percent"\nseed = 1\neach = "seed"', "truth.1: either 'seed' or 'each'"),
        (
            'name = "mine"',
            'name = "my own"',
            "name: 'my own' is not a name of lower-case letters, digits, . and -",
        ),
        ('encoding = "string"', 'encoding = "codes"', "architecture: encoding 'codes' needs 'positions'"),
        ('encoding = "string"', 'encoding = "fields"', "architecture: encoding 'fields' does not take 'column'"),
        ('encoding = "string"', 'encoding = "string"\nfields = { a = "b" }', "does not take 'fields'"),
        ('description = "made up"', 'description = "x"\ndistribution = "d"', "'distribution' and 'file' go together"),
        ("[[truth]]", fixtures.ACCURACY + "[[truth]]", "two columns for the same value"),
        (
            'kind = "csv"',
            'kind = "xlsx"',
            "container.kind: 'xlsx' is not one of 'csv', 'json', 'jsonl', 'pickle', 'parquet', 'torch', "
            "'arrow', 'numpy' or 'sqlite'",
        ),
        ("[[truth]]", "[[truth]", "is not TOML"),
    ],
)
def test_a_mapping_that_breaks_a_rule_says_where(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = fixtures.mapping(tmp_path / "r.toml", text=changed(old, new))
    with pytest.raises(UserError, match=said) as caught:
        table_mapping.load(path)
    assert str(caught.value).startswith(f"table mapping {path}")
    assert "\n" not in str(caught.value)


def test_a_mapping_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be read: No such file"):
        table_mapping.find("nasbench201", str(tmp_path / "none.toml"))
    with pytest.raises(UserError, match=r"unknown table mapping of nasbench201 'meco-seed': did you mean meco-seeds"):
        table_mapping.find("nasbench201", "meco-seed")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'dataset = "cifar10"',
            'dataset = "cifar-10"',
            r"unknown dataset of nasbench201 'cifar-10': did you mean cifar10.*mine",
        ),
        ('metric = "test_accuracy"', 'metric = "tst_accuracy"', "unknown metric of .*: did you mean test_accuracy"),
        ('unit = "percent"', 'unit = "seconds"', "'acc' is in seconds, but test_accuracy is in percent"),
        (
            'benchmark = "nasbench201"',
            'benchmark = "nasbench201"\nspace = "sise"',
            "unknown space .*: did you mean size",
        ),
        ('column = "acc"', 'column = "accu"', "unknown column of .*'accu': did you mean acc"),
    ],
)
def test_a_mapping_that_does_not_fit_says_what_would(tmp_path: Path, old: str, new: str, said: str) -> None:
    mapping = fixtures.mapping(tmp_path / "r.toml", text=changed(old, new))
    with pytest.raises(UserError, match=said):
        read(mapping, fixtures.accuracies(tmp_path / "t.csv"))


@pytest.mark.parametrize("mark", [";", "\t"])
def test_a_table_of_another_delimiter_is_told_so(tmp_path: Path, mark: str) -> None:
    path = fixtures.table(tmp_path / "t.csv", ["arch", "acc"], [("a", 60), ("b", 61)], delimiter=mark)
    mapping = fixtures.mapping(tmp_path / "m.toml", fixtures.ACCURACY)
    with pytest.raises(
        UserError, match=r"t.csv has one column, 'arch.*acc': is it delimited by '.*'\? .delimiter of .cont"
    ):
        read(mapping, path)


def test_every_shipped_mapping_is_sound_and_named_once() -> None:
    shipped = table_mapping.shipped()
    assert len({(r.benchmark, r.name) for r in shipped}) == len(shipped) > 0
    for mapping in shipped:
        benchmark = benchmarks.load(mapping.benchmark)
        for truth in mapping.truth:
            benchmark.metric(truth.dataset, truth.metric)
        assert mapping.files
        assert mapping.licence
        assert table_mapping.shipped_as(mapping.benchmark, mapping.name) == mapping
    proxies = [(r.benchmark, f"{s.proxy}@{r.released_by}") for r in shipped for s in r.score]
    assert len(set(proxies)) == len(proxies)


def test_architectures_as_notation_codes_and_fields(tmp_path: Path) -> None:
    head = fixtures.MAPPING.replace('encoding = "string"', "")
    edges = architectures.EDGES
    for encoding, header, cell in (
        ('encoding = "string"', ["arch"], lambda c: [f" {c} "]),
        (BY_CODES, ["arch"], lambda c: [codes(c)]),
        (BY_CODES, ["arch"], lambda c: [str(list(codes(c)))]),
    ):
        mapping = fixtures.mapping(tmp_path / "r.toml", encoding, fixtures.ACCURACY, text=head)
        table = fixtures.table(tmp_path / "t.csv", [*header, "acc"], [[*cell(c), 60] for c in CELLS])
        assert read(mapping, table).truths["arch_id"] == ids(CELLS)
    fields = ", ".join(f'"{e}" = "edge {e}"' for e in edges)
    text = head.replace('column = "arch"\n', f'encoding = "fields"\nfields = {{ {fields} }}\n') + fixtures.ACCURACY
    rows = [[*architectures.operations({"cell": c}).values(), 60] for c in CELLS]
    table = fixtures.table(tmp_path / "t.csv", [*(f"edge {e}" for e in edges), "acc"], rows)
    assert read(fixtures.mapping(tmp_path / "r.toml", text=text), table).truths["arch_id"] == ids(CELLS)


def test_architectures_by_number_are_looked_up(tmp_path: Path) -> None:
    text = changed('encoding = "string"', 'encoding = "index"')
    mapping = fixtures.mapping(tmp_path / "r.toml", text=text)
    table = fixtures.table(tmp_path / "t.csv", ["arch", "acc"], [["7", 60], ["8", 61], ["9", 62]])
    batch = read(mapping, table, {"7": "aa", "9": "bb"})
    assert batch.truths["arch_id"] == ["aa", "bb"]
    assert batch.rejects["position"] == ["line 3"]
    assert "with index 8" in batch.rejects["reason"][0]


def test_a_second_notation_guards_against_a_wrong_mapping(tmp_path: Path) -> None:
    check = '\n[check]\ncolumn = "name"\nencoding = "string"\n'
    text = fixtures.MAPPING.replace('encoding = "string"', BY_CODES)
    table = fixtures.table(
        tmp_path / "t.csv",
        ["arch", "name", "acc"],
        [[codes(c), c, 60] for c in CELLS[:3]] + [[codes(CELLS[3]), CELLS[0], 60]],
    )
    batch = read(fixtures.mapping(tmp_path / "r.toml", check, fixtures.ACCURACY, text=text), table)
    assert batch.truths["arch_id"] == ids(CELLS[:3])
    assert batch.architectures["arch_id"] == ids(CELLS[:3])
    assert "'arch' and 'name' name two architectures" in batch.rejects["reason"][0]
    swapped = text.replace('1 = "skip_connect"', '1 = "avg_pool_3x3"').replace(
        '4 = "avg_pool_3x3"', '4 = "skip_connect"'
    )
    batch = read(fixtures.mapping(tmp_path / "r.toml", check, fixtures.ACCURACY, text=swapped), table)
    assert len(batch.rejects["reason"]) > 1


@pytest.mark.parametrize(
    ("unit", "more", "cell", "stored"),
    [
        ("percent", "", "93.5", 93.5),
        ("fraction", "", "0.5", 50.0),
        ("fraction", "scale = 0.001", "500", 50.0),
        ("percent", "scale = 0.1", "935", 93.5),
    ],
)
def test_values_come_to_the_metrics_unit(tmp_path: Path, unit: str, more: str, cell: str, stored: float) -> None:
    text = changed('unit = "percent"', f'unit = "{unit}"\n{more}')
    table = fixtures.table(tmp_path / "t.csv", ["arch", "acc"], [[CELLS[0], cell]])
    assert read(fixtures.mapping(tmp_path / "r.toml", text=text), table).truths["value"] == [pytest.approx(stored)]


def test_millions_become_a_whole_count(tmp_path: Path) -> None:
    text = changed('metric = "test_accuracy"\nunit = "percent"', 'metric = "params"\nunit = "count"\nscale = 1e6')
    table = fixtures.table(tmp_path / "t.csv", ["arch", "acc"], [[CELLS[0], "1.531546"]])
    assert read(fixtures.mapping(tmp_path / "r.toml", text=text), table).truths["value"] == [1_531_546.0]


def test_what_is_no_number_is_a_failure_and_what_is_no_value_a_reject(tmp_path: Path) -> None:
    cells = nasbench201_files.topologies(8)
    text = "missing = [-1e8]\n" + fixtures.MAPPING + SCORE
    said = ["1.5", "", "nan", "-inf", "-1e8", "-100000000.0", "n/a", "high"]
    table = fixtures.table(
        tmp_path / "t.csv", ["arch", "sf", "t"], [[c, s, 0.1] for c, s in zip(cells, said, strict=True)]
    )
    batch = read(fixtures.mapping(tmp_path / "r.toml", text=text), table)
    assert batch.scores["value"] == [1.5, *[None] * 6]
    assert batch.scores["status"] == ["ok", *["failed"] * 6]
    assert batch.scores["reason"] == [
        None, "the source has no value", "the source says nan", "the source says -inf",
        "the source marks a failure with -1e+08", "the source marks a failure with -1e+08", "the source has no value",
    ]  # fmt: skip
    assert batch.scores["seconds"] == [0.1] * 7
    assert batch.rejects["reason"] == ["column 'sf' holds 'high', where a number is expected"]


def test_nan_in_json_is_a_failure_and_a_list_has_a_value_per_seed(tmp_path: Path) -> None:
    text = fixtures.MAPPING.replace('"csv"', '"json"').replace('"arch"', '"@key"')
    text += fixtures.ACCURACY.replace('"acc"', '"@value"') + 'each = "seed"\n'
    table = tmp_path / "t.json"
    table.write_text(json.dumps({CELLS[0]: [90.0, float("nan"), 92], CELLS[1]: [91.0], CELLS[2]: []}))
    batch = read(fixtures.mapping(tmp_path / "r.toml", text=text), table)
    assert list(zip(batch.truths["arch_id"], batch.truths["seed"], batch.truths["value"], strict=True)) == [
        (ids(CELLS)[0], 1, 90.0), (ids(CELLS)[0], 2, None), (ids(CELLS)[0], 3, 92.0), (ids(CELLS)[1], 1, 91.0),
    ]  # fmt: skip


def test_objects_of_a_pickle_are_read_by_attribute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = analog_package.install(tmp_path / "site", monkeypatch)
    [batch] = _table.read(table_mapping.find("nasbench201", "analog-nasbench"), BENCHMARK, path, {})
    assert len(batch.truths["value"]) == 4 * 21
    assert not batch.rejects["reason"]
    text = (benchmarks.folders()[0] / "nasbench201" / "mappings" / "analog-nasbench.toml").read_text()
    mapping = fixtures.mapping(tmp_path / "r.toml", text=text.replace(', "analognasbench.data.DriftMeasurement"', ""))
    with pytest.raises(NotThisFormError, match=r"asks for analognasbench.data.DriftMeasurement"):
        read(mapping, path)


@pytest.mark.parametrize(
    ("acc", "said"),
    [("101", "holds 101, which is no percent"), ("-1", "holds -1, which is no percent"), ("True", "where a number")],
)
def test_a_value_outside_its_unit_is_a_reject(tmp_path: Path, acc: str, said: str) -> None:
    table = fixtures.table(tmp_path / "t.csv", ["arch", "acc"], [[CELLS[0], 60], [CELLS[1], acc]])
    batch = read(fixtures.mapping(tmp_path / "r.toml", fixtures.ACCURACY), table)
    assert batch.rejects["position"] == ["line 3"]
    assert said in batch.rejects["reason"][0]
    assert batch.rejects["excerpt"] == [f"arch={CELLS[1]}, acc={acc}"]


def test_fractions_that_are_called_percent_are_found_out(tmp_path: Path) -> None:
    table = fixtures.table(tmp_path / "t.csv", ["arch", "acc"], [[c, 0.1 * i] for i, c in enumerate(CELLS)])
    with pytest.raises(UserError, match=r"'acc' is declared percent, and its largest value is 0.3: is it a fraction"):
        mapping = table_mapping.load(fixtures.mapping(tmp_path / "r.toml", fixtures.ACCURACY))
        list(_table.read(mapping, BENCHMARK, table, {}))


def test_the_same_architecture_with_other_values_is_a_reject(tmp_path: Path) -> None:
    rows: list[list[object]] = [[CELLS[0], 60], [CELLS[1], 61], [CELLS[0], "60.0"], [CELLS[0], 62]]
    table = fixtures.table(tmp_path / "t.csv", ["arch", "acc"], rows)
    batch = read(fixtures.mapping(tmp_path / "r.toml", fixtures.ACCURACY), table)
    assert batch.truths["value"] == [60.0, 61.0]
    assert batch.rejects["position"] == ["line 5"]
    assert batch.rejects["reason"] == ["the same architecture as in line 2, with other values"]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("(0, 1, 2)", "3 codes where 6"),
        ("(0, 1, 2, 3, 4, 5)", "code 5; known are 0, 1"),
        ("__import__('os')", "a list is expected"),
        ("0", "a list is expected"),
        ("{1: 2}", "a list is expected"),
    ],
)
def test_a_cell_that_holds_no_codes_is_a_reject(tmp_path: Path, cell: str, said: str) -> None:
    mapping = fixtures.mapping(
        tmp_path / "r.toml", fixtures.ACCURACY, text=fixtures.MAPPING.replace('encoding = "string"', BY_CODES)
    )
    batch = read(mapping, fixtures.table(tmp_path / "t.csv", ["arch", "acc"], [[cell, 60]]))
    assert said in batch.rejects["reason"][0]


def test_a_row_that_lacks_a_field_is_a_reject(tmp_path: Path) -> None:
    table = tmp_path / "t.json"
    table.write_text(json.dumps([{"arch": CELLS[0], "acc": 60}, {"arch": CELLS[1]}]))
    mapping = fixtures.mapping(tmp_path / "r.toml", fixtures.ACCURACY, text=fixtures.MAPPING.replace('"csv"', '"json"'))
    assert read(mapping, table).rejects["reason"] == ["no 'acc' in this row"]


def test_long_tables_come_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_table, "_BATCH_ROWS", 3)
    mapping = table_mapping.load(fixtures.mapping(tmp_path / "r.toml", fixtures.ACCURACY))
    batches = list(_table.read(mapping, BENCHMARK, fixtures.accuracies(tmp_path / "t.csv", 8), {}))
    assert [len(b.truths["value"]) for b in batches] == [3, 3, 2]


def test_native_numbers_as_whole_numbers(tmp_path: Path) -> None:
    text = 'native_id = "n"\n' + fixtures.MAPPING.replace('"csv"', '"pickle"') + fixtures.ACCURACY
    table = tmp_path / "t.p"
    entries: list[dict[str, Any]] = [
        {"arch": c, "acc": 60, "n": n} for c, n in zip(CELLS, [0, 1.0, "2", 3], strict=True)
    ]
    table.write_bytes(pickle.dumps(entries))
    assert read(fixtures.mapping(tmp_path / "r.toml", text=text), table).architectures["native_id"] == [
        "0",
        "1",
        "2",
        "3",
    ]


def test_long_names_are_cut_in_messages(tmp_path: Path) -> None:
    long = "c" * 700
    with pytest.raises(UserError, match=rf"^column '{'c' * 100}\.\.\.' holds 'x', where a number is expected"):
        cells.number_of("x", long)
    for text in (changed("nasbench201", long), changed('unit = "percent"', f'unit = "percent"\n{long} = 1')):
        path = fixtures.mapping(tmp_path / "r.toml", text=text)
        with pytest.raises(UserError, match=rf"{'c' * 60}\.\.\.") as caught:
            table_mapping.find("nasbench201", str(path))
        assert len(str(caught.value)) - len(str(path)) < 500
