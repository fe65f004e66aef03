"""TransNAS-Bench-101: the encoders of two search spaces, trained on several tasks of Taskonomy.

Duan, Chen, Xu, Chen, Liang, Zhang and Li, "TransNAS-Bench-101: Improving Transferability and Generalizability of
Cross-Task Neural Architecture Search", CVPR 2021.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.benchmarks.contract import Benchmark, PublishedFile, Space, Spec
from pipeline.benchmarks.transnas101 import architectures, reading
from pipeline.benchmarks.transnas101.architectures import NAME
from pipeline.benchmarks.transnas101.metrics import CLASSES, METRICS

if TYPE_CHECKING:
    from torch import nn


def build(space: str, spec: Spec) -> nn.Module:
    """The encoder: images [N, 3, H, W] -> its three taps, after each third of the modules."""
    from pipeline.benchmarks.transnas101 import network

    return network.network(spec)


def features(space: str, spec: Spec) -> nn.Module:
    """The encoder as the benchmark trained it, up to its pooling."""
    from pipeline.benchmarks.transnas101 import network

    return network.features(spec)


BENCHMARK = Benchmark(
    name=NAME,
    title="TransNAS-Bench-101",
    spaces=(
        Space("micro", 4_096, "six edges of a cell, four operations each, in a fixed sequence of modules"),
        Space("macro", 3_256, "four to six modules of residual blocks, with where channels double and images halve"),
    ),
    metrics=METRICS,
    licence="Apache-2.0",
    reader_version=1,
    canonical=architectures.canonical,
    compose=architectures.compose,
    read=reading.read,
    build=build,
    features=features,
    stages=3,
    classes=CLASSES,
    forms="a folder with the tables class_object.csv, jigsaw.csv and autoencoder.csv, or one of them",
    published=(
        PublishedFile(
            "transnas101",
            "a table for each of three tasks, with the architectures' names",
            "Zhenhan-Huang/NASGraph-Public",
            "https://github.com/Zhenhan-Huang/NASGraph-Public",
            steps=(
                "The tables transbench101_class_object.csv, _jigsaw.csv and _autoencoder.csv of that repository name "
                "no architectures: put the names of https://github.com/yawen-d/TransNASBench beside them, in its "
                "order, as the column 'architecture', and save them in {folder} as class_object.csv, jigsaw.csv and "
                "autoencoder.csv",
            ),
        ),
    ),
    reference=(
        'Duan, Chen, Xu, Chen, Liang, Zhang and Li, "TransNAS-Bench-101: Improving Transferability and '
        'Generalizability of Cross-Task Neural Architecture Search", CVPR 2021'
    ),
    has_curves=False,
    curves_asked=False,
    sample=architectures.sample,
    mutate=architectures.mutate,
    graph=architectures.graph,
)
