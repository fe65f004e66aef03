"""What is guessed about the value columns of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pipeline.benchmarks.contract import Metric

MOST_SEEDS = 5
"""Values of a list, or columns that differ by a number, of which each is of a seed; more are one for each epoch."""


@dataclass(frozen=True)
class TruthGuess:
    """A column of truth, as of a mapping's `[[truth]]`; `doubts` are comments on what the table does not say, `unclear`
    words of its name that may make it another metric.
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
    """A column of released scores, as of a mapping's `[[score]]`."""

    column: str
    proxy: str
    seconds: str | None
    where: Mapping[str, str | int] = field(default_factory=dict)
    optional: bool = False
    doubts: tuple[str, ...] = ()


Guess = TypeVar("Guess", TruthGuess, ScoreGuess)


@dataclass(frozen=True)
class ValueGuesses:
    """What is taken of a table, and for each other column why it is not."""

    truths: tuple[TruthGuess, ...]
    scores: tuple[ScoreGuess, ...]
    missing: tuple[float | str, ...]
    left_out: tuple[tuple[str, str], ...]
