"""What the columns of a table measure: metric, data set, unit and seed, by their names and values."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline import proxies
from pipeline.benchmarks.contract import Benchmark, Metric
from pipeline.errors import UserError, excerpt
from pipeline.formats.table_form import VALUE
from pipeline.ingest import surrogates
from pipeline.ingest.cells import list_of, number_of
from pipeline.ingest.guesses import MOST_SEEDS, Guess, ScoreGuess, TruthGuess, ValueGuesses
from pipeline.ingest.metric_guess import dataset_of, main_metric, metric_of, split_words, words_of
from pipeline.ingest.numbered_columns import earlier_epochs, of_last_epoch, with_seeds
from pipeline.ingest.table_sample import UNNAMED, TableSample

_SPREAD = {"std", "stdev", "var", "variance", "stderr", "sem", "ci", "error", "err"}
_THOUSANDS = {"k": 1e3, "thousand": 1e3, "thousands": 1e3, "m": 1e6, "million": 1e6, "millions": 1e6, "mb": 1e6}
_SEED = re.compile(r"(?:^|[^a-z])(?:seed|run|rep|trial|s)[_\- ]?(\d{1,9})(?:$|\D)")
_EPOCHS = re.compile(
    r"(?:^|\D)(\d{1,5})[_\- ]?(?:ep|epochs?)(?![a-z])|(?:^|[^a-z])(?:ep|epochs?|e)[_\- ]?(\d{1,5})(?:$|\D)"
)
_SEEDS = r"(random_?)?seed|(training_)?(run|trial)(_?(id|number))?"
_TIMES = {
    "ms": "milliseconds", "msec": "milliseconds", "milliseconds": "milliseconds", "s": "seconds", "sec": "seconds",
    "secs": "seconds", "seconds": "seconds",
}  # fmt: skip
_WHOLE = re.compile(r"\d{1,9}(\.0)?")
_TRIED = 2_000  # rows of a table with a row for each data set or training
_MOST_DATASETS = 20
_MOST_TRIED = 1_000  # texts of a column of numbers
_MOST_FAILURES = 3  # texts that stand for one
_SMALLEST_COUNT = 5_000  # parameters of a network: a column of smaller numbers is in thousands or millions


def guessed(sample: TableSample, benchmark: Benchmark, taken: Sequence[str]) -> ValueGuesses:
    """What the columns measure, besides those already `taken` for the architecture."""
    tidy = _tidy(sample, benchmark, taken)
    others = [column for column in sample.columns if column not in taken and column not in tidy.columns]
    columns = _Columns(sample, benchmark, tidy, others)
    for column in columns.that_are_no_cost():
        columns.guess(column)
    return columns.guesses()


@dataclass
class _Columns:
    """The columns of a table that may hold values, and what has been guessed of them so far."""

    sample: TableSample
    benchmark: Benchmark
    tidy: _Tidy
    names: Sequence[str]
    truths: list[TruthGuess] = field(default_factory=list)
    scores: list[ScoreGuess] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    missing: set[float | str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.proxies = set(proxies.names())
        self.unnamed = {VALUE, *(name for name in self.sample.form.columns if re.fullmatch(rf"{UNNAMED}\d+", name))}

    def that_are_no_cost(self) -> list[str]:
        """The columns but those of the seconds that a proxy took."""
        costs = {_cost(column, self.names) for column in self.names if _proxy(column, self.proxies)}
        return [column for column in self.names if column not in costs]

    def guess(self, column: str) -> None:
        """Take a column, or say why it is left out."""
        values, longest, failures = _numbers(self.sample, column)
        words = words_of(column)
        complement = bool(words & {"error", "err"}) and bool(words & {"test", "validation", "train"})
        if values is None:
            self.left_out.append((column, "its cells are no numbers"))
            return
        if surrogates.named(column):
            self.left_out.append((column, "predictions of a surrogate, which are never ground truth"))
            return
        if words & _SPREAD and not (complement and "accuracy" not in words):
            self.left_out.append((column, "a spread or an error, which no metric holds"))
            return
        good, negative = _parted(values)
        metric = metric_of(column, words | {"accuracy"} if complement else words, self.benchmark)
        if metric is not None and good:
            truth = _truth(column, metric, good, longest, self.benchmark)
            truths = list(self.tidy.parted(_error(truth) if complement else truth))
            if not truths:
                self.left_out.append((column, _no_metric(self.benchmark)))
            self.truths += truths
        elif good and max(good) <= 100 and self._is_of_a_seed(column):
            self.truths += self.tidy.parted(_unnamed(column, good, longest, self.benchmark))
        elif (name := _proxy(column, self.proxies)) is not None:
            self.scores.append(self.tidy.one(ScoreGuess(column, name, _cost(column, self.names))))
        else:
            self.left_out.append((column, _no_metric(self.benchmark)))
            return
        self.missing |= negative | failures

    def _is_of_a_seed(self, column: str) -> bool:
        """Whether a column's name says no more than a seed."""
        return column in self.unnamed or _SEED.search(column.lower()) is not None or column.isdecimal()

    def guesses(self) -> ValueGuesses:
        """What is taken: of columns that measure the same the first, and of epochs the last."""
        earlier = list(earlier_epochs(self.truths))
        left_out = self.left_out + [
            (truth.column, "a number after which a higher one comes, as of epochs") for truth in earlier
        ]
        truths = [of_last_epoch(truth, earlier) for truth in self.truths if truth not in earlier]
        kept: dict[tuple[object, ...], TruthGuess] = {}
        for truth in sorted(with_seeds(truths), key=lambda truth: truth.each != "seed"):
            first = kept.setdefault((truth.metric, truth.epochs, truth.seed, truth.seed_column), truth)
            if first is not truth:
                left_out.append((truth.column, f"{excerpt(first.column, 80)} measures the same"))
        ordered = (truth for column in self.names for truth in kept.values() if truth.column == column)
        return ValueGuesses(
            tuple(_optional(self.sample, truth) for truth in ordered),
            tuple(_optional(self.sample, score) for score in self.scores),
            tuple(sorted(self.missing, key=str)), tuple(left_out),
        )  # fmt: skip


