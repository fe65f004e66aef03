"""Where the card's time goes: the longest kernels, the nodes of a graph, the ceiling of replaying alone."""

from __future__ import annotations

import ctypes
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tests.bench import floors
from tests.bench.gpu.runner import partly
from tests.bench.gpu.setting import LAYOUTS, Row, Setting, networks, replay, residents

LONGEST, FEWER = 20, 6  # kernels that are listed of the settings that count, and of the others
NAME = 90  # characters of a kernel's


@dataclass(frozen=True)
class Choice:
    """How cuDNN chooses its kernels, and the layout that they work on."""

    layout: str
    deterministic: bool
    benchmark: bool

    @property
    def name(self) -> str:
        """In words."""
        chosen = "by trial" if self.benchmark else "by rule"
        return f"{self.layout}, {'deterministic' if self.deterministic else 'any'} kernels, chosen {chosen}"

    @contextmanager
    def made(self) -> Iterator[None]:
        """Within, cuDNN chooses so."""
        flags = torch.backends.cudnn
        before = flags.deterministic, flags.benchmark
        flags.deterministic, flags.benchmark = self.deterministic, self.benchmark
        try:
            yield
        finally:
            flags.deterministic, flags.benchmark = before


def kernels(setting: Setting) -> Row:
    """Milliseconds of one network alone and its longest kernels, by layout and by how cuDNN chooses."""
    row: Row = {}
    proxy = setting.proxy()
    choices = [
        Choice(layout, deterministic, benchmark)
        for deterministic, benchmark in ((True, False), (False, False), (True, True), (False, True))
        for layout in LAYOUTS
    ]
    for choice in choices:
        for name in setting.spaces:
            if setting.left < 4:
                return row
            longest = LONGEST if choice.deterministic and not choice.benchmark else FEWER
            row[f"{name}, {choice.name}"] = _of_one(setting, proxy, name, choice, longest)
            partly(setting, row)
    return row


def _of_one(setting: Setting, proxy: Any, name: str, choice: Choice, longest: int) -> Row:
    on = setting.card(1, choice.layout)
    with choice.made():
        [network] = residents(setting, proxy, networks(name, 1), on)
    interval = network.task.span + network.task.evaluated
    intervals = network.task.batches / interval
    seconds, _ = setting.timed(lambda: replay([network], interval))
    seconds, _ = setting.timed(lambda: replay([network], interval))
    found: Row = {"ms_alone": seconds * 1e3 * intervals}
    try:
        found |= _profiled(setting, network, interval, longest)
    except Exception as error:  # the profiler may be forbidden on a machine
        found["profiler"] = f"{type(error).__name__}: {error}"[:300]
    return found


def _profiled(setting: Setting, network: Any, interval: int, longest: int) -> Row:
    from torch.profiler import ProfilerActivity, profile

    cuda = setting.device == "cuda"
    intervals = network.task.batches / interval
    with profile(activities=[ProfilerActivity.CUDA if cuda else ProfilerActivity.CPU], acc_events=True) as profiler:
        replay([network], interval)
        setting.wait()
    times: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for event in profiler.key_averages():
        taken = getattr(event, "self_device_time_total", 0) if cuda else event.self_cpu_time_total
        if taken:
            times[event.key] += taken
            counts[event.key] += event.count
    total = sum(times.values()) or 1
    return {
        "kernels_per_architecture": sum(counts.values()) * intervals,
        "kernel_ms_per_architecture": total / 1e3 * intervals,
        "longest": [
            f"{100 * taken / total:5.1f} % {taken / counts[name]:7.1f} us x {counts[name]:5d} {name[:NAME]}"
            for name, taken in times.most_common(longest)
        ],
    }  # fmt: skip


def ceiling(setting: Setting) -> Row:
    """Milliseconds per architecture where networks are recorded already and only replay, each on its own stream."""
    row: Row = {}
    proxy = setting.proxy()
    for name in setting.spaces:
        found: Row = {"h100_floor_ms": 1e3 * max(floors.mean(name, 4, setting.preset).seconds("H100"))}
        row[name] = found
        made: list[Any] = []
        took = 0.0
        on = setting.card(max(setting.streams))
        for count in setting.streams:
            if setting.left < 4 + 2 * took:
                break
            began = time.perf_counter()
            made += residents(setting, proxy, networks(name, count - len(made), first=len(made)), on)
            recording = time.perf_counter() - began
            found[f"streams_{count}"] = {**_replayed(setting, made), "seconds_to_record": recording}
            took = time.perf_counter() - began
            if setting.device == "cuda":
                found["reserved_gb"] = torch.cuda.memory_reserved() / 1e9
            partly(setting, row)
        found["nodes_per_step"] = nodes(setting, proxy, name)
        partly(setting, row)
        made.clear()
    return row


def _replayed(setting: Setting, made: list[Any]) -> Row:
    """Intervals of the networks, which take turns: a queue that one of them fills keeps no other from the card."""
    task = made[0].task
    interval = task.span + task.evaluated

    def intervals(count: int) -> float:
        """Seconds that the host was busy to launch them."""
        began = time.perf_counter()
        for _ in range(count):
            replay(made, interval)
        return time.perf_counter() - began

    once, launching = setting.timed(lambda: intervals(1))
    count = min(50, int(1.0 / once))
    seconds = once
    if count:  # else it takes so long that the first time is as good as any
        seconds, launching = setting.timed(lambda: intervals(count))
    per = 1e3 * task.batches / interval / (max(1, count) * len(made))
    return {"ms_per_architecture": seconds * per, "ms_of_host_to_launch": launching * per, "intervals": max(1, count)}


def nodes(setting: Setting, proxy: Any, name: str) -> Any:
    """Nodes of the graphs that are recorded for one network; or why they cannot be counted."""
    if setting.device != "cuda":
        return "no CUDA graphs here"
    made: list[Any] = []

    def kept() -> Any:
        made.append(torch.cuda.CUDAGraph(keep_graph=True))
        return made[-1]

    try:
        runtime = _runtime()
        residents(setting, proxy, networks(name, 1), setting.card(1, graph=kept))
        counts = []
        for graph in made:
            count = ctypes.c_size_t(0)
            handle = ctypes.c_void_p(graph.raw_cuda_graph())
            if runtime.cudaGraphGetNodes(handle, None, ctypes.byref(count)):
                return "cudaGraphGetNodes fails"
            counts.append(count.value)
        return counts
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]


def _runtime() -> Any:
    """CUDA's runtime library that torch has loaded."""
    loaded = re.search(r"\S*libcudart\S*", Path("/proc/self/maps").read_text())
    if loaded is None:
        raise OSError("libcudart is not loaded")
    return ctypes.CDLL(loaded[0])
