"""The engine in its steady state: start-up, filling and draining are left out."""

from __future__ import annotations

import gc
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from pipeline.proxies.contract import Proxy
from tests.bench import floors
from tests.bench.gpu.agreement import stored
from tests.bench.gpu.runner import partly
from tests.bench.gpu.setting import Row, Setting, Training, networks


def engine(setting: Setting) -> Row:
    """Milliseconds per architecture at several sizes, on the architectures that the plain loop was timed on."""
    row: Row = {}
    settings = len(setting.spaces) * len(setting.sizes) * setting.repeats
    done = 0
    for name in setting.spaces:
        proxy = setting.proxy()
        scores, plain_seconds = stored(setting, name)
        floor = 1e3 * max(floors.mean(name, 4, setting.preset).seconds("H100"))
        row[name] = {"plain_ms": plain_seconds and 1e3 * plain_seconds, "h100_floor_ms": floor}
        for repeat in range(setting.repeats):  # the sizes take turns: what slows the machine slows all
            for size in setting.sizes:
                share = setting.left / max(1, settings - done)
                done += 1
                measured = steady(setting, proxy, name, size, len(scores) or setting.plain, share)
                if measured.get("ms_per_architecture"):
                    measured["times_floor"] = measured["ms_per_architecture"] / floor
                    if plain_seconds:
                        measured["ratio_to_plain"] = 1e3 * plain_seconds / measured["ms_per_architecture"]
                row[name][f"size_{size}_run_{repeat + 1}"] = measured
                partly(setting, row)
    return row


def steady(setting: Setting, proxy: Proxy, name: str, size: int, distinct: int, seconds: float) -> Row:
    """One setting, for as many networks as fit the seconds."""
    on = setting.card(size)
    training = Training(proxy, networks(name, max(setting.many, 8 * size), distinct), on)
    if setting.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    with utilisation(setting) as used:
        training.run(time.monotonic() + seconds - 2)
    row: Row = {
        "networks": len(training.done), "errors": sorted(set(training.errors))[:3],
        "seconds_to_first_group": training.done[0] - began if training.done else None,
        **rate(training.done, size, training.stopped), **used,
    }  # fmt: skip
    if setting.device == "cuda":
        row["peak_gb"] = torch.cuda.max_memory_reserved() / 1e9
    del training, on
    gc.collect()
    if setting.device == "cuda":
        torch.cuda.empty_cache()
    return row


def rate(done: Sequence[float], size: int, stopped: bool) -> Row:
    """Milliseconds per network while the card was full, and start-up was over.

    Args:
        done: when each network was done.
        size: networks that train at a time. Those that began together are done together; then they come one by one.
        stopped: the last ones trained in full company, since the training was stopped.
    """
    end = len(done) if stopped else len(done) - size
    begin = min(2 * size, end - 2 * size) if end >= 3 * size else 0
    if begin < size:
        return {"ms_per_architecture": None, "why": f"{len(done)} networks are no steady state"}
    each = [1e3 * (done[n + size - 1] - done[n - 1]) / size for n in range(begin, end - size + 1, size)]
    return {
        "ms_per_architecture": 1e3 * (done[end - 1] - done[begin - 1]) / (end - begin),
        f"ms_by_{size}": {"fastest": min(each), "median": statistics.median(each), "slowest": max(each)},
        "steady_networks": end - begin,
    }


@contextmanager
def utilisation(setting: Setting) -> Iterator[Row]:
    """What nvidia-smi reads meanwhile, twice a second: mean of its utilisation, power, clock. It only reads."""
    row: Row = {}
    program = shutil.which("nvidia-smi") if setting.device == "cuda" else None
    if program is None:
        yield row
        return
    log = Path(setting.out) / ".smi"
    query = "--query-gpu=utilization.gpu,power.draw,clocks.sm"
    with log.open("w") as stream:
        reader = subprocess.Popen(
            [program, query, "--format=csv,noheader,nounits", "-lms", "500"], stdout=stream, stderr=subprocess.DEVNULL
        )
        try:
            yield row
        finally:
            reader.terminate()
            reader.wait()
    readings = [line.split(",") for line in log.read_text().splitlines()[2:]]
    log.unlink()
    for column, name in enumerate(("utilisation_percent", "power_w", "clock_mhz")):
        values = [float(r[column]) for r in readings if len(r) == 3 and r[column].strip().replace(".", "").isdigit()]
        if values:
            row[name] = statistics.mean(values)
