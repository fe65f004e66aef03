"""The networks of NAS-Bench-Macro.

A stem of a 3x3 convolution, three stages whose first layer halves the image and doubles the channels, and a 1x1
convolution to 1,280 channels before the pooling. A block is MobileNetV2's (Sandler et al., "MobileNetV2: Inverted
Residuals and Linear Bottlenecks", CVPR 2018) with ReLU: a 1x1 convolution that expands, a depthwise one and a 1x1
convolution that projects, each batch-normalised, with a shortcut where it keeps the shape. Weights are initialised as
torch does by default. The taps are the outputs of the stages, at a half, a quarter and an eighth of the image.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from pipeline.benchmarks.nasbench_macro.architectures import stages
from pipeline.networks.blocks import ConvBN
from pipeline.networks.features import Features

PROXY_CHANNELS, TRAINED_CHANNELS = 16, 32
"""Channels after the stem: of what the regression proxy trains, and of what the benchmark trained."""

LAST_CHANNELS = 1280
_BLOCKS = {"mb3_k3": (3, 3), "mb6_k5": (6, 5)}  # expansion and kernel


class InvertedResidual(nn.Module):
    """A block of MobileNetV2: [N, inputs, H, W] -> [N, outputs, H/stride, W/stride]."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int, kernel: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.body = nn.Sequential(
            ConvBN(inputs, inner, 1),
            nn.ReLU(),
            ConvBN(inner, inner, kernel, stride, groups=inner),
            nn.ReLU(),
            ConvBN(inner, outputs, 1),
        )
        self.keeps_shape = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.body(x)
        return x + features if self.keeps_shape else features


class MacroNetwork(nn.Module):
    """Images [N, 3, H, W] -> the outputs of the three stages; H and W are multiples of 8.

    Args:
        channels: after the stem.
    """

    def __init__(self, spec: Mapping[str, Any], channels: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(ConvBN(3, channels, 3), nn.ReLU())
        self.stages = nn.ModuleList()
        for operations in stages(dict(spec)):
            layers = [_layer(operations[0], channels, 2 * channels, 2)]
            channels *= 2
            layers += [_layer(operation, channels, channels, 1) for operation in operations[1:] if operation in _BLOCKS]
            self.stages.append(nn.Sequential(*layers))
        self.outputs = channels

    def forward(self, images: Tensor) -> list[Tensor]:
        x: Tensor = self.stem(images)
        taps = []
        for stage in self.stages:
            x = stage(x)
            taps.append(x)
        return taps


def _layer(operation: str, inputs: int, outputs: int, stride: int) -> nn.Module:
    if operation in _BLOCKS:
        return InvertedResidual(inputs, outputs, stride, *_BLOCKS[operation])
    return ConvBN(inputs, outputs, 1, stride)


def network(spec: Mapping[str, Any], channels: int = PROXY_CHANNELS) -> MacroNetwork:
    """The network of a canonical spec up to its last stage."""
    return MacroNetwork(spec, channels)


def features(spec: Mapping[str, Any]) -> Features:
    """The network as it was trained, up to its pooling."""
    backbone = network(spec, TRAINED_CHANNELS)
    layers = [layer for stage in backbone.stages if isinstance(stage, nn.Sequential) for layer in stage]
    tail = nn.Sequential(ConvBN(backbone.outputs, LAST_CHANNELS, 1), nn.ReLU())
    return Features(backbone, [backbone.stem, *layers], LAST_CHANNELS, tail)
