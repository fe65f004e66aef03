"""What is guessed about the value columns of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pipeline.benchmarks.contract import Metric

MOST_SEEDS = 5
"""Up to as many values of a list, or columns that differ by a number, are of one seed each; more are of one epoch."""


@dataclass(frozen=True)
class TruthGuess:
    """A column of truth, as in a mapping's `[[truth]]`.

    `doubts` are comments on what the table does not say; `unclear` are words of the column's name that may make it
    another metric.
    """

    column: str
    metric: Metric
    unit: str
    scale: float = 1.0
    epochs: int | None = None
    seed: int | None = None
    each: str = ""
    doubts: tuple[str, ...] = ()
    complement: bool = False
    where: Mapping[str, str | int] = field(default_factory=dict)
    seed_column: str | None = None
    optional: bool = False
    unclear: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScoreGuess:
    """A column of released scores, as in a mapping's `[[score]]`."""

    column: str
    proxy: str
    seconds: str | None
    where: Mapping[str, str | int] = field(default_factory=dict)
    optional: bool = False
    doubts: tuple[str, ...] = ()


Guess = TypeVar("Guess", TruthGuess, ScoreGuess)


@dataclass(frozen=True)
class ValueGuesses:
    """The columns that are taken, the marks of failures, and each other column with the reason why it is not taken."""

    truths: tuple[TruthGuess, ...]
    scores: tuple[ScoreGuess, ...]
    missing: tuple[float | str, ...]
    left_out: tuple[tuple[str, str], ...]
