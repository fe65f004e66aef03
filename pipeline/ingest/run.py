"""Ingest: what a file says of a benchmark's architectures becomes one immutable part of the lake, or nothing does.

A file is read to its end before its part is published. A table read by recipe is taken whole or refused whole, unless
rejects are allowed; a published native form keeps its good records and stores what is wrong with the others.
"""

from __future__ import annotations

import contextlib
import difflib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from pipeline import benchmarks, catalog, provenance
from pipeline.benchmarks.contract import Benchmark
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError, UserError, from_os
from pipeline.ingest import mapped_table as _table
from pipeline.ingest import mapping as _recipe
from pipeline.ingest.mapping import Recipe
from pipeline.ingest.part import Gathered
from pipeline.lake.part_name import PartName
from pipeline.lake.staging import StagedPart
from pipeline.lake.store import Lake
from pipeline.progress import progress

SOURCE_VERSION = 1
NATIVE = "native"
_FLUSH_VALUES = 500_000  # held in memory of a native form, which may not fit whole


@dataclass(frozen=True)
class Summary:
    """What one source brought.

    Args:
        source: recipe, or the name of the native form.
        file: the path.
        architectures: distinct architectures that it speaks of.
        values: measured values and released scores stored.
        rejected: records that could not be taken.
        seconds: wall time.
        already: the lake had it: the counts are 0 and nothing was changed.
    """

    source: str
    file: str
    architectures: int
    values: int
    rejected: int
    seconds: float
    already: bool = False

    @property
    def line(self) -> str:
        """The summary as one line."""
        if self.already:
            return f"{self.source}: already ingested, nothing changed ({self.file})"
        return (
            f"{self.source}: {self.architectures:,} architectures, {self.values:,} values, "
            f"{self.rejected:,} rejected, {self.seconds:.1f} s ({self.file})"
        )


def list_recipes() -> list[str]:
    """A line for each recipe that is shipped: benchmark, name, what its table holds, and the file it is told from."""
    return [
        f"{r.benchmark}  {r.name:<27} {r.description} ({r.distribution or ', '.join(r.files)})" for r in _recipe.shelf()
    ]


def ingest(
    lake_root: Path,
    benchmark: str,
    paths: Sequence[Path],
    *,
    recipe: str | None = None,
    curves: bool = False,
    max_rejects: int = 0,
) -> list[Summary]:
    """Ingest files and folders into a lake, which is created once the first of them has proved good.

    Args:
        lake_root: the lake's folder.
        benchmark: name of the benchmark.
        paths: files, or folders of them; none where the recipe's file comes with an installed package.
        recipe: name or TOML file of the recipe for all of them; by default each path's own is told from its name.
        curves: also the learning curves of a native form.
        max_rejects: number of bad rows up to which a table's good rows are taken.

    Returns:
        A summary for each path, in the order of ingestion: tables that name architectures by number come last.

    Raises:
        UserError: a name is unknown or an input is bad; what was ingested before it is stored, itself is not.
    """
    found = benchmarks.load(benchmark)
    _existing(lake_root)
    sources = _sources(found, paths, recipe, curves)
    summaries = []
    for source in sorted(sources, key=lambda s: s.by_index):
        with _forms_named(source):
            summaries.append(_ingest(lake_root, source, max_rejects))
            if not summaries[-1].already:
                catalog.refresh(Lake(lake_root))
    return summaries


