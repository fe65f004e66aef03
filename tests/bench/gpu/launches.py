"""How the kernels of stacked architectures are launched best: each by tile, warps, stages, taps and rows.

What it finds belongs into `pipeline.proxies.regression.stacked.launches`. Another card may like other launches; scores
of another table differ by rounding.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import operator
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from pipeline import benchmarks
from pipeline.benchmarks.nasbench201 import network
from tests.bench.gpu.about import require_card
from tests.bench.gpu.runner import partly
from tests.bench.gpu.setting import Row, Setting

WIDTHS = (16, 32, 64)
COUNT = 64
ELEMENTWISE = ("node_forward", "edges_gradient_sums", "edges_gradient", "affine_forward")
GAIN = 0.98  # of the time so far, from which on another launch is taken

Key = tuple[str, int]


def launches(setting: Setting) -> Row:
    """Compile all candidates on all cores, then time each; OUT/launches.json holds the fastest, by kernel and width."""
    began = time.monotonic()
    _compiled(setting)
    compiled = time.monotonic() - began
    require_card(setting)
    stack, table = _stack(torch.device(setting.device), setting.precisions[0])
    row: Row = {"compile_seconds": compiled}
    for (kernel, width), candidates in _candidates().items():
        times: list[tuple[float, Any]] = []
        for candidate in candidates:
            table[kernel][width] = candidate
            try:
                times.append((_milliseconds(_call(stack, kernel, width)), candidate))
            except Exception as error:  # whatever Triton raises; the first candidate is what is there now
                row.setdefault("errors", []).append(f"{kernel} {width} {candidate}: {error}"[:200])
            if setting.left < 5:
                break
        if not times:
            table[kernel][width] = candidates[0]
            continue
        first, (best, launch) = times[0][0], min(times, key=lambda pair: pair[0])
        table[kernel][width] = launch if best < GAIN * first else candidates[0]
        row[f"{kernel} {width}"] = {"before_ms": first, "best_ms": best, **asdict(table[kernel][width])}
        row[f"{kernel} {width}"]["all"] = " ".join(
            f"{c.tile}/{c.warps}/{c.stages}/{c.taps}/{c.rows}:{ms:.3f}" for ms, c in times
        )
        partly(setting, row)
    best_ones = {name: {str(w): asdict(launch) for w, launch in own.items()} for name, own in table.items()}
    (setting.out / "launches.json").write_text(json.dumps(best_ones))
    return row


def _candidates() -> dict[Key, list[Any]]:
    """Launches to try, that of today first."""
    from pipeline.proxies.regression.stacked.launches import LAUNCHES, Launch

    found: dict[Key, list[Any]] = {}
    for kernel, own in LAUNCHES.items():
        for width, launch in own.items():
            tried = (Launch(**chosen) for chosen in _grid(kernel, width))
            found[kernel, width] = list(dict.fromkeys([launch, *tried]))
    return found


def _grid(kernel: str, width: int) -> Iterator[dict[str, int]]:
    small = 32 if width == 64 else 64
    if kernel in ELEMENTWISE:
        for tile in (small, 2 * small, 4 * small):
            yield from ({"tile": tile, "warps": warps} for warps in (4, 8))
    elif "weight_gradient" in kernel:
        warps, sums = {16: ((1, 2, 4), (512, 1024)), 32: ((2, 4), (256, 512)), 64: ((4, 8), (256, 512))}[width]
        cells = kernel == "edges_weight_gradient"
        for taps, number, tile, rows in itertools.product((9, 3), warps, (16, 32, 64), sums):
            if taps * width <= 288 and (cells or (tile < 64 and rows == sums[0])):
                yield {"tile": tile, "warps": number, "stages": 1, "taps": taps, "rows": rows}
    else:
        sizes = [(small, 2), (small, 4), (2 * small, 2), (2 * small, 4), (2 * small, 8), (4 * small, 4), (4 * small, 8)]
        for tile, number in sizes:
            yield from ({"tile": tile, "warps": number, "stages": stages} for stages in (1, 3))


def _stack(device: torch.device, precision: str) -> tuple[Any, dict[str, dict[int, Any]]]:
    """A stack of one cell per stage, with room for every candidate, and the table of its launches, to be changed."""
    from pipeline.proxies.regression.stacked.launches import LAUNCHES
    from pipeline.proxies.regression.stacked.layout import Shape, operations_of
    from pipeline.proxies.regression.stacked.network import Stack

    roomy: dict[str, dict[int, Any]] = {kernel: {} for kernel in LAUNCHES}
    for (kernel, width), tried in _candidates().items():
        by = "rows" if "weight_gradient" in kernel else "tile"
        roomy[kernel][width] = min(tried, key=operator.attrgetter(by))
    stack = Stack(Shape(WIDTHS, 1, 16, 32, (64, 48, 16)), COUNT, device, precision, roomy)
    benchmark = benchmarks.load("nasbench201")
    assert benchmark.sample is not None
    specs = [benchmark.sample("topology", random.Random(n)) for n in range(COUNT)]
    backbones = [network.NATSNetwork(network.parse_cell(spec["cell"]), (16,) * 5, 1) for spec in specs]
    table = [operations_of(backbone) for backbone in backbones]
    if device.type != "meta":
        stack.weights.operations.copy_(torch.tensor(table, dtype=torch.int32))
    for kernel, own in LAUNCHES.items():
        roomy[kernel] |= own
    return stack, roomy


def _call(stack: Any, kernel: str, width: int) -> Callable[[], None]:
    """Run the kernel as a training step does, with those around it."""
    number = WIDTHS.index(width)
    stage = stack.stages[number]
    convolutions = [stack.stem] if number == 0 else list(stack.reductions[number - 1])
    inputs = [_input(stack, convolution) for convolution in convolutions]

    def call() -> None:
        if kernel in ("edges_forward", "node_forward"):
            stage.forward()
        elif kernel in ("edges_gradient_sums", "edges_gradient", "node_backward"):
            for target in (3, 2, 1):
                stage._node_backward(0, target)
        elif kernel == "edges_weight_gradient":
            stage._weight_gradients(0)
        for own, x in zip(convolutions, inputs, strict=True):
            if kernel == "conv_forward":
                stack._conv(own, x)
            elif kernel == "affine_forward":
                stack._normalise(own, own.y, training=True)
            elif kernel == "conv_weight_gradient":
                stack._weight_gradient(own, x)
            elif kernel == "conv_backward":
                stack._conv_backward(own, x, torch.empty_like(x), None)

    return call


def _input(stack: Any, own: Any) -> Tensor:
    if own is stack.stem:
        return torch.zeros(COUNT, 16, 3, 32, 32, device=stack.device)
    return torch.zeros(COUNT, own.before, own.inputs, device=stack.device)


def _milliseconds(call: Callable[[], None]) -> float:
    """Of one call, from a recorded graph of three, which the host does not bind."""
    call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(3):
            call()
    graph.replay()
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for _ in range(3):
        graph.replay()
    end.record()
    end.synchronize()
    return float(begin.elapsed_time(end)) / 9


def _compiled(setting: Setting) -> None:
    """Fill Triton's cache with every candidate, on all cores; the processes never touch the card."""
    candidates, cores = _candidates(), os.cpu_count() or 1
    context = multiprocessing.get_context("fork")
    jobs = [(*key, number) for key, tried in candidates.items() for number in range(len(tried))]
    random.Random(0).shuffle(jobs)  # so that no process has all of the slow ones
    processes = [
        context.Process(target=_compile, args=(jobs[number::cores], setting.precisions[0])) for number in range(cores)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


def _compile(jobs: Sequence[tuple[str, int, int]], precision: str) -> None:
    from triton.backends.compiler import GPUTarget
    from triton.runtime import driver, jit

    class Absent:
        """A card of compute capability 9.0 that is not used."""

        def get_current_target(self) -> Any:
            return GPUTarget("cuda", 90, 32)

        def get_current_device(self) -> int:
            return 0

        def get_current_stream(self, device: int | None = None) -> int:
            return 0

    driver.set_active(Absent())
    run = jit.JITFunction.run

    def warm(self: Any, *arguments: Any, grid: Any, warmup: bool, **named: Any) -> Any:
        return run(self, *arguments, grid=grid, warmup=True, **named)

    jit.JITFunction.run = warm
    stack, table = _stack(torch.device("meta"), precision)
    candidates = _candidates()
    for kernel, width, number in jobs:
        table[kernel][width] = candidates[kernel, width][number]
        try:
            _call(stack, kernel, width)()
        except Exception as error:
            print(f"{kernel} {width} {candidates[kernel, width][number]}: {error}"[:300], flush=True)
        table[kernel][width] = candidates[kernel, width][0]
