"""Which columns of a table name its architectures, of which benchmark, and how."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline import benchmarks
from pipeline.benchmarks.contract import Benchmark
from pipeline.benchmarks.nasbench201 import architectures as nasbench201
from pipeline.errors import UserError
from pipeline.formats.table_form import Cells
from pipeline.ingest.cells import list_of, listed_codes
from pipeline.ingest.table_sample import TableSample

_TRIED = 20  # rows
CODED: Mapping[tuple[str, str], tuple[Sequence[str], Sequence[str]]] = {
    (nasbench201.NAME, "topology"): (nasbench201.EDGES, nasbench201.OPERATIONS)
}
"""Parts and operations of the spaces whose architectures are a list of operations."""

_GRAPH = {"adjacency": r"(module_)?(adjacency|matrix)(_matrix)?", "operations": r"(module_)?(operations|ops)"}
_NAMING = r"@key|arch|net|model|cell|genotype|name|hash|config"
_NUMBERED = r"(index|idx|id|arch_?index|arch_?id|number)"


@dataclass(frozen=True)
class ArchitectureGuess:
    """How a table names its architectures.

    Attributes:
        benchmark, space: of the architectures.
        section: the fields of `[architecture]`.
        columns: those that it is read from.
        doubts: what was guessed and cannot be seen in the table, for comments.
        nested: the columns that it is read from whose text is a list.
    """

    benchmark: Benchmark
    space: str
    section: dict[str, Any]
    columns: tuple[str, ...]
    doubts: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()


def guessed(sample: TableSample, benchmark: str | None) -> ArchitectureGuess | None:
    """How the table names its architectures; None where no way of any benchmark fits."""
    if not sample.rows:
        return None
    if benchmark:
        chosen = [benchmarks.load(benchmark)]
    else:
        chosen = [bench for bench in benchmarks.each(benchmarks.load) if not bench.takes_any_name]
    spaces = [(bench, space.name) for bench in chosen for space in bench.spaces]
    for way in (_object, _written, _graph, _codes, _fields):
        for bench, space in spaces:
            if (guess := next(way(sample, bench, space), None)) is not None:
                return guess
    return next(_index(sample, chosen[0]), None) if benchmark else None


def _object(sample: TableSample, bench: Benchmark, space: str) -> Iterator[ArchitectureGuess]:
    """A column that is an object, of which the sample has the fields."""
    stems = dict.fromkeys(column.rpartition(".")[0] for column in sample.columns)
    named = re.compile(_NAMING if bench.takes_any_name else "")
    for stem in (stem for stem in stems if stem and named.search(stem.lower())):
        within = [column for column in sample.columns if column.startswith(f"{stem}.")]
        objects = [_nested(cells, stem) for _, cells in sample.rows[:_TRIED]]
        if all(objects) and _all(objects, lambda held: bench.canonical(space, held)):
            doubt = f"that this column names the architectures: {bench.name} takes any object"
            doubts = (doubt,) if bench.takes_any_name else ()
            yield ArchitectureGuess(bench, space, {"column": stem, "encoding": "string"}, (stem, *within), doubts)


def _nested(cells: Cells, stem: str) -> dict[str, Any]:
    """The object of which cells named `stem.FIELD` are the fields."""
    held: dict[str, Any] = {}
    for name, cell in cells.items():
        if name.startswith(f"{stem}."):
            *outer, last = name[len(stem) + 1 :].split(".")
            within = held
            for part in outer:
                within = within.setdefault(part, {})
                if not isinstance(within, dict):
                    return {}
            within[last] = cell
    return held


def _written(sample: TableSample, bench: Benchmark, space: str) -> Iterator[ArchitectureGuess]:
    """A column in the benchmark's own notation."""
    columns: Sequence[str] = sample.columns
    doubts: tuple[str, ...] = ()
    written: tuple[type, ...] = (str, list, dict)
    if bench.takes_any_name:
        columns = sorted(columns, key=lambda column: re.search(_NAMING, column.lower()) is None)
        doubts = (f"that this column names the architectures: {bench.name} takes any text for a name",)
        written = (str, list, tuple, int)
    for column in columns:
        cells = sample.values(column)[:_TRIED]
        if all(isinstance(cell, written) and cell not in ("", [], {}) for cell in cells) and _all(
            cells, lambda cell: bench.canonical(space, cell)
        ):
            yield ArchitectureGuess(bench, space, {"column": column, "encoding": "string"}, (column,), doubts)


def _graph(sample: TableSample, bench: Benchmark, space: str) -> Iterator[ArchitectureGuess]:
    """Columns with the matrix and the operations of a cell."""
    fields = {
        part: column
        for part, pattern in _GRAPH.items()
        for column in sample.columns
        if re.fullmatch(pattern, column.lower())
    }
    if len(fields) != len(_GRAPH):
        return
    columns = tuple(fields.values())
    written = [{part: cells[column] for part, column in fields.items()} for _, cells in sample.rows[:_TRIED]]
    read = [{part: list_of(cell, part) for part, cell in row.items()} for row in written if _lists(row.values())]
    for rows, nested in ((written, ()), (read, columns)):
        if len(rows) == len(written) and _all(rows, lambda row: bench.compose(space, row)):
            section = {"encoding": "fields", "fields": fields}
            yield ArchitectureGuess(bench, space, section, columns, nested=nested)


