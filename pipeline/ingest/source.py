"""A source to ingest: a file or folder, and the reader or table mapping that reads it."""

from __future__ import annotations

import contextlib
import difflib
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from pipeline import provenance
from pipeline.benchmarks.contract import Benchmark
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError, UserError, excerpt, is_there, os_errors_explained
from pipeline.escaping import visible
from pipeline.formats import signatures, tables
from pipeline.formats.opening import refuse_special
from pipeline.formats.table_form import TableForm, Unreadable
from pipeline.ingest import mapped_table
from pipeline.ingest import mapping as table_mapping
from pipeline.ingest.mapping import TableMapping
from pipeline.ingest.part import SourcePart
from pipeline.ingest.published import NATIVE
from pipeline.lake.store import Lake

SOURCE_VERSION = 1

_TABLES = (
    signatures.JSON.name, signatures.ARRAY, signatures.ARRAYS, "a Parquet file", "an Arrow file", "an SQLite database",
)  # fmt: skip
_DELIMITERS = (",", "\t", ";")
_MOST_SHOWN = 8  # columns


@dataclass(frozen=True)
class Source:
    """A file or folder of a benchmark.

    Args:
        mapping: the table mapping that reads it; None where the benchmark's own reader does.
        curves: whether its learning curves are wanted.
    """

    benchmark: Benchmark
    path: Path
    mapping: TableMapping | None
    curves: bool

    @property
    def name(self) -> str:
        """Its name in the lake: that of its mapping, or `native`."""
        return self.mapping.name if self.mapping else NATIVE

    @property
    def version(self) -> int:
        """The version of its mapping or reader."""
        return self.mapping.version if self.mapping else self.benchmark.reader_version

    @property
    def by_index(self) -> bool:
        """Whether it names architectures by number."""
        return self.mapping is not None and self.mapping.architecture.encoding == "index"

    @property
    def declared(self) -> Benchmark:
        """The benchmark with the metrics that its mapping declares."""
        return table_mapping.with_metrics(self.benchmark, self.mapping.metric) if self.mapping else self.benchmark

    @property
    def joined(self) -> dict[str, str]:
        """The SHA-256 of each file that its mapping joins, by its name there."""
        sections = self.mapping.join if self.mapping else ()
        return {section.file: provenance.file_sha256(section.path(self.path))[0] for section in sections}

    def identity(self, sha256: str, curves: bool, joined: Mapping[str, str] | None = None) -> str:
        """The identity of the content and of everything that decides which rows come of it.

        Args:
            sha256: of its own content.
            curves: whether its curves are stored, too.
            joined: as the property has it; default: of the files as they are now.
        """
        columns = self.mapping.deciding if self.mapping else None
        if columns and self.mapping and self.mapping.join:
            of_files = self.joined if joined is None else joined
            columns["joined"] = [of_files[section.file] for section in self.mapping.join]
        read_from = [self.benchmark.name, self.name, self.version, columns, curves, sha256]
        return provenance.identity("source", SOURCE_VERSION, read_from)

    def batches(self, lake: Lake | None) -> Iterator[SourceRows]:
        """Its rows, some at a time; `lake` tells which architectures its numbers mean."""
        if self.mapping is None:
            return self.benchmark.read(self.path, self.curves)
        known = _by_number(self, lake) if self.by_index else {}
        return mapped_table.read(self.mapping, self.benchmark, self.path, known, curves=self.curves)

    def row(self, source_id: str, sha256: str, size: int, part: SourcePart) -> dict[str, Any]:
        """The row of `sources`."""
        path = self.path.absolute()
        return {
            "source_id": source_id,
            "benchmark": self.benchmark.name,
            "name": self.name,
            "file_name": visible(path.name if path.is_dir() else f"{path.parent.name}/{path.name}"),
            "sha256": sha256,
            "bytes": size,
            "licence": self.mapping.licence if self.mapping else self.benchmark.licence_of(path.name),
            "reader_version": self.version,
            "rows": part.values,
            "rejected": part.rejected,
            "run_id": part.run_id,
        }


def sources_of(benchmark: Benchmark, paths: Sequence[Path], mapping: str | None, curves: bool) -> list[Source]:
    """What is at the paths, with the table mapping of each: the named one, or its own, known by its name.

    Args:
        paths: files or folders; none where the mapping's file comes with an installed package.
        mapping: name or TOML file of the table mapping of all of them.
        curves: whether learning curves are wanted, where there are any.

    Raises:
        UserError: nothing is there, a name is unknown, or the table mapping takes no column.
    """
    named = None if mapping is None else table_mapping.find(benchmark.name, mapping)
    if named is not None and not (named.truth or named.score or named.native_id):
        # what is stored stays: the same table with the mapping mended would be refused
        raise UserError(
            f"the table mapping {mapping} takes no column: nothing but architectures would be stored; add a [[truth]] "
            "or [[score]]"
        )
    if not paths:
        if named is None:
            raise UserError(
                f"nothing to ingest: name a file or folder (`pipeline sources {benchmark.name}` lists those that are "
                "published), or a table mapping whose package is installed"
            )
        paths = [table_mapping.installed_file(named)]
    shipped = table_mapping.shipped(benchmark.name)
    sources = []
    for path in paths:
        refuse_absent(path)
        if path.is_dir() and named is None:
            sources += _in_folder(benchmark, path, shipped, curves and benchmark.curves_asked)
            continue
        if path.is_dir() and named is not None and not provenance.content_files(path):
            raise UserError(f"{path} is a folder; the table mapping {named.name} reads a file, or a folder with files")
        taken = named or table_mapping.for_file(shipped, path)
        has_curves = taken.has_curves if taken else benchmark.curves_asked
        sources.append(Source(benchmark, path, taken, curves and has_curves))
    return sources


