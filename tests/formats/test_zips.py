"""A zip of one file is read as that file; of others it is said in a line why not."""

from __future__ import annotations

import gzip
import io
import pickle
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import NotThisFormError
from pipeline.formats import json_arrays, packed, signatures, tables
from pipeline.formats.table_form import TableForm
from pipeline.ingest.guessing import kinds_of_files
from tests.fixtures.lines import refused

TABLE = b"arch,acc\na,1\nb,2\n"
ROWS = [("line 2", {"arch": "a", "acc": "1"}), ("line 3", {"arch": "b", "acc": "2"})]


def zipped(members: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    with zipfile.ZipFile(stream := io.BytesIO(), "w", packing) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def changed(content: bytes, *places: tuple[int, int]) -> bytes:
    data = bytearray(content)
    for place, bits in places:
        data[place] ^= bits
    return bytes(data)


def linked() -> bytes:
    link = zipfile.ZipInfo("t.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(stream := io.BytesIO(), "w") as archive:
        archive.writestr(link, "/etc/passwd")
    return stream.getvalue()


def rows(folder: Path, content: bytes, kind: Any = "csv") -> list[Any]:
    (folder / "t.zip").write_bytes(content)
    return list(tables.rows(folder / "t.zip", TableForm(kind)))


@pytest.mark.parametrize("name", ["t.csv", "folder/t.csv", "../../etc/passwd", "/etc/passwd", "\u00e9 \n.csv", "C:\\t"])
@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_the_one_file_in_a_zip_is_read_whatever_its_name(name: str, packing: int, tmp_path: Path) -> None:
    assert rows(tmp_path, zipped({name: TABLE}, packing)) == ROWS
    assert [path.name for path in tmp_path.iterdir()] == ["t.zip"]


def test_its_name_may_be_empty(tmp_path: Path) -> None:
    named = zipped({"t.csv": TABLE}).replace(b"t.csv", b"\0.csv")  # names end at a zero byte
    assert rows(tmp_path, named) == ROWS


def test_folders_and_what_a_system_leaves_are_no_files_of_it(tmp_path: Path) -> None:
    beside = {"f/": b"", "f/t.csv": TABLE, "__MACOSX/f/._t.csv": b"x", "f/.DS_Store": b"x", "f/._t.csv": b"x"}
    assert rows(tmp_path, zipped(beside)) == ROWS


def test_json_pickles_and_arrays_are_read_and_guessed_at(tmp_path: Path) -> None:
    assert rows(tmp_path, zipped({"t.json": b'[{"a": 1}]'}), "json") == [("item 1", {"a": 1})]
    assert list(json_arrays.read(tmp_path / "t.zip")) == [("[0]", {"a": 1})]
    assert kinds_of_files.kind_of(tmp_path / "t.zip") == "json"
    assert rows(tmp_path, zipped({"t.pkl": pickle.dumps([{"a": 1}])}), "pickle")[0][1] == {"a": 1}
    assert kinds_of_files.kind_of(tmp_path / "t.zip") == "pickle"


ONE, NAMED = (zipped({name: TABLE}, zipfile.ZIP_STORED) for name in ("t.csv", "\u00e9.csv"))
REFUSED = {
    "no file": (zipped({"f/": b""}), "no file is in it"),
    "two files": (zipped({"a.csv": TABLE, "b.csv": TABLE}), "it holds 2 files, 'a.csv' and 'b.csv'"),
    "many files": (zipped({f"{n}.csv": TABLE for n in range(3000)}), "it holds 3,000 files, among them '0.csv'"),
    "a link": (linked(), "no file is in it"),
    "encrypted": (changed(ONE, (6, 1), (ONE.rfind(b"PK\1\2") + 8, 1)), "the file in it is encrypted"),
    "cut": (ONE[:-10], "it is damaged (File is not a zip file)"),
    "another packing": (changed(ONE, (8, 99), (ONE.rfind(b"PK\1\2") + 10, 99)), "it is damaged (That compression"),
    "a name that is not UTF-8": (changed(NAMED, (NAMED.rfind(b"\xc3"), 64)), "it is damaged ('utf-8' codec"),
    "a changed byte": (changed(ONE, (40, 1)), "damaged: Bad CRC-32 for file 't.csv'"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("kind", ["csv", "pickle"])
def test_other_zips_are_refused_in_a_line(case: str, kind: Any, tmp_path: Path) -> None:
    content, reason = REFUSED[case]
    with refused("t.zip", "a zip archive", f"where a {'CSV file' if kind == 'csv' else kind} is expected", reason):
        rows(tmp_path, content, kind)
    with refused(str(tmp_path / "t.zip"), reason):
        kinds_of_files.kind_of(tmp_path / "t.zip")


def test_a_member_before_the_beginning_of_a_zip_is_refused_in_a_line(tmp_path: Path) -> None:
    content = zipped({"t/data.pkl": pickle.dumps([1])}, zipfile.ZIP_STORED)
    with refused("t.zip", "a damaged zip: negative seek value"):
        rows(tmp_path, gzip.compress(changed(content, (len(content) - 6, 255))), "torch")


def test_what_is_in_it_is_said_where_it_is_of_another_form(tmp_path: Path) -> None:
    inner = {"a PDF": b"%PDF-1.4\n", "a gzip file": b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "a zip archive": ONE}
    for name, content in inner.items():
        with refused(f"t.zip is {name} within a zip archive, where a CSV file is expected: unpack it"):
            rows(tmp_path, zipped({"t.csv": content}))


def test_it_unpacks_to_no_more_than_is_read_of_any_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "MAX_BYTES", 1 << 20)
    content = zipped({"t.csv": b"a\n" + (b"1" * 1000 + b"\n") * 2**11})
    with pytest.raises(NotThisFormError, match=r"t\.zip .*unpacks to more than 1 MiB"):
        rows(tmp_path, content)
    place = content.rfind(b"PK\1\2") + 24  # its size, which it may state wrongly
    with refused("t.zip"):
        rows(tmp_path, changed(content, (place, 255), (place + 1, 255), (place + 2, 255)))


def test_forms_that_are_zips_stay_what_they_are() -> None:
    for name, form in (("a/data.pkl", "a PyTorch checkpoint"), ("a.npy", signatures.ARRAYS)):
        found = signatures.identified(zipped({name: b"x"}))
        assert found is not None and found.name == form
