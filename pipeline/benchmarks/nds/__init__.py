"""Network Design Spaces: trainings of random networks, five spaces of cells and ResNet-like ones beside them."""

from __future__ import annotations

from pipeline.benchmarks.contract import Benchmark, PublishedFile, built_by
from pipeline.benchmarks.nds import architectures, checking, reading
from pipeline.benchmarks.nds.architectures import NAME, SPACES
from pipeline.benchmarks.nds.metrics import CLASSES, METRICS

BENCHMARK = Benchmark(
    name=NAME,
    title="Network Design Spaces",
    spaces=tuple(SPACES.values()),
    metrics=METRICS,
    licence="MIT",
    canonical=architectures.canonical,
    compose=architectures.compose,
    read=reading.read,
    build=built_by("pipeline.benchmarks.nds.network:network"),
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
    features=built_by("pipeline.benchmarks.nds.network:features"),
)
