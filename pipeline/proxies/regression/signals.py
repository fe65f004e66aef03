"""The synthetic signals of the regression proxy: maps of size 8x8 that a stage of a network is trained to reproduce.

For networks over sequences a map is as high as the sequence has time steps and as wide as it has features.

Definitions after Li et al., "Generic Neural Architecture Search via Regression" (NeurIPS 2021), section 3.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

from pipeline.proxies.regression.presets import Signal

SIZE = 8  # height and width of a target map
PHASES = 32


def drawn(
    signal: Signal, count: int, channels: int, generator: Generator, width: int = SIZE, height: int = SIZE
) -> Tensor:
    """Maps of a signal of any kind but resize, [count, channels, height, width], without its level."""
    if signal.kind in ("sin1d", "sin2d"):
        waves = sin1d if signal.kind == "sin1d" else sin2d
        return waves(signal.frequencies or [], count, channels, generator, width, height)
    dots = dot if signal.kind == "dot" else gdot
    return dots(signal.partial or 0.0, count, channels, generator, width, height)


def sin1d(
    frequencies: list[float], count: int, channels: int, generator: Generator, width: int = SIZE, height: int = SIZE
) -> Tensor:
    """Waves along rows or along columns, [count, channels, height, width].

    For each frequency f and each of 32 phases p ~ U(0, 2 pi): sin(2 pi f k + p) for even and cos for odd phases,
    k = 1, 2, ..., once along the rows and once along the columns. Channels are drawn without replacement, anew for
    each of the `count` images.
    """
    f = torch.tensor(frequencies)[:, None, None]
    phases = 2 * math.pi * torch.rand(len(frequencies), PHASES, 1, generator=generator)
    down, across = (_sin_cos(2 * math.pi * f * _positions(n) + phases).reshape(-1, n) for n in (height, width))
    bank = torch.cat([down[:, :, None].expand(-1, height, width), across[:, None, :].expand(-1, height, width)])
    return _draw(bank, count, channels, generator)


def sin2d(
    frequencies: list[float], count: int, channels: int, generator: Generator, width: int = SIZE, height: int = SIZE
) -> Tensor:
    """Plane waves, [count, channels, height, width].

    For each ordered pair (f, g) of frequencies and each of 32 phases: sin or cos of 2 pi (f row + g column) + phase,
    and the same map with its rows flipped. Channels are drawn as in `sin1d`.
    """
    f = torch.tensor(frequencies)
    row = (f[:, None] * _positions(height))[:, None, :, None]
    column = (f[:, None] * _positions(width))[None, :, None, :]
    pairs = (row + column).reshape(-1, 1, height, width)
    phases = 2 * math.pi * torch.rand(pairs.shape[0], PHASES, 1, 1, generator=generator)
    waves = _sin_cos(2 * math.pi * pairs + phases).reshape(-1, height, width)
    return _draw(torch.cat([waves, waves.flip(1)]), count, channels, generator)


def dot(
    partial: float, count: int, channels: int, generator: Generator, width: int = SIZE, height: int = SIZE
) -> Tensor:
    """Dots, [count, channels, height, width]: the fraction `partial` of a map's positions, rounded down, is +1 or -1.

    The positions are distinct, and both signs have equal chance.
    """
    cells = height * width
    order = torch.rand(count, channels, cells, generator=generator).argsort(dim=-1)
    signs = torch.randint(0, 2, (count, channels, cells), generator=generator) * 2.0 - 1.0
    chosen = (order < math.floor(partial * cells)).float()
    return (chosen * signs).reshape(count, channels, height, width)


def gdot(
    partial: float, count: int, channels: int, generator: Generator, width: int = SIZE, height: int = SIZE
) -> Tensor:
    """Dots smoothed by a Gaussian of sigma 1, over the largest absolute value, [count, channels, height, width]."""
    from scipy.ndimage import gaussian_filter

    maps = dot(partial, count, channels, generator, width, height)
    smooth = torch.from_numpy(gaussian_filter(maps.numpy(), sigma=(0, 0, 1, 1)))
    return smooth / smooth.abs().amax(dim=(2, 3), keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)


def resize(images: Tensor, channels: int, generator: Generator) -> Tensor:
    """The batch itself, [N, channels, 8, 8]: nearest-resized, scaled to [-1, 1], its channels repeated and permuted."""
    small = functional.interpolate(images, size=(SIZE, SIZE), mode="nearest")
    low, high = small.min(), small.max()
    scaled = (small - low) / (high - low).clamp_min(torch.finfo(torch.float32).tiny) * 2 - 1
    repeated = scaled.repeat(1, math.ceil(channels / images.shape[1]), 1, 1)
    return repeated[:, torch.randperm(repeated.shape[1], generator=generator)[:channels]]


def _positions(count: int) -> Tensor:
    return torch.arange(1, count + 1, dtype=torch.float32)


def _sin_cos(angles: Tensor) -> Tensor:
    """Sine of the even and cosine of the odd phases; phases are the second dimension."""
    even = (torch.arange(PHASES) % 2 == 0).reshape(1, PHASES, *[1] * (angles.dim() - 2))
    return torch.where(even, angles.sin(), angles.cos())


def _draw(bank: Tensor, count: int, channels: int, generator: Generator) -> Tensor:
    return torch.stack([bank[torch.randperm(len(bank), generator=generator)[:channels]] for _ in range(count)])
