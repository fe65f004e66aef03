"""Triton kernels for what all architectures of a stack have: 3x3 convolutions with affine batch normalisation.

Activations are [A, M, C]: architectures, positions (image, row, column) and channels, float32. Every sum is taken in a
fixed order, so that results repeat to the bit.
"""

from __future__ import annotations

import triton
import triton.language as tl

from pipeline.proxies.regression.stacked.kernel_functions import (
    convolved,
    convolved_back,
    keep_statistics,
    weight_gradients,
    whole_statistics,
)


@triton.jit
def conv_forward(
    x, z, w, part, arch_x, arch_w,
    HI: tl.constexpr, WI: tl.constexpr, HO: tl.constexpr, WO: tl.constexpr, STRIDE: tl.constexpr, CI: tl.constexpr,
    KI: tl.constexpr, CO: tl.constexpr, IMAGE: tl.constexpr, PIXEL: tl.constexpr, CHANNEL: tl.constexpr,
    M: tl.constexpr, TILES: tl.constexpr, BM: tl.constexpr, RELU: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """A 3x3 convolution that every architecture has, with weights of its own. Grid: (TILES, A)."""
    tile = tl.program_id(0)
    arch = tl.program_id(1)
    rows = tile * BM + tl.arange(0, BM)
    total = convolved(
        x + arch * arch_x, w + arch * arch_w, rows, HI, WI, HO, WO, STRIDE, CI, KI, CO, IMAGE, PIXEL, CHANNEL, 9, RELU,
        PRECISION, BM,
    )  # fmt: skip
    c = tl.arange(0, CO)
    tl.store(z + arch * (M * CO) + rows[:, None] * CO + c[None, :], total)
    keep_statistics(total, part, arch * TILES + tile, CO, BM)


@triton.jit
def affine_statistics(
    part, mean, rstd, running_mean, running_variance, A,
    TILES: tl.constexpr, C: tl.constexpr, BM: tl.constexpr, EPS: tl.constexpr, MOMENTUM: tl.constexpr,
):  # fmt: skip
    """Mean and reciprocal standard deviation [A, C]; the running statistics [A, C] take them in. Grid: (A,)."""
    arch = tl.program_id(0)
    m, v = whole_statistics(part, arch, TILES, C, BM)
    at = arch * C + tl.arange(0, C)
    tl.store(mean + at, m)
    tl.store(rstd + at, 1.0 / tl.sqrt(v + EPS))
    unbiased = v * (TILES * BM / (TILES * BM - 1))
    tl.store(running_mean + at, (1 - MOMENTUM) * tl.load(running_mean + at) + MOMENTUM * m)
    tl.store(running_variance + at, (1 - MOMENTUM) * tl.load(running_variance + at) + MOMENTUM * unbiased)


@triton.jit
def affine_forward(
    z, y, other, mean, rstd, gamma, beta, affine_stride, M: tl.constexpr, C: tl.constexpr, BM: tl.constexpr,
    ADD: tl.constexpr,
):  # fmt: skip
    """y = normalised z * gamma + beta, plus `other` if ADD. Grid: (TILES, A)."""
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    arch = tl.program_id(1)
    c = tl.arange(0, C)
    at = arch * (M * C) + rows[:, None] * C + c[None, :]
    m = tl.load(mean + arch * C + c)
    r = tl.load(rstd + arch * C + c)
    scale = tl.load(gamma + arch * affine_stride + c)
    shift = tl.load(beta + arch * affine_stride + c)
    value = (tl.load(z + at) - m[None, :]) * r[None, :] * scale[None, :] + shift[None, :]
    if ADD:
        value += tl.load(other + at)
    tl.store(y + at, value)


@triton.jit
def conv_backward(
    x, dz, w, g, other, arch_w,
    HI: tl.constexpr, WI: tl.constexpr, HO: tl.constexpr, WO: tl.constexpr, STRIDE: tl.constexpr, CI: tl.constexpr,
    CO: tl.constexpr, MI: tl.constexpr, MO: tl.constexpr, BM: tl.constexpr, ADD: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """The gradient of the input of a rectifier and 3x3 convolution, plus `other` if ADD. Grid: (MI / BM, A)."""
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    arch = tl.program_id(1)
    c = tl.arange(0, CI)
    at = arch * (MI * CI) + rows[:, None] * CI + c[None, :]
    rectified = convolved_back(
        dz + arch * (MO * CO), w + arch * arch_w, rows, HI, WI, HO, WO, STRIDE, CI, CO, 9, PRECISION, BM
    )
    gradient = tl.where(tl.load(x + at) > 0, rectified, 0.0)
    if ADD:
        gradient += tl.load(other + at)
    tl.store(g + at, gradient)


@triton.jit
def conv_weight_gradient(
    x, dz, partial, arch_x,
    HI: tl.constexpr, WI: tl.constexpr, HO: tl.constexpr, WO: tl.constexpr, STRIDE: tl.constexpr, CI: tl.constexpr,
    KI: tl.constexpr, CO: tl.constexpr, IMAGE: tl.constexpr, PIXEL: tl.constexpr, CHANNEL: tl.constexpr,
    M: tl.constexpr, CHUNKS: tl.constexpr, TAPS: tl.constexpr, BK: tl.constexpr, RELU: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """The gradient of a 3x3 convolution's weights, a chunk each: [A, CHUNKS, 9, CI, CO].

    Grid: (CHUNKS * 9 / TAPS, A).
    """
    chunk = tl.program_id(0) // (9 // TAPS)
    tap = tl.program_id(0) % (9 // TAPS) * TAPS
    arch = tl.program_id(1)
    weight_gradients(
        x + arch * arch_x, dz + arch * (M * CO), partial + (arch * CHUNKS + chunk) * 9 * (CI * CO), tap,
        chunk * (M // CHUNKS), HI, WI, HO, WO, STRIDE, CI, KI, CO, IMAGE, PIXEL, CHANNEL, 3, TAPS, RELU, M // CHUNKS,
        BK, PRECISION,
    )  # fmt: skip
