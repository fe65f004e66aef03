"""Executors: compute items in this process, in several, or on a Ray cluster.

On one instruction set the results are the same bits.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import UserError, unknown
from pipeline.executor.processes import (
    cards,
    default_workers,
    most_workers,
    ordered,
    refuse_too_many,
    run,
    worker_number,
)
from pipeline.executor.worker_pool import (
    CUDA_SETTINGS,
    MAX_LOSSES,
    ItemFunction,
    LostWorker,
    Prepared,
    Results,
    ignore,
    renew_worker,
)

__all__ = [
    "CUDA_SETTINGS", "DEVICES", "MAX_LOSSES", "PROCESSES", "Executor", "ItemFunction", "LostWorker", "Pool", "Prepared",
    "Results", "default_workers", "most_workers", "opened", "ordered", "refuse_too_many", "renew_worker", "run",
    "worker_number",
]  # fmt: skip


@dataclass(frozen=True)
class Executor:
    """An executor.

    Args:
        kind: inline (this process), processes, or ray.
        address: of the Ray cluster: HOST:PORT, or auto for the one that runs on this machine.
        gpu_share: of a card for each of Ray's workers, where the device is cuda.
    """

    kind: str = "processes"
    address: str = "auto"
    gpu_share: float = 1.0


PROCESSES = Executor()

DEVICES = ("auto", "cpu", "cuda")
"""The names that `device_of` takes."""


class Pool(Protocol):
    """An executor that is ready.

    `device` is torch's (cpu or cuda), `device_name` what the lake calls it: cpu, or the card's name. `sharing`
    workers are on one card; one is on the cpu, where each has a core.
    """

    workers: int
    device: str
    device_name: str

    @property
    def sharing(self) -> int: ...

    def run(
        self, function: ItemFunction, items: Iterable[Any], skip: Callable[[Any], bool], prepared: Prepared = ignore
    ) -> Results:
        """See `processes.run`."""
        ...


@dataclass
class _LocalPool:
    """This process, or several on this machine; `apart`, a single worker is a process of its own as well."""

    workers: int
    device: str
    device_name: str
    apart: bool

    @property
    def sharing(self) -> int:
        return math.ceil(self.workers / cards()) if self.device == "cuda" else 1

    def run(
        self, function: ItemFunction, items: Iterable[Any], skip: Callable[[Any], bool], prepared: Prepared = ignore
    ) -> Results:
        return run(function, items, self.workers, skip, prepared, apart=self.apart)


@contextlib.contextmanager
def opened(executor: Executor, workers: int | None, device: str, *, apart: bool = False) -> Iterator[Pool]:
    """The executor, which ends with the context, finished or not.

    Args:
        workers: how many; by default as `default_workers` says (of Ray: one on each share of a GPU).
        device: auto, cpu or cuda.
        apart: compute in other processes than this one even with one worker, unless `executor` is inline: for code that
            may take its process down.

    Raises:
        UserError: Ray is not installed, or does not answer; cuda is asked for and not there; more workers than this
            machine can have; the working folder has been removed.
    """
    Path.cwd()  # without one, workers do not start, and torch's libraries end the process
    if executor.kind == "ray":
        from pipeline.executor import cluster

        with cluster.connected(executor.address, workers, device, executor.gpu_share, deadly=apart) as pool:
            yield pool
    else:
        chosen, device_name = device_of(device)
        if workers is not None and executor.kind != "inline":
            refuse_too_many(workers)
        count = 1 if executor.kind == "inline" else workers or default_workers(chosen)
        yield _LocalPool(count, chosen, device_name, apart and executor.kind != "inline")


def device_of(name: str) -> tuple[str, str]:
    """The device of this machine, and its name.

    Args:
        name: auto (a card, if it computes), cpu or cuda.

    Raises:
        UserError: an unknown name, or cuda is asked for and not there, or does not compute.
    """
    if name not in DEVICES:
        raise unknown("device", name, DEVICES)
    if name != "cpu":
        import torch

        for variable, value in CUDA_SETTINGS.items():
            os.environ.setdefault(variable, value)
        if torch.cuda.is_available():
            try:
                torch.ones(8, device="cuda").sum().item()
                return "cuda", torch.cuda.get_device_name()
            except RuntimeError as error:  # a driver that is too old, a card that others have taken
                if name == "cuda":
                    reason = str(error).partition("\n")[0]
                    raise UserError(f"--device cuda: the card does not compute ({reason}); use --device cpu") from error
                return "cpu", "cpu"
        if name == "cuda":
            raise UserError("--device cuda: torch finds no CUDA device here; use --device cpu, or auto")
    return "cpu", "cpu"
