"""The columns that a table mapping names: which cells of a row are stored, and in which unit."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import chain

from pipeline.benchmarks import units
from pipeline.benchmarks.contract import Benchmark
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import UserError, column_named, excerpt
from pipeline.formats import numbers
from pipeline.formats.table_form import Cells
from pipeline.ingest import surrogates
from pipeline.ingest.cells import has, list_of, number_of, plain_text, without_percent_sign
from pipeline.ingest.mapping import TableMapping
from pipeline.ingest.mapping_sections import ScoreColumn, TruthColumn
from pipeline.wording import count_of

Value = float | str
"""A number, or as text why there is none."""

Measured = tuple[int | None, int | None, Value]
"""Seed and epoch of a training, and what was measured then."""

Truths = Sequence[Sequence[Measured]]
Scores = Sequence["tuple[Value, float | None] | None"]
"""The values of a row, by column; a score comes with its seconds. Columns that the row does not count for are empty."""

_ROUNDING = 1e-6
"""How far a count may be from a whole number, as a part of it: large counts are often a float32 of millions, which is
off by up to 1e-7. Below half a million, where fractions could tell architectures apart, nothing is rounded away.
"""
_MOST_SHOWN = 8  # values of a column that decides which rows count


@dataclass(frozen=True)
class NumberNotation:
    """How a table writes numbers.

    Args:
        missing: the numbers and texts that stand for a failure.
        decimal: what stands before the decimals.
        thousands: what stands between thousands.
        percent: whether a percent sign may follow.
    """

    missing: frozenset[float | str] = frozenset()
    decimal: str = "."
    thousands: str = ""
    percent: bool = False

    @classmethod
    def of(cls, mapping: TableMapping) -> NumberNotation:
        return cls(frozenset(mapping.missing), mapping.container.decimal, mapping.container.thousands)

    def value(self, cell: object, column: str) -> Value:
        """The number in a cell, or why there is none.

        Raises:
            UserError: it is neither a number nor says that there is none.
        """
        if type(cell) is float:
            value: float | None = cell
        else:
            if isinstance(cell, str):
                if cell.strip() in self.missing:
                    return f"the source marks a failure with {excerpt(cell.strip(), 40)}"
                if self.percent and "%" in cell:
                    cell = str(without_percent_sign(cell))
                if self.thousands and self.thousands in cell:
                    cell = self._without_thousands(cell, column)
                if self.decimal == ",":
                    if "." in cell:
                        raise UserError(
                            f"{column_named(column)} holds {excerpt(cell, 40)}, where decimals follow a comma"
                        )
                    cell = cell.replace(",", ".")
            value = number_of(cell, column)
        if value is None:
            return "the source has no value"
        if not math.isfinite(value):
            return f"the source says {value}"
        if value in self.missing:
            return f"the source marks a failure with {value:g}"
        return value

    def _without_thousands(self, text: str, column: str) -> str:
        mark, point, number = re.escape(self.thousands), re.escape(self.decimal), text.strip()
        grouped = rf"[+-]?[0-9]{{1,3}}({mark}[0-9]{{3}})+({point}[0-9]*)?([eE][+-]?[0-9]+)?"
        if self.thousands in number and not re.fullmatch(grouped, number):
            raise UserError(
                f"{column_named(column)} holds {excerpt(text, 40)}, where '{self.thousands}' stands between thousands"
            )
        return number.replace(self.thousands, "")


@dataclass
class RowFilter:
    """Which rows count for a column, by the cells of others; it remembers what it has seen.

    Args:
        where: what the other columns hold.
        optional: the column itself, where a row may lack it.
    """

    where: Mapping[str, str | bool | int | float]
    optional: str | None = None
    plain: bool = field(init=False)
    matched: bool = False
    held: bool = False
    seen: dict[str, dict[str, None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.plain = not self.where and self.optional is None  # every row counts

    @classmethod
    def of(cls, entry: TruthColumn | ScoreColumn) -> RowFilter:
        return cls(entry.where, entry.column if entry.optional else None)

    def takes(self, cells: Cells) -> bool:
        for column, wanted in self.where.items():
            held = plain_text(cells[column])
            if held != str(wanted) and not _equal(held, wanted):
                values = self.seen.setdefault(column, {})
                if len(values) < _MOST_SHOWN:
                    values[held] = None
                return False
        self.matched = True
        if self.optional is not None and not has(cells, self.optional):
            return False
        self.held = True
        return True

    @property
    def fault(self) -> str | None:
        """Why no row counted; None where one did."""
        if self.held or not (self.matched or self.seen):
            return None
        if self.matched:
            return f"no row has anything in {column_named(self.optional)}"
        column, values = next(iter(self.seen.items()))
        shown = ", ".join(excerpt(value, 40, bare=True) for value in values)
        wanted = excerpt(str(self.where[column]), 40, bare=True)
        return f"no row has {wanted} in {column_named(column)}, which holds {shown}"


def _equal(held: str, wanted: str | bool | int | float) -> bool:
    """Whether a cell's text states the number, or the truth value, that is wanted."""
    if isinstance(wanted, bool):
        return held.lower() in (("true", "1") if wanted else ("false", "0"))
    return not isinstance(wanted, str) and numbers.as_float(held) == wanted


