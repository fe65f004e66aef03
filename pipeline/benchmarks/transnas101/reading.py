"""From the tables of the tasks to rows of the lake."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.benchmarks import units
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.benchmarks.transnas101.architectures import NAME, canonical
from pipeline.benchmarks.transnas101.metrics import EPOCHS, METRICS, columns
from pipeline.errors import NotThisFormError, UserError
from pipeline.formats import numbers, tables
from pipeline.formats.fault import Fault

_UNITS = {(m.dataset, m.metric): m.unit for m in METRICS}


def read(path: Path, curves: bool) -> Iterator[SourceRows]:
    """The published form: a table of each task, known by its name; a row that cannot be taken is a reject.

    Args:
        path: a table, or the folder of several.
        curves: of no effect, since the tables hold the best epoch alone.

    Raises:
        NotThisFormError: there is no table of a task.
    """
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    named = {task: file for file in files if (task := _task(file)) is not None}
    if not named:
        raise NotThisFormError(f"{path} is no table of a task: {', '.join(f'{task}.csv' for task in EPOCHS)}")
    return _batches(named)


def _task(file: Path) -> str | None:
    """The task that a file is named after."""
    return next((task for task in EPOCHS if file.is_file() and file.name.lower().endswith(f"{task}.csv")), None)


def _batches(named: Mapping[str, Path]) -> Iterator[SourceRows]:
    for task, file in named.items():
        batch, seen = SourceRows(NAME), dict[str, str]()
        wanted = columns(task)
        for number, (position, cells) in enumerate(tables.rows(file, "csv")):
            if not number and not isinstance(cells, Fault) and (lacking := {"architecture", *wanted} - cells.keys()):
                raise NotThisFormError(f"{file} has no column '{min(lacking)}', which the table of {task} has")
            with batch.record(f"{file.name} {position}", str(cells)[:200]):
                _take(batch, task, wanted, cells, seen, position)
        yield batch


def _take(
    batch: SourceRows, task: str, wanted: Mapping[str, str], cells: tables.Cells | Fault, seen: dict[str, str], at: str
) -> None:
    if isinstance(cells, Fault):
        raise UserError(str(cells))
    text = cells["architecture"]
    space = "macro" if isinstance(text, str) and text.strip().endswith("-basic") else "micro"
    spec = canonical(space, text)
    values = {metric: _value(cells[column], column, _UNITS[task, metric]) for column, metric in wanted.items()}
    number = cells.get("file_id")
    arch_id = batch.add_architecture(space, spec, number if isinstance(number, str) and number.isdecimal() else None)
    if (before := seen.setdefault(arch_id, at)) != at:
        raise UserError(f"the same architecture as in {before}")
    for metric, value in values.items():
        batch.add_measurement(space, arch_id, task, metric, value, epochs=EPOCHS[task], seed=None, epoch=None)


def _value(cell: object, column: str, unit: str) -> float:
    """The number in a cell.

    Raises:
        UserError: it is none, or none of its unit.
    """
    number = numbers.real(cell, f"column '{column}'")
    if not math.isnan(number) and units.outside(unit, number):
        raise UserError(f"column '{column}' holds {number:g}, which is no {unit}")
    return number
