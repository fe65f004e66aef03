"""NAS-Bench-101: 423,624 cells of at most seven vertices and nine edges, each trained three times for four lengths."""

from __future__ import annotations

from pipeline.benchmarks.contract import Benchmark, Metric, PublishedFile, Space, built_by
from pipeline.benchmarks.nasbench101 import architectures, reading
from pipeline.benchmarks.nasbench101.reading import DATASET, NAME, SPACE

_METRICS = (
    Metric(DATASET, "test_accuracy", "test", "percent", True, 1, "top-1 accuracy on the test set"),
    Metric(DATASET, "validation_accuracy", "validation", "percent", True, 2, "top-1 accuracy on the validation set"),
    Metric(DATASET, "train_accuracy", "train", "percent", True, None, "top-1 accuracy on the training set"),
    Metric(
        DATASET, "train_seconds", "none", "seconds", False, None,
        "wall time of the training up to and with this epoch, as published",
    ),
    Metric(DATASET, "params", "none", "count", None, None, "trainable parameters"),
)  # fmt: skip

BENCHMARK = Benchmark(
    name=NAME,
    title="NAS-Bench-101",
    spaces=(Space(SPACE, 423_624, "cells of at most seven vertices and nine edges, three operations"),),
    metrics=_METRICS,
    licence="Apache-2.0",
    canonical=architectures.canonical,
    compose=architectures.compose,
    read=reading.read,
    build=built_by("pipeline.benchmarks.nasbench101.network:network"),
    stages=3,
    classes={DATASET: 10},
    forms="nasbench_full.tfrecord, nasbench_only108.tfrecord, or a pickle of the official API's memory",
    published=(
        PublishedFile(
            "nasbench_only108.tfrecord",
            "three trainings of 108 epochs",
            "google-research/nasbench",
            "https://storage.googleapis.com/nasbench/nasbench_only108.tfrecord",
            499_000_000,
            "4c39c3936e36a85269881d659e44e61a245babcb72cb374eacacf75d0e5f4fd1",
        ),
        PublishedFile(
            "nasbench_full.tfrecord",
            "three trainings of 4, 12, 36 and 108 epochs",
            "google-research/nasbench",
            "https://storage.googleapis.com/nasbench/nasbench_full.tfrecord",
            1_950_000_000,
            "3d64db8180fb1b0207212f9032205064312b6907a3bbc81eabea10db2f5c7e9c",
        ),
    ),
    reference='Ying et al., "NAS-Bench-101: Towards Reproducible Neural Architecture Search", ICML 2019; released '
    'scores: Krishnakumar et al., "NAS-Bench-Suite-Zero: Accelerating Research on Zero Cost Proxies", NeurIPS 2022',
    curves_asked=False,
    sample=architectures.sample,
    mutate=architectures.mutate,
    features=built_by("pipeline.benchmarks.nasbench101.network:features"),
    graph=architectures.graph,
)
