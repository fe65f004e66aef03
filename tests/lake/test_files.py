"""A file is replaced whole or stays as it was, and nothing is left beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.lake.files import atomic_write


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
