"""Zips: those of one file, which is read as if it were not packed, and those that torch, numpy and Office write."""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Literal

from pipeline.errors import NotThisFormError, excerpt
from pipeline.provenance import is_left_there
from pipeline.wording import count_of

BEGINNING = b"PK\x03\x04"
UNPACK = "unpack it and name what is in it"
HEAD = 1024
"""Bytes from which `kind` can tell what a zip is."""

BROKEN = (zipfile.BadZipFile, RuntimeError, EOFError, zlib.error, lzma.LZMAError, ValueError, struct.error)
"""What zipfile raises for damaged archives and members, and for members that are encrypted or packed in an unknown way.
"""

_ENCRYPTED = 1  # a bit of a member's flags


def kind(head: bytes) -> Literal["checkpoint", "arrays", "office", "files"]:
    """The kind of a zip, from its first `HEAD` bytes: the name of its first member tells."""
    length = int.from_bytes(head[26:28], "little")
    first = head[30 : 30 + length]
    if first.endswith((b"/data.pkl", b"/.format_version", b"/.data/serialization_id")):
        return "checkpoint"
    if first.endswith(b".npy"):
        return "arrays"
    return "office" if first in (b"[Content_Types].xml", b"_rels/.rels") else "files"


class NotOneFileError(NotThisFormError):
    """A zip that is not one readable file, and the `reason`."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is a zip archive, and {reason}: {UNPACK}")
        self.reason = reason


def opened(path: Path) -> IO[bytes]:
    """Open the only file in a zip, whatever its name. The caller bounds how much is read.

    Raises:
        NotOneFileError: it holds no file, several or an encrypted one, or is damaged.
        OSError: it cannot be opened.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if _is_file(member)]
            if len(members) != 1:
                raise NotOneFileError(path, _how_many([member.filename for member in members]))
            if members[0].flag_bits & _ENCRYPTED:
                raise NotOneFileError(path, "the file in it is encrypted")
            return archive.open(members[0])  # readable after the archive is closed
    except BROKEN as error:
        raise NotOneFileError(path, f"it is damaged ({excerpt(str(error), 200, bare=True)})") from error


def _how_many(names: Sequence[str]) -> str:
    if not names:
        return "no file is in it"
    among = "among them " if len(names) > 2 else ""
    return f"it holds {count_of(len(names), 'file')}, {among}{' and '.join(excerpt(name, 40) for name in names[:2])}"


def _is_file(member: zipfile.ZipInfo) -> bool:
    """Whether it is neither a folder, nor a link, nor what an operating system leaves beside a file."""
    name = member.filename  # which may be empty; `is_dir` would raise an IndexError
    left = "__MACOSX/" in name or is_left_there(name.rpartition("/")[2])
    return not (name.endswith("/") or stat.S_ISLNK(member.external_attr >> 16) or left)
