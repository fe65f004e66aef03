"""SHA-256 checksums: of the files of each part, and the list of all parts that were published.

    LAKE/parts/BENCHMARK/PART/SHA256SUMS     the files of the part, written with it
    LAKE/SHA256SUMS                          the files of all parts, a part's lines added once it is published
    LAKE/FILE.sha256                         of a file that is made from the parts and replaced as a whole

All have the form of `sha256sum`, so that `sha256sum --check SHA256SUMS` verifies them without this package. A part that
is on the list and not in the lake is missing; one that is not on it was published by an earlier version, or by a run
that was killed just then, and joins it when the list is made anew.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pipeline.errors import UserError, os_errors_explained
from pipeline.lake.files import (
    atomic_write,
    flush_to_disk,
    locked,
    read_file,
    refuse_links,
    remove_file,
    replace_file,
    temporary_path,
)  # fmt: skip

FILE = "SHA256SUMS"

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_LONGEST_LINE = 4096  # bytes
_NAME = re.compile(r"[\w.-]+", re.ASCII)

Listing = dict[str, set[str]]
"""The names of the files in each part's folder, by `BENCHMARK/PART`."""


def of_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def text(sums: Mapping[str, str]) -> str:
    """The content of a file of checksums, from them by name."""
    return "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(sums.items()))


def parsed(content: str) -> tuple[dict[str, str], list[int]]:
    """The checksums by name that a file of them holds, and the numbers of the lines that are of another form."""
    sums, faulty = {}, []
    for number, line in enumerate(content.removesuffix("\n").split("\n"), 1):
        if match := _LINE.fullmatch(line):
            sums[match[2]] = match[1]
        elif line:
            faulty.append(number)
    return sums, faulty


def read(path: Path) -> tuple[dict[str, str], list[int]]:
    """What `parsed` says of the file; bytes that are no text make their line faulty."""
    return parsed(read_file(path).decode(errors="replace"))


def read_list(root: Path) -> tuple[dict[str, str], list[int]]:
    """The lake's list as `parsed` returns it, without an unfinished last line that a killed run left."""
    content = read_file(root / FILE)
    return parsed(content[: _end_of_lines(content)].decode(errors="replace"))


def _end_of_lines(content: bytes) -> int:
    """Where the last whole line ends; one without a line feed is whole if it ends as the names of the list do."""
    return len(content) if content.endswith(b".parquet") else content.rfind(b"\n") + 1


def write_in(folder: Path, sums: Mapping[str, str]) -> None:
    """Write the checksums of the files of a part that is about to be published."""
    path = folder / FILE
    path.write_text(text(sums))
    flush_to_disk(path)


def listing(parts: Path, *, refuse: bool = True) -> Listing:
    """The files of all parts that are in the lake.

    Args:
        refuse: what is neither a file nor a folder; else it is listed as well.

    Raises:
        UserError: a folder cannot be read.
    """
    with os_errors_explained(f"reading {parts}"):
        benchmarks = [entry for entry in _entries(parts) if _is_folder(entry, refuse)]
        folders = [(benchmark.name, entry) for benchmark in benchmarks for entry in _entries(benchmark.path)]
        return {
            f"{name}/{part.name}": names_in(part.path, refuse=refuse)
            for name, part in folders
            if _is_folder(part, refuse)
        }


def names_in(folder: str | Path, *, refuse: bool = True) -> set[str]:
    """The names of a folder's files; of thousands of folders, without a Path object for each file.

    Args:
        refuse: what is neither a file nor a folder.

    Raises:
        UserError: one is a named pipe, a device, or a link that leads nowhere, and is to be refused.
    """
    with os.scandir(folder) as entries:
        names = {entry.name: _is_plain(entry) for entry in entries}
    if refuse and not all(names.values()):  # reading it may never end
        odd = min(name for name, plain in names.items() if not plain)
        raise UserError(
            f"{Path(folder) / odd} is neither a file nor a folder: restore the part from a copy of the lake"
        )
    return set(names)


def _is_folder(entry: os.DirEntry[str], refuse: bool) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself
        if refuse:
            raise
        return False


