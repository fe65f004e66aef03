"""`pipeline mapping init`: what is guessed of a table nobody has described, and that what it writes can be ingested."""

from __future__ import annotations

import contextlib
import json
import pickle
import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipeline.benchmarks.nasbench201 import architectures
from pipeline.cli import app
from pipeline.errors import UserError
from pipeline.formats import tables
from pipeline.formats.table_form import TableForm
from pipeline.ingest import mapping as table_mapping
from pipeline.ingest import mapping_check, mapping_draft
from pipeline.ingest.mapping import TableMapping
from tests.fixtures import mapped_tables as fixtures
from tests.fixtures import nasbench201_files
from tests.fixtures.lines import refused

CELLS = nasbench201_files.topologies(6)
LETTERS = dict(zip(architectures.OPERATIONS, "abcde", strict=True))


def drafted(table: Path, benchmark: str | None = None) -> TableMapping:
    """The mapping that is written for a table, which is without a fault."""
    file = table.with_name("drafted.toml")
    mapping_draft.write(table, file, benchmark, force=True)
    checked = mapping_check.check(file, table)
    assert not checked.faults, checked.faults
    return table_mapping.load(file)


def operations(cell: str) -> Sequence[str]:
    return list(architectures.operations({"cell": cell}).values())


def test_a_csv_of_codes_fractions_seeds_and_thousands(tmp_path: Path) -> None:
    draw = random.Random(0)
    rows: list[list[Any]] = [
        ["-".join(str(architectures.OPERATIONS.index(o)) for o in operations(cell)), draw.uniform(0.1, 0.94),
         draw.uniform(0.1, 0.94), draw.uniform(0.1, 0.94), round(draw.uniform(73, 1500), 3), "text"]
        for cell in CELLS
    ]  # fmt: skip
    table = fixtures.table(tmp_path / "odd name.csv", ["code", "t1_acc", "t2_acc", "t3_acc", "kparams", "who"], rows)
    mapping = drafted(table)
    assert mapping.name == "odd-name" and mapping.publisher is None
    assert [(t.column, t.unit, t.seed) for t in mapping.truth[:3]] == [
        ("t1_acc", "fraction", 1), ("t2_acc", "fraction", 2), ("t3_acc", "fraction", 3)
    ]  # fmt: skip
    assert (mapping.truth[3].metric, mapping.truth[3].scale) == ("params", 1000)
    text = (tmp_path / "drafted.toml").read_text()
    assert "#   'who': its cells are no numbers" in text and text.count("GUESSED") >= 9
    checked = mapping_check.check(tmp_path / "drafted.toml", table)
    assert f"{100 * rows[0][1]:.8g}  percent" in checked.preview[2] and len(checked.preview) == 2 + 5 * 4


def csv_of(header: Sequence[str], cells: Sequence[Sequence[object]], delimiter: str = ",") -> Any:
    return lambda path: fixtures.table(path, header, cells, delimiter)


def json_of(content: object) -> Any:
    return lambda path: path.write_text(json.dumps(content))


NOTED: list[list[Any]] = [[cell, 60.0 + place] for place, cell in enumerate(CELLS)]
EDGES = [f"e{edge.replace('-', '')}" for edge in architectures.EDGES]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (csv_of(["arch", "acc"], NOTED, ";"), {"container.delimiter": ";", "architecture.encoding": "string",
                                               "truth.0.unit": "percent", "truth.0.seed": None}),
        (csv_of(["arch", "c100_val_acc_200ep"], NOTED), {"truth.0.dataset": "cifar100", "truth.0.epochs": 200,
                                                         "truth.0.metric": "validation_accuracy"}),
        (csv_of(["arch", "seed_1", "seed_2", "kParam"], [[c, 0.5, 0.6, 90] for c in CELLS]),
         {"truth.0.metric": "test_accuracy", "truth.1.seed": 2, "truth.2.metric": "params", "truth.2.scale": 1000}),
        (csv_of(["ops", "acc_777", "acc_888"], [
            [str([architectures.OPERATIONS.index(o) for o in operations(c)]), 0.5, 0.6] for c in CELLS]),
         {"architecture.encoding": "codes", "truth.0.seed": 777, "truth.1.seed": 888}),
        (csv_of(["arch", "acc", "acc_std"], [[*r, 0.1] for r in NOTED]), {"truth.0.column": "acc"}),
        (csv_of(["arch", "acc"], NOTED * 2), {"repeated": "mean"}),
        (csv_of(["arch", "synflow", "synflow_time"], [[c, v, 1] for c, v in NOTED]),
         {"score.0.proxy": "synflow", "score.0.seconds": "synflow_time"}),
        (csv_of(["arch", "flops"], [[c, v] for c, v in NOTED] ), {"truth.0.scale": 1e6}),
        (csv_of([*EDGES, "test"], [[*operations(c), v] for c, v in NOTED], "\t"),
         {"architecture.encoding": "fields", "container.delimiter": "\t", "truth.0.metric": "test_accuracy"}),
        (csv_of([*(f"op{n}" for n in range(6)), "acc"],
                [[*(architectures.OPERATIONS.index(o) + 1 for o in operations(c)), v] for c, v in NOTED]),
         {"architecture.encoding": "fields", "architecture.codes.1": "none"}),
        (csv_of(["word", "acc"], [["".join(LETTERS[o] for o in operations(c)), v] for c, v in NOTED]),
         {"architecture.encoding": "codes"}),
        (json_of({c: [v / 100, v / 99] for c, v in NOTED}), {"truth.0.column": "@value", "truth.0.each": "seed"}),
        (json_of({c: {"acc": [v, v + 1]} for c, v in NOTED}), {"architecture.column": "@key", "truth.0.each": "seed"}),
        (json_of({"made": {"up": [{"cell": c, "acc": v / 100} for c, v in NOTED]}}),
         {"container.root": ("made", "up"), "truth.0.unit": "fraction"}),
        (lambda path: path.write_bytes(pickle.dumps([{"cell": c, "loss": v / 60} for c, v in NOTED])),
         {"container.kind": "pickle", "truth.0.metric": "test_loss", "truth.0.unit": "nats"}),
        (lambda path: pq.write_table(pa.table({"cell": CELLS, "acc": [-1.0, 61.0, 62.0, 63.0, 64.0, 65.0]}), path),
         {"container.kind": "parquet", "missing": (-1.0,)}),
    ],
)  # fmt: skip
def test_container_units_and_failures_are_guessed_from_the_table(
    tmp_path: Path, make: Any, expected: dict[str, Any]
) -> None:
    make(tmp_path / "table.dat")
    mapping = drafted(tmp_path / "table.dat")
    for field, value in expected.items():
        held: Any = mapping
        for part in field.split("."):
            held = held[int(part)] if isinstance(held, tuple) else (
                held[part] if isinstance(held, dict) else getattr(held, part)
            )  # fmt: skip
        assert held == value, field


