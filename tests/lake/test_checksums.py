"""The list of a lake's parts: a line that could not be written whole is none, and spoils no other."""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.lake import checksums
from tests.fixtures import lakes

PART = "madeup/late"
NAME = f"parts/{PART}/truth.parquet"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake with one part that is on the list, and one that is not yet."""
    lakes.publish(tmp_path, metrics=[lakes.metric()])
    (tmp_path / "parts" / PART).mkdir()
    (tmp_path / NAME).write_bytes(b"late")
    return tmp_path


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("room", [0, 1, 70, 90])
def test_lines_that_find_no_space_are_not_on_the_list(lake: Path, room: int, linked: bool) -> None:
    if linked:
        os.link(lake / checksums.FILE, lake / "copy")
    before, limits = (lake / checksums.FILE).read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + room, limits[1]))
        with pytest.raises(UserError):
            checksums.record(lake, PART)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (lake / checksums.FILE).read_bytes() == before


@pytest.mark.parametrize("kept", [1, 64, 66, -1 - len(".parquet"), -3, -1])
def test_a_line_that_a_killed_run_left_unfinished_is_none(lake: Path, kept: int) -> None:
    listed = checksums.listed(lake)
    with (lake / checksums.FILE).open("a") as stream:
        stream.write(f"{'0' * 64}  {NAME}\n"[:kept])
    killed = checksums.listed(lake)
    assert killed == listed | ({PART: {"truth.parquet"}} if kept == -1 else {})
    assert checksums.read_list(lake)[1] == []
    checksums.record(lake, PART)
    lines, faulty = checksums.read(lake / checksums.FILE)
    assert lines[NAME] == checksums.of_file(lake / NAME) and faulty == []
    assert checksums.folders(lines) == listed | {PART: {"truth.parquet"}}


def test_a_copy_by_hard_links_keeps_a_list_of_its_own(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("copy") / "lake"
    shutil.copytree(lake, copy, copy_function=os.link)
    before = (lake / checksums.FILE).read_bytes()
    checksums.record(lake, PART)
    assert (copy / checksums.FILE).read_bytes() == before
    assert (lake / checksums.FILE).read_bytes() == before + f"{checksums.of_file(lake / NAME)}  {NAME}\n".encode()
