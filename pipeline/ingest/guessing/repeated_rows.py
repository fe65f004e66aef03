"""Whether several rows of a table are of one architecture, and which columns tell these rows apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.formats.table_form import Cells
from pipeline.ingest.cells import is_decimal
from pipeline.ingest.guessing.guesses import ScoreGuess, TruthGuess, ValueGuesses
from pipeline.ingest.guessing.table_sample import TableSample

_TIMES_EACH = 4  # that a decimal which is a setting occurs, such as a learning rate
_MOST_DECIMALS = 20  # that are settings: the accuracies of a small test set are more


@dataclass(frozen=True)
class RepeatedRows:
    """Whether there are `any` such rows, and the columns `telling` them apart."""

    any: bool
    telling: tuple[str, ...] = ()


def of(sample: TableSample, named: Sequence[str], values: ValueGuesses) -> RepeatedRows:
    """Find the repeated rows of a sample, whose architectures are in the columns `named`."""
    guesses: list[TruthGuess | ScoreGuess] = [*values.truths, *values.scores]
    told = {column for guess in guesses for column in guess.where}
    counted = told | {truth.seed_column for truth in values.truths if truth.seed_column is not None}
    groups: dict[tuple[str, ...], list[Cells]] = defaultdict(list)
    for _, cells in sample.rows:
        groups[tuple(str(cells.get(column)) for column in (*named, *sorted(counted)))].append(cells)
    repeated = [rows for rows in groups.values() if len(rows) > 1 and _any_counts(rows[0], values)]
    if not repeated:
        return RepeatedRows(any=False)
    measured = {guess.column for guess in guesses} | {score.seconds for score in values.scores}
    others = [column for column in sample.columns if column not in {*named, *counted, *measured}]
    telling = (column for column in others if _tells(sample, repeated, column))
    return RepeatedRows(True, tuple(telling))


def _any_counts(cells: Cells, values: ValueGuesses) -> bool:
    """Whether any value is read from a row."""
    wheres = [*(truth.where for truth in values.truths), *(score.where for score in values.scores)]
    return any(all(str(cells.get(name)).strip() == str(held) for name, held in where.items()) for where in wheres)


def _tells(sample: TableSample, repeated: Sequence[Sequence[Cells]], column: str) -> bool:
    """Whether a column holds a setting that differs between rows of one architecture: a name, a whole number, or one of
    a few decimals. A column that differs in all rows numbers them; one of many decimals or of lists is measured.
    """
    if not any(len({str(cells.get(column)) for cells in rows}) > 1 for rows in repeated):
        return False
    cells = [str(cell) for cell in sample.values(column)]
    distinct = set(cells)
    if any(cell[:1] in ("[", "(", "{") for cell in distinct):
        return False
    if any(map(is_decimal, distinct)):
        return len(distinct) <= _MOST_DECIMALS and len(distinct) * _TIMES_EACH < len(cells)
    return len(distinct) < len(cells)
