"""Made-up files in the forms that others publish, written anew by each test that wants them."""

from __future__ import annotations

import bz2
import csv
import pickle
import random
import sys
import types
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.benchmarks import nasbench201
from pipeline.store import Lake

SPLITS = {
    "cifar10-valid": ("x-valid", "ori-test"),
    "cifar10": ("ori-test",),
    "cifar100": ("x-valid", "x-test", "ori-test"),
    "ImageNet16-120": ("x-valid", "x-test", "ori-test"),
}


def topologies(count: int, seed: int = 0) -> list[str]:
    """Distinct random topologies in the benchmark's notation."""
    draw, found = random.Random(seed), dict[str, None]()
    while len(found) < count:
        found[nasbench201.sample("topology", draw)["cell"]] = None
    return list(found)


def sizes(count: int) -> list[str]:
    """The first sizes in the benchmark's order."""
    return [f"8:8:8:{8 * (1 + i // 8)}:{8 * (1 + i % 8)}" for i in range(count)]


def training(dataset: str, seed: int, epochs: int, draw: random.Random, *, sparse: bool = False) -> dict[str, Any]:
    """One training; a sparse one has its last epoch alone for all but the first of its evaluations."""
    splits = SPLITS[dataset]
    kept = {s: [epochs - 1] if sparse and s != splits[0] else range(epochs) for s in splits}
    evaluated = [f"{s}@{e}" for s in splits for e in kept[s]]
    return {
        "name": dataset,
        "train_acc1es": {e: draw.uniform(10, 90) for e in range(epochs)},
        "train_acc5es": None,
        "train_losses": {e: draw.uniform(0, 3) for e in range(epochs)},
        "train_times": OrderedDict((e, 2.0) for e in range(epochs)),
        "params": np.float64(0.25),
        "flop": 15.64737,
        "seed": f"{seed:04d}",
        "epochs": epochs,
        "latency": [np.float64(0.01)],
        "eval_names": list(splits),
        "eval_acc1es": {key: draw.uniform(10, 90) for key in evaluated},
        "eval_losses": {key: draw.uniform(0, 3) for key in evaluated},
        "net_state_dict": None,
    }


def nats_record(index: int, notation: str, lengths: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """An architecture's file: each training length ("12") with its seeds, on every data set."""
    draw = random.Random(index)
    return OrderedDict(
        (
            hp,
            {
                "arch_index": index,
                "arch_str": notation,
                "all_results": {
                    (dataset, seed): training(dataset, seed, int(hp), draw, sparse=int(hp) > 50)
                    for seed in seeds
                    for dataset in SPLITS
                },
            },
        )
        for hp, seeds in lengths.items()
    )


def pack(path: Path, content: object) -> Path:
    """Write a pickle packed by bzip2."""
    path.write_bytes(bz2.compress(pickle.dumps(content, protocol=4)))
    return path


def nats_folder(root: Path, notations: Sequence[str], lengths: Mapping[str, Sequence[int]]) -> Path:
    """A folder of NATS-Bench's form with these architectures."""
    root.mkdir(parents=True, exist_ok=True)
    pack(root / "meta.pickle.pbz2", {"meta_archs": list(notations), "total_archs": len(notations)})
    for index, notation in enumerate(notations):
        pack(root / f"{index:06d}.pickle.pbz2", nats_record(index, notation, lengths))
    return root


def table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",") -> Path:
    """A CSV."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


RECIPE = """\
name = "mine"
benchmark = "nasbench201"
description = "made up"

[publisher]
project = "us"
where = "the next room"

[container]
kind = "csv"

[architecture]
column = "arch"
encoding = "string"
"""

ACCURACY = """
[[truth]]
column = "acc"
dataset = "cifar10"
metric = "test_accuracy"
unit = "percent"
"""


def recipe(path: Path, *more: str, text: str = RECIPE) -> Path:
    """A recipe file: the usual head, and what the test adds."""
    path.write_text(text + "\n".join(more), encoding="utf-8")
    return path


def accuracies(path: Path, count: int = 5) -> Path:
    """A table for `RECIPE` and `ACCURACY`: architectures with accuracies over 50 %."""
    return table(path, ["arch", "acc"], [(a, 60 + i) for i, a in enumerate(topologies(count))])


def analog_package(folder: Path, monkeypatch: pytest.MonkeyPatch, count: int = 4) -> Path:
    """Install a package of the form of analog-nasbench that fails when it is imported; returns its data file."""
    package = folder / "analognasbench"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (package / "data.anb").write_bytes(_analog_pickle(monkeypatch, count))
    info = folder / "analog_nasbench-9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: analog-nasbench\nVersion: 9.9\n")
    (info / "RECORD").write_text("analognasbench/__init__.py,,\nanalognasbench/data.anb,,\n")
    monkeypatch.syspath_prepend(str(folder))
    return package / "data.anb"


def _analog_pickle(monkeypatch: pytest.MonkeyPatch, count: int) -> bytes:
    module = types.ModuleType("analognasbench.data")
    for name in ("Architecture", "DriftMeasurement"):
        setattr(module, name, type(name, (), {"__module__": module.__name__}))
    draw = random.Random(0)
    entries = {}
    for number in range(count):
        key = tuple(number // 5**i % 5 for i in range(6))
        entries[key] = module.Architecture()
        vars(entries[key]).update(
            architecture=key,
            **{f"{k}_accuracy": draw.uniform(10, 90) for k in ("baseline", "ptq", "qat", "noisy", "analog")},
        )
        for name in (f"{of}_drift_{s}" for of in ("baseline", "analog") for s in (60, 3600, 86400, 2592000)):
            drift = module.DriftMeasurement()
            drift.value, drift.uncertainty = draw.uniform(10, 90), draw.uniform(0, 9)
            setattr(entries[key], name, drift)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "analognasbench", types.ModuleType("analognasbench"))
        patch.setitem(sys.modules, "analognasbench.data", module)
        return pickle.dumps(entries, protocol=4)


def snapshot(root: Path) -> dict[str, bytes]:
    """Every file under a folder with its content; empty where there is no folder."""
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def read(root: Path, name: str) -> list[dict[str, Any]]:
    """Rows of a table of the lake for NAS-Bench-201."""
    rows: list[dict[str, Any]] = Lake(root).read(name, "nasbench201").to_pylist()
    return rows
