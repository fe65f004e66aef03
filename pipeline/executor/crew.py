"""The loop that every executor with workers runs: one item at a time to whoever is free, what is lost again.

An executor says how a worker is hired, handed an item and dismissed, and what became of a ticket: whatever its own
library promises a result with. Who dies is known, so nobody else's item is suspect.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.errors import UserError

Results = Generator[tuple[Any, Any], None, None]
"""(item, result), as they are ready; to close it ends the workers."""

# Read when a card is first used: with the default of 8 queues, streams would wait for one another.
CUDA_SETTINGS = {"CUDA_DEVICE_MAX_CONNECTIONS": "32"}

LIVES = 3  # an item whose worker was lost this many times is given up


class Task(Protocol):
    """A picklable object: `prepare` is called once a worker, then the object itself once an item."""

    def prepare(self) -> None:
        """Load what all items share."""
        ...

    def __call__(self, item: Any) -> Any:
        """The result for one item."""
        ...


@dataclass(frozen=True)
class LostWorker:
    """The result for an item whose workers died each time (out of memory, or killed): `deaths` of them."""

    deaths: int


@dataclass(frozen=True)
class Renew:
    """A result, and that the worker is to be replaced: it can do no more, but lives."""

    result: Any


_renew = False


def renew_worker() -> None:
    """Called by a task: this worker is to be replaced when the present item is done. One in this process is not."""
    global _renew  # noqa: PLW0603
    _renew = True


def worked(task: Task, item: Any) -> Any:
    """The result for an item, in a worker."""
    result = task(item)
    return Renew(result) if _renew else result


def growing(items: Iterable[Any]) -> deque[Any]:
    """The items to do, from the left: a deque itself, so that whoever holds it can add more."""
    return items if isinstance(items, deque) else deque(items)


class Crew(ABC):
    """The workers of a run: those that prepare, those at work, those that are free."""

    def __init__(self, workers: int) -> None:
        self._preparing: dict[Any, Any] = {}  # ticket -> worker
        self._working: dict[Any, tuple[Any, Any]] = {}  # ticket -> worker, item
        self._free: list[Any] = []
        self._stillborn = 0  # died before they were ready, in a row
        self._workers = workers

    def work_off(self, items: Iterable[Any], skip: Callable[[Any], bool]) -> Results:
        """Yield (item, result) for each item, as they are ready; see `processes.run`.

        Raises:
            UserError: no worker comes, or each one dies before it is ready.
            Exception: whatever the task raised.
        """
        queue, deaths = growing(items), Counter[Any]()
        try:
            while True:
                self._staff(queue)
                self._hand_out(queue, skip)
                if not queue and not self._working:
                    return
                item, lost, result = self._next()
                if lost:
                    deaths[item] += 1
                    if deaths[item] < LIVES:
                        queue.appendleft(item)
                        continue
                    result = LostWorker(deaths[item])
                if item is not None:
                    self._hand_out(queue, skip)  # before the driver is busy with the result
                    yield item, result
        finally:
            self.close()

    @abstractmethod
    def hire(self) -> tuple[Any, Any]:
        """A new worker, and the ticket for its being prepared."""

    @abstractmethod
    def give(self, worker: Any, item: Any) -> Any:
        """The ticket for the result of the item, which the worker begins."""

    @abstractmethod
    def first(self, tickets: list[Any], patient: bool) -> Any | None:
        """Wait for one of the tickets; None if none comes for too long, unless `patient`."""

    @abstractmethod
    def outcome(self, ticket: Any) -> tuple[Any, str | None]:
        """The result, or why there will be none because the worker is lost.

        Raises:
            Exception: whatever the task raised.
        """

    @abstractmethod
    def dismiss(self, worker: Any) -> None:
        """End a worker that is lost, or out of reach only."""

    @abstractmethod
    def close(self) -> None:
        """End all workers at once."""

    def _staff(self, queue: deque[Any]) -> None:
        """As many workers as there is work for; a queue that grows may have more of it later."""
        idle = len(self._free) + len(self._preparing)
        for _ in range(min(self._workers - len(self._working), len(queue)) - idle):
            self._take_on()

    def _take_on(self) -> None:
        worker, ticket = self.hire()
        self._preparing[ticket] = worker

    def _hand_out(self, queue: deque[Any], skip: Callable[[Any], bool]) -> None:
        """Give each free worker one item, no more: what is not begun can still be skipped, or go to a faster one."""
        while self._free and queue:
            item = queue.popleft()
            if not skip(item):
                worker = self._free.pop()
                self._working[self.give(worker, item)] = worker, item

    def _next(self) -> tuple[Any, bool, Any]:
        """Wait until a worker is ready, done or lost: (item or None, whether it is lost, its result)."""
        ticket = self.first([*self._preparing, *self._working], patient=bool(self._working))
        if ticket is None:
            raise UserError(
                "no worker could be started for minutes (the cluster is busy, or its nodes are gone): what is done is "
                "stored, the same command goes on"
            )
        result, died = self.outcome(ticket)
        preparing = ticket in self._preparing
        worker, item = (self._preparing.pop(ticket), None) if preparing else self._working.pop(ticket)
        if preparing:
            self._stillborn = self._stillborn + 1 if died else 0
            if self._stillborn >= LIVES * self._workers:
                raise UserError(f"the workers die before they are ready (out of memory?): {died}")
        renewed = isinstance(result, Renew)
        if died is None and not renewed:
            self._free.append(worker)
        else:
            self.dismiss(worker)
            self._take_on()
        return item, died is not None and not preparing, result.result if renewed else result
