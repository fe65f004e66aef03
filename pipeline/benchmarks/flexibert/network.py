"""Transformers of mixed layers, as their benchmark's authors describe and score them.

Serianni and Kalita, "Training-free Neural Architecture Search for RNNs and Transformers", ACL 2023; Tuli, Dedhia, Tuli
and Jha, "FlexiBERT: Are Current Transformer Architectures too Homogeneous and Rigid?", 2022; the frame is that of
ELECTRA (Clark et al., ICLR 2020), the convolution that of ConvBERT (Jiang et al., NeurIPS 2020), the linear transform
that of FNet (Lee-Thorp et al., NAACL 2022).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.networks.features import Features

WIDTH = 400
"""Of the vectors that stand for words: they take the place of an embedding."""

STEPS = 512
"""Positions that have an embedding."""

_DEVIATION = 0.02  # of initial weights
_EPSILON = 1e-12  # of normalisation


def _heads(x: Tensor, count: int) -> Tensor:
    """[N, T, width] -> [N, heads, T, width / heads]."""
    return x.view(*x.shape[:-1], count, -1).transpose(1, 2)


def _joined(x: Tensor) -> Tensor:
    """[N, heads, T, width / heads] -> [N, T, width]."""
    return x.transpose(1, 2).flatten(2)


def _attended(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """The values [N, heads, T, d], weighted by the softmax of scaled products of queries and keys."""
    return ((queries @ keys.transpose(-1, -2)) / math.sqrt(queries.shape[-1])).softmax(-1) @ values


class SelfAttention(nn.Module):
    """[N, T, hidden] -> [N, T, hidden]: attention by scaled dot product.

    Args:
        hidden: width.
        heads: that the width is divided among.
        weighted: one matrix more, of the whole width, multiplies the queries (weighted multiplicative attention).
    """

    def __init__(self, hidden: int, heads: int, *, weighted: bool) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(hidden, hidden) for _ in range(3))
        self.weight = nn.Linear(hidden, hidden, bias=False) if weighted else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        queries, keys, values = self.weight(self.query(x)), self.key(x), self.value(x)
        return _joined(_attended(*(_heads(part, self.heads) for part in (queries, keys, values))))


class SpanConvolution(nn.Module):
    """[N, T, hidden] -> [N, T, hidden]: ConvBERT's block; half of the heads attend, the other half convolve.

    The kernel of a convolution is made of the query and of the keys of a span around each step.

    Args:
        hidden: width.
        heads: of both halves.
        kernel: steps that a convolution covers, odd.
    """

    def __init__(self, hidden: int, heads: int, kernel: int) -> None:
        super().__init__()
        self.heads, self.kernel = heads // 2, kernel
        half = hidden // 2
        self.query, self.key, self.value = (nn.Linear(hidden, half) for _ in range(3))
        self.depthwise = nn.Conv1d(hidden, hidden, kernel, padding=kernel // 2, groups=hidden, bias=False)
        self.pointwise = nn.Linear(hidden, half)
        self.kernels = nn.Linear(half, self.heads * kernel)
        self.convolved = nn.Linear(hidden, half)

    def forward(self, x: Tensor) -> Tensor:
        queries = self.query(x)
        attended = _attended(*(_heads(part, self.heads) for part in (queries, self.key(x), self.value(x))))
        spans = self.pointwise(self.depthwise(x.transpose(1, 2)).transpose(1, 2))
        kernels = self.kernels(spans * queries).view(*x.shape[:2], self.heads, self.kernel).softmax(-1)
        padded = functional.pad(self.convolved(x), (0, 0, self.kernel // 2, self.kernel // 2))
        windows = padded.unfold(1, self.kernel, 1)  # [N, T, hidden / 2, kernel]
        by_head = windows.reshape(*x.shape[:2], self.heads, -1, self.kernel)
        convolved = (by_head * kernels[..., None, :]).sum(-1)
        return torch.cat([_joined(attended), convolved.flatten(2)], dim=-1)


class LinearTransform(nn.Module):
    """[N, T, hidden] -> [N, T, hidden]: of each head, the real transform over steps and width; not normalised.

    Args:
        hidden: width.
        heads: that the width is divided among.
        cosine: the discrete cosine transform (type II) rather than the real part of the discrete Fourier transform.
    """

    def __init__(self, hidden: int, heads: int, *, cosine: bool) -> None:
        super().__init__()
        self.heads, self.cosine = heads, cosine
        self.enter = nn.Linear(hidden, hidden)

    def forward(self, x: Tensor) -> Tensor:
        parts = _heads(self.enter(x), self.heads)
        if self.cosine:
            return _joined(cosine_transform(cosine_transform(parts, -1), -2))
        return _joined(torch.fft.fft2(parts).real)


def cosine_transform(x: Tensor, dim: int) -> Tensor:
    """2 sum_n x_n cos(pi k (2 n + 1) / (2 N)) for k < N along one dimension: of the sequence and its mirror image."""
    count = x.shape[dim]
    spectrum = torch.fft.rfft(torch.cat([x, x.flip(dim)], dim), dim=dim).narrow(dim, 0, count)
    angles = torch.arange(count, device=x.device, dtype=x.dtype) * (-math.pi / (2 * count))
    shape = [count if axis == dim % x.dim() else 1 for axis in range(x.dim())]
    transformed: Tensor = spectrum.real * angles.cos().view(shape) - spectrum.imag * angles.sin().view(shape)
    return transformed


class EncoderLayer(nn.Module):
    """[N, T, hidden] -> [N, T, hidden]: an operation, and a feed-forward part with its sum and normalisation.

    Self-attention and convolution are followed by a linear layer, a sum and a normalisation; a linear transform by
    none of these.

    Args:
        layer: operation, parameter, heads, width and stacks.
        hidden: width of the network.
    """

    def __init__(self, layer: Mapping[str, Any], hidden: int) -> None:
        super().__init__()
        self.operation = _operation(layer, hidden)
        summed = layer["operation"] != "LT"
        self.dense = nn.Linear(hidden, hidden) if summed else None
        self.norm = nn.LayerNorm(hidden, _EPSILON) if summed else None
        widths = [hidden, *[layer["width"]] * layer["stacks"]]
        self.inner = nn.ModuleList(map(nn.Linear, widths, widths[1:]))
        self.outer = nn.Linear(widths[-1], hidden)
        self.last_norm = nn.LayerNorm(hidden, _EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.operation(x)
        if self.dense is not None and self.norm is not None:
            mixed = self.norm(self.dense(mixed) + x)
        value = mixed
        for linear in self.inner:
            value = functional.gelu(linear(value))
        normalised: Tensor = self.last_norm(self.outer(value) + mixed)
        return normalised


def _operation(layer: Mapping[str, Any], hidden: int) -> nn.Module:
    kind, parameter, heads = layer["operation"], layer["parameter"], layer["heads"]
    if kind == "SA":
        return SelfAttention(hidden, heads, weighted=parameter == "WMA")
    if kind == "LT":
        return LinearTransform(hidden, heads, cosine=parameter == "DCT")
    return SpanConvolution(hidden, heads, parameter)


class Encoder(nn.Module):
    """Sequences [N, T, width] -> [N, T, hidden]; T is at most `STEPS`.

    A vector of a sequence stands for a word's embedding. It gets the embedding of its position, is normalised, and
    projected to the hidden size. Nothing is dropped: that belongs to the training.

    Args:
        spec: hidden and layers.
    """

    def __init__(self, spec: Mapping[str, Any], width: int = WIDTH) -> None:
        super().__init__()
        hidden: int = spec["hidden"]
        self.positions = nn.Parameter(torch.empty(STEPS, width))
        self.norm = nn.LayerNorm(width, _EPSILON)
        self.project = nn.Linear(width, hidden)
        self.layers = nn.ModuleList(EncoderLayer(layer, hidden) for layer in spec["layers"])
        nn.init.normal_(self.positions, std=_DEVIATION)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv1d):
                nn.init.normal_(module.weight, std=_DEVIATION)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, sequences: Tensor) -> Tensor:
        x: Tensor = self.project(self.norm(sequences + self.positions[: sequences.shape[1]]))
        for layer in self.layers:
            x = layer(x)
        return x


class EncoderNetwork(nn.Module):
    """Sequences [N, T, width] -> [[N, T, width]]: the encoder's output, led back to the width, as the one tap.

    Args:
        spec, width: as in `Encoder`.
    """

    def __init__(self, spec: Mapping[str, Any], width: int = WIDTH) -> None:
        super().__init__()
        self.spec = spec
        self.encoder = Encoder(spec, width)
        self.leave = nn.Linear(spec["hidden"], width)

    def forward(self, sequences: Tensor) -> list[Tensor]:
        return [self.leave(self.encoder(sequences))]

    def resized(self, width: int) -> EncoderNetwork:
        """The same layers with weights of their own, for vectors of this width; the hidden size is the spec's."""
        return EncoderNetwork(self.spec, width)

    def carry(self) -> None:
        """Nothing: an encoder begins every sequence without a state."""


class EncoderFeatures(Features):
    """Sequences [N, T, 400] -> [N, hidden, T, 1]: the last layer's outputs, for a classifier that averages over time.

    Args:
        spec: as in `Encoder`.
    """

    WEIGHTED = (nn.Conv1d, nn.Linear)

    def __init__(self, spec: Mapping[str, Any]) -> None:
        encoder = Encoder(spec)
        super().__init__(encoder, [*encoder.layers], spec["hidden"])

    def forward(self, sequences: Tensor) -> Tensor:
        outputs: Tensor = self.backbone(sequences)
        return outputs.transpose(1, 2)[..., None]
