"""Check the parts of a lake: each file against its checksum, its schema and its own pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipeline import provenance
from pipeline.errors import UserError
from pipeline.lake import checksums, part_name
from pipeline.lake.parquet_files import opened, reason
from pipeline.lake.schema import TABLES
from pipeline.wording import count_of

_NO_FILE = "it is no plain file"
RESTORE = "restore the part from a copy of the lake"


@dataclass(frozen=True)
class LakeFault:
    """Something that is wrong in a lake.

    Attributes:
        path: the file or folder, as seen from the lake.
        what: what is wrong.
        remedy: what to do.
        leftover: whether it is something that an interrupted run left, which `--fix` removes.
    """

    path: str
    what: str
    remedy: str
    leftover: bool = False

    @property
    def line(self) -> str:
        return f"{self.path}: {self.what}; {self.remedy}"


def part_faults(root: Path, part: str, names: Iterable[str], listed: Mapping[str, str]) -> Iterator[LakeFault]:
    """What is wrong with a part, at most one fault for each of its files.

    Args:
        part: BENCHMARK/PART.
        listed: the checksums of the lake's list, by path in the lake.
    """
    folder, names = root / "parts" / part, sorted(names)
    if not names:
        yield LakeFault(f"parts/{part}", "the folder is empty", RESTORE)
        return
    stated, what = _stated(folder / checksums.FILE) if checksums.FILE in names else (None, None)
    if what:
        yield LakeFault(f"parts/{part}/{checksums.FILE}", what, RESTORE)
    whole = what is None
    for name in sorted({*(stated or {}), *names} - {checksums.FILE}):
        path = f"parts/{part}/{name}"
        if name not in names:
            what = None if path in listed else "it is missing"  # else it is said where the list is compared
        elif stated is not None and name not in stated and not _is_of_the_system(name):
            what = "the part was published without it"
        else:
            what = _file_fault(folder / name, (stated or {}).get(name), listed.get(path))
        whole &= what is None and name in names
        if what:
            yield LakeFault(path, what, RESTORE)
    if whole and (what := _count_fault(folder)):
        yield LakeFault(f"parts/{part}/sources.parquet", what, RESTORE)


def _stated(file: Path) -> tuple[dict[str, str] | None, str | None]:
    """The checksums by name that a part states, and what is wrong with how it states them."""
    try:
        stated, broken = checksums.read(file)
    except (OSError, UserError):  # a link that leads nowhere, or what may keep a reader waiting
        return None, _NO_FILE
    return stated, f"line {broken[0]} is not a checksum and a file" if broken else None


def _is_of_the_system(name: str) -> bool:
    """Whether a file manager or an operating system leaves files of that name in folders."""
    return name.startswith(".") or provenance.is_left_there(name)


def schema_fault(file: Path) -> str | None:
    """How the columns of a part's file differ from those of its table, if they do; a nullable one may be missing."""
    try:
        there = {field.name: field.type for field in opened(file).schema_arrow}
    except MemoryError:
        raise
    except (OSError, KeyError, pa.ArrowException) as error:
        return reason(error)
    columns = {column.name: column for column in TABLES[file.stem].columns}
    for name, kind in there.items():
        if name not in columns:
            return f"it has a column {name[:60]}, which its table has not"
        if kind != columns[name].type:
            return f"its column {name} is {kind}, not {columns[name].type}"
    lacking = [name for name, column in columns.items() if name not in there and not column.nullable]
    return f"it lacks the column {lacking[0]}" if lacking else None


def _file_fault(file: Path, stated: str | None, listed: str | None) -> str | None:
    if _is_of_the_system(file.name):
        return None
    if file.is_symlink():
        return f"it is a link to {file.readlink()}"
    if file.suffix != ".parquet" or file.stem not in TABLES or not file.is_file():  # a named pipe may never end
        return _NO_FILE if file.stem in TABLES else "no table of a lake is called so"
    try:
        sha256 = checksums.of_file(file)
    except OSError as error:
        return reason(error)
    for expected, where in ((stated, "of its part"), (listed, "of the lake")):
        if expected not in (None, sha256):
            return f"it has changed since it was published: its SHA-256 is not the one in {checksums.FILE} {where}"
    return schema_fault(file) or (None if stated else _page_fault(file))


def _page_fault(file: Path) -> str | None:
    """Of a file without a checksum: what reading all of it finds wrong."""
    try:
        with opened(file) as parquet:
            for group in range(parquet.num_row_groups):
                parquet.read_row_group(group, use_threads=False).validate(full=True)
    except MemoryError:
        raise
    except (OSError, KeyError, pa.ArrowException) as error:
        return reason(error)
    return None


def _count_fault(folder: Path) -> str | None:
    """Of an ingested source: whether as many values are there as its row states."""
    name = part_name.parse(folder.name)
    if name is None or name.stage != "ingest" or not (folder / "sources.parquet").is_file():
        return None
    stated = sum(opened(folder / "sources.parquet").read(columns=["rows"])["rows"].to_pylist())
    files = [folder / f"{table}.parquet" for table in ("truth", "scores")]
    there = sum(opened(file).metadata.num_rows for file in files if file.is_file())
    return None if there == stated else f"it states {count_of(stated, 'value')}, the part holds {there:,}"
