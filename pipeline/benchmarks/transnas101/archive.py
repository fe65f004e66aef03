"""The archive that TransNAS-Bench-101's authors publish: every epoch of every training, saved by torch.

`data` maps a space to its architectures, each of which maps a task to {"metrics": {metric: values by epoch},
"total_epochs", "model_info": {"encoder_params", ...}}; `metrics_dict`, `info_names` and `task_list` name what is in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.benchmarks.contract import Spec
from pipeline.benchmarks.parameter_check import ParameterCheck, drawn
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.benchmarks.transnas101.architectures import NAME, canonical
from pipeline.benchmarks.transnas101.metrics import EPOCHS, METRICS, checked, columns
from pipeline.errors import NotThisFormError, UserError, excerpt, unknown
from pipeline.formats import numbers, pickles, torch_files
from pipeline.formats.cells_of_entries import plain
from pipeline.provenance import canonical_json

FILE = "transnas-bench_v10141024.pth"
_ALLOWED: pickles.Allowed = {**pickles.NUMPY, **pickles.MAPPINGS}
_SPACES = ("macro", "micro")
_PER_BATCH = 200


def read(path: Path, curves: bool) -> Iterator[SourceRows]:
    """The archive's rows: of each metric the largest value of all epochs, as its tables have it."""
    return _batches(_architectures(path), curves)


def _architectures(path: Path) -> dict[str, Mapping[str, object]]:
    """Space -> the results of its architectures by their names."""
    try:
        content = torch_files.load(path, _ALLOWED)
    except NotThisFormError as error:
        raise NotThisFormError(f"{path}: {error}") from error
    data = content.get("data") if isinstance(content, dict) else None
    if not isinstance(data, dict) or not data or not all(isinstance(of_space, dict) for of_space in data.values()):
        raise NotThisFormError(f"{path} is not the archive of TransNAS-Bench-101: no architectures under 'data'")
    if other := [space for space in data if space not in _SPACES]:
        raise NotThisFormError(f"{path} has a space {excerpt(other[0], 40)}: {' and '.join(_SPACES)} are expected")
    return data


def _batches(spaces: Mapping[str, Mapping[str, object]], curves: bool) -> Iterator[SourceRows]:
    batch, number = SourceRows(NAME), 0
    seen: dict[str, str] = {}
    for space, architectures in spaces.items():
        for name, results in architectures.items():
            with batch.record(f"{space} {excerpt(name, 60)}", results):
                _take(batch, space, name, results, str(number), seen, curves)
            number += 1
            if number % _PER_BATCH == 0:
                yield batch
                batch = SourceRows(NAME)
    yield batch


def _take(
    batch: SourceRows, space: str, name: object, results: object, number: str, seen: dict[str, str], curves: bool
) -> None:
    spec = canonical(space, name)
    if not isinstance(results, dict) or not results:
        raise UserError(f"its results are {excerpt(results, 60)}, where tasks are expected")
    arch_id = batch.add_architecture(space, spec, number)
    if (before := seen.setdefault(arch_id, str(name))) != name:
        raise UserError(f"the same architecture as {before}")
    for task, training in results.items():
        if task not in EPOCHS:
            raise unknown(f"task of {NAME}", str(task), EPOCHS)
        series = _series(task, training)
        for metric, values in series.items():
            epochs = len(values)
            for epoch, value in enumerate(values, 1) if curves else ():
                batch.add_truth(space, arch_id, task, metric, value, epochs=epochs, epoch=epoch)
            largest = max((v for v in values if not math.isnan(v)), default=math.nan)
            batch.add_truth(space, arch_id, task, metric, largest, epochs=epochs)


def _series(task: str, training: object) -> dict[str, list[float]]:
    """Metric -> its values by epoch, of all metrics that the archive has of the task."""
    measured = training.get("metrics") if isinstance(training, dict) else None
    if not isinstance(training, dict) or not isinstance(measured, dict):
        raise UserError(f"{task} has no metrics")
    epochs = numbers.whole(training.get("total_epochs"), f"total_epochs of {task}", least=1, most=10_000)
    series = {}
    for column, metric in columns(task).items():
        if column not in measured:
            continue
        values, what = plain(measured[column]), f"{column} of {task}"
        if not isinstance(values, list) or len(values) != epochs:
            raise UserError(f"{what} is {excerpt(values, 60)}, where a list of {epochs} epochs is expected")
        declared = METRICS[task, metric]
        series[metric] = [checked(numbers.real(v, what), f"{what} is", declared) for v in values]
    if not series:
        raise UserError(f"{task} has none of its metrics")
    return series


def check(path: Path, sample_size: int) -> list[ParameterCheck]:
    """Build some encoders, and compare their parameters with those that the archive states.

    Returns:
        Nothing where no parameters are stated, as in tables.
    """
    file = path / FILE if path.is_dir() else path
    if not file.is_file() or file.suffix != ".pth":
        return []
    spaces = _architectures(file)
    every = ((space, name, results) for space, of_space in spaces.items() for name, results in of_space.items())
    if not (known := [network for record in every if (network := _stated(*record))]):
        return []
    result = ParameterCheck(file.name)
    for name, spec, stated in drawn(known, sample_size, lambda network: network):
        result.add(name, _parameters(spec), stated, canonical_json(spec))
    return [result]


def _stated(space: str, name: object, results: object) -> tuple[str, Spec, int] | None:
    """Name, architecture and parameters of its encoder; None where they cannot be read."""
    training = results.get("class_object") if isinstance(results, dict) else None
    info = training.get("model_info") if isinstance(training, dict) else None
    try:
        spec = canonical(space, name)
        stated = numbers.whole(
            info.get("encoder_params") if isinstance(info, dict) else None, "encoder_params", least=1
        )
    except UserError:
        return None
    return str(name), spec, stated


def _parameters(spec: Spec) -> int:
    from pipeline.benchmarks.transnas101 import network
    from pipeline.networks.without_values import without_values

    with without_values():
        return sum(p.numel() for p in network.network(spec, network.TRAINED_CHANNELS, whole=True).parameters())
