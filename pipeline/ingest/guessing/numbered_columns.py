"""Columns whose names differ by a number, such as acc_1 and acc_2: each is of a seed, or of an epoch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from pipeline.ingest.guessing.column_words import split_words
from pipeline.ingest.guessing.counted_rows import length_of
from pipeline.ingest.guessing.guesses import MOST_SEEDS, TruthGuess

_LEAST_LONG, _LONGEST = 10, 2_000  # epochs of the longest of several trainings
_SETTINGS = {
    "alpha", "batch", "beta", "bits", "bs", "channels", "depth", "dropout", "eps", "frac", "fraction", "labels",
    "lambda", "layers", "level", "lr", "res", "resolution", "severity", "sigma", "size", "w", "wd", "width",
}  # fmt: skip
"""Words before a number that is no seed and no epoch."""

_AFTER_SETTINGS = {"bit", "bits", "k", "labels", "pct", "percent", "px", "shot", "shots"}
_NUMBER = re.compile(r"(\d{1,9})")
_MOST_RANKS = 3  # columns of a single guess and of several


def with_seeds(truths: Sequence[TruthGuess]) -> Iterator[TruthGuess]:
    """The same columns; of several that measure the same, each with the seed, or the length, that its name states."""
    for truth in truths:
        alike = [t for t in truths if measured_as(t) == measured_as(truth) and (t is truth or not _is_mean(t))]
        if any(t.each == "seed" or t.seed_column for t in alike):
            yield truth
            continue
        seeds = [t.seed for t in alike]
        if len(alike) == 1 or len(set(seeds)) == len(seeds):
            yield truth
            continue
        place = _varying([t.column for t in alike])
        if place is None:
            yield truth  # the number in the name is then not a seed
            continue
        if setting := _setting(truth.column, place):
            yield replace(truth, unclear=(*truth.unclear, setting))
            continue
        number = int(_NUMBER.split(truth.column)[place])
        if _are_lengths([int(_NUMBER.split(t.column)[place]) for t in alike]):
            doubt = "that the number in the column's name is how many epochs a network was trained for"
            yield replace(truth, epochs=number, doubts=(*truth.doubts, doubt))
            continue
        doubt = "the seed: the number in the column's name"
        yield replace(truth, seed=number, doubts=(*truth.doubts, doubt))


def differ_by_numbers(columns: Sequence[str]) -> bool:
    """Whether names are the same but for their numbers."""
    return len({_NUMBER.sub("#", column) for column in columns}) == 1


def _varying(columns: Sequence[str]) -> int | None:
    """The place of the number that differs in every name, among the parts of names split at their numbers.

    None unless just one number differs.
    """
    parts = list(zip(*map(_NUMBER.split, columns), strict=False))
    places = [place for place, held in enumerate(parts) if len(set(held)) > 1]
    single = differ_by_numbers(columns) and len(places) == 1 and len(set(parts[places[0]])) == len(columns)
    return places[0] if single else None


def _setting(column: str, place: int) -> str:
    """The setting that the number in a column's name states, as the batch size in acc_bs64; empty if it states none."""
    parts = _NUMBER.split(column)
    before, after = split_words("".join(parts[:place])), re.match("[A-Za-z]*", parts[place + 1])
    if before and before[-1] in _SETTINGS:
        return before[-1]
    return after[0] if after and after[0].lower() in _AFTER_SETTINGS else ""


def measured_as(truth: TruthGuess) -> tuple[object, ...]:
    """A key that is equal for columns which measure the same."""
    return truth.metric, truth.epochs, str(truth.where)


def _are_lengths(numbers: Sequence[int]) -> bool:
    """Whether numbers are how long networks were trained, as 12 and 200 epochs, and no seeds: each is twice the one
    before or more, and they are round, or powers.
    """
    ordered = sorted(numbers)
    steps = list(pairwise(ordered))
    if ordered[0] < 1 or not _LEAST_LONG <= ordered[-1] <= _LONGEST or any(late < 2 * early for early, late in steps):
        return False
    are_powers = len(steps) > 1 and len({late / early for early, late in steps}) == 1
    return are_powers or all(number == 1 or not number % 2 or not number % 5 for number in ordered)


def _stem(truth: TruthGuess) -> tuple[object, ...]:
    """A key that is equal for columns whose names differ by the number of an epoch alone."""
    epochs = None if truth.epochs == _number(truth) else truth.epochs
    return truth.metric, epochs, str(truth.where), re.sub(r"\d{1,9}(\D*)$", r"#\1", truth.column)


def _number(truth: TruthGuess) -> int:
    end = re.search(r"(\d{1,9})\D*$", truth.column)
    return int(end[1]) if end else -1


def earlier_epochs(truths: Sequence[TruthGuess]) -> Iterator[TruthGuess]:
    """The columns for epochs before the last: the numbers are epochs if there is a column of seeds, or more numbers
    than there may be seeds.
    """
    by_stem: dict[tuple[object, ...], list[TruthGuess]] = {}
    for truth in truths:
        if not truth.each:
            by_stem.setdefault(_stem(truth), []).append(truth)
    for truth in truths:
        alike = by_stem.get(_stem(truth), [])
        numbered = _number(truth) >= 0 and len({_number(t) for t in alike}) == len(alike)
        of_seeds = len(alike) > 1 and len({t.seed for t in alike}) == len(alike)
        few = of_seeds or (len(alike) <= MOST_SEEDS and (truth.epochs == _number(truth) or not truth.seed_column))
        if numbered and not few and _number(truth) < max(map(_number, alike), default=-1):
            yield truth


def of_last_epoch(truth: TruthGuess, earlier: Sequence[TruthGuess]) -> TruthGuess:
    """The guess with the number in its name read as the last epoch, if it has `earlier` ones."""
    before = [_number(other) for other in earlier if _stem(truth) == _stem(other)]
    if not before:
        return truth
    doubt = "that the numbers of such columns are epochs: the last is taken"
    epochs = length_of([*before, _number(truth)])
    return replace(truth, epochs=epochs, seed=None, doubts=(*truth.doubts, doubt))


def is_of_several(column: str, columns: Sequence[str]) -> bool:
    """Whether a column is of five or ten guesses beside one of a single guess: acc5 beside acc1."""
    several = re.fullmatch(r"(.*(?:acc|accuracy|prec|precision|err|error)[-_ @]?)(5|10)(\D*)", column, re.IGNORECASE)
    if several is None:
        return False
    numbered = re.compile(rf"{re.escape(several[1])}\d+{re.escape(several[3])}")
    alike = [name for name in columns if numbered.fullmatch(name)]
    return f"{several[1]}1{several[3]}" in alike and len(alike) <= _MOST_RANKS


def means_of_seeds(truths: Sequence[TruthGuess]) -> Iterator[TruthGuess]:
    """The columns that are called a mean, beside columns of seeds of the same metric."""
    for truth in truths:
        if truth.seed is None and _is_mean(truth):
            alike = (t for t in truths if (t.metric, t.epochs) == (truth.metric, truth.epochs))
            if any(t.seed is not None for t in alike):
                yield truth


def _is_mean(truth: TruthGuess) -> bool:
    return bool({"mean", "avg", "average"} & set(split_words(truth.column)))
