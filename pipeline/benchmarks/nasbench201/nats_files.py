"""The files that NATS-Bench publishes: one bzip2-packed pickle per architecture, and one that lists the architectures.

An architecture's file maps a training length ("12", "200") to {"arch_index", "arch_str", "all_results"}, the last of
which maps (data set, seed) to one training: series by epoch (from 0) of training, and evaluations keyed "split@epoch".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.errors import NotThisFormError, excerpt
from pipeline.formats import pickles
from pipeline.formats.numbers import real, whole
from pipeline.provenance import content_files

_SUFFIX = ".pickle.pbz2"
_ALLOWED: pickles.Allowed = {**pickles.NUMPY, **pickles.MAPPINGS}

Series = Mapping[int, float]
"""Values by epoch, from 0."""


@dataclass(frozen=True)
class Training:
    """One training of an architecture.

    Args:
        epochs: its length.
        params: trainable parameters, in millions.
        flops: operations of a forward pass, in millions.
        latency: seconds, one per measurement; none where it was not measured.
        train_accuracy, train_loss: percent and nats.
        train_seconds: wall time of each epoch.
        accuracy, loss: of each evaluated split, under its published name.
    """

    dataset: str
    seed: int
    epochs: int
    params: float
    flops: float
    latency: tuple[float, ...]
    train_accuracy: Series
    train_loss: Series
    train_seconds: Series
    accuracy: Mapping[str, Series]
    loss: Mapping[str, Series]


@dataclass(frozen=True)
class ArchitectureFile:
    """An architecture's file: its number, its notation and its trainings."""

    index: int
    architecture: str
    trainings: tuple[Training, ...]


def members(path: Path) -> list[Path]:
    """The files under a folder, sorted, or the file itself.

    Raises:
        NotThisFormError: there is none.
    """
    if path.is_file():
        return [path]
    files = [file for file in content_files(path) if file.name.lower().endswith(_SUFFIX)]
    if not files:
        raise NotThisFormError(f"{path} holds no *{_SUFFIX} file")
    return files


def read(path: Path) -> ArchitectureFile | list[str]:
    """One file: of an architecture, or the list of all by their number, from 0.

    Raises:
        NotThisFormError: it is damaged or of another form; the message leaves its name to the caller.
    """
    content = pickles.load_path(path, _ALLOWED)
    try:
        if "meta_archs" in content:
            _require_no_results(content)
            return list(map(_text, content["meta_archs"]))
        runs = list(content.values())
        architecture = {(whole(run["arch_index"], "arch_index", least=0), _text(run["arch_str"])) for run in runs}
        if len(architecture) != 1:
            raise NotThisFormError(f"it is about {len(architecture)} architectures, where one is expected")
        trainings = tuple(
            _training(dataset, seed, training)
            for run in runs
            for (dataset, seed), training in run["all_results"].items()
        )
    except KeyError as error:
        raise NotThisFormError(f"not of NATS-Bench's form: it has no {error}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise NotThisFormError(f"not of NATS-Bench's form: {error}") from error
    return ArchitectureFile(*architecture.pop(), trainings)


def _require_no_results(content: Mapping[str, object]) -> None:
    """Refuse what can be read as a list and as results, of which the one reading would drop the other."""
    for name, value in content.items():
        if name != "meta_archs" and isinstance(value, Mapping) and value:
            raise NotThisFormError(
                f"it holds both a list of architectures ('meta_archs') and results ({excerpt(name)}), and only one of "
                "them would be read: save each under a file of its own, the results as one file per architecture"
            )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"an architecture is written {excerpt(value)}")
    return value


def _training(dataset: str, seed: int, result: Mapping[str, Any]) -> Training:
    return Training(
        dataset=_text(dataset),
        seed=whole(seed, "the seed"),
        epochs=whole(result["epochs"], "epochs", least=1),
        params=real(result["params"], "params"),
        flops=real(result["flop"], "flop"),
        latency=_listed(result.get("latency")),
        train_accuracy=_series(result["train_acc1es"]),
        train_loss=_series(result["train_losses"]),
        train_seconds=_series(result["train_times"]),
        accuracy=_splits(result["eval_acc1es"]),
        loss=_splits(result["eval_losses"]),
    )


def _listed(values: object) -> tuple[float, ...]:
    if values is None:
        return ()
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise TypeError(f"latency is {excerpt(values)}, where a list is expected")
    return tuple(real(value, "latency") for value in values)


def _series(values: Mapping[int, Any] | None) -> Series:
    return {whole(epoch, "an epoch"): real(value, "a value") for epoch, value in (values or {}).items()}


def _splits(evaluations: Mapping[str, Any]) -> dict[str, dict[int, float]]:
    """Values by split and epoch, from values by "split@epoch"."""
    splits: dict[str, dict[int, float]] = {}
    for key, value in evaluations.items():
        split, epoch = _split_and_epoch(key)
        splits.setdefault(split, {})[epoch] = real(value, key)
    return splits


@lru_cache(10_000)  # the files of all architectures have the same keys
def _split_and_epoch(key: str) -> tuple[str, int]:
    split, _, epoch = key.rpartition("@")
    return split, whole(epoch, f"the epoch of {excerpt(key)}")
