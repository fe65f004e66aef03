"""What DuckDB puts on the disk while it runs lies in the system's folder for it, and none of it is left there."""

from __future__ import annotations

import os
import tempfile
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipeline import catalog
from pipeline.catalog import bound_views, temporary
from pipeline.catalog import database as catalog_database
from pipeline.catalog.definition import CatalogDefinition
from pipeline.lake import files
from tests.fixtures import lakes
from tests.fixtures.lines import refused

SPILL = "SELECT current_setting('temp_directory')"
LARGE = "SELECT hash(number) AS key, repeat(hash(number)::TEXT, 4) FROM range(900000) AS numbers(number) ORDER BY key"


@pytest.fixture
def system_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(bound_views, "_kept", None)
    return folder


def test_what_killed_processes_left_is_removed(tmp_path: Path, system_folder: Path) -> None:
    names = [files.own_name() for _ in range(3)]
    names[:2] = [name.replace(f"-{os.getpid()}-", f"-{2**22 + 1}-") for name in names[:2]]  # of a process that ended
    ours, others, runs = (system_folder / f".pipeline-{name}" for name in names)
    for folder in (ours, others, runs):
        folder.mkdir()
        (folder / "duckdb_temp_77_0_storage_DEFAULT-0.tmp").write_bytes(b"rows")
        (folder / "bound.duckdb").write_bytes(b"views")
    (others / "notes.txt").write_text("of somebody")
    catalog.snapshot(lakes.empty(tmp_path / "lake")).close()
    assert sorted(system_folder.iterdir()) == sorted([others, runs])
    assert [path.name for path in others.iterdir()] == ["notes.txt"] and len(list(runs.iterdir())) == 2


def test_rows_that_do_not_fit_are_put_there_and_not_into_the_lake(tmp_path: Path, system_folder: Path) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    catalog.refresh(lake)
    with closing(catalog.connect(lake)) as connection, closing(catalog.connect(lake)) as another:
        [(folder,)] = connection.execute(SPILL).fetchall()
        assert Path(folder).parent == system_folder and another.execute(SPILL).fetchall() == [(folder,)]
        with pytest.raises(duckdb.Error, match="locked"):
            connection.execute("SET temp_directory = 'elsewhere'")


def test_checks_of_many_rows_do_not_spill_into_the_working_folder(
    tmp_path: Path, system_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def spill_folder(connection: duckdb.DuckDBPyConnection, _: str) -> pa.Table:
        [(folder,)] = connection.execute(SPILL).fetchall()
        asked.append(folder)
        return pa.table({})

    monkeypatch.setattr("pipeline.catalog.audit.rows", spill_folder)
    list(catalog.checks_of({}))
    assert {Path(folder).parent for folder in asked} == {system_folder}


def test_spilled_rows_are_gone_when_the_connection_closes(system_folder: Path) -> None:
    with closing(duckdb.connect(config={"temp_directory": temporary.spill_folder()})) as spilling:
        spilling.execute("SET threads = 1; SET memory_limit = '40MB'")
        answer = spilling.execute(LARGE)
        answer.fetchone()
        [folder] = system_folder.iterdir()
        assert all(temporary._NAMES.fullmatch(path.name) for path in folder.iterdir())
    assert not list(system_folder.iterdir())


@pytest.mark.parametrize("room", ["SET max_temp_directory_size = '1MB'", "SET temp_directory = ''"])
def test_rows_that_fit_neither_into_memory_nor_on_the_disk_are_one_line(room: str, system_folder: Path) -> None:
    with closing(catalog_database.spilling_connection()) as spilling:
        spilling.execute(f"SET threads = 1; SET memory_limit = '40MB'; {room}")
        with refused(f"no space left in {system_folder} for rows that do not fit into memory", "set TMPDIR"):
            catalog.rows(spilling, LARGE)


def test_a_disk_that_is_full_of_what_others_write_is_the_same_line(
    tmp_path: Path, system_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: object) -> None:
        raise duckdb.IOException(f'Could not write file "{system_folder}/duckdb_temp_1_0.tmp": No space left on device')

    lake = lakes.empty(tmp_path / "lake")
    monkeypatch.setattr(CatalogDefinition, "run", run)
    with refused(f"no space left in {system_folder} for rows that do not fit into memory"):
        catalog.export(lake, tmp_path / "lake.duckdb")


def test_where_no_file_can_be_written_nothing_is_spilled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    catalog.refresh(lake)

    def full() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", full)
    monkeypatch.setattr(bound_views, "_kept", None)
    for opened in (catalog.connect, catalog.snapshot):
        with closing(opened(lake)) as connection:
            assert connection.execute(SPILL).fetchall() == [("",)]
            assert connection.execute("SELECT count(*) FROM scores").fetchall() == [(117,)]
