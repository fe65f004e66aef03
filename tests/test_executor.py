"""The executor: every item gets its result, whatever becomes of the workers."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline import executor
from pipeline.errors import UserError


@dataclass
class Square:
    """Squares; kills its worker at `deadly`, the first `deaths` times."""

    folder: Path
    deadly: int = -1
    deaths: int = 0

    def prepare(self) -> None:
        (self.folder / f"prepared-{os.getpid()}").touch()

    def __call__(self, item: int) -> int:
        if item == self.deadly and len(list(self.folder.glob("death-*"))) < self.deaths:
            (self.folder / f"death-{os.getpid()}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return item * item


@pytest.mark.parametrize("workers", [1, 2])
def test_each_item_is_done_once_and_each_worker_prepared_once(tmp_path: Path, workers: int) -> None:
    results = list(executor.run(Square(tmp_path), range(20), workers))
    assert sorted(results) == [(i, i * i) for i in range(20)]
    assert 1 <= len(list(tmp_path.glob("prepared-*"))) <= workers


def test_a_killed_worker_costs_nothing(tmp_path: Path) -> None:
    results = dict(executor.run(Square(tmp_path, deadly=3, deaths=2), range(8), 2))
    assert results == {i: i * i for i in range(8)}


def test_an_item_that_kills_every_worker_is_given_up_and_the_others_are_done(tmp_path: Path) -> None:
    results = dict(executor.run(Square(tmp_path, deadly=3, deaths=99), range(8), 2))
    assert isinstance(results.pop(3), executor.LostWorker)
    assert results == {i: i * i for i in range(8) if i != 3}


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_skipped_is_left_out(tmp_path: Path, workers: int) -> None:
    odd: Callable[[int], bool] = lambda i: i % 2 == 1  # noqa: E731
    assert sorted(executor.run(Square(tmp_path), range(6), workers, odd)) == [(0, 0), (2, 4), (4, 16)]


def shout(word: str) -> str:
    if word == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    return word.upper()


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    words = [f"word {number}" for number in range(30)]
    assert list(executor.ordered(shout, iter(words), workers)) == [word.upper() for word in words]


def test_items_are_taken_a_few_ahead_of_the_results() -> None:
    taken: list[str] = []

    def items() -> Iterator[str]:
        for number in range(1000):
            taken.append(str(number))
            yield taken[-1]

    results = executor.ordered(shout, items(), 2)
    assert next(results) == "0"
    assert len(taken) < 10
    results.close()


def test_a_worker_that_is_killed_is_told_in_one_line() -> None:
    with pytest.raises(UserError, match="a worker process was killed"):
        list(executor.ordered(shout, ["fine", "deadly"], 2))
