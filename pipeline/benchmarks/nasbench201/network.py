"""The networks of NAS-Bench-201's topology space and of NATS-Bench's size space.

Macro structure (Dong and Yang, "NAS-Bench-201", ICLR 2020; Dong et al., "NATS-Bench", TPAMI 2021): a 3x3 convolution,
three stacks of cells, and between two stacks a residual block of stride 2. A cell has four nodes; each node sums one
operation of every node before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from pipeline.benchmarks.edge_cells import on_a_path
from pipeline.benchmarks.nasbench201.architectures import operations
from pipeline.networks.blocks import ConvBN
from pipeline.networks.features import Features

SIZE_CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
TOPOLOGY_CHANNELS = (16, 32, 64)
TOPOLOGY_CELLS = 5

_KERNELS = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}
_NODES = 4


class NATSCell(nn.Module):
    """One cell as the regression proxy trains it: [N, inputs, H, W] -> [N, outputs, H, W].

    Batch normalisation is without affine parameters and running statistics, and only what counts is computed.

    Args:
        edges: operation of each edge (i, j), i < j < 4.
    """

    def __init__(self, edges: Mapping[tuple[int, int], str], inputs: int, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs
        self.edges = nn.ModuleDict()
        self.kinds = dict(edges)
        for (source, target), kind in edges.items():
            before = inputs if source == 0 else outputs
            if kind in _KERNELS:
                self.edges[f"{source}-{target}"] = ConvBN(before, outputs, _KERNELS[kind], plain=True)
            elif kind == "skip_connect" and before != outputs:
                projection = ConvBN(before, outputs, 1, plain=True)
                self.edges[f"{source}-{target}"] = projection
        self.plan = _plan(edges)

    def forward(self, x: Tensor) -> Tensor:
        nodes: dict[int, Tensor] = {0: x}
        rectified: dict[int, Tensor] = {}
        for target, sources in self.plan:
            total: Tensor | None = None
            for source in sources:
                kind = self.kinds[source, target]
                if kind in _KERNELS and source not in rectified:
                    rectified[source] = functional.relu(nodes[source])
                term = self._edge(kind, f"{source}-{target}", rectified if kind in _KERNELS else nodes, source)
                total = term if total is None else total + term
            nodes[target] = self._zero(x) if total is None else total
        return nodes[_NODES - 1] if _NODES - 1 in nodes else self._zero(x)

    def _zero(self, x: Tensor) -> Tensor:
        return x.new_zeros(x.shape[0], self.outputs, *x.shape[2:])

    def _edge(self, kind: str, name: str, values: Mapping[int, Tensor], source: int) -> Tensor:
        if name in self.edges:
            term: Tensor = self.edges[name](values[source])
            return term
        if kind == "skip_connect":
            return values[source]
        return functional.avg_pool2d(values[source], 3, 1, 1, count_include_pad=False)


def _plan(edges: Mapping[tuple[int, int], str]) -> list[tuple[int, list[int]]]:
    """The nodes to evaluate, each with its sources: only what the output depends on.

    A node that the input does not reach is zero, and stays zero through every operation, because batch normalisation
    has no shift: it is left out.
    """
    real = [edge for edge, kind in edges.items() if kind != "none"]
    keep = on_a_path(real)
    return [
        (target, sorted(s for s, t in real if t == target and s in keep))
        for target in range(1, _NODES)
        if target in keep
    ]


class TrainedCell(nn.Module):
    """One cell as the benchmark trained it: [N, inputs, H, W] -> [N, outputs, H, W].

    Every operation is computed, each convolution behind a ReLU of its own, also where nothing reads the result: what
    counts activations or gradients counts them all.
    """

    def __init__(self, edges: Mapping[tuple[int, int], str], inputs: int, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs
        self.edges = nn.ModuleDict(
            {
                f"{source}-{target}": _operation(kind, outputs if source else inputs, outputs)
                for (source, target), kind in edges.items()
                if kind != "none"
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        nodes = [x]
        for target in range(1, _NODES):
            names = (f"{source}-{target}" for source in range(target))
            terms = [self.edges[n](nodes[s]) for s, n in enumerate(names) if n in self.edges]
            nothing = x.new_zeros(x.shape[0], self.outputs, *x.shape[2:])
            nodes.append(sum(terms[1:], terms[0]) if terms else nothing)
        return nodes[-1]


def _operation(kind: str, inputs: int, outputs: int) -> nn.Module:
    if kind in _KERNELS:
        return nn.Sequential(nn.ReLU(), *ConvBN(inputs, outputs, _KERNELS[kind]))
    if kind == "skip_connect":
        return nn.Identity() if inputs == outputs else ConvBN(inputs, outputs, 1)
    return nn.AvgPool2d(3, 1, 1, count_include_pad=False)


class Reduction(nn.Module):
    """The residual block between two stacks: [N, inputs, H, W] -> [N, outputs, H/2, W/2]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = ConvBN(inputs, outputs, 3, 2)
        self.second = ConvBN(outputs, outputs, 3)
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.second(functional.relu(self.first(functional.relu(x))))
        shortcut: Tensor = self.shortcut(x)
        return shortcut + inner


