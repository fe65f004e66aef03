"""Arrow files of few bytes that would unpack to gigabytes are refused before they are unpacked; all others are read."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pytest

from pipeline.errors import NotThisFormError
from pipeline.formats import arrow_messages, arrow_tables
from pipeline.formats.table_form import TableForm

PACKINGS = ["zstd", "lz4", None]


def table(rows: int) -> pa.Table:
    """Numbers, text, a dictionary, lists and mappings, the texts of which are all alike."""
    return pa.table({
        "number": pa.array(np.zeros(rows, np.int64)),
        "text": pa.array(["x" * 20] * rows),
        "code": pa.array(["a long text"] * rows).dictionary_encode(),
        "list": pa.array([[1, 2]] * rows),
        "fields": pa.array([{"a": 1.5, "b": None}] * rows),
        "nothing": pa.nulls(rows),
        "yes": pa.array([True] * rows),
    })  # fmt: skip


def written(path: Path, content: pa.Table, form: str, packing: str | None, **options: Any) -> Path:
    settings = pa.ipc.IpcWriteOptions(compression=packing, **options)
    make = pa.ipc.new_file if form == "file" else pa.ipc.new_stream
    with pa.OSFile(str(path), "wb") as file, make(file, content.schema, options=settings) as writer:
        for batch in content.to_batches(max_chunksize=max(1, len(content) // 3)):
            writer.write_batch(batch)
    return path


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("form", ["file", "stream"])
def test_what_packs_well_is_refused_by_what_it_says_of_itself(
    form: str, packing: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "table", table(3_000), form, packing)
    arrow_messages.require_bounded(path)
    monkeypatch.setattr(arrow_messages, "MOST_BYTES", 20_000)
    monkeypatch.setattr(arrow_messages, "MOST_TIMES", 2)
    if packing is None:  # however large
        arrow_messages.require_bounded(path)
        return
    with pytest.raises(NotThisFormError, match=r"bytes would unpack to [0-9]+,[0-9]{3}: refused"):
        arrow_messages.require_bounded(path)
    with pytest.raises(NotThisFormError, match=r"table, after row 0: .* would unpack to"):
        list(arrow_tables.rows(path, TableForm("arrow")))


def test_so_is_what_a_dictionary_unpacks_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = pa.array([f"{'x' * 1_000}{number}" for number in range(90)])
    content = pa.table({"code": pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), words)})
    monkeypatch.setattr(arrow_messages, "MOST_BYTES", 20_000)
    monkeypatch.setattr(arrow_messages, "MOST_TIMES", 10)
    for form in ("file", "stream"):
        with pytest.raises(NotThisFormError, match="would unpack to"):
            arrow_messages.require_bounded(written(tmp_path / form, content, form, "zstd"))


@pytest.mark.parametrize("form", ["file", "stream"])
def test_rows_without_content_have_a_bound(form: str, tmp_path: Path) -> None:
    content = pa.table({"nothing": pa.nulls(3 * (arrow_messages.MOST_ROWS + 1))})
    with pytest.raises(NotThisFormError, match="1,048,577 rows are stated, and 0 bytes of content: refused"):
        arrow_messages.require_bounded(written(tmp_path / "table", content, form, "zstd"))


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("form", ["file", "stream"])
@pytest.mark.parametrize("rows", [0, 1, 100])
def test_files_of_every_kind_are_read(rows: int, form: str, packing: str | None, legacy: bool, tmp_path: Path) -> None:
    path = written(tmp_path / "table", table(rows), form, packing, use_legacy_format=legacy)
    read = [cells for _, cells in arrow_tables.rows(path, TableForm("arrow"))]
    assert len(read) == rows
    assert all(isinstance(cells, dict) and cells["list"] == [1, 2] for cells in read)


def test_a_file_of_feather_is_read(tmp_path: Path) -> None:
    pa.feather.write_feather(table(5), str(tmp_path / "table"))
    assert len(list(arrow_tables.rows(tmp_path / "table", TableForm("arrow")))) == 5


@pytest.mark.parametrize("form", ["file", "stream"])
def test_whatever_byte_is_damaged_it_is_one_line(form: str, tmp_path: Path) -> None:
    whole = written(tmp_path / "whole", table(2), form, "lz4").read_bytes()
    damaged = tmp_path / "damaged"
    for place in [*range(0, len(whole), 37), *range(len(whole) - 40, len(whole))]:
        for change in (whole[:place], whole[:place] + struct.pack("<q", 2**62) + whole[place + 8 :]):
            damaged.write_bytes(change)
            try:
                arrow_messages.require_bounded(damaged)
            except (NotThisFormError, ValueError) as error:
                assert "\n" not in str(error)
