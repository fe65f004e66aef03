"""Several processes on one card, taking turns or sharing it by MPS; their start-up is left out."""

from __future__ import annotations

import multiprocessing
import os
import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.bench.gpu import mps
from tests.bench.gpu.agreement import stored
from tests.bench.gpu.runner import partly
from tests.bench.gpu.setting import Row, Setting, Training, networks

STARTING = 40.0  # seconds that processes may take to be ready
LEAST = 12.0  # seconds that a way needs, the start of its processes with them


def workers(setting: Setting) -> Row:
    """Milliseconds per architecture of one, two, ... processes, without MPS and, where it works, with it."""
    row: Row = {name: {} for name in setting.spaces}
    ways = [(name, count) for count in setting.processes for name in setting.spaces]
    for number, (name, count) in enumerate(ways):
        _add(setting, row, name, f"{count}_without_mps", count, 2 * len(ways) - number, None)
    try:
        with mps.daemon() as logs:
            mps.require_kernel(logs)
            for number, (name, count) in enumerate(ways):
                _add(setting, row, name, f"{count}_with_mps", count, len(ways) - number, logs)
            row["mps"] = mps.last_lines(logs)
    except mps.NoMpsError as error:
        row["mps"] = str(error)
    return row


def _add(setting: Setting, row: Row, name: str, key: str, count: int, ways: int, logs: Path | None) -> None:
    """Measure one way in its share of the time that is left for `ways`."""
    seconds = setting.left / ways
    if setting.left < LEAST:
        row.setdefault("left_out", []).append(f"{name} {key}")
        return
    try:
        found = measured(setting, name, count, max(LEAST, seconds), logs)
    except (OSError, RuntimeError, queue.Empty) as error:
        found = {"error": f"{type(error).__name__}: {error}"[:300]}
    plain_seconds = stored(setting, name)[1]
    if plain_seconds and found.get("ms_per_architecture"):
        found["ratio_to_plain"] = 1e3 * plain_seconds / found["ms_per_architecture"]
    row[name][key] = found
    partly(setting, row)


def measured(setting: Setting, name: str, count: int, seconds: float, logs: Path | None) -> Row:
    """Start processes, let all of them train, and count in the time in which all did.

    Args:
        setting: how to train.
        name: of the space.
        count: processes.
        seconds: for all, the start with them.
        logs: of MPS, where it runs.
    """
    ends = time.monotonic() + seconds
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(count + 1, timeout=STARTING), context.Queue()
    # what only this process needs is not handed along: a graph's class is found again there
    handed = replace(setting, graph=_graph_name(setting.graph))  # type: ignore[arg-type]
    started = [
        context.Process(target=_train, args=(handed, name, number, ends, barrier, answers), daemon=True)
        for number in range(count)
    ]
    for process in started:
        process.start()
    try:
        barrier.wait()
        servers = mps.servers() if logs else None
        found = [answers.get(timeout=seconds + STARTING) for _ in started]
    finally:
        for process in started:
            process.join(3)
            process.kill()
    size = setting.sizes[0]
    row = {**rates([done for done, _ in found], size), "errors": sorted({e for _, errors in found for e in errors})[:3]}
    if logs is not None:
        row["servers"] = servers
    return row


def rates(done: Sequence[Sequence[float]], size: int) -> Row:
    """The sum of the processes' rates in the time in which all of them had a full card.

    Args:
        done: when each network was done, by process, on the machine's clock; all were stopped.
        size: networks that train at a time in a process.
    """
    if any(len(times) <= size for times in done):
        return {"ms_per_architecture": None, "why": f"networks by process: {[len(times) for times in done]}"}
    begin, end = max(times[size - 1] for times in done), min(times[-1] for times in done)
    rate, counts = 0.0, []
    for times in done:
        within = [moment for moment in times if begin <= moment <= end]
        counts.append(len(within) - 1)
        if len(within) < 2:
            return {"ms_per_architecture": None, "why": "no time in which all trained"}
        rate += (len(within) - 1) / (within[-1] - within[0])
    return {"ms_per_architecture": 1e3 / rate, "networks": counts, "seconds": end - begin}


def _train(setting: Any, name: str, number: int, ends: float, barrier: Any, answers: Any) -> None:
    import torch

    from pipeline import executor

    os.environ.update(executor.CUDA_SETTINGS | dict(os.environ))
    torch.set_num_threads(1)
    setting = replace(setting, graph=_graph(setting.graph))
    size = setting.sizes[0]
    proxy, on = setting.proxy(), setting.card(size)
    warming = (ends - time.monotonic()) / 3
    Training(proxy, networks(name, 2 * size, first=10_000 * (number + 1)), on).run(time.monotonic() + warming)
    barrier.wait()
    training = Training(proxy, networks(name, 100 * size, distinct=setting.plain), on)
    training.run(max(ends, time.monotonic() + LEAST / 4))
    answers.put((training.done, training.errors[:3]))


def _graph_name(graph: Callable[[], Any]) -> str:
    return f"{graph.__module__}:{graph.__qualname__}"


def _graph(name: str) -> Callable[[], Any]:
    import torch

    module, _, path = name.partition(":")
    if path == "CUDAGraph":  # where torch says that it is defined differs by version
        return torch.cuda.CUDAGraph
    import importlib

    made: Callable[[], Any] = getattr(importlib.import_module(module), path)
    return made
