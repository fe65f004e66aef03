"""The lake that a merge takes from: a lake or an exported folder, on this machine or at an address.

What is at an address, or is no lake, becomes one in the staging folder of the lake that takes: it is whole, and
compared with its checksums, before anything is taken of it. What a merge that was killed left there the next one
removes.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from pipeline import provenance
from pipeline.errors import UserError, excerpt, os_errors_explained
from pipeline.lake import checksums, marker, parquet_files, part_name, table_folder, table_lake
from pipeline.lake.schema import TABLES
from pipeline.lake.staging import remove_abandoned, staging_folder
from pipeline.lake.store import Lake
from pipeline.lake.table_folder import MANIFEST, Manifest, TableFile
from pipeline.progress import Advance, progress
from pipeline.remote import folders
from pipeline.remote.addresses import is_address, shown
from pipeline.remote.folders import FileFolder, LocalFolder
from pipeline.remote.http_files import AbsentError, DeniedError, UnreachableError, WebPageError

_MOST = {marker.FILE: marker.MOST, MANIFEST: 1 << 20, checksums.FILE: 1 << 28}  # bytes
_PART_FILE = re.compile(rf"parts/(?P<benchmark>[\w-]+)/(?P<part>[\w.-]+)/({'|'.join(TABLES)})\.parquet", re.ASCII)


@dataclass(frozen=True)
class OtherLake:
    """Where a merge takes from.

    Attributes:
        name: as messages call it.
        root: of a lake on this machine; None for what has yet to become one.
        source: the folder otherwise, and of it
        manifest: of an exported folder, or
        sums: of a lake, the checksums of the files of its parts of scores.
    """

    name: str
    root: Path | None = None
    source: FileFolder = field(default_factory=lambda: LocalFolder(Path()))
    manifest: Manifest | None = None
    sums: Mapping[str, str] = field(default_factory=dict)

    @contextlib.contextmanager
    def at(self, lake: Lake) -> Iterator[Path]:
        """Yield the root of a lake on this machine, which is there until the block ends.

        Args:
            lake: the one that takes.

        Raises:
            UserError: a file is missing, cannot be had, or is not as its checksum says.
        """
        if self.root is not None:
            yield self.root
            return
        with contextlib.ExitStack() as stack:
            with os_errors_explained(f"copying {self.name} to {lake.root}"):
                remove_abandoned(lake.root)
                folder = stack.enter_context(staging_folder(lake.root))
                root = folder / "other"
                try:
                    if self.manifest is not None:
                        self._copy_tables(self.manifest, folder, root)
                    else:
                        self._copy_parts(root)
                except (UnreachableError, AbsentError, DeniedError) as error:
                    raise UserError(f"{error}; nothing was taken") from error
            try:
                yield root
            except UserError as error:
                if str(root) not in str(error):
                    raise
                raise UserError(str(error).replace(str(root), self.name.rstrip("/"))) from error

    def _copy_tables(self, manifest: Manifest, folder: Path, root: Path) -> None:
        names = {table: f"{table}.parquet" for table in table_lake.NEEDED}
        if names["retried"] not in manifest.files:  # of an earlier version
            del names["retried"]
        if lacking := [name for name in names.values() if name not in manifest.files]:
            raise UserError(f"{self.source.shown(MANIFEST)} does not list {lacking[0]}: export it again")
        stated = {name: manifest.files[name] for name in names.values()}
        self._require_room(sum(file.bytes for file in stated.values()), _room(folder))
        with progress(f"reading {self.name}", sum(f.bytes for f in stated.values()), unit="bytes") as advance:
            files = {}
            for table, name in names.items():
                files[table] = self.source.file(name, folder / name, advance, stated[name].bytes)
                self._compare(name, files[table], stated[name].sha256, advance)
                self._count(name, files[table], stated[name])
        origin = hashlib.sha256(manifest.text.encode()).hexdigest()[:16]
        table_lake.make(files, lambda table: self.source.shown(names[table]), root, origin)

    def _copy_parts(self, root: Path) -> None:
        (root / "parts").mkdir(parents=True)
        (root / marker.FILE).write_text(marker.CONTENT)
        left = _room(root)
        with progress(f"reading {self.name}", None, unit="bytes") as advance:
            for name, sha256 in self.sums.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                file = self.source.file(name, root / name, advance, left)
                left -= file.stat().st_size
                self._compare(name, file, sha256, advance)

    def _require_room(self, size: int, room: int) -> None:
        if size > room and not isinstance(self.source, LocalFolder):
            raise UserError(
                f"{self.name} has {size / 1e6:,.1f} MB, and {room / 1e6:,.1f} MB may be taken, half of what is free on "
                "the disk: free some, and run the same command again"
            )

    def _count(self, name: str, file: Path, stated: TableFile) -> None:
        """Compare a table's file with the sizes that the manifest states of it."""
        with contextlib.suppress(OSError, pa.ArrowException):  # of what is no Parquet file, its reader says so
            rows = parquet_files.opened(file).metadata.num_rows
            for count, what, expected in ((file.stat().st_size, "bytes", stated.bytes), (rows, "rows", stated.rows)):
                if expected in (None, count):
                    continue
                raise UserError(
                    f"{self.source.shown(name)} has {count:,} {what}, and {MANIFEST} states {expected:,}: nothing was "
                    "taken; export it again"
                )

    def _compare(self, name: str, file: Path, sha256: str, advance: Advance) -> None:
        """Compare a file with its checksum; of one on this machine that is all that takes time."""
        local = isinstance(self.source, LocalFolder)
        if provenance.file_sha256(file, advance if local else lambda _more: None)[0] != sha256:
            raise UserError(
                f"{self.source.shown(name)} does not have the SHA-256 that is stated of it: it is damaged, or is being "
                "replaced; nothing was taken"
            )


