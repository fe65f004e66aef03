"""Where a task is computed: in this process, in several, or on a Ray cluster; the results are the same bits."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.errors import UserError
from pipeline.executor.crew import LIVES, LostWorker, Results, Task
from pipeline.executor.processes import default_workers, ordered, run, worker

__all__ = [
    "LIVES", "PROCESSES", "LostWorker", "Pool", "Results", "Task", "Where", "default_workers", "opened", "ordered",
    "run", "worker",
]  # fmt: skip


@dataclass(frozen=True)
class Where:
    """An executor.

    Args:
        kind: inline (this process), processes, or ray.
        address: of the Ray cluster: HOST:PORT, or auto for the one that runs on this machine.
        gpu_share: of a card for each of Ray's workers, where the device is cuda.
    """

    kind: str = "processes"
    address: str = "auto"
    gpu_share: float = 1.0


PROCESSES = Where()


class Pool(Protocol):
    """An executor that is ready to work.

    `device` is torch's (cpu or cuda), `device_name` what the record calls it: cpu, or the card's name.
    """

    workers: int
    device: str
    device_name: str

    def run(self, task: Task, items: Iterable[Any], skip: Callable[[Any], bool]) -> Results:
        """See `processes.run`."""
        ...


@dataclass
class _Local:
    """This process, or several on this machine."""

    workers: int
    device: str
    device_name: str

    def run(self, task: Task, items: Iterable[Any], skip: Callable[[Any], bool]) -> Results:
        return run(task, items, self.workers, skip)


@contextlib.contextmanager
def opened(where: Where, workers: int | None, device: str) -> Iterator[Pool]:
    """The executor, which ends with the context whatever it is at.

    Args:
        where: which one.
        workers: how many; by default one a core, or one a GPU (of Ray: on each share of one).
        device: auto, cpu or cuda.

    Raises:
        UserError: Ray is not installed, or does not answer; cuda is asked for and not there.
    """
    if where.kind == "ray":
        from pipeline.executor import cluster

        with cluster.connected(where.address, workers, device, where.gpu_share) as pool:
            yield pool
    else:
        chosen, device_name = device_of(device)
        count = 1 if where.kind == "inline" else workers or default_workers(chosen)
        yield _Local(count, chosen, device_name)


def device_of(name: str) -> tuple[str, str]:
    """The device of this machine, and its name.

    Raises:
        UserError: cuda is asked for and not there.
    """
    if name != "cpu":
        import torch

        # read when a card is first used: with the default of 8 queues, streams would wait for one another
        os.environ.setdefault("CUDA_DEVICE_MAX_CONNECTIONS", "32")
        if torch.cuda.is_available():
            return "cuda", torch.cuda.get_device_name()
        if name == "cuda":
            raise UserError("--device cuda: torch finds no CUDA device here; use --device cpu, or auto")
    return "cpu", "cpu"
