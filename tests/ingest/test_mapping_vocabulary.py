"""What a table mapping can say of other tables: levels of keys, metrics, cells that may lack, parts of a text."""

from __future__ import annotations

import collections
import json
import pickle
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather
from typer.testing import CliRunner

from pipeline import benchmarks, catalog
from pipeline.cli import app
from pipeline.errors import UserError
from pipeline.formats import tables
from pipeline.formats.tables import TableForm
from pipeline.ingest import mapped_table, mapping_check, mapping_draft
from pipeline.ingest import mapping as table_mapping
from pipeline.lake.store import Lake
from tests.fixtures import lake_content, nasbench201_files
from tests.fixtures import mapped_tables as fixtures

ONE, OTHER = nasbench201_files.topologies(2)
Values = dict[tuple[str, str, int | None], float | None]
"""Architecture, what was measured or the proxy, seed -> value."""

ARCHITECTURE = '[architecture]\ncolumn = "arch"\nencoding = "string"\n'


def truth(column: str = "acc", dataset: str = "cifar10", metric: str = "test_accuracy", **more: object) -> str:
    lines = {"column": column, "dataset": dataset, "metric": metric, "unit": "percent", **more}
    return "\n[[truth]]\n" + "".join(f"{name} = {_toml(value)}\n" for name, value in lines.items())


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f'"{name}" = {_toml(held)}' for name, held in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def mapping(tmp_path: Path, container: str, *more: str, top: str = "") -> Path:
    head = f'name = "mine"\nbenchmark = "nasbench201"\ndescription = "made up"\n{top}\n[container]\n{container}\n'
    return fixtures.mapping(tmp_path / "m.toml", *more, text=head)


def stored(file: Path, table: Path) -> tuple[Values, list[str]]:
    """The values that a table gives by its mapping, in which `check` finds the same faults as there are rejects."""
    values: Values = {}
    rejects: list[str] = []
    for batch in mapped_table.read(table_mapping.load(file), benchmarks.load("nasbench201"), table, {}):
        named = dict(zip(batch.architectures["arch_id"], batch.architectures["spec"], strict=True))
        cells = {arch_id: json.loads(spec)["cell"] for arch_id, spec in named.items()}
        for row in zip(*batch.truths.values(), strict=True):
            of = dict(zip(batch.truths, row, strict=True))
            key = cells[of["arch_id"]], f"{of['dataset']} {of['metric']}", of["seed"]
            assert key not in values
            values[key] = of["value"]
        for row in zip(*batch.scores.values(), strict=True):
            of = dict(zip(batch.scores, row, strict=True))
            key = cells[of["arch_id"]], of["proxy"], None
            assert key not in values
            values[key] = of["value"]
        rejects += batch.rejects["reason"]
    assert bool(mapping_check.check(file, table).faults) == bool(rejects)
    return values, rejects


def written(path: Path, content: object) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


KEYED = '[architecture]\ncolumn = "@key"\nencoding = "string"\n'
ACC = "cifar10 test_accuracy"


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
        (METRIC.replace("percent", "per cent"), "metric.1.unit: Input should be 'percent'"),
        (METRIC.replace("ninapro", " "), "metric.1.dataset: String should match"),
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


def test_names_of_files_and_folders_are_cells(tmp_path: Path) -> None:
    for dataset, seed, value in (("cifar10", 777, 90), ("cifar10", 888, 91), ("cifar100", 777, 60)):
        written(tmp_path / "runs" / dataset / f"net_seed{seed}.json", {"arch": ONE, "acc": value})
    section = EXTRACT.format('"@file"', r"net_seed(?P<seed>\d+)")
    container = 'kind = "json"\nlayout = "row"'
    column = truth(seed_column="seed", where={"@folder": "cifar10"})
    file = mapping(tmp_path, container, ARCHITECTURE, section, column)
    assert stored(file, tmp_path / "runs") == ({(ONE, ACC, 777): 90, (ONE, ACC, 888): 91}, [])


def _stream(path: Path) -> None:
    batch = pa.record_batch({"arch": [ONE, OTHER], "acc": pa.array([90, 91], pa.float16())})
    with pa.ipc.new_stream(str(path), batch.schema) as writer:
        writer.write_batch(batch)


