"""Which columns of a table name its architectures, of which benchmark, and how."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

from pipeline import benchmarks
from pipeline.benchmarks.contract import Benchmark
from pipeline.benchmarks.nasbench201 import architectures as nasbench201
from pipeline.benchmarks.notation import spec_of
from pipeline.benchmarks.transnas101 import architectures as transnas101
from pipeline.errors import UserError
from pipeline.formats.table_form import FOLDER, KEY, LEVEL, VALUE, Cells
from pipeline.ingest import mapping as table_mapping
from pipeline.ingest.cells import is_decimal, list_of, listed_codes
from pipeline.ingest.guessing.column_words import MEASURES, dataset_of, is_dataset, name_of
from pipeline.ingest.guessing.metrics import metric_of
from pipeline.ingest.guessing.table_sample import TableSample

_TRIED = 20  # rows
_MOST_NAMES = 50  # keys in which names of data sets are looked for
_MOST_CHOICES = 20  # of a part of an architecture
CODED: Mapping[tuple[str, str], tuple[Sequence[str], Sequence[str]]] = {
    (nasbench201.NAME, "topology"): (nasbench201.EDGES, nasbench201.OPERATIONS),
    (transnas101.NAME, "micro"): (transnas101.EDGES, transnas101.OPERATIONS),
}
"""Benchmark and space -> parts and operations, where an architecture is a list of operations that may be coded."""

_GRAPH = {"adjacency": r"(module_)?(adjacency|matrix)(_matrix)?", "operations": r"(module_)?(operations|ops)"}
_NAMING = r"@key|arch|net|model|cell|genotype|name|hash|config"
_COUNTED = r"index|idx|(^|_)id$"  # what may number the architectures of a table
_APART = 0.9  # share of the rows that a name without a word for it tells apart
_OF_RUNS = r"^@|(^|[^a-z])(seed|epochs?|run|trial|state|status|date|time|timestamp|user)([^a-z]|$)|^(unnamed.*)?$"
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


def guess_architecture(sample: TableSample, benchmark: str | None) -> ArchitectureGuess | None:
    """How the table names its architectures; None where no way of any benchmark fits."""
    if not sample.rows:
        return None
    if benchmark:
        chosen = [benchmarks.load(benchmark)]
    else:
        chosen = [bench for bench in benchmarks.each(benchmarks.load) if not bench.takes_any_name]
        chosen.sort(key=lambda bench: -_named_datasets(sample, bench))
    spaces = [(bench, space.name) for bench in chosen for space in bench.spaces]
    for way in (_object, _written, _graph, _codes, _fields):
        for bench, space in spaces:
            if (guess := next(way(sample, bench, space), None)) is not None:
                return guess
    for bench in chosen:
        if (guess := next(_parts(sample, bench), None)) is not None:
            return guess
    return next(_index(sample, chosen[0]), None) if benchmark else None


def _named_datasets(sample: TableSample, bench: Benchmark) -> int:
    """How many of a benchmark's data sets are named by the keys, columns or cells of a table."""
    levels = [column for column in sample.columns if re.fullmatch(rf"{LEVEL}\d+|{FOLDER}", column)]
    cells = {str(cell) for column in levels for cell in sample.values(column)}
    names = [*sample.columns, *sorted(cells)[:_MOST_NAMES], *sample.form.root]
    return len({dataset_of(name, bench) for name in names} - {None})


def _object(sample: TableSample, bench: Benchmark, space: str) -> Iterator[ArchitectureGuess]:
    """A column that holds an object; the sample has its fields as columns STEM.FIELD."""
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
    """The object whose fields are the cells STEM.FIELD; empty if two of them contradict each other."""
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
        columns = _that_may_name(sample, bench)
        doubts = (f"that this column names the architectures: {bench.name} takes any text for a name",)
        written = (str, list, tuple, int)
    for column in columns:
        cells = sample.values(column)[:_TRIED]
        if all(isinstance(cell, written) and cell not in ("", [], {}) for cell in cells) and _all(
            cells, lambda cell: spec_of(bench, space, cell)
        ):
            yield ArchitectureGuess(bench, space, {"column": column, "encoding": "string"}, (column,), doubts)
        elif bench.takes_any_name and _all(cells, lambda cell: bench.compose(space, {"text": cell})):
            section = {"encoding": "fields", "fields": {"text": column}}  # a text that is too long for a name
            yield ArchitectureGuess(bench, space, section, (column,), doubts)


def _that_may_name(sample: TableSample, bench: Benchmark) -> list[str]:
    """The columns that may name architectures, the likeliest first: those whose name says so, then those that number
    them, then those that differ in nearly all rows. A column of data sets is left out.
    """
    ranks: dict[str, int] = {}
    lists = [column for column in sample.columns if _are_lists(sample.values(column))]
    for column in sample.columns:
        cells = [str(cell) for cell in sample.values(column)]
        if all(is_dataset(cell, bench) for cell in cells[:_TRIED]) or (column == KEY and _is_record(sample)):
            continue
        if re.search(_NAMING, column.lower()):
            ranks[column] = 1 if column == KEY and all(map(str.isdecimal, cells)) else 0
        elif re.search(_COUNTED, column.lower()) and not re.search(_OF_RUNS, column.lower()):
            ranks[column] = 2
        elif len(lists) > 1 and column in lists:
            continue  # parts of an architecture
        elif len(set(cells)) >= _APART * len(sample.rows) and not any(map(is_decimal, cells)):
            ranks[column] = 4 if re.search(_OF_RUNS, column.lower()) else 3
    return sorted(ranks, key=ranks.__getitem__)


