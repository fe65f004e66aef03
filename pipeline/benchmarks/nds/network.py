"""The networks of the Network Design Spaces, of cells or ResNet-like, as the spec tells; all have CIFAR-10's stem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.benchmarks.nds import residual_network
from pipeline.benchmarks.nds.residual_network import NDSResidualNetwork
from pipeline.networks import cell_network
from pipeline.networks.cell_network import NDSCellNetwork
from pipeline.networks.features import Features


def network(spec: Mapping[str, Any]) -> NDSCellNetwork | NDSResidualNetwork:
    """The network: images [N, 3, 32, 32] -> its three taps."""
    return residual_network.network(spec) if "block_type" in spec else NDSCellNetwork(spec)


def features(spec: Mapping[str, Any]) -> Features:
    """The network that CIFAR-10 trains, up to its pooling."""
    return residual_network.features(spec) if "block_type" in spec else cell_network.features(spec)
