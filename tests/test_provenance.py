"""Where a row comes from."""

from __future__ import annotations

import errno
import importlib.metadata
import os
import subprocess
import sys
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline import provenance

ROOT = Path(__file__).parents[1]


@pytest.fixture
def not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source tree on the path, as where nothing can be installed."""
    version = importlib.metadata.version

    def missing(name: str) -> str:
        if name == provenance.PACKAGE:
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)


def test_a_seed_of_a_random_stream_has_63_bits_and_is_of_its_parts_alone() -> None:
    seeds = [provenance.stream_seed("weights", number) for number in range(100)]
    assert len(set(seeds)) == 100 and all(0 <= seed < 1 << 63 for seed in seeds)
    assert seeds[3] == provenance.stream_seed("weights", 3) != provenance.stream_seed("noise", 3)


@pytest.mark.usefixtures("not_installed")
def test_a_source_tree_knows_its_version_without_being_installed() -> None:
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert provenance.code_version().partition("+")[0] == stated
    assert provenance.new_run("score", {})["code_version"].startswith(stated)


@pytest.mark.usefixtures("not_installed")
def test_a_lone_package_without_its_project_has_an_unknown_version(tmp_path: Path) -> None:
    assert provenance.released_version(tmp_path) == "unknown"


def test_a_checkout_without_git_has_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_git(*_: object, **__: object) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", no_git)
    assert "+" not in provenance.code_version()


def test_it_runs_from_a_folder_on_the_path_with_nothing_installed(tmp_path: Path) -> None:
    (tmp_path / "pipeline").symlink_to(ROOT / "pipeline")
    program = "from pipeline import provenance; print(provenance.released_version(provenance.Path('/nowhere')))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {program}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "unknown\n", done.stderr


def test_a_run_ends_after_its_begin_whatever_has_become_of_the_clock() -> None:
    run = provenance.new_run("score", {})
    for year in (1970, 2226):  # in which it began by a clock that is right again
        began = datetime(year, 1, 1, tzinfo=UTC)
        passed = provenance.finished({**run, "started_at": began})["finished_at"] - began
        assert timedelta(0) <= passed < timedelta(hours=1)


def test_a_folder_is_read_through_links_each_folder_once(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.csv").write_text("b")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.csv").write_text("a")
    (folder / "rest").symlink_to(tmp_path / "elsewhere")
    (folder / "around").symlink_to(folder)
    (folder / "nowhere").symlink_to(tmp_path / "missing")
    assert [path.relative_to(folder).as_posix() for path in provenance.content_files(folder)] == ["a.csv", "rest/b.csv"]
    alone = provenance.file_sha256(folder)
    (tmp_path / "elsewhere" / "b.csv").write_text("c")
    assert provenance.file_sha256(folder) != alone


def test_a_folder_below_that_cannot_be_read_is_not_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def refused(place: Any) -> Any:
        if str(place).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", place)
        return scandir(place)

    with monkeypatch.context() as within, pytest.raises(PermissionError, match="closed"):
        within.setattr(os, "scandir", refused)
        provenance.content_files(tmp_path)


def test_a_file_whose_name_is_not_utf_8_counts_in_a_folder(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xfc.txt")).write_text("x")
    assert provenance.file_sha256(tmp_path)[1] == 1