def test_numbers_are_of_the_benchmark_that_is_named(tmp_path: Path) -> None:
    table = fixtures.table(tmp_path / "t.csv", ["index", "acc"], [[3, 91.5], [4, 90.0]])
    with pytest.raises(UserError, match=r"no column names architectures of any benchmark \(its columns: index, acc\)"):
        mapping_draft.draft(table)
    file = tmp_path / "t.toml"
    mapping_draft.write(table, file, "nasbench201")
    assert table_mapping.load(file).architecture.encoding == "index"
    with pytest.raises(UserError, match=r"t.toml exists and stays as it is"):
        mapping_draft.write(table, file, "nasbench201")
    assert mapping_draft.draft(fixtures.table(tmp_path / "new\x7f\"'.csv", ["arch", 'a"cc'], NOTED)).values == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"), (b"a,b\n", "holds no rows|no column"), (b"\x89PNG\r\n\x1a\n....", "is a PNG picture"),
        (b"PAR1....", "is not a Parquet file"), (b"\x80\x04ccopy_reg\n", "t.dat"), (b"[1, 2", "is not a JSON file"),
        (b"{}", "empty dict"), (b"\xff\xfe\x00a", "UTF-16"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "t.dat").write_bytes(content)
    with pytest.raises(UserError, match=says) as caught:
        mapping_draft.write(tmp_path / "t.dat", tmp_path / "t.toml")
    assert "\n" not in str(caught.value) and not (tmp_path / "t.toml").exists()


def test_columns_that_may_be_the_same_are_not_said_to_have_other_names(tmp_path: Path) -> None:
    rows = [(cell, 40 + n, 80 + n, 81 + n) for n, cell in enumerate(CELLS)]
    table = fixtures.table(tmp_path / "t.csv", ["arch", "acc.01.777", "acc.12.777", "acc.12.888"], rows)
    said = CliRunner().invoke(app, ["mapping", "init", str(table), "--out", str(tmp_path / "t.toml")]).output
    assert "no column is taken, for the reasons at its end" in said
    assert "which is it?" in (tmp_path / "t.toml").read_text().splitlines()[-1]


def test_a_database_without_a_table_is_one_line(tmp_path: Path) -> None:
    table = tmp_path / "views.db"
    with contextlib.closing(sqlite3.connect(table)) as connection:
        connection.execute("CREATE VIEW cells AS SELECT 'a' AS cell, 1 AS accuracy")
    with pytest.raises(UserError, match=r"views\.db holds no table"):
        mapping_draft.write(table, tmp_path / "t.toml", "nasbench201", force=True)


def test_a_text_of_blanks_is_not_looked_at_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, read, begun = tmp_path / "blanks.csv", tables.rows, []
    table.write_text("cell acc\n" + " " * 200_000 + "\n")

    def noted(path: Path, form: TableForm) -> Any:
        begun.append(form)
        return read(path, form)

    monkeypatch.setattr(tables, "rows", noted)
    with pytest.raises(UserError, match="most of them blanks"):
        mapping_draft.write(table, tmp_path / "t.toml", "nasbench201", force=True)
    assert (begun[-1].delimiter, begun[-1].skip) == (" ", 0)


def test_of_mappings_within_mappings_not_every_level_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nested(depth: int) -> object:
        return {str(key): nested(depth - 1) for key in range(4)} if depth else 1.5

    (tmp_path / "t.json").write_text(json.dumps(nested(5)))
    looked_at = []
    monkeypatch.setattr(mapping_draft, "_MOST_COLUMNS", 500)
    monkeypatch.setattr(mapping_draft, "guess_architecture", lambda sample, _: looked_at.append(len(sample.columns)))
    with refused("t.json: no column names architectures of any benchmark"):
        mapping_draft.draft(tmp_path / "t.json")
    assert 500 < sum(looked_at) < 1_000
