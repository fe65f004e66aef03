"""Triton kernels for the cells of a stack: each block looks up which operation its architecture has on an edge.

Activations are [A, M, C]: architectures, positions (image, row, column) and channels, float32. A cell's four nodes lie
one after another, and so do the results of its six convolutions; the edge from node i to node j is number
j (j - 1) / 2 + i. Operations are numbered as in `layout.OPERATIONS`. A block whose edge holds no convolution returns at
once. Every sum is taken in a fixed order, so that results repeat to the bit.
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


@triton.jit(do_not_specialize=["source", "A"])
def edges_forward(
    x, z, w, operations, part, node, edge_weights, A,
    source, H: tl.constexpr, W: tl.constexpr, C: tl.constexpr, M: tl.constexpr, TILES: tl.constexpr,
    BM: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The convolutions of a node's edges. Grid: (TILES, 3 - source, A).

    Args:
        x: a cell's nodes, [4, A, M, C]; `node` is the stride of one.
        z: results, [6, A, M, C].
        w: weights, [6, A, 9, C, C]; `edge_weights` is the stride of an edge.
        operations: [A, 6].
        part: statistics of the blocks, [6, A, TILES, 2, C].
    """
    tile = tl.program_id(0)
    target = source + 1 + tl.program_id(1)
    arch = tl.program_id(2)
    edge = target * (target - 1) // 2 + source
    operation = tl.load(operations + arch * 6 + edge)
    if (operation == 2) | (operation == 3):
        rows = tile * BM + tl.arange(0, BM)
        xs = x + source * node + arch * (M * C)
        ws = w + edge * edge_weights + arch * (9 * C * C)
        if operation == 3:
            total = convolved(xs, ws, rows, H, W, H, W, 1, C, C, C, H * W * C, C, 1, 9, True, PRECISION, BM)
        else:
            total = convolved(xs, ws, rows, H, W, H, W, 1, C, C, C, H * W * C, C, 1, 1, True, PRECISION, BM)
        c = tl.arange(0, C)
        tl.store(z + edge * node + arch * (M * C) + rows[:, None] * C + c[None, :], total)
        keep_statistics(total, part, (edge * A + arch) * TILES + tile, C, BM)


@triton.jit(do_not_specialize=["source", "A"])
def edges_statistics(
    part, operations, mean, rstd, A, source, TILES: tl.constexpr, C: tl.constexpr, BM: tl.constexpr,
    EPS: tl.constexpr,
):  # fmt: skip
    """Mean and reciprocal standard deviation, [6, A, C] each, of a node's convolutions. Grid: (3 - source, A)."""
    target = source + 1 + tl.program_id(0)
    arch = tl.program_id(1)
    edge = target * (target - 1) // 2 + source
    operation = tl.load(operations + arch * 6 + edge)
    if (operation == 2) | (operation == 3):
        m, v = whole_statistics(part, edge * A + arch, TILES, C, BM)
        at = (edge * A + arch) * C + tl.arange(0, C)
        tl.store(mean + at, m)
        tl.store(rstd + at, 1.0 / tl.sqrt(v + EPS))


