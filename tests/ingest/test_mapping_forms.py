"""The forms in which tables are published: what a mapping makes of each, and that `init` guesses it."""

from __future__ import annotations

import collections
import csv
import io
import json
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from pipeline import benchmarks, provenance
from pipeline.cli import app
from pipeline.errors import NotThisFormError, UserError
from pipeline.formats import pickles, tables
from pipeline.formats.table_form import TableForm, Unreadable
from pipeline.ingest import mapped_table, mapping_check, mapping_draft
from pipeline.ingest import mapping as table_mapping
from pipeline.ingest.mapping import TableMapping
from tests.fixtures import lake_content, nasbench201_files
from tests.fixtures import mapped_tables as fixtures

CELLS = nasbench201_files.topologies(4)
ACCURACIES = [91.5, 60.25, 70.0, 88.125]
PAIRS = [*zip(CELLS, ACCURACIES, strict=True)]
FRAME = pd.DataFrame(
    [(cell, seed, value - seed) for seed in (7, 8) for cell, value in PAIRS], columns=["arch", "seed", "test_acc"]
)
Written = dict[tuple[str, int | None], float]
BOTH: Written = {(cell, seed): value - seed for seed in (7, 8) for cell, value in PAIRS}
ONE: Written = {(cell, None): value for cell, value in PAIRS}


def values(mapping: TableMapping, path: Path, *, curves: bool = False) -> list[dict[str, Any]]:
    """The rows of truth that a table gives, with the architecture in its own notation."""
    bench = benchmarks.load("nasbench201")
    rows = []
    for batch in mapped_table.read(mapping, bench, path, {}, curves=curves):
        assert not batch.rejects["reason"], batch.rejects["reason"]
        columns = batch.architectures
        notation = {a: json.loads(s)["cell"] for a, s in zip(columns["arch_id"], columns["spec"], strict=True)}
        rows += [
            dict(zip(batch.truths, row, strict=True)) | {"cell": notation[row[1]]}
            for row in zip(*batch.truths.values(), strict=True)
        ]
    return rows


def by_seed(rows: Sequence[dict[str, Any]]) -> Written:
    return {(row["cell"], row["seed"]): row["value"] for row in rows}


def guessed(path: Path) -> TableMapping:
    file = path.with_name("guessed.toml")
    mapping_draft.write(path, file, force=True)
    checked = mapping_check.check(file, path)
    assert not checked.faults, checked.faults
    return table_mapping.load(file)


def text(content: str) -> bytes:
    return content.encode()


def csv_text(rows: Sequence[Sequence[object]], delimiter: str = ",") -> bytes:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode()


def with_default() -> bytes:
    entries: Any = collections.defaultdict(dict)
    for cell, value in PAIRS:
        entries[cell]["acc"] = value
    return pickle.dumps(entries, protocol=2)


def torch_file() -> bytes:
    stream = io.BytesIO()
    torch.save({cell: {"acc": value} for cell, value in PAIRS}, stream)
    return stream.getvalue()


def two_pickles() -> bytes:
    return pickle.dumps({"version": 1, "columns": ["cell", "acc"]}) + pickle.dumps([list(pair) for pair in PAIRS])


