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
    words, text = name.words, name.text.lower()
    main = main_metric(benchmark)
    candidates = [m for m in benchmark.metrics if dataset in (None, m.dataset)]
    by_name = [m for m in candidates if re.search(rf"(?<![a-z0-9]){re.escape(m.metric)}(?![a-z0-9])", text)]
    named = max(
        by_name, key=lambda m: (len(m.metric), m.dataset == main.dataset, -(m.priority or math.inf)), default=None
    )
    if named is not None and not any(words_of_metric(named) < words_of_metric(m) <= words for m in candidates):
        return named
    if _TOP_SEVERAL.search(text):
        return None
    shared = {m: words & words_of_metric(m) for m in candidates}
    fitting = [m for m in candidates if shared[m] == words_of_metric(m) and not shared[m] <= set(SPLITS)]
    if fitting and len(name.splits) == 1:
        fitting = _of_split(name, fitting, benchmark)
    fitting = fitting or [m for m in candidates if shared[m] & _KINDS and not _is_time_of_another(m, words)]
    if not fitting and words & {"test", "validation"} and not words & MEASURES:  # "test" alone is an accuracy
        percents = [m for m in candidates if m.unit == "percent" and m.condition is None]
        fitting = [m for m in percents if shared[m]] or percents
    if len(name.splits) == 1:
        fitting = _of_split(name, fitting, benchmark)
        shared |= {m: words & words_of_metric(m) for m in fitting}
    if not fitting:
        return None
    return min(
        fitting,
        key=lambda m: (
            -len(shared[m]), m.condition is not None, m.dataset != main.dataset, m.priority or math.inf,
            m.split != _split_of(m.dataset, benchmark), len(m.metric), m.metric,
        ),
    )  # fmt: skip


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
