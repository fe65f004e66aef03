"""The folder in which parts and catalogs are written before they are published: LAKE/.staging/HOST-PID-RANDOM/."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.errors import os_errors_explained
from pipeline.lake import checksums, files, marker, parquet_files
from pipeline.lake.parquet_files import HashedFile
from pipeline.lake.schema import TABLES

if TYPE_CHECKING:
    import pyarrow.parquet as pq

    from pipeline.lake.part_name import PartName
    from pipeline.lake.store import Lake

FOLDER = ".staging"
_STAGED = re.compile(  # files of its folders, and of the folders in these
    rf"(.+/)?(({'|'.join(TABLES)})\.parquet|{checksums.FILE}|{re.escape(marker.FILE)}|bench\.duckdb(\.wal)?)"
)


@contextlib.contextmanager
def staging_folder(lake_root: Path) -> Iterator[Path]:
    """Yield a new folder of this process, which is removed at the end if it is still there."""
    folder = lake_root / FOLDER / files.own_name()
    files.make_folder(lake_root, folder.parent)
    with files.own_folder(folder):
        try:
            yield folder
        finally:
            files.remove_folder(folder, _STAGED)


def remove_abandoned(lake_root: Path) -> None:
    """Remove what processes that have ended left here, and beside the lake's own files."""
    files.sweep(lake_root, files.TEMPORARY)
    if not (lake_root / FOLDER).is_symlink():
        files.sweep(lake_root / FOLDER, "", _STAGED)


def remove_staged(folder: Path) -> None:
    """Remove a folder of a process that has ended, as far as its files are what is written there."""
    files.remove_folder(folder, _STAGED)


class StagedPart:
    """A part being written: `append` rows; the end of the `with` block publishes it, or an error leaves nothing.

    Raises:
        FileExistsError: another process published the part of that name meanwhile.
        UserError: the disk is full or cannot be written.
    """

    def __init__(self, lake: Lake, benchmark: str, part: PartName | str) -> None:
        self.lake = lake
        self._target = lake.parts / benchmark / str(part)
        self._writers: dict[str, tuple[HashedFile, pq.ParquetWriter]] = {}
        self._resources = contextlib.ExitStack()

    def __enter__(self) -> StagedPart:
        with os_errors_explained(f"writing {self.lake.root}"):
            files.refuse_links(self.lake.root, self._target)
            files.refuse_links(self.lake.root, self.lake.root / FOLDER)
            remove_abandoned(self.lake.root)
            self._folder = self._resources.enter_context(staging_folder(self.lake.root))
        return self

    def append(self, table: str, rows: pa.Table | list[dict[str, Any]]) -> None:
        """Add rows, as dictionaries or as an Arrow table with the table's columns.

        Raises:
            ValueError: a column that may not be NULL holds one, or a value is not of its column's type.
        """
        schema = TABLES[table].arrow
        data = (
            rows.select(schema.names).cast(schema) if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows, schema)
        )
        for field in schema:
            if not field.nullable and data[field.name].null_count:
                raise ValueError(f"{table}.{field.name} may not be NULL")
        with os_errors_explained(f"writing {self.lake.root}"):
            if table not in self._writers:
                stream = HashedFile(self._folder / f"{table}.parquet")
                self._writers[table] = (stream, parquet_files.writer(stream, schema))
            self._writers[table][1].write_table(data)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        with self._resources:
            try:
                if kind is None:
                    with os_errors_explained(f"writing {self.lake.root}"):
                        for stream, writer in self._writers.values():
                            writer.close()
                            stream.flush()
                            os.fsync(stream.fileno())
                        self._publish()
                        checksums.record(self.lake.root, f"{self._target.parent.name}/{self._target.name}")
            finally:
                self._close()

    def _close(self) -> None:
        for stream, writer in self._writers.values():
            with contextlib.suppress(OSError):
                writer.close()
            writer.is_open = False  # else it would try again, and print a traceback, when it is collected
            with contextlib.suppress(OSError):
                stream.close()

    def _publish(self) -> None:
        sums = {f"{table}.parquet": stream.sha256 for table, (stream, _) in self._writers.items()}
        checksums.write_in(self._folder, sums)
        files.make_folder(self.lake.root, self._target.parent)
        files.flush_to_disk(self._folder)
        files.publish_folder(self._folder, self._target)
        files.flush_to_disk(self._target.parent)
