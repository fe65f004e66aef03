"""Tables with a row for each metric or proxy of an architecture, its name in one column and its value in another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pipeline.formats.table_form import Cells
from pipeline.ingest.guessing.guesses import Guess
from pipeline.ingest.guessing.table_sample import TableSample

_MEASURE = r"(.*[./:_])?(metric|measure|measurement|variable|quantity|proxy)(_?name)?"
_SPLIT = r"(.*[./:_])?(split|subset|phase|partition)"
_VALUE = r"(.*[./:_])?(value|score|result)"
_MOST = 50  # metrics of a table
UNMEASURED = "that rows without the column were not measured"


@dataclass(frozen=True)
class LongTable:
    """A sample with a column for each metric: "accuracy", or "test accuracy" if the table has a column of splits.

    Args:
        sample: this sample; the table's own if that has a column for each metric already.
        value: the table's column with the values.
        rows: made column -> the cells of the table's rows that it is made of.
    """

    sample: TableSample
    value: str = ""
    rows: Mapping[str, Mapping[str, str | int]] = field(default_factory=dict)

    @classmethod
    def of(cls, sample: TableSample) -> LongTable:
        """Rearrange a sample, if it is such a long table."""
        found = [[c for c in sample.columns if re.fullmatch(p, c.lower())] for p in (_MEASURE, _VALUE, _SPLIT)]
        (measures, values, splits) = found
        named = [cells.get(c) for _, cells in sample.rows for c in (*measures, *splits)]
        if len(measures) != 1 or len(values) != 1 or not all(isinstance(cell, str) for cell in named):
            return cls(sample)
        told = [*splits[:1], *measures]
        rows: list[tuple[str, Cells]] = []
        columns: dict[str, Mapping[str, str | int]] = {}
        for at, cells in sample.rows:
            where = {column: str(cells[column]).strip() for column in told}
            name = " ".join(where.values())
            columns[name] = where
            rest = {column: cell for column, cell in cells.items() if column not in (*told, *values)}
            rows.append((at, {**rest, name: cells.get(values[0])}))
        if len(columns) > _MOST or not columns.keys().isdisjoint(sample.columns):
            return cls(sample)
        return cls(replace(sample, rows=rows), values[0], columns)

    def as_written(self, guess: Guess) -> Guess:
        """The guess for a made column as one for the table's own columns, with a condition for its rows."""
        where = self.rows.get(guess.column)
        if where is None:
            return guess
        doubts = tuple(doubt for doubt in guess.doubts if doubt != UNMEASURED)
        return replace(guess, column=self.value, where={**guess.where, **where}, optional=False, doubts=doubts)
