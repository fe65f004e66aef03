"""The networks of DARTS' cells, by the frame that a space stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from pipeline.benchmarks.darts.architectures import FRAMES
from pipeline.networks.cell_network import NDSCell, NDSCellNetwork
from pipeline.networks.cell_network import features as cell_features
from pipeline.networks.features import Features


class SingleCell(nn.Module):
    """Images [N, 3, H, W] -> [[N, outputs, H/2, W/2]], the output of one reduction cell whose inputs are the images.

    SWAP's authors score a cell so: a network of one cell, which is a reduction cell, without a stem.

    Args:
        spec: reduce (edges) and reduce_concat (nodes).
        width: channels of the images; the nodes have twice as many.
    """

    def __init__(self, spec: Mapping[str, Any], width: int) -> None:
        super().__init__()
        edges = [(kind, source) for kind, source in spec["reduce"]]
        self.cell = NDSCell(
            edges, spec["reduce_concat"], (width, width), 2 * width, reduction=True, after_reduction=False
        )
        self.outputs = 2 * width * len(spec["reduce_concat"])

    def forward(self, images: Tensor) -> list[Tensor]:
        rectified = functional.relu(images)
        return [self.cell(rectified, rectified)]


def network(space: str, spec: Mapping[str, Any]) -> NDSCellNetwork | SingleCell:
    """The network of a space's frame: images [N, 3, H, W] -> its three taps; of a single cell, its output alone."""
    frame = FRAMES[space]
    if frame.bare:
        return SingleCell(spec, frame.width)
    return NDSCellNetwork({**spec, "width": frame.width, "depth": frame.depth})


def features(space: str, spec: Mapping[str, Any]) -> Features:
    """The network up to its pooling."""
    frame = FRAMES[space]
    if frame.bare:
        backbone = SingleCell(spec, frame.width)
        return Features(backbone, [backbone.cell], backbone.outputs)
    return cell_features({**spec, "width": frame.width, "depth": frame.depth})
