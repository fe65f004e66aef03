"""Write a lake as a folder of one Parquet file per table, with a manifest and a dataset card."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from pipeline import catalog, provenance
from pipeline.export import card
from pipeline.lake import checksums, parquet_files, table_folder
from pipeline.lake.files import TEMPORARY
from pipeline.lake.outputs import OutputFolder
from pipeline.lake.parquet_files import HashedFile
from pipeline.lake.schema import TABLES, Table
from pipeline.lake.store import Lake
from pipeline.lake.table_folder import CARD, MANIFEST, NEXT_MANIFEST, Manifest, TableFile
from pipeline.progress import progress
from pipeline.wording import count_of


@dataclass(frozen=True)
class TableExport:
    """What was written: the folder, its files, and all their bytes."""

    folder: Path
    tables: int
    rows: int
    bytes: int

    @property
    def line(self) -> str:
        """The export in one line."""
        content = f"{count_of(self.tables, 'table')} with {count_of(self.rows, 'row')}"
        return f"{self.folder}: {content}, {self.bytes / 1e6:.1f} MB, and a {CARD}"


def export(lake: Lake, folder: Path, *, licence: str | None = None, force: bool = False) -> TableExport:
    """Write every table of a lake to a Parquet file of its own, in a folder that holds nothing of where the lake lies.

    The same lake gives the same bytes. An earlier export in the folder is replaced, file by file, the manifest last.

    Args:
        folder: it is made, and its files appear when all are written.
        licence: SPDX identifier of the scores that the lake's owner computed, for the card.
        force: replace files of these names, even if something else wrote them.

    Raises:
        UserError: the folder holds something else, or cannot be written, or a part cannot be read.
    """
    output = OutputFolder(folder, table_folder.NAMES, MANIFEST, NEXT_MANIFEST, _stranger, force)
    output.refuse()
    with output.written() as staging, catalog.TableRows(lake) as rows:
        files = {}
        with progress("exporting tables", len(TABLES)) as advance:
            for table in TABLES.values():
                files[f"{table.name}.parquet"] = _write(rows, table, staging)
                advance(1)
        content, sources = (rows.answer(path.read_text()) for path in catalog.queries("card").values())
        counts = {name: files[f"{name}.parquet"].rows or 0 for name in TABLES}
        files[CARD] = _put(staging / CARD, card.text(counts, content, sources, licence))
        manifest = Manifest(provenance.released_version(), files)
        _put(staging / MANIFEST, manifest.text)
    sizes = [file.bytes for file in files.values()]
    return TableExport(folder, len(TABLES), sum(file.rows or 0 for file in files.values()), sum(sizes))


def _write(rows: catalog.TableRows, table: Table, folder: Path) -> TableFile:
    path = folder / f"{table.name}.parquet"
    count = 0
    with HashedFile(path) as stream:
        with parquet_files.writer(stream, table_folder.schema(table)) as writer:
            for batch in rows.batches(table):
                writer.write_batch(batch)
                count += batch.num_rows
        stream.flush()
        size = os.fstat(stream.fileno()).st_size
    return TableFile(size, stream.sha256, count)


def _put(path: Path, text: str) -> TableFile:
    content = text.encode()
    path.write_bytes(content)
    return TableFile(len(content), hashlib.sha256(content).hexdigest())


def _stranger(folder: Path) -> str | None:
    """What in a folder is not of an earlier export."""
    names = {path.name for path in folder.iterdir() if not path.name.startswith(TEMPORARY)}
    if not names:
        return None
    stated = names & {MANIFEST, NEXT_MANIFEST}  # both, where an export was killed as it replaced an earlier one
    manifests = [manifest for name in stated if (manifest := table_folder.read(folder / name))]
    if not manifests or len(manifests) < len(stated):
        return "holds files and is not an earlier export"
    for name in sorted(names - stated):
        if table_folder.NAMES.fullmatch(name) and not any(_is_of(manifest, folder / name) for manifest in manifests):
            return f"has a {name} that was changed since it was exported"
    return None


def _is_of(manifest: Manifest, path: Path) -> bool:
    file = manifest.files.get(path.name)
    if file is None or path.stat().st_size != file.bytes:
        return False
    return path.name != CARD or checksums.of_file(path) == file.sha256
