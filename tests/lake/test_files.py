"""A file is replaced whole or stays as it was, nothing is left beside it, and a lock is held by one."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.lake import files
from pipeline.lake.files import atomic_write
from pipeline.lake.store import Lake
from tests.fixtures import lakes
from tests.fixtures.lines import refused


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced_when_the_block_ends(tmp_path: Path, durable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    flushed: list[str] = []
    monkeypatch.setattr(files, "flush_to_disk", lambda temporary: flushed.append(temporary.read_text()))
    with atomic_write(path, durable=durable) as temporary:
        temporary.write_text("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after" and list(tmp_path.iterdir()) == [path]
    assert flushed == (["after"] if durable else [])


def test_after_an_error_the_file_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    with pytest.raises(RuntimeError), atomic_write(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_of_two_that_publish_a_folder_at_once_the_second_is_told_that_it_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mine", "theirs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    monkeypatch.setattr(os.path, "lexists", lambda path: False)  # as before the other had its name
    files.publish_folder(tmp_path / "theirs", tmp_path / "part")
    with pytest.raises(FileExistsError):
        files.publish_folder(tmp_path / "mine", tmp_path / "part")


@pytest.mark.parametrize("number", [errno.ENXIO, errno.EOPNOTSUPP])  # of Linux and of macOS
def test_a_socket_in_the_place_of_a_file_is_refused(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_open(path: Path, flags: int) -> int:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(os, "open", no_open)
    with pytest.raises(UserError, match="socket is no plain file"):
        files.read_file(Path("socket"))


@pytest.mark.parametrize("name", [".staging", f"parts/{lakes.BENCHMARK}", f"parts/{lakes.BENCHMARK}/scores"])
def test_a_file_in_the_place_of_a_folder_is_not_taken_for_what_somebody_published(tmp_path: Path, name: str) -> None:
    lake = lakes.empty(tmp_path / "lake")
    shutil.rmtree(lake.root / name, ignore_errors=True)
    (lake.root / name).parent.mkdir(exist_ok=True)
    (lake.root / name).write_text("mine")
    with pytest.raises(UserError, match=f"{name} is no folder, where this program has one: move it away"):
        lake.publish(lakes.BENCHMARK, "scores", {"scores": [lakes.score(0, lakes.OURS, 1.0)]})
    assert (lake.root / name).read_text() == "mine"


def test_a_lock_whose_file_its_last_holder_removed_meanwhile_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, flock = tmp_path / ".lock", fcntl.flock
    operations: list[int] = []

    def after_a_removal(descriptor: int, operation: int) -> None:
        if not operations:
            path.unlink()
        operations.append(operation)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", after_a_removal)
    with files.locked(path, keep=False):
        assert files.is_locked(path)  # as another process sees it
    assert not path.exists()


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL])
def test_a_disk_without_locks_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def no_flock(*_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", no_flock)
    with (
        refused(str(tmp_path), "file system without locks", os.strerror(number), "on another disk"),
        files.locked(tmp_path / ".lock"),
    ):
        raise AssertionError


@pytest.mark.parametrize(("number", "stored"), [(errno.EINVAL, True), (errno.ENOSYS, True), (errno.EIO, False)])
def test_a_disk_that_flushes_no_folder_holds_a_lake_and_one_that_fails_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, stored: bool
) -> None:
    lake, fsync = lakes.empty(tmp_path / "lake"), os.fsync

    def no_folder(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", no_folder)
    with contextlib.nullcontext() if stored else refused(os.strerror(number)):
        lake.publish(lakes.BENCHMARK, "scores", {"scores": [lakes.score(0, lakes.OURS, 1.0)]})
    assert lake.part_names(lakes.BENCHMARK) == (["scores"] if stored else [])


def test_stored_results_that_may_not_be_looked_at_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.is_within(tmp_path, tmp_path / "derived" / "key")

    def closed(path: Path) -> bool:  # root may look anywhere
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_symlink", closed)
    assert not files.is_within(tmp_path, tmp_path / "derived" / "key")


def test_a_folder_of_parts_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = lakes.made_up(tmp_path / "lake")

    def closed(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", lambda path: closed(path) if path.name == "_schema" else True)
    with refused(f"no permission while reading {lake.parts} ({lake.parts / '_schema'}): change the permissions"):
        Lake(lake.root)
