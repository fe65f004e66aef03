"""NAS-Bench-NLP: recurrent cells, each trained as a three-layer language model on Penn Treebank or WikiText-2."""

from __future__ import annotations

from pipeline.benchmarks.contract import Benchmark, PublishedFile, Space, built_by
from pipeline.benchmarks.nasbench_nlp import architectures, checking, reading
from pipeline.benchmarks.nasbench_nlp.architectures import NAME, SPACE
from pipeline.benchmarks.nasbench_nlp.metrics import METRICS, WORDS

BENCHMARK = Benchmark(
    name=NAME,
    title="NAS-Bench-NLP",
    spaces=(Space(SPACE, None, "recurrent cells of one to three states, seven operations"),),
    metrics=METRICS,
    licence="Apache-2.0",
    canonical=architectures.canonical,
    compose=architectures.compose,
    read=reading.read,
    classes=WORDS,
    build=built_by("pipeline.benchmarks.nasbench_nlp.network:RecurrentNetwork"),
    features=built_by("pipeline.benchmarks.nasbench_nlp.network:RecurrentFeatures"),
    graph=architectures.graph,
    stages=1,
    forms="a folder or zip of NAS-Bench-NLP's log_stats_model_*.json files, or one of them",
    published=(
        PublishedFile(
            "train_logs_single_run.zip",
            "training logs of recurrent cells on Penn Treebank",
            "fmsnew/nas-bench-nlp-release",
            "https://raw.githubusercontent.com/fmsnew/nas-bench-nlp-release/master/train_logs_single_run/logs.zip",
        ),
        PublishedFile(
            "train_logs_wikitext-2.zip",
            "training logs of recurrent cells on WikiText-2",
            "fmsnew/nas-bench-nlp-release",
            "https://raw.githubusercontent.com/fmsnew/nas-bench-nlp-release/master/train_logs_wikitext-2/logs.zip",
        ),
    ),
    reference='Klyuchnikov, Trofimov, Artemova, Salnikov, Fedorov and Burnaev, "NAS-Bench-NLP: Neural Architecture '
    'Search Benchmark for Natural Language Processing", 2020',
    inputs="sequences",
    sample=architectures.sample,
    mutate=architectures.mutate,
    check=checking.check,
)
