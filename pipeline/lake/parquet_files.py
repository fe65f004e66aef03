"""Parquet files of the lake: written with checksums of pages, read with these verified and damage told in one line."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.errors import UserError, refused_by_system
from pipeline.lake.files import refuse_gone

if TYPE_CHECKING:
    import pyarrow.parquet as pq


NO_PERMISSION = "no permission"


class HashedFile(io.BufferedWriter):
    """A new file whose SHA-256 is taken of what is written, before it reaches the disk."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path, "w"))
        self._sha256 = hashlib.sha256()

    def write(self, data: Any, /) -> int:
        self._sha256.update(data)
        return super().write(data)

    @property
    def sha256(self) -> str:
        """Of all that was written, 64 hex digits."""
        return self._sha256.hexdigest()


def writer(stream: Path | io.BufferedWriter, schema: pa.Schema, **options: Any) -> pq.ParquetWriter:
    """A writer of a Parquet file of the lake; `options` are those of `pyarrow.parquet.ParquetWriter`."""
    import pyarrow.parquet as pq  # takes longer than most queries

    return pq.ParquetWriter(stream, schema, compression="zstd", write_page_checksum=True, **options)


def opened(path: Path, **options: Any) -> pq.ParquetFile:
    """The file, whose pages are verified as they are read; `options` are those of `pyarrow.parquet.ParquetFile`.

    Raises:
        OSError: it is not there, or is a named pipe, a socket or a device: to read it may never end.
        pyarrow.ArrowException: it is not in this form.
    """
    if not path.is_file() and path.exists():
        raise OSError("it is no plain file")
    import pyarrow.parquet as pq

    return pq.ParquetFile(pa.OSFile(os.fsencode(path)), page_checksum_verification=True, **options)


@contextlib.contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turn what is wrong with a part's file into one line.

    Raises:
        UserError: the file is missing, damaged, not readable, or has other columns than its table.
    """
    try:
        yield
    except MemoryError:  # which Arrow's own error of it is as well: the file may be whole
        raise
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:  # ValueError: NULL where there may be none
        raise damaged(path, reason(error)) from error


def reason(error: Exception) -> str:
    """What is wrong with a file, in a few words, from what reading it raised.

    Raises:
        UserError: the file is not at fault: the system refuses for now to open it.
    """
    if refusal := refused_by_system(error):
        raise UserError(f"{refusal}; nothing stored is lost") from error
    if isinstance(error, PermissionError):
        return NO_PERMISSION
    if isinstance(error, FileNotFoundError):
        return "it is missing"
    if isinstance(error, KeyError):
        return "its columns are not those of its table"
    text = " ".join(str(error).split())
    if "CRC checksum" in text:
        return "a page does not have its checksum"
    return text[:120]


def damaged(path: Path, what: str) -> UserError:
    """The error of a part's file that cannot be read.

    Raises:
        UserError: all of its lake is gone.
    """
    for folder in path.parents:
        if folder.name == "parts":
            refuse_gone(folder.parent)
    do = "change the permissions" if what == NO_PERMISSION else "restore its part from a copy of the lake"
    return UserError(f"{path} cannot be read ({what}): {do}; `pipeline doctor` lists all faults")
