"""The tables that a foreign file, or a folder of files, may hold."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from pipeline.errors import NotThisFormError, UserError
from pipeline.formats import json_objects, tables
from pipeline.formats.table_form import ANY, FILE, FOLDER, KEY, VALUE, TableForm
from pipeline.ingest.guessing import table_sample
from pipeline.ingest.guessing.table_sample import MOST_ROWS, TableSample
from pipeline.provenance import content_files

_LOOKED_AT = 20  # cells of a column
_MOST_FILES = 20  # of a folder that are looked into
_MOST_FORMS = 6  # of its first file that are tried
_SEED = re.compile(r".*seed[_= -]?(?P<seed>[0-9]{1,9})(?:[^0-9].*)?", re.IGNORECASE | re.DOTALL)
SEED_PATTERN = "(?i).*seed[_= -]?(?P<seed>[0-9]{1,9})([^0-9].*)?"
"""What takes the seed out of the name of a file, in an `[[extract]]`."""


def samples(path: Path) -> Iterator[TableSample]:
    """The tables that it may hold, the likeliest first. In a folder each file holds some of the rows, or is one row.

    Raises:
        UserError: as in `table_sample.samples`; no file of the folder can be read.
    """
    for sample in _of_folder(path) if path.is_dir() else table_sample.samples(path):
        yield sample
        with contextlib.suppress(UserError):
            yield from _unfolded(sample)


def _of_folder(folder: Path) -> Iterator[TableSample]:
    files = content_files(folder)
    if not files:
        raise NotThisFormError(f"{folder} is a folder without files")
    endings = Counter("".join(path.suffixes[-2:] if path.suffix in _PACKED else path.suffixes[-1:]) for path in files)
    [(ending, count)] = endings.most_common(1)
    members = "*" if count == len(files) else f"*{ending}" if ending else "*"
    chosen = [path for path in files if path.name.endswith(ending)]
    some = chosen[:: max(1, len(chosen) // _MOST_FILES)][:_MOST_FILES]
    forms = [sample.form for sample in islice(table_sample.samples(some[0]), _MOST_FORMS)]
    if forms[0].kind in ("json", "pickle", "torch"):
        forms.insert(0, TableForm(forms[0].kind, layout="row"))
    for form in forms:
        with contextlib.suppress(UserError):
            yield _of_files(folder, some, replace(form, members=members))


_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")


def _of_files(folder: Path, files: Sequence[Path], form: TableForm) -> TableSample:
    """The first rows of some files, with cells for the names of file and folder, and for a seed within these names."""
    rows = []
    for path in files:
        name = path.relative_to(folder)
        place = {FILE: path.stem, FOLDER: "" if name.parent == Path() else name.parent.as_posix()}
        first = table_sample.first_rows(path, form).rows[: MOST_ROWS // len(files)]
        rows += [(f"{name.as_posix()} {position}", {**place, **cells}) for position, cells in first]
    for column in (FILE, FOLDER) if "seed" not in rows[0][1] else ():
        named = {str(cells[column]) for _, cells in rows}
        seeds = {name: match["seed"] for name in named if (match := _SEED.fullmatch(name))}
        if len(seeds) == len(named) and len(set(seeds.values())) > 1:
            rows = [(at, {**cells, "seed": seeds[str(cells[column])]}) for at, cells in rows]
            return TableSample(form, rows, folder, seed_of=column)
    return TableSample(form, rows, folder)


def _unfolded(sample: TableSample) -> Iterator[TableSample]:
    """The same table with columns for the fields of texts that are JSON, or with a row for each record of a list."""
    if sample.path.is_dir():
        return
    texts = tuple(column for column in sample.columns if _all(sample, column, _is_json) and column not in (KEY, VALUE))
    unfolded = replace(sample.form, nested=texts)
    records = [column for column in sample.columns if _all(sample, column, _are_records)]
    whole = not sample.form.root and (len(sample.rows) > 1 or tables.streamed(sample.form.kind))
    lists = [replace(sample.form, root=(ANY, column)) for column in records] if whole else []
    for form in (*([unfolded] if texts else []), *lists):
        inner = table_sample.first_rows(sample.path, form)
        if inner.rows:
            yield inner


def _all(sample: TableSample, column: str, holds: Callable[[object], bool]) -> bool:
    """Whether `holds` is true for the first cells of a column, apart from empty ones, and there are some."""
    kinds = (str, list, tuple, type(None))
    cells = [cell for cell in sample.values(column)[:_LOOKED_AT] if not isinstance(cell, kinds) or cell]
    return bool(cells) and all(map(holds, cells))


def _is_json(cell: object) -> bool:
    if not isinstance(cell, str) or not cell.lstrip().startswith("{"):
        return False
    try:
        return isinstance(json_objects.loads(cell), dict)
    except (ValueError, RecursionError):
        return False


def _are_records(cell: object) -> bool:
    return isinstance(cell, list | tuple) and all(isinstance(member, dict) for member in cell)