def _is_record(sample: TableSample) -> bool:
    """Whether the entries of a mapping are fields of one record: they are of different kinds, lists and numbers."""
    kinds = Counter(
        "object" if VALUE not in cells else "list" if isinstance(cells[VALUE], list | tuple) else "number or text"
        for _, cells in sample.rows
        if cells.get(VALUE, "") is not None
    )
    return bool(kinds) and max(kinds.values()) < _APART * kinds.total()


def _parts(sample: TableSample, bench: Benchmark) -> Iterator[ArchitectureGuess]:
    """Several columns that together describe an architecture, if the benchmark composes one of them."""
    every = tuple(column for column in sample.columns if _is_part(sample, column, bench))
    lists = tuple(column for column in every if _are_lists(sample.values(column)))
    for space, columns in product((space.name for space in bench.spaces), dict.fromkeys((every, lists))):
        described = {tuple(str(cells.get(column)) for column in columns) for _, cells in sample.rows}
        if len(described) > 1 and _all(
            [{column: cells.get(column) for column in columns} for _, cells in sample.rows[:_TRIED]],
            partial(bench.compose, space),
        ):
            section = {"encoding": "fields", "fields": {column: column for column in columns}}
            doubt = "that these columns together are the architecture: leave out those that are not"
            yield ArchitectureGuess(bench, space, section, columns, (doubt,))


def _are_lists(cells: Sequence[object]) -> bool:
    """Whether all cells are lists, or texts of them."""
    return all(isinstance(cell, list | tuple) or str(cell).startswith(("[", "(")) for cell in cells)


def _is_part(sample: TableSample, column: str, bench: Benchmark) -> bool:
    """Whether a column may state a choice of the search space: a few names or whole numbers, or lists of them."""
    name = name_of(column, bench)
    if re.search(_OF_RUNS, column.lower()) or metric_of(name, bench) or name.words & MEASURES:
        return False
    cells = sample.values(column)
    if len(cells) < len(sample.rows) or any(cell in (None, "") for cell in cells):
        return False
    if _are_lists(cells):
        return True
    distinct = {str(cell) for cell in cells}
    few = len(distinct) <= _MOST_CHOICES and len(distinct) < len(cells)
    return few or (len(distinct) <= len(cells) // 20 and not any(map(is_decimal, distinct)))


def _graph(sample: TableSample, bench: Benchmark, space: str) -> Iterator[ArchitectureGuess]:
    """Two columns, with the adjacency matrix and the operations of a cell."""
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
    are_lists = [row for row in written if _all([*row.values()], lambda cell: list_of(cell, ""))]
    read = [{part: list_of(cell, part) for part, cell in row.items()} for row in are_lists]
    for rows, nested in ((written, ()), (read, columns)):
        if len(rows) == len(written) and _all(rows, lambda row: bench.compose(space, row)):
            section = {"encoding": "fields", "fields": fields}
            yield ArchitectureGuess(bench, space, section, columns, nested=nested)


def _codes(sample: TableSample, bench: Benchmark, space: str) -> Iterator[ArchitectureGuess]:
    """A column with a list of codes, one for each part of an architecture."""
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
                yield ArchitectureGuess(
                    bench, space, section, (column,), (_order(parts), *doubts, *_others(bench, parts, meaning))
                )


def _fields(sample: TableSample, bench: Benchmark, space: str) -> Iterator[ArchitectureGuess]:
    """A column for each part of an architecture, named after the part or numbered."""
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
    """A column with the benchmark's own number of an architecture; only tried where the user names the benchmark."""
    for column in sample.columns:
        cells = sample.values(column)
        named = re.fullmatch(_NUMBERED, column.lower()) or column == "@key"
        if named and all(re.fullmatch(r"\d+", _plain(cell)) for cell in cells):
            doubt = (
                "the numbers are taken for the benchmark's own, whose architectures have to be ingested before; if "
                "another file says what they mean, [[join]] it"
            )
            space = bench.spaces[0].name
            yield ArchitectureGuess(bench, space, {"column": column, "encoding": "index"}, (column,), (doubt,))


def _meanings(codes: set[str], operations: Sequence[str]) -> tuple[dict[str, str] | None, tuple[str, ...]]:
    """Code -> operation, and what is doubtful of it: operations by name, or in the benchmark's order; else None."""
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


def _others(bench: Benchmark, parts: Sequence[str], meaning: Mapping[str, str]) -> Iterator[str]:
    """A doubt for each shipped table mapping that writes such codes in another order, or with other meanings."""
    seen = {", ".join(parts), _listed(meaning)}
    for mapping in table_mapping.shipped(bench.name):
        notation = mapping.architecture
        if notation.encoding == "codes" and notation.codes.keys() & meaning.keys():
            for what, way in (("order", ", ".join(notation.positions)), ("codes", _listed(notation.codes))):
                if way not in seen:
                    seen.add(way)
                    yield f"{what} unlike {mapping.name}: {way}"


def _listed(meaning: Mapping[str, str]) -> str:
    return ", ".join(f"{code} {meaning[code]}" for code in sorted(meaning))


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
