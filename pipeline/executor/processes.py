"""Map a function over items, in this process or in several; results come as they are ready, or in order.

Every worker computes with one thread: two processes beat two threads on these small networks, and a sum that is
split over threads would not be the same bits with another number of cores.
"""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import resource_tracker
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import Any, TypeVar

from pipeline import interruption
from pipeline.errors import UserError
from pipeline.executor.worker_pool import HASHES, ItemFunction, Prepared, Results, WorkerPool, as_queue, compute, ignore
from pipeline.wording import count_of

_environment = threading.Lock()
_UNWARNED = "ignore:resource_tracker"
"""The tracker, a process of its own, removes what a killed driver leaves, and would print a warning that it did."""

_CGROUP = Path("/sys/fs/cgroup")
_PER_CORE = 4  # processes, of which more than one only helps to feed a card

Item = TypeVar("Item")
Result = TypeVar("Result")


def run(
    function: ItemFunction,
    items: Iterable[Any],
    workers: int,
    skip: Callable[[Any], bool] = lambda _: False,
    prepared: Prepared = ignore,
    *,
    apart: bool = False,
) -> Results:
    """Yield (item, result) for each item.

    Args:
        function: computes an item; its result must be picklable.
        items: picklable and hashable. A deque is emptied from its left, and may be added to while results are taken.
        workers: processes; 1 computes in this one.
        skip: asked just before an item is begun; True leaves it out.
        prepared: told what each worker says of itself before it computes.
        apart: one worker is a process of its own, too, and each item may well end it.
    """
    if workers <= 1 and not apart:
        prepared(function.prepare())
        queue = as_queue(items)
        while queue:
            item = queue.popleft()
            if not skip(item):
                yield item, function(item)
        return
    yield from _Processes(function, workers, deadly=apart).results(items, skip, prepared)


class _Processes(WorkerPool):
    """Each worker is a pool of one process: so it is known which one died, and the others are left alone."""

    def __init__(self, function: ItemFunction, workers: int, *, deadly: bool) -> None:
        super().__init__(workers, deadly=deadly)
        self._function = function
        self._pools: dict[ProcessPoolExecutor, int] = {}  # with the number of its worker

    def spawn(self) -> tuple[ProcessPoolExecutor, Future[object]]:
        pool = _pool(1)
        number = min(set(range(len(self._pools) + 1)) - set(self._pools.values()))  # that of a worker that died, if any
        self._pools[pool] = number
        with _workers_spared(), _equal_hashes():
            return pool, pool.submit(_prepare, self._function, number)

    def submit(self, worker: ProcessPoolExecutor, item: Any) -> Future[Any]:
        try:
            return worker.submit(_compute, item)
        except BrokenProcessPool as error:  # it died while it was free
            lost: Future[Any] = Future()
            lost.set_exception(error)
            return lost

    def wait_first(self, futures: list[Future[Any]], patient: bool) -> Future[Any]:
        return wait(futures, return_when=FIRST_COMPLETED).done.pop()

    def outcome(self, future: Future[Any]) -> tuple[Any, str | None]:
        try:
            return future.result(), None
        except BrokenProcessPool as error:
            return None, str(error)

    def terminate(self, worker: ProcessPoolExecutor) -> None:
        del self._pools[worker]
        _stop(worker)

    def shutdown(self) -> None:
        for pool in self._pools:
            _stop(pool)


def _pool(workers: int) -> ProcessPoolExecutor:
    if _UNWARNED not in sys.warnoptions:
        sys.warnoptions.append(_UNWARNED)
    if not os.access(sys.executable, os.X_OK):  # else the workers end at once, and the pool may wait for them
        raise UserError(
            f"no worker can be started: {sys.executable} may not be executed by this user; run the same command with "
            "--workers 1"
        )
    try:
        return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _end_with_driver)
    except OSError as error:
        raise UserError(
            f"several processes need locks in shared memory ({error.strerror}): make /dev/shm writable, or run the "
            "same command with --workers 1"
        ) from error


