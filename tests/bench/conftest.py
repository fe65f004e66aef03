"""What the tests of the benchmark on a card share: a card whose work the CPU does, a little of it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline import benchmarks
from pipeline.proxies.regression import presets
from tests.bench import floors
from tests.bench.gpu import agreement, graphs, launches, marked, stacked, whole, workers
from tests.bench.gpu.setting import Setting
from tests.fixtures.small_networks import Small
from tests.fixtures.tape import Tape

SHORT = 'name = "short"\nextends = "regression-n101"\niterations = 2\nevaluate_every = 1\n'
CELL = '{"adjacency":"010001000","operations":["input","conv1x1-bn-relu","output"]}'


def built(_: str, spec: dict[str, Any]) -> Small:
    """A network whose channels are those of the cell's adjacency."""
    return Small(2 + spec["adjacency"].count("1"))


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    """Everything that a card would do is done by the CPU, a little of it, with small networks."""
    whole_benchmarks = {name: benchmarks.load(name) for name in ("nasbench201", "nasbench101")}
    preset = tmp_path / "short.toml"
    preset.write_text(SHORT)
    architectures = tmp_path / "architectures.txt"
    architectures.write_text(CELL + "\n" + CELL.replace("1x1", "3x3") + "\n")
    out, falling = tmp_path / "out", (1 / n for n in itertools.count(1))
    out.mkdir()
    monkeypatch.setattr(agreement, "HELPERS", 1)
    monkeypatch.setattr(agreement, "ENOUGH", 3)
    monkeypatch.setattr(graphs, "LONGER", 4)
    monkeypatch.setattr(whole, "LISTED", 1)
    monkeypatch.setattr(stacked, "_engine", lambda: lambda rest, group, precision: rest)
    monkeypatch.setattr(stacked, "NAME", "nasbench101")
    monkeypatch.setattr(stacked, "ENOUGH", 3)
    monkeypatch.setattr(launches, "COUNT", 1)
    monkeypatch.setattr(launches, "_compiled", lambda setting: None)
    monkeypatch.setattr(launches, "_milliseconds", lambda call: next(falling))
    monkeypatch.setattr(benchmarks, "load", lambda name: replace(whole_benchmarks[name], build=built))
    monkeypatch.setattr(workers, "STARTING", 1000.0)
    monkeypatch.setattr(floors, "mean", _of_one)
    monkeypatch.setattr(marked, "files", lambda: [str(_marked_test(tmp_path))])
    return Setting(
        out, device="cpu", graph=Tape, preset=str(preset), spaces=("nasbench101",), sizes=(1,), streams=(1,), plain=3,
        many=5, repeats=1, shapes=2, processes=(1,), presets=(str(preset),), architectures=architectures,
        workers=1, groups=(1,), seconds=10_000,
    )  # fmt: skip


def _of_one(name: str, _: int, preset: str) -> floors.Cost:
    loaded = presets.load(preset)
    assert not isinstance(loaded, presets.SequencePreset)
    return floors.cost(name, 0, loaded)


def _marked_test(folder: Path) -> Path:
    path = folder / "test_marked.py"
    path.write_text("import pytest\n\n@pytest.mark.gpu\ndef test_nothing():\n    pass\n")
    return path