@dataclass(frozen=True)
class _Source:
    benchmark: Benchmark
    path: Path
    recipe: Recipe | None
    curves: bool

    @property
    def name(self) -> str:
        return self.recipe.name if self.recipe else NATIVE

    @property
    def version(self) -> int:
        return self.recipe.version if self.recipe else self.benchmark.reader_version

    @property
    def by_index(self) -> bool:
        return self.recipe is not None and self.recipe.architecture.encoding == "index"

    def identity(self, sha256: str, curves: bool) -> str:
        """Of the content and of everything that decides which rows come of it."""
        told = self.recipe.model_dump(mode="json", exclude=_recipe.TOLD_ONLY) if self.recipe else None
        said = [self.benchmark.name, self.name, self.version, told, curves, sha256]
        return provenance.identity("source", SOURCE_VERSION, said)

    def batches(self, lake: Lake | None) -> Iterator[SourceRows]:
        if self.recipe is None:
            return self.benchmark.read(self.path, self.curves)
        return _table.read(self.recipe, self.benchmark, self.path, _by_number(self, lake) if self.by_index else {})

    def row(self, source_id: str, sha256: str, size: int, gathered: Gathered) -> dict[str, Any]:
        """The row of `sources`."""
        path = self.path.absolute()
        return {
            "source_id": source_id,
            "benchmark": self.benchmark.name,
            "name": self.name,
            "file_name": path.name if path.is_dir() else f"{path.parent.name}/{path.name}",
            "sha256": sha256,
            "bytes": size,
            "licence": self.recipe.licence if self.recipe else self.benchmark.licence,
            "reader_version": self.version,
            "rows": gathered.values,
            "rejected": gathered.rejected,
            "run_id": gathered.run_id,
        }


def _sources(benchmark: Benchmark, paths: Sequence[Path], recipe: str | None, curves: bool) -> list[_Source]:
    named = None if recipe is None else _recipe.find(benchmark.name, recipe)
    if not paths:
        if named is None:
            raise UserError("nothing to ingest: name a file or folder, or a recipe whose package is installed")
        paths = [_recipe.installed_file(named)]
    shelf = _recipe.shelf(benchmark.name)
    curves = curves and benchmark.curves_asked
    sources = []
    for path in paths:
        if not path.exists():
            near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*")], n=1)
            raise UserError(f"{path} does not exist" + "".join(f": did you mean {name}?" for name in near))
        if path.is_file():
            found = named or _recipe.for_file(shelf, path)
            sources.append(_Source(benchmark, path, found, curves and found is None))
        elif named is None:
            sources += _in_folder(benchmark, path, shelf, curves)
        else:
            raise UserError(f"{path} is a folder; the recipe {named.name} reads a file")
    return sources


