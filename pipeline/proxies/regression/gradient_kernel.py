"""The gradient of a convolution's weights: one kernel of Triton's, and a sum. Imported only where Triton is.

Each block adds up some positions of one image for one tap and a tile of channels; torch adds up the blocks. Both have a
fixed order: the same inputs give the same bits.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

TILE = 32  # channels of inputs and of outputs of a block
POSITIONS = 64  # that a block adds up at a time
BLOCKS = 256  # that there are at least, if there are enough positions


def weight_gradient(
    images: Tensor, gradient: Tensor, shape: torch.Size, stride: Any, padding: Any, dilation: Any
) -> Tensor:
    """See `modules.weight_gradient`."""
    images, gradient = images.contiguous(), gradient.contiguous()
    count, inputs, height, width = images.shape
    outputs, _, rows, columns = shape
    positions = gradient.shape[2] * gradient.shape[3]
    tiles = rows * columns * triton.cdiv(inputs, TILE) * triton.cdiv(outputs, TILE)
    splits = max(1, min(triton.cdiv(BLOCKS, count * tiles), positions // (2 * POSITIONS)))
    length = triton.cdiv(positions, splits * POSITIONS) * POSITIONS
    parts = images.new_empty(count * splits, *shape)
    _parts[(count * splits, tiles)](
        images, gradient, parts, inputs, outputs, height, width, gradient.shape[3], positions, splits, length,
        rows, columns, *stride, *padding, *dilation, TILE, POSITIONS,
    )  # fmt: skip
    return parts.sum(0)


# One kernel for all sizes: each takes a second to compile.
@triton.jit(  # type: ignore[untyped-decorator]
    do_not_specialize=["inputs", "outputs", "height", "width", "across", "positions", "splits", "length"]
)
def _parts(  # type: ignore[no-untyped-def]
    images, gradient, parts, inputs, outputs, height, width, across, positions, splits, length,
    rows: tl.constexpr, columns: tl.constexpr, stride_y: tl.constexpr, stride_x: tl.constexpr, pad_y: tl.constexpr,
    pad_x: tl.constexpr, apart_y: tl.constexpr, apart_x: tl.constexpr, size: tl.constexpr, step: tl.constexpr,
):  # fmt: skip
    """The sum over `length` positions of an image, [images x splits, outputs, inputs, rows, columns]."""
    part = tl.program_id(0)
    image = part // splits
    begin = (part % splits) * length
    tile = tl.program_id(1)
    tap = tile % (rows * columns)
    tile = tile // (rows * columns)
    wide = tl.cdiv(inputs, size)
    c = (tile % wide) * size + tl.arange(0, size)
    k = (tile // wide) * size + tl.arange(0, size)
    down = (tap // columns) * apart_y - pad_y
    right = (tap % columns) * apart_x - pad_x
    values = images + image * inputs * height * width + c[:, None] * (height * width)
    slopes = gradient + image * outputs * positions + k[:, None] * positions
    total = tl.zeros([size, size], tl.float32)
    end = begin + length
    while begin < end:
        p = begin + tl.arange(0, step)
        y = (p // across) * stride_y + down
        x = (p % across) * stride_x + right
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width) & (p < positions)
        v = tl.load(values + (y * width + x)[None, :], mask=inside[None, :] & (c < inputs)[:, None], other=0.0)
        s = tl.load(slopes + p[None, :], mask=(p < positions)[None, :] & (k < outputs)[:, None], other=0.0)
        total = tl.dot(s, tl.trans(v), total, input_precision="ieee")
        begin += step
    at = (part * outputs + k[:, None]) * inputs + c[None, :]
    known = (k < outputs)[:, None] & (c < inputs)[None, :]
    tl.store(parts + at * (rows * columns) + tap, total, mask=known)
