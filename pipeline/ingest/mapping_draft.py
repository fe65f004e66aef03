"""`pipeline mapping init`: write a table mapping for a table, with comments on what was guessed."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipeline.errors import UserError, excerpt
from pipeline.formats.toml_files import NAME_LENGTH
from pipeline.ingest.guessing import repeated_rows, source_samples, table_sample
from pipeline.ingest.guessing.architectures import ArchitectureGuess, guess_architecture
from pipeline.ingest.guessing.guesses import ScoreGuess, TruthGuess, ValueGuesses
from pipeline.ingest.guessing.table_sample import TableSample
from pipeline.ingest.guessing.values import guess_values
from pipeline.ingest.mapping import TableMapping
from pipeline.lake.outputs import OutputFile
from pipeline.wording import count_of

_GUESSED = "# GUESSED: "
_MOST_COLUMNS = 3_000  # that are looked at, of all that may be the table together
_SHOWN = 8  # columns in a message
_MOST_TELLING = 4  # columns in a comment


@dataclass(frozen=True)
class MappingDraft:
    """A table mapping that was guessed: its text, and in how many places it is a guess."""

    text: str
    benchmark: str
    guesses: int
    values: int


def write(table: Path, out: Path, benchmark: str | None = None, *, force: bool = False) -> MappingDraft:
    """Write a table mapping for a table.

    Args:
        table: a file of a form that a mapping can read, or a folder of such files.
        benchmark: what the architectures are of; by default guessed, too.

    Raises:
        UserError: the table cannot be read, no column names architectures, or the file cannot be written.
    """
    file = OutputFile(out, force)
    file.refuse()
    drafted = draft(table, benchmark)
    with file.written() as temporary:
        temporary.write_text(drafted.text, encoding="utf-8")
    return drafted


def draft(table: Path, benchmark: str | None = None) -> MappingDraft:
    """The table mapping that `write` writes."""
    first: TableSample | None = None
    best: tuple[TableSample, ArchitectureGuess, ValueGuesses] | None = None
    looked_at = 0
    for sample in source_samples.samples(table):
        first = first or sample
        if looked_at > _MOST_COLUMNS:  # of mappings within mappings, in which no level is a table
            break
        looked_at += len(sample.columns)
        if (architecture := guess_architecture(sample, benchmark)) is None:
            continue
        values = guess_values(sample, architecture.benchmark, architecture.columns)
        if best is None or _measured(sample, values) > _measured(best[0], best[2]):
            best = sample, architecture, values
        if _taken(values) and not architecture.benchmark.takes_any_name:
            break  # what reads as its notation is its architectures
    if best is None:
        assert first is not None
        raise _nothing(table, first, benchmark)
    sample, architecture, values = best
    text = "\n".join(_lines(table, sample, architecture, values)) + "\n"
    TableMapping.model_validate(tomllib.loads(text))
    return MappingDraft(text, architecture.benchmark.name, text.count(_GUESSED), _taken(values))


def _measured(sample: TableSample, values: ValueGuesses) -> int:
    """How many values are taken of a sample. Columns of one metric count once: in a table whose columns are the
    architectures, each of them would be one.
    """
    return len({truth.metric for truth in values.truths} | {score.proxy for score in values.scores}) * len(sample.rows)


def _taken(values: ValueGuesses) -> int:
    return len(values.truths) + len(values.scores)


def _nothing(table: Path, sample: TableSample, benchmark: str | None) -> UserError:
    if not sample.rows:
        return UserError(f"{table} holds no rows")
    names = ", ".join(excerpt(column, bare=True) for column in sample.columns[:_SHOWN])
    more = ", ..." if len(sample.columns) > _SHOWN else ""
    also = "" if benchmark else "name the benchmark with --benchmark if a column holds its own numbers, else "
    return UserError(
        f"{table}: no column names architectures of {benchmark or 'any benchmark'} (its columns: {names}{more}); {also}"
        "write the mapping by hand, see docs/mapping-reference.md ([[join]] takes them from another file); a benchmark "
        "that is not among these is added as docs/add-a-benchmark.md says"
    )


def _lines(table: Path, sample: TableSample, architecture: ArchitectureGuess, values: ValueGuesses) -> Iterator[str]:
    named = excerpt(table.name, 80, bare=True)
    yield f"# What the columns of {named} mean, guessed from its first {count_of(len(sample.rows), 'row')}."
    yield "# Look at every GUESSED, then: pipeline mapping check THIS-FILE TABLE. All fields: docs/mapping-reference.md"
    yield from _stated({
        "name": _name(table), "benchmark": architecture.benchmark.name, "space": architecture.space,
        "description": f"values of {named}",
    })  # fmt: skip
    if values.missing:
        yield f"{_GUESSED}{' and '.join(_failures(values.missing))}"
        yield f"missing = {json.dumps(list(values.missing), ensure_ascii=False)}"
    repeats = repeated_rows.of(sample, architecture.columns, values)
    if repeats.telling:
        columns = ", ".join(excerpt(column, 40) for column in repeats.telling[:_MOST_TELLING])
        yield (
            f"{_GUESSED}nothing yet of rows that are of one architecture: they differ in {columns}. Say which count "
            'with where, which is the seed with seed_column, or repeated = "mean"'
        )
    elif repeats.any and not any(truth.each for truth in values.truths):
        yield f"{_GUESSED}several rows measure one architecture; their mean is stored"
        yield 'repeated = "mean"'
    yield from _container(sample, architecture.nested)
    if sample.seed_of:
        yield from (
            "",
            "[[extract]]",
            f"column = {_text(sample.seed_of)}",
            f"pattern = {_text(source_samples.SEED_PATTERN)}",
        )
    yield from ("", "[architecture]")
    yield from (f"{_GUESSED}{doubt}" for doubt in architecture.doubts)
    yield from _stated(architecture.section)
    for truth in values.truths:
        yield from ("", *_truth(truth))
    for score in values.scores:
        yield from ("", *_score(score))
    if values.left_out:
        yield from ("", "# Not taken:")
        yield from (f"#   {excerpt(column, 80)}: {why}" for column, why in values.left_out)


def _failures(missing: Sequence[float | str]) -> Iterator[str]:
    """Why numbers and texts are taken for failures."""
    known = [one for one in missing if not isinstance(one, str)]
    if any(number < 0 for number in known):
        yield "the only negative number of its column stands for a failure"
    if 0 in known:
        yield "an accuracy of 0 stands for a failure"
    if any(number > 0 for number in known):
        yield "a round number far above all others stands for a failure"
    if len(known) < len(missing):
        yield "texts among numbers stand for a failure"


def _container(sample: TableSample, nested: Sequence[str]) -> Iterator[str]:
    form = sample.form
    yield from ("", "[container]")
    fields = {
        "kind": form.kind, "delimiter": form.delimiter if form.kind == "csv" and form.delimiter != "," else None,
        "nested": [*form.nested, *nested], "skip": form.skip, "comment": form.comment, "table": form.table,
        "header": form.header if form.header > 1 else None,
        "decimal": sample.decimal if sample.decimal != "." else None, "root": form.root,
        "members": form.members if form.members != "*" else None,
        "layout": form.layout if form.layout != "rows" else None, "columns": form.columns,
    }  # fmt: skip
    doubts = {"skip": "the lines before the header"}
    if form.columns and form.columns[0] == f"{table_sample.UNNAMED}1":
        doubts["columns"] = "the table does not name its columns; name them here as you like, and below likewise"
    if form.columns and form.columns[0] == table_sample.ROW:
        doubts["columns"] = "the line above names all columns but the first, taken for the number of the row"
    yield from _stated({name: value for name, value in fields.items() if value}, doubts)


def _truth(truth: TruthGuess) -> Iterator[str]:
    yield "[[truth]]"
    yield from (f"{_GUESSED}{doubt}" for doubt in truth.doubts)
    yield from _stated({
        "column": truth.column, "dataset": truth.metric.dataset, "metric": truth.metric.metric, "unit": truth.unit,
        "scale": None if truth.scale == 1 else truth.scale, "complement": truth.complement or None,
        "where": truth.where or None, "optional": truth.optional or None, "epochs": truth.epochs, "seed": truth.seed,
        "seed_column": truth.seed_column, "each": truth.each or None,
    })  # fmt: skip


def _score(score: ScoreGuess) -> Iterator[str]:
    yield "[[score]]"
    yield from (f"{_GUESSED}{doubt}" for doubt in score.doubts)
    yield f"{_GUESSED}that a higher score promises a better architecture"
    yield from _stated({
        "column": score.column, "proxy": score.proxy, "higher_is_better": True, "seconds": score.seconds,
        "where": score.where or None, "optional": score.optional or None,
    })  # fmt: skip


def _stated(fields: Mapping[str, Any], doubts: Mapping[str, str] = MappingProxyType({})) -> Iterator[str]:
    """A line for each field that is not None, after the comment on what is guessed of it."""
    for name, value in fields.items():
        if value is not None:
            yield from (f"{_GUESSED}{doubt}" for field, doubt in doubts.items() if field == name)
            yield f"{name} = {_value(value)}"


def _name(table: Path) -> str:
    stem = re.sub("[^a-z0-9.-]+", "-", table.name.lower().partition(".")[0]).strip(".-")
    return stem[:NAME_LENGTH] or "table"


def _text(text: str) -> str:
    """A TOML string; what JSON escapes, TOML does likewise, except for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_text(key)} = {_value(meaning)}" for key, meaning in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return _text(value) if isinstance(value, str) else repr(value)
