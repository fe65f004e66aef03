"""Nothing is deleted, replaced or written through that the pipeline did not make."""

from __future__ import annotations

import fcntl
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import catalog
from pipeline.errors import UserError
from pipeline.lake import files
from pipeline.lake.outputs import OutputFile, OutputFolder, refuse_lake
from pipeline.lake.store import Lake
from pipeline.tuning import rules
from tests.fixtures import lakes
from tests.fixtures.lines import refused

SLOW_VIEW = "SELECT count(*) FROM correlations"
ENDED = f"{platform.node()}-{2**22 + 1}-0123abcd"  # no process has so large an id


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return lakes.made_up(tmp_path_factory.mktemp("lake") / "lake")


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A folder of somebody, with names as a lake has them."""
    folder = tmp_path / "precious"
    for name in (f"{'0' * 16}/correlations-01234567.parquet", f"{ENDED}/scores.parquet", "notes.txt", "2/0/x"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("mine")
    return folder


def content(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", [".staging", "parts/madeup", ".lock-score", ".lock-tune-0123456789abcdef", "rules"])
def test_what_is_written_in_a_lake_goes_through_no_link(tmp_path: Path, precious: Path, name: str) -> None:
    lake = lakes.publish(tmp_path / "lake")
    place = lake.root / name
    place.parent.mkdir(exist_ok=True)
    if place.is_dir():
        files.remove_folder(place, re.compile(".*"))
    place.symlink_to(precious / "notes.txt" if "lock" in name else precious)
    before = content(precious)
    with pytest.raises(UserError, match=f"{place} is a symbolic link"):
        if "lock" in name:
            with lake.lock(*name.removeprefix(".lock-").split("-")):
                raise AssertionError
        elif name == "rules":
            rules.write(lake, "text", "tuned-1")
        else:
            lakes.publish(lake.root, "1", scores=[lakes.score(1, lakes.OURS, 1.0)])
    assert content(precious) == before and place.is_symlink()


@pytest.mark.parametrize("name", ["derived", "bench.duckdb"])
def test_a_cache_that_is_a_link_is_not_used_and_the_answer_is_the_same(
    tmp_path: Path, precious: Path, name: str
) -> None:
    lake = lakes.made_up(tmp_path / "lake", size=12)
    (lake.root / name).symlink_to(precious if name == "derived" else precious / "notes.txt")
    before = content(precious)
    assert catalog.run_sql(lake, SLOW_VIEW).num_rows == 1
    assert content(precious) == before and (lake.root / name).is_symlink()


def test_of_stored_results_only_those_of_earlier_states_are_removed(tmp_path: Path) -> None:
    lake = lakes.made_up(tmp_path / "lake", size=12)
    derived = lake.root / "derived"
    ours, mixed, foreign = derived / ("0" * 16), derived / ("1" * 16), derived / "photographs"
    for file in (ours / "correlations-01234567.parquet", mixed / "seeds-01234567.parquet", mixed / "notes.txt"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    (foreign / "correlations-01234567.parquet").mkdir(parents=True)
    (derived / ("2" * 16)).symlink_to(tmp_path)
    catalog.run_sql(lake, SLOW_VIEW)
    assert not ours.exists() and content(mixed) == {"notes.txt": "x"}
    assert foreign.is_dir() and (derived / ("2" * 16)).is_symlink()


def test_what_ended_processes_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    lake = lakes.publish(tmp_path / "lake")
    staging = lake.root / ".staging"
    mine = files.own_name()
    elsewhere, long_ago = "elsewhere-1-0123abcd", "elsewhere-2-0123abcd"
    for name in (ENDED, mine, elsewhere, long_ago, f"{platform.node()}-no-number", "photographs"):
        (staging / name).mkdir(parents=True)
        (staging / name / "scores.parquet").write_text("x")
    (staging / ENDED / "notes.txt").write_text("mine")
    os.utime(staging / long_ago, (time.time() - 1e6,) * 2)
    lakes.publish(lake.root, "1", scores=[lakes.score(1, lakes.OURS, 1.0)])
    assert content(staging / ENDED) == {"notes.txt": "mine"}
    left = {path.name for path in staging.iterdir()}
    assert left == {ENDED, mine, elsewhere, f"{platform.node()}-no-number", "photographs"}


@pytest.mark.parametrize("ask", [catalog.ensure, lambda lake: catalog.run_sql(lake, SLOW_VIEW)], ids=["write", "query"])
def test_what_was_killed_after_it_made_the_catalog_is_swept_where_there_is_none_to_make(
    tmp_path: Path, ask: Callable[[Lake], object]
) -> None:
    lake = lakes.made_up(tmp_path / "lake", size=12)
    catalog.ensure(lake)
    left = lake.root / ".staging" / ENDED, lake.root / f"{files.TEMPORARY}{ENDED}"
    left[0].mkdir(parents=True)
    left[1].touch()
    ask(lake)
    assert not [path for path in left if path.exists()]


def test_a_killed_write_beside_a_file_of_a_user_is_swept_by_the_next(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from pipeline.lake.outputs import OutputFile\n"
        "with OutputFile(Path(sys.argv[1])).written() as path: path.write_text('half'); os._exit(9)"
    )
    out = tmp_path / "answer.csv"
    subprocess.run([sys.executable, "-c", program, str(out)], check=False)
    foreign = [tmp_path / ".pipeline-notes", tmp_path / f".pipeline-{ENDED}.txt", tmp_path / ".answer.csv.0123abcd"]
    for path in foreign:
        path.write_text("mine")
    assert len(list(tmp_path.iterdir())) == 4 and not out.exists()
    with OutputFile(out).written() as path:
        path.write_text("whole")
    assert content(tmp_path) == {"answer.csv": "whole"} | {path.name: "mine" for path in foreign}


def test_locks_of_single_tunings_leave_no_files_and_sweep_those_of_others(tmp_path: Path) -> None:
    lake = lakes.publish(tmp_path / "lake")
    old, held, foreign = (lake.root / f".lock-tune-{name}" for name in ("0" * 16, "1" * 16, "notes"))
    for path in (old, held, foreign):
        path.write_text("")
    with files.locked(held):
        with lake.lock("tune", "2" * 16), lake.lock("score"):
            assert (lake.root / f".lock-tune-{'2' * 16}").exists()
        assert {path.name for path in lake.root.glob(".lock-*")} == {held.name, foreign.name, ".lock-score"}


def test_a_lock_does_not_touch_the_content_of_its_file(tmp_path: Path) -> None:
    lake = lakes.publish(tmp_path / "lake")
    (lake.root / ".lock-score").write_text("a thesis")
    with lake.lock("score"):
        pass
    assert (lake.root / ".lock-score").read_text() == "a thesis"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lake/answer.csv", "inside the lake"),
        ("lake/parts/madeup/0/scores.parquet", "inside the lake"),
        ("lake/new/answer.csv", "inside the lake"),
        ("beside/../lake/answer.csv", "inside the lake"),
        ("door/answer.csv", "inside the lake"),
        ("notes.txt", "exists and stays as it is"),
        ("link.csv", "is a symbolic link"),
        ("dangling.csv", "is a symbolic link"),
        ("beside", "is a folder"),
        ("missing/answer.csv", "no folder"),
        ("pipe", "a device or a pipe"),
        ("a" * 300, "File name too long"),
    ],
)
def test_an_output_is_refused_where_it_must_not_be(tmp_path: Path, name: str, message: str) -> None:
    lake = lakes.publish(tmp_path / "lake")
    (tmp_path / "beside").mkdir()
    (tmp_path / "door").symlink_to(lake.root)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "link.csv").symlink_to(tmp_path / "notes.txt")
    (tmp_path / "dangling.csv").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match=message):
        OutputFile(tmp_path / name).refuse()
    if message not in ("exists and stays as it is",):
        with pytest.raises(UserError, match=message):
            OutputFile(tmp_path / name, force=True).refuse()
    assert (tmp_path / "notes.txt").read_text() == "mine" and not (tmp_path / "nothing").exists()


def test_a_file_that_came_meanwhile_stays(tmp_path: Path) -> None:
    out = tmp_path / "answer.csv"
    with pytest.raises(UserError, match="meanwhile"), OutputFile(out).written() as path:
        path.write_text("new")
        out.write_text("theirs")
    assert content(tmp_path) == {"answer.csv": "theirs"}


def test_a_forced_output_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with OutputFile(tmp_path / "notes.txt", force=True).written() as path:
        path.write_text("new")
    assert content(tmp_path) == {"notes.txt": "new"}


@pytest.mark.parametrize(
    ("added", "found"),
    [
        ("TABLE my_notes AS SELECT 1 AS a", "table_name FROM duckdb_tables()"),
        ("VIEW my_notes AS FROM scores", "view_name FROM duckdb_views()"),
        ("MACRO my_notes(x) AS x + 1", "function_name FROM duckdb_functions()"),
        ("SCHEMA my_notes", "schema_name FROM duckdb_schemas()"),
        ("SEQUENCE my_notes", "sequence_name FROM duckdb_sequences()"),
        ("TYPE my_notes AS ENUM ('a')", "type_name FROM duckdb_types()"),
    ],
)
def test_an_export_to_which_somebody_added_something_is_not_replaced(
    made_up: Lake, tmp_path: Path, added: str, found: str
) -> None:
    import duckdb

    file = catalog.export(made_up, tmp_path / "all.duckdb")
    with duckdb.connect(file) as connection:
        connection.execute(f"CREATE {added}")
    with refused("is not an earlier export as it was written: choose another name, or replace it with --force"):
        catalog.export(made_up, file)
    catalog.export(made_up, file, force=True)
    with duckdb.connect(file, read_only=True) as connection:
        assert ("my_notes",) not in connection.execute(f"SELECT {found}").fetchall()
    catalog.export(made_up, file)


def test_a_report_is_not_written_into_a_lake(tmp_path: Path) -> None:
    lake = lakes.publish(tmp_path / "lake")
    for place in (lake.root, lake.root / "parts", lake.root / "reports" / "latest"):
        with pytest.raises(UserError, match="inside the lake"):
            refuse_lake(place)


def test_of_files_that_replace_others_the_one_by_which_a_folder_is_known_comes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed: list[str] = []
    replace = files.replace_file

    def recorded(source: Path, target: Path) -> None:
        placed.append(target.name)
        replace(source, target)

    monkeypatch.setattr(files, "replace_file", recorded)
    with OutputFolder(tmp_path, re.compile("[a-d]"), "b", "d", lambda _: None).written() as staging:
        for name in "abc":
            (staging / name).write_text(name)
    assert placed == ["d", "a", "c", "b"] and sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


@pytest.mark.parametrize("name", [ENDED, "elsewhere-2-0123abcd"])
def test_a_part_in_a_locked_folder_is_being_written_whatever_process_and_clock_say(tmp_path: Path, name: str) -> None:
    """Containers share the name of their machine and not its processes; a clock may be years ahead."""
    lake = lakes.publish(tmp_path / "lake")
    folder = lake.root / ".staging" / name
    folder.parent.mkdir(exist_ok=True)
    with files.own_folder(folder):
        os.utime(folder, (0, 0))
        lakes.publish(lake.root, "1", scores=[lakes.score(1, lakes.OURS, 1.0)])
        assert folder.is_dir()
    lakes.publish(lake.root, "2", scores=[lakes.score(2, lakes.OURS, 1.0)])
    assert not folder.exists()


def test_a_folder_that_is_removed_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, flock = tmp_path / ENDED, fcntl.flock
    locks: list[int] = []

    def removed_before(descriptor: int, operation: int) -> None:
        if not locks:
            folder.rmdir()
        locks.append(operation)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", removed_before)
    with files.own_folder(folder):
        assert folder.is_dir() and len(locks) == 2


def test_what_another_container_of_the_same_name_writes_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other"
    other.touch()
    monkeypatch.setattr(files, "_PROCESSES", other)
    monkeypatch.setattr(files, "_HOST", files._host())
    name = files.own_name().replace(f"-{os.getpid()}-", f"-{2**22 + 1}-")
    monkeypatch.undo()
    (tmp_path / f".pipeline-{name}").touch()
    files.sweep(tmp_path, files.TEMPORARY)
    assert (tmp_path / f".pipeline-{name}").exists()


@pytest.mark.parametrize(("written", "stays"), [(0, True), (-2 * 24 * 3600, False)])
def test_what_another_machine_writes_is_dated_by_the_disk_and_not_by_the_clock_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: float, stays: bool
) -> None:
    path = tmp_path / f"{files.TEMPORARY}elsewhere-2-0123abcd"
    path.touch()
    disk = path.stat().st_mtime
    os.utime(path, (disk + written,) * 2)
    for years in (-50, 50):
        monkeypatch.setattr(time, "time", lambda years=years: disk + years * 3e7)
        assert files.is_abandoned(path, files.TEMPORARY) is not stays
