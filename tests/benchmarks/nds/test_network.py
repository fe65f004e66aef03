"""The networks of the Network Design Spaces: parameters and shapes to the last one, and what they compute."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from pipeline.benchmarks.nds import BENCHMARK, architectures, residual_network, residual_spaces
from pipeline.networks import cell_network
from pipeline.networks.without_values import Unfilled

SPACE_OF = {
    "DARTS": "darts",
    "ENAS": "enas",
    "PNAS": "pnas",
    "Amoeba": "amoeba",
    "NASNet": "nasnet",
    "ResNet": "resnet",
    "ResNeXt-A": "resnext-a",
    "ResNeXt-B": "resnext-b",
}
SKIPS = [["skip_connect", 0], ["skip_connect", 1]]


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.fixture(scope="module")
def reference_networks(reference: Path) -> dict[str, list[dict[str, Any]]]:
    networks: dict[str, list[dict[str, Any]]] = json.loads((reference / "nds_networks.json").read_text())
    return networks


def as_it_is(norm: torch.nn.BatchNorm2d, x: torch.Tensor) -> torch.Tensor:
    assert x.shape[1] == norm.num_features
    return x


@pytest.mark.parametrize("family", SPACE_OF)
def test_every_reference_network_has_exactly_its_parameters_and_taps(
    reference_networks: Any, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    monkeypatch.setattr(torch.nn.BatchNorm2d, "forward", as_it_is)  # without values it takes half of the time
    space = SPACE_OF[family]
    for row in reference_networks[family]:
        spec = architectures.canonical(space, row["net"])
        with Unfilled():
            network = BENCHMARK.build(space, spec).eval()
        with torch.no_grad():  # of a batch of no images shapes are found sooner than on the device `meta`
            taps = network(torch.empty(0, 3, 32, 32))
        assert count(network) == row.get("backbone_params", row.get("backbone_params_if_group_count")), row["net"]
        assert [list(tap.shape[1:]) for tap in taps] == row["tap_shapes"]


# Trainable parameters that the documentation of NNI (Microsoft, "NAS Benchmarks") prints for jobs of the published
# files. They decide that num_gs counts groups and that the first stage is the stem.
@pytest.mark.parametrize(
    ("space", "net", "stated"),
    [
        (
            "resnext-a",
            {
                "block_type": "res_bottleneck_block",
                "ds": [1, 16, 1, 4],
                "ws": [16, 64, 128, 16],
                "ss": [1, 1, 2, 2],
                "num_gs": [1, 2, 1, 2],
                "bot_muls": [0.0, 0.25, 0.25, 0.25],
            },
            83_002,
        ),
        ("resnet", {"block_type": "res_basic_block", "ds": [1, 12, 12, 12], "ws": [16, 24, 24, 40]}, 594_138),
        ("vanilla", {"block_type": "double_plain_block", "ds": [1, 12, 12, 12], "ws": [16, 24, 32, 40]}, 689_770),
    ],
)
def test_trained_networks_have_the_published_parameters(space: str, net: dict[str, Any], stated: int) -> None:
    spec = architectures.canonical(space, {"ss": [1, 1, 2, 2], **net})
    assert residual_network.trained_parameters(spec, 10, imagenet=False) == stated
    assert residual_spaces.parameters(spec) == stated


def test_a_trained_network_of_cells_has_the_published_parameters() -> None:
    normal = "avg_pool_3x3 0 conv_7x1_1x7 1 sep_conv_3x3 2 sep_conv_5x5 0 dil_sep_conv_3x3 2 dil_sep_conv_3x3 2 "
    normal += "skip_connect 4 dil_sep_conv_3x3 4 conv_7x1_1x7 2 sep_conv_3x3 4"
    reduce = "avg_pool_3x3 0 dil_sep_conv_3x3 1 sep_conv_3x3 0 sep_conv_3x3 0 skip_connect 2 sep_conv_7x7 0 "
    reduce += "conv_7x1_1x7 4 skip_connect 4 conv_7x1_1x7 0 conv_7x1_1x7 5"
    cells = {n: list(zip(t.split()[::2], map(int, t.split()[1::2]), strict=True)) for n, t in
             (("normal", normal), ("reduce", reduce))}  # fmt: skip
    net = {**cells, "normal_concat": [3, 5, 6], "reduce_concat": [3, 6], "width": 32, "depth": 12}
    spec = architectures.canonical("amoeba", net)
    assert cell_network.trained_parameters(spec, 10, imagenet=False, auxiliary=False) == 4_190_314


C = 8
BN = 2 * C


@pytest.mark.parametrize(
    ("kind", "parameters", "halving"),
    [
        ("avg_pool_3x3", 0, 0),
        ("max_pool_3x3", 0, 0),
        ("max_pool_5x5", 0, 0),
        ("max_pool_7x7", 0, 0),
        ("skip_connect", 0, C * C + BN),
        ("sep_conv_3x3", 2 * (9 * C + C * C + BN), None),
        ("sep_conv_5x5", 2 * (25 * C + C * C + BN), None),
        ("sep_conv_7x7", 2 * (49 * C + C * C + BN), None),
        ("dil_conv_3x3", 9 * C + C * C + BN, None),
        ("dil_conv_5x5", 25 * C + C * C + BN, None),
        ("dil_sep_conv_3x3", 2 * (9 * C + C * C + BN), None),
        ("conv_1x1", C * C + BN, None),
        ("conv_3x3", 9 * C * C + BN, None),
        ("conv_3x1_1x3", 6 * C * C + BN, None),
        ("conv_7x1_1x7", 14 * C * C + BN, None),
    ],
)
def test_operations_counted_by_hand_keep_or_halve_the_image(kind: str, parameters: int, halving: int | None) -> None:
    x = torch.randn(2, C, 12, 12)
    whole, half = cell_network.operation(kind, C, 1), cell_network.operation(kind, C, 2)
    assert (count(whole), count(half)) == (parameters, parameters if halving is None else halving)
    assert whole(x).shape == (2, C, 12, 12) and half(x).shape == (2, C, 6, 6)


def test_a_factorised_reduction_reads_every_second_pixel_and_those_diagonally_between() -> None:
    reduction = cell_network.FactorisedReduction(1, 2).eval()
    for convolution in (reduction.even, reduction.odd):
        torch.nn.init.ones_(convolution.weight)
    even, odd = reduction(torch.arange(16.0).view(1, 1, 4, 4))[0]
    assert torch.allclose(even, torch.tensor([[0.0, 2.0], [8.0, 10.0]]), rtol=1e-4)
    assert torch.allclose(odd, torch.tensor([[5.0, 7.0], [13.0, 15.0]]), rtol=1e-4)


def test_a_dilated_convolution_reaches_over_twice_its_kernel() -> None:
    for kind, reach in (("dil_conv_3x3", 2), ("dil_conv_5x5", 4), ("sep_conv_5x5", 4), ("dil_sep_conv_3x3", 4)):
        x = torch.ones(1, 2, 21, 21, requires_grad=True)
        operation = cell_network.operation(kind, 2, 1).eval()
        for parameter in operation.parameters():
            torch.nn.init.ones_(parameter)
        operation(x)[0, 0, 10, 10].backward()
        assert x.grad is not None
        rows = x.grad.abs().sum((0, 1, 3)).nonzero().flatten().tolist()
        assert (min(rows), max(rows)) == (10 - reach, 10 + reach), kind


def skips(width: int, depth: int, nodes: int = 4) -> dict[str, Any]:
    edges = SKIPS * nodes
    concat = list(range(2, nodes + 2))
    return {"normal": edges, "normal_concat": concat, "reduce": edges, "reduce_concat": concat,
            "width": width, "depth": depth}  # fmt: skip


def test_a_network_of_skips_counted_by_hand() -> None:
    """Width 4, three cells: normal at 4 channels per node, then two reductions at 8 and 16."""
    stem = 27 * 12 + 24
    first = 2 * (12 * 4 + 8)
    second = (12 * 8 + 16) + (16 * 8 + 16) + 8 * (8 * 8 + 16)
    third = (16 * 16 + 32) + (32 * 16 + 32) + 8 * (16 * 16 + 32)
    network = cell_network.NDSCellNetwork(skips(4, 3))
    assert count(network) == stem + first + second + third
    assert [tuple(t.shape) for t in network(torch.randn(2, 3, 32, 32))] == [
        (2, 16, 32, 32), (2, 32, 16, 16), (2, 64, 8, 8),
    ]  # fmt: skip
    classified = stem + first + second + third + 65 * 10
    auxiliary = 64 * 128 + 256 + 128 * 768 * 4 + 1536 + 769 * 10
    spec = skips(4, 3)
    assert cell_network.trained_parameters(spec, 10, imagenet=False, auxiliary=False) == classified
    assert cell_network.trained_parameters(spec, 10, imagenet=False, auxiliary=True) == classified + auxiliary


def test_a_network_for_imagenet_counted_by_hand() -> None:
    """Its stem ends at 4 channels at an eighth of the image, beside the 4 at a quarter: the first cell reduces one."""
    stem = (27 * 2 + 4) + (9 * 2 * 4 + 8) + (9 * 4 * 4 + 8)
    first = 2 * (4 * 4 + 8)
    second = (4 * 8 + 16) + (16 * 8 + 16) + 8 * (8 * 8 + 16)
    third = (16 * 16 + 32) + (32 * 16 + 32) + 8 * (16 * 16 + 32)
    body, head = stem + first + second + third, 65 * 1000
    auxiliary = 64 * 128 + 256 + 128 * 768 * 4 + 769 * 1000
    assert cell_network.trained_parameters(skips(4, 3), 1000, imagenet=True, auxiliary=False) == body + head
    assert cell_network.trained_parameters(skips(4, 3), 1000, imagenet=True, auxiliary=True) == body + head + auxiliary
    taps = cell_network.NDSCellNetwork(skips(4, 3), imagenet=True)(torch.randn(1, 3, 64, 64))
    assert [tuple(t.shape) for t in taps] == [(1, 16, 8, 8), (1, 32, 4, 4), (1, 64, 2, 2)]


def plainly(cell: cell_network.NDSCell, before_last: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
    """The definition, word for word: each edge rectifies what it convolves, and a node adds its two edges."""
    nodes = [cell.first(functional.relu(before_last)), cell.second(functional.relu(last))]
    for node in range(len(cell.edges) // 2):
        total = torch.zeros(())
        for edge in (2 * node, 2 * node + 1):
            kind, source = cell.edges[edge]
            value = nodes[source]
            stride = cell.strides[edge]
            if "conv" in kind or (kind == "skip_connect" and stride == 2):
                value = functional.relu(value)
            term = value[:, :, ::stride, ::stride] * 0 if kind == "none" else cell.operations[edge](value)
            total = total + term
        nodes.append(total)
    return torch.cat([nodes[node] for node in cell.concat], dim=1)


@pytest.mark.parametrize("space", ["darts", "nasnet", "amoeba"])
@pytest.mark.parametrize("seed", range(5))
def test_a_cell_is_the_sum_over_its_edges(space: str, seed: int) -> None:
    spec = architectures.sample(space, random.Random(seed))
    torch.manual_seed(seed)
    network = cell_network.NDSCellNetwork({**spec, "width": 2, "depth": 4}).eval()
    images = torch.randn(1, 3, 16, 16)
    previous, current = network.stem(images)
    expected = []
    cells: Any = network.cells
    for cell in cells:
        expected += [current] if cell.reduction else []
        previous, current = current, plainly(cell, previous, current)
    torch.testing.assert_close(network(images), [*expected, current])


def test_a_node_of_nothing_is_zero() -> None:
    edges = [["none", 0], ["none", 1], *SKIPS * 3]
    spec = {**skips(2, 3), "normal": edges, "reduce": edges}
    taps = cell_network.NDSCellNetwork(spec)(torch.randn(2, 3, 16, 16))
    assert all(not tap[:, : tap.shape[1] // 4].any() and tap[:, tap.shape[1] // 4 :].any() for tap in taps)


def bottleneck(groups: int) -> dict[str, Any]:
    return architectures.canonical(
        "resnext-a",
        {"block_type": "res_bottleneck_block", "ds": [1, 1, 1, 1], "ws": [16, 16, 16, 16], "ss": [1, 1, 2, 2],
         "num_gs": [1, groups, groups, groups], "bot_muls": [0.0, 0.5, 0.5, 0.5]},
    )  # fmt: skip


@pytest.mark.parametrize(("groups", "middle"), [(1, 8 * 8 * 9), (2, 8 * 4 * 9), (8, 8 * 1 * 9)])
def test_num_gs_counts_the_groups(groups: int, middle: int) -> None:
    block = (16 * 8 + 16) + (middle + 16) + (8 * 16 + 32)
    body = 3 * block + 2 * (16 * 16 + 32)  # the two stages that halve the image have a shortcut of their own
    trained = (27 * 16 + 32) + body + 17 * 10
    assert residual_network.trained_parameters(bottleneck(groups), 10, imagenet=False) == trained
    first = (12 * 16 + 32) + (16 * 16 * 9 + 32) + (16 * 16 + 32) + (12 * 16 + 32)
    assert count(BENCHMARK.build("resnext-a", bottleneck(groups))) == (27 * 12 + 24) + first + body
    imagenet = (147 * 16 + 32) + body + 17 * 1000
    assert residual_network.trained_parameters(bottleneck(groups), 1000, imagenet=True) == imagenet


def test_taps_of_residual_networks_come_before_the_last_relu_of_their_stage() -> None:
    torch.manual_seed(0)
    network = residual_network.network(bottleneck(2)).eval()
    images = torch.randn(2, 3, 32, 32)
    taps = network(images)
    assert [tuple(t.shape) for t in taps] == [(2, 16, 32, 32), (2, 16, 16, 16), (2, 16, 8, 8)]
    assert all((tap < 0).any() for tap in taps)
    stages: Any = network.stages
    block = stages[3][0]
    x = functional.relu(taps[1])
    inner = functional.relu(block.layers[1](functional.relu(block.layers[0](x))))
    torch.testing.assert_close(taps[2], block.layers[2](inner) + block.shortcut(x))


def test_a_network_of_more_stages_is_tapped_after_the_last_three() -> None:
    net = {"block_type": "res_basic_block", "ds": [1, 1, 1, 1, 1], "ws": [16, 8, 16, 24, 32], "ss": [4, 1, 2, 2, 2]}
    taps = BENCHMARK.build("resnext-a-in", architectures.canonical("resnet", net))(torch.randn(1, 3, 32, 32))
    assert [tuple(t.shape) for t in taps] == [(1, 16, 16, 16), (1, 24, 8, 8), (1, 32, 4, 4)]


def test_plain_blocks_have_no_shortcut() -> None:
    block = residual_network.ResidualBlock(residual_spaces.PLAIN, 4, 8, 2, 1.0, 1)
    assert block.shortcut is None and count(block) == 9 * 4 * 8 + 9 * 8 * 8 + 32
    basic = residual_network.ResidualBlock(residual_spaces.BASIC, 8, 8, 1, 1.0, 1).eval()
    assert basic.shortcut is None
    x = torch.rand(1, 8, 4, 4)
    torch.testing.assert_close(basic(x) - x, basic.layers[1](functional.relu(basic.layers[0](x))))


@pytest.mark.parametrize("space", ["resnet", "resnext-a", "resnext-b", "vanilla", "resnet-b"])
def test_the_size_of_a_draw_is_that_of_the_network(space: str) -> None:
    draw = random.Random(1)
    for _ in range(3):
        spec = architectures.sample(space, draw)
        trained = residual_network.trained_parameters(spec, 10, imagenet=False)
        assert residual_spaces.parameters(spec) == trained <= residual_spaces.PARAMETERS
