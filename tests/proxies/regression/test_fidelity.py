"""The engine against the plain eager loop: the same weights and streams give the same losses but for rounding.

In float64, where a few iterations cannot magnify rounding to anything: in float32 three iterations make .4 % of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pipeline import benchmarks
from pipeline.benchmarks.nasbench201 import network as nasbench201
from pipeline.proxies import images, regression
from pipeline.proxies.regression import sequences, training
from tests.bench import scoring as bench_scoring
from tests.fixtures import plain

FAST = "iterations = 4\nevaluate_every = 2\n"
Fit = Callable[..., training.Losses]
SHORT = {
    "nasbench201": ("topology", f'name = "s"\nextends = "regression-n101"\n{FAST}'),
    "nasbench101": ("cell", f'name = "s"\nextends = "regression-n101"\n{FAST}'),
    "nasbench_nlp": ("cells", f'name = "s"\nextends = "regression-nlp"\n{FAST}'),
    "nasbench_nlp, carried": (
        "cells",
        'name = "s"\nextends = "regression-nlp-carried"\niterations = 4\nrule = {weights = [1.0], last = 2}\n',
    ),
}


@pytest.fixture
def in_float64(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both loops, whichever is in its place, train in float64."""
    for module in (training, sequences):
        monkeypatch.setattr(module, "fit", lambda *arguments: _doubled(training_fit, *arguments))
    monkeypatch.setattr(plain, "fit", lambda *arguments: _doubled(plain_fit, *arguments))
    batch = images.Batch.tensor
    monkeypatch.setattr(images.Batch, "tensor", lambda self: batch(self).double())
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


training_fit, plain_fit = training.fit, plain.fit


def _doubled(
    fit: Fit,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batch: Callable[[], torch.Tensor],
    preset: Any,
    *bounds: Any,
) -> training.Losses:
    if isinstance(model, training.Regression):
        model.goals = [goal.double() for goal in model.goals]
    return fit(model.double(), optimiser, lambda: batch().double(), preset, *bounds)


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("name", SHORT)
def test_the_engine_computes_what_the_plain_loop_does(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nasbench201, "TOPOLOGY_CELLS", 1)  # in each stack, not five: each operation is there
    space, text = SHORT[name]
    path = tmp_path / "s.toml"
    path.write_text(text)
    benchmark, proxy = benchmarks.load(name.partition(",")[0]), regression.load(str(path))
    assert benchmark.sample is not None
    for number in range(3):
        spec = benchmark.sample(space, random.Random(number))

        def build() -> nn.Module:
            return benchmark.build(space, spec)  # noqa: B023

        ours = proxy.score(build, str(number), 0, "cpu")
        with plain.loop():
            theirs = proxy.score(build, str(number), 0, "cpu")
        assert ours.status == theirs.status == "ok"
        for one, other in zip(ours.curves, theirs.curves, strict=True):
            assert one.losses == pytest.approx(other.losses, rel=1e-6)


@pytest.mark.parametrize(("plainly", "loop"), [(True, "tests.fixtures.plain"), (False, training.__name__)])
def test_the_bench_times_either_loop(plainly: bool, loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a worker of the bench does as it starts, done here and undone."""
    threads: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    with ExitStack() as for_good:
        monkeypatch.setattr(bench_scoring, "_FOR_GOOD", for_good)
        bench_scoring._prepare(1, plainly)
        assert [module.fit.__module__ for module in (training, sequences)] == [loop, loop]
    assert threads == [1]
