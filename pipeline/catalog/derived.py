"""What the slow views return, stored: a cache that a new part or another view leaves behind by itself.

    LAKE/derived/KEY/VIEW-CHECKSUM.parquet

KEY stands for the views' SQL, the lake's place and the parts that are published. Parts are never changed, so an equal
key means an equal result, and there is nothing to invalidate: of another state of the lake another key is looked for.
CHECKSUM is the file's own: one that is not whole counts as absent. All of it may be deleted at any time, and where it
cannot be written, views are computed each time. Only connections made here read it; the catalog's views never do.
"""

from __future__ import annotations

import glob
import hashlib
import re
import shutil
import zlib
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

import duckdb

from pipeline.catalog import script
from pipeline.lake.files import temporary_path
from pipeline.lake.schema import TABLES
from pipeline.lake.store import Lake

FOLDER = "derived"
_FIRST = ("aggregate_scores", "reference_sources", "targets")  # computed along with any other: others read them
_BIG = ("seed_means", "ground_truth", "pairs", "comparison_scores")
_RANKED = (
    "correlations", "correlations_shared", "correlations_top", "comparison", "best_of_k", "rho_by_iteration",
    "truth_agreement", "noise_ceiling", "search_results",
)  # fmt: skip

SMALL = (*_FIRST, *_RANKED)  # of some thousand rows, or as many as there are architectures
VIEWS = (*_FIRST, *_BIG, *_RANKED)  # which take a tenth of a second or more over a whole space; the order counts


def named(sql: str) -> list[str]:
    """The stored views that a statement names; none where it asks for the view itself and not for its rows.

    A word that is no view's name after all costs the computing of that view, and nothing else.
    """
    bare = re.sub(r"--.*", "", sql).lower()
    if re.match(r"\s*(desc|describe|explain|show)\b", bare):
        return []
    words = set(re.findall(r"\w+", bare))
    return [view for view in VIEWS if view in words]


def provide(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    parts: Sequence[Path],
    views: Collection[str],
    kind: str = "VIEW",
) -> list[str]:
    """Put stored results in the place of views, for this connection alone; what is not stored yet is computed first.

    Args:
        connection: one to the lake's catalog or a snapshot of it.
        lake: the lake.
        parts: the parts that are published now.
        views: which of `VIEWS`.
        kind: VIEW, or TABLE for a connection that lives long: a file goes when the next state of the lake is stored.

    Returns:
        The views that were replaced; see `withdraw`.
    """
    folder = lake.root / FOLDER / _key(lake, parts)
    found = {view: _found(folder, view) for view in views}
    if None in found.values():
        _pin(connection, parts)
        found |= {view: _found(folder, view) for view in _FIRST}
    provided: list[str] = []
    with suppress(OSError, duckdb.IOException):  # no space, no permission, or the file has just been removed
        for view in (v for v in VIEWS if v in found):
            file = found[view] or _store(connection, folder, view)
            source = f"read_parquet({script.text(glob.escape(str(file)))})"
            connection.execute(f"CREATE TEMP {kind} {view} AS FROM {source}")
            provided.append(view)
    return provided


def withdraw(connection: duckdb.DuckDBPyConnection, provided: Sequence[str]) -> None:
    """Let the connection compute these views again."""
    for view in provided:
        connection.execute(f"DROP VIEW temp.{view}")


def _key(lake: Lake, parts: Sequence[Path]) -> str:
    """The time of a part tells it from one of the same name that came after somebody deleted it by hand."""
    names = [f"{part.parent.name}/{part.name} {part.stat().st_mtime_ns}" for part in parts]
    return hashlib.sha256("\n".join([script.catalog_script(lake).fingerprint, *names]).encode()).hexdigest()[:16]


def _pin(connection: duckdb.DuckDBPyConnection, parts: Sequence[Path]) -> None:
    """Show the connection these parts and none that are published later: what is stored must be of its key."""
    for table, files in script.listed(parts).items():
        connection.execute(f"CREATE TEMP VIEW {table} AS {script.select(TABLES[table], files)}")


def _found(folder: Path, view: str) -> Path | None:
    """The file with the view's rows, if there is one and it is whole."""
    for file in folder.glob(f"{view}-*.parquet"):
        with suppress(OSError):
            if file.stem == _stem(view, file):
                return file
    return None


def _stem(view: str, file: Path) -> str:
    return f"{view}-{zlib.crc32(file.read_bytes()):08x}"


def _store(connection: duckdb.DuckDBPyConnection, folder: Path, view: str) -> Path:
    """Compute a view into its file; the first of a key removes what is stored of others."""
    if not folder.is_dir():
        folder.mkdir(parents=True)
        for other in folder.parent.iterdir():
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
    with temporary_path(folder / view) as temporary:
        connection.execute(f"COPY (FROM {view}) TO {script.text(str(temporary))} (FORMAT parquet, COMPRESSION zstd)")
        return temporary.rename(folder / f"{_stem(view, temporary)}.parquet")
