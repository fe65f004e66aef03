"""A file is replaced whole or stays as it was, and nothing is left beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.lake.files import atomic_write
from tests.fixtures import lakes


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced_when_the_block_ends(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    with atomic_write(path, durable=durable) as temporary:
        temporary.write_text("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after" and list(tmp_path.iterdir()) == [path]


def test_after_an_error_the_file_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    with pytest.raises(RuntimeError), atomic_write(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", [".staging", f"parts/{lakes.BENCHMARK}", f"parts/{lakes.BENCHMARK}/scores"])
def test_a_file_in_the_place_of_a_folder_is_not_taken_for_what_somebody_published(tmp_path: Path, name: str) -> None:
    lake = lakes.empty(tmp_path / "lake")
    shutil.rmtree(lake.root / name, ignore_errors=True)
    (lake.root / name).parent.mkdir(exist_ok=True)
    (lake.root / name).write_text("mine")
    with pytest.raises(UserError, match=f"{name} is no folder, where this program has one: move it away"):
        lake.publish(lakes.BENCHMARK, "scores", {"scores": [lakes.score(0, lakes.OURS, 1.0)]})
    assert (lake.root / name).read_text() == "mine"
