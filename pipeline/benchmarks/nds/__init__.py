"""Network Design Spaces: trainings of random networks, five spaces of cells and ResNet-like ones beside them.

Radosavovic, Johnson, Xie, Lo and Dollar, "On Network Design Spaces for Visual Recognition", ICCV 2019.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.benchmarks.contract import Benchmark, PublishedFile, Spec
from pipeline.benchmarks.nds import architectures, checking, reading
from pipeline.benchmarks.nds.architectures import NAME, SPACES
from pipeline.benchmarks.nds.metrics import CLASSES, METRICS

if TYPE_CHECKING:
    from torch import nn


def build(space: str, spec: Spec) -> nn.Module:
    """The network: images [N, 3, 32, 32] -> its three taps; an ImageNet space's too has CIFAR-10's stem."""
    from pipeline.benchmarks.nds import residual_network
    from pipeline.networks import cell_network

    return residual_network.network(spec) if "block_type" in spec else cell_network.NDSCellNetwork(spec)


def features(space: str, spec: Spec) -> nn.Module:
    """The network that CIFAR-10 trains, up to its pooling."""
    from pipeline.benchmarks.nds import residual_network
    from pipeline.networks import cell_network

    return residual_network.features(spec) if "block_type" in spec else cell_network.features(spec)


BENCHMARK = Benchmark(
    name=NAME,
    title="Network Design Spaces",
    spaces=tuple(SPACES.values()),
    metrics=METRICS,
    licence="MIT",
    canonical=architectures.canonical,
    compose=architectures.compose,
    read=reading.read,
    build=build,
    stages=3,
    classes=CLASSES,
    forms="a file of nds_data under its published name (DARTS.json, ENAS_fix-w-d.json, ...), or a folder of them",
    published=(
        PublishedFile(
            "data.zip",
            "trainings of eleven spaces, a JSON file for each",
            "facebookresearch/nds",
            "https://dl.fbaipublicfiles.com/nds/data.zip",
            unpacked="nds_data",
        ),
    ),
    reference='Radosavovic, Johnson, Xie, Lo and Dollar, "On Network Design Spaces for Visual Recognition", ICCV 2019',
    sample=architectures.sample,
    mutate=architectures.mutate,
    check=checking.check,
    features=features,
)
