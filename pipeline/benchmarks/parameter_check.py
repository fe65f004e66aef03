"""Compare the number of parameters of the networks that a benchmark builds with its published files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from pipeline.errors import UserError
from pipeline.wording import count_of

Record = TypeVar("Record")
Accepted = TypeVar("Accepted")


@dataclass
class ParameterCheck:
    """The result of building some of a file's networks.

    Args:
        file: as shown.
        checked: networks built.
        differing: how many of them have another number of parameters than the file says.
        largest: the largest difference, over the file's number.
        first: position, both numbers and configuration of the first that differs.
    """

    file: str
    checked: int = 0
    differing: int = 0
    largest: float = 0.0
    first: str = ""

    def add(self, position: str, built: int, stated: int, configuration: str) -> None:
        """Count a network, by its number of parameters as built and as the file states it."""
        self.checked += 1
        if built == stated:
            return
        self.differing += 1
        self.largest = max(self.largest, abs(built - stated) / max(stated, 1))
        self.first = self.first or f"{position}: {built:,} built, {stated:,} stated, {configuration}"

    @property
    def confirmed(self) -> bool:
        """Whether networks were built, and all as the file says."""
        return self.checked > 0 and not self.differing

    @property
    def line(self) -> str:
        if not self.checked:
            return f"{self.file}: no network of it can be built"
        built = f"{count_of(self.checked, 'network')} built"
        if self.confirmed:
            return f"{self.file}: {built}, all with the parameters that the file states"
        return (
            f"{self.file}: {self.differing} of {built} have other parameters than the file states, "
            f"by up to {100 * self.largest:.3g} %; the first is {self.first}"
        )


def drawn(records: Iterable[Record], count: int, accept: Callable[[Record], Accepted]) -> list[Accepted]:
    """Draw so many records, each with equal chance, in one pass (Vitter, "Random Sampling with a Reservoir", 1985).

    Args:
        accept: what is kept of a drawn record; a UserError leaves the one that it would replace.

    Returns:
        What is kept, in the order of the records.
    """
    random, reservoir = Random(0), dict[int, tuple[int, Accepted]]()
    for index, record in enumerate(records):
        slot = index if index < count else random.randrange(index + 1)
        if slot < count:
            with contextlib.suppress(UserError):
                reservoir[slot] = (index, accept(record))
    return [accepted for _, accepted in sorted(reservoir.values(), key=lambda pair: pair[0])]
