"""What the ground truth of TransNAS-Bench-101 measures: of each task its own metrics.

The tables give of each metric the largest value of all epochs, as the benchmark's own API does when it is asked for the
"best". So accuracies, similarities and negated losses are those of the best epoch, each of its own; losses are those of
the worst epoch, which is among the first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipeline.benchmarks import units
from pipeline.benchmarks.contract import Metric
from pipeline.errors import UserError

EPOCHS = {
    "class_object": 25,
    "class_scene": 25,
    "room_layout": 25,
    "jigsaw": 10,
    "segmentsemantic": 30,
    "normal": 30,
    "autoencoder": 30,
}
"""The tasks, with the epochs of their trainings."""

CLASSES = {"class_object": 75, "class_scene": 47, "jigsaw": 1000, "segmentsemantic": 17}
"""Classes of objects, scenes and pixels, and permutations of the nine pieces of a puzzle."""

SPLITS = {"train": "train", "valid": "validation", "test": "test"}
"""Splits, as the tables call them and as they are called here."""

SECONDS = "time_elapsed"
"""The column with the wall time of a training."""


@dataclass(frozen=True)
class Kind:
    """What a column of a split holds.

    Args:
        metric: what it is called here.
        unit, higher_is_better: as in a `Metric`.
        description: of what it measures; the split follows.
        least, most: what such a number can be, where the unit does not say it.
    """

    metric: str
    unit: str
    higher_is_better: bool
    description: str
    least: float = -math.inf
    most: float = math.inf


_LARGEST, _SMALLEST = "the largest of all epochs", "the smallest of all epochs"
_TOP1 = Kind("accuracy", "percent", True, f"top-1 accuracy, {_LARGEST}")
_ENTROPY = Kind("loss", "nats", False, f"cross-entropy, {_LARGEST}")
_CLASSIFIED = {
    "top1": _TOP1,
    "top5": Kind("top5_accuracy", "percent", True, f"top-5 accuracy, {_LARGEST}"),
    "loss": _ENTROPY,
}
_PICTURES = {
    "ssim": Kind("ssim", "none", True, f"structural similarity of output and target, {_LARGEST}", -1, 1),
    "l1_loss": Kind("l1_loss", "none", False, f"mean absolute difference of output and target, {_LARGEST}", 0),
}
KINDS: Mapping[str, Mapping[str, Kind]] = {
    "class_object": _CLASSIFIED,
    "class_scene": _CLASSIFIED,
    "room_layout": {
        "loss": Kind("loss", "none", False, f"mean squared error, {_LARGEST}", 0),
        "neg_loss": Kind("neg_loss", "none", True, f"mean squared error with a minus, so {_SMALLEST} error", most=0),
    },
    "jigsaw": _CLASSIFIED,
    "segmentsemantic": {
        "acc": Kind("accuracy", "percent", True, f"share of right pixels, {_LARGEST}"),
        "mIoU": Kind("mean_iou", "percent", True, f"intersection over union, mean over classes, {_LARGEST}", 0, 100),
        "loss": _ENTROPY,
    },
    "normal": _PICTURES,
    "autoencoder": _PICTURES,
}
"""Task -> column, without its split -> what it holds."""

_MAIN = {
    "class_object": "accuracy",
    "jigsaw": "accuracy",
    "autoencoder": "ssim",
    "class_scene": "accuracy",
    "room_layout": "neg_loss",
    "normal": "ssim",
    "segmentsemantic": "mean_iou",
}
"""The figure of each task that its paper ranks by, in the order of the targets."""

_TARGETS = (
    *((task, f"{split}_{metric}") for split in ("test", "validation") for task, metric in _MAIN.items()),
    ("autoencoder", "test_l1_loss"),
    ("segmentsemantic", "test_accuracy"),
)


def columns(task: str) -> dict[str, str]:
    """The columns of a task's table, with the metrics that they hold."""
    kinds = KINDS[task].items()
    measured = {f"{a}_{column}": f"{b}_{kind.metric}" for a, b in SPLITS.items() for column, kind in kinds}
    return {**measured, SECONDS: "train_seconds"}


def _metrics() -> Iterator[Metric]:
    for task, kinds in KINDS.items():
        for split in SPLITS.values():
            for kind in kinds.values():
                name = f"{split}_{kind.metric}"
                priority = _TARGETS.index((task, name)) + 1 if (task, name) in _TARGETS else None
                yield Metric(
                    task, name, split, kind.unit, kind.higher_is_better, priority,
                    f"{kind.description}, on the {split} set",
                    plausible=None if (kind.least, kind.most) == (-math.inf, math.inf) else (kind.least, kind.most),
                )  # fmt: skip
        seconds = "wall time of the training, as published"
        yield Metric(task, "train_seconds", "none", "seconds", False, None, seconds)


METRICS = {(m.dataset, m.metric): m for m in _metrics()}
"""The declared metrics by task and metric."""


def checked(value: float, what: str, metric: Metric) -> float:
    """The value; NaN and infinity are values of trainings that failed.

    Raises:
        UserError: the metric cannot have it; the message begins with `what`.
    """
    least, most = metric.plausible or (-math.inf, math.inf)
    if math.isfinite(value):
        if units.outside(metric.unit, value):
            raise UserError(f"{what} {value:g}, which is no {metric.unit}")
        if not least - units.TOLERANCE <= value <= most + units.TOLERANCE:
            raise UserError(f"{what} {value:g}, where {metric.metric} is {_range(least, most)}")
    return value


def _range(least: float, most: float) -> str:
    if math.isinf(most):
        return f"at least {least:g}"
    return f"at most {most:g}" if math.isinf(least) else f"from {least:g} to {most:g}"
