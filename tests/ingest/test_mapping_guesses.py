"""What `pipeline mapping init` makes of tables as they are published, and of the names of their columns."""

from __future__ import annotations

import collections
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import UserError
from pipeline.formats import tables
from pipeline.formats.table_form import TableForm
from pipeline.ingest import mapping as table_mapping
from pipeline.ingest import mapping_check, mapping_draft
from pipeline.ingest.cells import list_of, listed_codes
from tests.fixtures import mapped_tables as fixtures
from tests.fixtures import nasbench201_files
from tests.fixtures.stored_tables import (
    ACC,
    ARCHITECTURE,
    BOTH,
    ONE,
    OTHER,
    THIRD,
    Values,
    mapping,
    stored,
    truth,
    written,
)
from tests.ingest.test_mapping_containers import FORMS


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


@pytest.mark.parametrize(("flags", "taken"), [([1, 0, 1, 1, 0, 1], False), ([1] * 6, False), ([0.5, *[1] * 5], True)])
def test_a_column_of_0_and_1_is_a_flag(flags: list[float], taken: bool, tmp_path: Path) -> None:
    rows = [(cell, 90 + flag, flag) for cell, flag in zip(nasbench201_files.topologies(6), flags, strict=True)]
    text = mapping_draft.draft(fixtures.table(tmp_path / "t.csv", ["arch", "test_acc", "valid"], rows)).text
    assert ('column = "valid"' in text) == taken == ("as a flag does" not in text) and 'column = "test_acc"' in text


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


DRAFTED: dict[str, tuple[str, Values, str]] = {
    # the file; the values that its guessed mapping gives; what the mapping says
    "blanks between cells": (f"arch  acc\n{ONE}   90\n{OTHER}  91.0\n", BOTH, 'delimiter = " "'),
    "blanks in a header": (f"arch,test acc of all seeds\n{ONE},90\n{OTHER},91\n", BOTH, '"test acc of all seeds"'),
    "comments of numpy": (f"# made up\n{ONE} 90.0\n{OTHER} 91.0\n", BOTH, 'comment = "#"'),
    "a text that stands for a failure": (
        f"arch,acc\n{ONE},90\n{OTHER},OOM\n{THIRD},91\n",
        {(ONE, ACC, None): 90, (OTHER, ACC, None): None, (THIRD, ACC, None): 91},
        'missing = ["OOM"]',
    ),
    "seeds as keys of each architecture": (
        json.dumps({ONE: {"777": {"acc": 90}, "888": {"acc": 91}}, OTHER: {"777": {"acc": 80}}}),
        {(ONE, ACC, 777): 90, (ONE, ACC, 888): 91, (OTHER, ACC, 777): 80},
        "optional = true",
    ),
    "seeds above the architectures": (
        json.dumps({"777": {ONE: 90, OTHER: 91}, "888": {ONE: 80}}),
        {(ONE, ACC, 777): 90, (OTHER, ACC, 777): 91, (ONE, ACC, 888): 80},
        'layout = "columns"',
    ),
    "a table beside its version": (
        json.dumps({"version": 3, "rows": [{"arch": ONE, "acc": 90}, {"arch": OTHER, "acc": 91}]}),
        BOTH,
        'root = ["rows"]',
    ),
    "lists of trials under architectures": (
        json.dumps({ONE: [{"seed": 1, "acc": 90}, {"seed": 2, "acc": 91}], OTHER: [{"seed": 1, "acc": 80}]}),
        {(ONE, ACC, 1): 90, (ONE, ACC, 2): 91, (OTHER, ACC, 1): 80},
        'column = "@1"',
    ),
}


@pytest.mark.parametrize("case", DRAFTED)
def test_a_mapping_is_guessed_of(case: str, tmp_path: Path) -> None:
    content, expected, says = DRAFTED[case]
    text = mapping_draft.draft(written(tmp_path / "t", content)).text
    (tmp_path / "m.toml").write_text(text)
    values, rejects = stored(tmp_path / "m.toml", tmp_path / "t")
    assert not rejects and values == expected and says in text


PRINTED = (
    "[3 1 3 0 4 2]",
    "[3. 1. 3. 0. 4. 2.]",
    "tensor([3, 1, 3,\n 0, 4, 2])",
    "array([3, 1, 3, 0, 4, 2], dtype=int8)",
)


@pytest.mark.parametrize("printed", PRINTED)
def test_lists_are_read_as_they_are_printed(printed: str) -> None:
    assert list(listed_codes(printed, "arch", 6)) == [3, 1, 3, 0, 4, 2]
    for wrong in (printed.replace("3", "x"), printed.replace("[", "[[").replace("]", "]]"), printed[:-2] + "..."):
        with pytest.raises(UserError, match="'arch' holds"):
            list_of(wrong, "arch")


def test_matrices_and_operations_in_text_are_guessed(tmp_path: Path) -> None:
    matrix, operations = "[[0, 1, 1], [0, 0, 1], [0, 0, 0]]", "['input', 'conv3x3-bn-relu', 'output']"
    header = ["module_adjacency", "module_operations", "test_accuracy"]
    table = fixtures.table(tmp_path / "t.csv", header, [(matrix, operations, 0.9)])
    draft = mapping_draft.draft(table)
    (tmp_path / "m.toml").write_text(draft.text)
    assert draft.benchmark == "nasbench101" and not mapping_check.check(tmp_path / "m.toml", table).faults


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.yaml", "a1:\n  acc: 91.5\n", "is a YAML file, .*: write what it holds as JSON"),
        ("t.md", "# Results\n\nfine\n", "is a text of one column, '# Results', with whatever delimiter"),
        (
            "t.md",
            "# Results\n\n| arch | acc |\n|:---|---:|\n| a | 1 |\n",
            "is a table in Markdown, .*: write its rows as CSV",
        ),
        ("t.tex", "\\begin{tabular}{lc}\na & 1 \\\\\n", "is a table in LaTeX, .*: write its rows as CSV"),
        ("t.csv", b"arch,acc\na\xe9,1\n", "is not a CSV in UTF-8 .*: a byte 0xe9.: save it in UTF-8"),
    ],
)
def test_what_cannot_be_guessed_is_one_line(name: str, content: str | bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said) as caught:
        mapping_draft.draft(written(tmp_path / name, content))
    assert "\n" not in str(caught.value)