def _in_folder(benchmark: Benchmark, folder: Path, shelf: Sequence[Recipe], curves: bool) -> list[_Source]:
    """The native form in a folder, and the tables in it whose recipes are told from their names."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    tables = [_Source(benchmark, path, found, False) for path in files if (found := _recipe.for_file(shelf, path))]
    native = _Source(benchmark, folder, None, curves)
    if tables:
        try:
            native.batches(None)
        except NotThisFormError:
            return tables
    return [native, *tables]


@contextlib.contextmanager
def _forms_named(source: _Source) -> Iterator[None]:
    """To what is no native form, say what would be one."""
    try:
        yield
    except NotThisFormError as error:
        if source.recipe:
            raise
        known = f"{source.benchmark.name} reads {source.benchmark.forms}; a table needs --recipe NAME or FILE.toml"
        raise NotThisFormError(f"{error}. {known}") from error


def _existing(lake_root: Path) -> Lake | None:
    return Lake(lake_root) if (lake_root / "lake.json").exists() else None


def _ingest(lake_root: Path, source: _Source, max_rejects: int) -> Summary:
    started = time.monotonic()
    lake = _existing(lake_root)
    batches = source.batches(lake)
    try:
        sha256, size = provenance.file_sha256(source.path)
    except OSError as error:
        raise from_os(error, f"reading {source.path}") from error
    finals, whole = source.identity(sha256, False), source.identity(sha256, True)
    source_id = whole if source.curves else finals
    only_curves = lake is not None and source.curves and _has(lake, source, finals)
    if lake is not None:
        if _has(lake, source, whole) or _has(lake, source, source_id):
            return _summary(source, None, started)
        if not only_curves:
            _as_read_before(lake, source, sha256)
    arguments = {"benchmark": source.benchmark.name, "source": source.name, "path": source.path}
    run = provenance.new_run("ingest", {**arguments, "curves": source.curves, "max_rejects": max_rejects})
    gathered = Gathered(source.benchmark, source.recipe, source.path, source_id, run["run_id"], lake, only_curves)
    try:
        with contextlib.ExitStack() as stack:
            staged = _drain(stack, lake_root, source, batches, gathered)
            _judge(source, gathered, max_rejects)
            staged = staged or _open(stack, lake_root, source, source_id)
            gathered.flush(staged)
            gathered.describe(staged)
            staged.append("sources", [source.row(source_id, sha256, size, gathered)])
            staged.append("runs", [provenance.finished(run)])
    except FileExistsError:  # another process has ingested the same file meanwhile
        return _summary(source, None, started)
    return _summary(source, gathered, started)


def _drain(
    stack: contextlib.ExitStack, lake_root: Path, source: _Source, batches: Iterator[SourceRows], gathered: Gathered
) -> StagedPart | None:
    """Gather everything; of a native form, what would not fit in memory goes to the part that is then returned."""
    staged = None
    unwatched = contextlib.nullcontext(lambda _more: None)
    with unwatched if source.recipe else progress(f"ingesting {source.path}", None) as advance:
        for batch in batches:
            gathered.add(batch)
            advance(len(batch.architectures["arch_id"]))
            if source.recipe is None and gathered.waiting >= _FLUSH_VALUES:
                staged = staged or _open(stack, lake_root, source, gathered.source_id)
                gathered.flush(staged)
    return staged


def _open(stack: contextlib.ExitStack, lake_root: Path, source: _Source, source_id: str) -> StagedPart:
    lake = Lake(lake_root, create=True)
    stack.enter_context(lake.lock("ingest"))
    return stack.enter_context(lake.staged(source.benchmark.name, _part(source_id)))


def _part(source_id: str) -> PartName:
    return PartName("ingest", source_id)


def _has(lake: Lake, source: _Source, source_id: str) -> bool:
    return lake.has(source.benchmark.name, _part(source_id))


def _summary(source: _Source, gathered: Gathered | None, started: float) -> Summary:
    counts = (len(gathered.arch_ids), gathered.values, gathered.rejected) if gathered else (0, 0, 0)
    return Summary(source.name, str(source.path), *counts, time.monotonic() - started, already=gathered is None)


def _as_read_before(lake: Lake, source: _Source, sha256: str) -> None:
    """Refuse a file that the lake holds as another version of the reader or recipe took it: parts are for good."""
    columns = ["name", "sha256", "reader_version"]
    for row in lake.read("sources", source.benchmark.name, columns=columns).to_pylist():
        if (row["name"], row["sha256"]) == (source.name, sha256):
            raise UserError(
                f"the lake holds {source.path} as {source.name}, version {row['reader_version']}, read it, and the "
                "reader or recipe has changed since: ingest into a new --lake"
            )


def _by_number(source: _Source, lake: Lake | None) -> dict[str, str]:
    """native id -> arch_id of what the lake knows of the recipe's space."""
    assert source.recipe is not None
    space = source.benchmark.space(source.recipe.space).name
    known: dict[str, str] = {}
    if lake is not None:
        table = lake.read("architectures", source.benchmark.name, columns=["space", "native_id", "arch_id"])
        table = table.filter((pc.field("space") == space) & pc.field("native_id").is_valid())
        known = dict(zip(table["native_id"].to_pylist(), table["arch_id"].to_pylist(), strict=True))
    if not known:
        raise UserError(f"{source.path} names architectures by number, the lake knows none: {_numbered_first(source)}")
    return known


def _numbered_first(source: _Source) -> str:
    names = [r.name for r in _recipe.shelf(source.benchmark.name) if r.native_id]
    return "ingest first " + ", or ".join([*names, f"the published form ({source.benchmark.forms})"])


def _judge(source: _Source, gathered: Gathered, max_rejects: int) -> None:
    """Refuse what has nothing good, and a table with more bad rows than allowed."""
    rejected = gathered.rejected
    if not gathered.arch_ids and not rejected:
        raise UserError(f"{source.path} holds no rows")
    if gathered.arch_ids and (source.recipe is None or rejected <= max_rejects):
        return
    position, reason = gathered.first_reject
    what = "row" if source.recipe else "file"
    count = f"{rejected:,} {what}s cannot be taken, the first" if rejected > 1 else f"1 {what} cannot be taken,"
    line = f"{source.path}: {count} at {position}: {reason}"
    if source.by_index:
        line += f" ({_numbered_first(source)})"
    if gathered.arch_ids:
        line += f"; nothing was stored, --max-rejects {rejected} takes the others"
    raise UserError(line)