def _packed(path: Path, text: str) -> None:
    with pa.CompressedOutputStream(str(path), "zstd") as stream:
        stream.write(text.encode())


def _saved(path: Path, array: Any = None, **arrays: Any) -> None:
    with path.open("wb") as stream:
        np.save(stream, array) if array is not None else np.savez_compressed(stream, **arrays)


def _database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute('CREATE TABLE "of it" (arch TEXT, r TEXT)')
        connection.execute("CREATE TABLE other (x)")
        connection.executemany('INSERT INTO "of it" VALUES (?, ?)', [(ONE, '{"acc": 90}'), (OTHER, '{"acc": 91}')])
    connection.close()


FORMS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    # the container; what writes the table; the column
    "lines before the header": (
        'kind = "csv"\nskip = 2\ncomment = "#"',
        lambda path: written(path, f"Results\n\n# of 2024\narch,acc\n{ONE},90\n# {OTHER},1\n{OTHER},91\n"),
        "acc",
    ),
    "a header of two lines": (
        'kind = "csv"\nheader = 2',
        lambda path: written(path, f",c10,,c100\narch,val,test,test\n{ONE},1,90,2\n{OTHER},1,91,2\n"),
        "c10.test",
    ),
    "pandas' header of two levels": (
        'kind = "csv"\nheader = 3',
        lambda path: written(path, f",c10,c10\n,val,test\narch,,\n{ONE},1,90\n{OTHER},1,91\n"),
        "c10.test",
    ),
    "JSON in a cell": (
        'kind = "csv"\nnested = ["arch", "of"]',
        lambda path: fixtures.table(
            path, ["arch", "of"], [(f'"{ONE}"', '{"acc": 90}'), (f"'{OTHER}'", "{'acc': 91, 'b': None}")]
        ),
        "of.acc",
    ),
    "Feather": (
        'kind = "arrow"',
        lambda path: feather.write_feather(pa.table({"arch": [ONE, OTHER], "acc": [90, 91]}), path),
        "acc",
    ),
    "a stream of Arrow": ('kind = "arrow"', _stream, "acc"),
    "npz": ('kind = "numpy"', lambda path: _saved(path, arch=[ONE, OTHER], acc=[90.0, 91.0], by=np.array("us")), "acc"),
    "a structured array": (
        'kind = "numpy"',
        lambda path: _saved(path, np.array([(ONE, 90), (OTHER, 91)], [("arch", "S99"), ("acc", "f2")])),
        "acc",
    ),
    "SQLite": ('kind = "sqlite"\ntable = "of it"\nnested = ["r"]', _database, "r.acc"),
    "zstd": (
        'kind = "csv"',
        lambda path: _packed(path, f"arch,acc\n{ONE},90\n{OTHER},91\n"),
        "acc",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_of_file(form: str, tmp_path: Path) -> None:
    container, write, column = FORMS[form]
    write(tmp_path / "table")
    file = mapping(tmp_path, container, ARCHITECTURE, truth(column))
    assert stored(file, tmp_path / "table") == ({(ONE, ACC, None): 90, (OTHER, ACC, None): 91}, [])


@pytest.mark.parametrize("form", ["lines before the header", "Feather", "a stream of Arrow", "npz", "zstd"])
def test_it_is_guessed(form: str, tmp_path: Path) -> None:
    FORMS[form][1](tmp_path / "table")
    mapping_draft.write(tmp_path / "table", tmp_path / "m.toml")
    values, rejects = stored(tmp_path / "m.toml", tmp_path / "table")
    assert not rejects and values == {(ONE, ACC, None): 90, (OTHER, ACC, None): 91}


def test_data_sets_above_many_architectures_are_guessed(tmp_path: Path) -> None:
    cells = nasbench201_files.topologies(400)
    entries = {cell: {"val_accuracy": 50 + place / 10, "snip": {"score": place}} for place, cell in enumerate(cells)}
    table = written(tmp_path / "t.json", {"cifar10": entries, "cifar100": dict([*entries.items()][:300])})
    mapping_draft.write(table, tmp_path / "m.toml")
    values, rejects = stored(tmp_path / "m.toml", table)
    assert not rejects and len(values) == 400 + 300 + 400
    assert values[cells[7], "cifar10-valid validation_accuracy", None] == 50.7
    assert values[cells[7], "cifar100 validation_accuracy", None] == 50.7 and values[cells[7], "snip", None] == 7


def test_a_column_of_another_split_is_no_test_accuracy(tmp_path: Path) -> None:
    content = {ONE: {"cifar10_val_acc": 90.5, "cifar10_acc": 91}, OTHER: {"cifar10_acc": 92}}
    mapping_draft.write(written(tmp_path / "t.json", content), tmp_path / "m.toml")
    values, _ = stored(tmp_path / "m.toml", tmp_path / "t.json")
    assert values == {
        (ONE, "cifar10-valid validation_accuracy", None): 90.5, (ONE, ACC, None): 91, (OTHER, ACC, None): 92
    }  # fmt: skip
    assert "GUESSED: that rows without the column were not measured" in (tmp_path / "m.toml").read_text()


@pytest.mark.parametrize(
    ("columns", "taken"),
    [
        ({"test_per": [0.2, 0.3], "test_acc": [90, 91]}, {"test_acc": None}),
        ({"val_loss_of": [0.2, 0.3], "test_bleu": [20, 21], "test": [90, 91]}, {"val_loss_of": None, "test": None}),
        ({"seed": [1, 1], "acc_1": [20, 21], "acc_12": [90, 91]}, {"acc_12": 12}),
        ({f"acc_{epoch}": [20, 21] for epoch in range(1, 9)}, {"acc_8": 8}),
        ({"acc_1": [90, 91], "acc_2": [90, 91]}, {"acc_1": None, "acc_2": None}),
    ],
)
def test_what_is_guessed_of_a_name(
    columns: dict[str, list[float]], taken: dict[str, int | None], tmp_path: Path
) -> None:
    text = mapping_draft.draft(written(tmp_path / "t.json", {"arch": [ONE, OTHER], **columns})).text
    (tmp_path / "m.toml").write_text(text)
    drafted = table_mapping.load(tmp_path / "m.toml")
    assert {truth.column: truth.epochs for truth in drafted.truth} == taken
    assert all(f"'{name}'" in text for name in columns.keys() - taken.keys() - {"seed"})


def test_a_time_says_its_unit(tmp_path: Path) -> None:
    header = ["arch", "edgegpu_latency", "raspi4_latency_ms", "fpga_latency_sec"]
    text = mapping_draft.draft(fixtures.table(tmp_path / "t.csv", header, [(ONE, 1.5, 2, 0.25)])).text
    (tmp_path / "m.toml").write_text(text)
    units = [truth.unit for truth in table_mapping.load(tmp_path / "m.toml").truth]
    assert units == ["milliseconds", "milliseconds", "seconds"] and text.count("does not name one, and milli") == 1


def test_arrays_that_python_2_pickled_are_read(tmp_path: Path) -> None:
    for accuracies in ([91.5, 60.3], [0.0, 2.0]):
        raw = np.array(accuracies).tobytes()
        head = (
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x02\x85cnumpy\ndtype\n"
        )
        kind = b"U\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x10"
        written(tmp_path / "t", b"\x80\x02}(U\x03accq\x01" + head + kind + raw + b"tbu.")
        assert tables.content_of(tmp_path / "t", TableForm("pickle"))["acc"].tolist() == accuracies  # type: ignore[index]


Genotype = collections.namedtuple("Genotype", ["arch", "concat"])


def test_an_object_that_is_made_of_parts_has_them_by_place(tmp_path: Path) -> None:
    table = written(tmp_path / "t", pickle.dumps([{"net": Genotype(ONE, (2, 3)), "acc": 90}]))
    container = f'kind = "pickle"\nclasses = ["{__name__}.Genotype"]'
    file = mapping(tmp_path, container, ARCHITECTURE.replace('"arch"', '"net.0"'), truth())
    assert stored(file, table) == ({(ONE, ACC, None): 90}, [])
