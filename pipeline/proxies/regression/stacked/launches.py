"""How the kernels of a stack are launched, by the width that they work on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Launch:
    """How one kernel's work is cut into blocks. Only speed and the order of sums depend on it.

    Args:
        tile: positions that a block has in its registers at a time.
        warps: of a block.
        stages: of the software pipeline of the block's loop.
        taps: whose gradients a block sums, 1, 3 or 9; of gradients of weights alone.
        rows: positions over which a block sums them.
    """

    tile: int
    warps: int = 4
    stages: int = 3
    taps: int = 9
    rows: int = 512

    @property
    def options(self) -> dict[str, int]:
        """What Triton compiles a kernel with."""
        return {"num_warps": self.warps, "num_stages": self.stages}


Launches = Mapping[str, Mapping[int, Launch]]

LAUNCHES: Launches = {
    "edges_forward": {16: Launch(128, 2), 32: Launch(128), 64: Launch(32)},
    "node_forward": {16: Launch(128), 32: Launch(128), 64: Launch(32, 8)},
    "edges_gradient_sums": {16: Launch(128), 32: Launch(128), 64: Launch(64)},
    "edges_gradient": {16: Launch(128), 32: Launch(128), 64: Launch(64)},
    "node_backward": {16: Launch(64, 2), 32: Launch(128), 64: Launch(64)},
    "edges_weight_gradient": {
        16: Launch(32, 1, 1, taps=3, rows=512),
        32: Launch(64, 2, 1, taps=3, rows=256),
        64: Launch(64, 4, 1, taps=3, rows=256),
    },
    "conv_forward": {16: Launch(128, 2, 1), 32: Launch(128, 2), 64: Launch(32, 2)},
    "affine_forward": {16: Launch(64), 32: Launch(128), 64: Launch(32, 8)},
    "conv_backward": {32: Launch(128, 2), 64: Launch(64)},
    "conv_weight_gradient": {
        16: Launch(64, 1, 1, taps=9, rows=512),
        32: Launch(32, 2, 1, taps=3, rows=256),
        64: Launch(32, 4, 1, taps=3, rows=256),
    },
}
"""By kernel and width: the fastest that `make gpu STEPS=launches` found on an H200 for 64 architectures at a time."""


@dataclass(frozen=True)
class Blocks:
    """A launch for so many positions.

    Args:
        tile: positions of a block.
        tiles: blocks.
        chunks: pieces in which gradients of weights are summed.
        taps: see `Launch`.
        options: see `Launch`.
    """

    tile: int
    tiles: int
    chunks: int
    taps: int
    options: dict[str, int]


def blocks(launches: Launches, kernel: str, width: int, positions: int) -> Blocks:
    """How a kernel is launched; of a width that was not measured, as the nearest that was."""
    own = launches[kernel]
    launch = own[min(own, key=lambda measured: abs(measured - width))]
    rows = min(launch.rows, positions)
    tile = min(launch.tile, rows if "weight_gradient" in kernel else positions)
    return Blocks(tile, positions // tile, positions // rows, launch.taps, launch.options)
