"""What the ground truth of TransNAS-Bench-101 measures: of each task its own metrics, at the best epoch."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.benchmarks.contract import Metric

EPOCHS = {"class_object": 25, "jigsaw": 10, "autoencoder": 30}
"""The tasks that are read, with the epochs of their trainings."""

CLASSES = {"class_object": 75, "jigsaw": 1000}
"""Object classes, and permutations of the nine pieces of a puzzle."""

SPLITS = {"train": "train", "valid": "validation", "test": "test"}
"""Splits, as the tables call them and as they are called here."""

_TARGETS = (
    ("class_object", "test_accuracy"),
    ("jigsaw", "test_accuracy"),
    ("autoencoder", "test_ssim"),
    ("class_object", "validation_accuracy"),
    ("jigsaw", "validation_accuracy"),
    ("autoencoder", "validation_ssim"),
    ("autoencoder", "test_l1_loss"),
)
_BEST = "at the best epoch"


def columns(task: str) -> dict[str, str]:
    """The columns of a task's table, with the metrics that they hold."""
    of_split = (
        {"ssim": "ssim", "l1_loss": "l1_loss"}
        if task == "autoencoder"
        else {"top1": "accuracy", "top5": "top5_accuracy", "loss": "loss"}
    )
    measured = {f"{a}_{column}": f"{b}_{metric}" for a, b in SPLITS.items() for column, metric in of_split.items()}
    return {**measured, "time_elapsed": "train_seconds"}


def _metrics() -> Iterator[Metric]:
    for task in EPOCHS:
        for metric in columns(task).values():
            split, _, kind = metric.partition("_")
            priority = _TARGETS.index((task, metric)) + 1 if (task, metric) in _TARGETS else None
            if kind == "seconds":
                text = "wall time of the training, as published"
                yield Metric(task, metric, "none", "seconds", False, None, text)
            elif kind in ("accuracy", "top5_accuracy"):
                top = "top-5" if kind.startswith("top5") else "top-1"
                text = f"{top} accuracy on the {split} set {_BEST}"
                yield Metric(task, metric, split, "percent", True, priority, text)
            elif kind == "loss":
                yield Metric(task, metric, split, "nats", False, priority, f"cross-entropy on the {split} set {_BEST}")
            elif kind == "ssim":
                text = f"structural similarity of input and output on the {split} set {_BEST}"
                yield Metric(task, metric, split, "none", True, priority, text)
            else:
                text = f"mean absolute difference of input and output on the {split} set {_BEST}"
                yield Metric(task, metric, split, "none", False, priority, text)


METRICS = tuple(_metrics())
