"""The encoders of TransNAS-Bench-101.

A stem of two 3x3 convolutions of stride 2, then modules of two cells each; the first cell of a module doubles the
channels or halves the image, if its module does. A cell is a residual block of two 3x3 convolutions (macro), or a graph
of four nodes, each the sum of one operation of every node before it (micro). Every convolution follows a ReLU and is
batch-normalised with affine parameters; so is a strided skip. Weights are initialised as torch does by default, and not
as the benchmark's authors did.

The taps are the outputs after each third of the modules, rounded up: in the micro space after the modules 2, 4 and 5,
the last before the image halves again and the last of all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from pipeline.benchmarks.transnas101.architectures import MICRO_MODULES, operations
from pipeline.networks.blocks import ConvBN
from pipeline.networks.cell_network import FactorisedReduction
from pipeline.networks.features import Features

PROXY_CHANNELS, TRAINED_CHANNELS = 16, 64
"""Channels after the stem: of what the regression proxy trains, and of what the benchmark trained."""

CELLS = 2
TAPS = 3
_KERNELS = {"conv_1x1": 1, "conv_3x3": 3}
_NODES = 4


class ResidualCell(nn.Module):
    """A basic block: [N, inputs, H, W] -> [N, outputs, H/stride, W/stride]."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = ConvBN(inputs, outputs, 3, stride)
        self.second = ConvBN(outputs, outputs, 3)
        changes = stride != 1 or inputs != outputs
        self.shortcut = ConvBN(inputs, outputs, 1, stride) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.second(functional.relu(self.first(functional.relu(x))))
        shortcut: Tensor = self.shortcut(x)
        return shortcut + inner


class TaskCell(nn.Module):
    """A cell of four nodes: [N, inputs, H, W] -> [N, outputs, H/stride, W/stride].

    Args:
        edges: operation of each edge "0-1", "0-2", ...
        inputs, outputs: channels of node 0, and of the others.
        stride: of the edges from node 0.
        whole: also compute what no path leads from to the output, as in the benchmark's own training.
    """

    def __init__(self, edges: Mapping[str, str], inputs: int, outputs: int, stride: int, *, whole: bool) -> None:
        super().__init__()
        self.outputs, self.stride = outputs, stride
        self.edges = nn.ModuleDict()
        needed = {*range(1, _NODES)} if whole else _needed(edges)
        for edge, kind in edges.items():
            source, target = int(edge[0]), int(edge[2])
            if kind != "none" and target in needed:
                own = (outputs, outputs, 1) if source else (inputs, outputs, stride)
                self.edges[edge] = _operation(kind, *own)

    def forward(self, x: Tensor) -> Tensor:
        """Evaluate the nodes in order; one without an operation is zero."""
        nodes = [x]
        for target in range(1, _NODES):
            terms = [self.edges[f"{s}-{target}"](nodes[s]) for s in range(target) if f"{s}-{target}" in self.edges]
            nodes.append(sum(terms[1:], terms[0]) if terms else self._zero(x))
        return nodes[-1]

    def _zero(self, x: Tensor) -> Tensor:
        height, width = (math.ceil(side / self.stride) for side in x.shape[2:])
        return x.new_zeros(x.shape[0], self.outputs, height, width)


def _needed(edges: Mapping[str, str]) -> set[int]:
    """The nodes from which a path of operations leads to the output, the output among them."""
    needed = {_NODES - 1}
    for node in reversed(range(1, _NODES - 1)):
        if any(edges[f"{node}-{target}"] != "none" for target in needed if target > node):
            needed.add(node)
    return needed


def _operation(kind: str, inputs: int, outputs: int, stride: int) -> nn.Module:
    if kind in _KERNELS:
        return nn.Sequential(nn.ReLU(), ConvBN(inputs, outputs, _KERNELS[kind], stride))
    if stride == 1:
        return nn.Identity()
    return nn.Sequential(nn.ReLU(), FactorisedReduction(inputs, outputs))


class TaskEncoder(nn.Module):
    """Images [N, 3, H, W] -> three taps, the first at H/4 or less.

    Args:
        modules: a code for each module, see `architectures.MODULES`.
        edges: the operations of a cell's edges; None for residual blocks.
        channels: after the stem.
        whole: see `TaskCell`.
    """

    def __init__(self, modules: str, edges: Mapping[str, str] | None, channels: int, *, whole: bool = False) -> None:
        super().__init__()
        self.stem = nn.Sequential(ConvBN(3, channels // 2, 3, 2), nn.ReLU(), ConvBN(channels // 2, channels, 3, 2))
        self.stages = nn.ModuleList()
        self.tapped = {math.ceil(len(modules) * third / TAPS) for third in range(1, TAPS + 1)}
        tap_channels = []
        for number, code in enumerate(modules, 1):
            outputs = 2 * channels if code in "24" else channels
            stride = 2 if code in "34" else 1
            shapes = [(channels, outputs, stride), *[(outputs, outputs, 1)] * (CELLS - 1)]
            cells = [ResidualCell(*s) if edges is None else TaskCell(edges, *s, whole=whole) for s in shapes]
            self.stages.append(nn.Sequential(*cells))
            channels = outputs
            if number in self.tapped:
                tap_channels.append(channels)
        self.tap_channels = tuple(tap_channels)

    def forward(self, images: Tensor) -> list[Tensor]:
        x: Tensor = self.stem(images)
        taps = []
        for number, stage in enumerate(self.stages, 1):
            x = stage(x)
            if number in self.tapped:
                taps.append(x)
        return taps


def network(spec: Mapping[str, Any], channels: int = PROXY_CHANNELS, *, whole: bool = False) -> TaskEncoder:
    """The encoder of a canonical spec: {"modules": codes} or {"cell": operations}."""
    if "modules" in spec:
        return TaskEncoder(spec["modules"], None, channels)
    return TaskEncoder(MICRO_MODULES, operations(dict(spec)), channels, whole=whole)


def features(spec: Mapping[str, Any]) -> Features:
    """The encoder as it was trained, up to its pooling."""
    backbone = network(spec, TRAINED_CHANNELS, whole=True)
    blocks = [backbone.stem, *(cell for stage in backbone.stages if isinstance(stage, nn.Sequential) for cell in stage)]
    return Features(backbone, blocks, backbone.tap_channels[-1])
