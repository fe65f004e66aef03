"""The loop of every executor with workers: one item at a time for each free worker; that of a lost one goes to another.

An executor says how a worker is spawned and terminated, how an item is submitted to it, and what became of a future,
whatever its library calls one. Which worker was lost is known, so no other item is suspect.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Collection, Generator, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.errors import UserError

Results = Generator[tuple[Any, Any], None, None]
"""(item, result), as they are ready; to close it terminates the workers."""

# Read when a card is first used: with the default of 8 queues, streams would wait for one another.
CUDA_SETTINGS = {"CUDA_DEVICE_MAX_CONNECTIONS": "32"}
# Else a score by code that hashes texts, or orders a set of them, is another each time.
HASHES = {"PYTHONHASHSEED": "0"}

MAX_LOSSES = 3  # an item whose worker was lost this many times is given up; so are others after as many items


class ItemFunction(Protocol):
    """A picklable object: `prepare` is called once per worker, then the object itself once per item."""

    def prepare(self) -> object:
        """Load what all items share; what it returns is handed to `Prepared` in the driver."""
        ...

    def __call__(self, item: Any) -> Any:
        """The result for one item."""
        ...


Prepared = Callable[[Any], object]
"""Called in the driver for each worker that is ready, with what `ItemFunction.prepare` returned there."""


def ignore(prepared: object) -> None:
    """The `Prepared` of a driver that does not need to know its workers."""


@dataclass(frozen=True)
class LostWorker:
    """The result for an item whose workers died each time (out of memory, or killed): `deaths` of them."""

    deaths: int


@dataclass(frozen=True)
class LastResult:
    """The last result of a worker that is alive, but can compute no more and is to be replaced."""

    result: Any


_renew = False


def renew_worker() -> None:
    """Called in a worker: it is to be replaced when the present item is done. One in the driver's process is not."""
    global _renew  # noqa: PLW0603
    _renew = True


def compute(function: ItemFunction, item: Any) -> Any:
    """The result for an item, in a worker."""
    result = function(item)
    return LastResult(result) if _renew else result


def as_queue(items: Iterable[Any]) -> deque[Any]:
    """The items to do, from the left: a deque itself, so that its owner can add more."""
    return items if isinstance(items, deque) else deque(items)


class WorkerPool(ABC):
    """The workers of a run: those that prepare, those that compute, those that are free.

    Args:
        workers: how many.
        deadly: whether each item may well end its worker by itself, as a user's own code does.
    """

    def __init__(self, workers: int, *, deadly: bool = False) -> None:
        self._deadly = deadly
        self._preparing: dict[Any, Any] = {}  # future -> worker
        self._computing: dict[Any, tuple[Any, Any]] = {}  # future -> worker, item
        self._free: list[Any] = []
        self._failed_starts = 0  # workers lost before they were ready, in a row
        self._workers = workers

    def results(self, items: Iterable[Any], skip: Callable[[Any], bool], prepared: Prepared = ignore) -> Results:
        """Yield (item, result) for each item, as they are ready; see `processes.run`.

        Raises:
            UserError: no worker comes, each one dies before it is ready, or whatever it computes: then no item is to
                blame, and none is yielded.
            Exception: whatever the function raised.
        """
        queue, losses, computed = as_queue(items), Counter[Any](), False
        given_up: list[tuple[Any, Any]] = []  # withheld until a worker has computed anything
        try:
            while True:
                self._spawn_needed(queue)
                self._submit_items(queue, skip)
                if not queue and not self._computing:
                    if not given_up:
                        return
                    yield given_up.pop()
                    continue
                item, lost, result = self._next(prepared)
                if lost:
                    losses[item] += 1
                    if losses[item] < MAX_LOSSES:
                        queue.appendleft(item)
                        continue
                    result = LostWorker(losses[item])
                    if not (computed or self._deadly):
                        given_up.append((item, result))
                        self._refuse_all_lost(given_up)
                        continue
                if item is not None:
                    computed = True
                    self._submit_items(queue, skip)  # before the driver is busy with the result
                    yield from given_up
                    given_up.clear()
                    yield item, result
        finally:
            self.shutdown()

    def _refuse_all_lost(self, given_up: Collection[Any]) -> None:
        if len(given_up) >= MAX_LOSSES:
            raise UserError(
                f"the workers die whatever they compute, {len(given_up)} items one after another "
                "(out of memory, or a crash in a library?): "
                "give them more memory, or ask for fewer with --workers; none of these is stored as failed"
            )

    @abstractmethod
    def spawn(self) -> tuple[Any, Any]:
        """A new worker, and the future of its being prepared."""

    @abstractmethod
    def submit(self, worker: Any, item: Any) -> Any:
        """The future of the result for the item, which the worker begins."""

    @abstractmethod
    def wait_first(self, futures: list[Any], patient: bool) -> Any | None:
        """Wait for one of the futures; None if none comes for too long, unless `patient`."""

    @abstractmethod
    def outcome(self, future: Any) -> tuple[Any, str | None]:
        """The result, or why there will be none because the worker is lost.

        Raises:
            Exception: whatever the function raised.
        """

    @abstractmethod
    def terminate(self, worker: Any) -> None:
        """End a worker that is lost, or only out of reach."""

    @abstractmethod
    def shutdown(self) -> None:
        """End all workers at once."""

    def _spawn_needed(self, queue: deque[Any]) -> None:
        """As many workers as there is work for; a queue that grows may have more of it later."""
        idle = len(self._free) + len(self._preparing)
        for _ in range(min(self._workers - len(self._computing), len(queue)) - idle):
            self._spawn()

    def _spawn(self) -> None:
        worker, future = self.spawn()
        self._preparing[future] = worker

    def _submit_items(self, queue: deque[Any], skip: Callable[[Any], bool]) -> None:
        """Submit one item to each free worker, no more: what is not begun can still be skipped, or go to another."""
        while self._free and queue:
            item = queue.popleft()
            if not skip(item):
                worker = self._free.pop()
                self._computing[self.submit(worker, item)] = worker, item

    def _next(self, prepared: Prepared) -> tuple[Any, bool, Any]:
        """Wait until a worker is ready, done or lost: (item or None, whether it is lost, its result)."""
        future = self.wait_first([*self._preparing, *self._computing], patient=bool(self._computing))
        if future is None:
            raise UserError(
                "no worker could be started for minutes (the cluster is busy, or its nodes are gone): what is done is "
                "stored, the same command goes on"
            )
        result, death = self.outcome(future)
        preparing = future in self._preparing
        worker, item = (self._preparing.pop(future), None) if preparing else self._computing.pop(future)
        if preparing:
            self._failed_starts = self._failed_starts + 1 if death else 0
            if self._failed_starts >= MAX_LOSSES * self._workers:
                raise UserError(
                    f"the workers die before they are ready (out of memory, or a crash in a library?): {death}"
                )
            if death is None:
                prepared(result)
        last = isinstance(result, LastResult)
        if death is None and not last:
            self._free.append(worker)
        else:
            self.terminate(worker)
            self._spawn()
        return item, death is not None and not preparing, result.result if last else result
