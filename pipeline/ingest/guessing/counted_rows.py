"""Which rows of a table a value is read from: those of one data set, of the last epoch, of runs that finished."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.benchmarks.contract import Benchmark
from pipeline.ingest.guessing.column_words import dataset_of
from pipeline.ingest.guessing.guesses import MOST_SEEDS, ScoreGuess, TruthGuess
from pipeline.ingest.guessing.metrics import main_metric
from pipeline.ingest.guessing.table_sample import TableSample

_SEEDS = r"(.*[./:_])?(random_?)?seed|(training_)?(run|trial)(_?(id|number))?"
_STATES = r"(.*[./:_])?(state|status)"
_FINISHED = {"finished", "complete", "completed", "success", "succeeded", "successful", "ok", "done"}
_UNFINISHED = {
    "fail", "failed", "failure", "crashed", "killed", "pruned", "running", "error", "timeout", "oom", "cancelled",
    "canceled", "aborted", "preempted", "waiting", "pending", "scheduled", "diverged",
}  # fmt: skip
_DATASETS = r"(.*[./:_])?(data_?sets?|tasks?)"
_SEEDS_OF_LISTS = r"(.*[./:_])?seeds"
_LISTED = re.compile(r"[\[(]\d{1,9}(, ?\d{1,9})*,?[\])]")
_WHOLE = re.compile(r"\d{1,9}(\.0)?")
_TRIED = 2_000  # rows of a table with a row for each data set or training
_MOST_DATASETS = 20


@dataclass(frozen=True)
class CountedRows:
    """The columns that tell rows apart, in a table with a row for each data set, training or epoch.

    Args:
        benchmark: of the table.
        dataset: the column with the data set.
        datasets: cell of this column -> data set of the benchmark; several cells may mean the same one.
        others: cells of this column that name no data set of the benchmark.
        epochs: the column with the epoch, if rows differ in it.
        epoch: the last epoch in this column.
        trained: the length of the whole training in epochs, also if all rows are of the same epoch.
        seed: the column with the seed.
        seeds: the column with a list of seeds, one for each value of the lists in other columns.
        state: the column that says whether a run came to its end.
        finished: the cell of this column that says that it did.
    """

    benchmark: Benchmark
    dataset: str | None = None
    datasets: Mapping[str, str] = field(default_factory=dict)
    others: Sequence[str] = ()
    epochs: str | None = None
    epoch: int = 0
    trained: int = 0
    seed: str | None = None
    seeds: str | None = None
    state: str | None = None
    finished: str = ""

    @property
    def columns(self) -> set[str]:
        return {
            column for column in (self.dataset, self.epochs, self.seed, self.seeds, self.state) if column is not None
        }

    @property
    def _where(self) -> dict[str, str | int]:
        """The cells of all rows that are read."""
        where: dict[str, str | int] = {self.epochs: self.epoch} if self.epochs else {}
        return where | ({self.state: self.finished} if self.state else {})

    @property
    def _doubts(self) -> tuple[str, ...]:
        last = f"that the values after epoch {self.epoch}, the last of the first rows, are the final ones"
        whole = f"that runs count that are {self.finished}, and no others"
        length = f"that epochs are counted from 0, and {self.trained} in all"
        counted = [last, *([length] if self.trained != self.epoch else [])]
        return (*(counted if self.epochs else []), *([whole] if self.state else []))

    def parted(self, truth: TruthGuess) -> Iterator[TruthGuess]:
        """The guess for a column of truth, once for each data set, with the condition for its rows."""
        truth = replace(
            truth, where=self._where, doubts=(*truth.doubts, *self._doubts),
            epochs=self.trained or truth.epochs,
            seed_column=self.seeds if truth.each == "seed" else self.seed if truth.seed is None else None,
        )  # fmt: skip
        if self.dataset is None:
            yield truth
            return
        doubts = tuple(doubt for doubt in truth.doubts if not doubt.startswith("the data set"))
        for called, dataset in self.datasets.items():
            named = [m for m in self.benchmark.metrics if m.metric == truth.metric.metric]
            alike = [m for m in named if m.dataset == dataset]
            # where the data set itself has none, that of a part which is held out, such as cifar10-valid
            for metric in alike or [m for m in named if m.dataset.startswith(f"{dataset}-")]:
                unit = truth.unit if metric.unit == truth.metric.unit else metric.unit
                where = {self.dataset: called, **truth.where}
                yield replace(truth, metric=metric, unit=unit, where=where, doubts=doubts)

    def one(self, score: ScoreGuess) -> ScoreGuess:
        """The guess for a column of scores, with the condition for the rows of one data set."""
        score = replace(score, where=self._where, doubts=(*score.doubts, *self._doubts))
        if self.dataset is None or not self.datasets:
            return score
        main = main_metric(self.benchmark).dataset
        called = next((name for name, known in self.datasets.items() if known == main), next(iter(self.datasets)))
        dataset = self.datasets[called]
        doubt = f"that the scores in the rows of {dataset} are meant: those of others would be other proxies"
        where = {self.dataset: called, **score.where}
        return replace(score, where=where, doubts=(doubt, *score.doubts))


def counted_rows(sample: TableSample, benchmark: Benchmark, taken: Sequence[str]) -> CountedRows:
    """Find the columns that tell the rows of a table apart, besides those `taken` for the architecture."""
    counted = CountedRows(benchmark)
    for column in sample.columns:
        cells = {str(cell).strip() for cell in sample.values(column)[:_TRIED]} - {""}
        if column in taken or not cells:
            continue
        lower = column.lower()
        if (
            counted.dataset is None
            and len(cells) <= _MOST_DATASETS
            and (datasets := _datasets(lower, cells, benchmark))
        ):
            known, others = datasets
            counted = replace(counted, dataset=column, datasets=known, others=others)
        elif counted.state is None and re.fullmatch(_STATES, lower) and (finished := _finished(cells)):
            counted = replace(counted, state=column, finished=finished)
        elif counted.seeds is None and re.fullmatch(_SEEDS_OF_LISTS, lower) and all(map(_LISTED.fullmatch, cells)):
            counted = replace(counted, seeds=column)
        elif not all(map(_WHOLE.fullmatch, cells)):
            continue
        elif counted.seed is None and re.fullmatch(_SEEDS, lower) and not _numbers_rows(sample, column, cells, taken):
            counted = replace(counted, seed=column)
        elif (
            not counted.trained
            and re.fullmatch("epochs?|training_iteration", lower)
            and (len(cells) > 1 or lower == "epochs")
        ):
            numbers = [int(float(cell)) for cell in cells]
            several = column if len(cells) > 1 else None
            counted = replace(counted, epochs=several, epoch=max(numbers), trained=length_of(numbers))
    return counted


def _datasets(column: str, cells: set[str], benchmark: Benchmark) -> tuple[dict[str, str], list[str]] | None:
    """Cell -> data set of the benchmark, and the cells that name none of these.

    None if the column is not of data sets. One whose name says that it is may hold other cells; of another, every cell
    has to name a data set.
    """
    named = {cell: dataset_of(cell, benchmark) for cell in sorted(cells)}
    known = {cell: dataset for cell, dataset in named.items() if dataset}
    others = [cell for cell, dataset in named.items() if not dataset]
    if others and not re.fullmatch(_DATASETS, column) and not (known and re.fullmatch(r"@\d+|@folder", column)):
        return None
    return known, others


def _numbers_rows(sample: TableSample, column: str, cells: set[str], taken: Sequence[str]) -> bool:
    """Whether a column of runs numbers the rows: each row has another number, and another architecture."""
    if "seed" in column.lower() or len(sample.rows) <= MOST_SEEDS or len(cells) < min(len(sample.rows), _TRIED):
        return False
    named = {tuple(str(row.get(name)) for name in taken) for _, row in sample.rows}
    return len(named) == len(sample.rows)


def length_of(epochs: Sequence[int]) -> int:
    """The length of a training whose epochs have these numbers: 200 for 0 to 199, and also for 0 to 200."""
    last = max(epochs)
    return last + 1 if min(epochs) == 0 and not ((last + 1) % 4 and (last + 1) % 5) else last


def _finished(cells: set[str]) -> str | None:
    """The cell for runs that came to their end, in a column that also has one for runs that did not; else None."""
    ended = [cell for cell in cells if cell.lower() in _FINISHED]
    unfinished = [cell for cell in cells if cell.lower() in _UNFINISHED]
    return ended[0] if len(ended) == 1 and unfinished else None