def _lists(cells: Iterable[object]) -> bool:
    """Whether all cells are lists, or their texts."""
    return _all(list(cells), lambda cell: list_of(cell, ""))


def _codes(sample: TableSample, bench: Benchmark, space: str) -> Iterator[ArchitectureGuess]:
    """A column of lists of codes."""
    if (bench.name, space) not in CODED:
        return
    parts, operations = CODED[bench.name, space]
    for column in sample.columns:
        try:
            lists = [listed_codes(cell, column, len(parts)) for cell in sample.values(column)]
        except UserError:
            continue
        distinct = {str(code) for codes in lists for code in codes}
        if len(lists) == 1 and not all(map(str.isdecimal, distinct)) and not distinct <= set(operations):
            continue  # one word is no notation
        if all(len(codes) == len(parts) for codes in lists) and len(distinct) <= len(operations):
            meaning, doubts = _meanings(distinct, operations)
            if meaning is not None:
                section = {"column": column, "encoding": "codes", "positions": list(parts), "codes": meaning}
                yield ArchitectureGuess(bench, space, section, (column,), (_order(parts), *doubts))


def _fields(sample: TableSample, bench: Benchmark, space: str) -> Iterator[ArchitectureGuess]:
    """A column for each part, named after it or numbered."""
    if (bench.name, space) not in CODED:
        return
    parts, operations = CODED[bench.name, space]
    for columns, named in _columns_of(parts, sample.columns):
        distinct = {_plain(cell) for column in columns for cell in sample.values(column)}
        meaning, doubts = _meanings(distinct, operations)
        if len(distinct) > len(operations) or meaning is None:
            continue
        section: dict[str, Any] = {"encoding": "fields", "fields": dict(zip(parts, columns, strict=True))}
        if any(code != operation for code, operation in meaning.items()):
            section["codes"] = meaning
        yield ArchitectureGuess(bench, space, section, tuple(columns), (*(() if named else [_order(parts)]), *doubts))


def _columns_of(parts: Sequence[str], columns: Sequence[str]) -> Iterator[tuple[list[str], bool]]:
    """The columns of the parts, and whether their names say which is which."""
    by_end = {part: [c for c in columns if re.search(rf"(^|\D){re.sub('-', '[^0-9]?', part)}$", c)] for part in parts}
    if all(len(ending) == 1 for ending in by_end.values()):
        yield [ending[0] for ending in by_end.values()], True
    stems: dict[str, list[tuple[int, str]]] = {}
    for column in columns:
        if match := re.fullmatch(r"(.*?\D)?(\d{1,2})", column):
            stems.setdefault(match[1] or "", []).append((int(match[2]), column))
    for numbered in stems.values():
        if len(numbered) == len(parts):
            yield [column for _, column in sorted(numbered)], False


def _index(sample: TableSample, bench: Benchmark) -> Iterator[ArchitectureGuess]:
    """A column with the benchmark's own number; it is looked for only where the benchmark is named."""
    for column in sample.columns:
        cells = sample.values(column)
        named = re.fullmatch(_NUMBERED, column.lower()) or column == "@key"
        if named and all(re.fullmatch(r"\d+", _plain(cell)) for cell in cells):
            doubt = "the numbers are taken for the benchmark's own, whose architectures have to be ingested before"
            space = bench.spaces[0].name
            yield ArchitectureGuess(bench, space, {"column": column, "encoding": "index"}, (column,), (doubt,))


def _meanings(codes: set[str], operations: Sequence[str]) -> tuple[dict[str, str] | None, tuple[str, ...]]:
    """What codes mean: their own names, or operations in the benchmark's order; None where they can be neither."""
    if codes <= set(operations):
        return {name: name for name in operations}, ()
    if all(re.fullmatch(r"\d", code) for code in codes):
        first = 1 if "0" not in codes and str(len(operations)) in codes else 0
        numbered = {str(number): operation for number, operation in enumerate(operations, first)}
        if codes <= set(numbered):
            return numbered, ("which code is which operation: taken in the order in which the benchmark lists them",)
    if len(codes) > 1 and all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,15}", code) for code in codes):
        lettered = dict(zip(sorted(codes), operations, strict=False))
        return lettered, ("which code is which operation: the codes are only taken in alphabetical order",)
    return None, ()


def _order(parts: Sequence[str]) -> str:
    return f"which part each code stands for: the order of the benchmark's notation, {', '.join(parts)}"


def _plain(cell: object) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def _all(values: Sequence[Any], read: Any) -> bool:
    """Whether all values, and at least one, can be read."""
    try:
        for value in values:
            read(value)
    except UserError:
        return False
    return bool(values)
