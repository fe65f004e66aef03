"""Map a function over items, in this process or in several; the results come as they are ready, or in order.

Every worker computes with one thread: two processes beat two threads on these small networks, and a sum that is
split over threads would not be the same bits on another machine.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from typing import Any, Protocol, TypeVar

from pipeline.errors import UserError

LIVES = 2  # an item that took this many workers down, alone with each, is given up


Item = TypeVar("Item")
Result = TypeVar("Result")


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


def run(
    task: Task, items: Sequence[Any], workers: int, skip: Callable[[Any], bool] = lambda _: False
) -> Iterator[tuple[Any, Any]]:
    """Yield (item, result) for each item.

    Args:
        task: what to do; its result must be picklable.
        items: picklable and hashable.
        workers: processes; 1 computes in this one.
        skip: asked just before an item is begun; True leaves it out.
    """
    if workers <= 1:
        task.prepare()
        for item in items:
            if not skip(item):
                yield item, task(item)
        return
    yield from _processes(task, items, workers, skip)


def _processes(
    task: Task, items: Sequence[Any], workers: int, skip: Callable[[Any], bool]
) -> Iterator[tuple[Any, Any]]:
    """Which worker died is not told, so whatever was in flight is suspect, and each suspect is tried again alone."""
    waiting, suspects, deaths = list(reversed(items)), list[Any](), Counter[Any]()
    while waiting or suspects:
        queue, width = ([suspects.pop()], 1) if suspects else (waiting, workers)
        flying: dict[Future[Any], Any] = {}
        try:
            yield from _in_pool(task, queue, flying, width, skip)
        except BrokenProcessPool:
            if width > 1:
                suspects += flying.values()
                continue
            (item,) = flying.values()
            deaths[item] += 1
            if deaths[item] < LIVES:
                suspects.append(item)
            else:
                yield item, LostWorker(LIVES)


def _in_pool(
    task: Task, queue: list[Any], flying: dict[Future[Any], Any], workers: int, skip: Callable[[Any], bool]
) -> Iterator[tuple[Any, Any]]:
    """Work off the queue from its end; when a worker dies, `flying` holds what was in flight."""
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start, (task,))
    try:
        while queue or flying:
            _submit(pool, queue, flying, workers, skip)
            done, _ = wait(flying, return_when=FIRST_COMPLETED)
            for future in done:
                result = future.result()
                yield flying.pop(future), result
    finally:
        _stop(pool)


def _submit(
    pool: ProcessPoolExecutor,
    queue: list[Any],
    flying: dict[Future[Any], Any],
    workers: int,
    skip: Callable[[Any], bool],
) -> None:
    """Keep one item ahead of each worker, no more: what is not begun can still be skipped."""
    while queue and len(flying) < workers + 1:
        item = queue.pop()
        if not skip(item):
            flying[pool.submit(_work, item)] = item


def _stop(pool: ProcessPoolExecutor) -> None:
    """End the workers at once: what they are at is lost anyway, and a user who pressed Ctrl-C waits for nothing."""
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()
    for process in processes:
        process.join()


_task: Task | None = None


def _start(task: Task) -> None:
    global _task  # noqa: PLW0603
    _follow()
    _task = task
    task.prepare()


def _work(item: Any) -> Any:
    assert _task is not None
    return _task(item)


def ordered(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Generator[Result, None, None]:
    """Yield the result for each item in the order of the items, which are taken a few ahead of what is yielded.

    Args:
        function: of a module, so that it is picklable, as items and results are.
        items: may be made while the results are used up.
        workers: processes; 1 computes in this one.

    Raises:
        UserError: a worker was killed.
    """
    if workers <= 1:
        yield from map(function, items)
        return
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _follow)
    flying: deque[Future[Result]] = deque()
    try:
        for item in items:
            flying.append(pool.submit(function, item))
            if len(flying) > 2 * workers:
                yield flying.popleft().result()
        while flying:
            yield flying.popleft().result()
    except BrokenProcessPool as error:
        raise UserError("a worker process was killed (out of memory?): run the same command again") from error
    finally:
        _stop(pool)


def _follow() -> None:
    """Leave Ctrl-C to the driver, who tells the workers, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """A killed driver cannot tell its workers, and they would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def default_workers() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
