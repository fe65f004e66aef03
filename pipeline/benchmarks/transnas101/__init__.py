"""TransNAS-Bench-101: the encoders of two search spaces, trained on seven tasks of Taskonomy."""

from __future__ import annotations

from pipeline.benchmarks.contract import Benchmark, PublishedFile, Space, built_by
from pipeline.benchmarks.transnas101 import architectures, archive, reading
from pipeline.benchmarks.transnas101.architectures import NAME
from pipeline.benchmarks.transnas101.metrics import CLASSES, EPOCHS, METRICS

BENCHMARK = Benchmark(
    name=NAME,
    title="TransNAS-Bench-101",
    spaces=(
        Space("micro", 4_096, "six edges of a cell, four operations each, in a fixed sequence of modules"),
        Space("macro", 3_256, "four to six modules of residual blocks, with where channels double and images halve"),
    ),
    metrics=tuple(METRICS.values()),
    licence="Apache-2.0",
    canonical=architectures.canonical,
    compose=architectures.compose,
    read=reading.read,
    build=built_by("pipeline.benchmarks.transnas101.network:network"),
    features=built_by("pipeline.benchmarks.transnas101.network:features"),
    stages=3,
    classes=CLASSES,
    forms=f"a folder with tables of tasks, class_object.csv and others, one of them, or {archive.FILE}",
    published=(
        PublishedFile(
            archive.FILE,
            "every epoch of every training",
            "yawen-d/TransNASBench",
            "https://github.com/yawen-d/TransNASBench",
            steps=(
                "open https://drive.google.com/drive/folders/1HlLr2ihZX_ZuV3lJX_4i7q4w-ZBdhJ6o in a browser, and "
                f"download {archive.FILE} to {{folder}}",
            ),
            licence="MIT",
        ),
        PublishedFile(
            "transnas101",
            "a table for each task, with the architectures' names",
            "Zhenhan-Huang/NASGraph-Public",
            "https://github.com/Zhenhan-Huang/NASGraph-Public",
            steps=(
                "The tables transbench101_class_object.csv, _class_scene.csv and so on of that repository name no "
                "architectures: put the names of https://github.com/yawen-d/TransNASBench beside them, in its order, "
                "as the column 'architecture', and save them in {folder}/transnas101 as class_object.csv and so "
                "on: " + ", ".join(EPOCHS),
            ),
        ),
    ),
    reference=(
        'Duan, Chen, Xu, Chen, Liang, Zhang and Li, "TransNAS-Bench-101: Improving Transferability and '
        'Generalizability of Cross-Task Neural Architecture Search", CVPR 2021'
    ),
    check=archive.check,
    sample=architectures.sample,
    mutate=architectures.mutate,
    graph=architectures.graph,
)
