"""A Ray cluster as executor: an actor a core keeps the prepared task, and is handed one item at a time.

Whatever is lost with a worker or a node is done again by the others. Actors live as long as the driver's connection,
so that a driver that is killed leaves none behind.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import UserError
from pipeline.executor.processes import LIVES, LostWorker, Task

PATIENCE = 300.0  # seconds without any worker, after which the cluster is given up
REACH = 5.0  # seconds for an address to answer

# Read by Ray when it is imported: no usage statistics, no log lines of its C++ side, no minute of retries for a
# cluster that is not there, and the whole package for the workers even if some .gitignore names a file of it.
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_NUM_REDIS_GET_RETRIES": "3",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_RUNTIME_ENV_IGNORE_GITIGNORE": "1",
}


@contextlib.contextmanager
def connected(address: str, workers: int | None, device: str, gpu_share: float) -> Iterator[RayPool]:
    """Join the cluster as a driver, for as long as the context lasts.

    Args:
        address: HOST:PORT of the head, or auto for the cluster that runs on this machine.
        workers: actors; by default one a core, or one on each share of a GPU. More than the cluster has room for
            wait for nodes that join.
        device: auto (the cluster's GPUs, if it has any), cpu or cuda.
        gpu_share: of a card for each worker, at most 1.

    Raises:
        UserError: Ray is not installed, no cluster answers, it has no GPU, or it fails.
    """
    os.environ.update(SETTINGS)
    try:
        import ray
    except ImportError as error:
        raise UserError("--executor ray needs Ray: run pip install 'nas-proxy-bench[ray]'") from error
    # Ray prints what happens to its workers to stdout, even where log_to_driver is off.
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        _join(address)
        try:
            yield pool_of(ray.cluster_resources(), workers, device, gpu_share)
        except ray.exceptions.RayError as error:
            raise UserError(f"the Ray cluster failed ({_last_line(error)}): run the same command again") from error
        finally:
            ray.shutdown()


def _join(address: str) -> None:
    import ray

    if address != "auto":
        _reach(address)
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            runtime_env={
                "py_modules": [str(Path(__file__).parents[1])],
                "excludes": ["**/__pycache__/"],
                "env_vars": {"OMP_NUM_THREADS": "1"},
            },
        )
    except ConnectionError as error:
        raise _unreachable(address) from error
    except (RuntimeError, ValueError) as error:
        raise UserError(f"Ray refuses the connection to {address}: {error}") from error


def _reach(address: str) -> None:
    """Ray itself would try for a minute."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise UserError(f"--address {address}: write it as HOST:PORT, or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACH).close()
    except (OSError, OverflowError) as error:
        raise _unreachable(address) from error


def _unreachable(address: str) -> UserError:
    if address == "auto":
        return UserError("no Ray cluster runs here: start one with `ray start --head`, or name one with --address")
    return UserError(
        f"no Ray cluster answers at {address}: start one with `ray start --head`, and join this machine to it with "
        "`ray start --address HOST:PORT`"
    )


def pool_of(resources: dict[str, float], workers: int | None, device: str, gpu_share: float) -> RayPool:
    gpus = resources.get("GPU", 0.0)
    if device == "cuda" and not gpus:
        raise UserError("--device cuda: the Ray cluster has no GPU; use --device cpu, or auto")
    room = int(resources.get("CPU", 0.0))
    if device == "cpu" or not gpus:
        return RayPool(workers or max(room, 1), "cpu", "cpu", 0.0)
    kind = "accelerator_type:"
    cards = ", ".join(sorted(name.removeprefix(kind) for name in resources if name.startswith(kind)))
    return RayPool(workers or max(min(room, int(gpus / gpu_share)), 1), "cuda", cards or "cuda", gpu_share)


class _Worker:
    """The actor."""

    def prepare(self, task: Task) -> None:
        """Keep the task, and whatever all items share."""
        self.task = task
        task.prepare()

    def work(self, item: Any) -> Any:
        """The result for one item."""
        return self.task(item)