FORMS: dict[str, tuple[Callable[[], bytes], Written]] = {
    "columns of lists": (lambda: pickle.dumps({"arch": CELLS, "acc": ACCURACIES, "note": "made up"}), ONE),
    "columns of arrays": (lambda: pickle.dumps({"arch": np.array(CELLS), "acc": np.array(ACCURACIES)}), ONE),
    "columns under keys": (
        lambda: pickle.dumps({"space": {"cifar10": {"test_acc": ACCURACIES, "config": [{"cell": c} for c in CELLS]}}}),
        ONE,
    ),
    "pandas columns": (lambda: text(FRAME.to_json()), BOTH),
    "pandas dictionary": (lambda: pickle.dumps(FRAME.to_dict()), BOTH),
    "pandas split": (lambda: text(FRAME.to_json(orient="split")), BOTH),
    "pandas table": (lambda: text(FRAME.to_json(orient="table", index=False)), BOTH),
    "JSON Lines": (lambda: text(FRAME.to_json(orient="records", lines=True)), BOTH),
    "a row per seed": (lambda: text(FRAME.to_csv(index=False)), BOTH),
    "lists": (lambda: text(json.dumps(PAIRS)), ONE),
    "lists under keys": (lambda: text(json.dumps({"rows": PAIRS, "columns": ["cell", "acc"]})), ONE),
    "no header": (lambda: csv_text(PAIRS), ONE),
    "comma as decimal": (
        lambda: csv_text([("arch", "acc"), *((c, f"{v:.3f}".replace(".", ",")) for c, v in PAIRS)], ";"),
        ONE,
    ),
    "errors": (lambda: csv_text([("arch", "test_error"), *((c, 100 - v) for c, v in PAIRS)]), ONE),
    "errors as fractions": (lambda: csv_text([("arch", "val_err"), *((c, (100 - v) / 100) for c, v in PAIRS)]), ONE),
    "a row per epoch": (
        lambda: csv_text([("arch", "epoch", "acc"), *((c, e, v - 5 + e) for c, v in PAIRS for e in range(1, 6))]),
        ONE,
    ),
    "a value per epoch": (
        lambda: text(json.dumps({c: {"test_acc": [v - 9 + e for e in range(10)]} for c, v in PAIRS})),
        ONE,
    ),
    "a default": (with_default, ONE),
    "torch": (torch_file, ONE),
    "two pickles": (two_pickles, ONE),
    "unicode and spaces": (lambda: csv_text([("Архитектура", "Test Acc. (%)"), *PAIRS]), ONE),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_published_form_is_guessed_and_read(form: str, tmp_path: Path) -> None:
    content, expected = FORMS[form]
    (tmp_path / "table.dat").write_bytes(content())
    mapping = guessed(tmp_path / "table.dat")
    stored = by_seed(values(mapping, tmp_path / "table.dat"))
    assert stored == pytest.approx(expected, rel=1e-12) and mapping.repeated is None
    if form.startswith("errors"):  # no noise of a subtraction: ties stay ties
        assert all(len(repr(value)) < 8 for value in stored.values())


@pytest.mark.parametrize(
    ("columns", "taken", "left"),
    [
        ({"test_acc": [[v, v - 1] for v in ACCURACIES], "mean_acc": ACCURACIES}, ["test_acc"], "mean_acc"),
        ({"mean_acc": ACCURACIES, "test_acc": [[v, v - 1] for v in ACCURACIES]}, ["test_acc"], "mean_acc"),
        ({"seed": [1] * 4, "acc": ACCURACIES, "best_acc": ACCURACIES}, ["acc"], "best_acc"),
        ({"val_acc_a": ACCURACIES, "val_acc_of_4": ACCURACIES}, ["val_acc_a"], "val_acc_of_4"),
    ],
)
def test_of_columns_that_measure_the_same_one_is_taken(
    columns: dict[str, list[Any]], taken: list[str], left: str, tmp_path: Path
) -> None:
    (tmp_path / "t").write_text(json.dumps({"arch": CELLS, **columns}))
    assert [truth.column for truth in guessed(tmp_path / "t").truth] == taken
    assert f"{left}': '{taken[0]}' measures the same" in (tmp_path / "guessed.toml").read_text()


def test_numbers_of_devices_and_guesses_are_no_seeds(tmp_path: Path) -> None:
    latencies = [f"{device}_latency" for device in ("edgegpu", "raspi4", "edgetpu", "pixel3", "eyeriss", "fpga")]
    columns = {"arch": CELLS, "acc_777": ACCURACIES, "acc_888": ACCURACIES, "top5_acc": ACCURACIES}
    (tmp_path / "t").write_text(json.dumps(columns | {name: [1.5, 2.5, 3.5, 4.5] for name in latencies}))
    mapping = guessed(tmp_path / "t")
    assert [(t.metric, t.seed) for t in mapping.truth] == [
        ("test_accuracy", 777), ("test_accuracy", 888), *((latency, None) for latency in latencies)
    ]  # fmt: skip


def test_rows_of_two_data_sets(tmp_path: Path) -> None:
    rows = [(c, d, v - less) for c, v in PAIRS for d, less in (("CIFAR-10", 0), ("cifar100", 20))]
    path = fixtures.table(tmp_path / "t.csv", ["arch", "dataset", "accuracy"], rows)
    mapping = guessed(path)
    stored = {(row["cell"], row["dataset"]): row["value"] for row in values(mapping, path)}
    assert stored == {(c, "cifar10" if less == "CIFAR-10" else less): v for c, less, v in rows}
    assert [dict(t.where) for t in mapping.truth] == [{"dataset": "CIFAR-10"}, {"dataset": "cifar100"}]


def test_curves_of_a_table_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps({c: {"test_acc": [v - 9 + e for e in range(10)]} for c, v in PAIRS}))
    rows = values(guessed(path), path, curves=True)
    [last, *epochs] = [row for row in rows if row["cell"] == CELLS[0]]
    assert (last["epoch"], last["epochs"], last["value"]) == (None, 10, 91.5)
    assert [(row["epoch"], row["value"]) for row in epochs] == [(e, 81.5 + e) for e in range(1, 11)]
    command = ["ingest", "nasbench201", str(path), "--mapping", str(tmp_path / "guessed.toml"), "--curves"]
    assert CliRunner().invoke(app, [*command, "--lake", str(tmp_path / "lake")]).exit_code == 0
    assert len(lake_content.rows(tmp_path / "lake", "truth")) == 4 * 11