@dataclass
class MappedTruth:
    """A column of truth: it converts cells to the metric's unit, and remembers their largest value and, of lists with a
    value per epoch, the lengths.
    """

    truth: TruthColumn
    factor: float
    whole: bool
    notation: NumberNotation = NumberNotation()
    largest: float = -math.inf
    lengths: set[int] = field(default_factory=set)
    rows: RowFilter = field(init=False)

    def __post_init__(self) -> None:
        truth = self.truth
        self.rows = RowFilter.of(truth)
        self.notation = replace(self.notation, percent=truth.unit == "percent")
        # read for every cell, and a model's fields are slow to read
        self._column, self._scale, self._unit = truth.column, truth.scale, truth.unit
        self._complement, self._each = truth.complement, truth.each
        self._seed, self._seed_column = truth.seed, truth.seed_column
        self._plain = self.rows.plain and truth.seed_column is None and truth.each is None

    @property
    def fault(self) -> str | None:
        """What is wrong with the unit: a column in percent whose largest value is at most 1 holds fractions."""
        if self.truth.unit == "percent" and 0.0 <= self.largest <= 1.0:
            return f"{column_named(self.truth.column)} is declared percent, and its largest value is {self.largest:g}"
        return None

    @property
    def warning(self) -> str | None:
        """A warning if lists of a value per epoch are not as long as the epochs with which their last is stored."""
        lengths, epochs = self.lengths - {0}, self.truth.epochs
        if not lengths or lengths == {epochs} or (epochs is None and len(lengths) == 1):
            return None
        shortest = f"{min(lengths)} to " if len(lengths) > 1 else ""
        stored_as = (
            "after as many epochs as its list has values, which is a target of its own"
            if epochs is None
            else f"after the {epochs} epochs that are stated"
        )
        return (
            f"{column_named(self.truth.column)}: lists of {shortest}{count_of(max(lengths), 'value')}: each last value "
            f"is stored as that {stored_as}"
        )

    def values(self, cells: Cells) -> Sequence[Measured]:
        """The cell's values in the metric's unit: one, one per seed, or the last and one per epoch.

        Raises:
            UserError: the cell holds no such value.
        """
        name, seed = self._column, self._seed
        if self._plain:  # nearly every column
            return ((seed, None, self._value(self.notation.value(cells[name], name))),)
        if not self.rows.plain and not self.rows.takes(cells):
            return ()
        if self._seed_column is not None and self._each != "seed":
            seed = numbers.whole(cells[self._seed_column], f"the seed in {column_named(self._seed_column)}")
        if self._each is None:
            return ((seed, None, self._value(self.notation.value(cells[name], name))),)
        listed = list_of(cells[name], name, self.notation.decimal)
        values = [self._value(self.notation.value(cell, name)) for cell in listed]
        if self._each == "seed":
            seeds: Sequence[object] = range(1, len(values) + 1)
            if self._seed_column is not None:
                seeds = list_of(cells[self._seed_column], self._seed_column)
            if len(seeds) != len(values):
                held = f"{count_of(len(values), 'value')} for {count_of(len(seeds), 'seed')}"
                raise UserError(f"{column_named(name)} holds {held} in {column_named(self._seed_column)}")
            named = f"a seed in {column_named(self._seed_column)}"
            numbered = {numbers.whole(s, named): value for s, value in zip(seeds, values, strict=True)}
            if len(numbered) < len(values):
                raise UserError(f"{column_named(self._seed_column)} holds a seed twice")
            return [(number, None, value) for number, value in numbered.items()]
        self.lengths.add(len(values))
        last: list[Measured] = [(seed, None, value) for value in values[-1:]]
        return [*last, *((seed, number, value) for number, value in enumerate(values, 1))]

    def _value(self, number: Value) -> Value:
        if isinstance(number, str):
            return number
        value = number * self._scale
        if units.outside(self._unit, value) or math.isinf(value):
            raise UserError(f"{column_named(self._column)} holds {value:g}, which is no {self._unit}")
        self.largest = max(self.largest, value)
        if self._complement:
            # as the numbers are written: values that are equal in exact arithmetic are equal
            value = float(Decimal(100 if self._unit == "percent" else 1) - Decimal(repr(value)))
        return self._count(number, value * self.factor) if self.whole else value * self.factor

    def _count(self, number: float, value: float) -> float:
        """A whole number; UserError where a fraction is more than the rounding of a float, so that counts would tie."""
        if not math.isclose(value, round(value), rel_tol=_ROUNDING):
            scaled = "" if self._scale == 1.0 else f", which is {value:.10g} with its scale"
            raise UserError(
                f"{column_named(self._column)} holds {number!r}{scaled}, where a count is a whole number: is it in "
                "thousands or millions (scale), or no count?"
            )
        return float(round(value))

    def epochs_of(self, values: Sequence[Measured]) -> int | None:
        """After how many epochs the last of them is stored; None where that is not stated."""
        if self._each != "epoch" or self.truth.epochs is not None:
            return self.truth.epochs
        return sum(epoch is not None for _, epoch, _ in values) or None

    def put(self, batch: SourceRows, space: str, arch_id: str, values: Sequence[Measured], *, curves: bool) -> None:
        """Add what `values` gave to a batch; those of each epoch only with `curves`."""
        truth, epochs = self.truth, self.epochs_of(values)
        for seed, epoch, value in values:
            if epoch is not None and not curves:
                break
            batch.add_truth(space, arch_id, truth.dataset, truth.metric, value, epochs=epochs, seed=seed, epoch=epoch)


