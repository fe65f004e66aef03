"""Networks of cells: those of NASNet, AmoebaNet, PNAS, ENAS and DARTS in one frame.

Radosavovic, Johnson, Xie, Lo and Dollar, "On Network Design Spaces for Visual Recognition", ICCV 2019; the frame is
that of Liu, Simonyan and Yang, "DARTS", ICLR 2019. A cell takes the outputs of the two cells before it; each of its
nodes adds two operations on earlier nodes, and the output concatenates some nodes. Two of the cells halve the image
and double the channels.

Every convolution is preceded by a ReLU. The ReLU of a tensor is taken once here, where several operations read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.networks.features import Features
from pipeline.networks.without_values import without_values

_SEPARABLE = {
    "sep_conv_3x3": (3, 1, 2),
    "sep_conv_5x5": (5, 1, 2),
    "sep_conv_7x7": (7, 1, 2),
    "dil_conv_3x3": (3, 2, 1),
    "dil_conv_5x5": (5, 2, 1),
    "dil_sep_conv_3x3": (3, 2, 2),
}
"""Kernel, dilation, and how many times depthwise and pointwise convolution follow each other."""

_PLAIN = {"conv_1x1": 1, "conv_3x3": 3}
_FACTORED = {"conv_3x1_1x3": 3, "conv_7x1_1x7": 7}
_MAX_POOLS = {"max_pool_3x3": 3, "max_pool_5x5": 5, "max_pool_7x7": 7}
_RECTIFIED = {*_SEPARABLE, *_PLAIN, *_FACTORED}

Edges = Sequence[tuple[str, int]]
"""Two per node: an operation and the node that it reads, where 0 and 1 are the cell's inputs."""


def _convolution(inputs: int, outputs: int, kernel: int | tuple[int, int], **options: Any) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, bias=False, **options)


