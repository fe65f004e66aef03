"""Microseconds of a convolution's parts, in the shapes of the networks, by who computes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from tests.bench.gpu.kernels import Choice
from tests.bench.gpu.runner import partly
from tests.bench.gpu.setting import LAYOUTS, Row, Setting

CALLS = 20  # that are timed together
LEADING = 3  # calls that are not timed: libraries choose and load their kernels
IMAGES = 16


@dataclass(frozen=True)
class Shape:
    """A convolution without stride that keeps the size of its maps."""

    channels: int
    size: int
    outputs: int
    kernel: int

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.channels} to {self.outputs} channels of {self.size}x{self.size}, {self.kernel}x{self.kernel}"


SHAPES = (
    Shape(16, 32, 16, 3), Shape(16, 32, 16, 1), Shape(32, 16, 32, 3), Shape(32, 16, 32, 1), Shape(64, 8, 64, 3),
    Shape(64, 8, 64, 1), Shape(3, 32, 16, 3),  # NAS-Bench-201
    Shape(3, 32, 128, 3), Shape(64, 32, 64, 3), Shape(128, 32, 64, 1), Shape(128, 16, 128, 3), Shape(256, 8, 256, 3),
    Shape(512, 8, 256, 1),  # NAS-Bench-101
)  # fmt: skip


def convolutions(setting: Setting) -> Row:
    """Forward pass, gradient of the images, gradient of the weights."""
    row: Row = {}
    setting.card(1)  # float32 is float32
    for shape in SHAPES[: setting.shapes]:
        if setting.left < 3:
            break
        row[shape.name] = {}
        for name, call, choice in _ways(setting, shape):
            try:
                with choice.made():
                    row[shape.name][name] = _microseconds(setting, call)
            except RuntimeError as error:
                row[shape.name][name] = str(error).partition("\n")[0][:120]
        partly(setting, row)
    return row


def _ways(setting: Setting, shape: Shape) -> Iterator[tuple[str, Callable[[], object], Choice]]:
    for layout, order in LAYOUTS.items():
        images, weight, gradient = (
            torch.randn(size, device=setting.device).contiguous(memory_format=order)
            for size in (
                (IMAGES, shape.channels, shape.size, shape.size),
                (shape.outputs, shape.channels, shape.kernel, shape.kernel),
                (IMAGES, shape.outputs, shape.size, shape.size),
            )
        )
        padding = [shape.kernel // 2] * 2
        ruled, any_kind, tried = (
            Choice(layout, deterministic, benchmark)
            for deterministic, benchmark in ((True, False), (False, False), (True, True))
        )
        backward = partial(
            torch.ops.aten.convolution_backward,
            gradient,
            images,
            weight,
            None,
            [1, 1],
            padding,
            [1, 1],
            False,
            [0, 0],
            1,
        )
        yield f"forward, {layout}", partial(torch.conv2d, images, weight, None, 1, padding), ruled
        yield f"images, {layout}", partial(backward, [True, False, False]), ruled
        yield f"weights, {layout}", partial(backward, [False, True, False]), ruled
        yield f"weights, {layout}, any", partial(backward, [False, True, False]), any_kind
        yield f"weights, {layout}, by trial", partial(backward, [False, True, False]), tried
        if layout == "contiguous":
            for by, product in (("products of images", _by_image), ("one product", _in_one)):
                yield f"weights, {by}", partial(product, images, gradient, shape.kernel), ruled


def _columns(images: Tensor, kernel: int) -> Tensor:
    """[N, C x R x S, H x W]."""
    return images.flatten(2) if kernel == 1 else functional.unfold(images, kernel, padding=kernel // 2)


def _by_image(images: Tensor, gradient: Tensor, kernel: int) -> Tensor:
    return torch.bmm(gradient.flatten(2), _columns(images, kernel).transpose(1, 2)).sum(0)


def _in_one(images: Tensor, gradient: Tensor, kernel: int) -> Tensor:
    columns = _columns(images, kernel).transpose(0, 1).flatten(1)
    return gradient.transpose(0, 1).flatten(1) @ columns.T


def _microseconds(setting: Setting, call: Callable[[], object]) -> float:
    """Microseconds of a call that is recorded, as the engine's are: the host's time does not count."""
    for _ in range(LEADING):
        call()
    if setting.device != "cuda":
        return setting.timed(call)[0] * 1e6
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(CALLS):
            call()
    graph.replay()
    seconds, _ = setting.timed(graph.replay)
    return seconds / CALLS * 1e6
