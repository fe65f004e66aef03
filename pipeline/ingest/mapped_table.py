"""Reading a table by its mapping: rows become architectures, measured values, released scores and rejects."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path

from pipeline.benchmarks import units as _units
from pipeline.benchmarks.contract import Benchmark, Spec, arch_id_of
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import UserError, excerpt, unknown
from pipeline.formats.fault import Fault
from pipeline.formats.tables import Cells, Rows, rows
from pipeline.ingest import surrogates
from pipeline.ingest.cells import list_of, listed_codes, number_of
from pipeline.ingest.mapping import ArchitectureColumns, ScoreColumn, TableMapping, TruthColumn

_BATCH_ROWS = 20_000

Value = float | str
"""A number, or as text why there is none."""

Truths = Sequence["Value | tuple[Value, ...]"]
Scores = Sequence[tuple[Value, float | None]]
"""The values of a row, by column; a score comes with its seconds."""


def read(mapping: TableMapping, benchmark: Benchmark, path: Path, known: Mapping[str, str]) -> Iterator[SourceRows]:
    """The rows of a table, by its mapping; a row that breaks a rule is a reject.

    Args:
        known: native id -> arch_id of the architectures at hand, for a table that names them by number; empty where
            the id is that of several.

    Raises:
        NotThisFormError: the file is not of the mapping's container.
        UserError: a column, dataset or metric does not exist, or a whole column is in another unit.
    """
    return _TableReader(mapping, benchmark, path, known).batches()


def rejects(
    mapping: TableMapping, benchmark: Benchmark, rows_of_table: Iterable[tuple[str, Cells]]
) -> Iterator[tuple[str, str]]:
    """Position and reason of each row that would be rejected."""
    reader, batch = _TableReader(mapping, benchmark, Path(), {}), SourceRows(benchmark.name)
    for position, cells in rows_of_table:
        try:
            reader.take(batch, position, cells)
        except UserError as error:
            yield position, str(error)


def stored_row(mapping: TableMapping, benchmark: Benchmark, position: str, cells: Cells) -> SourceRows:
    """What a row becomes by itself.

    Raises:
        UserError: it would be rejected.
    """
    batch = SourceRows(benchmark.name)
    alone = mapping.model_copy(update={"repeated": None})
    _TableReader(alone, benchmark, Path(), {}).take(batch, position, cells)
    return batch


def require_rows(mapping: TableMapping, path: Path) -> None:
    """Refuse a table without rows.

    Raises:
        NotThisFormError: the file is not of the mapping's container.
        UserError: there is none in it.
    """
    if next(_rows(mapping, path), None) is None:
        raise UserError(f"{path} holds no rows")


def _rows(mapping: TableMapping, path: Path) -> Rows:
    container = mapping.container
    return rows(path, container.kind, delimiter=container.delimiter, root=container.root, classes=container.classes)


@dataclass
class MappedTruth:
    """A column of truth: where its values go, and the largest one seen."""

    truth: TruthColumn
    factor: float
    whole: bool
    largest: float = -math.inf

    def values(self, cell: object, missing: Sequence[float]) -> Value | tuple[Value, ...]:
        """The cell's value in the metric's unit, or one per seed."""
        name = self.truth.column
        if self.truth.each is None:
            return self._value(_number(cell, name, missing))
        return tuple(self._value(_number(c, name, missing)) for c in list_of(cell, name))

    def _value(self, number: Value) -> Value:
        if isinstance(number, str):
            return number
        value = number * self.truth.scale
        if _units.outside(self.truth.unit, value) or math.isinf(value):
            raise UserError(f"column '{self.truth.column}' holds {value:g}, which is no {self.truth.unit}")
        self.largest = max(self.largest, value)
        return float(round(value * self.factor)) if self.whole else value * self.factor

    def put(self, batch: SourceRows, space: str, arch_id: str, values: Value | tuple[Value, ...]) -> None:
        """Add what `values` gave to a batch."""
        truth = self.truth
        for seed, value in enumerate(values, 1) if isinstance(values, tuple) else ((truth.seed, values),):
            number, status, reason = _stored(value)
            batch.add_truth(
                space, arch_id, truth.dataset, truth.metric, number,
                epochs=truth.epochs, seed=seed, status=status, reason=reason,
            )  # fmt: skip


@dataclass
class _TableReader:
    mapping: TableMapping
    benchmark: Benchmark
    path: Path
    known: Mapping[str, str]
    columns: list[MappedTruth] = field(init=False)
    seen: dict[str, tuple[str, object]] = field(default_factory=dict)
    repeats: dict[str, list[tuple[Truths, Scores]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.space = self.benchmark.space(self.mapping.space).name
        self.wanted = self.mapping.columns
        self.columns = _columns(self.mapping, self.benchmark)
        self.decode = decoder(self.mapping.architecture, self.benchmark, self.space)
        self.check = self.mapping.check and decoder(self.mapping.check, self.benchmark, self.space)

    def batches(self) -> Iterator[SourceRows]:
        table_rows = _rows(self.mapping, self.path)
        batch, first = self._batch(), True
        for number, (position, cells) in enumerate(table_rows, 1):
            if first and not isinstance(cells, Fault):
                self._has_columns(cells)
                first = False
            with batch.record(position, partial(_excerpt, cells)):
                self.take(batch, position, cells)
            if number % _BATCH_ROWS == 0:
                yield batch
                batch = self._batch()
        for arch_id, measured in self.repeats.items():
            self._put(batch, arch_id, *_means(measured))
        yield batch
        self._in_their_units()

    def _batch(self) -> SourceRows:
        return SourceRows(self.benchmark.name, position_of=lambda arch_id: self.seen.get(arch_id, (None,))[0])

    def _has_columns(self, cells: Cells) -> None:
        lacking = [unknown(f"column of {self.path}", name, cells) for name in sorted(self.wanted - cells.keys())]
        if lacking:
            raise UserError(f"{'; '.join(map(str, lacking))} (table mapping {self.mapping.name})")

    def take(self, batch: SourceRows, position: str, cells: Cells | Fault) -> None:
        if isinstance(cells, Fault):
            raise UserError(str(cells))
        absent = self.wanted - cells.keys()
        if absent:
            raise UserError(f"no '{min(absent)}' in this row")
        truths = [column.values(cells[column.truth.column], self.mapping.missing) for column in self.columns]
        scores = [score_of(score, cells, self.mapping.missing) for score in self.mapping.score]
        arch_id = self._architecture(batch, cells)
        if self.mapping.repeated:
            self.repeats.setdefault(arch_id, []).append((truths, scores))
            return
        values = (*truths, *scores)
        before, other = self.seen.setdefault(arch_id, (position, values))
        if other != values:
            raise UserError(f"the same architecture as in {before}, with other values")
        if before == position:
            self._put(batch, arch_id, truths, scores)

    def _put(self, batch: SourceRows, arch_id: str, truths: Truths, scores: Scores) -> None:
        for column, values in zip(self.columns, truths, strict=True):
            column.put(batch, self.space, arch_id, values)
        for score, (value, seconds) in zip(self.mapping.score, scores, strict=True):
            number, status, reason = _stored(value)
            batch.add_score(self.space, arch_id, score.proxy, number, seconds=seconds, status=status, reason=reason)

    def _architecture(self, batch: SourceRows, cells: Cells) -> str:
        if self.mapping.architecture.encoding == "index":
            arch_id = self._indexed(cells)
            if self.check and arch_id_of(self.benchmark.name, self.space, self.check(cells)) != arch_id:
                raise self._contradiction()
            return arch_id
        spec = self.decode(cells)
        if self.check and self.check(cells) != spec:
            raise self._contradiction()
        native = self.mapping.native_id
        return batch.add_architecture(self.space, spec, None if native is None else _native(cells[native]))

    def _indexed(self, cells: Cells) -> str:
        index = _native(cells[self.mapping.architecture.column])
        if index not in self.known:
            raise UserError(f"the lake knows no architecture of {self.benchmark.name} with index {index[:40]}")
        if not self.known[index]:
            raise UserError(f"index {index[:40]} is the name of two architectures in the lake")
        return self.known[index]

    def _contradiction(self) -> UserError:
        check = self.mapping.check
        assert check is not None
        one, other = self.mapping.architecture.columns[0], check.columns[0]
        return UserError(f"the columns '{one}' and '{other}' name two architectures: a code or an order is wrong")

    def _in_their_units(self) -> None:
        """A value of 0.94 is a possible percentage; a column without a larger one is not."""
        for column in self.columns:
            if column.truth.unit == "percent" and 0.0 <= column.largest <= 1.0:
                raise UserError(
                    f"{self.path}: column '{column.truth.column}' is declared percent, and its largest value is "
                    f"{column.largest:g}: is it a fraction? (table mapping {self.mapping.name})"
                )


def _columns(mapping: TableMapping, benchmark: Benchmark) -> list[MappedTruth]:
    """The columns of truth; UserError names everything that the benchmark does not know of them."""
    columns, wrong = [], []
    for truth in mapping.truth:
        try:
            columns.append(mapped_truth(benchmark, truth))
        except UserError as error:
            wrong.append(str(error))
    if wrong:
        raise UserError(f"{'; '.join(wrong)} (table mapping {mapping.name})")
    return columns


def mapped_truth(benchmark: Benchmark, truth: TruthColumn) -> MappedTruth:
    """How the values of a column of truth are read.

    Raises:
        UserError: the benchmark has no such data set or metric, the units do not go together, or the column is called
            after predictions.
    """
    if surrogates.named(truth.column):
        raise UserError(f"column '{truth.column}' {surrogates.REFUSED}")
    metric = benchmark.metric(truth.dataset, truth.metric)
    factor = _units.factor(truth.unit, metric.unit)
    if factor is None:
        raise UserError(f"column '{truth.column}' is in {truth.unit}, but {truth.metric} is in {metric.unit}")
    return MappedTruth(truth, factor, whole=metric.unit == "count")


def decoder(notation: ArchitectureColumns, benchmark: Benchmark, space: str) -> Callable[[Cells], Spec]:
    """The function that gives the spec of a row's architecture; UserError says what is wrong with it."""
    column, parts, codes = notation.column, notation.positions, notation.codes

    def string(cells: Cells) -> Spec:
        return benchmark.canonical(space, cells[column])

    def meaning(part: str, code: object, where: str) -> object:
        if not isinstance(code, str | int | float):
            raise UserError(f"column '{where}' holds the code {excerpt(code)}, which is no number or text")
        known = codes.get(f"{part}={code}", codes.get(str(code)))
        if known is None and (known := codes.get(_native(code))) is None:  # 1.0, of a column that lacks some
            raise UserError(f"column '{where}' holds the code {excerpt(code)}; known are {', '.join(codes)}")
        return known

    def fields(cells: Cells) -> Spec:
        values = {part: cells[c] for part, c in notation.fields.items()}
        if codes:
            values = {part: meaning(part, value, notation.fields[part]) for part, value in values.items()}
        return benchmark.compose(space, values)

    def coded(cells: Cells) -> Spec:
        row_codes = listed_codes(cells[column], column, len(parts))
        if len(row_codes) != len(parts):
            raise UserError(f"column '{column}' holds {len(row_codes)} codes where {len(parts)} are expected")
        operations = {part: meaning(part, code, column) for part, code in zip(parts, row_codes, strict=True)}
        return benchmark.compose(space, operations)

    return {"codes": coded, "fields": fields}.get(notation.encoding, string)


