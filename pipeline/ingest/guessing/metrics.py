"""Which metric a column of a table measures, by the words of its name."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence

from pipeline.benchmarks.contract import Benchmark, Metric
from pipeline.ingest.guessing.column_words import MEASURES, SPLITS, ColumnName, words_of_metric

_TOP_SEVERAL = re.compile(
    r"(top[-_ @]?([2-9]|\d\d)|(acc|accuracy|prec|precision)@([2-9]|10))(?!\d)"
)  # right where one of several guesses is
_KINDS = {"accuracy", "loss", "params", "flops", "seconds", "latency", "perplexity"}


def metric_of(name: ColumnName, benchmark: Benchmark, dataset: str | None = None) -> Metric | None:
    """The metric that shares the most words with a column's name; None if none does.

    Of several, one without a condition is preferred, then one of the main data set.

    Args:
        dataset: the data set of the table, for a column that names none.
    """
    dataset = name.dataset or dataset
    candidates = [m for m in benchmark.metrics if dataset in (None, m.dataset)]
    main = main_metric(benchmark)
    if (named := _named_whole(name, candidates, main)) is not None:
        return named
    if _TOP_SEVERAL.search(name.text.lower()):
        return None
    fitting = _sharing_words(name, candidates, benchmark)
    if len(name.splits) == 1:
        fitting = _of_split(name, fitting, benchmark)
    return min(
        fitting,
        key=lambda m: (
            -len(name.words & words_of_metric(m)), m.condition is not None, m.dataset != main.dataset,
            m.priority or math.inf, m.split != _split_of(m.dataset, benchmark), len(m.metric), m.metric,
        ),
        default=None,
    )  # fmt: skip


def _named_whole(name: ColumnName, candidates: Sequence[Metric], main: Metric) -> Metric | None:
    """The metric whose whole name is in the column's, unless another one shares all its words and more."""
    text = name.text.lower()
    inside = [m for m in candidates if re.search(rf"(?<![a-z0-9]){re.escape(m.metric)}(?![a-z0-9])", text)]
    named = max(
        inside, key=lambda m: (len(m.metric), m.dataset == main.dataset, -(m.priority or math.inf)), default=None
    )
    if named is None or any(words_of_metric(named) < words_of_metric(m) <= name.words for m in candidates):
        return None
    return named


def _sharing_words(name: ColumnName, candidates: Sequence[Metric], benchmark: Benchmark) -> list[Metric]:
    """The metrics all of whose words the column's name has; else those whose kind it names, such as accuracy; else,
    where it names a split alone, the accuracies: "test" is one.
    """
    words = name.words
    whole = [m for m in candidates if words_of_metric(m) <= words and not words_of_metric(m) <= set(SPLITS)]
    if whole and len(name.splits) == 1:
        whole = _of_split(name, whole, benchmark)
    fitting = whole or [
        m for m in candidates if words & words_of_metric(m) & _KINDS and not _is_time_of_another(m, words)
    ]
    if fitting or not words & {"test", "validation"} or words & MEASURES:
        return fitting
    accuracies = [m for m in candidates if m.unit == "percent" and m.condition is None]
    return [m for m in accuracies if words & words_of_metric(m)] or accuracies


def _is_time_of_another(metric: Metric, words: Collection[str]) -> bool:
    """Whether the metric is the time of a training, and the words do not say so: it may be that of a proxy."""
    return metric.unit == "seconds" and "train" in words_of_metric(metric) and "train" not in words


def _of_split(name: ColumnName, fitting: Sequence[Metric], benchmark: Benchmark) -> list[Metric]:
    """Those of the fitting metrics that are of the split which the name states; else those of the part of their data
    sets that is held out for it, such as cifar10-valid.
    """
    [split] = name.splits
    alike = [m for m in fitting if m.split in (split, "none") or m.unit not in ("percent", "nats", "perplexity")]
    parts = (m for one in fitting for m in benchmark.metrics if m.dataset.startswith(f"{one.dataset}-"))
    return alike or [m for m in parts if m.split == split and name.words & words_of_metric(m)]


def _split_of(dataset: str, benchmark: Benchmark) -> str:
    """The split that a data set's first target is measured on."""
    return min((m for m in benchmark.metrics if m.dataset == dataset), key=lambda m: m.priority or math.inf).split


def main_metric(benchmark: Benchmark) -> Metric:
    """The metric that a report leads with."""
    return min(benchmark.metrics, key=lambda m: m.priority or math.inf)
