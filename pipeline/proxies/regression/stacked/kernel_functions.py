"""What several Triton kernels over a stack of networks do: convolutions, their gradients, and batch statistics.

Activations of an architecture are [M, C]: positions (image, row, column) and channels, float32. Every sum is taken in a
fixed order, so that results repeat to the bit.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def convolved(
    x, w, rows, HI: tl.constexpr, WI: tl.constexpr, HO: tl.constexpr, WO: tl.constexpr, STRIDE: tl.constexpr,
    CI: tl.constexpr, KI: tl.constexpr, CO: tl.constexpr, IMAGE: tl.constexpr, PIXEL: tl.constexpr,
    CHANNEL: tl.constexpr, TAPS: tl.constexpr, RELU: tl.constexpr, PRECISION: tl.constexpr, BM: tl.constexpr,
):  # fmt: skip
    """Convolution of x with w [TAPS, CI, CO] at output positions `rows` [BM] -> [BM, CO]; zero padding."""
    image = rows // (HO * WO)
    row = (rows // WO) % HO
    column = rows % WO
    ci = tl.arange(0, KI)
    co = tl.arange(0, CO)
    total = tl.zeros([BM, CO], tl.float32)
    for t in range(TAPS):
        i = row * STRIDE
        j = column * STRIDE
        if TAPS == 9:
            i = i + t // 3 - 1
            j = j + t % 3 - 1
        inside = (i >= 0) & (i < HI) & (j >= 0) & (j < WI)
        at = image * IMAGE + (i * WI + j) * PIXEL
        values = tl.load(x + at[:, None] + ci[None, :] * CHANNEL, mask=inside[:, None] & (ci < CI)[None, :], other=0.0)
        if RELU:
            values = tl.maximum(values, 0.0)
        weights = tl.load(w + t * CI * CO + ci[:, None] * CO + co[None, :], mask=(ci < CI)[:, None], other=0.0)
        total = tl.dot(values, weights, total, input_precision=PRECISION)
    return total


@triton.jit
def convolved_back(
    dz, w, rows, HI: tl.constexpr, WI: tl.constexpr, HO: tl.constexpr, WO: tl.constexpr, STRIDE: tl.constexpr,
    CI: tl.constexpr, CO: tl.constexpr, TAPS: tl.constexpr, PRECISION: tl.constexpr, BM: tl.constexpr,
):  # fmt: skip
    """The gradient of a convolution's input at positions `rows` [BM] -> [BM, CI], from that of its output."""
    image = rows // (HI * WI)
    row = (rows // WI) % HI
    column = rows % WI
    ci = tl.arange(0, CI)
    co = tl.arange(0, CO)
    total = tl.zeros([BM, CI], tl.float32)
    for t in range(TAPS):
        i = row
        j = column
        if TAPS == 9:
            i = i - (t // 3 - 1)
            j = j - (t % 3 - 1)
        inside = (i >= 0) & (j >= 0)
        if STRIDE > 1:
            inside = inside & (i % STRIDE == 0) & (j % STRIDE == 0)
            i = i // STRIDE
            j = j // STRIDE
        inside = inside & (i < HO) & (j < WO)
        at = (image * (HO * WO) + i * WO + j) * CO
        values = tl.load(dz + at[:, None] + co[None, :], mask=inside[:, None], other=0.0)
        weights = tl.load(w + t * CI * CO + ci[None, :] * CO + co[:, None])
        total = tl.dot(values, weights, total, input_precision=PRECISION)
    return total


@triton.jit
def weight_gradients(
    x, dz, to, tap, first, HI: tl.constexpr, WI: tl.constexpr, HO: tl.constexpr, WO: tl.constexpr,
    STRIDE: tl.constexpr, CI: tl.constexpr, KI: tl.constexpr, CO: tl.constexpr, IMAGE: tl.constexpr,
    PIXEL: tl.constexpr, CHANNEL: tl.constexpr, KERNEL: tl.constexpr, TAPS: tl.constexpr, RELU: tl.constexpr,
    ROWS: tl.constexpr, BK: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The gradients of TAPS taps from `tap` on, from the output positions first, ..., first + ROWS - 1.

    They are stored at `to` + tap * CI * CO, [TAPS, CI, CO]. The taps share what is read: each element of x and dz comes
    from the card's memory once, not once per tap.

    Args:
        KERNEL: rows of the convolution's kernel, 1 or 3.
    """
    ci = tl.arange(0, KI)
    co = tl.arange(0, CO)
    totals = (tl.zeros([KI, CO], tl.float32),) * TAPS
    for k in range(ROWS // BK):
        rows = first + k * BK + tl.arange(0, BK)
        image = rows // (HO * WO)
        row = ((rows // WO) % HO) * STRIDE
        column = (rows % WO) * STRIDE
        gradient = tl.load(dz + rows[:, None] * CO + co[None, :])
        sums = ()
        for n in tl.static_range(TAPS):
            i = row + (tap + n) // KERNEL - KERNEL // 2
            j = column + (tap + n) % KERNEL - KERNEL // 2
            inside = (i >= 0) & (i < HI) & (j >= 0) & (j < WI)
            at = image * IMAGE + (i * WI + j) * PIXEL
            mask = inside[None, :] & (ci < CI)[:, None]
            values = tl.load(x + at[None, :] + ci[:, None] * CHANNEL, mask=mask, other=0.0)
            if RELU:
                values = tl.maximum(values, 0.0)
            total = tl.dot(values, gradient, totals[n], input_precision=PRECISION)
            sums = sums + (total,)  # type: ignore[assignment]  # noqa: RUF005 (which Triton does not know)
        totals = sums
    for n in tl.static_range(TAPS):
        own = to + (tap + n) * (CI * CO)
        tl.store(own + ci[:, None] * CO + co[None, :], totals[n], mask=(ci < CI)[:, None])


@triton.jit
def keep_statistics(total, part, at, C: tl.constexpr, BM: tl.constexpr):
    """Mean and sum of squared distances from it of a block's rows, per channel."""
    c = tl.arange(0, C)
    mean = tl.sum(total, 0) / BM
    deviation = total - mean[None, :]
    tl.store(part + at * 2 * C + c, mean)
    tl.store(part + at * 2 * C + C + c, tl.sum(deviation * deviation, 0))


@triton.jit
def whole_statistics(part, at, TILES: tl.constexpr, C: tl.constexpr, BM: tl.constexpr):
    """Mean and biased variance per channel, from those of the blocks (Chan et al., 1979)."""
    c = tl.arange(0, C)
    t = tl.arange(0, TILES)
    base = part + (at * TILES + t)[:, None] * 2 * C + c[None, :]
    means = tl.load(base)
    squares = tl.load(base + C)
    mean = tl.sum(means, 0) / TILES
    deviation = means - mean[None, :]
    variance = (tl.sum(squares, 0) + BM * tl.sum(deviation * deviation, 0)) / (TILES * BM)
    return mean, variance
