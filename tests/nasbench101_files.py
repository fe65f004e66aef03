"""Made-up files in the forms in which NAS-Bench-101 is handed around, written byte by byte."""

from __future__ import annotations

import base64
import json
import random
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import google_crc32c

from pipeline.benchmarks import _cell_graph, nasbench101

Spec = dict[str, Any]
Point = tuple[float, float, float, float, float]
"""Epoch, seconds, and training, validation and test accuracy as fractions."""


def cells(count: int, seed: int = 0) -> list[Spec]:
    """Distinct random cells."""
    draw, found = random.Random(seed), dict[str, Spec]()
    while len(found) < count:
        spec = nasbench101.sample("cell", draw)
        found[json.dumps(spec)] = spec
    return list(found.values())


def frame(data: bytes) -> bytes:
    """A TFRecord frame around data."""
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def _masked(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    return struct.pack("<I", ((crc >> 15) + (crc << 17) % 2**32 + 0xA282EAD8) % 2**32)


def points(spec: Spec, epochs: int, run: int) -> list[Point]:
    """The evaluations at the start, at half of the epochs and at the end of a made-up run."""
    draw = random.Random(f"{spec} {epochs} {run}")
    return [
        (epochs * part, 10.0 * epochs * part, *(draw.uniform(0.1, 0.95) for _ in range(3))) for part in (0.0, 0.5, 1.0)
    ]


def message(evaluations: Iterable[Sequence[float]], parameters: int | None) -> bytes:
    """A ModelMetrics message in protobuf's wire format: every evaluation's doubles are its fields 1, 2, ..."""
    parts = []
    for values in evaluations:
        fields = b"".join(struct.pack("<Bd", number << 3 | 1, value) for number, value in enumerate(values, 1))
        parts.append(b"\x0a" + bytes([len(fields)]) + fields)
    if parameters is not None:
        parts.append(b"\x10" + _varint(parameters))
    return b"".join(parts) + struct.pack("<Bd", 3 << 3 | 1, 1234.5)


def _varint(number: int) -> bytes:
    groups = [number & 0x7F]
    while number := number >> 7:
        groups[-1] |= 0x80
        groups.append(number & 0x7F)
    return bytes(groups)


def row(spec: Spec, epochs: int = 108, run: int = 1, parameters: int = 5_000_000, **changed: Any) -> bytes:
    """A record of the published form; `changed` replaces its parts."""
    parts = {
        "module_hash": _cell_graph.module_hash(spec["adjacency"], spec["operations"]),
        "epochs": epochs,
        "adjacency": spec["adjacency"],
        "operations": ",".join(spec["operations"]),
        "metrics": base64.b64encode(message(points(spec, epochs, run), parameters)).decode(),
    }
    return json.dumps([*(parts | changed).values()]).encode()


def rows(specs: Iterable[Spec], lengths: Sequence[int] = (108,)) -> list[bytes]:
    """Three records of every cell and length."""
    return [row(spec, epochs, run) for spec in specs for epochs in lengths for run in (1, 2, 3)]


def write(path: Path, records: Iterable[bytes]) -> Path:
    """A TFRecord file."""
    path.write_bytes(b"".join(map(frame, records)))
    return path


def remembered(spec: Spec, lengths: Sequence[int] = (108,)) -> tuple[str, tuple[dict[str, Any], dict[int, Any]]]:
    """A cell as the official API keeps it in memory: its hash and what belongs to it."""
    import numpy as np

    size = len(spec["operations"])
    matrix = np.array([int(cell) for cell in spec["adjacency"]], np.int8).reshape(size, size)
    fixed = {
        "module_adjacency": matrix,
        "module_operations": spec["operations"],
        "trainable_parameters": 5_000_000,
    }
    names = ("training_time", "train_accuracy", "validation_accuracy", "test_accuracy")
    computed = {
        epochs: [
            {
                f"{when}_{name}": value
                for when, point in zip(("halfway", "final"), points(spec, epochs, run)[1:], strict=True)
                for name, value in zip(names, point[1:], strict=True)
            }
            for run in (1, 2, 3)
        ]
        for epochs in lengths
    }
    return _cell_graph.module_hash(spec["adjacency"], spec["operations"]), (fixed, computed)
