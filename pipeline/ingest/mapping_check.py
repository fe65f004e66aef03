"""`pipeline mapping check`: list everything that is wrong with a table mapping for a table.

The fields are looked at as the file states them, one by one, so that a fault in one does not hide another; rows are
read by whatever of the mapping is sound.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pipeline import benchmarks, text_table
from pipeline.benchmarks import units
from pipeline.benchmarks.contract import Benchmark
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import UserError, column_named, excerpt, unknown
from pipeline.formats import field_rules, text_files, toml_files
from pipeline.formats.table_form import Cells, Unreadable
from pipeline.formats.toml_files import line_of
from pipeline.ingest import mapped_columns, mapped_table
from pipeline.ingest import mapping as table_mapping
from pipeline.ingest.cells import listed_codes
from pipeline.ingest.extracted_cells import extracted
from pipeline.ingest.guessing.architectures import CODED
from pipeline.ingest.joined_tables import JoinedTable, joined
from pipeline.ingest.mapped_columns import NumberNotation, RowFilter
from pipeline.ingest.mapping import TableMapping
from pipeline.ingest.mapping_content import ITEMS, Location, entries, is_near, named_columns, sound_of
from pipeline.ingest.mapping_sections import Container, DeclaredMetric, ExtractedCells, ScoreColumn, TruthColumn
from pipeline.wording import count_of

Model = TypeVar("Model", JoinedTable, ExtractedCells)

_PREVIEWED = 5  # rows
_SHOWN = 24  # characters of a row's position


@dataclass(frozen=True, order=True)
class MappingFault:
    """What is wrong, in which line of the mapping, and what to do."""

    line: int
    what: str
    remedy: str


@dataclass(frozen=True)
class MappingCheck:
    """What a check found: the faults in the order of their lines, and lines that show rows as they would be stored."""

    benchmark: str
    rows: int
    faults: tuple[MappingFault, ...]
    preview: tuple[str, ...]


def check(file: Path, table: Path) -> MappingCheck:
    """Look at a table mapping and at every row of a table.

    Raises:
        UserError: the mapping is no TOML file, or the table cannot be read.
    """
    checker = _Checker(file, toml_files.read(file, "table mapping"))
    if not table.exists():
        raise UserError(f"{table} does not exist")
    checker.fields()
    rows = list(checker.rows(table))
    if not rows and not checker.faults:
        checker.add(("container",), f"{table} holds no rows", "name a table that has some, or correct the container")
    checker.columns(table, rows)
    preview = checker.values(rows)
    return MappingCheck(
        str(checker.content.get("benchmark")), len(rows), tuple(sorted(set(checker.faults))), tuple(preview)
    )


@dataclass
class _Checker:
    file: Path
    content: dict[str, Any]
    faults: list[MappingFault] = field(default_factory=list)
    unsound: set[Location] = field(default_factory=set)
    benchmark: Benchmark | None = None
    declared: Benchmark | None = None
    space: str | None = None

    def __post_init__(self) -> None:
        self.text = text_files.read(self.file, "table mapping", "a TOML file")

    def add(self, location: Location, what: str, remedy: str) -> None:
        """Note a fault of a field; its entry is left out when rows are read."""
        self.faults.append(MappingFault(line_of(self.text, location), what, remedy))
        self.unsound.add(location)

    def fields(self) -> None:
        """What the model and the benchmark say of the fields."""
        try:
            TableMapping.model_validate(self.content)
        except ValidationError as error:
            problems = error.errors()
            misspelt = [p["loc"] for p in problems if p["type"] == "extra_forbidden"]
            for problem in problems:
                if problem["type"] != "missing" or not is_near(problem["loc"], misspelt):
                    self._of_the_model(problem)
        if not any(self.content.get(name) for name in (*ITEMS, "native_id")):
            self.add(
                (), "no column is taken: nothing but architectures would be stored", "add a [[truth]] or [[score]]"
            )
        try:
            self.benchmark = benchmarks.load(str(self.content.get("benchmark", "")))
            self.space = self.benchmark.space(self.content.get("space")).name
        except UserError as error:
            if "benchmark" in self.content:
                self.add(("space" if self.benchmark else "benchmark",), *_parted(error))
        if self.benchmark is not None:
            self.declared = self._with_metrics(self.benchmark)
            for place, truth in entries(self.content, "truth"):
                self._metric(place, truth, self.declared)

    def _with_metrics(self, benchmark: Benchmark) -> Benchmark:
        """The benchmark with those metrics that the mapping soundly declares."""
        for place, entry in entries(self.content, "metric"):
            with contextlib.suppress(ValidationError):
                try:
                    benchmark = table_mapping.with_metrics(benchmark, [DeclaredMetric.model_validate(entry)])
                except UserError as error:
                    self.add(place, *_parted(error))
        return benchmark

    def _of_the_model(self, problem: ErrorDetails) -> None:
        location = problem["loc"]
        name = field_rules.place(problem) or "the mapping"
        if problem["type"] == "missing":
            self.add(location, f"{name} is missing", "add it")
        elif problem["type"] == "extra_forbidden":
            near = unknown("field", str(location[-1]), field_rules.fields_at(TableMapping, location))
            self.add(location, f"{name} is no field of a table mapping", _parted(near)[1])
        else:
            rule = field_rules.broken(problem, TableMapping)
            self.add(location, f"{name}: {rule}", "see docs/mapping-reference.md")

    def _metric(self, place: Location, truth: dict[str, Any], benchmark: Benchmark) -> None:
        dataset, name, unit = (truth.get(key) for key in ("dataset", "metric", "unit"))
        if not isinstance(dataset, str) or not isinstance(name, str):
            return
        try:
            metric = benchmark.metric(dataset, name)
        except UserError as error:
            known = any(m.dataset == dataset for m in benchmark.metrics)
            self.add((*place, "metric" if known else "dataset"), *_parted(error))
            return
        if isinstance(unit, str) and unit in units.LIMITS and units.factor(unit, metric.unit) is None:
            what = f"{column_named(truth.get('column'))} is in {unit}, but {name} is in {metric.unit}"
            self.add((*place, "unit"), what, f"say in which unit it is that can become {metric.unit}")

    def rows(self, table: Path) -> Iterator[tuple[str, Cells | Unreadable]]:
        """The rows of the table, if the mapping says what it is."""
        try:
            container = Container.model_validate(self.content.get("container"))
        except ValidationError:
            return iter(())
        notations = [self.content.get(name) for name in ("architecture", "check")]
        objects = [n["column"] for n in notations if isinstance(n, dict) and isinstance(n.get("column"), str)]
        joins = self._sound("join", JoinedTable)
        read = container.rows(table, objects, [join.path(table) for join in joins])
        read = extracted(read, self._sound("extract", ExtractedCells))
        return joined(read, table, joins, objects) if joins else read

    def _sound(self, kind: str, model: type[Model]) -> list[Model]:
        """The entries of a kind that are sound by themselves."""
        models = []
        for _, entry in entries(self.content, kind):
            with contextlib.suppress(ValidationError):
                models.append(model.model_validate(entry))
        return models

    def columns(self, table: Path, rows: Sequence[tuple[str, Cells | Unreadable]]) -> None:
        """Columns that the table does not have: no row, where the first lacks them."""
        good = [cells for _, cells in rows if not isinstance(cells, Unreadable)]
        if not good:
            return
        lacking = [(at, column) for at, column in named_columns(self.content) if column not in good[0]]
        known = set().union(*good) if lacking else set()
        for location, column in lacking:
            if column not in known:
                named = dict.fromkeys([*good[0], *sorted(known)])  # the first row's first
                self.add(location, *_parted(unknown(f"column of {table}", column, named)))

    def codes(self, rows: Sequence[tuple[str, Cells]]) -> None:
        """Parts, operations and codes of each notation that the benchmark, or the mapping, does not know."""
        assert self.benchmark is not None and self.space is not None
        known = CODED.get((self.benchmark.name, self.space))
        for name in ("architecture", "check"):
            section = self.content.get(name)
            if known is None or not isinstance(section, dict) or (name,) in self.unsound:
                continue
            parts, operations = known
            positions, meanings = section.get("positions") or section.get("fields"), section.get("codes")
            if isinstance(positions, list | dict):
                named = [str(part) for part in positions]
                wrong = [f"the benchmark has no part {excerpt(part)}" for part in named if part not in parts]
                wrong += [f"the part {part} is missing" for part in parts if part not in named]
                for what in wrong:
                    self.add((name, "positions"), f"{name}: {what}", f"the parts are {', '.join(parts)}")
            if isinstance(meanings, dict):
                for code, operation in meanings.items():
                    if operation not in operations:
                        what, remedy = _parted(unknown("operation", str(operation), operations))
                        self.add((name, "codes", code), f"{name}: code {code}: {what}", remedy)
                for code, position in _unknown_codes(section, meanings, len(parts), rows):
                    what = f"{position}: {column_named(section['column'])} holds the code {excerpt(code)}"
                    self.add((name, "codes"), what, "say what it means in codes")

    def values(self, rows: Sequence[tuple[str, Cells | Unreadable]]) -> list[str]:
        """What is wrong with the cells, one fault per column; and how the first rows would be stored."""
        good = [(position, cells) for position, cells in rows if not isinstance(cells, Unreadable)]
        if faulty := [(position, cells) for position, cells in rows if isinstance(cells, Unreadable)]:
            self.add(("container",), _first_of(faulty), "mend the table, or --max-rejects leaves such rows out")
        if self.benchmark is None or self.space is None or not good:
            return []
        self.codes(good)
        sound = "architecture" not in {location[0] for location in self.unsound if location}
        try:
            mapping = TableMapping.model_validate(sound_of(self.content, self.unsound, good[0][1], sound))
        except ValidationError:
            return []
        if sound:
            self._architectures(mapping, self.space, good)
        unsound = {location[:2] for location in self.unsound}
        for place, entry in entries(self.content, *ITEMS):
            if place not in unsound:
                self._cells(mapping, place, entry, good)
        if mapping.architecture.encoding == "index" and sound:
            return ["its numbers are looked up in the lake as the table is ingested: its rows are not shown here"]
        if not sound:
            return []
        if not self.faults:
            self._rejects(mapping, good)
        return list(self._preview(mapping, good))

    def _architectures(self, mapping: TableMapping, space: str, rows: Sequence[tuple[str, Cells]]) -> None:
        assert self.benchmark is not None
        for name, notation in (("architecture", mapping.architecture), ("check", mapping.check)):
            if notation is not None and notation.encoding != "index":
                decode = mapped_table.decoder(notation, self.benchmark, space)
                self._first((name,), rows, decode, "correct the encoding, or --max-rejects leaves such rows out")

    def _cells(
        self, mapping: TableMapping, place: Location, entry: Mapping[str, Any], rows: Sequence[tuple[str, Cells]]
    ) -> None:
        assert self.declared is not None
        remedy, notation = "correct unit, scale, each or missing", NumberNotation.of(mapping)
        if place[0] == "score":
            score = ScoreColumn.model_validate(entry)
            counted = RowFilter.of(score)

            def read(cells: Cells) -> object:
                return counted.takes(cells) and mapped_columns.score_of(score, cells, notation)

            self._first(place, rows, read, remedy)
            self._where(place, counted)
            return
        truth = mapped_columns.mapped_truth(self.declared, TruthColumn.model_validate(entry), notation)
        self._first((*place, "unit"), rows, truth.values, remedy)
        self._where(place, truth.rows)
        if truth.fault:
            self.add((*place, "unit"), truth.fault, 'if it is a fraction, say unit = "fraction"')

    def _where(self, place: Location, counted: RowFilter) -> None:
        if counted.fault:
            self.add((*place, "where"), counted.fault, "correct where")

    def _rejects(self, mapping: TableMapping, rows: Sequence[tuple[str, Cells]]) -> None:
        assert self.benchmark is not None
        if bad := list(mapped_table.rejects(mapping, self.benchmark, rows)):
            remedy = (
                'if rows measure one architecture several times, say repeated = "mean"; if a column tells them apart, '
                "say which count with where, or name it with seed_column"
            )
            self.add((), _first_of(bad), remedy)

    def _first(
        self, location: Location, rows: Sequence[tuple[str, Cells]], read: Callable[[Cells], object], remedy: str
    ) -> None:
        """One fault for all rows that cannot be read so: how many, and what is wrong with the first."""
        bad: list[tuple[str, str]] = []
        for position, cells in rows:
            try:
                read(cells)
            except UserError as error:
                bad.append((position, str(error)))
            except KeyError as error:
                bad.append((position, f"no {error} in this row"))
        if bad:
            self.add(location, _first_of(bad), remedy)

    def _preview(self, mapping: TableMapping, rows: Sequence[tuple[str, Cells]]) -> Iterator[str]:
        """The first rows as they would be stored."""
        assert self.benchmark is not None and self.declared is not None
        table = [["row", "arch_id", "value of", "seed", "value", "unit or status"]]
        taken = 0
        for position, cells in rows:
            with contextlib.suppress(UserError):
                batch = mapped_table.stored_row(mapping, self.benchmark, position, cells)
                shown = excerpt(position, _SHOWN, bare=True)
                values = list(_stored(batch, self.declared))
                table += [[shown, *value] for value in values]
                taken += bool(values)
            if taken == _PREVIEWED:
                break
        if taken:
            yield f"the first {count_of(taken, 'row')}, as they would be stored:"
            yield from (line.rstrip() for line in text_table.aligned(table, [False] * 3 + [True] * 2 + [False]))


def _stored(batch: SourceRows, benchmark: Benchmark) -> Iterator[list[str]]:
    for row in _rows_of(batch.truths):
        unit = benchmark.metric(row["dataset"], row["metric"]).unit
        yield _line(row, f"{row['dataset']} {row['metric']}", unit)
    for row in _rows_of(batch.scores):
        yield _line(row, row["proxy"], "")


def _rows_of(columns: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _line(row: Mapping[str, Any], what: str, unit: str) -> list[str]:
    value = "-" if row["value"] is None else f"{row['value']:.8g}"
    seed = "-" if row["seed"] is None else str(row["seed"])
    return [row["arch_id"], what, seed, value, unit if row["status"] == "ok" else row["status"]]


def _first_of(bad: Sequence[tuple[str, str]]) -> str:
    """The first of bad rows by its position, with what is wrong with it, and how many more there are."""
    position, what = bad[0]
    more = f" (and {len(bad) - 1:,} more)" if len(bad) > 1 else ""
    return f"{position}{more}: {what}"


def _parted(error: UserError) -> tuple[str, str]:
    """What is wrong, and the remedy, of the error for an unknown name."""
    what, _, remedy = str(error).partition(": ")
    return what, remedy


def _unknown_codes(
    section: Mapping[str, Any], meanings: Mapping[str, Any], count: int, rows: Sequence[tuple[str, Cells]]
) -> Iterator[tuple[object, str]]:
    """Codes of a column that no meaning is given for, with the first row of each."""
    column, positions = str(section.get("column")), section.get("positions")
    parts = [str(part) for part in positions] if isinstance(positions, list) else []
    seen = set[str]()
    for position, cells in rows:
        with contextlib.suppress(UserError, KeyError):
            for part, code in zip(parts, listed_codes(cells[column], column, count), strict=False):
                if str(code) not in seen and mapped_table.meaning_of(meanings, part, code) is None:
                    seen.add(str(code))
                    yield code, position
