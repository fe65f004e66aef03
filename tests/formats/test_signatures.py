"""Which file it is, by its first bytes, and what the message says to somebody who gave the wrong one."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import sqlite3
import tarfile
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import torch

from pipeline.errors import NotThisFormError, UserError
from pipeline.formats import pickles, signatures, tables, text_files, tfrecord, toml_files
from pipeline.formats.table_form import TableForm
from tests.fixtures.lines import refused


def in_memory(write: Any) -> bytes:
    """What a function writes to a stream."""
    stream = io.BytesIO()
    write(stream)
    return stream.getvalue()


def tarred() -> bytes:
    with tarfile.open(fileobj=(stream := io.BytesIO()), mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
    return stream.getvalue()


def zipped(*names: str, content: bytes = b"x") -> bytes:
    with zipfile.ZipFile(stream := io.BytesIO(), "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return stream.getvalue()


def sqlite(folder: Path) -> bytes:
    connection = sqlite3.connect(folder / "a.sqlite")
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    return (folder / "a.sqlite").read_bytes()


def record(data: bytes) -> bytes:
    length = len(data).to_bytes(8, "little")
    crcs = [tfrecord.masked_crc(part).to_bytes(4, "little") for part in (length, data)]
    return length + crcs[0] + data + crcs[1]


TABLE = pa.table({"a": [1, 2]})
FILES: dict[str, tuple[bytes, str]] = {
    "checkpoint": (in_memory(lambda s: torch.save({"a": torch.zeros(2)}, s)), "a PyTorch checkpoint"),
    "old checkpoint": (
        in_memory(lambda s: torch.save({"a": 1}, s, _use_new_zipfile_serialization=False)), "a PyTorch checkpoint",
    ),
    "zip": (zipped("a.csv", "b.csv"), "a zip archive"),
    "empty zip": (in_memory(lambda s: zipfile.ZipFile(s, "w").close()), "a zip archive without a file"),
    "npz": (in_memory(lambda s: np.savez(s, np.zeros(3))), "an .npz file"),
    "npy": (in_memory(lambda s: np.save(s, np.zeros(3))), "an .npy file"),
    "xlsx": (zipped("[Content_Types].xml"), "an Excel or other Office file"),
    "tar": (tarred(), "a tar archive"),
    "tar.gz": (gzip.compress(tarred()), "a tar archive within a gzip file"),
    "tar.bz2": (bz2.compress(tarred()), "a tar archive within a bzip2 file"),
    "tfrecord": (record(b"x" * 100), "a TFRecord file"),
    "tfrecord.gz": (gzip.compress(record(b"x" * 100)), "a TFRecord file within a gzip file"),
    "parquet": (in_memory(lambda s: pq.write_table(TABLE, s)), "a Parquet file"),
    "feather": (in_memory(lambda s: pyarrow.feather.write_feather(TABLE, s)), "an Arrow file"),
    "utf-16": ("arch,acc\nx,1\n".encode("utf-16"), "text in UTF-16"),
    "utf-16 without a mark": ("arch,acc\nx,1\n".encode("utf-16-le"), "text in UTF-16"),
    "utf-32": ("arch,acc\n".encode("utf-32"), "text in UTF-32"),
    "html": (b"\n<!DOCTYPE html>\n<html><title>Download</title></html>", "a web page"),
    "xml": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "an XML file"),
    "pdf": (b"%PDF-1.7\n", "a PDF"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF\n", "a PostScript file"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "a Git LFS pointer"),
    "annex": (b"/annex/objects/SHA256E-s1--0.csv\n", "a git-annex pointer"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(20), "an HDF5 file"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(20), "a zstd file"),
    "duckdb": (bytes(8) + b"DUCK" + bytes(20), "a DuckDB database"),
    "gif": (b"GIF89a\x01\x00\x01\x00", "a GIF picture"),
    "empty": (b"", "an empty file"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_known_by_its_first_bytes(name: str) -> None:
    content, expected = FILES[name]
    form = signatures.identified(content[: signatures.HEAD])
    assert form is not None and form.name.startswith(expected)


def test_an_sqlite_database_is_recognised(tmp_path: Path) -> None:
    form = signatures.identified(sqlite(tmp_path))
    assert form is not None and form.name == "an SQLite database"


@pytest.mark.parametrize(
    "content",
    [b"arch,acc\n", b"BMI,acc\n1,2\n", b"PAR1,x\n1,2\n", b"(lr),acc\n", b"MZ,a\n", b"BZh,a\n", b"GIF8,a\n", b"\xff\xfb",
     b"#comment\n", b"a\0b,c\n", bytes(300)],
)  # fmt: skip
def test_a_table_whose_header_begins_like_another_file_is_none(content: bytes) -> None:
    assert signatures.identified(content) is None


@pytest.mark.parametrize(
    ("name", "kind"), [("npz", "numpy"), ("npy", "numpy"), ("parquet", "parquet"), ("feather", "arrow")]
)
def test_a_packed_file_that_is_not_read_packed_says_so(tmp_path: Path, name: str, kind: Any) -> None:
    content, what = FILES[name]
    for suffix, pack in (("xz", lzma.compress), ("bz2", bz2.compress), ("zst", partial(pa.compress, codec="zstd"))):
        (tmp_path / suffix).write_bytes(pack(content))
        with refused(f"{suffix} is {what}", " within a", "is expected: unpack it"):
            list(tables.rows(tmp_path / suffix, TableForm(kind)))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("content", [{"a": [1, 2]}, [{"a": 1}]])
def test_a_pickle_of_a_mapping_or_list_is_known_in_every_protocol(content: object, protocol: int) -> None:
    assert signatures.identified(pickle.dumps(content, protocol)) == signatures.PICKLE


@pytest.mark.parametrize("name", [n for n in FILES if n != "empty"])
@pytest.mark.parametrize("kind", ["csv", "json", "pickle"])
def test_a_table_of_another_form_says_what_it_is_and_what_is_expected(tmp_path: Path, name: str, kind: Any) -> None:
    content, what = FILES[name]
    (tmp_path / "table").write_bytes(content)
    with pytest.raises(NotThisFormError) as error:
        list(tables.rows(tmp_path / "table", TableForm(kind)))
    said = str(error.value)
    assert what.split(" within ")[0] in said
    assert f"where a {'pickle' if kind == 'pickle' else kind.upper() + ' file'} is expected" in said


@pytest.mark.parametrize("name", ["checkpoint", "tar.gz", "utf-16", "html", "parquet"])
def test_a_toml_and_a_list_of_another_form_say_what_they_are(tmp_path: Path, name: str) -> None:
    content, what = FILES[name]
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(UserError, match=rf"preset .*a\.toml is {what}.*, where a TOML file is expected"):
        toml_files.read(tmp_path / "a.toml", "preset")
    with pytest.raises(UserError, match=f"{what}.*, where a list is expected"):
        text_files.read(tmp_path / "a.toml", "--only", "a list")


def test_a_pickle_that_refers_to_data_outside_of_it_says_so() -> None:
    with pytest.raises(NotThisFormError, match="outside of it, as PyTorch checkpoints do"):
        pickles.load(io.BytesIO(b"\x80\x02K\x01Q."), {})


def test_a_pickle_may_be_packed_in_three_ways(tmp_path: Path) -> None:
    for pack in (gzip.compress, bz2.compress, lzma.compress):
        (tmp_path / "a").write_bytes(pack(pickle.dumps([1, 2])))
        assert pickles.load_path(tmp_path / "a", {}) == [1, 2]