@contextlib.contextmanager
def _workers_spared() -> Iterator[None]:
    """Keep Ctrl-C, which a terminal sends to workers as well, from those that are begun in the block.

    A worker that imports what it needs would print a traceback; see `_end_with_driver` for the time after that.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    resource_tracker.ensure_running()  # which is begun with a mask of its own
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _equal_hashes() -> Iterator[None]:
    """Let workers that are begun in the block have `HASHES` in their environment; this process has its own again."""
    with _environment:
        before = {name: os.environ.get(name) for name in HASHES}
        os.environ.update(HASHES)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def _stop(pool: ProcessPoolExecutor) -> None:
    """End the workers at once: what they compute is lost anyway, and a user who pressed Ctrl-C waits for nothing."""
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()
    for process in processes:
        process.join()


_function: ItemFunction | None = None
_number = 0


def worker_number() -> int:
    """The number of this worker, from 0, by which it takes one of several cards."""
    return _number


def _prepare(function: ItemFunction, number: int) -> object:
    global _function, _number  # noqa: PLW0603
    _number = number
    _function = function
    return function.prepare()


def _compute(item: Any) -> Any:
    assert _function is not None
    return compute(_function, item)


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
    pool = _pool(workers)
    submitted: deque[Future[Result]] = deque()
    try:
        for item in items:
            with _workers_spared(), _equal_hashes():
                submitted.append(pool.submit(function, item))
            if len(submitted) > 2 * workers:
                yield submitted.popleft().result()
        while submitted:
            yield submitted.popleft().result()
    except BrokenProcessPool as error:
        raise UserError(
            "a worker process was killed (out of memory, or a crash in a library?): run the same command again"
        ) from error
    finally:
        _stop(pool)


def _end_with_driver() -> None:
    """Leave Ctrl-C to the driver, which terminates the workers, and end with it."""
    interruption.left_to_driver()
    threading.Thread(target=_exit_after_parent, daemon=True).start()


def _exit_after_parent() -> None:
    """A killed driver cannot terminate its workers, and they would wait for items for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def default_workers(device: str = "cpu") -> int:
    """The cores that this process may use, or 1 where processes cannot share locks; with CUDA, one for each card."""
    if device == "cuda":
        return max(1, cards())
    return _cores() if _has_locks() else 1


def most_workers(asked: int) -> int:
    """How many of the processes that are asked for this machine can have: more would use up its memory as they begin.

    One for each card, the default there, is never too many.
    """
    most = _PER_CORE * _cores()
    return asked if asked <= most else min(asked, max(most, cards()))


def refuse_too_many(workers: int) -> None:
    """Refuse more processes than this machine can have."""
    if (most := most_workers(workers)) < workers:
        raise UserError(
            f"{count_of(workers, 'worker')} are asked for, and {count_of(_cores(), 'core')} take at most {most}: "
            "give --workers, or workers of pipeline.toml, a smaller number, or leave it out"
        )


def _cores() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, math.ceil(_quota())))


def _quota() -> float:
    """How many cores the limit of a container amounts to, which no number of cores shows; without one, very many."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = (_CGROUP / "cpu.max").read_text(encoding="ascii").split()
        return sys.maxsize if quota == "max" else int(quota) / int(period)
    with contextlib.suppress(OSError, ValueError):  # of version 1
        in_us, of_us = (int((_CGROUP / f"cpu/cpu.cfs_{name}_us").read_bytes()) for name in ("quota", "period"))
        return in_us / of_us if in_us > 0 else sys.maxsize
    return sys.maxsize


def _has_locks() -> bool:
    try:
        multiprocessing.get_context("fork").Lock()  # one of "spawn" begins the tracker, which is not yet `_UNWARNED`
    except OSError:
        return False
    return True


def cards() -> int:
    """CUDA devices that this process sees."""
    import torch

    return torch.cuda.device_count()
