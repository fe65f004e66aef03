"""A lake on disk: a folder of immutable Parquet parts, each published whole by one rename.

    LAKE/lake.json                              format of the lake (see `marker`)
    LAKE/parts/_schema/0/TABLE.parquet          an empty file per table, so that every glob matches and has types
    LAKE/parts/BENCHMARK/PART/TABLE.parquet     what one step of a stage added (see `part_name`)
    LAKE/.staging/HOST-PID-RANDOM/              a part that is being written
    LAKE/rules/NAME.toml                        what `tune` found, as `score --proxy NAME` takes it (see `tuning`)
    LAKE/bench.duckdb, LAKE/derived/            the catalog, and stored results of its slow views (see `catalog`)
    LAKE/keys/                                  the keys of many parts together (see `score_index`)
    LAKE/locations/ID.json                      where files that were read lay on this machine (see `locations`)
    LAKE/SHA256SUMS                             the list of all parts, and their checksums (see `checksums`)

A part is a folder, because the rename of a folder is atomic: an ingest that adds architectures, values and rejects
adds all of them or none. Nothing is ever changed in place.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import MAXYEAR, MINYEAR
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.errors import UserError, excerpt, os_errors_explained
from pipeline.lake import checksums, marker, parquet_files
from pipeline.lake.files import TEMPORARY, atomic_write, is_locked, locked, make_folder, refuse_gone, refuse_links
from pipeline.lake.parquet_files import damage_named, damaged
from pipeline.lake.part_name import PartName
from pipeline.lake.schema import TABLES
from pipeline.lake.staging import FOLDER, StagedPart
from pipeline.lake.verify import schema_fault

_ANCHOR = "_schema"


class Lake:
    """A lake that exists and has the format of this version.

    Args:
        create: make it when it is not there, and do not look for missing parts; else its absence is an error.
        read_only: write nothing, not even what makes the catalog's globs match.
        whole: refuse one in which a part is missing, or whose marker is no plain file.

    Raises:
        UserError: no lake, not a lake, another format, a part that is missing or a folder that cannot be read.
    """

    def __init__(self, root: Path, *, create: bool = False, read_only: bool = False, whole: bool = True) -> None:
        self.root = root.absolute()
        require_usable(self.root, "lake")
        self.parts = self.root / "parts"
        if not marker.is_lake(self.root):
            hidden = os.path.lexists(self.root / marker.FILE)  # what is there is no regular file
            if hidden and whole:
                raise UserError(f"{self.root / marker.FILE} is no plain file: run `pipeline doctor`")
            if not hidden and not create:
                taken = os.path.lexists(self.root) and not self.root.is_dir()
                what = "it is no folder; name" if taken else "run `pipeline ingest` first, or name"
                raise UserError(f"no lake at {root}: {what} one with --lake DIR")
            if not hidden:
                self._create()
        if marker.is_lake(self.root):
            marker.require_format(self.root)
        if not read_only:
            self._anchor()
            if not checksums.has_list(self.root):
                with contextlib.suppress(UserError):  # a lake that cannot be written can still be read
                    checksums.make_list(self.root)
        if whole and not create:
            self.refuse_missing_parts()

    def refuse_missing_parts(self) -> None:
        """Look whether every part that was published is there, with all its files.

        Raises:
            UserError: one is not, or a folder cannot be read.
        """
        if gone := checksums.missing(checksums.listed(self.root), checksums.listing(self.parts)):
            more = f", and {len(gone) - 1} more" if len(gone) > 1 else ""
            raise UserError(
                f"{self.root / gone[0]} is missing{more}: restore it from a copy of the lake, or go on without it "
                "after `pipeline doctor --forget-missing`"
            )

    def _create(self) -> None:
        if self.root.is_dir() and not all(map(_begun, self.root.iterdir())):
            raise UserError(f"{self.root} is neither empty nor a lake: name an empty folder with --lake DIR")
        if os.path.lexists(self.root) and not self.root.is_dir():
            raise UserError(f"{self.root} is no folder, no place for a lake: name an empty folder with --lake DIR")
        with os_errors_explained(f"creating the lake {self.root}"):
            self.root.mkdir(parents=True, exist_ok=True)
            make_folder(self.root, self.parts)
            self._anchor()
            with atomic_write(self.root / marker.FILE, durable=True) as temporary:
                temporary.write_text(marker.CONTENT)

    def _anchor(self) -> None:
        """Publish an empty part of the tables that have none: all in a new lake, later ones in an older lake."""
        with os_errors_explained(f"reading {self.parts}"):
            folders = [folder for name in self.part_names(_ANCHOR) if (folder := self.parts / _ANCHOR / name).is_dir()]
            there = set().union(*(checksums.names_in(folder, refuse=False) for folder in folders))
        missing = [table for table in TABLES if f"{table}.parquet" not in there]
        if missing:
            part = "0" if missing == list(TABLES) else "-".join(missing)
            with contextlib.suppress(FileExistsError):
                self.publish(_ANCHOR, part, {table: [] for table in missing})

    def part_names(self, benchmark: str, prefix: str = "") -> list[str]:
        """Sorted names of a benchmark's published parts, or of those that begin with `PartName.prefix`."""
        folder = self.parts / benchmark
        if not folder.is_dir():
            return []
        with os.scandir(folder) as entries:  # no Path object for each of thousands
            return sorted(entry.name for entry in entries if entry.name.startswith(prefix))

    def has(self, benchmark: str, part: PartName) -> bool:
        return (self.parts / benchmark / str(part)).is_dir()

    def read(
        self, table: str, benchmark: str, *, parts: Sequence[str] | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """Rows of a table in a benchmark's parts (all, or those named).

        Raises:
            UserError: a part cannot be read, or has other columns.
        """
        schema = TABLES[table].arrow
        if columns is not None:
            schema = pa.schema([schema.field(c) for c in columns])
        names = self.part_names(benchmark) if parts is None else parts
        files = [f for n in names if (f := self.parts / benchmark / n / f"{table}.parquet").is_file()]
        tables = [_read(file, columns, schema) for file in files]
        return pa.concat_tables(tables) if tables else schema.empty_table()

    @contextlib.contextmanager
    def lock(self, name: str, subject: str = "") -> Iterator[None]:
        """Hold the lake's lock of that name; it goes with the process, however that ends.

        Args:
            name: one of a few, whose file stays in the lake.
            subject: what of many is locked under the name. The file goes at the end, as do those of the same name
                that nobody holds.
        """
        path = self._lock_file(name, subject)
        with contextlib.ExitStack() as held:
            with os_errors_explained(f"locking {self.root}"):
                refuse_gone(self.root)
                refuse_links(self.root, path)
                held.enter_context(locked(path, keep=not subject))
                if subject:
                    self._remove_idle_locks(f".lock-{name}-", path)
            yield

    def running(self, run_id: str) -> contextlib.AbstractContextManager[None]:
        """Let `is_running` be true for a run until the block or the process ends."""
        return self.lock("run", run_id)

    def is_running(self, run_id: str) -> bool:
        """Whether a process that has not ended is within `running`."""
        return is_locked(self._lock_file("run", run_id))

    def _lock_file(self, name: str, subject: str) -> Path:
        return self.root / (f".lock-{name}-{subject}" if subject else f".lock-{name}")

    def _remove_idle_locks(self, prefix: str, mine: Path) -> None:
        for path in self.root.glob(f"{prefix}*"):
            if path != mine and re.fullmatch(r"[0-9a-f]{16}", path.name.removeprefix(prefix)):
                with contextlib.suppress(OSError), locked(path, keep=False, wait=False):
                    pass

    def staged(self, benchmark: str, part: PartName | str) -> StagedPart:
        """A part to write piece by piece, in a `with` block whose end publishes it; see `StagedPart`."""
        return StagedPart(self, benchmark, part)

    def publish(self, benchmark: str, part: PartName | str, tables: Mapping[str, list[dict[str, Any]]]) -> None:
        """Publish one part from rows at hand; raises as `StagedPart` does."""
        with self.staged(benchmark, part) as staged:
            for table, rows in tables.items():
                staged.append(table, rows)


def require_usable(path: Path, what: str) -> None:
    """Refuse a path at which DuckDB opens no database: ? begins its options there, and a backslash parts folders.

    Args:
        path: whose bytes have to be its text in UTF-8, which DuckDB takes wherever Python takes another encoding.
        what: is to be there ("lake").

    Raises:
        UserError: the path is not in UTF-8, or has one of the two characters.
    """
    if os.fsencode(path) != str(path).encode(errors="replace"):
        other = "" if sys.getfilesystemencoding() == "utf-8" else ", or set PYTHONUTF8=1"
        raise UserError(f"the path of the {what} {excerpt(str(path), 200)} is not in UTF-8: choose another{other}")
    if odd := sorted(set("?\\") & set(str(path))):
        raise UserError(f"a {what} cannot be at {path}, whose path has the character {odd[0]}: choose another")


def _read(file: Path, columns: Sequence[str] | None, schema: pa.Schema) -> pa.Table:
    with damage_named(file):
        rows = parquet_files.opened(file).read(columns=columns)
        if rows.num_columns < len(schema) and (fault := schema_fault(file)):  # another table has none of the columns
            raise damaged(file, fault)
        rows = _in_schema(rows, schema)
        rows.validate(full=True)  # text that is not in UTF-8 passes the reader
        for name in (field.name for field in schema if pa.types.is_timestamp(field.type)):
            _require_dates(rows[name], name)
        return rows


def _require_dates(times: pa.ChunkedArray, name: str) -> None:
    import pyarrow.compute as pc  # which takes a tenth of the time of a query, that reads no table here

    years = pc.min_max(pc.year(times.cast(pa.timestamp("us")))).as_py()
    if years["min"] is not None and not MINYEAR <= years["min"] <= years["max"] <= MAXYEAR:
        raise ValueError(f"{name} is in a year that Python does not have")


def _in_schema(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows with the columns of the schema; those that parts of an earlier version lack are NULL."""
    for field in schema:
        if field.nullable and field.name not in rows.column_names:
            rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
    return rows.select(schema.names).cast(schema)


def _begun(path: Path) -> bool:
    """Whether the file or folder is what a creation that was killed, or is going on, leaves in a lake."""
    if path.name in (FOLDER, "parts", checksums.FILE):
        return True
    return path.name.startswith((TEMPORARY, f".{marker.FILE}."))
