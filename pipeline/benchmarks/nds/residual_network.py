"""The ResNet-like networks of the Network Design Spaces: stages of plain, residual basic and bottleneck blocks.

Radosavovic, Johnson, Xie, Lo and Dollar, "On Network Design Spaces for Visual Recognition", ICCV 2019. A
configuration lists for each stage its number of blocks (ds), output channels (ws), stride (ss) and, for bottleneck
blocks, the number of groups of the 3x3 convolution (num_gs) and its channels over the block's (bot_muls).

Two networks come of one configuration. In the one that was trained, the first stage is the stem: ds[0] convolutions of
ws[0] channels. In the one that the regression proxy's authors score, a stem of 12 channels stands before all stages,
and the first stage consists of blocks like the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from pipeline.benchmarks.nds.residual_spaces import BOTTLENECK, PLAIN
from pipeline.networks.blocks import ConvBN
from pipeline.networks.features import Features
from pipeline.networks.without_values import without_values

STEM_CHANNELS = 12


class ResidualBlock(nn.Module):
    """[N, inputs, H, W] -> [N, outputs, H/stride, W/stride], without the block's last ReLU.

    Args:
        kind: `PLAIN`, `BASIC` or `BOTTLENECK` of `residual_spaces`.
        multiplier: channels of a bottleneck's 3x3 convolution over the block's output channels.
        groups: of a bottleneck's 3x3 convolution.
    """

    def __init__(self, kind: str, inputs: int, outputs: int, stride: int, multiplier: float, groups: int) -> None:
        super().__init__()
        if kind == BOTTLENECK:
            inner = round(outputs * multiplier)
            layers = [ConvBN(inputs, inner, 1), ConvBN(inner, inner, 3, stride, groups), ConvBN(inner, outputs, 1)]
        else:
            layers = [ConvBN(inputs, outputs, 3, stride), ConvBN(outputs, outputs, 3)]
        self.layers = nn.ModuleList(layers)
        self.residual = kind != PLAIN
        self.shortcut = (
            ConvBN(inputs, outputs, 1, stride) if self.residual and (inputs, stride) != (outputs, 1) else None
        )

    def forward(self, x: Tensor) -> Tensor:
        value: Tensor = self.layers[0](x)
        for layer in self.layers[1:]:
            value = layer(functional.relu(value))
        if not self.residual:
            return value
        shortcut: Tensor = x if self.shortcut is None else self.shortcut(x)
        return value + shortcut


class ResidualStage(nn.Sequential):
    """Blocks one after another: input and output without the last ReLU."""

    def forward(self, x: Tensor) -> Tensor:
        """Each block reads the rectified output of the one before."""
        for block in self:
            x = block(functional.relu(x))
        return x


class NDSResidualNetwork(nn.Module):
    """Images [N, 3, H, W] -> the features after each of the last three stages, before their last ReLU.

    Args:
        spec: block_type, ds, ws, ss, num_gs, bot_muls; the last two are empty unless the blocks are bottlenecks.
        stem: what stands before the stages, without its last ReLU.
        channels: of the stem's output.
        first: index of the first stage that is made of blocks.
    """

    def __init__(self, spec: Mapping[str, Any], stem: nn.Module, channels: int, first: int) -> None:
        super().__init__()
        self.stem = stem
        stages: list[nn.Sequential] = []
        for index in range(first, len(spec["ds"])):
            outputs: int = spec["ws"][index]
            stride, blocks = spec["ss"][index] if index else 1, list[nn.Module]()
            for _ in range(spec["ds"][index]):
                blocks.append(ResidualBlock(spec["block_type"], channels, outputs, stride, *_bottleneck(spec, index)))
                channels, stride = outputs, 1
            stages.append(ResidualStage(*blocks))
        self.stages = nn.ModuleList(stages)
        self.outputs = channels

    def forward(self, images: Tensor) -> list[Tensor]:
        x, taps = self.stem(images), []
        for stage in self.stages:
            x = stage(x)
            taps.append(x)
        return taps[-3:]


def _bottleneck(spec: Mapping[str, Any], index: int) -> tuple[float, int]:
    """Multiplier and groups of a stage; the files give the stem's multiplier as 0, which stands for none."""
    if not spec["bot_muls"]:
        return 1.0, 1
    return spec["bot_muls"][index] or 1.0, spec["num_gs"][index]


def network(spec: Mapping[str, Any]) -> NDSResidualNetwork:
    """The backbone that is scored: a stem of 12 channels, then every stage as blocks, the first at full resolution."""
    return NDSResidualNetwork(spec, ConvBN(3, STEM_CHANNELS, 3), STEM_CHANNELS, first=0)


def trained_network(spec: Mapping[str, Any], *, imagenet: bool) -> NDSResidualNetwork:
    """The backbone that was trained: the first stage is the stem."""
    width, depth = spec["ws"][0], spec["ds"][0]
    if imagenet:
        return NDSResidualNetwork(spec, nn.Sequential(ConvBN(3, width, 7, 2), nn.MaxPool2d(3, 2, 1)), width, first=1)
    layers: list[nn.Module] = [ConvBN(3, width, 3, spec["ss"][0])]
    for _ in range(depth - 1):
        layers += [nn.ReLU(), ConvBN(width, width, 3)]
    return NDSResidualNetwork(spec, nn.Sequential(*layers), width, first=1)


def features(spec: Mapping[str, Any]) -> Features:
    """The network that was trained on CIFAR-10, up to its pooling, which a ReLU precedes."""
    backbone = trained_network(spec, imagenet=False)
    blocks = [block for stage in backbone.stages for block in stage.children()]
    return Features(backbone, [backbone.stem, *blocks], backbone.outputs, nn.ReLU())


def trained_parameters(spec: Mapping[str, Any], classes: int, *, imagenet: bool) -> int:
    """Trainable parameters of the network as it was trained, of ImageNet with its stem: backbone and classifier."""
    with without_values():
        backbone = trained_network(spec, imagenet=imagenet)
    return sum(p.numel() for p in backbone.parameters()) + (backbone.outputs + 1) * classes