def score_of(score: ScoreColumn, cells: Cells, missing: Sequence[float]) -> tuple[Value, float | None]:
    """The score in a row, and its seconds.

    Raises:
        UserError: they are no numbers.
    """
    value = _number(cells[score.column], score.column, missing)
    if score.seconds is None:
        return value, None
    seconds = _number(cells[score.seconds], score.seconds, ())
    if isinstance(seconds, str):
        return value, None
    if _units.outside("seconds", seconds):
        raise UserError(f"column '{score.seconds}' holds {seconds:g}, which is no time")
    return value, seconds


def _means(rows: Sequence[tuple[Truths, Scores]]) -> tuple[Truths, Scores]:
    """The mean of each column over repeated measurements."""
    truths = [_mean(column) for column in zip(*(row[0] for row in rows), strict=True)]
    scores = []
    for column in zip(*(row[1] for row in rows), strict=True):
        seconds = [taken for _, taken in column if taken is not None]
        scores.append((_mean([value for value, _ in column]), sum(seconds) / len(seconds) if seconds else None))
    return truths, scores


def _mean(values: Sequence[Value | tuple[Value, ...]]) -> Value:
    numbers = [value for value in values if isinstance(value, float)]
    if len(numbers) < 2:
        return numbers[0] if numbers else next(v for v in values if isinstance(v, str))
    # of the numbers as they are written, so that means which are equal in exact arithmetic are equal and tie
    return float(sum(Decimal(repr(number)) for number in numbers) / len(numbers))


def _stored(value: Value) -> tuple[float | None, str, str | None]:
    """Value, status and reason, as the lake stores them."""
    return (None, "failed", value) if isinstance(value, str) else (value, "ok", None)


def _number(cell: object, column: str, missing: Sequence[float]) -> Value:
    value = cell if type(cell) is float else number_of(cell, column)
    if value is None:
        return "the source has no value"
    if not math.isfinite(value):
        return f"the source says {value}"
    if value in missing:
        return f"the source marks a failure with {value:g}"
    return value


def _native(cell: object) -> str:
    if not isinstance(cell, str | int | float):
        raise UserError(f"an architecture's own name is {excerpt(cell, 40)}, where a number or text is expected")
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def _excerpt(cells: Cells | Fault) -> str:
    if isinstance(cells, Fault):
        return cells
    shown = itertools.islice(cells.items(), 40)
    return ", ".join(f"{name}={value if isinstance(value, str) else excerpt(value)}" for name, value in shown)
