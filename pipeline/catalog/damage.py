"""Turn DuckDB's errors about damaged parts into the line that names the file."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from pipeline.errors import UserError, refused_by_system
from pipeline.lake import checksums
from pipeline.lake.parquet_files import NO_PERMISSION, damaged, opened
from pipeline.lake.schema import TABLES
from pipeline.lake.verify import schema_fault

_COLUMN = re.compile(r'Referenced column "(\w+)" not found|does not have a column named "(\w+)"')
_SPILLED = re.compile(r"max_temp_directory_size|duckdb_temp_[^:]*: No space left|no temporary directory is specified")
_FILE = re.compile(r"""['"]([^'"]+\.parquet)['"]""")


@contextmanager
def damage_named(parts: Path | None = None, *, own: bool = False) -> Iterator[None]:
    """Turn an error of DuckDB that names a Parquet file into one line; others stay as they are.

    Args:
        parts: the lake's folder of parts, where views are bound: then the files that give them their types are named.
        own: whether the statement is the project's own, so that a column which it lacks is one that a file lacks, and a
            value that it cannot read one that no lake may hold.

    Raises:
        UserError: a part's file is damaged, missing, or of another schema, a value of it cannot be read, or the system
            refuses for now to open it; rows that do not fit into memory find no space on the disk.
    """
    try:
        yield
    except duckdb.Error as error:
        if cannot_spill(error):
            place = tempfile.tempdir or "the folder for temporary files"
            raise UserError(
                f"no space left in {place} for rows that do not fit into memory: free some, or set TMPDIR to another "
                "folder; nothing stored is lost"
            ) from error
        if isinstance(error, duckdb.IOException) and (refusal := refused_by_system(error)):
            raise UserError(f"{refusal}; nothing stored is lost") from error
        match = _FILE.search(str(error))
        if match and (parts is None or _is_at_fault(Path(match[1]), parts, own)):
            raise damaged(Path(match[1]), _what(Path(match[1]), error)) from error
        for file in _suspects(parts, error, own) if parts else []:
            if file.stem in TABLES and (fault := schema_fault(file) or (own and _lacking(file, error))):
                raise damaged(file, fault) from error
        what = " ".join(str(error).split())[:120]
        if own and isinstance(error, (duckdb.DataError, duckdb.InvalidInputException)):
            raise UserError(f"a value of the lake cannot be read ({what}): `pipeline doctor` names its part") from error
        if type(error) is duckdb.Error:  # what its decoder of Parquet says
            raise UserError(f"a part cannot be decoded ({what}): `pipeline doctor` names it") from error
        raise


def cannot_spill(error: duckdb.Error) -> bool:
    """Whether the folder for rows that do not fit into memory is full, or there is none."""
    return isinstance(error, (duckdb.OutOfMemoryException, duckdb.IOException)) and bool(_SPILLED.search(str(error)))


def names_parquet(error: duckdb.Error) -> bool:
    """Whether an error names a Parquet file."""
    return _FILE.search(str(error)) is not None


def _is_at_fault(file: Path, parts: Path, own: bool) -> bool:
    """Whether a file that an error names is a part's and may be what is wrong.

    A query of a user may name a file of the lake in a text that it casts, or read it with a function for another form.
    """
    if own or not file.is_relative_to(parts):
        return file.is_relative_to(parts)
    if file.stem not in TABLES:
        return False
    if file.is_symlink() or file.parent.is_symlink():
        return True
    with suppress(OSError):  # no list, or a disk that fails
        published = checksums.read_list(parts.parent)[0].get(file.relative_to(parts.parent).as_posix())
        if not file.exists():
            return published is not None
        return not file.is_file() or schema_fault(file) is not None or checksums.of_file(file) != published
    return True


def _suspects(parts: Path, error: duckdb.Error, own: bool) -> list[Path]:
    """The files whose damage an error may mean that names none.

    Where a footer cannot be decoded, DuckDB repeats the beginning of the statement alone, as it reads a pattern or a
    list of files; or it raises what its decoder says, which is of no kind of its own.
    """
    anywhere = own or type(error) is duckdb.Error or "read_parquet(" in str(error)
    return sorted(parts.glob("*/*/*.parquet" if anywhere else "_schema/*/*.parquet"))


def _lacking(file: Path, error: duckdb.Error) -> str | None:
    """That the file lacks the column which an error misses, one that may be NULL."""
    match = _COLUMN.search(str(error))
    missed = match and (match[1] or match[2])
    columns = [column.name for column in TABLES[file.stem].columns]
    lacks = missed in columns and missed not in opened(file).schema_arrow.names
    return f"it lacks the column {missed}" if lacks else None


def _what(file: Path, error: duckdb.Error) -> str:
    """What is wrong with the file, without its name."""
    if file.is_symlink() or file.parent.is_symlink():  # which DuckDB calls an operation that is disabled
        return "a symbolic link stands for it or its folder: put the file or folder itself in its place"
    if file.stem in TABLES and (fault := schema_fault(file)):
        return fault
    if "Permission denied" in str(error):
        return NO_PERMISSION
    text = re.sub(r"^\w+( \w+)* Error: ", "", str(error)).split("\n")[0]
    return " ".join(re.sub(r"""\s*(in |for )?(file )?['"][^'"]*\.parquet['"]""", "", text).split())[:120]
