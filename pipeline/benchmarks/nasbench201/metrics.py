"""What the ground truth of NAS-Bench-201 measures: NATS-Bench's trainings, accuracies on analog hardware and under
attack, and costs on devices.

Attacks: Jung, Lukasik and Keuper, "Neural Architecture Design and Robustness: A Dataset", ICLR 2023. Devices: Li et
al., "HW-NAS-Bench", ICLR 2021, which states latency in milliseconds and energy in millijoules.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from pipeline.benchmarks.contract import Metric

SPLITS = {
    "cifar10-valid": {"x-valid": "validation", "ori-test": "test"},
    "cifar10": {"ori-test": "test"},
    "cifar100": {"x-valid": "validation", "x-test": "test", "ori-test": "valtest"},
    "ImageNet16-120": {"x-valid": "validation", "x-test": "test", "ori-test": "valtest"},
}
"""What each data set's published evaluations are. The halves of what used to be one test set are validation and test;
their union is kept as `valtest`, so that no number is called test accuracy that a search may have seen."""

CLASSES = {"cifar10-valid": 10, "cifar10": 10, "cifar100": 100, "ImageNet16-120": 120}
"""Data sets, with their numbers of classes."""

_PRIORITY = {
    ("cifar10", "test_accuracy"): 1,
    ("cifar10-valid", "validation_accuracy"): 2,
    ("cifar100", "test_accuracy"): 3,
    ("ImageNet16-120", "test_accuracy"): 4,
    ("cifar10", "baseline_accuracy"): 5,
}
_ANALOG = {
    "baseline_accuracy": "test accuracy of the digital network",
    "ptq_accuracy": "test accuracy after post-training quantisation",
    "qat_accuracy": "test accuracy after quantisation-aware training",
    "noisy_accuracy": "test accuracy of the digital network on noisy analog hardware",
    "analog_accuracy": "test accuracy after hardware-aware training, on noisy analog hardware",
}
_DRIFT_SECONDS = (60, 3_600, 86_400, 2_592_000)


_COMMON = (0.1, 0.5, 1, 2, 3, 4)
ATTACKS: dict[str, tuple[str, tuple[float, ...]]] = {
    "pgd": ("PGD", (*_COMMON, 8)),
    "fgsm": ("FGSM", (*_COMMON, 5, 6, 7, 8, 255)),
    "apgd": ("APGD-CE", (*_COMMON, 8)),
    "square": ("Square", (*_COMMON, 8)),
}
"""Attacks by the beginning of their metrics: what they are called, and their strengths in 255ths."""

DEVICES = {
    "edgegpu": ("Jetson TX2", ("latency", "energy")),
    "raspi4": ("Raspberry Pi 4", ("latency",)),
    "edgetpu": ("Edge TPU", ("latency",)),
    "pixel3": ("Pixel 3", ("latency",)),
    "eyeriss": ("Eyeriss", ("latency", "energy", "intensity")),
    "fpga": ("FPGA", ("latency", "energy")),
}
"""Devices by the beginning of their metrics: what they are called, and what was measured on them."""

_COSTS = {
    "latency": ("milliseconds", False, "latency of a forward pass"),
    "energy": ("millijoules", False, "energy of a forward pass"),
    # the publisher states neither unit nor direction: a network that moves less data per operation is preferred
    "intensity": ("ratio", True, "arithmetic intensity, operations per data moved,"),
}


def _metrics() -> Iterator[Metric]:
    for dataset, splits in SPLITS.items():
        for split in ("train", *splits.values()):
            where = {"valtest": "validation and test set together"}.get(split, f"{split} set")
            accuracy = f"{split}_accuracy"
            priority = _PRIORITY.get((dataset, accuracy))
            yield Metric(dataset, accuracy, split, "percent", True, priority, f"top-1 accuracy on the {where}")
            yield Metric(dataset, f"{split}_loss", split, "nats", False, None, f"cross-entropy on the {where}")
        for metric, unit, higher, description in (
            ("params", "count", None, "trainable parameters"),
            ("flops", "count", None, "operations of a forward pass, as the benchmark counts them"),
            ("latency", "seconds", False, "wall time of the forward pass of a batch, as published"),
            ("train_seconds", "seconds", False, "wall time of the training up to and with this epoch, as published"),
        ):
            yield Metric(dataset, metric, "none", unit, higher, None, description)
    for metric, description in _ANALOG.items():
        yield Metric("cifar10", metric, "test", "percent", True, _PRIORITY.get(("cifar10", metric)), description)
    for network in ("baseline", "analog"):
        for seconds in _DRIFT_SECONDS:
            base = _ANALOG[f"{network}_accuracy"].split(",")[0]
            what = f"{base}, on analog hardware {seconds:,} s after programming"
            yield Metric("cifar10", f"{network}_drift_{seconds}_accuracy", "test", "percent", True, None, what)
            spread = f"stated uncertainty of {network}_drift_{seconds}_accuracy, in percentage points"
            yield Metric("cifar10", f"{network}_drift_{seconds}_uncertainty", "test", "percent", False, None, spread)
    yield from _of_conditions(first=1 + max(_PRIORITY.values()))


def _of_conditions(first: int) -> Iterator[Metric]:
    """Accuracies under attack and costs on devices, whose priorities count from `first`."""
    priorities = count(first)
    clean = "accuracy without an attack, of the networks that were attacked"
    yield Metric("cifar10", "clean_accuracy", "test", "percent", True, next(priorities), clean, "robustness")
    for attack, (name, strengths) in ATTACKS.items():
        for strength in strengths:
            condition = f"{name} {strength:g}/255"
            yield Metric(
                "cifar10", f"{attack}_{strength:g}_accuracy", "test", "percent", True, next(priorities),
                f"accuracy under the attack {name}, each pixel changed by at most {strength:g}/255",
                "robustness", condition,
            )  # fmt: skip
    for family, (unit, higher, description) in _COSTS.items():
        for dataset in ("cifar10", "cifar100"):
            for device, (name, measured) in DEVICES.items():
                if family in measured:
                    yield Metric(
                        dataset, f"{device}_{family}", "none", unit, higher, next(priorities),
                        f"{description} on {name}", family, name,
                    )  # fmt: skip


METRICS = {(m.dataset, m.metric): m for m in _metrics()}
"""The declared metrics by data set and metric."""
