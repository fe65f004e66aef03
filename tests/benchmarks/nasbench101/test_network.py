"""The networks of NAS-Bench-101: what they compute, how many parameters they have, and that they can be scored."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from pipeline.benchmarks.nasbench101 import BENCHMARK, architectures
from pipeline.benchmarks.nasbench101.network import (
    TRAINED_CHANNELS,
    GraphCell,
    features,
    network,
    vertex_channels,
)
from pipeline.ingest.run import ingest
from pipeline.lake.store import Lake
from pipeline.networks.features import trained_parameters
from pipeline.scoring import run as score
from pipeline.scoring.plan import Plan
from tests.fixtures import nasbench101_files as files

CONV3, CONV1, POOL = "conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"
STAGE = '[[stages]]\nchannels = 4\n[[stages.signals]]\nkind = "dot"\npartial = 0.5\n'


def matrix(spec: dict[str, Any]) -> list[list[int]]:
    size = len(spec["operations"])
    return [[int(c) for c in spec["adjacency"][i * size : (i + 1) * size]] for i in range(size)]


def by_definition(cell: GraphCell, spec: dict[str, Any], x: torch.Tensor) -> torch.Tensor:
    """The definition, word for word, with the cell's own layers."""
    edges, last = matrix(spec), len(spec["operations"]) - 1
    values: dict[int, Any] = {}
    operations: Any = cell.operations
    for vertex in range(1, last):
        total = torch.zeros(())
        for source in range(vertex):
            if edges[source][vertex]:
                incoming = cell.projections[str(vertex)](x) if source == 0 else values[source]
                total = total + incoming[:, : cell.channels[vertex]]
        if spec["operations"][vertex] == POOL:
            values[vertex] = functional.max_pool2d(total, 3, 1, 1)
        else:
            convolution, norm, _ = operations[str(vertex)]
            values[vertex] = functional.relu(norm(convolution(total)))
    feeding = [values[v] for v in range(1, last) if edges[v][last]]
    out = torch.cat(feeding, 1) if feeding else torch.zeros(())
    return out + cell.projections[str(last)](x) if edges[0][last] else out


@pytest.mark.parametrize("number", range(40))
def test_a_cell_computes_its_definition(number: int) -> None:
    spec = files.cells(40, seed=2)[number]
    torch.manual_seed(number)
    cell = GraphCell(matrix(spec), spec["operations"], 6, 10).eval()
    x = torch.randn(2, 6, 8, 8)
    found = cell(x)
    assert found.shape == (2, 10, 8, 8)
    torch.testing.assert_close(found, by_definition(cell, spec, x))


@pytest.mark.parametrize("number", range(40))
def test_every_parameter_of_a_cell_gets_a_gradient(number: int) -> None:
    """Nothing is built that is not used, and no sum is made in place of a value that backward needs."""
    spec = files.cells(40, seed=3)[number]
    cell = GraphCell(matrix(spec), spec["operations"], 6, 10)
    cell(torch.randn(4, 6, 8, 8)).square().sum().backward()
    assert all(p.grad is not None for p in cell.parameters())


def test_convolutions_start_with_the_variance_of_their_outputs() -> None:
    torch.manual_seed(0)
    net = network(files.cells(1)[0], channels=64)
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 5_000:
            area = module.kernel_size[0] * module.kernel_size[1]
            assert module.weight.var().item() == pytest.approx(2 / (area * module.out_channels), rel=0.1)


def test_channels_that_do_not_divide_go_to_the_first() -> None:
    fan = [[0, 1, 1, 1, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]
    assert vertex_channels(fan, 64, 128) == [64, 43, 43, 42, 128]
    through = [[0, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]
    assert vertex_channels(through, 64, 129) == [64, 65, 65, 64, 129]
    assert vertex_channels([[0, 1], [0, 0]], 64, 128) == [64, 128]


def test_the_taps_are_taken_before_the_poolings_and_at_the_end() -> None:
    for spec in files.cells(5, seed=4):
        taps = network(spec)(torch.randn(2, 3, 32, 32))
        assert [tuple(t.shape) for t in taps] == [(2, 16, 32, 32), (2, 32, 16, 16), (2, 64, 8, 8)]
        assert [tuple(t.shape) for t in BENCHMARK.build("cell", spec)(torch.randn(1, 3, 32, 32))][2] == (1, 64, 8, 8)


def test_the_next_stack_sees_the_pooled_tap() -> None:
    net = network(files.cells(1)[0], channels=4).eval()
    first, second, third = net(torch.randn(1, 3, 32, 32))
    torch.testing.assert_close(second, net.stacks[1](functional.max_pool2d(first, 2)))
    torch.testing.assert_close(third, net.stacks[2](functional.max_pool2d(second, 2)))


def test_parameters_counted_by_hand() -> None:
    """Convolutions without bias, two parameters per channel of each normalisation, a classifier with bias."""
    stem, classifier = 27 * 128 + 2 * 128, 512 * 10 + 10
    widths = [
        (128, 128),
        (128, 128),
        (128, 128),
        (128, 256),
        (256, 256),
        (256, 256),
        (256, 512),
        (512, 512),
        (512, 512),
    ]
    projections = sum(a * b + 2 * b for a, b in widths)
    trained = partial(features, channels=TRAINED_CHANNELS)
    empty = {"adjacency": "0100", "operations": ["input", "output"]}
    assert trained_parameters(trained, empty, 10) == stem + classifier + projections
    chain = {"adjacency": "010001000", "operations": ["input", CONV3, "output"]}
    assert trained_parameters(trained, chain, 10) == stem + classifier + projections + sum(
        9 * b * b + 2 * b for _, b in widths
    )
    pooled = {"adjacency": "011001000", "operations": ["input", POOL, "output"]}
    assert trained_parameters(trained, pooled, 10) == stem + classifier + 2 * projections


def test_the_normalisations_are_affine_with_running_statistics() -> None:
    norms = [m for m in network(files.cells(1)[0]).modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms and all(m.affine and m.track_running_stats and m.momentum == 0.1 for m in norms)


def test_ingested_cells_can_be_scored(tmp_path: Path, lake: Path) -> None:
    ingest(lake, "nasbench101", [files.write(tmp_path / "runs.tfrecord", files.rows(files.cells(4, seed=5)))])
    preset = tmp_path / "tiny.toml"
    preset.write_text(f'name = "tiny"\niterations = 2\nevaluate_every = 1\n{STAGE * 3}')
    plan = Plan("nasbench101", "cell", str(preset), None, 0, "cpu")
    assert score.run(lake, plan, sample=2, workers=1).statuses == {"ok": 2}
    scores = Lake(lake).read("scores", "nasbench101").to_pylist()
    assert len({r["value"] for r in scores}) == 2
    listed = tmp_path / "cells.txt"
    cell = random.Random(0)
    listed.write_text(f"{architectures.sample('cell', cell)}\n".replace("'", '"'))
    assert score.run(lake, plan, only=listed, workers=1).statuses == {"ok": 1}
