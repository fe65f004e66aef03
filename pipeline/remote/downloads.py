"""Resumable downloads, whose file is known to be the same one the next time.

    FILE                  the file, once all of it is here and its SHA-256 is as expected
    FILE.part             as much of it as has come
    FILE.download.json    its address, what the server calls its version, and its SHA-256 since it was first here

Of these names only files that a download wrote are replaced or removed: a part and a file are ours where the record
beside them says so.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pipeline.errors import UserError, os_errors_explained
from pipeline.lake import files, locations
from pipeline.lake.outputs import refuse_lake
from pipeline.progress import progress
from pipeline.remote import http_files
from pipeline.remote.addresses import shown
from pipeline.remote.http_files import TooLongError, UnreachableError, WebPageError

PART, RECORD = ".part", ".download.json"


@dataclass(frozen=True)
class RemoteFile:
    """A file to download.

    Args:
        address: of the file itself, http or https.
        bytes: its exact size, where that is known.
        sha256: its SHA-256, where that is published.
    """

    address: str
    path: Path
    bytes: int | None = None
    sha256: str | None = None

    @property
    def part(self) -> Path:
        """What has come of it."""
        return self.path.with_name(self.path.name + PART)

    @property
    def record(self) -> Path:
        """What is known of it."""
        return self.path.with_name(self.path.name + RECORD)


@dataclass(frozen=True)
class LocalFile:
    """A file that was downloaded, now or before.

    Attributes:
        path: the file.
        bytes: its size.
        sha256: its SHA-256, 64 hex digits.
        expected: whose SHA-256 that is: `published`, `first seen` at an earlier download, or `none` where it is the
            first.
        was_here: whether nothing was downloaded now.
    """

    path: Path
    bytes: int
    sha256: str
    expected: str
    was_here: bool


@dataclass(frozen=True)
class _DownloadRecord:
    """The content of FILE.download.json; `bytes` and `version` are of the download in FILE.part."""

    address: str = ""
    version: str = ""
    bytes: int | None = None
    sha256: str | None = None


def download(file: RemoteFile) -> LocalFile:
    """Download a file, or what is missing of it; one that is there is compared with its SHA-256.

    Raises:
        UserError: no network, an answer that is not the file, another content than expected, a disk that is full or
            cannot be written, or a file in its place that no download has put there. What has come is kept where it
            can be gone on with.
    """
    path = file.path
    with os_errors_explained(f"downloading to {path}"):
        refuse_lake(path)
        for place in (path, file.part, file.record):
            if place.is_symlink() or (place.exists() and not place.is_file()):
                raise UserError(f"{place} is no plain file, and nothing is written there: move it away")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise UserError(f"{path.parent} is no folder, and nothing is put there: name another one") from error
        if path.exists():
            return _compared(file)
        if _size(file) and not file.record.exists():
            raise UserError(f"{file.part} is not of a download that stopped, and stays as it is: move it away")
        with files.locked(file.part):  # a second command waits for the first
            try:
                return _compared(file) if path.exists() else _downloaded(file)
            finally:
                _tidy(file)


def _compared(file: RemoteFile) -> LocalFile:
    """The file that is there."""
    seen = _read(file.record).sha256
    expected = file.sha256 or seen
    if expected is None:
        raise UserError(f"{file.path} exists and was not downloaded: move it away, or name another folder")
    sha256, size = locations.hashed(file.path)
    if sha256 != expected:
        what = "published" if file.sha256 else "first downloaded"
        raise UserError(
            f"{file.path} is not the file that was {what}: its SHA-256 is {sha256}, not {expected}; move it away, and "
            "run the same command again"
        )
    return LocalFile(file.path, size, sha256, _expected(file, seen), was_here=True)


def _downloaded(file: RemoteFile) -> LocalFile:
    seen = _read(file.record).sha256
    try:
        _receive(file)
    except TooLongError as error:
        _discard(file)
        raise UserError(f"{error}; what came is removed") from error
    sha256, size = locations.hashed(file.part)
    if not size:
        raise UserError(f"{shown(file.address)}: the server sends a file of no bytes: try again later")
    if file.bytes not in (None, size):
        _discard(file)
        raise UserError(
            f"{shown(file.address)} is not the published file: it has {size:,} bytes, not {file.bytes:,}; what came is "
            "removed"
        )
    if (expected := file.sha256 or seen) not in (None, sha256):
        _discard(file)
        if file.sha256:
            raise UserError(
                f"{shown(file.address)} is not the published file: its SHA-256 is {sha256}, not {expected}; what came "
                "is removed: run the same command again"
            )
        raise UserError(
            f"{shown(file.address)} has changed since it was first downloaded: its SHA-256 is {sha256}, was "
            f"{expected}; what came is removed: remove {file.record} to take the new file"
        )
    files.flush_to_disk(file.part)
    _write(file, _DownloadRecord(file.address, sha256=sha256))
    try:
        files.publish_file(file.part, file.path)
    except FileExistsError as error:
        raise UserError(f"{file.path} was made by another program meanwhile: move it away") from error
    files.remove_file(file.part)
    return LocalFile(file.path, size, sha256, _expected(file, seen), was_here=False)


def _expected(file: RemoteFile, seen: str | None) -> str:
    return "published" if file.sha256 else "first seen" if seen else "none"


def _receive(file: RemoteFile) -> None:
    """Let the part become whole; where the server has answered, now or before, it is asked again when it fails."""
    what = f"downloading {file.path.name}"
    with progress(what, file.bytes or _read(file.record).bytes, done=_size(file), unit="bytes") as advance:
        try:
            http_files.persistently(lambda: _append(file, advance), lambda: _size(file) > 0)
        except UnreachableError as error:
            if not (here := _size(file)):
                raise
            raise UserError(f"{error}; {here:,} bytes are kept: the same command goes on from there") from error


def _append(file: RemoteFile, advance: Callable[[int], None]) -> None:
    """Ask for what is missing of the part, and add it; from the beginning where the server has another version."""
    record, here = _read(file.record), _size(file)
    if record.address != file.address:
        record, here = replace(record, address=file.address, version="", bytes=None), 0
    if here and here == record.bytes:
        return
    with http_files.requested(file.address, here, record.version, record.bytes) as answer:
        offset = answer.offset if answer.offset <= here else 0
        if offset != answer.offset:
            raise UserError(f"{shown(file.address)}: the server sends another part of the file than it was asked for")
        most = _room(file, answer.size, offset)
        _write(file, replace(record, version=answer.version, bytes=answer.size))
        try:
            http_files.save(answer, file.part, advance, shown(file.address), most)
        except WebPageError as error:
            raise UserError(f"{error}: open it in a browser, and save the file as {file.path}") from error


def _room(file: RemoteFile, total: int | None, here: int) -> int:
    """Bytes that the file may have: those that are stated, else what is here and half of what is free on the disk.

    Raises:
        UserError: what is stated does not fit on the disk.
    """
    size = total or file.bytes
    free = shutil.disk_usage(file.path.parent).free
    if size is not None and size - here > free:
        raise UserError(
            f"no space for downloading {file.path}: {(size - here) / 1e6:,.1f} MB are missing of it, and "
            f"{free / 1e6:,.1f} MB are free: free some, or name another folder"
        )
    return here + free // 2 if size is None else size


def _size(file: RemoteFile) -> int:
    return file.part.stat().st_size if file.part.exists() else 0


def _read(path: Path) -> _DownloadRecord:
    """The record; an empty one where there is none that can be read."""
    try:
        record = _DownloadRecord(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return _DownloadRecord()
    texts = (record.address, record.version, record.sha256 or "")
    return record if all(type(t) is str for t in texts) and isinstance(record.bytes, int | None) else _DownloadRecord()


def _write(file: RemoteFile, record: _DownloadRecord) -> None:
    with files.atomic_write(file.record) as temporary:
        temporary.write_text(json.dumps(asdict(record), indent=1) + "\n")


def _discard(file: RemoteFile) -> None:
    """Remove the part; the record stays where it has the SHA-256 of an earlier download."""
    files.remove_file(file.part)
    if (seen := _read(file.record).sha256) is None:
        files.remove_file(file.record)
    else:
        _write(file, _DownloadRecord(file.address, sha256=seen))


def _tidy(file: RemoteFile) -> None:
    """Remove a part in which nothing has come, which `locked` makes, and a record that says nothing."""
    if file.part.exists() and not _size(file):
        _discard(file)
