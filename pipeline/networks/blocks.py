"""Layers that the networks of several benchmarks are made of."""

from __future__ import annotations

from torch import nn


class ConvBN(nn.Sequential):
    """Convolution without bias, then batch normalisation: [N, inputs, H, W] -> [N, outputs, H/stride, W/stride].

    The caller adds activations, and may share one between several of these layers.

    Args:
        inputs, outputs: channels.
        kernel: side of the square kernel, odd; the image is padded by half of it.
        stride: in both directions.
        groups: of the convolution.
        plain: batch normalisation without affine parameters and running statistics.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, *, plain: bool = False
    ) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs, affine=not plain, track_running_stats=not plain),
        )
