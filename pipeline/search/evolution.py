"""Ageing evolution, for the search of architectures and for that of tasks.

Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from pipeline.errors import UserError

Member = TypeVar("Member")


@dataclass(frozen=True)
class AgeingEvolution:
    """The sizes of the population and of a tournament.

    The first `population` members are random. Every later one is a mutation of the winner of a tournament, which is
    held among `tournament` distinct random members of the population: of the last `population` members, whatever their
    fitness, so that the oldest leaves whenever one is added.

    Raises:
        UserError: the population is smaller than a tournament.
    """

    population: int = 50
    tournament: int = 10

    def __post_init__(self) -> None:
        if not 1 <= self.tournament <= self.population:
            raise UserError(
                f"a tournament of {self.tournament} in a population of {self.population}: "
                "give --tournament a number from 1 to that of --population"
            )

    def contestants(self, members: Sequence[Member], random: Random) -> list[Member]:
        """The members of the tournament for the next step; none while the first population is being filled.

        Args:
            members: all members so far, the oldest first.
        """
        if len(members) < self.population:
            return []
        return random.sample(members[-self.population :], self.tournament)


def usual_tournament(population: int) -> int:
    """Members of a tournament where nobody states them: the default, or all of a smaller population."""
    return min(AgeingEvolution.tournament, population)


def winner(contestants: Iterable[Member], fitness: Callable[[Member], float | None]) -> Member | None:
    """The contestant with the highest fitness, the first of equal ones; None where none has a fitness."""
    best, highest = None, float("-inf")
    for contestant in contestants:
        value = fitness(contestant)
        if value is not None and (best is None or value > highest):
            best, highest = contestant, value
    return best
