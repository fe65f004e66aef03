"""The files that a table mapping reads: each kind, what is around the table in them, and what is none of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather

from pipeline.errors import NotThisFormError, UserError
from pipeline.formats import packed, tables
from pipeline.formats.table_form import TableForm
from pipeline.ingest import mapping as table_mapping
from pipeline.ingest import run
from tests.fixtures import mapped_tables as fixtures
from tests.fixtures.stored_tables import (
    ACC,
    ARCHITECTURE,
    ONE,
    OTHER,
    mapping,
    stored,
    truth,
    written,
)


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


def _latin(path: Path) -> None:
    _database(path)
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO other VALUES (CAST(X'E9' AS TEXT))")
    connection.close()


def _unfinished(path: Path) -> None:
    _database(path)
    written(path.with_name("table-wal"), "x")


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


@pytest.mark.parametrize(
    ("container", "write", "said"),
    [
        (
            'kind = "parquet"',
            lambda path: feather.write_feather(pa.table({"a": [1]}), path),
            "is an Arrow file, where a P",
        ),
        ('kind = "arrow"', lambda path: written(path, b"ARROW1\0\0" + bytes(20)), "is not an Arrow file .after row 0"),
        ('kind = "numpy"', lambda path: _saved(path, np.array([{}])), "holds objects of Python"),
        ('kind = "numpy"', lambda path: written(path, b"\x93NUMPY\x01"), "is a damaged .npy or .npz file"),
        ('kind = "numpy"', lambda path: _saved(path, arch=np.array([b"\xe9"])), "holds a text that is not in UTF-8"),
        ('kind = "sqlite"\ntable = "other"', _latin, "row 1 holds a text that is not in UTF-8"),
        ('kind = "sqlite"', _database, "has 2 tables: name one in `table`: of it, other"),
        ('kind = "sqlite"\ntable = "of"', _database, "unknown table of .* 'of': did you mean of it"),
        ('kind = "sqlite"', lambda path: written(path, b"SQLite format 3\0" + bytes(999)), "is not an SQLite database"),
        (
            'kind = "sqlite"\ntable = "other"',
            _unfinished,
            "has rows in table-wal still",
        ),
        (
            'kind = "csv"\nnested = ["arch"]',
            lambda path: written(path, "arch\n[x\n"),
            "where JSON or a literal of Python",
        ),
        (
            'kind = "csv"\nnested = ["arch"]',
            lambda path: written(path, "arch\n\"{'x': 1, 'x': 2}\"\n"),
            "'arch' holds .* the key 'x' occurs twice",
        ),
        ('kind = "csv"', lambda path: written(path, ",c,c\narch,v,t\nx,1,2\n"), "column 'c' twice: say `header = 2`"),
        ('kind = "json"\nskip = 2', lambda path: written(path, "[]"), "'skip' is for csv, not for json"),
    ],
)
def test_a_file_that_is_not_as_the_mapping_says_is_one_line(
    container: str, write: Callable[[Path], object], said: str, tmp_path: Path
) -> None:
    write(tmp_path / "table")
    file = mapping(tmp_path, container, ARCHITECTURE, truth())
    with pytest.raises(UserError, match=said) as caught:
        raise UserError(
            "; ".join(text for _, text in table_mapping.load(file).rows(tmp_path / "table") if isinstance(text, str))
        )
    assert "\n" not in str(caught.value)


def test_arrays_are_read_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "MAX_BYTES", 1 << 12)
    for arrays in ({"array": np.zeros(200)}, {"arch": np.zeros(200)}):
        _saved(tmp_path / "table", **arrays)
        with pytest.raises(NotThisFormError, match="holds arrays of 0 MiB, of which at most 0 are read"):
            tables.rows(tmp_path / "table", TableForm("numpy"))


@pytest.mark.parametrize("form", ["Feather", "npz", "SQLite"])
def test_a_file_without_a_mapping_says_how_to_begin_one(form: str, tmp_path: Path) -> None:
    FORMS[form][1](tmp_path / "table")
    with pytest.raises(UserError, match=r"which needs a table mapping .*: begin one with `pipeline mapping init"):
        run.ingest(tmp_path / "lake", "nasbench201", [tmp_path / "table"])


def test_records_in_a_column_are_rows(tmp_path: Path) -> None:
    rows = [{"arch": ONE, "runs": [{"seed": 1, "acc": 90}]}, {"arch": OTHER, "runs": 3}, {"arch": OTHER}]
    table = written(tmp_path / "t.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    named = ARCHITECTURE.replace('"arch"', '"@1.arch"')
    file = mapping(tmp_path, 'kind = "jsonl"\nroot = ["*", "runs"]', named, truth(seed_column="seed"))
    values, rejects = stored(file, table)
    assert values == {(ONE, ACC, 1): 90}
    assert rejects == ["column 'runs' holds 3, where a list is expected", "no 'runs' in this row"]
