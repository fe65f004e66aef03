"""Which metric a column of a table measures, by the words of its name."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from pipeline.benchmarks.contract import Benchmark, Metric

_SAME = {
    "acc": "accuracy", "top": "accuracy", "val": "validation", "valid": "validation", "param": "params",
    "parameters": "params", "parameter": "params", "nparams": "params", "flop": "flops", "time": "seconds",
    "sec": "seconds", "secs": "seconds", "training": "train", "testing": "test", "macs": "flops",
}  # fmt: skip
_DATASETS = {"c10": "cifar10", "c100": "cifar100", "in16": "ImageNet16-120", "imagenet": "ImageNet16-120"}
_TOP_SEVERAL = re.compile(r"top[-_ @]?([2-9]|\d\d)(?!\d)")  # right where one of several guesses is
_OTHERS = {
    "per", "wer", "cer", "loss", "nll", "entropy", "perplexity", "ppl", "bleu", "auc", "auroc", "iou", "miou", "ssim",
    "psnr", "mse", "rmse", "mae", "kld", "tau", "rho", "regret", "rank", "std", "energy", "power", "memory",
}  # fmt: skip
"""Words for what a network may be measured by besides its accuracy."""


def split_words(column: str) -> list[str]:
    """The words of a column's name: of paramsK params and k, of kparams k and params."""
    words = re.findall("[a-z]+", re.sub("([a-z])([A-Z])", r"\1_\2", column).lower())
    return [part for word in words for part in ([word[0], word[1:]] if re.match("[km]param", word) else [word])]


def words_of(column: str) -> set[str]:
    return {_SAME.get(word, word) for word in split_words(column)}


def dataset_of(column: str, benchmark: Benchmark) -> str | None:
    """The data set that a column names."""
    names = {re.sub("[^a-z0-9]", "", m.dataset.lower()): m.dataset for m in benchmark.metrics}
    for alias, dataset in _DATASETS.items():
        if dataset in names.values():
            names.setdefault(alias, dataset)
    text = re.sub("[^a-z0-9]", "", column.lower())
    named = [name for name in names if name in text]
    return names[max(named, key=len)] if named else None


def metric_of(column: str, words: set[str], benchmark: Benchmark) -> Metric | None:
    """The metric that shares most words with a column's name; of equals, one that holds under no condition, then of the
    main data set.
    """
    dataset = dataset_of(column, benchmark)
    main = main_metric(benchmark)
    candidates = [m for m in benchmark.metrics if dataset in (None, m.dataset)]
    by_name = [m for m in candidates if re.search(rf"(?<![a-z0-9]){re.escape(m.metric)}(?![a-z0-9])", column.lower())]
    if by_name:
        return max(by_name, key=lambda m: (len(m.metric), m.dataset == main.dataset, -(m.priority or math.inf)))
    if _TOP_SEVERAL.search(column.lower()):
        return None
    shared = {m: words & set(m.metric.split("_")) for m in candidates}
    kinds = {"accuracy", "loss", "params", "flops", "seconds", "latency", "perplexity"}
    fitting = [m for m in candidates if shared[m] & kinds]
    if not fitting and words & {"test", "validation"} and not words & _OTHERS:  # "test" alone is an accuracy
        fitting = [m for m in candidates if shared[m] and m.unit == "percent"]
    if len(splits := words & {"test", "validation", "train"}) == 1:
        fitting = _of_split(splits.pop(), fitting, benchmark, words)
        shared |= {m: words & set(m.metric.split("_")) for m in fitting}
    if not fitting:
        return None
    return min(
        fitting,
        key=lambda m: (
            -len(shared[m]), m.condition is not None, m.dataset != main.dataset, m.priority or math.inf, len(m.metric),
            m.metric,
        ),
    )  # fmt: skip


def _of_split(split: str, fitting: Sequence[Metric], benchmark: Benchmark, words: set[str]) -> list[Metric]:
    """The metrics of the split that a column names, or of the part of their data sets that is held out for it."""
    alike = [m for m in fitting if m.split in (split, "none") or m.unit not in ("percent", "nats", "perplexity")]
    parts = (m for one in fitting for m in benchmark.metrics if m.dataset.startswith(f"{one.dataset}-"))
    return alike or [m for m in parts if m.split == split and words & set(m.metric.split("_"))]


def main_metric(benchmark: Benchmark) -> Metric:
    """The metric that a report leads with."""
    return min(benchmark.metrics, key=lambda m: m.priority or math.inf)