class NATSNetwork(nn.Module):
    """Images [N, 3, H, W] -> the features after each of the three stacks, at H, H/2 and H/4.

    Args:
        widths: channels of the five parts: stack, reduction, stack, reduction, stack.
        cells: cells per stack.
        cell: `NATSCell` or `TrainedCell`. Stem and reductions have affine batch normalisation with running
            statistics in either case.
    """

    def __init__(
        self,
        edges: Mapping[tuple[int, int], str],
        widths: tuple[int, ...],
        cells: int,
        cell: type[NATSCell] | type[TrainedCell] = NATSCell,
    ) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.tap_channels = self.widths[::2]
        self.stem = ConvBN(3, widths[0], 3)
        self.stacks = nn.ModuleList()
        before = widths[0]
        for part, width in enumerate(widths):
            if part % 2:
                self.stacks.append(Reduction(before, width))
            else:
                inputs = [before, *[width] * (cells - 1)]
                self.stacks.append(nn.Sequential(*(cell(edges, i, width) for i in inputs)))
            before = width

    def forward(self, images: Tensor) -> list[Tensor]:
        x = self.stem(images)
        taps = []
        for part, stack in enumerate(self.stacks):
            x = stack(x)
            if part % 2 == 0:
                taps.append(x)
        return taps


def parse_cell(text: str) -> dict[tuple[int, int], str]:
    """The operation of each edge, from a node to a later one, in an architecture string."""
    return {(int(edge[0]), int(edge[2])): kind for edge, kind in operations({"cell": text}).items()}


def network(spec: Mapping[str, Any], cell: type[NATSCell] | type[TrainedCell] = NATSCell) -> NATSNetwork:
    """The backbone of a canonical spec: {"cell": architecture string} or {"channels": five widths}.

    Args:
        spec: of the topology or of the size space.
        cell: `NATSCell`, as the regression proxy's authors ran it, or `TrainedCell`.
    """
    if "channels" in spec:
        return NATSNetwork(parse_cell(SIZE_CELL), tuple(spec["channels"]), 1, cell)
    first, second, third = TOPOLOGY_CHANNELS
    return NATSNetwork(parse_cell(spec["cell"]), (first, second, second, third, third), TOPOLOGY_CELLS, cell)


def features(spec: Mapping[str, Any]) -> Features:
    """The network that the benchmark trained, up to its pooling: batch normalisation and a ReLU follow the backbone."""
    backbone = network(spec, TrainedCell)
    blocks = [block for stack in backbone.stacks for block in (stack if isinstance(stack, nn.Sequential) else [stack])]
    last = spec["channels"][-1] if "channels" in spec else TOPOLOGY_CHANNELS[-1]
    return Features(backbone, [backbone.stem, *blocks], last, nn.BatchNorm2d(last), nn.ReLU())