def refuse_absent(path: Path) -> None:
    """Refuse a path at which there is neither a file nor a folder.

    Raises:
        UserError: it is one; the message says so, and names what lies there under a similar name.
    """
    with os_errors_explained(f"reading {path}"):
        if not is_there(path):
            what = "is a symbolic link that leads nowhere" if path.is_symlink() else "does not exist"
            near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*") if p.exists()], n=1)
            raise UserError(f"{path} {what}" + "".join(f": did you mean {name}?" for name in near))
        refuse_special(path)


def _in_folder(benchmark: Benchmark, folder: Path, shipped: Sequence[TableMapping], curves: bool) -> list[Source]:
    """The native form in a folder, and the tables in it whose mappings are known by their names."""
    mapped = [(path, table_mapping.for_file(shipped, path)) for path in provenance.content_files(folder)]
    tables = [Source(benchmark, path, mapping, False) for path, mapping in mapped if mapping]
    native = Source(benchmark, folder, None, curves)
    if tables:
        try:
            native.batches(None)
        except NotThisFormError:
            return tables
    return [native, *tables]


@contextlib.contextmanager
def forms_named(source: Source) -> Iterator[None]:
    """Add to the error of a file in no known form which forms are read."""
    try:
        yield
    except NotThisFormError as error:
        if source.mapping:
            raise
        benchmark = source.benchmark
        if source.path.is_file() and (advice := _of_text(benchmark, source.path)):
            raise NotThisFormError(f"{advice}. {benchmark.name} itself reads {benchmark.forms}") from error
        if source.path.is_file() and (advice := _of_another_form(benchmark, source.path)):
            raise NotThisFormError(f"{error}. {benchmark.name} reads {benchmark.forms}. {advice}") from error
        known = f"{benchmark.name} reads {benchmark.forms}; a table needs --mapping NAME or FILE.toml"
        raise NotThisFormError(f"{error}. {known}") from error


def _of_text(benchmark: Benchmark, path: Path) -> str | None:
    """What to do with a table of text, by its columns; None where the file is no such table."""
    columns = _columns(path)
    if columns is None:
        return None
    fitting = [
        mapping.name
        for mapping in table_mapping.shipped(benchmark.name)
        if mapping.container.kind == "csv" and mapping.columns <= set(columns)
    ]
    if fitting:
        do = f"its columns are those of {' and '.join(fitting)}: name one with --mapping"
    else:
        shown = ", ".join(excerpt(name, bare=True) for name in list(columns)[:_MOST_SHOWN])
        more = ", ..." if len(columns) > _MOST_SHOWN else ""
        do = f"no shipped one has its columns ({shown}{more}): {_begin(benchmark, path)}"
    return f"{path} is a table of text, which needs a table mapping; {do}"


def _of_another_form(benchmark: Benchmark, path: Path) -> str | None:
    """What to do with a file that may hold a table, such as one of JSON or Parquet; None where it may not."""
    form = _form(path)
    return form and f"{path} is {form}, which needs a table mapping where it holds a table: {_begin(benchmark, path)}"


def _begin(benchmark: Benchmark, path: Path) -> str:
    words = ["pipeline", "mapping", "init", str(path)]
    command = shlex.join([*words, "--benchmark", benchmark.name] if benchmark.takes_any_name else words)
    return f"begin one with `{command}` (docs/bring-your-own-table.md), and name it with --mapping FILE.toml"


def _form(path: Path) -> str | None:
    """What a file of tables is; None of a pickle, which may be a damaged file of the benchmark's own form."""
    try:
        form = signatures.identify(path)
    except OSError:
        return None
    return form.name if form is not None and form.content in _TABLES else None


def _columns(path: Path) -> Collection[str] | None:
    """The columns of a table of text, whatever its delimiter, if it has two or more."""
    for delimiter in _DELIMITERS:
        try:
            _, cells = next(tables.rows(path, TableForm("csv", delimiter)), ("", Unreadable()))
        except UserError:
            continue
        if not isinstance(cells, Unreadable) and len(cells) > 1:
            return cells.keys()
    return None


def _by_number(source: Source, lake: Lake | None) -> dict[str, str]:
    """native_id -> arch_id of the lake's architectures of the mapping's space; "" where several have that native_id."""
    assert source.mapping is not None
    space = source.benchmark.space(source.mapping.space).name
    known: dict[str, str] = {}
    if lake is not None:
        table = lake.read("architectures", source.benchmark.name, columns=["space", "native_id", "arch_id"])
        table = table.filter((pc.field("space") == space) & pc.field("native_id").is_valid())
        for native_id, arch_id in zip(table["native_id"].to_pylist(), table["arch_id"].to_pylist(), strict=True):
            known[native_id] = arch_id if known.get(native_id, arch_id) == arch_id else ""
    if not known:
        if next(source.mapping.rows(source.path), None) is None:
            raise UserError(f"{source.path} holds no rows")
        raise UserError(
            f"{source.path} names architectures by number, the lake knows none: {numbered_first(source, None)}"
        )
    return known


def numbered_first(source: Source, lake: Lake | None) -> str:
    """What to ingest first, so that the lake knows the numbers by which a table names architectures; or nothing."""
    benchmark = source.benchmark
    numbered = [m.name for m in table_mapping.shipped(benchmark.name) if m.native_id]
    there = (
        set(lake.read("sources", benchmark.name, columns=["name"])["name"].to_pylist()) if lake is not None else set()
    )
    lacking = [name for name in numbered if name not in there]
    lacking += [f"the published form ({benchmark.forms})"] if NATIVE not in there else []
    return f"ingest first {', or '.join(lacking)}" if lacking else ""
