"""What the ground truth of the Network Design Spaces measures."""

from __future__ import annotations

from pipeline.benchmarks.contract import Metric

CLASSES = {"cifar10": 10, "imagenet": 1000}
"""Data sets, with their numbers of classes."""


_MEASURED = (
    ("test_accuracy", "test", "percent", True, "top-1 accuracy after the last epoch"),
    ("best_test_accuracy", "test", "percent", True, "highest top-1 accuracy of all epochs, chosen on the test set"),
    ("train_accuracy", "train", "percent", True, "top-1 accuracy on the training set"),
    ("train_loss", "train", "nats", False, "cross-entropy on the training set"),
    ("params", "none", "count", None, "trainable parameters"),
    ("flops", "none", "count", None, "multiply-adds of a forward pass, as the benchmark counts them"),
    ("learning_rate", "none", "none", None, "initial learning rate, where it differs from job to job"),
    ("weight_decay", "none", "none", None, "weight decay, where it differs from job to job"),
)
METRICS = tuple(
    Metric(dataset, metric, split, unit, higher, priority if metric == "test_accuracy" else None, description)
    for priority, dataset in enumerate(CLASSES, 1)
    for metric, split, unit, higher, description in _MEASURED
)