def _is_plain(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file, a folder, or a link to one; of a file or folder nothing is asked of the disk."""
    try:
        return entry.is_file() or entry.is_dir()
    except OSError:  # a link that leads back to itself
        return False


def _entries(folder: str | Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        here = list(entries)
    for entry in here:
        if not entry.name.isascii() and any("\ud800" <= character <= "\udfff" for character in entry.name):
            raise UserError(f"{entry.path} has a name that is not in UTF-8, which no part has: move it away")
    return here


def listed(root: Path) -> Listing:
    """The files that the lake's list names; of no part where there is none."""
    try:
        return folders(read_list(root)[0])
    except FileNotFoundError:
        return {}


def folders(paths: Iterable[str]) -> Listing:
    """The parts at these paths in the lake, and the names of their files."""
    files: Listing = defaultdict(set)
    for path in paths:
        folder, _, name = path.removeprefix("parts/").rpartition("/")
        files[folder].add(name)
    return files


def missing(names: Listing, here: Listing) -> list[str]:
    """The parts that were published and are not in the lake, and the files missing in others, as paths in the lake.

    Args:
        names: what was published; read before what is there, as a part is on the list after it is published.
    """
    gone = []
    for part, files in names.items():
        if part not in here:
            gone.append(f"parts/{part}")
        elif lost := files - here[part]:
            gone += [f"parts/{part}/{name}" for name in sorted(lost)]
    return gone


def has_list(root: Path) -> bool:
    """Whether the lake has a list; an empty one is what a run leaves that was killed before it made it.

    Raises:
        UserError: something else has its name.
    """
    try:
        status = (root / FILE).stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        status = (root / FILE).lstat()
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"{root / FILE} is no plain file: move it away, and it is made anew")
    return status.st_size > 0


def record(root: Path, part: str) -> None:
    """Add a published part to the list, or make the list with all parts where there is none."""
    with _list_locked(root):
        if not has_list(root):
            _write_list(root)
            return
        refuse_links(root, root / FILE)
        lines = text(_paths(root, [part])).encode()
        if (root / FILE).stat().st_nlink == 1:
            _append(root / FILE, lines)
            return
        with atomic_write(root / FILE, durable=True) as own:  # the list of a copy by hard links stays as it is
            shutil.copy(root / FILE, own)
            _append(own, lines)


def make_list(root: Path) -> None:
    """Make the list with all parts, where there is none; of parts without checksums these are taken now."""
    with _list_locked(root):
        if not has_list(root):
            _write_list(root)


def renew_list(root: Path) -> None:
    """Make the list anew: what is missing is no longer on it, and what was not on it is."""
    with _list_locked(root):
        _write_list(root, read_list(root)[0])


def _append(path: Path, lines: bytes) -> None:
    """Append lines to the list, all or none; an unfinished last line is overwritten."""
    with path.open("r+b", buffering=0) as stream:
        begin = max(0, stream.seek(0, os.SEEK_END) - _LONGEST_LINE)
        stream.seek(begin)
        last = stream.read()
        end = stream.truncate(begin + _end_of_lines(last))
        remaining = memoryview(b"\n" + lines if last[: end - begin].endswith(b".parquet") else lines)
        stream.seek(end)
        try:
            while remaining:
                remaining = remaining[stream.write(remaining) :]
        except BaseException:  # such as a full disk
            stream.truncate(end)
            raise


def _write_list(root: Path, known: Mapping[str, str] | None = None) -> None:
    sums = _paths(root, listing(root / "parts"), known or {})
    with atomic_write(root / FILE) as temporary:
        temporary.write_text(text(sums))


def _paths(root: Path, parts: Iterable[str], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """The checksums of the files of parts by their paths in the lake: known, as the part states them, or taken now."""
    sums: dict[str, str] = {}
    for part in parts:
        folder = root / "parts" / part
        if not all(map(_NAME.fullmatch, Path(part).parts)):
            continue
        stated = read(folder / FILE)[0] if (folder / FILE).is_file() else {}
        for name in sorted(names_in(folder)):
            path = f"parts/{part}/{name}"
            if name.endswith(".parquet"):
                sums[path] = (known or {}).get(path) or stated.get(name) or of_file(folder / name)
    return sums


def replace(root: Path, temporary: Path, path: Path) -> None:
    """Put a file that is made from the parts in place of the one before, with its checksum beside it.

    A run that is killed meanwhile leaves a file without a checksum, never one with another's.
    """
    beside, sha256 = side_file(path), of_file(temporary)
    with _list_locked(root), temporary_path(beside) as aside:
        if beside.is_file():
            beside.rename(aside)
        remove_file(path.with_name(f"{path.name}.wal"))  # of a database: the one that takes its place cannot have it
        try:
            replace_file(temporary, path)
        except BaseException:
            if aside.is_file():
                aside.rename(beside)
            raise
        with atomic_write(beside) as stated:
            stated.write_text(text({path.name: sha256}))


def side_file(path: Path) -> Path:
    """The file that states the checksum of a file which is not in a part."""
    return path.with_name(f"{path.name}.sha256")


@contextlib.contextmanager
def _list_locked(root: Path) -> Iterator[None]:
    with os_errors_explained(f"writing {root / FILE}"), locked(root / FILE):
        yield
