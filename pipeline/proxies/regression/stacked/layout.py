"""Where the weights of a stack lie: those of cells by edge, all others in one row per architecture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Protocol

import torch
from torch import Tensor, nn

EDGES = 6
OPERATIONS = {"none": 0, "skip_connect": 1, "nor_conv_1x1": 2, "nor_conv_3x3": 3, "avg_pool_3x3": 4}


class TableCell(Protocol):
    """A cell of four nodes: the operation of each edge, the edges that count, and the module of each convolution."""

    kinds: Mapping[tuple[int, int], str]
    plan: Sequence[tuple[int, Sequence[int]]]
    edges: nn.ModuleDict


@dataclass(frozen=True)
class Shape:
    """What the networks of a stack have in common.

    Args:
        widths: channels of the three stages.
        cells: of each stage.
        images: N.
        size: rows of an image, and as many columns.
        targets: channels of each stage's target.
    """

    widths: tuple[int, int, int]
    cells: int
    images: int
    size: int
    targets: tuple[int, ...]

    def rows(self, stage: int) -> int:
        """Rows of a feature map of that stage."""
        return self.size >> stage

    def positions(self, stage: int) -> int:
        """Rows of the matrix of all positions."""
        return self.images * self.rows(stage) ** 2

    def others(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the weights outside of cells, by name; those of convolutions are [taps, inputs, outputs]."""
        first, *_ = self.widths
        shapes: dict[str, tuple[int, ...]] = {
            "stem.0": (9, 3, first),
            "stem.1.weight": (first,),
            "stem.1.bias": (first,),
        }
        for number, (before, width) in enumerate(zip(self.widths, self.widths[1:], strict=False)):
            for name, inputs in (("first", before), ("second", width)):
                shapes[f"{number}.{name}.0"] = (9, inputs, width)
                shapes |= {f"{number}.{name}.1.{vector}": (width,) for vector in ("weight", "bias")}
            shapes[f"{number}.shortcut"] = (before, width)
        for stage, (width, outputs) in enumerate(zip(self.widths, self.targets, strict=True)):
            shapes |= {f"head{stage}.norm.{vector}": (width,) for vector in ("weight", "bias")}
            shapes[f"head{stage}.project"] = (width, outputs)
            shapes[f"head{stage}.bias"] = (outputs,)
        return shapes


def operations_of(backbone: Any) -> list[int] | None:
    """The operation of each of the six edges of a network that can be stacked, numbered as `OPERATIONS`; else None.

    Such a network has five parts, stacks of equal cells whose width does not change and the reductions between them,
    and its widths are powers of 2 from 16 on, as Triton's blocks are.
    """
    widths = getattr(backbone, "widths", ())
    if len(widths) != 5 or widths[1::2] != widths[2::2] or any(w < 16 or w & (w - 1) for w in widths):
        return None
    cells: list[TableCell] = [cell for stack in list(backbone.stacks)[::2] for cell in stack]
    if not all(hasattr(cell, "plan") for cell in cells):
        return None
    edges = [(i, j) for j in range(1, 4) for i in range(j)]
    counts = {(source, target) for target, sources in cells[0].plan for source in sources}
    return [OPERATIONS[cells[0].kinds[edge]] if edge in counts else 0 for edge in edges]


@dataclass
class Weights:
    """The weights of a stack, on the host or on a card.

    Args:
        pinned: whether a card can read them by itself.
    """

    shape: Shape
    count: int
    device: torch.device
    pinned: bool = False
    cells: list[Tensor] = field(init=False)  # of each stage [cells, 6, A, 9, C, C]; a 1x1 convolution is at tap 0
    others: Tensor = field(init=False)  # [A, ...]
    operations: Tensor = field(init=False)  # [A, 6]
    places: dict[str, tuple[int, tuple[int, ...]]] = field(init=False)

    def __post_init__(self) -> None:
        shape, begin = self.shape, 0
        self.places = {}
        for name, own in shape.others().items():
            self.places[name] = begin, own
            begin += -(-prod(own) // 4) * 4

        def zeros(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.zeros(shape, dtype=dtype, device=self.device, pin_memory=self.pinned)

        self.others = zeros(self.count, begin)
        self.cells = [zeros(shape.cells, EDGES, self.count, 9, width, width) for width in shape.widths]
        self.operations = zeros(self.count, EDGES, dtype=torch.int32)

    def other(self, name: str, of: Tensor | None = None) -> Tensor:
        """A weight outside of cells, for all architectures, as a view of `others` or of a tensor like it."""
        begin, own = self.places[name]
        rows = (self.others if of is None else of)[:, begin : begin + prod(own)]
        weight: Tensor = rows.unflatten(1, own)  # type: ignore[no-untyped-call]
        return weight

    def decayed(self) -> Tensor:
        """1 where weight decay applies among `others`, 0 elsewhere (vectors: shifts, scales, biases)."""
        mask = torch.zeros(self.others.shape[1], device=self.device)
        for begin, own in self.places.values():
            if len(own) > 1:
                mask[begin : begin + prod(own)] = 1
        return mask

    def take(self, number: int, model: Any) -> None:
        """The weights of one model, on the CPU, become those of the architecture at that place."""
        backbone, heads = model.backbone, model.heads
        operations = operations_of(backbone)
        assert operations is not None
        self.operations[number] = torch.tensor(operations, dtype=torch.int32)
        edges = [(i, j) for j in range(1, 4) for i in range(j)]
        for stage, stack in enumerate(self.cells):
            for k, cell in enumerate(backbone.stacks[2 * stage]):
                for e, (i, j) in enumerate(edges):
                    if operations[e] in (2, 3):
                        matrix = _taps(cell.edges[f"{i}-{j}"][0])
                        stack[k, e, number, : len(matrix)] = matrix
        for name, weight in _others(backbone, heads):
            self.other(name)[number] = weight

    def copy_(self, source: Weights) -> None:
        """Take over another stack's weights."""
        for own, theirs in ((self.others, source.others), (self.operations, source.operations)):
            own.copy_(theirs, non_blocking=True)
        for own, theirs in zip(self.cells, source.cells, strict=True):
            own.copy_(theirs, non_blocking=True)


def _taps(convolution: Any) -> Tensor:
    """[outputs, inputs, k, k] -> [k * k, inputs, outputs]."""
    weight: Tensor = convolution.weight.detach()
    return weight.permute(2, 3, 1, 0).flatten(0, 1)


def _others(backbone: Any, heads: Any) -> Iterator[tuple[str, Tensor]]:
    blocks: dict[str, Any] = {"stem": backbone.stem}
    for number in range(2):
        reduction = backbone.stacks[2 * number + 1]
        blocks |= {f"{number}.first": reduction.first, f"{number}.second": reduction.second}
        yield f"{number}.shortcut", _taps(reduction.shortcut[1])[0]
    for name, block in blocks.items():
        yield f"{name}.0", _taps(block[0])
        yield f"{name}.1.weight", block[1].weight.detach()
        yield f"{name}.1.bias", block[1].bias.detach()
    for stage, head in enumerate(heads):
        yield f"head{stage}.norm.weight", head.norm.weight.detach()
        yield f"head{stage}.norm.bias", head.norm.bias.detach()
        yield f"head{stage}.project", _taps(head.project)[0]
        yield f"head{stage}.bias", head.project.bias.detach()
