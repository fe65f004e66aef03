"""Read the published trainings of transformers into rows of the lake.

The file is a JSON list of trainings, each with its configuration and its scores in GLUE's tasks. Equal configurations
were trained again: the trainings of one architecture are numbered as seeds, in the order of the file.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.benchmarks import units
from pipeline.benchmarks.contract import Metric
from pipeline.benchmarks.flexibert.architectures import NAME, SPACE, canonical
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError, UserError, excerpt
from pipeline.formats import json_arrays, numbers
from pipeline.formats.table_form import Unreadable
from pipeline.provenance import canonical_json

FILE = "BERT_benchmark.json"
MEAN = "glue"
TRAINING_STEPS = 100_000
"""Of each training, as the file states."""

_TASKS = {
    "cola": "Matthews correlation",
    "mnli": "accuracy",
    "mrpc": "accuracy",
    "qnli": "accuracy",
    "qqp": "accuracy",
    "rte": "accuracy",
    "sst": "accuracy",
    "sts": "rank correlation",
}
"""GLUE's tasks in the file, with what GLUE measures there."""

_CORRELATIONS = ("cola", "sts")  # the file writes them times 100

CLASSES = {MEAN: 2, "cola": 2, "mnli": 3, "mrpc": 2, "qnli": 2, "qqp": 2, "rte": 2, "sst": 2, "sts": 6}
"""Data sets, with the classes of a task; of the mean over tasks those of most, of a similarity its grades."""


def _metrics() -> Iterator[Metric]:
    protocol = f"after {TRAINING_STEPS:,} steps of pretraining and a fine-tuning"
    yield Metric(
        MEAN, "score", "validation", "percent", True, 1, f"mean over eight tasks of GLUE, times 100, {protocol}"
    )
    for task, measured in _TASKS.items():
        unit, plausible = ("none", (-1.0, 1.0)) if task in _CORRELATIONS else ("percent", None)
        what = f"{measured} in the task {protocol}"
        yield Metric(task, "score", "validation", unit, True, None, what, plausible=plausible)
    yield Metric(MEAN, "train_seconds", "none", "seconds", False, None, "wall time of the training, as published")


METRICS = tuple(_metrics())


def read(path: Path, curves: bool) -> Iterator[SourceRows]:
    """The published form: the JSON file, or a folder that holds it. A training that cannot be taken is a reject."""
    file = published_file(path)
    elements = json_arrays.read(file)
    first = next(elements, None)
    begins = None if first is None else first[1]
    is_training = isinstance(begins, Mapping) and {"scores", "hparams"} <= begins.keys()
    if first is None or not (is_training or isinstance(begins, Unreadable)):
        raise NotThisFormError(f"{file} is not a list of trainings, each with its scores and hparams")
    return _batches(first, elements)


def published_file(path: Path) -> Path:
    """The file of trainings: the path itself, or in the folder; NotThisFormError if it is not there."""
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise NotThisFormError(f"{path} holds no {FILE}")
    return file


def _batches(
    first: tuple[str, object | Unreadable], others: Iterator[tuple[str, object | Unreadable]]
) -> Iterator[SourceRows]:
    batch = SourceRows(NAME)
    trainings, numbers_seen = Counter[str](), set[int]()
    for position, element in (first, *others):
        if isinstance(element, Unreadable):
            batch.add_reject(position, element)
            continue
        with batch.record(position, element):
            _add(batch, element, trainings, numbers_seen)
    yield batch


def _add(batch: SourceRows, element: object, trainings: Counter[str], numbers_seen: set[int]) -> None:
    if not isinstance(element, Mapping):
        raise UserError(f"a training is a JSON object, not {excerpt(element)}")
    number = numbers.whole(element.get("id"), "id", least=0)
    if number in numbers_seen:
        raise UserError(f"id {number} is there before, of another training")
    spec = canonical(SPACE, hyperparameters(element).get("model_hparam_overrides"))
    values = _values(element) if element.get("completed") is True else None
    numbers_seen.add(number)
    trainings[text := canonical_json(spec)] += 1
    arch_id = batch.add_architecture(SPACE, spec, str(number))
    for metric in METRICS:
        value = values[metric.dataset, metric.metric] if values else "the file says that it was not completed"
        batch.add_truth(SPACE, arch_id, metric.dataset, metric.metric, value, seed=trainings[text])


def hyperparameters(element: Mapping[str, object]) -> Mapping[str, object]:
    """The `hparams` of a training; UserError where they are of another protocol."""
    hparams = element.get("hparams")
    if not isinstance(hparams, Mapping):
        raise UserError(f"hparams is {excerpt(hparams)}, where an object is expected")
    if hparams.get("num_train_steps") != TRAINING_STEPS:
        steps = excerpt(hparams.get("num_train_steps"), 40)
        raise UserError(f"it was trained for {steps} steps, where {TRAINING_STEPS:,} are expected")
    return hparams


def _values(element: Mapping[str, object]) -> dict[tuple[str, str], float]:
    """(data set, metric) -> value; UserError where one is missing, impossible, or at odds with the others."""
    scores = element.get("scores")
    if not isinstance(scores, Mapping):
        raise UserError(f"scores is {excerpt(scores)}, where an object is expected")
    stated = {name: numbers.finite(scores.get(name), f"the score of {name}") for name in (MEAN, *_TASKS)}
    for name, value in stated.items():
        least = -100 if name in _CORRELATIONS else 0
        if not least <= value <= 100:
            raise UserError(f"the score of {name} is {value:g}, where {least} to 100 are expected")
    mean = math.fsum(stated[task] for task in _TASKS) / len(_TASKS)
    if abs(mean - stated[MEAN]) > 0.01:
        raise UserError(f"its mean score is {stated[MEAN]:g}, and the mean of its tasks is {mean:g}")
    seconds = numbers.finite(element.get("time_to_train"), "time_to_train")
    if units.outside("seconds", seconds):
        raise UserError(f"time_to_train is {seconds:g}, where seconds are expected")
    correlations = {task: round(stated[task] / 100, 8) for task in _CORRELATIONS}
    return {(name, "score"): value for name, value in {**stated, **correlations}.items()} | {
        (MEAN, "train_seconds"): seconds
    }
