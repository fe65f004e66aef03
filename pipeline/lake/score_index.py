"""Which scores are stored: the keys in the parts of one family of proxies, looked up without a Python object per row.

    LAKE/keys/BENCHMARK/PREFIX.parquet     the keys of the parts that its metadata names

To open a part takes longer than to read its keys, and a month of nights leaves thousands of parts; so the keys of many
parts are kept together. Parts never change, so this index is never wrong, only incomplete. It may be deleted at any
time; one that is damaged, or names a part that is not there any more, is ignored and made again.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import UserError
from pipeline.lake import checksums, parquet_files
from pipeline.lake.files import flush_to_disk, is_within, make_folder, temporary_path
from pipeline.lake.parquet_files import damage_named
from pipeline.lake.store import Lake
from pipeline.wording import count_of

FOLDER = "keys"
FEW = 32  # parts, which are read fast one by one
_ROWS = 1 << 20  # at a time: the memory does not grow with the lake
_WORD = pa.dictionary(pa.int32(), pa.string())
_KEYS = pa.schema([("space", _WORD), ("seed", pa.int64()), ("arch_id", _WORD), ("proxy_id", _WORD)])
_WORDS = [field.name for field in _KEYS if field.type == _WORD]
_COVERED = b"parts"


class ScoreIndex:
    """Which scores of these architectures and proxies are stored, as of the last look at the lake.

    Args:
        prefix: of the names of the parts that can hold the scores.
        arch_ids: each once; None for whichever are stored, and those that are added.
    """

    def __init__(
        self,
        lake: Lake,
        benchmark: str,
        prefix: str,
        space: str,
        seed: int,
        arch_ids: Sequence[str] | None,
        proxy_ids: Sequence[str],
    ) -> None:
        self._folder = lake.parts / benchmark
        self._names: Callable[[], list[str]] = lambda: lake.part_names(benchmark, prefix)
        self._lake_root = lake.root
        self._index = lake.root / FOLDER / benchmark / f"{prefix}.parquet"
        self._space, self._seed = space, seed
        self._row_of = {arch_id: row for row, arch_id in enumerate(arch_ids or [])}
        self._any = arch_ids is None
        self._column_of = {proxy_id: column for column, proxy_id in enumerate(proxy_ids)}
        self._there = np.zeros((len(self._row_of), len(proxy_ids)), np.bool_)
        self._seen: set[str] = set()
        self._tables: tuple[str, ...] = ("scores",)
        self._changed = 0
        self._begin()

    @property
    def count(self) -> int:
        return int(self._there.sum())

    def missing(self, arch_id: str) -> tuple[str, ...]:
        """The proxies whose score of the architecture is not stored."""
        return tuple(proxy_id for proxy_id in self._column_of if not self.has(arch_id, proxy_id))

    def has(self, arch_id: str, proxy_id: str) -> bool:
        row = self._row_of.get(arch_id) if self._any else self._row_of[arch_id]
        return row is not None and bool(self._there[row, self._column_of[proxy_id]])

    def incomplete(self) -> list[str]:
        """The architectures of which a score is missing."""
        whole = np.asarray(self._there.all(axis=1))
        return [arch_id for arch_id, row in self._row_of.items() if not whole[row]]

    def forget(self, failed: Iterable[tuple[str, str]]) -> None:
        """Let these (arch_id, proxy_id), whose scores failed, be missing until they are stored in `retried`."""
        self._tables = ("scores", "retried")
        for arch_id, proxy_id in failed:
            self._there[self._row_of[arch_id], self._column_of[proxy_id]] = False

    def refresh_if_changed(self) -> None:
        """Read what others have published, if the folder's time says that it has changed."""
        changed = self._folder.stat().st_mtime_ns
        if changed != self._changed:
            self._changed = changed
            self.refresh()

    def refresh(self) -> None:
        new = [name for name in self._names() if name not in self._seen]
        for table in self._tables:
            for keys in _in_large_tables(self._read(new, table)):
                self._mark(keys)
        self._seen.update(new)

    def add(self, part: str, keys: Iterable[tuple[str, str]]) -> None:
        """Take note of a part that this process has published, with its (arch_id, proxy_id)."""
        self._seen.add(part)
        keys = list(keys)
        if self._any:
            self._admit(arch_id for arch_id, _ in keys)
        for arch_id, proxy_id in keys:
            self._there[self._row_of[arch_id], self._column_of[proxy_id]] = True

    def keep(self) -> None:
        """Write the index, if it lacks more than a few parts; where that is not possible it stays as it is."""
        names = self._names()
        index = self._open(names)
        covered = _covered(index) if index else set()
        new = [name for name in names if name not in covered]
        if len(new) > FEW and is_within(self._lake_root, self._index):
            with contextlib.suppress(OSError, UserError):
                _write(self._lake_root, self._index, chain(_row_groups(index), self._read(new)), names)

    def _begin(self) -> None:
        self.keep()
        index = self._open(self._names())
        if index is not None:
            for keys in _row_groups(index):
                self._mark(keys)
            self._seen = _covered(index)
        self.refresh()

    def _open(self, names: Collection[str]) -> pq.ParquetFile | None:
        """The index, unless it is absent, damaged, or names a part that is not there."""
        with contextlib.suppress(OSError, pa.ArrowInvalid):
            index = parquet_files.opened(self._index)
            if index.schema_arrow.remove_metadata().equals(_KEYS) and _covered(index) <= set(names):
                return index
        return None

    def _read(self, names: Iterable[str], table: str = "scores") -> Iterator[pa.Table]:
        for name in names:
            file = self._folder / name / f"{table}.parquet"
            if file.is_file():
                with damage_named(file):
                    part = parquet_files.opened(file, read_dictionary=_WORDS)
                    keys = part.read(columns=_KEYS.names, use_threads=False).select(_KEYS.names).cast(_KEYS)
                yield keys

    def _admit(self, arch_ids: Iterable[str]) -> None:
        """Make room for those that are not known."""
        for arch_id in arch_ids:
            self._row_of.setdefault(arch_id, len(self._row_of))
        more = np.zeros((len(self._row_of) - len(self._there), len(self._column_of)), np.bool_)
        self._there = np.concatenate([self._there, more])

    def _mark(self, keys: pa.Table) -> None:
        if self._any and keys.num_rows:
            self._admit(keys["arch_id"].unify_dictionaries().chunk(0).dictionary.to_pylist())
        rows, columns = _positions(keys["arch_id"], self._row_of), _positions(keys["proxy_id"], self._column_of)
        seeds = keys["seed"].combine_chunks()
        if seeds.null_count:  # in a lake that others wrote
            seeds = seeds.fill_null(-1)  # no seed is negative; it imports pandas, which takes long
        asked = (rows >= 0) & (columns >= 0) & (np.from_dlpack(seeds) == self._seed)
        asked &= _positions(keys["space"], {self._space: 0}) == 0
        self._there[rows[asked], columns[asked]] = True