def _projection(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(_convolution(inputs, outputs, 1), nn.BatchNorm2d(outputs))


class FactorisedReduction(nn.Module):
    """[N, inputs, H, W] -> [N, outputs, H/2, W/2], H and W even: half of the channels from every second pixel, the
    other half from the pixels diagonally between."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.even = _convolution(inputs, outputs // 2, 1)
        self.odd = _convolution(inputs, outputs - outputs // 2, 1)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Both halves, normalised together."""
        halves = [self.even(x[:, :, ::2, ::2]), self.odd(x[:, :, 1::2, 1::2])]
        normalised: Tensor = self.norm(torch.cat(halves, dim=1))
        return normalised


def _separable(channels: int, stride: int, kernel: int, dilation: int, times: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for step in range(times):
        padding = dilation * (kernel // 2)
        depthwise = {"padding": padding, "dilation": dilation, "groups": channels, "stride": 1 if step else stride}
        layers += [nn.ReLU()] if step else []
        layers += [_convolution(channels, channels, kernel, **depthwise), _convolution(channels, channels, 1)]
        layers += [nn.BatchNorm2d(channels)]
    return nn.Sequential(*layers)


def operation(kind: str, channels: int, stride: int) -> nn.Module:
    """The module of an operation, [N, channels, H, W] -> [N, channels, H/stride, W/stride], less its first ReLU.

    `none` is the identity here: a cell leaves such edges out.
    """
    if kind in _SEPARABLE:
        return _separable(channels, stride, *_SEPARABLE[kind])
    if kind in _PLAIN:
        kernel = _PLAIN[kind]
        square = _convolution(channels, channels, kernel, stride=stride, padding=kernel // 2)
        return nn.Sequential(square, nn.BatchNorm2d(channels))
    if kind in _FACTORED:
        kernel, half = _FACTORED[kind], _FACTORED[kind] // 2
        row = _convolution(channels, channels, (1, kernel), stride=(1, stride), padding=(0, half))
        column = _convolution(channels, channels, (kernel, 1), stride=(stride, 1), padding=(half, 0))
        return nn.Sequential(row, column, nn.BatchNorm2d(channels))
    if kind in _MAX_POOLS:
        return nn.MaxPool2d(_MAX_POOLS[kind], stride, _MAX_POOLS[kind] // 2)
    if kind == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, 1, count_include_pad=False)
    return FactorisedReduction(channels, channels) if kind == "skip_connect" and stride == 2 else nn.Identity()


class NDSCell(nn.Module):
    """One cell: the rectified outputs of the two cells before it -> [N, len(concat) x channels, H, W].

    Args:
        edges: two per node.
        concat: the nodes that make the output.
        inputs: channels of the cell before the last and of the last cell.
        channels: of every node.
        reduction: halve the image.
        after_reduction: the first input is twice as large as the second.
    """

    def __init__(
        self,
        edges: Edges,
        concat: Sequence[int],
        inputs: tuple[int, int],
        channels: int,
        *,
        reduction: bool,
        after_reduction: bool,
    ) -> None:
        super().__init__()
        self.edges, self.concat, self.reduction = tuple(edges), tuple(concat), reduction
        fit = FactorisedReduction if after_reduction else _projection
        self.first, self.second = fit(inputs[0], channels), _projection(inputs[1], channels)
        self.strides = [2 if reduction and source < 2 else 1 for _, source in edges]
        self.operations = nn.ModuleList(
            operation(kind, channels, stride) for (kind, _), stride in zip(edges, self.strides, strict=True)
        )

    def forward(self, before_last: Tensor, last: Tensor) -> Tensor:
        """Evaluate the nodes in order."""
        nodes = [self.first(before_last), self.second(last)]
        rectified: dict[int, Tensor] = {}
        for edge in range(0, len(self.edges), 2):
            terms = [self._term(e, nodes, rectified) for e in (edge, edge + 1) if self.edges[e][0] != "none"]
            nodes.append(sum(terms[1:], terms[0]) if terms else self._zeros(edge, nodes))
        return torch.cat([nodes[node] for node in self.concat], dim=1)

    def _term(self, edge: int, nodes: Sequence[Tensor], rectified: dict[int, Tensor]) -> Tensor:
        kind, source = self.edges[edge]
        value = nodes[source]
        if kind in _RECTIFIED or (kind == "skip_connect" and self.strides[edge] == 2):
            if source not in rectified:
                rectified[source] = functional.relu(value)
            value = rectified[source]
        term: Tensor = self.operations[edge](value)
        return term

    def _zeros(self, edge: int, nodes: Sequence[Tensor]) -> Tensor:
        """A node both of whose operations are none."""
        stride = self.strides[edge]
        return torch.zeros_like(nodes[self.edges[edge][1]][:, :, ::stride, ::stride])


class ImageNetStem(nn.Module):
    """Images [N, 3, H, W] -> [N, channels, H/4, W/4] and [N, channels, H/8, W/8]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half, down = channels // 2, {"stride": 2, "padding": 1}
        self.first = nn.Sequential(
            _convolution(3, half, 3, **down), nn.BatchNorm2d(half), nn.ReLU(),
            _convolution(half, channels, 3, **down), nn.BatchNorm2d(channels),
        )  # fmt: skip
        self.second = nn.Sequential(nn.ReLU(), _convolution(channels, channels, 3, **down), nn.BatchNorm2d(channels))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The inputs of the first cell."""
        first: Tensor = self.first(images)
        return first, self.second(first)


class Cifar10Stem(nn.Module):
    """Images [N, 3, H, W] -> twice the same [N, channels, H, W]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_convolution(3, channels, 3, padding=1), nn.BatchNorm2d(channels))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The inputs of the first cell."""
        features: Tensor = self.body(images)
        return features, features


class NDSCellNetwork(nn.Module):
    """Images [N, 3, H, W] -> the features that enter each of the two reduction cells, and the last features.

    H and W are multiples of 4; the taps are at H, H/2 and H/4 behind CIFAR-10's stem.

    Args:
        spec: normal and reduce (edges), normal_concat and reduce_concat (nodes), width (channels of the first cells'
            nodes), depth (number of cells).
        imagenet: with the stem of the networks trained on ImageNet, which makes the image 8 times smaller.
    """

    def __init__(self, spec: Mapping[str, Any], *, imagenet: bool = False) -> None:
        super().__init__()
        depth, channels = spec["depth"], spec["width"]
        stem = channels if imagenet else 3 * channels
        self.stem = ImageNetStem(stem) if imagenet else Cifar10Stem(stem)
        self.cells = nn.ModuleList()
        inputs, after_reduction = (stem, stem), imagenet
        for index in range(depth):
            reduction = index in (depth // 3, 2 * depth // 3)
            channels *= 2 if reduction else 1
            kind = "reduce" if reduction else "normal"
            concat = spec[f"{kind}_concat"]
            flags = {"reduction": reduction, "after_reduction": after_reduction}
            self.cells.append(NDSCell([(o, i) for o, i in spec[kind]], concat, inputs, channels, **flags))
            inputs, after_reduction = (inputs[1], len(concat) * channels), reduction
        self.outputs: int = inputs[1]

    def forward(self, images: Tensor) -> list[Tensor]:
        """The three taps, first to last."""
        before_last, x = self.stem(images)
        before_last, taps = functional.relu(before_last), []
        for cell in self.cells:
            if cell.reduction:
                taps.append(x)
            last = functional.relu(x)
            x = cell(before_last, last)
            before_last = last
        return [*taps, x]


def features(spec: Mapping[str, Any]) -> Features:
    """The network up to its pooling, with CIFAR-10's stem."""
    backbone = NDSCellNetwork(spec)
    return Features(backbone, [*backbone.stem.children(), *backbone.cells], backbone.outputs)


def trained_parameters(spec: Mapping[str, Any], classes: int, *, imagenet: bool, auxiliary: bool) -> int:
    """Trainable parameters of the network as it was trained: backbone, classifier, and auxiliary head if it has one.

    Args:
        classes: outputs of the classifier.
        imagenet: trained on ImageNet, with its stem and its auxiliary head.
        auxiliary: with the auxiliary classifier behind the second reduction cell.
    """
    with without_values():
        backbone = NDSCellNetwork(spec, imagenet=imagenet)
    count: int = sum(p.numel() for p in backbone.parameters()) + (backbone.outputs + 1) * classes
    if not auxiliary:
        return count
    branch: int = 4 * spec["width"] * len(spec["reduce_concat"])
    norms = 2 * 128 + (0 if imagenet else 2 * 768)  # ImageNet's head normalises once
    return count + 128 * branch + 4 * 128 * 768 + norms + (768 + 1) * classes
