"""FlexiBERT: transformers of mixed layers, of the space of Tuli et al., scored in GLUE by Serianni and Kalita."""

from __future__ import annotations

from pipeline.benchmarks.contract import Benchmark, PublishedFile, Space, built_by
from pipeline.benchmarks.flexibert import architectures, checking, reading
from pipeline.benchmarks.flexibert.architectures import NAME, SIZE, SPACE

BENCHMARK = Benchmark(
    name=NAME,
    title="FlexiBERT",
    spaces=(Space(SPACE, SIZE, "transformers of two or four layers: attention, linear transforms, convolutions"),),
    metrics=reading.METRICS,
    licence="Apache-2.0",
    canonical=architectures.canonical,
    compose=architectures.compose,
    read=reading.read,
    build=built_by("pipeline.benchmarks.flexibert.network:EncoderNetwork"),
    features=built_by("pipeline.benchmarks.flexibert.network:EncoderFeatures"),
    graph=architectures.graph,
    stages=1,
    classes=reading.CLASSES,
    forms="BERT_benchmark.json, a list of trainings, or a folder that holds it",
    published=(
        PublishedFile(
            reading.FILE,
            "transformers with their scores in GLUE's tasks",
            "aaronserianni/training-free-nas",
            "https://raw.githubusercontent.com/aaronserianni/training-free-nas/"
            "9b59a62666f133230a0c65fabe40538e43ab3253/data/BERT_benchmark.json",
            bytes=308_144,
        ),
    ),
    reference=(
        'Serianni and Kalita, "Training-free Neural Architecture Search for RNNs and Transformers", ACL 2023; Tuli, '
        'Dedhia, Tuli and Jha, "FlexiBERT: Are Current Transformer Architectures too Homogeneous and Rigid?", 2022'
    ),
    inputs="sequences",
    curves_asked=False,
    sample=architectures.sample,
    mutate=architectures.mutate,
    check=checking.check,
)