def fault(lake: Lake, path: Path) -> str | None:
    """What is wrong with an index: it cannot be read, or has more or fewer keys than its parts have scores.

    One that names a part that is not there is out of date: no run reads it (see `ScoreIndex._open`).
    """
    try:
        index = parquet_files.opened(path)
        parts = [lake.parts / path.parent.name / name / "scores.parquet" for name in _covered(index)]
        if not all(part.parent.is_dir() for part in parts):
            return None
        rows = sum(parquet_files.opened(part).metadata.num_rows for part in parts if part.is_file())
    except MemoryError:
        raise
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        return f"it cannot be read as an index of scores: {error}"
    keys = index.metadata.num_rows
    return None if keys == rows else f"it has {count_of(keys, 'key')} of {count_of(rows, 'score')}"


def _positions(words: pa.ChunkedArray, among: Mapping[str, int]) -> npt.NDArray[np.int32]:
    """What `among` says of each word, -1 where it has none. Each distinct word is looked up once."""
    whole = words.unify_dictionaries().combine_chunks()
    places = np.fromiter((among.get(word, -1) for word in whole.dictionary.to_pylist()), np.int32)
    return np.asarray(places[np.from_dlpack(whole.indices)], np.int32)  # to_numpy would import pandas


def _in_large_tables(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows of many small tables in few large ones."""
    some: list[pa.Table] = []
    rows = 0
    for table in tables:
        some.append(table)
        rows += table.num_rows
        if rows >= _ROWS:
            yield pa.concat_tables(some)
            some, rows = [], 0
    if some:
        yield pa.concat_tables(some)


def _row_groups(index: pq.ParquetFile | None) -> Iterator[pa.Table]:
    if index is not None:
        for number in range(index.num_row_groups):
            yield index.read_row_group(number, use_threads=False).cast(_KEYS)


def _covered(index: pq.ParquetFile) -> set[str]:
    return set(json.loads(index.schema_arrow.metadata[_COVERED]))


def _write(lake_root: Path, path: Path, tables: Iterable[pa.Table], names: list[str]) -> None:
    schema = _KEYS.with_metadata({_COVERED: json.dumps(names)})
    whole = 1 << 26  # bytes of a dictionary: beyond the limit words would be written one by one
    make_folder(lake_root, path.parent)
    with temporary_path(path) as temporary:
        with parquet_files.writer(temporary, schema, dictionary_pagesize_limit=whole) as writer:
            for table in _in_large_tables(tables):
                writer.write_table(table.cast(schema), row_group_size=2 * _ROWS)
        flush_to_disk(temporary)
        checksums.replace(lake_root, temporary, path)
