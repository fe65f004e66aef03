"""Pickles and JSON of a few packed bytes whose objects fill the memory are refused before these are made."""

from __future__ import annotations

import bz2
import gzip
import io
import pickle
import random
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import NotThisFormError
from pipeline.formats import object_bounds, pickles, tables
from pipeline.formats.table_form import TableForm

REFUSED = "it holds objects that take more than 2,560 MiB of memory: refused"


@pytest.mark.parametrize("end", [b"e.", b"l.", b"", b"e.\x80\x04N."])
def test_a_pickle_of_a_hundred_bytes_that_makes_gigabytes_is_refused(end: bytes, tmp_path: Path) -> None:
    path = tmp_path / "000000.pickle.pbz2"
    path.write_bytes(bz2.compress(b"\x80\x04](" + b"]" * 30_000_000 + end, 1))
    with pytest.raises(NotThisFormError, match=REFUSED):
        pickles.load_path(path, {})


@pytest.mark.parametrize(
    "part",
    [b"\x8f", b"\x8c\x02ab", b"X\x02\0\0\0ab", b"G" + bytes(8), b"K\1G" + bytes(8), b"N" * 40, b"]\x94", b"F1\n",
     b"M\0\2", b"J\0\0\2\0", b"\x8a\1\1", b"K\1K\2\x86", b"(K\1K\2l", b"V" + b"a" * 9 + b"\n", b"\x8c\x40" + b"a" * 64],
)  # fmt: skip
def test_whatever_a_pickle_makes_is_counted(part: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_bounds, "MOST_BYTES", 1 << 17)
    with pytest.raises(NotThisFormError, match="it holds objects that take more than 0 MiB"):
        pickles.load(io.BytesIO(b"\x80\x04](" + part * 5000 + b"e."), {})


def test_pickles_after_the_first_are_counted_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_bounds, "MOST_BYTES", 1 << 17)
    path = tmp_path / "t.pkl"
    path.write_bytes(pickle.dumps([[] for _ in range(500)]) * 2)
    assert len(pickles.load_each_path(path, {})) == 2
    path.write_bytes(path.read_bytes() * 5)
    with pytest.raises(NotThisFormError, match="refused"):
        pickles.load_each_path(path, {})


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("content", [bytes(random.Random(0).randbytes(1 << 20)), "] } R t l " * 100_000])
def test_bytes_and_texts_are_no_objects(protocol: int, content: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_bounds, "MOST_BYTES", 1 << 17)
    pickles.load(io.BytesIO(pickle.dumps([content], protocol)), pickles.NUMPY)


@pytest.mark.parametrize("part", [b"[]", b"{}", b'{"":1}', b"0,0,0,0"])
def test_json_of_a_few_kilobytes_that_makes_gigabytes_is_refused(
    part: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_bounds, "MOST_BYTES", 1 << 20)
    path = tmp_path / "t.json.gz"
    path.write_bytes(gzip.compress(b"[" + b",".join([part] * 20_000) + b"]"))
    with pytest.raises(NotThisFormError, match=r"t\.json\.gz is not a JSON file: it holds objects that take more"):
        list(tables.rows(path, TableForm("json")))


def test_commas_and_brackets_in_texts_of_json_are_no_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_bounds, "MOST_BYTES", 1 << 10)
    path = tmp_path / "t.json"
    path.write_text(r'[{"arch": "' + r"[{,\"" * 5000 + '"}]')
    assert len(list(tables.rows(path, TableForm("json")))) == 1