MORE: dict[str, tuple[str, str, str, Sequence[Sequence[object]], str]] = {
    # what is added to the container, to the column of truth, to the top; the rows after the header; what is said
    "another seed": ("", 'seed_column = "seed"', "", [("A", "nine", 91.5)], "the seed in column 'seed' is 'nine'"),
    "twice": ("", 'seed_column = "seed"', "", [("A", 1, 91.5), ("A", 1, 92)], "the same architecture as in line 2"),
    "no such row": ("", 'where = {"seed" = "3"}', "", [("A", 1, 91.5)], "no row has 3 in column 'seed', which holds 1"),
    "no such column": ("", 'where = {"sed" = "3"}', "", [("A", 1, 91.5)], "unknown column of .*: did you mean seed"),
    "seeds twice": ("", 'seed = 1\nseed_column = "seed"', "", [("A", 1, 91.5)], "either 'seed' or 'each'"),
    "no error": ("", 'unit = "count"\ncomplement = true', "", [], "'complement' is for columns in percent or fraction"),
    "no layout": ('layout = "columns"', "", "", [], "'layout' is for json, pickle and torch, not for csv"),
    "two names": ('columns = ["a", "a"]', "", "", [], "'columns' has a name twice"),
    "another decimal": ('decimal = ","', "", "", [("A", 1, "1.234")], "holds '1.234', where decimals follow a comma"),
    "no pattern": ('members = "."', "", "", [], "'members' is no name of a file"),
    "no file": ("", "", 'files = ["a.csv", "."]', [], "'files' has one that is no name of a file"),
    "a delimiter that quotes": (
        "delimiter = '\"'",
        "",
        "",
        [],
        "'delimiter' is a character that ends or quotes a cell",
    ),
    "a delimiter that ends": ('delimiter = "\\n"', "", "", [], "'delimiter' is a character that ends or quotes"),
    "a word": ("", "", 'missing = ["OOM"]', [("A", 1, "crash")], "holds 'crash', where a number is expected"),
}