@dataclass
class RayPool:
    """The cluster that this process is joined to; see `executor.Pool`."""

    workers: int
    device: str
    device_name: str
    gpu_share: float

    def run(self, task: Task, items: Sequence[Any], skip: Callable[[Any], bool]) -> Iterator[tuple[Any, Any]]:
        """Yield (item, result) for each item, as they are ready.

        Raises:
            UserError: there is no worker for minutes, or each one dies before it is ready.
        """
        crew = _Crew(task, self.workers, self.gpu_share)
        queue, deaths = deque(items), Counter[Any]()
        crew.hire(min(self.workers, len(queue)))
        while True:
            crew.hand_out(queue, skip)
            if not queue and not crew.at_work:
                return
            for item, result in crew.results():
                if result is _LOST:
                    deaths[item] += 1
                    if deaths[item] <= LIVES:
                        queue.appendleft(item)
                        continue
                crew.hand_out(queue, skip)  # before the driver is busy with the result
                yield item, LostWorker(deaths[item]) if result is _LOST else result


_LOST = object()  # instead of a result: its worker is gone, or the node that kept it


class _Crew:
    """The actors of a run: those that prepare, those at work, those that are free."""

    def __init__(self, task: Task, workers: int, gpu_share: float) -> None:
        import ray

        self._kind = ray.remote(_Worker).options(num_cpus=1, num_gpus=gpu_share)
        self._task = ray.put(task)
        self._preparing: dict[Any, Any] = {}  # what Ray promises -> the actor
        self._working: dict[Any, tuple[Any, Any]] = {}  # what Ray promises -> the actor, the item
        self._free: list[Any] = []
        self._stillborn, self._most = 0, (LIVES + 1) * workers  # died before they were ready, in a row

    def hire(self, count: int) -> None:
        """Ask for actors; they come when the cluster has room for them."""
        for _ in range(count):
            actor = self._kind.remote()
            self._preparing[actor.prepare.remote(self._task)] = actor

    @property
    def at_work(self) -> bool:
        """Whether an item is out."""
        return bool(self._working)

    def hand_out(self, queue: deque[Any], skip: Callable[[Any], bool]) -> None:
        """Give each free actor one item, no more: what is not begun can still be skipped, or go to a faster one."""
        while self._free and queue:
            item = queue.popleft()
            if not skip(item):
                actor = self._free.pop()
                self._working[actor.work.remote(item)] = actor, item

    def results(self) -> Iterator[tuple[Any, Any]]:
        """Wait until an actor is ready, done or lost; yield (item, result or _LOST) if an item was out.

        Raises:
            UserError: there has been no worker for long, or each one dies before it is ready.
        """
        import ray

        waited_for = [*self._preparing, *self._working]
        ready, _ = ray.wait(waited_for, num_returns=1, timeout=None if self._working else PATIENCE)
        if not ready:
            raise UserError(
                f"the Ray cluster had no room for a worker in {PATIENCE:.0f} s (busy, or its nodes are gone): what is "
                "done is stored, the same command goes on"
            )
        (promise,) = ready
        result, died = _outcome(promise)
        if promise in self._preparing:
            self._free_or_replace(self._preparing.pop(promise), died)
            self._stillborn = self._stillborn + 1 if died else 0
            if self._stillborn >= self._most:
                raise UserError(f"the workers of the Ray cluster die before they are ready: {died}")
        else:
            actor, item = self._working.pop(promise)
            self._free_or_replace(actor, died)
            yield item, _LOST if died else result

    def _free_or_replace(self, actor: Any, died: str | None) -> None:
        import ray

        if died is None:
            self._free.append(actor)
        else:
            ray.kill(actor)  # it may be out of reach only
            self.hire(1)


def _outcome(promise: Any) -> tuple[Any, str | None]:
    """The result, or why there will be none.

    Raises:
        Exception: whatever the task raised.
    """
    import ray
    from ray import exceptions

    try:
        return ray.get(promise), None
    except exceptions.RayTaskError as error:
        raise error.cause from None
    except (
        exceptions.RayActorError, exceptions.ObjectLostError, exceptions.NodeDiedError, exceptions.OutOfMemoryError,
    ) as error:  # fmt: skip
        return None, _last_line(error)


def _last_line(error: Exception) -> str:
    return ([line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__])[-1]