@triton.jit(do_not_specialize=["target", "A"])
def node_forward(
    x, z, operations, mean, rstd, node, A,
    target, H: tl.constexpr, W: tl.constexpr, C: tl.constexpr, M: tl.constexpr, BM: tl.constexpr,
):  # fmt: skip
    """The sum of a node's incoming edges, normalised where they are convolutions. Grid: (TILES, A)."""
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    arch = tl.program_id(1)
    c = tl.arange(0, C)
    at = arch * (M * C) + rows[:, None] * C + c[None, :]
    total = tl.zeros([BM, C], tl.float32)
    for source in tl.static_range(0, 3):
        edge = target * (target - 1) // 2 + source
        operation = tl.load(operations + arch * 6 + edge, mask=source < target, other=0)
        if operation == 1:
            total += tl.load(x + source * node + at)
        elif (operation == 2) | (operation == 3):
            channel = (edge * A + arch) * C + c
            m = tl.load(mean + channel)
            r = tl.load(rstd + channel)
            total += (tl.load(z + edge * node + at) - m[None, :]) * r[None, :]
        elif operation == 4:
            row = (rows // W) % H
            column = rows % W
            pooled = tl.zeros([BM, C], tl.float32)
            for t in range(9):
                i = row + t // 3 - 1
                j = column + t % 3 - 1
                inside = (i >= 0) & (i < H) & (j >= 0) & (j < W)
                there = at + ((t // 3 - 1) * W + t % 3 - 1) * C
                pooled += tl.load(x + source * node + there, mask=inside[:, None], other=0.0)
            count = (3 - (row == 0).to(tl.int32) - (row == H - 1).to(tl.int32)) * (
                3 - (column == 0).to(tl.int32) - (column == W - 1).to(tl.int32)
            )
            total += pooled / count.to(tl.float32)[:, None]
    tl.store(x + target * node + at, total)


@triton.jit(do_not_specialize=["target", "A"])
def edges_gradient_sums(
    g, z, operations, mean, rstd, part, node, A,
    target, C: tl.constexpr, M: tl.constexpr, TILES: tl.constexpr, BM: tl.constexpr,
):  # fmt: skip
    """What batch normalisation's backward pass sums: g, and g times the normalised value. Grid: (TILES, target, A).

    Args:
        g: gradient of the target node, [A, M, C].
        part: [6, A, TILES, 2, C].
    """
    tile = tl.program_id(0)
    source = tl.program_id(1)
    arch = tl.program_id(2)
    edge = target * (target - 1) // 2 + source
    operation = tl.load(operations + arch * 6 + edge)
    if (operation == 2) | (operation == 3):
        rows = tile * BM + tl.arange(0, BM)
        c = tl.arange(0, C)
        at = arch * (M * C) + rows[:, None] * C + c[None, :]
        channel = (edge * A + arch) * C + c
        m = tl.load(mean + channel)
        r = tl.load(rstd + channel)
        gradient = tl.load(g + at)
        normal = (tl.load(z + edge * node + at) - m[None, :]) * r[None, :]
        to = part + ((edge * A + arch) * TILES + tile) * 2 * C + c
        tl.store(to, tl.sum(gradient, 0))
        tl.store(to + C, tl.sum(gradient * normal, 0))


@triton.jit(do_not_specialize=["target", "A"])
def edges_gradient_means(part, operations, means, A, target, TILES: tl.constexpr, C: tl.constexpr, M: tl.constexpr):
    """The means of both, [6, A, 2, C]. Grid: (target, A)."""
    source = tl.program_id(0)
    arch = tl.program_id(1)
    edge = target * (target - 1) // 2 + source
    operation = tl.load(operations + arch * 6 + edge)
    if (operation == 2) | (operation == 3):
        c = tl.arange(0, C)
        t = tl.arange(0, TILES)
        base = part + ((edge * A + arch) * TILES + t)[:, None] * 2 * C + c[None, :]
        to = means + (edge * A + arch) * 2 * C + c
        tl.store(to, tl.sum(tl.load(base), 0) / M)
        tl.store(to + C, tl.sum(tl.load(base + C), 0) / M)


@triton.jit(do_not_specialize=["target", "A"])
def edges_gradient(
    g, z, operations, mean, rstd, means, gamma, gamma_stride, node, A,
    target, C: tl.constexpr, M: tl.constexpr, BM: tl.constexpr, AFFINE: tl.constexpr,
):  # fmt: skip
    """The gradient of a convolution's result, written over the result. Grid: (TILES, target, A)."""
    tile = tl.program_id(0)
    source = tl.program_id(1)
    arch = tl.program_id(2)
    edge = target * (target - 1) // 2 + source
    operation = tl.load(operations + arch * 6 + edge)
    if (operation == 2) | (operation == 3):
        rows = tile * BM + tl.arange(0, BM)
        c = tl.arange(0, C)
        at = arch * (M * C) + rows[:, None] * C + c[None, :]
        channel = (edge * A + arch) * C + c
        m = tl.load(mean + channel)
        r = tl.load(rstd + channel)
        mg = tl.load(means + (edge * A + arch) * 2 * C + c)
        mgz = tl.load(means + (edge * A + arch) * 2 * C + C + c)
        zs = z + edge * node + at
        normal = (tl.load(zs) - m[None, :]) * r[None, :]
        scale = r
        if AFFINE:
            scale = r * tl.load(gamma + arch * gamma_stride + c)
        tl.store(zs, scale[None, :] * (tl.load(g + at) - mg[None, :] - normal * mgz[None, :]))


@triton.jit(do_not_specialize=["source"])
def node_backward(
    x, g, z, w, operations, node, edge_weights,
    source, H: tl.constexpr, W: tl.constexpr, C: tl.constexpr, M: tl.constexpr, BM: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """The gradient of a node, from those of the nodes behind it and of its convolutions' results. Grid: (TILES, A)."""
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    arch = tl.program_id(1)
    c = tl.arange(0, C)
    at = arch * (M * C) + rows[:, None] * C + c[None, :]
    total = tl.zeros([BM, C], tl.float32)
    rectified = tl.zeros([BM, C], tl.float32)  # gradient of the rectifier's output
    for target in tl.static_range(1, 4):
        edge = target * (target - 1) // 2 + source
        operation = tl.load(operations + arch * 6 + edge, mask=target > source, other=0)
        dz = z + edge * node + arch * (M * C)
        ws = w + edge * edge_weights + arch * (9 * C * C)
        if operation == 1:
            total += tl.load(g + target * node + at)
        elif operation == 2:
            rectified += convolved_back(dz, ws, rows, H, W, H, W, 1, C, C, 1, PRECISION, BM)
        elif operation == 3:
            rectified += convolved_back(dz, ws, rows, H, W, H, W, 1, C, C, 9, PRECISION, BM)
        elif operation == 4:
            row = (rows // W) % H
            column = rows % W
            for t in range(9):
                i = row + t // 3 - 1
                j = column + t % 3 - 1
                inside = (i >= 0) & (i < H) & (j >= 0) & (j < W)
                there = at + ((t // 3 - 1) * W + t % 3 - 1) * C
                count = (3 - (i == 0).to(tl.int32) - (i == H - 1).to(tl.int32)) * (
                    3 - (j == 0).to(tl.int32) - (j == W - 1).to(tl.int32)
                )
                gradient = tl.load(g + target * node + there, mask=inside[:, None], other=0.0)
                total += gradient / count.to(tl.float32)[:, None]
    value = tl.load(x + source * node + at)
    tl.store(g + source * node + at, total + tl.where(value > 0, rectified, 0.0))


@triton.jit
def edges_weight_gradient(
    x, z, operations, partial, node, A,
    H: tl.constexpr, W: tl.constexpr, C: tl.constexpr, M: tl.constexpr, CHUNKS: tl.constexpr, TAPS: tl.constexpr,
    BK: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Gradients of the weights of a cell's convolutions, a chunk of positions each: [6, A, CHUNKS, 9, C, C].

    Grid: (CHUNKS * 9 / TAPS, 6, A).
    """
    chunk = tl.program_id(0) // (9 // TAPS)
    tap = tl.program_id(0) % (9 // TAPS) * TAPS
    edge = tl.program_id(1)
    arch = tl.program_id(2)
    operation = tl.load(operations + arch * 6 + edge)
    target = 1 + (edge >= 1).to(tl.int32) + (edge >= 3).to(tl.int32)
    source = edge - target * (target - 1) // 2
    xs = x + source * node + arch * (M * C)
    dz = z + edge * node + arch * (M * C)
    to = partial + ((edge * A + arch) * CHUNKS + chunk) * 9 * (C * C)
    if operation == 3:
        weight_gradients(
            xs, dz, to, tap, chunk * (M // CHUNKS), H, W, H, W, 1, C, C, C, H * W * C, C, 1, 3, TAPS, True,
            M // CHUNKS, BK, PRECISION,
        )  # fmt: skip
    elif (operation == 2) & (tap == 0):
        weight_gradients(
            xs, dz, to, 0, chunk * (M // CHUNKS), H, W, H, W, 1, C, C, C, H * W * C, C, 1, 1, 1, True,
            M // CHUNKS, BK, PRECISION,
        )  # fmt: skip


@triton.jit
def edges_update(
    w, momentum, partial, operations, A, rate, decay, friction,
    C: tl.constexpr, CHUNKS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """A step of stochastic gradient descent for a cell's weights [6, A, 9, C, C]. Grid: (9 * C * C / BLOCK, 6, A)."""
    t = tl.program_id(0) // (C * C // BLOCK)
    edge = tl.program_id(1)
    arch = tl.program_id(2)
    operation = tl.load(operations + arch * 6 + edge)
    if (operation == 3) | ((operation == 2) & (t == 0)):
        k = (tl.program_id(0) % (C * C // BLOCK)) * BLOCK + tl.arange(0, BLOCK)
        gradient = tl.zeros([BLOCK], tl.float32)
        for chunk in range(CHUNKS):
            gradient += tl.load(partial + (((edge * A + arch) * CHUNKS + chunk) * 9 + t) * (C * C) + k)
        at = ((edge * A + arch) * 9 + t) * (C * C) + k
        weight = tl.load(w + at)
        step = friction * tl.load(momentum + at) + (gradient + decay * weight)
        tl.store(momentum + at, step)
        tl.store(w + at, weight - rate * step)