@pytest.mark.parametrize("case", MORE)
def test_what_cannot_be_is_one_line(case: str, tmp_path: Path) -> None:
    container, truth, top, rows, said = MORE[case]
    header = fixtures.MAPPING.replace('kind = "csv"', f'kind = "csv"\n{container}')
    column = fixtures.ACCURACY.replace('unit = "percent"', "") if "unit" in truth else fixtures.ACCURACY
    file = fixtures.mapping(tmp_path / "m.toml", column, truth, text=f"{top}\n{header}")
    path = fixtures.table(tmp_path / "t.csv", ["arch", "seed", "acc"], [(CELLS[0], *row[1:]) for row in rows])
    command = ["ingest", "nasbench201", str(path), "--mapping", str(file), "--lake", str(tmp_path / "lake")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1 and not (tmp_path / "lake").exists()
    with pytest.raises(UserError, match=said) as caught:
        mapping = table_mapping.load(file)
        [batch] = mapped_table.read(mapping, benchmarks.load("nasbench201"), path, {})
        raise UserError("; ".join(batch.rejects["reason"]))
    assert "\n" not in str(caught.value)
    assert mapping_check.check(file, path).faults


def test_a_table_without_rows_is_a_fault(tmp_path: Path) -> None:
    file = fixtures.mapping(tmp_path / "m.toml", fixtures.ACCURACY)
    [fault] = mapping_check.check(file, fixtures.table(tmp_path / "t.csv", ["arch", "acc"], [])).faults
    assert fault.what.endswith("t.csv holds no rows")


def test_texts_and_numbers_that_stand_for_a_failure(tmp_path: Path) -> None:
    top = 'missing = [-1, "OOM"]\n'
    file = fixtures.mapping(tmp_path / "m.toml", fixtures.ACCURACY, text=top + fixtures.MAPPING)
    cells = [(CELLS[0], "OOM"), (CELLS[1], -1), (CELLS[2], "nan"), (CELLS[3], "")]
    path = fixtures.table(tmp_path / "t.csv", ["arch", "acc"], cells)
    rows = values(table_mapping.load(file), path)
    assert [row["status"] for row in rows] == ["failed"] * 4
    assert [row["reason"].split()[-1] for row in rows] == ["'OOM'", "-1", "nan", "value"]


def test_scores_of_several_proxies_in_rows(tmp_path: Path) -> None:
    score = """
[[score]]
column = "value"
proxy = "{0}"
higher_is_better = true
where = {{ proxy = "{0}" }}
"""
    file = fixtures.mapping(tmp_path / "m.toml", score.format("synflow"), score.format("snip"))
    path = fixtures.table(
        tmp_path / "t.csv", ["arch", "proxy", "value"], [(c, p, v) for c, v in PAIRS for p in ("synflow", "snip")]
    )
    mapping = table_mapping.load(file)
    assert not mapping_check.check(file, path).faults
    [batch] = mapped_table.read(mapping, benchmarks.load("nasbench201"), path, {})
    assert not batch.rejects["reason"] and sorted(batch.scores["proxy"]) == ["snip"] * 4 + ["synflow"] * 4


def test_a_folder_with_a_file_for_each_architecture(tmp_path: Path) -> None:
    folder = tmp_path / "published"
    folder.mkdir()
    for number, (cell, value) in enumerate(PAIRS):
        (folder / f"net-{number}.json").write_text(json.dumps({"arch": cell, "acc": value}))
    (folder / "README.md").write_text("what this is")
    container = 'kind = "json"\nlayout = "row"\nmembers = "*.json"'
    text = fixtures.MAPPING.replace('kind = "csv"', container)
    file = fixtures.mapping(tmp_path / "m.toml", fixtures.ACCURACY, text=f'native_id = "@file"\n{text}')
    mapping = table_mapping.load(file)
    assert by_seed(values(mapping, folder)) == ONE
    assert not mapping_check.check(file, folder).faults
    command = ["ingest", "nasbench201", str(folder), "--mapping", str(file), "--lake", str(tmp_path / "lake")]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert {row["native_id"] for row in lake_content.rows(tmp_path / "lake", "architectures")} == {
        f"net-{number}" for number in range(4)
    }
    with pytest.raises(NotThisFormError, match=r"has no file \*.jsn"):
        list(tables.rows_of_folder(folder, TableForm("json", members="*.jsn")))
    with pytest.raises(NotThisFormError, match=r"README.md is not a JSON file"):
        list(tables.rows_of_folder(folder, TableForm("json")))


@pytest.mark.parametrize(
    ("content", "form", "said"),
    [
        ({"a": [1, 2], "b": [1]}, {"layout": "columns"}, "columns of equal length are expected.*it has a 2, b 1"),
        ({"a": [1, 2], "b": {"0": 1}}, {"layout": "columns"}, "all of them lists or all of them mappings"),
        ([1, 2], {"layout": "columns"}, "holds no column"),
        ([[1], [2]], {"root": ("7",)}, "item 7 of 2, counted from 0, does not exist"),
        ({"a": 3}, {"root": ("a",)}, "holds an int, where a mapping or a list of rows is expected"),
        ({"a": []}, {"root": ("a",)}, "holds an empty list"),
        ({"a": np.zeros(0)}, {"root": ("a",)}, "holds an empty list"),
    ],
)
def test_another_layout_is_one_line(content: object, form: Any, said: str, tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(pickle.dumps(content))
    with pytest.raises(NotThisFormError, match=said):
        list(tables.rows(tmp_path / "t", TableForm("pickle", **form)))


def test_a_key_that_a_column_lacks_is_a_row_without_that_cell(tmp_path: Path) -> None:
    columns = {"arch": {"0": "a"}, "acc": {"0": 50, "1": 60}, "about": {"author": "nobody"}}
    (tmp_path / "t").write_text(json.dumps(columns))
    rows = list(tables.rows(tmp_path / "t", TableForm("json", layout="columns")))
    assert rows == [("key 0", {"@key": "0", "arch": "a", "acc": 50}), ("key 1", {"@key": "1", "acc": 60})]


def test_a_row_of_another_width_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "t").write_text(json.dumps([["a", 1], ["b"]]))
    rows = list(tables.rows(tmp_path / "t", TableForm("json", columns=("x", "y"))))
    assert rows == [("item 1", {"x": "a", "y": 1}), ("item 2", Unreadable("1 cell where 2 columns are named"))]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (pickle.dumps(FRAME), "holds a table of pandas: .* to_parquet or to_csv"),
        (pickle.dumps({"a": torch.zeros(2)}), "tensors of torch"),
        (pickle.dumps(collections.Counter("ab")), "collections.Counter, .* name it in `classes`"),
        (b"\x80\x04\x8c\x08builtins\x8c\x04list\x93(ltR.", "not a whole pickle"),
        (pickle.dumps([1]) + b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "asks for os.system"),
        (pickle.dumps([1]) + b"\x80\x04]" + b"\x86" * 3, "not a whole pickle"),
    ],
)
def test_a_pickle_with_more_than_plain_data_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(NotThisFormError, match=said):
        list(tables.rows(tmp_path / "t", TableForm("pickle")))


