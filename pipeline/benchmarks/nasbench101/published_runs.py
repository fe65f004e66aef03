"""The two forms in which NAS-Bench-101 is published: the rows of its TFRecord, and the memory of its official API.

A TFRecord row is the JSON list [module hash, epochs, adjacency, operations, metrics]: the adjacency matrix row by row
as 0 and 1, the operations joined by commas, and the metrics as a base64 ModelMetrics message. The API's memory maps a
module hash to (what does not depend on training, {epochs: one mapping per run}).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.benchmarks.source_rows import reason_of
from pipeline.errors import NotThisFormError, UserError, excerpt
from pipeline.formats import numbers, pickles
from pipeline.wording import count_of

MEASURED = ("training_time", "train_accuracy", "validation_accuracy", "test_accuracy")
"""What is stated of a run at half of its epochs and at its end: seconds, and fractions."""

_POINTS = ("halfway", "final")


class Run(NamedTuple):
    """One training of one cell.

    Args:
        module_hash: the cell's identity, as stated.
        epochs: of the whole training.
        adjacency: the matrix row by row, of "0" and "1".
        operations: of the vertices, joined by commas.
        values: of `MEASURED`, at half of the epochs and then at the end.
        digest: 8 bytes that only the same run of the same cell has.
    """

    module_hash: str
    epochs: int
    adjacency: str
    operations: str
    parameters: int
    values: tuple[float, ...]
    digest: bytes


def run(row: bytes) -> Run:
    """The run that a row of the TFRecord states.

    Raises:
        UserError: the row is of another form; the message says what of it.
    """
    try:
        module_hash, epochs, adjacency, operations, packed = json.loads(row.decode())
        message = base64.b64decode(packed, validate=True)
    except binascii.Error as error:
        raise UserError(f"the metrics are not base64: {error}") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise UserError(f"not a list of module hash, epochs, adjacency, operations and metrics: {error}") from error
    if not (type(module_hash) is type(adjacency) is type(operations) is str and type(epochs) is int):
        raise UserError("module hash, adjacency and operations are texts and epochs a number, in another order here")
    parameters, values = _metrics(message, epochs)
    digest = hashlib.blake2b(message, digest_size=8).digest()
    return Run(module_hash, epochs, adjacency, operations, parameters, values, digest)


def _metrics(message: bytes, epochs: int) -> tuple[int, tuple[float, ...]]:
    decoding, error_type = _decoder()
    try:
        metrics = decoding.FromString(message)
    except error_type as error:
        raise UserError(f"the metrics are no ModelMetrics message: {error}") from error
    if not metrics.IsInitialized():
        raise UserError("the metrics are another message than ModelMetrics: a field that every run has is missing")
    if len(metrics.evaluation_data) != 3:
        raise UserError(
            f"{count_of(len(metrics.evaluation_data), 'evaluation')}, where every run has 3: start, halfway and end"
        )
    _, half, end = metrics.evaluation_data
    if half.current_epoch * 2 != epochs or end.current_epoch != epochs:
        raise UserError(f"evaluated at epochs {half.current_epoch:g} and {end.current_epoch:g} of {epochs}")
    return metrics.trainable_parameters, (
        half.training_time, half.train_accuracy, half.validation_accuracy, half.test_accuracy,
        end.training_time, end.train_accuracy, end.validation_accuracy, end.test_accuracy,
    )  # fmt: skip


@cache
def _decoder() -> tuple[Any, type[Exception]]:
    """The class of ModelMetrics, and the error of a message that is none.

    The message is described here, because classes that the benchmark's own .proto file was compiled to fail on a
    protobuf runtime of another major version. Fields that every run has are marked as required.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="model_metrics.proto", package="nasbench", syntax="proto2")
    evaluation = file.message_type.add(name="EvaluationData")
    for number, name in enumerate(("current_epoch", *MEASURED), 1):
        evaluation.field.add(name=name, number=number, label=field.LABEL_REQUIRED, type=field.TYPE_DOUBLE)
    metrics = file.message_type.add(name="ModelMetrics")
    metrics.field.add(
        name="evaluation_data", number=1, label=field.LABEL_REPEATED, type=field.TYPE_MESSAGE,
        type_name=".nasbench.EvaluationData",
    )  # fmt: skip
    metrics.field.add(name="trainable_parameters", number=2, label=field.LABEL_REQUIRED, type=field.TYPE_INT32)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("nasbench.ModelMetrics")), message.DecodeError


def memory(path: Path) -> Iterator[tuple[str, Run | UserError]]:
    """The runs in a pickle of the official API's memory, each with its position.

    Raises:
        NotThisFormError: the file is not such a pickle.
        UserError: it cannot be read.
    """
    try:
        content = pickles.load_path(path, {**pickles.NUMPY, **pickles.MAPPINGS})
    except NotThisFormError as error:
        raise NotThisFormError(f"{path}: {error}") from error
    if not isinstance(content, dict) or not content:
        raise NotThisFormError(f"{path} holds no mapping from module hashes to runs, as the official API keeps it")
    return _runs_of_memory(content)


def _runs_of_memory(content: Mapping[object, Any]) -> Iterator[tuple[str, Run | UserError]]:
    for module_hash, entry in content.items():
        position = f"key {module_hash if isinstance(module_hash, str) else excerpt(module_hash):.60}"
        try:
            fixed, computed = entry
            adjacency = "".join(str(int(cell)) for row in fixed["module_adjacency"] for cell in row)
            operations = ",".join(fixed["module_operations"])
            stated_runs = [
                (f"{position}, run {number} of {epochs} epochs", epochs, _values(stated))
                for epochs, runs in ((numbers.whole(given, "epochs"), runs) for given, runs in computed.items())
                for number, stated in enumerate(runs, 1)
            ]
            given = fixed["trainable_parameters"]  # of any size: each run is compared with what a network can have
            parameters = given if type(given) is int else numbers.whole(given, "trainable_parameters")
        except KeyError as error:
            yield position, UserError(f"not as the official API keeps a cell: it has no {error}")
            continue
        except (TypeError, ValueError, AttributeError) as error:
            yield position, UserError(f"not as the official API keeps a cell: {error}")
            continue
        except Exception as error:
            yield position, UserError(f"not as the official API keeps a cell: {reason_of(error)}")
            continue
        for where, epochs, values in stated_runs:
            digest = hashlib.blake2b(repr(values).encode(), digest_size=8).digest()
            yield where, Run(str(module_hash), epochs, adjacency, operations, parameters, values, digest)


def _values(stated: Mapping[str, Any]) -> tuple[float, ...]:
    names = [f"{point}_{name}" for point in _POINTS for name in MEASURED]
    return tuple(numbers.real(stated[name], name) for name in names)
