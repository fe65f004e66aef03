"""Targets of NAS-Bench-201 beside accuracy: accuracy under attack, and what a forward pass costs on devices.

Attacks: Jung, Lukasik and Keuper, "Neural Architecture Design and Robustness: A Dataset", ICLR 2023. Devices: Li et
al., "HW-NAS-Bench", ICLR 2021, which states latency in milliseconds and energy in millijoules.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from pipeline.benchmarks.contract import Metric

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


def metrics(first: int) -> Iterator[Metric]:
    """The metrics of both, whose priorities count from `first`."""
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