def test_each_of_several_pickles_is_looked_at_for_shared_tuples(tmp_path: Path) -> None:
    doubled = b"\x80\x04)" + b"2\x86" * 40 + b"."
    for content in (doubled, pickle.dumps([1]) + doubled):
        (tmp_path / "t").write_bytes(content)
        with pytest.raises(NotThisFormError, match="a tuple that would have more than"):
            pickles.load_each_path(tmp_path / "t", {})


def test_what_a_mapping_decides_keeps_its_identity() -> None:
    known = {
        ("nasbench101", "naslib-zero-cost"): "5aa0bf8d84cb4983",
        ("nasbench201", "analog-nasbench"): "addd3dbf148447f0",
        ("nasbench201", "meco-seeds"): "dbc462a1d0e0186d",
    }
    for (benchmark, name), identity in known.items():
        mapping = table_mapping.find(benchmark, name)
        assert provenance.identity("source", 1, [mapping.deciding]) == identity
    other = mapping.model_copy(update={"container": mapping.container.model_copy(update={"layout": "columns"})})
    assert other.deciding != mapping.deciding


@pytest.mark.parametrize(
    ("content", "form", "said"),
    [
        ([[1, 2], [3, 4]], TableForm("json", layout="columns", columns=["a"]), "has 2 columns where 1 are named"),
        ([[1], [3]], TableForm("json", layout="columns", columns=["a", "b", "c"]), "2 columns where 3 are named"),
        ([[1]], TableForm("json", root=["9" * 5000]), "item 9{40} of 1, counted from 0, does not exist"),
        ([[1]], TableForm("json", root=["1"]), "item 1 of 1, counted from 0, does not exist"),
        ([[1]], TableForm("json", root=["-1"]), "there is no mapping where '-1' is looked for"),
    ],
)
def test_a_form_that_the_file_does_not_have(content: object, form: TableForm, said: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps(content))
    with pytest.raises(NotThisFormError, match=said):
        list(tables.rows(tmp_path / "t.json", form))