def _no_metric(benchmark: Benchmark) -> str:
    return f"no metric of {benchmark.name} and no proxy is called so; a [[metric]] declares one"


def _optional(sample: TableSample, guess: Guess) -> Guess:
    """The guess, with `optional` where rows that are read lack the column."""
    counted = (c for _, c in sample.rows if all(str(c.get(n)).strip() == str(held) for n, held in guess.where.items()))
    if all(guess.column in cells for cells in counted):
        return guess
    doubt = "that rows without the column were not measured"
    return replace(guess, optional=True, doubts=(*guess.doubts, doubt))


def _error(truth: TruthGuess) -> TruthGuess:
    """The same column, whose accuracy is what it lacks to all."""
    doubt = f"that it is the error: what it lacks to {'100' if truth.unit == 'percent' else '1'} is stored"
    return replace(truth, complement=True, doubts=(*truth.doubts, doubt))


@dataclass(frozen=True)
class _Tidy:
    """The columns that say of what a row is, in a table with a row for each data set, training or epoch.

    Attributes:
        benchmark: of the table.
        datasets: data set of the benchmark -> what the table calls it, in the column `dataset`.
        epoch: the last epoch, in the column `epochs`.
        seed: the column with the seed.
    """

    benchmark: Benchmark
    dataset: str | None = None
    datasets: Mapping[str, str] = field(default_factory=dict)
    epochs: str | None = None
    epoch: int = 0
    seed: str | None = None

    @property
    def columns(self) -> set[str | None]:
        return {self.dataset, self.epochs, self.seed} - {None}

    def parted(self, truth: TruthGuess) -> Iterator[TruthGuess]:
        """A column of truth, once for each data set that the rows are of."""
        where: dict[str, str | int] = {}
        if self.epochs:
            where = {self.epochs: self.epoch}
            doubt = f"that the values after epoch {self.epoch}, the last of the first rows, are the final ones"
            truth = replace(truth, epochs=self.epoch, doubts=(*truth.doubts, doubt))
        truth = replace(truth, where=where, seed_column=None if truth.each == "seed" else self.seed)
        if self.dataset is None:
            yield truth
            return
        doubts = tuple(doubt for doubt in truth.doubts if not doubt.startswith("the data set"))
        for dataset, called in self.datasets.items():
            named = (dataset, truth.metric.metric)
            alike = [m for m in self.benchmark.metrics if (m.dataset, m.metric) == named]
            for metric in alike or _of_part(self.benchmark, dataset, truth.metric):
                yield replace(truth, metric=metric, where={self.dataset: called, **where}, doubts=doubts)

    def one(self, score: ScoreGuess) -> ScoreGuess:
        """A column of scores, of the rows of one data set."""
        if self.dataset is None:
            return score
        main = main_metric(self.benchmark).dataset
        dataset = main if main in self.datasets else next(iter(self.datasets))
        doubt = f"that the scores in the rows of {dataset} are meant: those of others would be other proxies"
        return replace(score, where={self.dataset: self.datasets[dataset]}, doubts=(doubt,))


def _of_part(benchmark: Benchmark, dataset: str, like: Metric) -> list[Metric]:
    """The metric of a part of a data set that is held out, where the data set itself has none: of cifar10-valid."""
    return [m for m in benchmark.metrics if m.dataset.startswith(f"{dataset}-") and m.metric == like.metric]


