"""A Ray cluster as executor: one actor per core keeps the prepared function, and receives one item at a time.

What is lost with a worker or a node is computed by the others. Actors live as long as the driver's connection,
so that a driver that is killed leaves none behind.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import UserError
from pipeline.executor.worker_pool import (
    CUDA_SETTINGS,
    HASHES,
    ItemFunction,
    Prepared,
    Results,
    WorkerPool,
    compute,
    ignore,
)

NO_WORKER_SECONDS = 300.0  # without any worker, after which the cluster is given up
CONNECT_SECONDS = 5.0  # for an address to answer

# Read by Ray when it is imported: no usage statistics, of its C++ side neither log lines nor a stack at SIGTERM, no
# minute of retries for a cluster that is not there, and the whole package for the workers even if some .gitignore names
# a file of it.
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DISABLE_FAILURE_SIGNAL_HANDLER": "1",
    "RAY_NUM_REDIS_GET_RETRIES": "3",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_RUNTIME_ENV_IGNORE_GITIGNORE": "1",
}


@contextlib.contextmanager
def connected(
    address: str, workers: int | None, device: str, gpu_share: float, *, deadly: bool = False
) -> Iterator[RayPool]:
    """Join the cluster as a driver, for as long as the context lasts.

    Args:
        address: HOST:PORT of the head, or auto for the cluster that runs on this machine.
        workers: actors; by default one per core, or one on each share of a GPU. More than the cluster has room for
            wait for nodes that join.
        device: auto (the cluster's GPUs, if it has any), cpu or cuda.
        gpu_share: of a card for each worker, at most 1.
        deadly: see `WorkerPool`.

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
            yield pool_of(ray.cluster_resources(), workers, device, gpu_share, deadly=deadly)
        except ray.exceptions.RayError as error:
            raise UserError(f"the Ray cluster failed ({_last_line(error)}): run the same command again") from error
        finally:
            ray.shutdown()


def _join(address: str) -> None:
    import ray

    if address != "auto":
        _reach(address)
    try:
        with _silent():
            ray.init(
                address=address,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                runtime_env={
                    "py_modules": [str(Path(__file__).parents[1])],
                    "excludes": ["**/__pycache__/"],
                    "env_vars": {"OMP_NUM_THREADS": "1", **CUDA_SETTINGS, **HASHES},
                },
            )
    except ConnectionError as error:
        raise _unreachable(address) from error
    except (RuntimeError, ValueError) as error:
        raise UserError(f"Ray refuses the connection to {address}: {error}") from error


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Nothing on stderr from the C++ side either, which reports there that it is silenced."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _reach(address: str) -> None:
    """Ray itself would try for a minute."""
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal()) or "/" in host:
        raise UserError(f"--address {address}: write it as HOST:PORT, or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _unreachable(address) from error


def _unreachable(address: str) -> UserError:
    if address == "auto":
        return UserError("no Ray cluster runs here: start one with `ray start --head`, or name one with --address")
    return UserError(
        f"no Ray cluster answers at {address}: start one with `ray start --head`, and join this machine to it with "
        "`ray start --address HOST:PORT`"
    )


def pool_of(
    resources: dict[str, float], workers: int | None, device: str, gpu_share: float, *, deadly: bool = False
) -> RayPool:
    gpus = resources.get("GPU", 0.0)
    if device == "cuda" and not gpus:
        raise UserError("--device cuda: the Ray cluster has no GPU; use --device cpu, or auto")
    room = int(resources.get("CPU", 0.0))
    if device == "cpu" or not gpus:
        return RayPool(workers or max(room, 1), "cpu", "cpu", 0.0, deadly)
    kind = "accelerator_type:"
    cards = ", ".join(sorted(name.removeprefix(kind) for name in resources if name.startswith(kind)))
    return RayPool(workers or max(min(room, int(gpus / gpu_share)), 1), "cuda", cards or "cuda", gpu_share, deadly)


class _Actor:
    """Computes items on a node of the cluster."""

    def prepare(self, function: ItemFunction) -> object:
        """Keep the function, and whatever all items share; returns what it says of this worker."""
        self.function = function
        return function.prepare()

    def compute(self, item: Any) -> Any:
        """The result for one item."""
        return compute(self.function, item)


@dataclass
class RayPool:
    """The cluster that this process is joined to; see `executor.Pool`, and `WorkerPool` for `deadly`."""

    workers: int
    device: str
    device_name: str
    gpu_share: float
    deadly: bool = False

    @property
    def sharing(self) -> int:
        return max(1, round(1 / self.gpu_share)) if self.gpu_share else 1

    def run(
        self, function: ItemFunction, items: Iterable[Any], skip: Callable[[Any], bool], prepared: Prepared = ignore
    ) -> Results:
        """Yield (item, result) for each item, as they are ready.

        Raises:
            UserError: there is no worker for minutes, or each one dies before it is ready.
        """
        return _Actors(function, self.workers, self.gpu_share, deadly=self.deadly).results(items, skip, prepared)


class _Actors(WorkerPool):
    """A worker is an actor, a future what Ray calls an object reference."""

    def __init__(self, function: ItemFunction, workers: int, gpu_share: float, *, deadly: bool) -> None:
        import ray

        super().__init__(workers, deadly=deadly)
        self._kind = ray.remote(_Actor).options(num_cpus=1, num_gpus=gpu_share)
        self._function = ray.put(function)

    def spawn(self) -> tuple[Any, Any]:
        """The actor comes when the cluster has room for it."""
        actor = self._kind.remote()
        return actor, actor.prepare.remote(self._function)

    def submit(self, worker: Any, item: Any) -> Any:
        return worker.compute.remote(item)

    def wait_first(self, futures: list[Any], patient: bool) -> Any | None:
        import ray

        ready, _ = ray.wait(futures, num_returns=1, timeout=None if patient else NO_WORKER_SECONDS)
        return ready[0] if ready else None

    def outcome(self, future: Any) -> tuple[Any, str | None]:
        import ray
        from ray import exceptions

        try:
            return ray.get(future), None
        except exceptions.RayTaskError as error:
            raise error.cause from None
        except (
            exceptions.RayActorError, exceptions.ObjectLostError, exceptions.NodeDiedError, exceptions.OutOfMemoryError,
        ) as error:  # fmt: skip
            return None, _last_line(error)

    def terminate(self, worker: Any) -> None:
        import ray

        ray.kill(worker)

    def shutdown(self) -> None:
        """The actors end with the driver's connection."""


def _last_line(error: Exception) -> str:
    return ([line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__])[-1]
