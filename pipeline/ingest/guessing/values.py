"""What the columns of a table measure: metric, data set, unit and seed, by their names and values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from pipeline import proxies
from pipeline.benchmarks.contract import Benchmark, Metric
from pipeline.errors import UserError, excerpt
from pipeline.formats.table_form import LEVEL, VALUE
from pipeline.ingest import surrogates
from pipeline.ingest.cells import list_of, number_of, without_percent_sign
from pipeline.ingest.guessing.column_words import ColumnName, name_of, words_of_metric
from pipeline.ingest.guessing.counted_rows import CountedRows, counted_rows
from pipeline.ingest.guessing.guesses import MOST_SEEDS, Guess, ScoreGuess, TruthGuess, ValueGuesses
from pipeline.ingest.guessing.long_tables import UNMEASURED, LongTable
from pipeline.ingest.guessing.metrics import main_metric, metric_of
from pipeline.ingest.guessing.numbered_columns import (
    differ_by_numbers,
    earlier_epochs,
    is_of_several,
    means_of_seeds,
    measured_as,
    of_last_epoch,
    with_seeds,
)
from pipeline.ingest.guessing.table_place import PlaceOfTable, is_of_data
from pipeline.ingest.guessing.table_sample import UNNAMED, TableSample
from pipeline.ingest.guessing.units import unit_of

_SPREAD = {"std", "stdev", "var", "variance", "stderr", "sem", "ci"}
_SEED = re.compile(r"(?:^|[^a-z])(?:seed|run|rep|trial|s)[_\- ]?(\d{1,9})(?:$|\D)")
_EPOCHS = re.compile(
    r"(?:^|\D)(\d{1,5})(?:[_\- ]?(?:ep|epochs?)(?![a-z]|[_\- ]?\d)|(?:ep|epochs?)(?![a-z\d]))"
    r"|(?:^|[^a-z])(?:ep|epochs?|e)[_\- ]?(\d{1,5})(?:$|\D)"
    r"|[a-z]@(1[2-9]|[2-9]\d|\d{3,5})$"
)
_WITH_NUMBER = re.compile(r"\s*[+-]?\d+\.\d+\s*(%|±|\+|\(|\$|[A-Za-zµ]{1,4}\s*$)")
_OF_LEVEL = re.compile(rf"{LEVEL}\d")
_WORDS_OF_SEEDS = {"seed", "run", "rep", "trial", "s"}
_IS_MARK = re.compile("9{4,}|10{4,}")
_FAR = 30  # times as large as any other number
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([.,'_ ])\d{3}){1,4}(?:[.,]\d+)?")
_MOST_TRIED = 1_000  # texts of a column of numbers
_MOST_FAILURES = 3  # texts that stand for one
_FEW = 5  # numbers that may all be 0 or 1 by chance


def guess_values(sample: TableSample, benchmark: Benchmark, taken: Sequence[str]) -> ValueGuesses:
    """Guess what each column measures, apart from the columns `taken` for the architecture."""
    table = LongTable.of(sample, benchmark)
    sample = table.sample
    counted = counted_rows(sample, benchmark, taken)
    others = [column for column in sample.columns if column not in taken and column not in counted.columns]
    # what is beside a list of architectures is no value of one of them
    beside = [] if any(map(_OF_LEVEL.match, taken)) else [n for n in others if "." in n and _OF_LEVEL.match(n)]
    columns = _Columns(sample, benchmark, counted, [name for name in others if name not in beside])
    columns.left_out += [(name, "it is beside the rows, and no value of one of them") for name in beside]
    for column in columns.that_are_no_cost():
        columns.guess(column)
    guesses = columns.guesses()
    truths = tuple(table.as_written(truth) for truth in guesses.truths)
    return replace(guesses, truths=truths, scores=tuple(table.as_written(score) for score in guesses.scores))


@dataclass
class _Columns:
    """The columns of a table that may hold values, and what has been guessed of them so far."""

    sample: TableSample
    benchmark: Benchmark
    counted: CountedRows
    names: Sequence[str]
    truths: list[TruthGuess] = field(default_factory=list)
    scores: list[ScoreGuess] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    missing: set[float | str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.proxies = set(proxies.names())
        self.place = PlaceOfTable.of(self.sample, self.benchmark)
        said = {column: name_of(column, self.benchmark) for column in self.names}
        self.named = {(name.dataset, name.words): column for column, name in said.items()}
        self.unnamed = {VALUE, *(name for name in self.sample.form.columns if re.fullmatch(rf"{UNNAMED}\d+", name))}
        self.why_unnamed_stay = self._why_unnamed_stay()

    def _why_unnamed_stay(self) -> str:
        """Why columns without a name are not taken for the main metric; empty where a single one may be."""
        main = main_metric(self.benchmark)
        numbers_of = {name: _numbers(self.sample, name)[0] for name in self.names if name in self.unnamed}
        odd = [name for name, values in numbers_of.items() if values and not self.place.may_be(main, values)]
        with_numbers = sum(values is not None for values in numbers_of.values())
        if with_numbers < 2 and (not odd or len(numbers_of) == 1):
            return ""
        why = f"{odd[0]} is no {main.metric}" if odd else f"each may be {main.metric}, of a seed, a split or a data set"
        return f"the columns have no names, and {why}: name them in columns"

    def that_are_no_cost(self) -> list[str]:
        """The columns, without those that state the seconds which a proxy took."""
        costs = {_cost(column, self.names) for column in self.names if _proxy(column, self.proxies)}
        return [column for column in self.names if column not in costs]

    def guess(self, column: str) -> None:
        """Take a column, or say why it is left out."""
        values, longest, failures = _numbers(self.sample, column)
        name = self.place.name_of(column) if column in self.unnamed else name_of(column, self.benchmark)
        why: str | None
        if values is None:
            why = _no_numbers(self.sample, column)
        elif surrogates.named(column):
            why = "predictions of a surrogate, which are never ground truth"
        elif name.words & _SPREAD:
            why = "a spread, which no metric holds"
        elif len(values) > _FEW and {*values} <= {0, 1} and not longest and _proxy(column, self.proxies) is None:
            why = "it holds nothing but 0 and 1, as a flag does: where = {...} reads rows by one"
        else:
            good, marks = _parted(values, of_lists=longest > 0)
            why = self._take(column, name, good, longest)
            if why is None:
                self.missing |= marks | failures
        if why is not None:
            self.left_out.append((column, why))

    def _take(self, column: str, name: ColumnName, values: Sequence[float], longest: int) -> str | None:
        """Take a column of numbers as scores or truth, or return why it is left out."""
        proxy = _proxy(column, self.proxies)
        metric = metric_of(name, self.benchmark, self.place.dataset)
        if metric is not None and is_of_several(column, self.names):
            return "right where one of several guesses is, as beside a column of one"
        complement = "error" in name.words and (metric is None or "error" not in words_of_metric(metric))
        if complement:
            if not name.splits:
                return "an error without a split, or a spread: complement = true takes an error as the accuracy"
            name = replace(name, words=name.words - {"error"} | {"accuracy"})
            metric = metric_of(name, self.benchmark, self.place.dataset)
        if proxy is not None and (metric is None or column.lower().endswith(".score")):
            if twice := next((score.column for score in self.scores if score.proxy == proxy), None):
                return f"{excerpt(twice, 80)} holds scores of {proxy}, too"
            self.scores.append(self.counted.one(ScoreGuess(column, proxy, _cost(column, self.names))))
            return None
        if metric is None or not values:
            return self._take_main(column, name, values, longest)
        why = self._why_not(column, name, metric, longest)
        if why is None:
            truth = _truth(column, name, metric, values, longest, self.place)
            self._add(_error(truth) if complement else truth)
        return why

    def _take_main(self, column: str, name: ColumnName, values: Sequence[float], longest: int) -> str | None:
        """Take a column for the main metric if its name says no more than a seed or a data set, or return why not."""
        main = main_metric(self.benchmark)
        only_dataset = name.dataset is not None and not name.words - _WORDS_OF_SEEDS
        if name.dataset is not None:
            of_data = [m for m in self.benchmark.metrics if m.dataset == name.dataset and m.priority is not None]
            if not of_data:
                return _no_metric(self.benchmark)
            main = min(of_data, key=lambda m: (m.metric != main.metric, m.priority))
        says_more = name.foreign_to(main) or name.is_of_another_measure(main)
        names_no_metric = self._is_of_a_seed(column) or (only_dataset and main.dataset == name.dataset)
        if not values or says_more or not names_no_metric:
            return _no_metric(self.benchmark)
        if self.why_unnamed_stay or not self.place.may_be(main, values):
            lists = (
                ": where each list holds several things, columns = [...] in [container] names them" if longest else ""
            )
            return self.why_unnamed_stay or f"its values are no {main.metric}{lists}"
        why = self._why_not(column, name, main, 0)
        if why is None:
            self._add(_unnamed(column, name, main, values, longest, self.place))
        return why

    def _why_not(self, column: str, name: ColumnName, metric: Metric, longest: int) -> str | None:
        """What the column's name, its rows, or the file's name say against a metric; None where nothing does."""
        if foreign := name.foreign_to(metric):
            return f"its name says {foreign[0]}, and {_no_metric(self.benchmark)}"
        if metric.condition is not None and (longest or (column in self.unnamed and column != VALUE)):
            return "of such a list each place may be of another condition: name its columns"
        by_epoch = longest > MOST_SEEDS or self.counted.epochs is not None
        if by_epoch and is_of_data(metric) and not name.splits and (beside := self._validated(name)):
            return f"beside {excerpt(beside, 80)} it may be of the training or of the test set: which is it?"
        if self.counted.others and not self.counted.datasets:
            others = ", ".join(excerpt(other, 30, bare=True) for other in self.counted.others[:3])
            return f"its rows are of {others}, and {_no_metric(self.benchmark)}"
        if self.place.other and not name.dataset and not self.counted.dataset and is_of_data(metric):
            return f"the file's name says {self.place.other}, a data set that is not here"
        return None

    def _validated(self, name: ColumnName) -> str | None:
        """The column that measures the same on the validation set, where none does on the training set."""
        train, validation = ((name.dataset, name.words | {split}) for split in ("train", "validation"))
        return None if train in self.named else self.named.get(validation)

    def _add(self, truth: TruthGuess) -> None:
        """Add a column of truth, once for each data set in the rows; a data set without such a metric is left out."""
        truths = list(self.counted.parted(truth))
        self.truths += truths
        taken = {truth.where.get(self.counted.dataset or "") for truth in truths}
        if without := [called for called in self.counted.datasets if called not in taken]:
            rows = f" in rows of {', '.join(without[:3])}" if truths else ""
            self.left_out.append((truth.column, f"{_no_metric(self.benchmark)}{rows}"))

    def _is_of_a_seed(self, column: str) -> bool:
        return column in self.unnamed or _SEED.search(column.lower()) is not None or column.isdecimal()

    def guesses(self) -> ValueGuesses:
        """What is taken, once all columns are guessed: of columns for epochs the last, and one for each measurement."""
        earlier = list(earlier_epochs(self.truths))
        self._leave_out(earlier, "a number after which a higher one comes, as of epochs")
        if self.counted.datasets and self.counted.others:
            why = f"rows of {', '.join(self.counted.others[:3])} are not read"
            self.left_out.append((self.counted.dataset or "", why))
        truths = list(with_seeds([of_last_epoch(truth, earlier) for truth in self.truths if truth not in earlier]))
        means = list(means_of_seeds(truths))
        self._leave_out(means, "a mean of the seeds that are there, too")
        kept = self._clearest([truth for truth in truths if truth not in means])
        self.missing |= _failed_accuracies(self.sample, kept, self.scores)
        ordered = (truth for column in self.names for truth in kept if truth.column == column)
        return ValueGuesses(
            tuple(_optional(self.sample, truth) for truth in ordered),
            tuple(_optional(self.sample, score) for score in self.scores),
            tuple(sorted(self.missing, key=str)), tuple(self.left_out),
        )  # fmt: skip

    def _leave_out(self, truths: Iterable[TruthGuess], why: str) -> None:
        self.left_out += [(truth.column, why) for truth in truths]

    def _clearest(self, truths: Sequence[TruthGuess]) -> list[TruthGuess]:
        """Of the columns that measure the same the clearest, then the first; none where two are equally unclear."""
        of_seeds = {measured_as(truth) for truth in truths if truth.each == "seed" or truth.seed_column is not None}
        alike: dict[tuple[object, ...], list[TruthGuess]] = {}
        for truth in sorted(truths, key=lambda truth: (truth.each != "seed", len(truth.unclear))):
            seed = "any" if measured_as(truth) in of_seeds else truth.seed
            alike.setdefault((*measured_as(truth), seed), []).append(truth)
        kept = []
        for first, *others in alike.values():
            rivals = [
                other.column
                for other in others
                if (other.unclear and first.unclear) or differ_by_numbers((first.column, other.column))
            ]
            if rivals:
                both = f"{excerpt(first.column, 80)} and {excerpt(rivals[0], 80)} would measure the same: which is it?"
                self._leave_out((first, *others), both)
                continue
            kept.append(first)
            self._leave_out(others, f"{excerpt(first.column, 80)} measures the same")
        return kept


def _no_metric(benchmark: Benchmark) -> str:
    takes = "a [[score]] takes it as a proxy's, a [[metric]] declares it"
    return f"no metric of {benchmark.name} and no proxy is called so: {takes}"


def _no_numbers(sample: TableSample, column: str) -> str:
    """Why a column without numbers is left out, and how a mapping could read them where they are within texts."""
    first = next((cell for cell in sample.values(column) if isinstance(cell, list | tuple) and cell), None)
    if first is not None and isinstance(first[0], dict):
        return 'its cells are lists of records: the root of [container] leads to them, ["*", "..."]'
    text = next((cell for cell in sample.values(column) if isinstance(cell, str) and _WITH_NUMBER.match(cell)), None)
    more = f", as {excerpt(text, 40)}: [[extract]] takes a part of a text" if text is not None else ""
    return f"its cells are no numbers{more or _grouped(sample, column)}"


def _grouped(sample: TableSample, column: str) -> str:
    """How a mapping reads the numbers of a column that all group their thousands, as 1,234; else nothing."""
    texts = [cell.strip() for cell in sample.values(column) if isinstance(cell, str) and cell.strip()]
    mark = next((found[1] for text in texts if (found := _GROUPED.fullmatch(text))), None)
    if mark is None or not all(_GROUPED.fullmatch(text) or text.isdecimal() for text in texts):
        return ""
    return f", as {excerpt(texts[0], 40)}: thousands = {json.dumps(mark)} in [container] reads such"


def _optional(sample: TableSample, guess: Guess) -> Guess:
    """The guess, marked as optional if some of the rows that it reads lack the column."""
    counted = (c for _, c in sample.rows if all(str(c.get(n)).strip() == str(held) for n, held in guess.where.items()))
    if all(guess.column in cells for cells in counted):
        return guess
    return replace(guess, optional=True, doubts=(*guess.doubts, UNMEASURED))


def _error(truth: TruthGuess) -> TruthGuess:
    """The same column read as an error: the accuracy is 100 percent, or 1, less its value."""
    doubt = f"that it is the error: what it lacks to {'100' if truth.unit == 'percent' else '1'} is stored"
    return replace(truth, complement=True, doubts=(*truth.doubts, doubt))


def _numbers(sample: TableSample, column: str) -> tuple[list[float] | None, int, set[str]]:
    """The numbers of a column, the length of the longest list of them in a cell, and texts that stand for a failure.

    None in place of the numbers if half of the cells or more are texts, or there are more than a few different texts.
    """
    values: list[float] = []
    texts: list[str] = []
    longest = 0
    for cell in sample.values(column):
        try:
            number = cell if isinstance(cell, float) else number_of(without_percent_sign(cell), column)
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


def _parted(values: Sequence[float], *, of_lists: bool) -> tuple[list[float], set[float]]:
    """The numbers without those that stand for a failure, and these: the only negative one, or nines or a power of ten
    far above all others. The latter are kept of lists, which may hold different things: an accuracy and parameters.
    """
    negative = {value for value in values if value < 0 and value == round(value)}
    large = {value for value in values if value > 0 and _IS_MARK.fullmatch(f"{value:.0f}") and value == round(value)}
    rest = [value for value in values if value not in negative | large]
    if of_lists or not large or not rest or max(rest) * _FAR > min(large):
        large, rest = set(), [value for value in values if value not in negative]
    if len(negative) != 1 or not rest or min(rest) < 0:
        negative, rest = set(), [value for value in values if value not in large]
    return rest, negative | large


def _failed_accuracies(
    sample: TableSample, truths: Sequence[TruthGuess], scores: Sequence[ScoreGuess]
) -> set[float | str]:
    """{0} if some accuracies are 0, as no trained network has, and no other column that is read holds a 0."""
    accuracies = {
        truth.column
        for truth in truths
        if truth.metric.condition is None and "accuracy" in words_of_metric(truth.metric) and not truth.complement
    }
    others = ({truth.column for truth in truths} | {score.column for score in scores}) - accuracies
    numbers_of = {column: _numbers(sample, column)[0] or [] for column in accuracies | others}
    some = any(0 in numbers_of[column] and any(numbers_of[column]) for column in accuracies)
    return {0.0} if some and not any(0 in numbers_of[column] for column in others) else set()


def _truth(
    column: str, name: ColumnName, metric: Metric, values: Sequence[float], longest: int, place: PlaceOfTable
) -> TruthGuess:
    doubts = []
    each = "" if not longest else "epoch" if longest > MOST_SEEDS and is_of_data(metric) else "seed"
    if each:
        doubts.append(f"that the lists of up to {longest} hold one value per {each}")
    if name.dataset is None:
        doubts.append(place.doubt_of(metric))
    if is_of_data(metric) and not name.splits and place.has_splits(metric, name):
        doubts.append(f"the split: the column does not name one, and {metric.split} is taken")
    unclear = tuple(name.unclear(metric))
    doubts += [f"that {excerpt(word, 40)} in its name does not make it another metric" for word in unclear[:2]]
    unit = unit_of(column, metric, max(values))
    doubts += unit.doubts
    epochs = int(found[found.lastindex or 0]) if (found := _EPOCHS.search(column.lower())) else 0
    seed = None
    if each != "seed":
        in_name = _SEED.search(column.lower())
        seed = int(in_name[1]) if in_name else place.seed
        if in_name is None and seed is not None:
            doubts.append("the seed: of the file's name")
    return TruthGuess(column, metric, unit.unit, unit.scale, epochs or None, seed, each, tuple(doubts), unclear=unclear)


def _unnamed(
    column: str, name: ColumnName, main: Metric, values: Sequence[float], longest: int, place: PlaceOfTable
) -> TruthGuess:
    """The guess for a column whose name says no more than a seed or a data set: the benchmark's main metric."""
    if name.dataset is None and place.dataset is not None:
        main = next((m for m in place.benchmark.metrics if (m.dataset, m.metric) == (place.dataset, main.metric)), main)
    truth = _truth(column, name, main, values, longest, place)
    return replace(truth, doubts=(f"the metric: the table does not name it, and {main.metric} is taken", *truth.doubts))


def _proxy(column: str, known: set[str]) -> str | None:
    """The proxy whose scores a column holds: a known one, or X of a column X.score; None where it holds none."""
    name = re.sub("[^a-z0-9_.-]", "_", column.lower())
    plain = re.sub(r"^((score|proxy)_|(log)?(measures?|scores?|proxies|zc)\.)|_(score|proxy)$", "", name)
    for text in (name, plain, plain.replace("-", "_")):
        if text in known:
            return text
    outer, _, inner = plain.rpartition(".")
    return outer if inner == "score" and re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,63}", outer) else None


def _cost(column: str, columns: Sequence[str]) -> str | None:
    """The column with the seconds of the scores in a column, by its name."""
    ends = ("_seconds", "_time", "_sec", "_s", ".seconds", ".time")
    begins = {column.lower(), column.lower().removesuffix(".score")}
    return next((c for c in columns for begin in begins for end in ends if c.lower() == f"{begin}{end}"), None)
