"""Reading the files of parts: what is wrong with one is said in a line, and what is not is not said of it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.errors import UserError
from pipeline.formats import tables
from pipeline.lake import parquet_files, verify


def test_too_little_memory_is_no_fault_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise pa.ArrowMemoryError("malloc of size 1024 failed")

    monkeypatch.setattr("pyarrow.parquet.ParquetFile", full)
    with pytest.raises(MemoryError):
        verify.schema_fault(tmp_path / "scores.parquet")
    with pytest.raises(MemoryError):
        list(tables.rows(tmp_path / "scores.parquet", "parquet"))


@pytest.mark.parametrize(
    ("error", "expected"), [(pa.ArrowMemoryError("malloc"), MemoryError), (OSError("bad"), UserError)]
)
def test_what_is_wrong_with_a_file_is_one_line_but_for_a_lack_of_memory(
    error: Exception, expected: type[Exception]
) -> None:
    with pytest.raises(expected), parquet_files.damage_named(Path("scores.parquet")):
        raise error
