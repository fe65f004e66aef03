"""DARTS: cells of the space of Liu et al., whose accuracies on CIFAR-10 Peng et al. published with a proxy.

The publisher states that the networks were trained for 200 epochs, and neither their width nor their depth. A space is
a frame around the cells: what is published of a cell is true in each of them.
"""

from __future__ import annotations

from pipeline.benchmarks.contract import Benchmark, Metric, PublishedFile, built_by
from pipeline.benchmarks.darts import architectures, reading
from pipeline.benchmarks.darts.architectures import NAME, SPACES
from pipeline.benchmarks.darts.reading import DATASET, METRIC

BENCHMARK = Benchmark(
    name=NAME,
    title="DARTS",
    spaces=SPACES,
    metrics=(Metric(DATASET, METRIC, "validation", "percent", True, 1, "top-1 accuracy after 200 epochs, one run"),),
    licence="AFL-3.0",
    canonical=architectures.canonical,
    compose=architectures.compose,
    read=reading.read,
    build=built_by("pipeline.benchmarks.darts.network:network", by_space=True),
    features=built_by("pipeline.benchmarks.darts.network:features", by_space=True),
    stages=3,
    classes={DATASET: 10},
    forms="a CSV without a header: a genotype as a Python expression, and its accuracy in percent",
    published=(
        PublishedFile(
            "DARTS_archs_CIFAR10.csv",
            "cells with their accuracies on CIFAR-10",
            "pym1024/SWAP_Universal",
            "https://raw.githubusercontent.com/pym1024/SWAP/8d6225609ea3cf1c08980250d9b68113c34a0474/datasets/"
            "DARTS_archs_CIFAR10.csv",
            bytes=423_509,
        ),
    ),
    reference=(
        'Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR 2019; Peng, Song, Fayek, Ciesielski '
        'and Chang, "SWAP-NAS: Sample-Wise Activation Patterns for Ultra-fast NAS", ICLR 2024'
    ),
    curves_asked=False,
    sample=architectures.sample,
    mutate=architectures.mutate,
)
