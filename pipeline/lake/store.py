"""The record on disk: a folder of immutable Parquet parts, each published whole by one rename.

    LAKE/lake.json                              format of the lake
    LAKE/parts/_schema/0/TABLE.parquet          an empty part a table, so that every glob matches and has types
    LAKE/parts/BENCHMARK/PART/TABLE.parquet     what one step of a stage added
    LAKE/.staging/HOST-PID-RANDOM/              a part that is being written
    LAKE/rules/NAME.toml                        what `tune` has found, as `score --proxy NAME` takes it (see `tuning`)
    LAKE/bench.duckdb, LAKE/derived/            the catalog, and stored results of its slow views (see `catalog`)
    LAKE/keys/                                  the keys of many parts together (see `stored`)

A part is a folder, because the rename of a folder is atomic: an ingest that adds architectures, values and rejects
adds all of them or none. Nothing is ever changed in place.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import UserError, from_os
from pipeline.lake.schema import FORMAT, TABLES

_ANCHOR = "_schema"


class Lake:
    """A lake that exists and has the format of this version.

    Args:
        root: the folder.
        create: make it when it is not there; else its absence is an error.
        read_only: write nothing, not even what makes the catalog's globs match.

    Raises:
        UserError: no lake, not a lake, another format, or a folder that cannot be written.
    """

    def __init__(self, root: Path, *, create: bool = False, read_only: bool = False) -> None:
        self.root = root.absolute()
        self.parts = self.root / "parts"
        self._marker = self.root / "lake.json"
        if not self._marker.is_file():
            if not create:
                raise UserError(f"no lake at {root}: run `pipeline ingest` first, or name one with --lake DIR")
            self._create()
        self._gate()
        if not read_only:
            self._anchor()

    def _create(self) -> None:
        if self.root.is_dir() and not all(map(_begun, self.root.iterdir())):
            raise UserError(f"{self.root} is neither empty nor a lake: name an empty folder with --lake DIR")
        with _told(f"creating the lake {self.root}"):
            self.parts.mkdir(parents=True, exist_ok=True)
            self._anchor()
            beside = self.root / f".lake.json.{uuid.uuid4().hex}"
            _write_synced(beside, json.dumps({"format": FORMAT}) + "\n")
            beside.replace(self._marker)

    def _anchor(self) -> None:
        """Publish an empty part of the tables that have none: all in a new lake, later ones in an older lake."""
        missing = [table for table in TABLES if not any(self.parts.glob(f"{_ANCHOR}/*/{table}.parquet"))]
        if missing:
            part = "0" if missing == list(TABLES) else "-".join(missing)
            with contextlib.suppress(FileExistsError), Staging(self, _ANCHOR, part) as staging:
                for table in missing:
                    staging.append(table, [])

    def _gate(self) -> None:
        try:
            found = json.loads(self._marker.read_text())["format"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self._marker} cannot be read as the marker of a lake: {error}") from error
        if found > FORMAT:
            raise UserError(
                f"the lake {self.root} has format {found}, written by a newer version; this one reads {FORMAT}: "
                "update with `pip install -U nas-proxy-bench`"
            )
        if found < FORMAT:
            raise UserError(f"the lake {self.root} has format {found}, this version {FORMAT}: ingest into a new --lake")

    def glob(self, table: str) -> str:
        """The pattern that matches every part of a table."""
        return str(self.parts / "*" / "*" / f"{table}.parquet")

    def part_names(self, benchmark: str, prefix: str = "") -> list[str]:
        """Sorted names of a benchmark's published parts."""
        folder = self.parts / benchmark
        if not folder.is_dir():
            return []
        with os.scandir(folder) as entries:  # no Path object for each of thousands
            return sorted(entry.name for entry in entries if entry.name.startswith(prefix))

    def has(self, benchmark: str, part: str) -> bool:
        """Whether the part is published."""
        return (self.parts / benchmark / part).is_dir()

    def read(
        self, table: str, benchmark: str, *, parts: Sequence[str] | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """Rows of a table in a benchmark's parts (all, or those named)."""
        schema = TABLES[table].arrow
        if columns is not None:
            schema = pa.schema([schema.field(c) for c in columns])
        names = self.part_names(benchmark) if parts is None else parts
        files = [f for n in names if (f := self.parts / benchmark / n / f"{table}.parquet").is_file()]
        found = [pq.ParquetFile(f).read(columns=columns).cast(schema) for f in files]
        return pa.concat_tables(found) if found else schema.empty_table()

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the lake's lock of that name; it goes with the process, however that ends."""
        with _told(f"locking {self.root}"), (self.root / f".lock-{name}").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def publish(self, benchmark: str, part: str, tables: Mapping[str, list[dict[str, Any]]]) -> None:
        """Publish one part from rows at hand."""
        with Staging(self, benchmark, part) as staging:
            for table, rows in tables.items():
                staging.append(table, rows)


class Staging:
    """A part being written: `append` rows, and the end of the `with` block publishes it, or an error leaves nothing.

    Raises:
        FileExistsError: another process published the part of that name meanwhile.
        UserError: the disk is full or cannot be written.
    """

    def __init__(self, lake: Lake, benchmark: str, part: str) -> None:
        self.lake, self.benchmark, self.part = lake, benchmark, part
        self.folder = lake.root / ".staging" / f"{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._writers: dict[str, tuple[Any, pq.ParquetWriter]] = {}

    def __enter__(self) -> Staging:
        with _told(f"writing {self.lake.root}"):
            _sweep(self.lake.root / ".staging")
            self.folder.mkdir(parents=True)
        return self

    def append(self, table: str, rows: pa.Table | list[dict[str, Any]]) -> None:
        """Add rows, as dictionaries or as an Arrow table with the table's columns.

        Raises:
            ValueError: a column that may not be NULL holds one, or a value is not of its column's type.
        """
        schema = TABLES[table].arrow
        data = rows.select(schema.names).cast(schema) if isinstance(rows, pa.Table) else _to_arrow(rows, schema)
        for field in schema:
            if not field.nullable and data[field.name].null_count:
                raise ValueError(f"{table}.{field.name} may not be NULL")
        with _told(f"writing {self.lake.root}"):
            if table not in self._writers:
                stream = (self.folder / f"{table}.parquet").open("wb")
                self._writers[table] = (stream, pq.ParquetWriter(stream, schema, compression="zstd"))
            self._writers[table][1].write_table(data)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if kind is None:
                with _told(f"writing {self.lake.root}"):
                    for stream, writer in self._writers.values():
                        writer.close()
                        stream.flush()
                        os.fsync(stream.fileno())
                    self._publish()
        finally:
            self._abandon()

    def _abandon(self) -> None:
        for stream, writer in self._writers.values():
            with contextlib.suppress(OSError):
                writer.close()
            writer.is_open = False  # else it would try again, and print a traceback, when it is collected
            with contextlib.suppress(OSError):
                stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _publish(self) -> None:
        target = self.lake.parts / self.benchmark / self.part
        target.parent.mkdir(parents=True, exist_ok=True)
        _sync_folder(self.folder)
        if target.exists():
            raise FileExistsError(str(target))
        self.folder.rename(target)  # onto a folder with files in it this fails, so a race publishes one of the two
        _sync_folder(target.parent)


def _begun(path: Path) -> bool:
    """Whether the file or folder is what a creation that was killed, or is going on, leaves in a lake."""
    return path.name in (".staging", "parts") or path.name.startswith(".lake.json.")


def _to_arrow(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=schema)


def _sweep(staging: Path) -> None:
    """Remove what killed processes of this machine left behind."""
    for folder in staging.glob("*-*-*"):
        host, pid, _ = folder.name.rsplit("-", 2)
        if host != platform.node():
            continue
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except PermissionError:
            continue


def _write_synced(path: Path, text: str) -> None:
    with path.open("w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _told(doing: str) -> Iterator[None]:
    """Turn a failure of the file system into the line a user can act on; a part that exists stays an exception."""
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        raise from_os(error, doing) from error
