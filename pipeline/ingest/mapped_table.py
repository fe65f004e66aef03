"""Read a table by its mapping: rows become architectures, measured values, released scores and rejects."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from pathlib import Path

from pipeline.benchmarks.contract import Benchmark, Spec, arch_id_of
from pipeline.benchmarks.notation import require_stable, spec_of
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import UserError, column_named, excerpt, unknown
from pipeline.formats.table_form import DELIMITERS, Cells, Unreadable
from pipeline.ingest.cells import has, listed_codes, plain_text
from pipeline.ingest.mapped_columns import (
    MappedTruth,
    Measured,
    NumberNotation,
    RowFilter,
    Scores,
    Truths,
    left_out,
    mapped_truth,
    means,
    score_of,
)
from pipeline.ingest.mapping import TableMapping, columns_of, with_metrics
from pipeline.ingest.mapping_sections import ArchitectureColumns
from pipeline.wording import count_of

_BATCH_ROWS = 20_000
_LOOKED_AT = 20  # architectures whose specs are read again


def read(
    mapping: TableMapping, benchmark: Benchmark, path: Path, known: Mapping[str, str], *, curves: bool = False
) -> Iterator[SourceRows]:
    """The rows of a table, by its mapping; a row that breaks a rule is a reject.

    Args:
        known: native id -> arch_id of the architectures at hand, for a table that names them by number; empty where
            the id is that of several.
        curves: also the values of every epoch, where a cell is a list of them.

    Raises:
        NotThisFormError: the file is not of the mapping's container.
        UserError: a column, dataset or metric does not exist, or a whole column is in another unit.
    """
    return _TableReader(mapping, benchmark, path, known, curves).batches()


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


@dataclass
class _TableReader:
    mapping: TableMapping
    benchmark: Benchmark
    path: Path
    known: Mapping[str, str]
    curves: bool = False
    columns: list[MappedTruth] = field(init=False)
    seen: dict[object, tuple[str, object]] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)
    repeats: dict[str, list[tuple[Truths, Scores]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.benchmark = with_metrics(self.benchmark, self.mapping.metric)
        self.space = self.benchmark.space(self.mapping.space).name
        self.wanted, self.naming = self.mapping.columns, self.mapping.naming
        self.unseen_parts = set(self.mapping.architecture.fields.values())
        self.notation = NumberNotation.of(self.mapping)
        self.columns = _columns(self.mapping, self.benchmark, self.notation)
        self.score_rows = [RowFilter.of(score) for score in self.mapping.score]
        names = [
            *((truth.dataset, truth.metric, truth.epochs, truth.each == "epoch") for truth in self.mapping.truth),
            *((score.proxy,) for score in self.mapping.score),
        ]
        numbers = {name: number for number, name in enumerate(names)}
        self.stored_as = [numbers[name] for name in names]  # one number for columns that differ in `where` alone
        self.of_lengths = {(t.dataset, t.metric) for t in self.mapping.truth if t.each == "epoch" and t.epochs is None}
        self.of_lengths &= {(t.dataset, t.metric) for t in self.mapping.truth if t.epochs is not None}
        self.apart = (
            bool(self.of_lengths)
            or any(entry.where or entry.optional for entry in self.mapping.entries)
            or any(truth.seed_column is not None for truth in self.mapping.truth)
        )  # rows of one architecture may hold different values of it
        self.decode = decoder(self.mapping.architecture, self.benchmark, self.space)
        self.check = self.mapping.check and decoder(self.mapping.check, self.benchmark, self.space)

    def batches(self) -> Iterator[SourceRows]:
        table_rows = self.mapping.rows(self.path)
        batch, first = self._batch(), True
        for number, (position, cells) in enumerate(table_rows, 1):
            if first and not isinstance(cells, Unreadable):
                self._has_columns(cells)
                first = False
            with batch.record(position, partial(_excerpt, cells)):
                self.take(batch, position, cells)
            if number % _BATCH_ROWS == 0:
                yield batch
                batch = self._batch()
        batch.warnings += filter(None, (*(column.warning for column in self.columns), self._put_means(batch)))
        yield batch
        for fault in filter(None, (column.fault for column in self.columns)):
            raise UserError(f"{self.path}: {fault}: is it a fraction? (table mapping {self.mapping.name})")
        self._all_columns_taken()

    def _put_means(self, batch: SourceRows) -> str | None:
        """Add the means of rows that measure one architecture; a warning where values are in none of them."""
        count = 0
        for arch_id, rows in self.repeats.items():
            position = self.first[arch_id]
            with batch.record(position, str):
                measured = means(rows)
                count += left_out(rows, measured)
                self._put(batch, arch_id, *self._new(arch_id, position, *measured))
        if not count:
            return None
        counted = count_of(count, "value that is missing or failed is", "values that are missing or failed are")
        return f'{counted} in no mean (repeated = "mean" in the mapping)'

    def _batch(self) -> SourceRows:
        return SourceRows(self.benchmark.name, position_of=self.first.get)

    def _has_columns(self, cells: Cells) -> None:
        absent = sorted(self._absent(cells))
        header = next(iter(cells), "")
        if absent and len(cells) == 1 and (mark := self._another_delimiter(header)):
            raise UserError(
                f"{self.path} has one column, {excerpt(header)}: is it delimited by {mark!r}? (delimiter of "
                f"[container], table mapping {self.mapping.name})"
            )
        if lacking := [unknown(f"column of {self.path}", name, cells) for name in absent]:
            raise UserError(f"{'; '.join(map(str, lacking))} (table mapping {self.mapping.name})")

    def _another_delimiter(self, header: str) -> str | None:
        """What seems to part the columns of a CSV whose header was read as the name of one."""
        container = self.mapping.container
        if container.kind != "csv":
            return None
        return next((mark for mark in DELIMITERS if mark in header and mark != container.delimiter), None)

    def take(self, batch: SourceRows, position: str, cells: Cells | Unreadable) -> None:
        if isinstance(cells, Unreadable):
            raise UserError(str(cells))
        if self.wanted - cells.keys() and (absent := self._absent(cells)):
            raise UserError(f"no '{min(absent)}' in this row")
        if self.unseen_parts:
            self.unseen_parts -= cells.keys()
        truths: Truths = [column.values(cells) for column in self.columns]
        scores: Scores = [
            score_of(score, cells, self.notation) if taken.plain or taken.takes(cells) else None
            for score, taken in zip(self.mapping.score, self.score_rows, strict=True)
        ]
        arch_id = self._architecture(batch, cells)
        self.first.setdefault(arch_id, position)
        if self.mapping.repeated:
            self.repeats.setdefault(arch_id, []).append((truths, scores))
            return
        if self.apart:
            truths, scores = self._new(arch_id, position, truths, scores)
        else:
            # without tuples within: of as many as there are values, looking for garbage takes longer than reading
            flat = (*itertools.chain.from_iterable(itertools.chain.from_iterable(truths)), *scores)
            if not self._is_new(arch_id, position, flat):
                return
        self._put(batch, arch_id, truths, scores)

    def _is_new(self, key: object, position: str, values: object) -> bool:
        """Whether no row before had the values; UserError where one had others."""
        before, other = self.seen.setdefault(key, (position, values))
        _require_same(other, values, before)
        return before == position

    def _new(self, arch_id: str, position: str, truths: Truths, scores: Scores) -> tuple[Truths, Scores]:
        """The values that no earlier row had of the same column and seed; errors as in `_is_new`."""
        new = dict[object, tuple[str, object]]()
        taken = list[list[Measured]]()
        for column, name, values in zip(self.columns, self.stored_as, truths, strict=False):
            taken.append([])
            for seed, group in itertools.groupby(values, itemgetter(0)):
                of_seed = tuple(group)
                if self._is_first(new, (arch_id, name, seed), position, of_seed):
                    is_stored = self._has_last(new, arch_id, position, column, of_seed)
                    taken[-1] += of_seed[1:] if is_stored else of_seed
        names = self.stored_as[len(truths) :]
        taken_scores = [
            score if score and self._is_first(new, (arch_id, name), position, score) else None
            for name, score in zip(names, scores, strict=True)
        ]
        self.seen |= new  # only now: of a row that is refused nothing is stored
        return taken, taken_scores

    def _has_last(
        self,
        new: dict[object, tuple[str, object]],
        arch_id: str,
        position: str,
        column: MappedTruth,
        values: Sequence[Measured],
    ) -> bool:
        """Whether a column with other epochs gave the last value: only a list's length says after how many it is."""
        dataset, metric = column.truth.dataset, column.truth.metric
        if (dataset, metric) not in self.of_lengths:
            return False
        epochs, (seed, _, value) = column.epochs_of(values), values[0]
        key = (arch_id, dataset, metric, epochs, seed)
        if (stored := self.seen.get(key) or new.get(key)) is None:
            new[key] = position, value
            return False
        before, other = stored
        if other != value:
            raise UserError(
                f"{column_named(column.truth.column)} has {value} for {dataset} {metric} after {epochs} epochs, where "
                f"{before} has {other}, too: correct `epochs`, or leave one of the columns out"
            )
        return True

    def _is_first(self, new: dict[object, tuple[str, object]], key: object, position: str, values: object) -> bool:
        before, other = self.seen.get(key) or new.get(key) or (position, values)
        _require_same(other, values, before)
        first = key not in self.seen and key not in new
        if first:
            new[key] = (position, values)
        return first

    def _absent(self, cells: Cells) -> set[str]:
        """The columns that a row lacks: those that name what it is of, and those of the values that it counts for."""
        absent = self.naming - cells.keys()
        if absent:
            return absent
        filters = [*(column.rows for column in self.columns), *self.score_rows]
        counted = [e for e, rows in zip(self.mapping.entries, filters, strict=True) if rows.plain or rows.takes(cells)]
        return set().union(*map(columns_of, counted)) - cells.keys()

    def _put(self, batch: SourceRows, arch_id: str, truths: Truths, scores: Scores) -> None:
        for column, values in zip(self.columns, truths, strict=True):
            column.put(batch, self.space, arch_id, values, curves=self.curves)
        for score, taken in zip(self.mapping.score, scores, strict=True):
            if taken is None:
                continue
            value, seconds = taken
            number, status, reason = (None, "failed", value) if isinstance(value, str) else (value, "ok", None)
            batch.add_score(self.space, arch_id, score.proxy, number, seconds=seconds, status=status, reason=reason)

    def _architecture(self, batch: SourceRows, cells: Cells) -> str:
        if self.mapping.architecture.encoding == "index":
            arch_id = self._indexed(cells)
            if self.check and arch_id_of(self.benchmark.name, self.space, self.check(cells)) != arch_id:
                raise self._contradiction()
            return arch_id
        spec = self.decode(cells)
        if len(self.first) < _LOOKED_AT:
            require_stable(self.benchmark.canonical, self.space, spec)
        if self.check and self.check(cells) != spec:
            raise self._contradiction()
        native = self.mapping.native_id
        return batch.add_architecture(self.space, spec, None if native is None else plain_text(cells[native]))

    def _indexed(self, cells: Cells) -> str:
        index = plain_text(cells[self.mapping.architecture.column])
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

    def _all_columns_taken(self) -> None:
        """Refuse a table in which no row meets a column's condition, or has a column of the architecture."""
        for column, rows in (
            *((c.truth.column, c.rows) for c in self.columns),
            *zip((s.column for s in self.mapping.score), self.score_rows, strict=True),
        ):
            if rows.fault:
                raise UserError(
                    f"{self.path}: {column_named(column)}: {rows.fault} (table mapping {self.mapping.name})"
                )
        if self.unseen_parts:
            raise UserError(
                f"{self.path}: no row has the {column_named(min(self.unseen_parts))} "
                f"(table mapping {self.mapping.name})"
            )


