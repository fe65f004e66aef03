"""Table mappings: TOML files that say what the columns of a foreign table mean, so that no code is needed to ingest it.

A mapping names the container (`pipeline.formats.tables`), how an architecture is written in it, and which columns are
ground truth and which are scores that others released. docs/bring-your-own-table.md shows how to write one.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from pipeline import benchmarks
from pipeline.benchmarks.contract import Benchmark
from pipeline.errors import UserError, excerpt
from pipeline.formats import field_rules, toml_files
from pipeline.formats.table_form import Rows
from pipeline.formats.toml_files import NAME_LENGTH, ReleasedName, SourceName, StrictModel
from pipeline.ingest.extracted_cells import extracted
from pipeline.ingest.joined_tables import JoinedTable, joined
from pipeline.ingest.mapping_sections import (
    ArchitectureColumns,
    Container,
    DeclaredMetric,
    Download,
    ExtractedCells,
    Publisher,
    ScoreColumn,
    TruthColumn,
    is_pattern,
)

DESCRIPTIVE = {"description", "publisher", "licence", "files", "distribution", "file", "download", "max_rejects"}
"""Fields that do not change the rows that are read."""

_MEASURED = ("dataset", "metric", "epochs")

_LATER = {
    "layout", "columns", "members", "decimal", "complement", "where", "seed_column", "skip", "comment", "header",
    "thousands", "table", "nested", "optional", "metric", "extract", "join",
}  # fmt: skip
"""Fields that mappings of the first version do not have: at their defaults they are no part of a source's identity."""

_MOST_PROBLEMS = 20  # that one message names


def _clash(columns: Iterable[TruthColumn]) -> bool:
    """Whether two columns of truth may state the same value, as neither seed nor conditions keep their rows apart.

    A value on which both have a condition keeps them apart where the conditions differ.
    """
    alike: defaultdict[object, defaultdict[frozenset[str | None], list[dict[str | None, str]]]]
    alike = defaultdict(lambda: defaultdict(list))
    for truth in columns:
        conditions: dict[str | None, str] = {name: str(held) for name, held in truth.where.items()}
        if truth.seed is not None:
            conditions[None] = str(truth.seed)
        has_seed = truth.seed is not None or truth.each == "seed" or truth.seed_column is not None
        measured = (has_seed, *(getattr(truth, name) for name in _MEASURED))
        alike[measured][frozenset(conditions)].append(conditions)
    for by_names in alike.values():
        for one, other in combinations_with_replacement(by_names, 2):
            shared = one & other
            held = [{tuple(c[name] for name in shared) for c in by_names[names]} for names in (one, other)]
            if len(held[0]) < len(by_names[one]) if one == other else not held[0].isdisjoint(held[1]):
                return True
    return False


