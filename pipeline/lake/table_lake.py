"""Make a lake of an exported folder of tables, with the scores that `merge` takes."""

from __future__ import annotations

import contextlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import UserError, excerpt
from pipeline.lake import marker, parquet_files, part_name, table_folder
from pipeline.lake.schema import TABLES

NEEDED = (*table_folder.WITH_PART, "runs", "proxies")
"""The tables that are read."""

_BELONG = {"runs": "run_id", "proxies": "proxy_id"}  # to the scores that name them
_WORD = re.compile(r"[\w.-]*\w[\w.-]*", re.ASCII)
_LONGEST = 150  # characters of either, which become a folder's name
_GROUP = ["benchmark", table_folder.PART.name]
_GroupKey = tuple[str, str]


def make(files: Mapping[str, Path], shown: Callable[[str], str], root: Path, origin: str) -> None:
    """Write a lake that holds one part for each kind of part that the rows are of.

    Args:
        files: the Parquet file of each table of `NEEDED`; folders of earlier versions lack `retried`.
        shown: table -> what messages call its file.
        root: of the lake, a folder that is not there.
        origin: of its parts, 16 hex digits that stand for the content.

    Raises:
        UserError: a file is damaged, or its rows are not those of its table.
    """
    (root / "parts").mkdir(parents=True)
    (root / marker.FILE).write_text(marker.CONTENT)
    named: dict[str, dict[_GroupKey, set[str]]] = {table: defaultdict(set) for table in _BELONG}
    with contextlib.ExitStack() as writers:
        parts = _Parts(root, origin, writers)
        for table in filter(files.__contains__, table_folder.WITH_PART):
            for rows in _batches(files[table], table, shown(table)):
                for key, group in _groups(rows, shown(table)):
                    parts.append(key, table, group.drop_columns([table_folder.PART.name]))
                    for other, column in _BELONG.items() if table in ("scores", "retried") else ():
                        named[other][key].update(group[column].unique().to_pylist())
        for table, column in _BELONG.items():
            rows = pa.concat_tables(list(_batches(files[table], table, shown(table))))
            for key, names in named[table].items():
                wanted = pc.is_in(rows[column], value_set=pa.array(sorted(names), pa.string()))
                parts.append(key, table, rows.filter(wanted))


class _Parts:
    """The files of the parts, each opened when its first rows come."""

    def __init__(self, root: Path, origin: str, writers: contextlib.ExitStack) -> None:
        self._root, self._origin, self._opened = root, origin, writers
        self._writers: dict[Path, pq.ParquetWriter] = {}

    def append(self, key: _GroupKey, table: str, rows: pa.Table) -> None:
        benchmark, part = key
        path = self._root / "parts" / benchmark / f"{part}-{self._origin}" / f"{table}.parquet"
        if path not in self._writers:
            path.parent.mkdir(parents=True, exist_ok=True)
            writer = parquet_files.writer(path, TABLES[table].arrow)
            self._writers[path] = self._opened.enter_context(writer)
        self._writers[path].write_table(rows.cast(TABLES[table].arrow))


def _batches(file: Path, table: str, shown: str) -> Iterator[pa.Table]:
    """The rows of a file in the schema of its table, a batch at a time; none of them is an empty batch."""
    schema = table_folder.schema(TABLES[table])
    try:
        parquet = parquet_files.opened(file)
        yield schema.empty_table()
        for batch in parquet.iter_batches():
            yield pa.Table.from_batches([batch]).select(schema.names).cast(schema)  # which refuses a NULL, too
    except MemoryError:
        raise
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        what = parquet_files.reason(error)
        raise UserError(f"{shown} cannot be read as the table {table} ({what}): export it again") from error


def _groups(rows: pa.Table, shown: str) -> Iterator[tuple[_GroupKey, pa.Table]]:
    """The rows of parts of scores by benchmark and kind of part; those of other stages are left out."""
    for key in rows.group_by(_GROUP).aggregate([]).to_pylist():
        benchmark, part = key["benchmark"], key[table_folder.PART.name]
        name = part_name.parse(f"{part}-{'0' * 16}")
        if not all(len(word) <= _LONGEST and _WORD.fullmatch(word) for word in (benchmark, part)):
            raise UserError(f"{shown}: {excerpt(f'{benchmark}/{part}')} names no part of a lake: export it again")
        if name is None or name.stage != "score":
            continue
        same = pc.and_(pc.equal(rows["benchmark"], benchmark), pc.equal(rows[table_folder.PART.name], part))
        yield (benchmark, part), rows.filter(same)
