"""What the place of a table says and its columns do not: the keys that lead to it, the names of file and folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.benchmarks.contract import Benchmark, Metric
from pipeline.formats.table_form import ANY
from pipeline.ingest.guessing.column_words import (
    MEASURES,
    SPLITS,
    ColumnName,
    dataset_of,
    name_of,
    other_dataset_of,
    words_of_metric,
)
from pipeline.ingest.guessing.table_sample import TableSample

_SEED = re.compile(r"(?:^|[^a-z])seed[_\- =]?(\d{1,9})(?:$|\D)")
_LEAST = 0.1  # share of right answers that some network has, where the number of classes is not known
_LARGEST_CODE = 10  # whole numbers up to this one are codes or counts


@dataclass(frozen=True)
class PlaceOfTable:
    """What the place of a table says.

    Args:
        benchmark: of the table.
        keys: those that lead to the table in its file.
        stem: the file's name without its endings.
        dataset: the data set of the benchmark that keys, file or folder are called after.
        other: in its place, a data set of other benchmarks.
        seed: the seed in the file's name.
    """

    benchmark: Benchmark
    keys: str
    stem: str
    dataset: str | None
    other: str | None
    seed: int | None

    @classmethod
    def of(cls, sample: TableSample, benchmark: Benchmark) -> PlaceOfTable:
        """Look at the place of a sample's table."""
        keys = ".".join(key for key in sample.form.root if key != ANY and not key.isdecimal())
        folder = sample.path.is_dir()
        stem = "" if folder else sample.path.name.partition(".")[0]
        names = (keys, stem, sample.path.absolute().parent.name, sample.path.name if folder else "")
        dataset = next((known for name in names if (known := dataset_of(name, benchmark))), None)
        other = None if dataset else next((word for name in names[:2] if (word := other_dataset_of(name))), None)
        seed = _SEED.search(stem.lower())
        return cls(benchmark, keys, stem, dataset, other, int(seed[1]) if seed else None)

    def name_of(self, column: str) -> ColumnName:
        """What the keys, else the file's name, say of a column that has no name of its own.

        Where the keys name no measure, as those of devices, the measure is that of the file's name.
        """
        by_keys = name_of(self.keys, self.benchmark)
        by_file = name_of(self.stem, self.benchmark)
        said = by_keys if by_keys.words else by_file
        if not said.words & MEASURES:
            said = replace(said, words=said.words | by_file.words & MEASURES)
        if not said.words & {word for metric in self.benchmark.metrics for word in words_of_metric(metric)}:
            return ColumnName(column, said.dataset, said.words & MEASURES)
        return ColumnName(column, said.dataset, said.words)

    def doubt_of(self, metric: Metric) -> str:
        """The comment that the data set is a guess."""
        if metric.dataset == self.dataset:
            return f"the data set: {metric.dataset}, which the file's place names"
        return f"the data set: the column does not name one, and {metric.dataset} is taken"

    def has_splits(self, metric: Metric, name: ColumnName) -> bool:
        """Whether the same metric is declared for another split, and the column's name does not tell which it is."""
        if metric.metric in name.text.lower():
            return False
        rest = words_of_metric(metric) - set(SPLITS)
        return any(words_of_metric(m) - set(SPLITS) == rest and m.split != metric.split for m in self.benchmark.metrics)

    def may_be(self, metric: Metric, values: Sequence[float]) -> bool:
        """Whether the numbers of a column without a name may be of the metric: accuracies better than guessing."""
        largest = max(values, default=0.0)
        if metric.unit != "percent":
            return True
        if not 0 <= largest <= 100 or (largest <= _LARGEST_CODE and all(value.is_integer() for value in values)):
            return False
        least = 1.5 / classes if (classes := self.benchmark.classes.get(metric.dataset)) else _LEAST
        return largest >= least * (1 if largest <= 1 else 100)


def is_of_data(metric: Metric) -> bool:
    """Whether the metric depends on data and training, as an accuracy or a loss, and is no cost."""
    return metric.unit in ("percent", "fraction", "nats", "perplexity") or (
        metric.split != "none" and metric.unit not in ("seconds", "milliseconds", "millijoules", "count")
    )
