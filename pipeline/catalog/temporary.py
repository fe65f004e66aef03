"""What DuckDB needs on the disk only while it runs, in the system's folder for temporary files.

It is written under the temporary names of `lake.files`, so that what a killed process left is removed by the next one.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.lake import files

_DATABASE = "bound.duckdb"
_NAMES = re.compile(rf"{re.escape(_DATABASE)}(\.wal)?|duckdb_temp_[^/]+")


def spill_folder() -> str:
    """An unused path for what does not fit into memory: DuckDB makes the folder when it spills, and removes it.

    It is empty where no file can be written, by which DuckDB keeps to the memory.
    """
    try:
        return str(_unused_path())
    except FileNotFoundError:  # a full disk, or none for temporary files
        return ""


@contextmanager
def database_file() -> Iterator[Path]:
    """The path of a temporary database, which is removed afterwards with its folder.

    Raises:
        OSError: nothing can be written there.
    """
    folder = _unused_path()
    with files.own_folder(folder):
        try:
            yield folder / _DATABASE
        finally:
            files.remove_folder(folder, _NAMES)


def _unused_path() -> Path:
    place = Path(tempfile.gettempdir())
    files.sweep(place, files.TEMPORARY, _NAMES)
    return place / f"{files.TEMPORARY}{files.own_name()}"
