"""Tables with a row for each metric or proxy of an architecture, its name in one column and its value in another."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.benchmarks.contract import Benchmark
from pipeline.formats.table_form import Cells
from pipeline.ingest.guessing.column_words import name_of
from pipeline.ingest.guessing.guesses import Guess
from pipeline.ingest.guessing.metrics import metric_of
from pipeline.ingest.guessing.table_place import is_of_data
from pipeline.ingest.guessing.table_sample import TableSample

_MEASURE = r"(.*[./:_])?(metric|measure|measurement|variable|quantity|proxy)(_?name)?"
_SPLIT = r"(.*[./:_])?(split|subset|phase|partition)"
_VALUE = r"(.*[./:_])?(value|score|result)"
_MOST = 50  # metrics of a table
UNMEASURED = "that rows without the column were not measured"


@dataclass(frozen=True)
class LongTable:
    """A sample with a column for each metric: "accuracy", or "test accuracy" if the table has a column of splits.

    A table with a column of splits beside columns of metrics has one for each split and metric.

    Args:
        sample: this sample; the table's own if that has a column for each metric already.
        values: made column -> the table's column with its values.
        rows: made column -> the cells of the table's rows that it is made of.
    """

    sample: TableSample
    values: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, Mapping[str, str | int]] = field(default_factory=dict)

    @classmethod
    def of(cls, sample: TableSample, benchmark: Benchmark) -> LongTable:
        """Rearrange a sample, if it is such a long table."""
        found = [[c for c in sample.columns if re.fullmatch(p, c.lower())] for p in (_MEASURE, _VALUE, _SPLIT)]
        (measures, values, splits) = found
        named = [cells.get(c) for _, cells in sample.rows for c in (*measures, *splits)]
        if not all(isinstance(cell, str) for cell in named):
            return cls(sample)
        if len(measures) == 1 and len(values) == 1:
            return cls._parted(sample, [*splits[:1], *measures], values)
        if len(splits) == 1 and all(len(name_of(str(cell), benchmark).splits) == 1 for cell in set(named)):
            return cls._parted(sample, splits, [c for c in sample.columns if _depends_on_split(c, benchmark)])
        return cls(sample)

    @classmethod
    def _parted(cls, sample: TableSample, told: Sequence[str], values: Sequence[str]) -> LongTable:
        """The sample with the columns `values` parted by the cells of the columns `told`."""
        named = not all(re.fullmatch(_VALUE, value.lower()) for value in values)
        rows: list[tuple[str, Cells]] = []
        columns: dict[str, Mapping[str, str | int]] = {}
        held: dict[str, str] = {}
        for at, cells in sample.rows:
            where = {column: str(cells[column]).strip() for column in told}
            made: dict[str, object] = {}
            for value in values:
                name = " ".join([*where.values(), *([value] if named else [])])
                columns[name], held[name], made[name] = where, value, cells.get(value)
            rest = {column: cell for column, cell in cells.items() if column not in (*told, *values)}
            rows.append((at, {**rest, **made}))
        if not columns or len(columns) > _MOST or not columns.keys().isdisjoint(sample.columns):
            return cls(sample)
        return cls(replace(sample, rows=rows), held, columns)

    def as_written(self, guess: Guess) -> Guess:
        """The guess for a made column as one for the table's own columns, with a condition for its rows."""
        where = self.rows.get(guess.column)
        if where is None:
            return guess
        doubts = tuple(doubt for doubt in guess.doubts if doubt != UNMEASURED)
        return replace(
            guess, column=self.values[guess.column], where={**guess.where, **where}, optional=False, doubts=doubts
        )


def _depends_on_split(column: str, benchmark: Benchmark) -> bool:
    """Whether a column measures what differs by split, such as an accuracy, and its name says no split."""
    name = name_of(column, benchmark)
    if name.splits:
        return False
    metric = metric_of(name, benchmark)
    return "error" in name.words if metric is None else is_of_data(metric)