def _room(folder: Path) -> int:
    """Bytes that a copy may have: what a server sends has whatever length the server wants."""
    return shutil.disk_usage(folder).free // 2


def find(other: Path | str) -> OtherLake:
    """What a path or an address names.

    Raises:
        UserError: neither a lake nor an exported folder, or it cannot be reached.
    """
    if not is_address(str(other)):
        return _local(Path(other))
    source, name = folders.opened(str(other)), shown(str(other))
    content, denied = _content(source, MANIFEST)
    if content is not None:
        return OtherLake(name, source=source, manifest=table_folder.parsed(content, source.shown(MANIFEST)))
    content, too = _content(source, marker.FILE)
    if content is None:
        no_lake = UserError(
            f"{name} is not a lake: name the address of a folder that holds manifest.json of `pipeline export "
            "--parquet`, or lake.json"
        )
        raise denied or too or no_lake
    marker.require_content(content, source.shown(marker.FILE), name)
    content, denied = _content(source, checksums.FILE)
    if not content:
        unless = " that can be read" if denied else ""
        raise UserError(
            f"{name} is a lake without {checksums.FILE}{unless}, the list of its parts: copy the folder to this "
            "machine and merge that, or have it exported with `pipeline export --parquet`"
        )
    return OtherLake(name, source=source, sums=dict(_of_scores(content, source.shown(checksums.FILE))))


def _content(source: FileFolder, name: str) -> tuple[bytes | None, UserError | None]:
    """The content of a small file, and why there is none where that may also be said of one that is absent."""
    try:
        return source.read(name, _MOST[name]), None
    except (DeniedError, WebPageError) as error:
        return None, error


def _local(path: Path) -> OtherLake:
    if marker.is_lake(path):
        return OtherLake(str(path), root=path)
    if (path / MANIFEST).is_file():
        source = LocalFolder(path)
        content = source.read(MANIFEST, _MOST[MANIFEST]) or b""
        return OtherLake(str(path), source=source, manifest=table_folder.parsed(content, source.shown(MANIFEST)))
    raise UserError(
        f"{path} is not a lake: name the folder that holds lake.json and parts/, or manifest.json of `pipeline export "
        "--parquet`"
    )


def _of_scores(content: bytes, shown: str) -> Iterator[tuple[str, str]]:
    """The files of parts of scores in a lake's list, called `shown` by messages, with their checksums."""
    sums, faulty = checksums.parsed(content.decode(errors="replace").replace("\r\n", "\n"))
    if faulty:
        raise UserError(f"line {faulty[0]} of {shown} is not of its form: have the lake exported anew")
    for path, sha256 in sums.items():
        match = _PART_FILE.fullmatch(path)
        if match is None or set(match["part"]) <= {"."}:
            if path.endswith(".parquet") and not path.startswith("parts/_schema/"):
                raise UserError(f"{shown} lists {excerpt(path)}, which is no file of a part")
            continue
        name = part_name.parse(match["part"])
        if name and name.stage == "score":
            yield path, sha256
