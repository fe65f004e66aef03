"""Ageing evolution: who is in a tournament, and who wins it."""

from __future__ import annotations

from random import Random

import pytest

from pipeline.errors import UserError
from pipeline.search import run
from pipeline.search.evolution import AgeingEvolution, winner
from pipeline.search.search import SearchSettings
from tests.fixtures.command import exit_code


def test_a_tournament_is_held_among_the_last_members_once_the_population_is_full() -> None:
    ageing = AgeingEvolution(population=6, tournament=3)
    assert ageing.contestants(range(5), Random(0)) == []
    drawn = [ageing.contestants(list(range(20)), Random(seed)) for seed in range(50)]
    assert {member for members in drawn for member in members} == set(range(14, 20))
    assert {len(set(members)) for members in drawn} == {3}
    assert ageing.contestants(list(range(20)), Random(7)) == drawn[7] == Random(7).sample(range(14, 20), 3)


def test_the_first_of_the_fittest_wins_and_without_fitness_nobody_does() -> None:
    fitness = {"a": 1.0, "b": None, "c": 2.0, "d": 2.0, "e": float("-inf")}
    assert winner("abcde", fitness.get) == "c"
    assert winner("be", fitness.get) == "e"
    assert winner("b", fitness.get) is None and winner("", fitness.get) is None


def test_a_tournament_fits_its_population() -> None:
    with pytest.raises(UserError, match="tournament of 7 in a population of 6"):
        AgeingEvolution(6, 7)


@pytest.mark.parametrize(("words", "tournament"), [("--population 4", 4), ("", 10), ("--tournament 3", 3)])
def test_unless_it_is_given_a_tournament_is_of_ten_or_of_the_population(
    words: str, tournament: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[SearchSettings] = []

    def noted(lake: object, plan: object, settings: SearchSettings, **_: object) -> None:
        asked.append(settings)
        raise UserError("noted")

    monkeypatch.setattr(run, "run", noted)
    exit_code("search", "nasbench201", "--proxy", "random", *words.split())
    assert [settings.method.tournament for settings in asked] == [tournament]
