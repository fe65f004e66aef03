"""Recognize a file by its first bytes, for the message when another file was expected."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import NotThisFormError
from pipeline.formats import opening, packed, tfrecord, zips

_WITHIN_A_PACKING = " within "  # between the names of a file that is packed and of its packing
HEAD = 1024
"""Bytes that tell what a file is."""


class Form(NamedTuple):
    """A form of file: what it is called, and what to do with one where another is expected."""

    name: str
    advice: str

    @property
    def content(self) -> str:
        """The name of what is packed in it, else its own."""
        return self.name.partition(_WITHIN_A_PACKING)[0]


EMPTY = Form("an empty file", "copy or download it again")
PICKLE = Form("a pickle", "name it where a pickle is taken, or write its content as CSV")
ZIP = Form("a zip archive", zips.UNPACK)
JSON = Form("a JSON file", "name it where JSON is taken, or write its content as CSV")
CHECKPOINT = Form("a PyTorch checkpoint", "load it with torch and write the numbers as CSV or JSON")
ARRAY, ARRAYS = "an .npy file, one array of numpy", "an .npz file, arrays of numpy"
ZSTD = "a zstd file"
_ARRAY = "load it with numpy and write it as CSV, or with numpy.savez where an .npz file is taken"
_COLUMNS = "write its rows as CSV"
_UNPACK = zips.UNPACK
_WHOLE_FILE = "download the file itself"

_OLD_PICKLES = (
    b"(dp0\n",
    b"(dp1\n",
    b"(lp0\n",
    b"(lp1\n",
    b"]q\0",
    b"]q\1",
    b"}q\0",
    b"}q\1",
    b"cnumpy.",
    b"ccopy_reg\n",
)
"""Those that state no protocol: a list or a mapping, the first thing of which the memo knows as 0 or 1."""

_BEGINNINGS: tuple[tuple[bytes, Form], ...] = (
    (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19", CHECKPOINT),
    *((b"\x80" + bytes([protocol]), PICKLE) for protocol in range(2, 6)),
    *((beginning, PICKLE) for beginning in _OLD_PICKLES),
    (b"PK\x05\x06", Form("a zip archive without a file in it", "copy or download it again")),
    (b"\x1f\x8b", Form("a gzip file", _UNPACK)),
    *((b"BZh%d1AY&SY" % level, Form("a bzip2 file", _UNPACK)) for level in range(1, 10)),
    (b"\xfd7zXZ\0", Form("an xz file", _UNPACK)),
    (b"\x28\xb5\x2f\xfd", Form(ZSTD, _UNPACK)),
    (b"\x04\x22\x4d\x18", Form("an lz4 file", _UNPACK)),
    (b"7z\xbc\xaf\x27\x1c", Form("a 7z archive", _UNPACK)),
    (b"Rar!\x1a\x07", Form("a rar archive", _UNPACK)),
    (b"PAR1", Form("a Parquet file", _COLUMNS)),
    (b"ARROW1", Form("an Arrow file", _COLUMNS)),
    (b"\xff\xff\xff\xff", Form("an Arrow file", _COLUMNS)),
    (b"FEA1", Form("a Feather file", _COLUMNS)),
    (b"\x89HDF\r\n\x1a\n", Form("an HDF5 file", _COLUMNS)),
    (b"\x93NUMPY", Form(ARRAY, _ARRAY)),
    (b"SQLite format 3\0", Form("an SQLite database", _COLUMNS)),
    (b"MATLAB 5.0", Form("a MATLAB file", _COLUMNS)),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Form("an Excel or other Office file", _COLUMNS)),
    (b"\xff\xfe\0\0", Form("text in UTF-32", "save it in UTF-8")),
    (b"\xff\xfe", Form("text in UTF-16", "save it in UTF-8")),
    (b"\xfe\xff", Form("text in UTF-16", "save it in UTF-8")),
    (b"%PDF", Form("a PDF", _WHOLE_FILE)),
    (b"%!PS", Form("a PostScript file", _WHOLE_FILE)),
    (b"\x7fELF", Form("a program", _WHOLE_FILE)),
    (b"version https://git-lfs", Form("a Git LFS pointer, not the file", "fetch the file with `git lfs pull`")),
    (b"/annex/objects/", Form("a git-annex pointer, not the file", "fetch the file with `git annex get`")),
    (b"\x89PNG\r\n\x1a\n", Form("a PNG picture", "")),
    (b"\xff\xd8\xff", Form("a JPEG picture", "")),
    (b"GIF8", Form("a GIF picture", "save it as PNG")),
    (b"II*\0", Form("a TIFF picture", "save it as PNG")),
    (b"MM\0*", Form("a TIFF picture", "save it as PNG")),
    (b"BM", Form("a BMP picture", "")),
    (b"MZ", Form("a program", _WHOLE_FILE)),
)
_WITHIN = (
    (257, b"ustar", Form("a tar archive", _UNPACK)),
    (8, b"DUCK", Form("a DuckDB database", _COLUMNS)),
    (8, b"WEBPVP8", Form("a WebP picture", "")),
)
_PACKED: dict[str, Callable[[io.BytesIO], io.BufferedIOBase]] = {
    "a gzip file": lambda stream: gzip.GzipFile(fileobj=stream),
    "a bzip2 file": bz2.BZ2File,
    "an xz file": lzma.LZMAFile,
}
_PAGE = Form("a web page (HTML)", "the link was not the file's own: download the file itself")


PACKINGS = tuple(_PACKED)
"""Names of the forms that the readers unpack themselves."""


def identify(path: Path) -> Form | None:
    """What a file is, or None where its first bytes tell nothing.

    Raises:
        OSError: it cannot be read.
    """
    with opening.opened(path) as stream:
        form = identified(stream.read(HEAD))
    if form is None or form.name not in (ZSTD, ZIP.name, *PACKINGS):
        return form
    try:
        with packed.open_unpacked(path) as stream:
            inner = identified(stream.read(HEAD))
    except zips.NotOneFileError as error:
        return Form(form.name, f"{error.reason}; {form.advice}")
    except packed.BROKEN as error:
        return Form(form.name, f"{packed.damaged(error)}; {form.advice}")
    except (NotThisFormError, OSError):
        return form  # damaged
    if inner is None:
        return form if form.name in PACKINGS else None
    return Form(f"{inner.name}{_WITHIN_A_PACKING}{form.name}", _UNPACK)


def identified(head: bytes) -> Form | None:
    """What the file is that begins so; None where that tells nothing."""
    if not head:
        return EMPTY
    for beginning, form in _BEGINNINGS:
        # A table may have a column whose name begins so.
        if head.startswith(beginning) and (b"\0" in head or not beginning.isalnum()):
            return _packed(head, form) if form.name in _PACKED else form
    if head.startswith(zips.BEGINNING):
        return _zip(head)
    if _is_tfrecord(head):
        return Form("a TFRecord file", _COLUMNS)
    return next((form for at, mark, form in _WITHIN if head[at:].startswith(mark)), None) or _text(head)


def _packed(head: bytes, form: Form) -> Form:
    """A packed file, with what is in it where its beginning tells."""
    unpacked = b""
    try:
        with _PACKED[form.name](io.BytesIO(head)) as stream:
            while len(unpacked) < HEAD and (more := stream.read(1)):
                unpacked += more
    except (OSError, ValueError, struct.error, *packed.BROKEN):
        pass
    inner = identified(unpacked) if unpacked else None
    return form if inner is None else Form(f"{inner.name}{_WITHIN_A_PACKING}{form.name}", _UNPACK)


def _zip(head: bytes) -> Form:
    """A zip by the name of its first member."""
    match zips.kind(head):
        case "checkpoint":
            return CHECKPOINT
        case "arrays":
            return Form(ARRAYS, _ARRAY)
        case "office":
            return Form("an Excel or other Office file", _COLUMNS)
    return ZIP


def _is_tfrecord(head: bytes) -> bool:
    if len(head) < 12:
        return False
    return tfrecord.masked_crc(head[:8]) == int.from_bytes(head[8:12], "little")


def _text(head: bytes) -> Form | None:
    if head.startswith(b"\xef\xbb\xbf"):
        head = head[3:]
    beginning = head.lstrip()[:200].lower()
    if beginning.startswith((b"<!doctype html", b"<html", b"<head", b"<script")):
        return _PAGE
    if beginning.startswith(b"<?xml"):
        return _PAGE if b"<html" in head.lower() else Form("an XML file", _WHOLE_FILE)
    if beginning.startswith((b"{", b"[{", b"[[", b'["')):
        return JSON
    if len(head) >= 8 and any(head) and (not any(head[1:40:2]) or not any(head[:40:2])):
        return Form("text in UTF-16", "save it in UTF-8")
    return None


def instead(path: Path, expected: str, *taken: str) -> str | None:
    """What a file is, where that is not what is expected: "FILE is a PDF, where a CSV is expected: ..."; else None.

    Args:
        expected: what the message says is expected: "a CSV file".
        taken: names of the forms that are as expected; packed, where `PACKINGS` are among them.

    Raises:
        OSError: the file cannot be read.
    """
    form = identify(path) or by_name(path)
    if form is None:
        return None
    inner, outer = form.content, form.name != form.content
    unpacked = outer and inner not in PACKINGS and set(PACKINGS) <= {*taken}  # by the reader, and not packed twice
    as_expected = inner in taken and (unpacked or not outer)
    return None if as_expected else said(str(path), form, expected)


def by_name(path: Path) -> Form | None:
    """What a file of text is by its name, where its content does not tell."""
    yaml = path.suffix.lower() in (".yaml", ".yml")
    return Form("a YAML file", "write what it holds as JSON, with yaml.safe_load and json.dump") if yaml else None


def said(what: str, form: Form, expected: str) -> str:
    """The line that says what a file is."""
    advice = f": {form.advice}" if form.advice else ""
    return f"{what} is {form.name}, where {expected} is expected{advice}"
