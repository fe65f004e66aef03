"""Files in a folder whose name is not in UTF-8 are read like others, or one line says why not."""

from __future__ import annotations

import os
import sqlite3
from contextlib import chdir, closing
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from pipeline import catalog
from pipeline.errors import UserError
from pipeline.export import tables as exported
from pipeline.formats import tables
from pipeline.formats.table_form import TableForm
from pipeline.lake.store import require_usable
from pipeline.scoring import merge
from tests.fixtures import lakes

TABLE = pa.table({"arch": ["x"], "acc": [90]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "d\udcff"
    try:
        path.mkdir()
    except OSError:
        pytest.skip("the file system takes names in UTF-8 only")
    return path


def sqlite_file(name: str) -> None:
    with closing(sqlite3.connect(name)) as connection, connection:
        connection.execute("CREATE TABLE t AS SELECT 'x' AS arch, 90 AS acc")


WRITERS = {
    "parquet": lambda name: pq.write_table(TABLE, name),
    "arrow": lambda name: pyarrow.feather.write_feather(TABLE, name),
    "sqlite": sqlite_file,
    "csv": lambda name: Path(name).write_bytes(pa.compress(b"arch,acc\nx,90\n", codec="zstd", asbytes=True)),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_table_is_read(folder: Path, kind: str) -> None:
    with chdir(folder):
        WRITERS[kind]("t")
    ((_, cells),) = tables.rows(folder / "t", TableForm(kind))  # type: ignore[arg-type]
    assert isinstance(cells, dict) and {name: str(cell) for name, cell in cells.items()} == {"arch": "x", "acc": "90"}


def test_exported_tables_are_merged_and_a_database_is_refused(folder: Path, tmp_path: Path) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    exported.export(lake, folder / "shared")
    merge.run(lake.root, folder / "shared")
    with pytest.raises(UserError, match=r"the folder of a database .* is not in UTF-8: choose another$"):
        catalog.export(lake, folder / "x.duckdb")


def test_a_path_that_has_other_bytes_in_utf8_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    require_usable(Path("/l\u00e4ke"), "lake")
    monkeypatch.setattr(os, "fsencode", lambda path: str(path).encode("latin-1"))
    monkeypatch.setattr("sys.getfilesystemencoding", lambda: "iso8859-1")
    require_usable(Path("/lake"), "lake")
    with pytest.raises(UserError, match="is not in UTF-8: choose another, or set PYTHONUTF8=1"):
        require_usable(Path("/l\u00e4ke"), "lake")