def _require_same(before: object, values: object, position: str) -> None:
    if before != values:
        raise UserError(f"the same architecture as in {position}, with other values")


def _columns(mapping: TableMapping, benchmark: Benchmark, notation: NumberNotation) -> list[MappedTruth]:
    """The columns of truth; UserError names everything that the benchmark does not know of them."""
    columns, wrong = [], []
    for truth in mapping.truth:
        try:
            columns.append(mapped_truth(benchmark, truth, notation))
        except UserError as error:
            wrong.append(str(error))
    if wrong:
        raise UserError(f"{'; '.join(wrong)} (table mapping {mapping.name})")
    return columns


def meaning_of(codes: Mapping[str, str], part: str, code: object) -> str | None:
    """What a code means for a part of an architecture; None where the mapping does not say.

    Raises:
        UserError: the code is neither a number nor a text.
    """
    text = plain_text(code)  # of 1.0, which a column that lacks some has, and of " 1"
    written = (f"{part}={code}", f"{part}={text}", str(code), text)  # what holds for one part takes precedence
    return next((codes[name] for name in written if name in codes), None)


def decoder(notation: ArchitectureColumns, benchmark: Benchmark, space: str) -> Callable[[Cells], Spec]:
    """The function that gives the spec of a row's architecture; UserError says what is wrong with it."""
    column, parts, codes = notation.column, notation.positions, notation.codes

    def string(cells: Cells) -> Spec:
        return spec_of(benchmark, space, cells[column])

    def meaning(part: str, code: object, where: str) -> object:
        if not isinstance(code, str | int | float):
            raise UserError(f"{column_named(where)} holds the code {excerpt(code)}, which is no number or text")
        if (known := meaning_of(codes, part, code)) is None:
            raise UserError(f"{column_named(where)} holds the code {excerpt(code)}; known are {', '.join(codes)}")
        return known

    def fields(cells: Cells) -> Spec:
        values = {part: cells[c] for part, c in notation.fields.items() if not notation.optional or has(cells, c)}
        if codes:
            values = {part: meaning(part, value, notation.fields[part]) for part, value in values.items()}
        return benchmark.compose(space, values)

    def coded(cells: Cells) -> Spec:
        row_codes = listed_codes(cells[column], column, len(parts))
        if len(row_codes) != len(parts):
            raise UserError(
                f"{column_named(column)} holds {count_of(len(row_codes), 'code')} where {len(parts)} are expected"
            )
        operations = {part: meaning(part, code, column) for part, code in zip(parts, row_codes, strict=True)}
        return benchmark.compose(space, operations)

    return {"codes": coded, "fields": fields}.get(notation.encoding, string)


def _excerpt(cells: Cells | Unreadable) -> str:
    if isinstance(cells, Unreadable):
        return cells
    shown = itertools.islice(cells.items(), 40)
    return ", ".join(f"{name}={value if isinstance(value, str) else excerpt(value)}" for name, value in shown)
