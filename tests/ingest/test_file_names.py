"""A file whose name is no text, or hostile, is ingested like another; what is stored of its name can be shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.ingest import run
from pipeline.lake.store import Lake
from tests.fixtures import mapped_tables


@pytest.mark.parametrize(
    "name", [b"caf\xe9.csv", b"a\x1b[31m.csv", b"[bold] <b>.csv", "\u202e.csv".encode()], ids=ascii
)
def test_any_name_of_a_file_is_taken(
    tmp_path: Path, lake: Path, name: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    table = mapped_tables.accuracies(tmp_path / "plain.csv").rename(tmp_path / os.fsdecode(name))
    mapping = mapped_tables.mapping(tmp_path / "mine.toml", mapped_tables.ACCURACY)
    run.ingest(lake, "nasbench201", [table], mapping=str(mapping))
    (row,) = Lake(lake).read("sources", "nasbench201").to_pylist()
    shown = {b"caf\xe9.csv": r"caf\udce9.csv", b"a\x1b[31m.csv": r"a\x1b[31m.csv", "\u202e.csv".encode(): r"\u202e.csv"}
    assert Path(row["file_name"]).name == shown.get(name, name.decode(errors="replace"))