def _tidy(sample: TableSample, benchmark: Benchmark, taken: Sequence[str]) -> _Tidy:
    tidy = _Tidy(benchmark)
    for column in sample.columns:
        cells = {str(cell).strip() for cell in sample.values(column)[:_TRIED]} - {""}
        if column in taken or not cells:
            continue
        if tidy.dataset is None and len(cells) <= _MOST_DATASETS and all(dataset_of(cell, benchmark) for cell in cells):
            named = {dataset_of(cell, benchmark) or "": cell for cell in sorted(cells)}
            tidy = replace(tidy, dataset=column, datasets=named)
        elif not all(map(_WHOLE.fullmatch, cells)):
            continue
        elif tidy.seed is None and re.fullmatch(_SEEDS, column.lower()):
            tidy = replace(tidy, seed=column)
        elif tidy.epochs is None and re.fullmatch("epochs?", column.lower()) and len(cells) > 1:
            tidy = replace(tidy, epochs=column, epoch=max(int(float(cell)) for cell in cells))
    return tidy


def _numbers(sample: TableSample, column: str) -> tuple[list[float] | None, int, set[str]]:
    """The numbers of a column, how long the longest list of them in a cell is, and the texts that stand for a failure.

    None in place of the numbers where the cells are no numbers: where as many are texts, or more than a few.
    """
    values: list[float] = []
    texts: list[str] = []
    longest = 0
    for cell in sample.values(column):
        try:
            number = cell if isinstance(cell, float) else number_of(cell, column)
            values += [] if number is None else [number]
        except UserError:
            try:
                members = [m if isinstance(m, float) else number_of(m, column) for m in list_of(cell, column)]
            except UserError:
                if not isinstance(cell, str) or len(texts) >= _MOST_TRIED:
                    return None, 0, set()
                texts.append(cell.strip())
                continue
            values += [member for member in members if member is not None]
            longest = max(longest, len(members))
    failures = set(texts)
    if not values or len(texts) >= len(values) or len(failures) > _MOST_FAILURES or (longest and failures):
        return None, 0, set()
    return [v for v in values if math.isfinite(v)], longest, failures


def _parted(values: Sequence[float]) -> tuple[list[float], set[float]]:
    """Numbers, and one negative number that stands for a failure where all others are positive."""
    negative = {value for value in values if value < 0}
    rest = [value for value in values if value >= 0]
    return (rest, negative) if rest and len(negative) == 1 else (list(values), set())


def _truth(column: str, metric: Metric, values: Sequence[float], longest: int, benchmark: Benchmark) -> TruthGuess:
    doubts = []
    each = "" if not longest else "epoch" if longest > MOST_SEEDS else "seed"
    if each:
        doubts.append(f"that the lists of up to {longest} hold one value per {each}")
    if dataset_of(column, benchmark) is None:
        doubts.append(f"the data set: the column does not name one, and {metric.dataset} is taken")
    unit, scale, largest = metric.unit, 1.0, max(values)
    if metric.unit == "percent":
        unit = "fraction" if largest <= 1 else "percent"
        doubts += [f"the unit: its largest value of the first rows is {largest:g}"]
    elif metric.unit == "count":
        scale, named = _scale(column, largest)
        if scale != 1:
            why = "its name says so" if named else f"its largest value of the first rows is {largest:g}"
            doubts.append(f"the scale of {scale:g}: {why}")
    elif metric.unit in ("seconds", "milliseconds"):
        called = next((_TIMES[word] for word in split_words(column) if word in _TIMES), None)
        unit = called or unit
        doubts += [] if called else [f"the unit: the column does not name one, and {unit} is taken"]
    epochs = _EPOCHS.search(column.lower())
    seed = _SEED.search(column.lower())
    return TruthGuess(
        column, metric, unit, scale, int(epochs[1] or epochs[2]) or None if epochs else None,
        int(seed[1]) if seed and each != "seed" else None, each, tuple(doubts),
    )  # fmt: skip


def _unnamed(column: str, values: Sequence[float], longest: int, benchmark: Benchmark) -> TruthGuess:
    """A column whose name says no more than a seed: the benchmark's main metric."""
    main = main_metric(benchmark)
    truth = _truth(column, main, values, longest, benchmark)
    return replace(truth, doubts=(f"the metric: the table does not name it, and {main.metric} is taken", *truth.doubts))


def _scale(column: str, largest: float) -> tuple[float, bool]:
    """What a count is multiplied with, and whether the column's name says so."""
    for word in split_words(column):
        if word in _THOUSANDS:
            return _THOUSANDS[word], True
    if largest >= _SMALLEST_COUNT:
        return 1.0, False
    return (1e6, False) if largest < 50 else (1e3, False)


def _proxy(column: str, known: set[str]) -> str | None:
    """The proxy of a column: one known by its name, or whatever has a field `score`."""
    name = re.sub("[^a-z0-9_.-]", "_", column.lower())
    for text in (name, re.sub(r"^(score|proxy)_|_(score|proxy)$", "", name)):
        if text in known:
            return text
    outer, _, inner = name.rpartition(".")
    return outer if inner == "score" and re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,63}", outer) else None


def _cost(column: str, columns: Sequence[str]) -> str | None:
    ends = ("_seconds", "_time", "_sec", "_s", ".seconds", ".time")
    begins = {column.lower(), column.lower().removesuffix(".score")}
    return next((c for c in columns for begin in begins for end in ends if c.lower() == f"{begin}{end}"), None)
