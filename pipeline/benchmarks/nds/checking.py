"""Compare the number of parameters of the networks that are built with the published jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.benchmarks.contract import Spec
from pipeline.benchmarks.nds import jobs
from pipeline.benchmarks.nds.architectures import canonical, dataset
from pipeline.benchmarks.nds.metrics import CLASSES
from pipeline.benchmarks.nds.reading import SpaceFile, published_files
from pipeline.benchmarks.parameter_check import ParameterCheck, drawn
from pipeline.errors import NotThisFormError, UserError
from pipeline.formats import json_arrays
from pipeline.provenance import canonical_json


def check(path: Path, sample_size: int) -> list[ParameterCheck]:
    """Build so many networks of each file as they were trained, and compare their parameters with the file's."""
    return [_checked(file, sample_size) for file in published_files(path)]


def _checked(file: SpaceFile, sample_size: int) -> ParameterCheck:
    result = ParameterCheck(file.path.name)
    for position, element in drawn(_elements(file), sample_size, lambda pair: pair):
        try:
            job = jobs.parse(element)
            spec = canonical(file.space, job.net)
        except UserError:
            continue  # a reject of the ingest
        built = _trained_parameters(file.space, spec, job)
        result.add(position, built, round(job.sizes["params"]), canonical_json(spec))
    return result


def _elements(file: SpaceFile) -> Iterator[tuple[str, object]]:
    """Position and value of the elements of a file; none of a spoilt one in a folder."""
    try:
        yield from json_arrays.read(file.path)
    except NotThisFormError:
        if not file.prefix:
            raise


def _trained_parameters(space: str, spec: Spec, job: jobs.Job) -> int:
    from pipeline.benchmarks.nds import residual_network
    from pipeline.networks import cell_network

    trained_on = dataset(space)
    classes, imagenet = CLASSES[trained_on], trained_on == "imagenet"
    if "block_type" in spec:
        return residual_network.trained_parameters(spec, classes, imagenet=imagenet)
    return cell_network.trained_parameters(spec, classes, imagenet=imagenet, auxiliary=job.auxiliary)
