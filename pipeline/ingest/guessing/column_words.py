"""Take the name of a column apart: its words, the data set that it names, and words that speak against a metric."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from pipeline.benchmarks.contract import Benchmark, Metric

SPLITS = ("test", "validation", "train")

MEASURES = {
    "per", "wer", "cer", "loss", "nll", "entropy", "perplexity", "bleu", "auc", "auroc", "iou", "miou", "ssim", "psnr",
    "mse", "rmse", "mae", "kld", "tau", "rho", "regret", "rank", "std", "energy", "power", "memory", "latency",
    "seconds", "params", "flops", "error", "throughput", "fps",
}  # fmt: skip
"""Words for what a network may be measured by besides its accuracy."""

_SAME = {
    "acc": "accuracy", "accs": "accuracy", "accuracies": "accuracy", "top": "accuracy", "val": "validation",
    "valid": "validation", "dev": "validation", "param": "params", "parameters": "params", "parameter": "params",
    "nparams": "params", "flop": "flops", "mac": "flops", "macs": "flops",
    "madds": "flops", "time": "seconds", "sec": "seconds",
    "secs": "seconds", "hours": "seconds", "minutes": "seconds", "training": "train", "testing": "test",
    "losses": "loss", "err": "error", "errs": "error", "errors": "error", "lat": "latency", "latencies": "latency",
    "ppl": "perplexity", "perplexities": "perplexity", "energies": "energy",
}  # fmt: skip
_DATASETS = {
    "c10": "cifar10", "cf10": "cifar10", "c100": "cifar100", "cf100": "cifar100", "in16": "ImageNet16-120",
    "img16": "ImageNet16-120", "imagenet": "ImageNet16-120", "imagenet16": "ImageNet16-120",
}  # fmt: skip
_OTHER_DATASETS = {
    "addnist", "aircraft", "bird", "birds", "caltech", "cars", "chesseract", "cifartile", "citeseer", "coco", "cora",
    "cosmic", "darcy", "darcyflow", "deepsea", "ecg", "flowers", "fmnist", "food", "fsd", "geoclassing", "gutenberg",
    "imagenet", "imagenette", "imagewoof", "kmnist", "librispeech", "mnist", "multnist", "ninapro", "pets",
    "psicov", "ptb", "pubmed", "satellite", "scifar", "spherical", "stl", "svhn", "timit", "tinyimagenet", "wikitext",
}  # fmt: skip
"""Data sets of other benchmarks, without the digits after their names."""

_CONDITIONS = {
    "adv", "adversarial", "apgd", "attack", "attacked", "autoattack", "corrupted", "corruption", "corruptions",
    "fewshot", "fgsm", "inherited", "int", "noise", "noisy", "oneshot", "ood", "pgd", "pruned", "ptq", "qat", "quant",
    "quantised", "quantized", "robust", "robustness", "shifted", "shot", "shots", "supernet", "zeroshot",
}  # fmt: skip
_COMPARISONS = {
    "delta", "diff", "difference", "drop", "gain", "gap", "improvement", "normalised", "normalized", "percentile",
    "quantile", "rank", "ranking", "regret", "relative", "rho", "tau", "versus", "vs", "zscore",
}  # fmt: skip
_UNITS = {
    "us", "usec", "ns", "ms", "msec", "milliseconds", "min", "mins", "minutes", "hr", "hrs", "hours", "days", "mj",
    "uj", "joule", "joules", "mb", "million", "millions", "billion", "billions", "thousand", "thousands", "percent",
    "pct",
}  # fmt: skip
_PLAIN = {
    *SPLITS, *_UNITS, "accuracy", "after", "all", "arch", "architecture", "at", "average", "avg", "batch", "by", "cost",
    "count", "device", "ep", "epoch", "epochs", "error", "es", "final", "flops", "for", "forward", "hardware", "in",
    "inference", "info", "last", "latency", "loss", "mean", "measured", "metric", "metrics", "model", "net", "network",
    "num", "number", "of", "on", "params", "pass", "perplexity", "result", "results", "run", "score", "scores",
    "seconds", "seed", "seeds", "set", "the", "total", "trainable", "trial", "value", "values", "with",
}  # fmt: skip
"""Words that do not make a metric another one."""

_JOINED = re.compile(
    "([kmg])(params?|flops?|macs?)|(val|valid|validation|test|train|dev)(accs?|accuracy|loss|err|error|ppl|top)"
)
_NAMESPACE = re.compile(r"(?:hyper|h)?param(?:eter)?s?[._/:](?=.)", re.IGNORECASE)
_LEAST_WHOLE = 5  # letters of a word that may be written in parts
_SIZES = {*_PLAIN, "k", "m", "b", "g"}


@dataclass(frozen=True)
class ColumnName:
    """What a column's name says.

    Args:
        text: the name, without what a tool writes before it.
        dataset: the data set of the benchmark that it names.
        words: its words, those of the data set's name left out, as benchmarks write them.
    """

    text: str
    dataset: str | None
    words: frozenset[str]

    @property
    def splits(self) -> set[str]:
        return set(self.words & set(SPLITS))

    def foreign_to(self, metric: Metric) -> Sequence[str]:
        """The words that make it another metric: another data set, a condition, a device, a comparison."""
        left = self.words - _all_words_of(metric)
        foreign = left & (_OTHER_DATASETS | _CONDITIONS | _COMPARISONS)
        if metric.unit in ("seconds", "milliseconds", "millijoules") and "latency" in words_of_metric(metric):
            foreign |= {word for word in left - _PLAIN if len(word) > 1}
        return sorted(foreign)

    def is_of_another_measure(self, metric: Metric) -> bool:
        """Whether it names a measure, and not that of the metric."""
        return bool(self.words & MEASURES - _all_words_of(metric))

    def unclear(self, metric: Metric) -> Sequence[str]:
        """The words that are neither the metric's nor known."""
        return sorted(word for word in self.words - _all_words_of(metric) - _PLAIN if len(word) > 1)


