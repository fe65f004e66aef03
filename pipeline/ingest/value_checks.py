"""Find odd values of a source: impossible ones, implausible ones, and columns of two scales.

`pipeline.benchmarks.units` states the ranges. Values are looked at as they are read; of each metric a histogram of
their logarithms is kept, from which the whole column is judged at the end: memory does not grow with the source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.benchmarks import units
from pipeline.benchmarks.contract import Benchmark, Metric
from pipeline.wording import count_of

_PER_DECADE = 100  # bins of a histogram
_DECADES = (-20, 20)
_BINS = _PER_DECADE * (_DECADES[1] - _DECADES[0])
_HUNDREDFOLD = 2 * _PER_DECADE
_ONE = -_DECADES[0] * _PER_DECADE  # the bin that begins at 1
_FAR = 30  # times as much as every other value
_FEW = 8  # values among which one has no neighbours to be compared with
_MIXED = 0.02  # share of a column that is no slip of single rows
_EQUAL = 10  # values that do not come out equal by chance
_SHOWN = 3  # examples
_UNNAMED = pa.chunked_array([], pa.string())  # architectures of scores, of which none is implausible

Floats = npt.NDArray[np.float64]
Column = tuple[str, str, str, int | None]
"""Space, data set, metric and length of the training."""


@dataclass(frozen=True)
class Finding:
    """Something odd about a column.

    Args:
        text: what, with a count and examples.
        mixed: the column is of two scales, so that no rank correlation with it means anything.
    """

    column: Column
    text: str
    mixed: bool = False


@dataclass
class _Values:
    """The values of one column so far.

    Args:
        plausible: the smallest and the largest plausible one.
        accuracy: they are accuracies, of which guessing gives some.
        vary: all of them being equal is odd.
        count, low, high: how many there are, the smallest and the largest.
        outside: how many are not plausible.
        examples: the first of these, with their architectures.
        bins: of the final values, how many there are per hundredth of a decade; None where neighbours say nothing.
        first: of each bin the first value, with its architecture.
    """

    plausible: tuple[float, float] = (-np.inf, np.inf)
    accuracy: bool = False
    vary: bool = True
    count: int = 0
    low: float = np.inf
    high: float = -np.inf
    outside: int = 0
    examples: list[tuple[float, str]] = field(default_factory=list)
    bins: npt.NDArray[np.int64] | None = None
    first: dict[int, tuple[float, str]] = field(default_factory=dict)

    def add(self, values: Floats, arch_ids: pa.ChunkedArray, *, final: bool) -> None:
        low, high = self.plausible
        odd = (values < low) | (values > high)
        if odd.any():
            self.outside += int(odd.sum())
            for at in np.flatnonzero(odd)[: _SHOWN - len(self.examples)].tolist():
                self.examples.append((float(values[at]), arch_ids[at].as_py()))
        if not final:
            return
        self.count += len(values)
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
        if self.bins is None:
            return
        with np.errstate(divide="ignore"):
            places = np.floor((np.log10(np.maximum(values, 0)) - _DECADES[0]) * _PER_DECADE)
        numbers = np.clip(places, 0, _BINS - 1).astype(np.int64)
        counted = np.bincount(numbers, minlength=_BINS)
        if ((counted > 0) & (self.bins == 0)).any():
            for number, at in zip(*np.unique(numbers, return_index=True), strict=True):
                self.first.setdefault(int(number), (float(values[at]), arch_ids[int(at)].as_py()))
        self.bins += counted


class ValueChecks:
    """The values of one source, checked as they come; the metrics of the benchmark state the ranges."""

    def __init__(self, benchmark: Benchmark) -> None:
        self._benchmark = benchmark
        self._columns: dict[Column, _Values] = {}
        self._without: Counter[Column] = Counter()  # rows of columns that have had no value so far

    def add(self, truth: pa.Table) -> npt.NDArray[np.bool_]:
        """Look at rows of `truth`; returns which of them can be: the others are no values of their metric."""
        values = truth["value"].to_numpy().astype(np.float64)
        possible = np.ones(len(values), bool)
        for (space, dataset, name, epochs), at in _by_column(truth):
            metric = self._benchmark.metric(dataset, name)
            some = values[at]
            least, most = units.LIMITS[metric.unit]
            if ((some < least) | (some > most)).any():
                wrong = [units.outside(metric.unit, value) for value in some.tolist()]
                possible[at] = ~(np.array(wrong) & np.isfinite(some))
            good = at[np.isfinite(some) & possible[at]]
            if not len(good):
                self._without[space, dataset, name, epochs] += len(at)
                continue
            column = self._columns.get((space, dataset, name, epochs)) or self._new(space, metric, epochs)
            rows = truth.take(pa.array(good)) if len(good) < len(truth) else truth
            final = rows["epoch"].is_null().to_numpy()
            for which, is_final in ((final, True), (~final, False)):
                if which.all():
                    column.add(values[good], rows["arch_id"], final=is_final)
                elif which.any():
                    chosen = np.flatnonzero(which)
                    column.add(values[good[chosen]], rows["arch_id"].take(pa.array(chosen)), final=is_final)
        return possible

    def _new(self, space: str, metric: Metric, epochs: int | None) -> _Values:
        plausible = units.plausible(metric, self._benchmark.classes.get(metric.dataset))
        column = _Values(plausible, units.is_accuracy(metric), metric.unit != "none")
        if column.accuracy or metric.unit in ("count", "seconds", "milliseconds", "millijoules"):
            column.bins = np.zeros(_BINS, np.int64)
        self._columns[space, metric.dataset, metric.metric, epochs] = column
        return column

    def add_scores(self, proxy: str, values: Floats) -> None:
        there, column = values[~np.isnan(values)], ("", "score", proxy, None)
        if len(there):
            self._columns.setdefault(column, _Values()).add(there, _UNNAMED, final=True)
        else:
            self._without[column] += len(values)

    def findings(self, place: Callable[[str], str]) -> Iterator[Finding]:
        """What is odd, column by column; `place` gives what the source calls an architecture: "line 3"."""
        for key, column in sorted(self._columns.items(), key=lambda item: tuple(map(str, item[0]))):
            classes = self._benchmark.classes.get(key[1])
            yield from (Finding(key, text, mixed) for text, mixed in _findings(column, classes, place))
        for key, count in self._without.items():
            if count >= _EQUAL and key not in self._columns:
                yield Finding(key, f"all {count:,} values are missing")


def _by_column(truth: pa.Table) -> Iterator[tuple[Column, npt.NDArray[np.int64]]]:
    """The columns in rows of `truth`, and where each has its rows."""
    names = ("space", "dataset", "metric", "epochs")
    codes = np.zeros(len(truth), np.int64)
    for name in names:
        encoded = truth[name].combine_chunks().dictionary_encode(null_encoding="encode")
        encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
        codes = codes * len(encoded.dictionary) + encoded.indices.to_numpy()
    if not len(codes):
        return
    if (codes == codes[0]).all():
        parts = [np.arange(len(codes))]
    else:
        order = np.argsort(codes, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    for at in parts:
        space, dataset, metric, epochs = (truth[name][int(at[0])].as_py() for name in names)
        yield (space, dataset, metric, epochs), at


def _findings(column: _Values, classes: int | None, place: Callable[[str], str]) -> Iterator[tuple[str, bool]]:
    fractions = _fractions(column, classes) if column.accuracy else []
    number = _count(column, fractions)
    if number and column.high < 1:
        yield f"no value is larger than {column.high:g} percent: are they fractions?", False
    elif number:
        shown = _shown(column, fractions, place)
        mixed = number > 1 and number >= _MIXED * column.count
        yield f"{number:,} of {column.count:,} values look like fractions among percents: {shown}", mixed
    if column.outside > number:
        low, high = column.plausible
        examples = ", ".join(f"{value:g} ({place(arch_id)})" for value, arch_id in column.examples)
        yield f"{_values_are(column.outside)} outside the plausible {low:g} to {high:g}: {examples}", False
    if column.count >= _EQUAL and column.low == column.high and column.vary:
        yield f"all {column.count:,} values are {column.low:g}", False
    elif column.bins is not None and not column.accuracy:
        far, where = _far(column.bins)
        if far:
            shown = _shown(column, far, place)
            number = _count(column, far)
            yield f"{_values_are(number)} more than {_FAR} times {where} than all others: {shown}", False


def _values_are(number: int) -> str:
    return count_of(number, "value is", "values are")


def _count(column: _Values, bins: list[int]) -> int:
    return 0 if column.bins is None else int(column.bins[bins].sum())


def _shown(column: _Values, bins: list[int], place: Callable[[str], str]) -> str:
    examples = [column.first[number] for number in bins[-_SHOWN:]]
    return ", ".join(f"{value:g} ({place(arch_id)})" for value, arch_id in examples)


def _fractions(column: _Values, classes: int | None) -> list[int]:
    """The bins of accuracies that are worse than guessing, and a hundred times as large would be among the others."""
    assert column.bins is not None
    body = column.bins[_ONE + 1 :]
    guessing = 0.9 * 100 / classes if classes else 1.0
    if not body.any():  # nothing larger than 1
        near = [number for number, (value, _) in column.first.items() if not classes or value < guessing]
        return sorted(near) if column.high < 1 else []
    ranked = np.cumsum(body)
    lowest = _ONE + 1 + int(np.searchsorted(ranked, 0.01 * ranked[-1]))
    highest = _ONE + 1 + int(np.flatnonzero(body)[-1])
    return [
        number
        for number in np.flatnonzero(column.bins[: _ONE + 1]).tolist()
        if column.first[number][0] < guessing and lowest - 1 <= number + _HUNDREDFOLD <= highest + 1
    ]


def _far(bins: npt.NDArray[np.int64]) -> tuple[list[int], str]:
    """The bins of the few values on one side of a wide gap, and whether these are the smaller or the larger ones."""
    taken = np.flatnonzero(bins)
    gaps = np.diff(taken)
    if bins.sum() < _FEW or not len(gaps) or gaps.max() <= _PER_DECADE * np.log10(_FAR):
        return [], ""
    below, above = np.split(taken, [int(gaps.argmax()) + 1])
    smaller = bins[below].sum() <= bins[above].sum()
    return (below.tolist(), "smaller") if smaller else (above.tolist(), "larger")
