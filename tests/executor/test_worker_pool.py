"""The loop of every executor, with workers that do as a test has written down."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

import pytest

from pipeline.errors import UserError
from pipeline.executor.worker_pool import MAX_LOSSES, LastResult, LostWorker, WorkerPool

LOST = object()
START = "start"


class Scripted(WorkerPool):
    """Answers in the order in which it was asked.

    Args:
        workers: how many.
        deadly: as in `WorkerPool`.
        answers: what comes of an item, or of a start, at each try: LOST, or a result; by default the item in capitals.
    """

    def __init__(self, workers: int, deadly: bool = False, /, **answers: Sequence[Any]) -> None:
        super().__init__(workers, deadly=deadly)
        self._answers = defaultdict(list, {item: list(tries) for item, tries in answers.items()})
        self._count = 0
        self.submitted: list[Any] = []
        self.terminated: list[int] = []
        self.silent = False

    def spawn(self) -> tuple[int, tuple[int, str]]:
        self._count += 1
        return self._count, (self._count, START)

    def submit(self, worker: int, item: str) -> tuple[int, str]:
        self.submitted.append(item)
        self._count += 1
        return self._count, item

    def wait_first(self, futures: list[tuple[int, str]], patient: bool) -> tuple[int, str] | None:
        return None if self.silent else min(futures)

    def outcome(self, future: tuple[int, str]) -> tuple[Any, str | None]:
        tries = self._answers[future[1]]
        answer = tries.pop(0) if tries else future[1].upper()
        return (None, "killed") if answer is LOST else (answer, None)

    def terminate(self, worker: int) -> None:
        self.terminated.append(worker)

    def shutdown(self) -> None:
        pass


def done(pool: Scripted, items: str) -> list[tuple[Any, Any]]:
    return list(pool.results(items, lambda item: item == "-"))


def test_the_item_of_a_lost_worker_is_tried_again_before_the_others() -> None:
    pool = Scripted(1, a=[LOST])
    assert done(pool, "ab-c") == [("a", "A"), ("b", "B"), ("c", "C")]
    assert pool.submitted == ["a", "a", "b", "c"] and len(pool.terminated) == 1


def test_an_item_that_loses_each_worker_is_given_up() -> None:
    pool = Scripted(2, a=[LOST] * MAX_LOSSES)
    assert sorted(done(pool, "ab"), key=str) == [("a", LostWorker(MAX_LOSSES)), ("b", "B")]
    assert pool.submitted.count("a") == MAX_LOSSES


def test_workers_that_die_of_every_item_blame_none() -> None:
    """Such as under a limit on memory: a stored failure would never be computed again."""
    pool = Scripted(2, **dict.fromkeys("abcdefg", [LOST] * MAX_LOSSES))
    results = pool.results("abcdefg", lambda _: False)
    with pytest.raises(UserError, match=r"the workers die whatever they compute.*--workers"):
        next(results)
    own_code = Scripted(2, True, **dict.fromkeys("abcdefg", [LOST] * MAX_LOSSES))
    assert len(done(own_code, "abcdefg")) == 7
    after_one = Scripted(1, **dict.fromkeys("bcde", [LOST] * MAX_LOSSES))
    assert [item for item, result in done(after_one, "abcde") if isinstance(result, LostWorker)] == list("bcde")


def test_items_that_are_given_up_before_anything_is_computed_come_after_that_or_at_the_end() -> None:
    lost = dict.fromkeys("ab", [LOST] * MAX_LOSSES)
    assert [item for item, _ in done(Scripted(1, **lost), "abc")] == ["a", "b", "c"]
    queue, taken = deque("a"), []
    for item, _ in Scripted(1, **lost).results(queue, lambda _: False):
        taken.append(item)
        queue.extend("d" if len(taken) < 3 else "")  # as a search does
    assert taken == ["a", "d", "d"]


def test_starts_that_fail_end_the_run_only_one_after_another() -> None:
    now_and_then = {START: [LOST, LOST, None, LOST, LOST, None], "a": [LOST]}
    assert done(Scripted(1, **now_and_then), "a") == [("a", "A")]
    with pytest.raises(UserError, match="the workers die before they are ready"):
        done(Scripted(1, **{START: [LOST] * MAX_LOSSES}), "a")


def test_a_worker_that_gives_its_last_result_is_replaced() -> None:
    pool = Scripted(1, a=[LastResult("the last")])
    assert done(pool, "ab") == [("a", "the last"), ("b", "B")] and len(pool.terminated) == 1


def test_without_any_worker_the_run_ends_in_one_line() -> None:
    pool = Scripted(1)
    pool.silent = True
    with pytest.raises(UserError, match="no worker could be started for minutes"):
        done(pool, "a")
