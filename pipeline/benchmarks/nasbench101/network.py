"""The networks of NAS-Bench-101.

Macro structure (Ying et al., "NAS-Bench-101", ICML 2019): a 3x3 convolution, three stacks of three cells, and before
the second and third stack a 2x2 max-pooling, after which the channels double. All convolutions are followed by batch
normalisation and ReLU.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.networks.features import Features

STACKS, CELLS = 3, 3
PROXY_CHANNELS, TRAINED_CHANNELS = 16, 128

_KERNELS = {"conv1x1-bn-relu": 1, "conv3x3-bn-relu": 3}


class ConvBNReLU(nn.Sequential):
    """Convolution without bias, batch normalisation, ReLU: [N, inputs, H, W] -> [N, outputs, H, W]."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


def vertex_channels(matrix: Sequence[Sequence[int]], inputs: int, outputs: int) -> list[int]:
    """The channels of the output of each vertex of a pruned cell.

    The output's channels are split evenly over the vertices that feed it, and the remainder goes to the first of them,
    one channel each; any other vertex has the largest number of channels of the vertices that it feeds. (Ying et al.,
    2019, section 2.2 and its released code.)
    """
    last = len(matrix) - 1
    feeding = [v for v in range(1, last) if matrix[v][last]]
    channels = [inputs, *[0] * (last - 1), outputs]
    for place, vertex in enumerate(feeding):
        channels[vertex] = outputs // len(feeding) + (place < outputs % len(feeding))
    for vertex in range(last - 1, 0, -1):
        if not matrix[vertex][last]:
            channels[vertex] = max(channels[v] for v in range(vertex + 1, last) if matrix[vertex][v])
    return channels


class GraphCell(nn.Module):
    """One cell: [N, inputs, H, W] -> [N, outputs, H, W].

    What comes from the cell's input is projected by a 1x1 convolution; what comes from another vertex and has too many
    channels is cut. A vertex sums what comes in; the output concatenates, and adds the cell's input.

    Args:
        matrix: upper-triangular, pruned.
        operations: of each vertex, of which the first is input and the last is output.
    """

    def __init__(self, matrix: Sequence[Sequence[int]], operations: Sequence[str], inputs: int, outputs: int) -> None:
        super().__init__()
        self.channels = vertex_channels(matrix, inputs, outputs)
        self.last = len(matrix) - 1
        self.sources = [[i for i in range(1, j) if matrix[i][j]] for j in range(len(matrix))]
        self.projections = nn.ModuleDict(
            {str(v): ConvBNReLU(inputs, self.channels[v], 1) for v in range(1, len(matrix)) if matrix[0][v]}
        )
        self.operations = nn.ModuleDict(
            {str(v): _operation(operations[v], self.channels[v]) for v in range(1, self.last)}
        )

    def forward(self, x: Tensor) -> Tensor:
        values: dict[int, Tensor] = {}
        for vertex in range(1, self.last):
            incoming = [_cut(values[v], self.channels[vertex]) for v in self.sources[vertex]]
            values[vertex] = self.operations[str(vertex)](_total([*incoming, *self._projected(x, vertex)]))
        feeding = [values[v] for v in self.sources[self.last]]
        joined = [torch.cat(feeding, 1)] if len(feeding) > 1 else feeding
        return _total([*joined, *self._projected(x, self.last)])

    def _projected(self, x: Tensor, vertex: int) -> list[Tensor]:
        return [self.projections[str(vertex)](x)] if str(vertex) in self.projections else []


def _operation(name: str, channels: int) -> nn.Module:
    return ConvBNReLU(channels, channels, _KERNELS[name]) if name in _KERNELS else nn.MaxPool2d(3, 1, 1)


def _cut(x: Tensor, channels: int) -> Tensor:
    return x if x.shape[1] == channels else x[:, :channels]  # a slice of everything would cost a copy in backward


def _total(terms: list[Tensor]) -> Tensor:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


class GraphCellNetwork(nn.Module):
    """Images [N, 3, H, W] -> the features after each of the three stacks, at H, H/2 and H/4.

    Convolutions start normal with variance 2 / (kernel area x output channels) (He et al., "Delving Deep into
    Rectifiers", 2015): so do the networks of the regression proxy's authors, as the losses tell (docs/decisions/0008).

    Args:
        matrix, operations: the cell.
        channels: of the first stack.
    """

    def __init__(self, matrix: Sequence[Sequence[int]], operations: Sequence[str], channels: int) -> None:
        super().__init__()
        self.stem = ConvBNReLU(3, channels, 3)
        self.stacks = nn.ModuleList()
        before = channels
        for stack in range(STACKS):
            width = channels << stack
            inputs = [before, *[width] * (CELLS - 1)]
            self.stacks.append(nn.Sequential(*(GraphCell(matrix, operations, i, width) for i in inputs)))
            before = width
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> list[Tensor]:
        taps: list[Tensor] = []
        x = self.stem(images)
        for stack in self.stacks:
            x = stack(functional.max_pool2d(taps[-1], 2) if taps else x)
            taps.append(x)
        return taps


def network(spec: Mapping[str, Any], channels: int = PROXY_CHANNELS) -> GraphCellNetwork:
    """The backbone of a canonical spec.

    Args:
        spec: {"adjacency": rows of the matrix one after another, "operations": names of the vertices}.
        channels: of the first stack; each stack has twice those of the one before.
    """
    operations = spec["operations"]
    size = len(operations)
    rows = (spec["adjacency"][start : start + size] for start in range(0, size * size, size))
    return GraphCellNetwork([[int(cell) for cell in row] for row in rows], operations, channels)


def features(spec: Mapping[str, Any], channels: int = PROXY_CHANNELS) -> Features:
    """The network up to its pooling; the benchmark trained it with `TRAINED_CHANNELS`."""
    backbone = network(spec, channels)
    cells = [cell for stack in backbone.stacks for cell in stack.children()]
    return Features(backbone, [backbone.stem, *cells], channels << (STACKS - 1))