def name_of(text: str, benchmark: Benchmark) -> ColumnName:
    parted = _apart(text)
    dataset, place = _dataset(parted, benchmark)
    rest = f"{parted[: place[0]]} {parted[place[1] :]}" if dataset else parted
    words = {_SAME.get(word, word) for word in split_words(_with_devices(_without_namespace(rest), benchmark))}
    if dataset and not words & set(SPLITS):  # of cifar10-valid
        words |= {_SAME.get(word, word) for word in split_words(dataset)} & set(SPLITS)
    return ColumnName(_without_namespace(text), dataset, frozenset(words))


def _with_devices(text: str, benchmark: Benchmark) -> str:
    """The name with the words of the benchmark's metrics written as there: edgegpu for EdgeGPU or edge_gpu."""
    words = {word for metric in benchmark.metrics for word in words_of_metric(metric)}
    written = "|".join("[ _-]?".join(word) for word in sorted(words) if len(word) > _LEAST_WHOLE)
    if not written:
        return text
    pattern = re.compile(rf"(?<![a-z])({written})(?![a-z])", re.IGNORECASE)
    return pattern.sub(lambda match: re.sub("[ _-]", "", match[0].lower()), text)


def split_words(column: str) -> list[str]:
    """The words of a column's name in small letters: params and k of paramsK, test and acc of testacc."""
    words = re.findall("[a-z]+", _apart(column).lower())
    joined = ((word, _JOINED.fullmatch(word)) for word in words)
    return [part for word, match in joined for part in (match.groups() if match else (word,)) if part]


def dataset_of(column: str, benchmark: Benchmark) -> str | None:
    return _dataset(_apart(column), benchmark)[0]


def is_dataset(text: str, benchmark: Benchmark) -> bool:
    """Whether a text names a data set of the benchmark, and says nothing else."""
    parted = _apart(text)
    dataset, (start, end) = _dataset(parted, benchmark)
    return dataset is not None and not re.search(r"[^\W_]", parted[:start] + parted[end:])


def other_dataset_of(text: str) -> str | None:
    """A data set of other benchmarks that a text names."""
    return next((word for word in split_words(text) if word in _OTHER_DATASETS), None)


@cache
def words_of_metric(metric: Metric) -> frozenset[str]:
    """The words of a metric's name, with synonyms as in the names of columns."""
    return frozenset(_SAME.get(word, word) for word in split_words(metric.metric))


def _all_words_of(metric: Metric) -> frozenset[str]:
    """The words of a metric's name and condition."""
    return words_of_metric(metric) | {_SAME.get(word, word) for word in split_words(metric.condition or "")}


def _apart(text: str) -> str:
    return re.sub("([a-z])([A-Z])", r"\1_\2", text)


def _dataset(text: str, benchmark: Benchmark) -> tuple[str | None, tuple[int, int]]:
    """The data set with the longest name in a text, and the beginning and end of this name in it."""
    for dataset, written in _written(tuple(dict.fromkeys(m.dataset for m in benchmark.metrics))):
        if match := written.search(text.lower()):
            return dataset, match.span()
    return None, (0, 0)


@cache  # a table may have thousands of columns
def _written(datasets: tuple[str, ...]) -> list[tuple[str, re.Pattern[str]]]:
    """A data set and a pattern for each way to write one, the longest first."""
    names = {re.sub("[^a-z0-9]", "", dataset.lower()): dataset for dataset in datasets}
    for alias, dataset in _DATASETS.items():
        if dataset in names.values():
            names.setdefault(alias, dataset)
    for dataset in datasets:
        letters = re.sub("[^a-z].*", "", dataset.lower().replace("-", ""))
        if len(letters) > 3 and sum(name.startswith(letters) for name in set(map(str.lower, names.values()))) == 1:
            names.setdefault(letters, dataset)  # imagenet of ImageNet-1k
    patterns = []
    for name in sorted(filter(None, names), key=len, reverse=True):
        end = r"(?!\d)" if name[-1].isdigit() else ""
        written = "[^a-z0-9]*".join(map(re.escape, name))
        patterns.append((names[name], re.compile(rf"(?<![a-z]){written}{end}")))
    return patterns


def _without_namespace(text: str) -> str:
    """The name without the `params.` that a tool writes before all that was configured: lr of `params.lr`."""
    match = _NAMESPACE.match(text)
    if match is None or set(split_words(text[match.end() :])) <= _SIZES - {"seed", "seeds", "epoch", "epochs"}:
        return text
    return text[match.end() :]
