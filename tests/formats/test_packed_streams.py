"""Files of several packed streams: each is read, and what is damaged in a later one is not taken for the end."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import NotThisFormError
from pipeline.formats import packed, packed_streams, tables
from pipeline.formats.table_form import TableForm

HALVES = [b"arch,acc\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in part) for part in (range(5000), range(5000, 9000))]
PACKINGS = pytest.mark.parametrize("pack", [bz2.compress, lzma.compress, gzip.compress])
Pack = Callable[[bytes], bytes]


def read(path: Path, content: bytes) -> bytes:
    path.write_bytes(content)
    return packed.content(path)


@PACKINGS
def test_every_stream_is_read_whatever_the_chunks(pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = [pack(part) for part in (*HALVES, b"", b"end")]
    for chunk in (1 << 16, 7, len(streams[0])):
        monkeypatch.setattr(packed_streams, "_CHUNK", chunk)
        assert read(tmp_path / "t", b"".join(streams)) == b"".join(HALVES) + b"end"


@PACKINGS
@pytest.mark.parametrize("place", [1, 60])
def test_damage_in_a_later_stream_is_told(pack: Pack, place: int, tmp_path: Path) -> None:
    first, second = map(pack, HALVES)
    content = bytearray(first + second)
    content[len(first) + place] ^= 0xFF
    with pytest.raises(NotThisFormError, match=r"^damaged: "):
        read(tmp_path / "t", bytes(content))
    with pytest.raises(NotThisFormError, match=r"t\.csv"):
        (tmp_path / "t.csv").write_bytes(content)
        list(tables.rows(tmp_path / "t.csv", TableForm("csv")))


@PACKINGS
@pytest.mark.parametrize("left", [3, 100])
def test_a_later_stream_that_is_cut_is_told(pack: Pack, left: int, tmp_path: Path) -> None:
    first, second = map(pack, HALVES)
    with pytest.raises(NotThisFormError, match=r"^truncated: "):
        read(tmp_path / "t", first + second[:left])


def test_zeros_between_streams_of_xz_come_in_fours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = map(lzma.compress, HALVES)
    for chunk in (1 << 16, 5):
        monkeypatch.setattr(packed_streams, "_CHUNK", chunk)
        assert read(tmp_path / "t", first + bytes(8) + second + bytes(12)) == b"".join(HALVES)
        for content in (first + bytes(3) + second, first + bytes(5)):
            with pytest.raises(NotThisFormError, match="between or after its streams"):
                read(tmp_path / "t", content)


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_bytes_after_the_last_stream_are_told(pack: Pack, tmp_path: Path) -> None:
    with pytest.raises(NotThisFormError, match=r"^damaged: "):
        read(tmp_path / "t", pack(HALVES[0]) + b"and more bytes")


@pytest.mark.parametrize("beginning", ["BZ", "BZh9", "BZh91AY"])
def test_a_table_may_begin_as_a_packing_does(beginning: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{beginning},acc\n1,2\n")
    assert list(tables.rows(path, TableForm("csv"))) == [("line 2", {beginning: "1", "acc": "2"})]


def test_a_packed_file_of_no_bytes_is_empty(tmp_path: Path) -> None:
    for pack in (bz2.compress, lzma.compress, gzip.compress):
        with pytest.raises(NotThisFormError, match="the file is empty"):
            read(tmp_path / "t", pack(b""))
