"""The engine beside the plain eager loop, whole machine against whole machine, on three spaces.

The plain loop trains one network at a time with as many threads as there are cores; the engine trains one per core.
Both live in processes of their own and take turns of some networks: what slows the machine slows both, and a slow
network leaves a core idle at the end of a turn only.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import spearmanr

if TYPE_CHECKING:
    from pipeline.proxies.contract import Proxy

SPACES = {
    "nasbench201": ("topology", "regression-n101"),
    "nasbench101": ("cell", "regression-n101"),
    "nasbench_nlp": ("cells", "regression-nlp"),
}
TURN = 3  # networks per core
_FOR_GOOD = ExitStack()  # a context that nobody holds ends at once, and with it the plain loop


def compared(name: str, count: int) -> dict[str, float]:
    """Architectures per minute of both, their ratio, the memory of one process each, and how far their scores agree.

    Of a training in float32 that is rho, and the median relative difference; tests/proxies/regression/test_fidelity.py
    compares losses.

    Args:
        name: of the benchmark.
        count: architectures.
    """
    cores = os.cpu_count() or 1
    space, preset = SPACES[name]
    spawn = multiprocessing.get_context("spawn")
    seconds, scores, peaks = [0.0, 0.0], [[], []], [0.0, 0.0]  # type: ignore[var-annotated]
    with (
        ProcessPoolExecutor(1, spawn, _prepare, (cores, True)) as plain,
        ProcessPoolExecutor(cores, spawn, _prepare, (1, False)) as engine,
    ):
        for pool, workers in ((plain, 1), (engine, cores)):
            list(pool.map(_warm, range(workers)))
        for first in range(0, count, TURN * cores):
            jobs = [(name, space, preset, number) for number in range(first, min(count, first + TURN * cores))]
            for which, pool in enumerate((plain, engine)):
                started = time.perf_counter()
                found = list(pool.map(_score, jobs))
                seconds[which] += time.perf_counter() - started
                scores[which] += [value for value, _ in found]
                peaks[which] = max(peaks[which], *(peak for _, peak in found))
    done = len(scores[0])
    return {
        "architectures": done,
        "plain_per_minute": 60 * done / seconds[0],
        "engine_per_minute": 60 * done / seconds[1],
        "ratio": seconds[0] / seconds[1],
        "agreement_rho": float(spearmanr(scores[0], scores[1], nan_policy="omit").statistic),
        "score_apart": float(np.nanmedian(np.abs(np.divide(scores[0], scores[1]) - 1))),
        "plain_peak_mb": peaks[0],
        "engine_peak_mb": peaks[1],
    }


def _prepare(threads: int, plainly: bool) -> None:
    import torch

    torch.set_num_threads(threads)
    if plainly:
        from tests.fixtures import plain

        _FOR_GOOD.enter_context(plain.loop())


def _warm(_: int) -> None:
    """Import what scoring imports, in every process of a pool."""
    from pipeline.proxies.regression import sequences, training  # noqa: F401

    time.sleep(0.5)


@cache
def _proxy(preset: str) -> Proxy:
    from pipeline.proxies import regression

    return regression.load(preset)


def _score(job: tuple[str, str, str, int]) -> tuple[float, float]:
    from pipeline import benchmarks

    name, space, preset, number = job
    benchmark = benchmarks.load(name)
    assert benchmark.sample is not None
    spec: dict[str, Any] = dict(benchmark.sample(space, random.Random(number)))
    score = _proxy(preset).score(lambda: benchmark.build(space, spec), str(number), 0, "cpu")
    value = float("nan") if score.value is None else score.value
    return value, _peak()


def _peak() -> float:
    """Megabytes that this process held at most; `ru_maxrss` would be the parent's where that was larger."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return float(found[1]) / 1024 if found else float("nan")