def mapped_truth(benchmark: Benchmark, truth: TruthColumn, notation: NumberNotation = NumberNotation()) -> MappedTruth:
    """How the values of a column of truth are read.

    Raises:
        UserError: the benchmark has no such data set or metric, the units do not go together, or the column is called
            after predictions.
    """
    if surrogates.named(truth.column):
        raise UserError(f"{column_named(truth.column)} {surrogates.REFUSED}")
    metric = benchmark.metric(truth.dataset, truth.metric)
    factor = units.factor(truth.unit, metric.unit)
    if factor is None:
        raise UserError(f"{column_named(truth.column)} is in {truth.unit}, but {truth.metric} is in {metric.unit}")
    return MappedTruth(truth, factor, whole=metric.unit == "count", notation=notation)


def score_of(score: ScoreColumn, cells: Cells, notation: NumberNotation) -> tuple[Value, float | None]:
    """The score in a row, and its seconds.

    Raises:
        UserError: they are no numbers.
    """
    value = notation.value(cells[score.column], score.column)
    if score.seconds is None:
        return value, None
    seconds = replace(notation, missing=frozenset()).value(cells[score.seconds], score.seconds)
    if isinstance(seconds, str):
        return value, None
    if units.outside("seconds", seconds):
        raise UserError(f"{column_named(score.seconds)} holds {seconds:g}, which is no time")
    return value, seconds


def means(rows: Sequence[tuple[Truths, Scores]]) -> tuple[Truths, Scores]:
    """The mean of each column over rows that measure the same."""
    truths: list[Sequence[Measured]] = []
    for column in zip(*(row[0] for row in rows), strict=True):
        by_seed: dict[int | None, list[Value]] = {}
        for seed, _, value in chain.from_iterable(column):
            by_seed.setdefault(seed, []).append(value)
        truths.append([(seed, None, _mean(values)) for seed, values in by_seed.items()])
    scores: list[tuple[Value, float | None] | None] = []
    for taken in zip(*(row[1] for row in rows), strict=True):
        there = [one for one in taken if one is not None]
        seconds = [one for _, one in there if one is not None]
        mean_seconds = sum(seconds) / len(seconds) if seconds else None
        scores.append((_mean([value for value, _ in there]), mean_seconds) if there else None)
    return truths, scores


def left_out(rows: Sequence[tuple[Truths, Scores]], measured: tuple[Truths, Scores]) -> int:
    """How many missing or failed values of the rows are in none of their means, as others were measured."""
    count = 0
    for column, of_column in zip(zip(*(row[0] for row in rows), strict=True), measured[0], strict=True):
        there = {seed for seed, _, value in of_column if isinstance(value, float)}
        count += sum(isinstance(value, str) and seed in there for seed, _, value in chain.from_iterable(column))
    for taken, mean in zip(zip(*(row[1] for row in rows), strict=True), measured[1], strict=True):
        if mean is not None and isinstance(mean[0], float):
            count += sum(one is not None and isinstance(one[0], str) for one in taken)
    return count


def _mean(values: Sequence[Value]) -> Value:
    measured = [value for value in values if isinstance(value, float)]
    if len(measured) < 2:
        return measured[0] if measured else next(v for v in values if isinstance(v, str))
    # of the numbers as they are written, so that means which are equal in exact arithmetic are equal and tie
    return float(sum(Decimal(repr(number)) for number in measured) / len(measured))
