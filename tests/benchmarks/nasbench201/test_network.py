"""The networks of NAS-Bench-201: what they compute, and how many parameters they have."""

import random

import pytest
import torch
from torch.nn import functional

from pipeline.benchmarks.nasbench201.network import NATSCell, TrainedCell, features, network
from pipeline.networks.features import trained_parameters

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = [(i, j) for j in range(1, 4) for i in range(j)]


def random_cell(seed: int) -> dict[tuple[int, int], str]:
    rng = random.Random(seed)
    return {edge: rng.choice(OPERATIONS) for edge in EDGES}


def text(edges: dict[tuple[int, int], str]) -> str:
    return "+".join("|" + "|".join(f"{edges[i, j]}~{i}" for i in range(j)) + "|" for j in range(1, 4))


def every_edge(cell: NATSCell, x: torch.Tensor) -> torch.Tensor:
    """The definition, word for word: each node is the sum over all earlier nodes, dead ends included."""
    nodes = [x]
    for target in range(1, 4):
        total = torch.zeros(x.shape[0], cell.outputs, *x.shape[2:])
        for source in range(target):
            kind = cell.kinds[source, target]
            value = nodes[source]
            if f"{source}-{target}" in cell.edges:
                value = functional.relu(value) if kind.startswith("nor_conv") else value
                total = total + cell.edges[f"{source}-{target}"](value)
            elif kind == "skip_connect":
                total = total + value
            elif kind == "avg_pool_3x3":
                total = total + functional.avg_pool2d(value, 3, 1, 1, count_include_pad=False)
        nodes.append(total)
    return nodes[3]


@pytest.mark.parametrize("seed", range(25))
def test_a_cell_is_the_sum_over_all_edges(seed: int) -> None:
    torch.manual_seed(seed)
    cell = NATSCell(random_cell(seed), 8, 8)
    x = torch.randn(2, 8, 8, 8)
    torch.testing.assert_close(cell(x), every_edge(cell, x))


@pytest.mark.parametrize("seed", range(10))
def test_a_trained_cell_is_the_same_with_shifts_that_every_edge_adds(seed: int) -> None:
    torch.manual_seed(seed)
    cell, trained = NATSCell(random_cell(seed), 8, 8), TrainedCell(random_cell(seed), 8, 8)
    trained.load_state_dict({name.replace(".0.", ".1."): w for name, w in cell.state_dict().items()}, strict=False)
    x = torch.randn(2, 8, 8, 8)
    torch.testing.assert_close(trained(x), cell(x))  # shifts are zero at first
    for name, parameter in trained.named_parameters():
        if name.endswith(".2.bias"):
            torch.nn.init.constant_(parameter, 1.0)
    nodes = [0.0, 0.0, 0.0, 0.0]  # what the shifts add to nodes that nothing else reaches
    alone = trained(torch.zeros(2, 8, 8, 8))
    for (source, target), kind in sorted(random_cell(seed).items(), key=lambda edge: edge[0][1]):
        nodes[target] += nodes[source] if kind in ("skip_connect", "avg_pool_3x3") else float(kind != "none")
    if "nor_conv_3x3" not in random_cell(seed).values():  # padding makes borders differ
        torch.testing.assert_close(alone, torch.full_like(alone, nodes[3]))


def test_the_taps_are_the_three_stacks() -> None:
    taps = network({"cell": text(random_cell(3))})(torch.randn(2, 3, 32, 32))
    assert [tuple(t.shape) for t in taps] == [(2, 16, 32, 32), (2, 32, 16, 16), (2, 64, 8, 8)]
    taps = network({"channels": [8, 16, 24, 32, 64]})(torch.randn(2, 3, 32, 32))
    assert [tuple(t.shape) for t in taps] == [(2, 8, 32, 32), (2, 24, 16, 16), (2, 64, 8, 8)]


def test_a_cell_without_a_path_gives_zeros() -> None:
    net = network({"cell": text(dict.fromkeys(EDGES, "none"))})
    assert not any(tap.any() for tap in net(torch.randn(2, 3, 32, 32)))


def test_parameters_of_a_cell_counted_by_hand() -> None:
    stem = 3 * 16 * 9 + 2 * 16
    reductions = sum(9 * a * b + 9 * b * b + 4 * b + a * b for a, b in ((16, 32), (32, 64)))
    ends = 2 * 64 + 65 * 10
    cells = sum(5 * 6 * (9 * c * c + 2 * c) for c in (16, 32, 64))
    everywhere = text(dict.fromkeys(EDGES, "nor_conv_3x3"))
    assert trained_parameters(features, {"cell": everywhere}, 10) == stem + reductions + ends + cells
    empty = text(dict.fromkeys(EDGES, "skip_connect"))
    assert trained_parameters(features, {"cell": empty}, 10) == stem + reductions + ends


def test_an_operation_on_a_dead_edge_is_counted_and_not_computed() -> None:
    edges = dict.fromkeys(EDGES, "none") | {(0, 3): "skip_connect", (0, 1): "nor_conv_3x3"}
    cell = NATSCell(edges, 8, 8)
    assert sum(p.numel() for p in cell.parameters()) == 9 * 8 * 8
    assert cell.plan == [(3, [0])]


def test_plain_cells_have_neither_affine_parameters_nor_running_statistics() -> None:
    net = network({"cell": text(dict.fromkeys(EDGES, "nor_conv_1x1"))})
    norms = [m for n, m in net.named_modules() if isinstance(m, torch.nn.BatchNorm2d) and ".edges." in n]
    assert len(norms) == 3 * 5 * 6
    assert all(m.weight is None and m.running_mean is None for m in norms)
    assert net.stem[1].weight is not None and net.stem[1].running_mean is not None