class TableMapping(StrictModel):
    """What the columns of one foreign table mean.

    Args:
        name: as --mapping takes it.
        source: what follows the @ in the names of its scores, shared by the files of one release; default: `name`.
        benchmark: benchmark that the architectures are of.
        space: its search space; default: the benchmark's first.
        version: raise it when the same file would give other rows.
        description: what the table holds, in a sentence.
        publisher: whose it is; not asked of a private table.
        licence: SPDX identifier, as the publisher states it.
        files: the ends of paths that this mapping is taken for when none is named.
        download: how the file is had; default: the publisher's address, for a person to look at.
        distribution: the installed Python distribution that carries the file, where one does.
        file: the file within the distribution.
        missing: numbers, or texts such as "OOM", that stand for a failure in this table.
        native_id: the column with the benchmark's own number of the architecture.
        repeated: "mean" where several rows measure one architecture, of which the mean is kept; by default rows that
            contradict one another are bad.
        max_rejects: how many bad rows the table is known to have; they are left out without `--max-rejects`.
        check: a second notation in the same row, which must name the same architecture.
        metric: metrics that the benchmark does not declare.
        extract: cells that are parts of the text of others, such as the seed in the name of a file.
        join: tables in other files that say more of each row, such as the architecture that a number stands for.
    """

    name: Annotated[ReleasedName, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
    source: SourceName = ""
    benchmark: str
    space: str | None = None
    version: int = Field(1, ge=1)
    description: str
    publisher: Publisher | None = None
    licence: Annotated[str, Field(max_length=NAME_LENGTH, pattern=r"^[A-Za-z0-9.+ ()-]*$")] | None = None
    files: tuple[str, ...] = ()
    download: Download | None = None
    distribution: str | None = None
    file: str | None = None
    missing: tuple[float | str, ...] = ()
    container: Container
    architecture: ArchitectureColumns
    native_id: str | None = None
    repeated: Literal["mean"] | None = None
    max_rejects: int = Field(0, ge=0)
    check: ArchitectureColumns | None = None
    metric: tuple[DeclaredMetric, ...] = ()
    extract: tuple[ExtractedCells, ...] = ()
    join: tuple[JoinedTable, ...] = ()
    truth: tuple[TruthColumn, ...] = ()
    score: tuple[ScoreColumn, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> TableMapping:
        if (self.distribution is None) != (self.file is None):
            raise ValueError("'distribution' and 'file' go together")
        if self.distribution is not None and self.publisher is None:
            raise ValueError("'distribution' needs a [publisher]")
        if self.download is not None and (not self.files or re.search(r"[*?\[\\]|(^|/)\.\.?(/|$)|^/", self.files[0])):
            raise ValueError("'download' needs a name to save the file under, the first of 'files', without wildcards")
        if not all(map(is_pattern, self.files)):
            raise ValueError("'files' has one that is no name of a file, with or without wildcards")
        if _clash(self.truth) or len({s.proxy for s in self.score}) < len(self.score):
            raise ValueError("two columns for the same value")
        if len({joined_table.name for joined_table in self.join}) < len(self.join):
            raise ValueError("it joins two tables under one name")
        if len({(m.dataset, m.metric) for m in self.metric}) < len(self.metric):
            raise ValueError("it declares a metric twice")
        if self.repeated and any(t.each for t in self.truth):
            raise ValueError("'repeated' and 'each' exclude each other: seeds are either rows or a list in a cell")
        return self

    @property
    def released_by(self) -> str:
        """The release that its scores are of: what follows the @ in their names."""
        return self.source or self.name

    @property
    def entries(self) -> tuple[TruthColumn | ScoreColumn, ...]:
        """The columns that it stores."""
        return (*self.truth, *self.score)

    @property
    def naming(self) -> set[str]:
        """The columns that name its architectures, and those that say for which values a row counts."""
        notations = [self.architecture, *([self.check] if self.check else [])]
        named = {column for notation in notations if not notation.optional for column in notation.columns}
        named |= {column for entry in self.entries for column in entry.where}
        return named | ({self.native_id} if self.native_id else set())

    @property
    def columns(self) -> set[str]:
        """The columns that every row has to have."""
        required = [entry for entry in self.entries if not entry.optional]
        return self.naming.union(*map(columns_of, required))

    @property
    def objects(self) -> list[str]:
        """The columns that may hold an object."""
        return [column for notation in (self.architecture, self.check) if notation for column in notation.objects]

    def rows(self, path: Path) -> Rows:
        """The rows of a file or folder; errors as in `tables.rows`."""
        table_rows = self.container.rows(path, self.objects, [section.path(path) for section in self.join])
        table_rows = extracted(table_rows, self.extract) if self.extract else table_rows
        return joined(table_rows, path, self.join, self.objects) if self.join else table_rows

    @property
    def has_curves(self) -> bool:
        """Whether it holds values of epochs before the last."""
        return any(truth.each == "epoch" for truth in self.truth)

    @property
    def deciding(self) -> dict[str, object]:
        """Everything in it that decides which rows come of a file: a part of the source's identity."""
        given = self.model_dump(mode="json", exclude=DESCRIPTIVE)
        notations = [name for name in ("architecture", "check") if given[name]]
        sections = [given, given["container"], *(given[n] for n in notations), *given["truth"], *given["score"]]
        models = [self, self.container, *(getattr(self, n) for n in notations), *self.truth, *self.score]
        for section, model in zip(sections, models, strict=True):
            for name in _LATER & section.keys():
                field = type(model).model_fields[name]
                default = field.get_default(call_default_factory=True, validated_data={})
                if section[name] == (list(default) if isinstance(default, tuple) else default):
                    del section[name]
        return given

    def names_file(self, path: Path) -> bool:
        """Whether the path ends like one of its files."""
        lower = Path(str(path.absolute()).lower())
        return any(lower.match(pattern.lower()) for pattern in self.files)


def columns_of(entry: TruthColumn | ScoreColumn) -> set[str]:
    further = entry.seed_column if isinstance(entry, TruthColumn) else entry.seconds
    return {entry.column, *([further] if further else [])}


def with_metrics(benchmark: Benchmark, declared: Sequence[DeclaredMetric]) -> Benchmark:
    """A benchmark with further metrics, whose targets come after its own.

    Raises:
        UserError: the benchmark has one of them already.
    """
    if not declared:
        return benchmark
    known = {(metric.dataset, metric.metric) for metric in benchmark.metrics}
    if twice := [f"{m.dataset} {m.metric}" for m in declared if (m.dataset, m.metric) in known]:
        raise UserError(f"{benchmark.name} declares the metric {twice[0]} itself: leave the [[metric]] out")
    last = max((metric.priority or 0 for metric in benchmark.metrics), default=0)
    metrics = [metric.declared(last + place) for place, metric in enumerate(declared, 1)]
    classes = {metric.dataset: metric.classes for metric in declared if metric.classes}
    return dataclasses.replace(
        benchmark, metrics=(*benchmark.metrics, *metrics), classes={**classes, **benchmark.classes}
    )


def load(path: Path) -> TableMapping:
    """The table mapping in a TOML file.

    Raises:
        UserError: it cannot be read, is not TOML, or breaks a rule; the message names file, field and rule.
    """
    try:
        return TableMapping.model_validate(toml_files.read(path, "table mapping"))
    except ValidationError as error:
        problems = error.errors()
        named = "; ".join(map(_problem, problems[:_MOST_PROBLEMS]))
        more = f"; and {len(problems) - _MOST_PROBLEMS} more" if len(problems) > _MOST_PROBLEMS else ""
        raise UserError(f"table mapping {path}: {named}{more}") from error


def _problem(problem: ErrorDetails) -> str:
    field, message = field_rules.place(problem), field_rules.broken(problem, TableMapping)
    return f"{field}: {message}" if field else message


def shipped(benchmark: str | None = None) -> list[TableMapping]:
    """The table mappings that come with this package, of one benchmark or of all, by name."""
    if benchmark is None:
        mappings = [mapping for of_one in benchmarks.each(shipped) for mapping in of_one]
    else:
        mappings = [load(path) for path in benchmarks.mappings(benchmark)]
    return sorted(mappings, key=lambda mapping: (mapping.benchmark, mapping.name))


def shipped_as(benchmark: str, name: str) -> TableMapping | None:
    """The shipped table mapping of that name, which its file has, too; None where there is none."""
    return next((load(path) for path in benchmarks.mappings(benchmark) if path.stem == name), None)


def find(benchmark: str, name: str) -> TableMapping:
    """The table mapping that --mapping names: a shipped one, or a TOML file.

    Raises:
        UserError: there is none of that name (the message suggests the nearest), or it is another benchmark's.
    """
    if toml_files.is_named(name):
        mapping = load(Path(name))
        if mapping.benchmark != benchmark:
            raise UserError(
                f"table mapping {name} is for {excerpt(mapping.benchmark, 60, bare=True)}, not for {benchmark}"
            )
        return mapping
    by_name = {mapping.name: mapping for mapping in shipped(benchmark)}
    if name not in by_name:
        raise toml_files.unknown_name(f"table mapping of {benchmark}", name, by_name)
    return by_name[name]


def for_file(mappings: Sequence[TableMapping], path: Path) -> TableMapping | None:
    """The mapping whose file names fit the path, or None.

    Raises:
        UserError: several fit.
    """
    fitting = [mapping for mapping in mappings if mapping.names_file(path)]
    if len(fitting) > 1:
        raise UserError(f"{path} fits the table mappings {', '.join(m.name for m in fitting)}: name one with --mapping")
    return fitting[0] if fitting else None


def installed_file(mapping: TableMapping) -> Path:
    """The file of a table mapping whose table comes with an installed Python distribution, found without importing it.

    Raises:
        UserError: the table mapping names no distribution, or it is not installed, or it does not carry the file.
    """
    if mapping.distribution is None or mapping.file is None or mapping.publisher is None:
        where = f" ({mapping.publisher.where})" if mapping.publisher else ""
        raise UserError(f"the table mapping {mapping.name} needs the path of its file{where}")
    try:
        distribution = importlib.metadata.distribution(mapping.distribution)
    except importlib.metadata.PackageNotFoundError as error:
        raise UserError(f"the package {mapping.distribution} is not installed: {mapping.publisher.where}") from error
    for file in distribution.files or ():
        if str(file) == mapping.file and (path := Path(str(file.locate()))).exists():
            return path
    version = f"{mapping.distribution} {distribution.version}"
    raise UserError(f"{version} carries no {mapping.file}: another version does, or it has to be installed again")
