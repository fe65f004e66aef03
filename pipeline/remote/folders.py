"""A folder of files on this machine, at an http address, or in an S3 bucket."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from pyarrow import fs

from pipeline.errors import UserError
from pipeline.progress import Advance
from pipeline.remote import http_files
from pipeline.remote.addresses import joined, scheme, shown
from pipeline.remote.http_files import AbsentError, DeniedError, UnreachableError

_CHUNK = 1 << 20  # bytes at a time


class FileFolder(Protocol):
    """A folder whose files are read by their names, which may lead through folders in it."""

    def shown(self, name: str) -> str:
        """The path or address of a file, for messages."""
        ...

    def read(self, name: str, most: int) -> bytes | None:
        """The content of a small file; None where there is none.

        Raises:
            UserError: it cannot be read, or has more than `most` bytes.
        """
        ...

    def file(self, name: str, place: Path, advance: Advance, most: int | None) -> Path:
        """A file on this machine: where it lies, or a copy at `place`.

        Args:
            name: of the file.
            place: a path that no file has, in a folder that is there.
            advance: told how many more bytes have come, of a copy.
            most: how many it may have.

        Raises:
            UserError: it cannot be read, or is longer.
        """
        ...


class LocalFolder:
    """A folder on this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def shown(self, name: str) -> str:
        return str(self.path / name)

    def read(self, name: str, most: int) -> bytes | None:
        try:
            with (self.path / name).open("rb") as stream:
                return _whole(stream.read, self.shown(name), most)
        except FileNotFoundError:
            return None

    def file(self, name: str, place: Path, advance: Advance, most: int | None) -> Path:
        """The file itself."""
        path = self.path / name
        if not path.is_file():
            raise AbsentError(f"there is no {path}")
        return path


class HttpFolder:
    """A folder at an http or https address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._answered = False

    def shown(self, name: str) -> str:
        return shown(joined(self.address, name))

    def read(self, name: str, most: int) -> bytes | None:
        answered, self._answered = self._answered, True
        with contextlib.suppress(AbsentError):
            return http_files.persistently(lambda: http_files.whole(joined(self.address, name), most), lambda: answered)
        return None

    def file(self, name: str, place: Path, advance: Advance, most: int | None) -> Path:
        """A copy, resumed where a connection ends early; see `FileFolder`."""
        version = ""
        size: int | None = None

        def go_on() -> Path:
            nonlocal version, size
            here = place.stat().st_size
            with http_files.requested(joined(self.address, name), here, version, size) as answer:
                version, size = answer.version, answer.size
                if most is not None and (answer.size or 0) > most:
                    raise _longer(self.shown(name), most)
                http_files.save(answer, place, advance, self.shown(name), most)
            return place

        place.touch()
        return http_files.persistently(go_on)


class S3Folder:
    """A folder in an S3 bucket, read by Arrow: s3://BUCKET/FOLDER?region=REGION&endpoint_override=HOST:PORT&scheme=http.

    Credentials are those of the environment, as all tools of AWS find them.
    """

    def __init__(self, address: str) -> None:
        self._name = shown(address)
        with self._explained(self._name):
            self._system, self._path = fs.FileSystem.from_uri(address)

    def shown(self, name: str) -> str:
        """The address of a file, without the query."""
        return f"{self._name.rstrip('/')}/{name}"

    def read(self, name: str, most: int) -> bytes | None:
        try:
            with self._explained(self.shown(name)), self._system.open_input_stream(f"{self._path}/{name}") as stream:
                return _whole(stream.read, self.shown(name), most)
        except AbsentError:
            return None

    def file(self, name: str, place: Path, advance: Advance, most: int | None) -> Path:
        """A copy; see `FileFolder`."""
        count = 0
        with place.open("wb") as copy:
            for chunk in self._chunks(name):
                count += len(chunk)
                if most is not None and count > most:
                    raise _longer(self.shown(name), most)
                copy.write(chunk)
                advance(len(chunk))
        return place

    def _chunks(self, name: str) -> Iterator[bytes]:
        path = f"{self._path}/{name}"
        with self._explained(self.shown(name)):
            stream = self._system.open_input_stream(path)
        with stream:
            while True:
                with self._explained(self.shown(name)):
                    chunk = bytes(stream.read(_CHUNK))
                if not chunk:
                    return
                yield chunk

    @contextlib.contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise AbsentError(f"{name}: there is no such file") from error
        except OSError as error:
            if "ACCESS_DENIED" in str(error):
                raise DeniedError(f"{name} may not be read ({_aws(str(error))}): look at the credentials") from error
            where = "look at the address, its region and endpoint, the credentials and the network"
            raise UnreachableError(f"{name} cannot be read ({_aws(str(error))}): {where}") from error
        except MemoryError:
            raise
        except pa.ArrowException as error:
            raise UserError(f"{name} cannot be read: {_aws(str(error))}") from error


def opened(address: str) -> FileFolder:
    """The folder at an address; nothing is asked of an http server yet.

    Raises:
        UserError: another scheme, or a bucket that is not found.
    """
    if scheme(address) == "s3":
        return S3Folder(f"s3{address[2:]}")  # Arrow knows no S3://
    return HttpFolder(address)


def _whole(read: Callable[[int], bytes], name: str, most: int) -> bytes:
    content = bytes(read(most + 1))
    if len(content) > most:
        raise _longer(name, most)
    return content


def _longer(name: str, most: int) -> UserError:
    return UserError(f"{name} is longer than the {most:,} bytes that it may have")


def _aws(text: str) -> str:
    """What Arrow says, from the error's name on and without details, in a line."""
    line = " ".join(text.split()).partition("; Details")[0]
    return line[max(line.find("AWS Error "), 0) :][:200]
