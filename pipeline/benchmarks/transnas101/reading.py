"""Read the published forms of TransNAS-Bench-101: a table for each task, or the archive of every epoch."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.benchmarks.contract import Metric
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.benchmarks.transnas101 import archive
from pipeline.benchmarks.transnas101.architectures import NAME, canonical
from pipeline.benchmarks.transnas101.metrics import EPOCHS, METRICS, checked, columns
from pipeline.errors import NotThisFormError, UserError, excerpt
from pipeline.formats import numbers, signatures, tables
from pipeline.formats.table_form import Cells, TableForm, Unreadable

_OTHER_NAMES = {"val": "valid", "validation": "valid"}  # of a split, as the benchmark's own logs have it
_NEITHER = "is neither the table of a task nor the archive of TransNAS-Bench-101"


def read(path: Path, curves: bool) -> Iterator[SourceRows]:
    """The published forms: a table of each task, known by its name, or the archive, which alone has every epoch.

    What cannot be taken is a reject. A folder holds several tables, or the archive.
    """
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    named = _by_task(files)
    archives = [file for file in files if file.is_file() and _is_archive(file)]
    if len(archives) > 1 or (archives and named):
        both = [archives[0].name, *[file.name for file in (*archives[1:], *named.values())]]
        raise NotThisFormError(f"{path} holds {' and '.join(both[:2])}, which are of the same trainings: name one")
    if archives:
        return archive.read(archives[0], curves)
    if not named:
        raise NotThisFormError(f"{path} {_NEITHER}: a table is called {', '.join(f'{task}.csv' for task in EPOCHS)}")
    return _batches(named)


def _is_archive(file: Path) -> bool:
    form = signatures.identify(file)
    return form is not None and form.content == signatures.CHECKPOINT.name


def _by_task(files: list[Path]) -> dict[str, Path]:
    named: dict[str, Path] = {}
    for file in files:
        task = _task(file)
        if task is not None and named.setdefault(task, file) != file:
            raise NotThisFormError(f"{named[task].name} and {file.name} are both tables of {task}: name one of them")
    return named


def _task(file: Path) -> str | None:
    """The task that a file is named after: class_scene.csv, transbench101_class_scene.csv."""
    name = re.fullmatch(rf"(?:.*[^a-z])?({'|'.join(EPOCHS)})\.csv(?:\.gz)?", file.name.lower())
    return name[1] if name and file.is_file() else None


def _batches(named: Mapping[str, Path]) -> Iterator[SourceRows]:
    for task, file in named.items():
        batch, seen, held = SourceRows(NAME), dict[str, str](), dict[str, str]()
        for position, cells in tables.rows(file, TableForm("csv")):
            if not held and not isinstance(cells, Unreadable):
                held = _held(file, task, cells)
            with batch.record(f"{file.name} {position}", str(cells)[:200]):
                _take(batch, task, held, cells, seen, position)
        if not seen and not batch.rejects["reason"]:
            raise NotThisFormError(f"{file} holds no row")
        yield batch


def _held(file: Path, task: str, cells: Cells) -> dict[str, str]:
    """The columns of the table that hold metrics of its task, with what they hold; others are left."""
    wanted, held = columns(task), dict[str, str]()
    lower = {column.lower(): metric for column, metric in wanted.items()}
    elsewhere = {column.lower(): other for other in EPOCHS for column in columns(other) if column not in wanted}
    for column in cells:
        split, underscore, kind = column.strip().lower().partition("_")
        plain = f"{_OTHER_NAMES.get(split, split)}{underscore}{kind}"
        if plain in lower:
            if lower[plain] in held.values():
                raise NotThisFormError(f"{file} has two columns for {plain}, one of them {excerpt(column)}")
            held[column] = lower[plain]
        elif plain in elsewhere:
            lacking = min(set(wanted) - set(cells), default="architecture")
            raise NotThisFormError(
                f"{file} has a column {excerpt(column)}, which the table of {elsewhere[plain]} has, and no column "
                f"'{lacking}': is it the table of {task}?"
            )
    if "architecture" not in cells:
        raise NotThisFormError(f"{file} has no column 'architecture': put the architectures' names beside their rows")
    figures = [c for c, metric in wanted.items() if c.startswith(("valid", "test")) and _tells(METRICS[task, metric])]
    if not any(wanted[column] in held.values() for column in figures):
        raise NotThisFormError(f"{file} has none of the figures of {task}: {', '.join(figures)}")
    return held


def _tells(metric: Metric) -> bool:
    """Whether a table is worth reading for it: cross-entropies are those of early epochs."""
    return metric.unit != "nats"


def _take(
    batch: SourceRows, task: str, held: Mapping[str, str], cells: Cells | Unreadable, seen: dict[str, str], at: str
) -> None:
    if isinstance(cells, Unreadable):
        raise UserError(str(cells))
    text = cells["architecture"]
    space = "macro" if isinstance(text, str) and text.strip().endswith("-basic") else "micro"
    spec = canonical(space, text)
    values = {metric: _value(cells[column], column, task, metric) for column, metric in held.items()}
    number = cells.get("file_id")
    arch_id = batch.add_architecture(space, spec, number if isinstance(number, str) and number.isdecimal() else None)
    if (before := seen.setdefault(arch_id, at)) != at:
        raise UserError(f"the same architecture as in {before}")
    for metric, value in values.items():
        batch.add_truth(space, arch_id, task, metric, value, epochs=EPOCHS[task])


def _value(cell: object, column: str, task: str, metric: str) -> float:
    """The number in a cell, NaN where the cell is empty."""
    if isinstance(cell, str) and not cell.strip():
        return math.nan
    return checked(numbers.real(cell, f"column '{column}'"), f"column '{column}' holds", METRICS[task, metric])
