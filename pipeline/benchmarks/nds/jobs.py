"""A job of a published file of the Network Design Spaces: one network, how it was trained, and its errors by epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.errors import UserError, excerpt
from pipeline.formats.numbers import real, whole
from pipeline.wording import count_of

_NEEDED = ("net", "params", "flops", "train_ep_top1", "test_ep_top1", "min_test_top1")
_SERIES = {"test_ep_top1": "test_accuracy", "train_ep_top1": "train_accuracy", "train_ep_loss": "train_loss"}
_OPTIMISER = {"base_lr": "learning_rate", "wd": "weight_decay"}


@dataclass(frozen=True)
class Job:
    """One job.

    Args:
        net: the network as published.
        auxiliary: trained with an auxiliary classifier.
        seed: of the training; 1 where it is not stated.
        epochs: length of the training.
        sizes: params and flops, counts.
        best: the least test error of all epochs, as an accuracy in percent.
        series: by metric one value per epoch: accuracies in percent, a loss in nats; NaN where the training diverged.
        optimiser: learning rate and weight decay, where stated.
    """

    net: Mapping[str, object]
    auxiliary: bool
    seed: int
    epochs: int
    sizes: Mapping[str, float]
    best: float
    series: Mapping[str, Sequence[float]]
    optimiser: Mapping[str, float]

    def values(self, *, curves: bool, tuned: bool) -> Iterator[tuple[str, float, int | None]]:
        """Metric, value and epoch (from 1; None for the final value) of what the training gave.

        Args:
            tuned: also learning rate and weight decay, which differ from job to job.
        """
        for metric, series in self.series.items():
            for epoch, value in enumerate(series if curves else (), 1):
                yield metric, value, epoch
            yield metric, series[-1], None
        yield "best_test_accuracy", self.best, None
        for metric, value in self.optimiser.items() if tuned else ():
            yield metric, value, None


def parse(content: object) -> Job:
    """The job that a JSON object holds.

    Raises:
        UserError: something is missing, of another length, or cannot be what the file says.
    """
    if not isinstance(content, Mapping):
        raise UserError(f"a job is a JSON object, not {excerpt(content)}")
    if missing := [name for name in _NEEDED if content.get(name) is None]:
        raise UserError(f"the job has no '{missing[0]}'")
    net, stated = content["net"], content.get("optim")
    if not isinstance(net, Mapping):
        raise UserError(f"net is {excerpt(net, bare=True)}, where a mapping is expected")
    optim = stated if isinstance(stated, Mapping) else {}
    seed = content.get("rng_seed")
    series = {metric: _series(content, name) for name, metric in _SERIES.items() if content.get(name) is not None}
    epochs = _agreed({name: len(values) for name, values in series.items()}, optim.get("max_ep"))
    measured = [value for value in series["test_accuracy"] if math.isfinite(value)]
    if measured and min(measured) >= 99:  # no network is as good after its first epoch
        raise UserError("no error of test_ep_top1 is above 1 percent: is it a fraction?")
    return Job(
        net=net,
        auxiliary=bool(net.get("aux")),
        seed=whole(seed, "rng_seed") if isinstance(seed, int) and not isinstance(seed, bool) and seed > 0 else 1,
        epochs=epochs,
        sizes={name: _size(name, content[name]) for name in ("params", "flops")},
        best=_accuracy("min_test_top1", content["min_test_top1"]),
        series=series,
        optimiser={
            metric: _number(name, optim[name], finite=True) for name, metric in _OPTIMISER.items() if name in optim
        },
    )


def _agreed(lengths: Mapping[str, int], stated: object) -> int:
    epochs = lengths["test_accuracy"]
    for name, length in lengths.items():
        if length != epochs:
            raise UserError(f"{name} has {count_of(length, 'epoch')}, test_accuracy has {epochs}")
    if stated is not None and stated != epochs:
        raise UserError(f"max_ep is {excerpt(stated, 40)}, and {count_of(epochs, 'epoch is', 'epochs are')} listed")
    if not epochs:
        raise UserError("no epoch is listed")
    return epochs


def _series(job: Mapping[str, object], name: str) -> list[float]:
    given = job[name]
    if not isinstance(given, list):
        raise UserError(f"{name} is {excerpt(given)}, where a list, one number per epoch, is expected")
    value = _number if name.endswith("loss") else _accuracy
    return [value(f"{name}[{epoch}]", number) for epoch, number in enumerate(given)]


def _accuracy(name: str, error: object) -> float:
    """100 less an error in percent; rounded, since errors are published with at most three decimals."""
    number = _number(name, error)
    if math.isfinite(number) and number > 100:
        raise UserError(f"{name} is {number:g}, which is no error in percent")
    return round(100 - number, 6)


def _size(name: str, value: object) -> float:
    number = _number(name, value, finite=True)
    if number < 1:
        raise UserError(f"{name} is {number:g}, where a network has at least 1")
    return number


def _number(name: str, value: object, *, finite: bool = False) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise UserError(f"{name} is {excerpt(value, 40, bare=True)!r}, where a number that is not negative is expected")
    number = real(value, name)
    if finite and not math.isfinite(number):
        raise UserError(f"{name} is {value}, where a finite number is expected")
    return number
