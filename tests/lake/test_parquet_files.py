"""Reading the files of parts: what is wrong with one is said in a line, and what is not is not said of it."""

from __future__ import annotations

import errno
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.catalog import damage
from pipeline.errors import UserError, os_errors_explained
from pipeline.formats import tables
from pipeline.formats.table_form import TableForm
from pipeline.lake import checksums, parquet_files, verify
from pipeline.lake.schema import TABLES
from tests.fixtures import lakes
from tests.fixtures.lines import refused


def test_too_little_memory_is_no_fault_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise pa.ArrowMemoryError("malloc of size 1024 failed")

    pq.write_table(pa.table({"a": [1]}), tmp_path / "scores.parquet")
    monkeypatch.setattr("pyarrow.parquet.ParquetFile", full)
    with pytest.raises(MemoryError):
        verify.schema_fault(tmp_path / "scores.parquet")
    with pytest.raises(MemoryError):
        list(tables.rows(tmp_path / "scores.parquet", TableForm("parquet")))


@pytest.mark.parametrize(
    ("error", "expected"), [(pa.ArrowMemoryError("malloc"), MemoryError), (OSError("bad"), UserError)]
)
def test_what_is_wrong_with_a_file_is_one_line_but_for_a_lack_of_memory(
    error: Exception, expected: type[Exception]
) -> None:
    with pytest.raises(expected), parquet_files.damage_named(Path("scores.parquet")):
        raise error


def test_of_a_file_that_may_not_be_read_no_copy_is_asked_for() -> None:
    with (
        refused("scores.parquet cannot be read (no permission): change the permissions; `pipeline doctor`"),
        parquet_files.damage_named(Path("scores.parquet")),
    ):
        raise PermissionError(errno.EACCES, "Permission denied", "scores.parquet")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EMFILE, "Too many open files", "scores.parquet"), OSError("Failed to open: Too many open files"),
        duckdb.IOException('Cannot open file "parts/m/p/scores.parquet": Too many open files'),
        BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
    ],
)  # fmt: skip
def test_what_the_system_refuses_for_now_is_no_fault_of_a_file_or_the_disk(error: Exception) -> None:
    damage_named = damage.damage_named() if isinstance(error, duckdb.Error) else parquet_files.damage_named(Path("x"))
    with (
        refused("raise the limit" if "open" in str(error) else "raise a limit", "nothing stored is lost"),
        damage_named,
    ):
        raise error
    if isinstance(error, OSError) and error.errno:
        with refused("while writing lake, "), os_errors_explained("writing lake"):
            raise error


def test_a_part_without_checksums_is_read_page_by_page(lake: Path) -> None:
    """As an earlier version published it."""
    lakes.made_up(lake, 12)
    part, folder = "madeup/ingest", lake / "parts/madeup/ingest"
    (folder / checksums.FILE).unlink()
    assert list(verify.part_faults(lake, part, checksums.names_in(folder), {})) == []
    content = bytearray((folder / "truth.parquet").read_bytes())
    content[pq.ParquetFile(folder / "truth.parquet").metadata.row_group(0).column(8).dictionary_page_offset + 100] ^= 1
    (folder / "truth.parquet").write_bytes(content)
    [fault] = verify.part_faults(lake, part, checksums.names_in(folder), {})
    assert fault.path == f"parts/{part}/truth.parquet" and "a page does not have its checksum" in fault.what


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"proxy_id": pa.int64()}, "its column proxy_id is int64, not string"),
        ({"proxy_id": None}, "it lacks the column proxy_id"),
        ({"extra": pa.string()}, "it has a column extra, which its table has not"),
        ({"kind": None}, None),  # which an earlier version had not
    ],
)
def test_the_columns_of_a_file_are_those_of_its_table(
    tmp_path: Path, columns: dict[str, pa.DataType | None], expected: str | None
) -> None:
    types = {**{field.name: field.type for field in TABLES["proxies"].arrow}, **columns}
    file = tmp_path / "proxies.parquet"
    pq.write_table(pa.schema([(name, kind) for name, kind in types.items() if kind]).empty_table(), file)
    assert verify.schema_fault(file) == expected
