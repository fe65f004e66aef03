"""DARTS' cells in their frames."""

from __future__ import annotations

from random import Random

import pytest
import torch

from pipeline.benchmarks.darts import BENCHMARK, architectures

NONE = [["none", 0], ["none", 1]]


def built(space: str, *edges: list[object]) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Backbone and features of a cell whose further edges are none, without numbers."""
    cell = [*edges, *NONE * 4][:8]
    concat = [2, 3, 4, 5]
    spec = architectures.canonical(
        space, {"normal": cell, "normal_concat": concat, "reduce": cell, "reduce_concat": concat}
    )
    with torch.device("meta"):
        assert BENCHMARK.features is not None
        return BENCHMARK.build(space, spec), BENCHMARK.features(space, spec)


@pytest.mark.parametrize(
    ("space", "taps"),
    [
        ("cells", [(64, 32), (128, 16), (256, 8)]),
        ("cells-36-20", [(144, 32), (288, 16), (576, 8)]),
        ("single-cell", [(24, 16)]),
    ],
)
def test_taps_and_features_are_those_of_the_frame(space: str, taps: list[tuple[int, int]]) -> None:
    backbone, features = built(space)
    images = torch.empty(2, 3, 32, 32, device="meta")
    assert [(tap.shape[1], tap.shape[2]) for tap in backbone(images)] == taps
    assert features(images).shape[1] == features.channels == taps[-1][0]


def test_a_single_cell_has_the_parameters_of_its_cell() -> None:
    backbone, _ = built("single-cell", ["sep_conv_3x3", 0], ["skip_connect", 0], ["dil_conv_5x5", 2], ["none", 1])
    projections = 2 * (3 * 6 + 2 * 6)
    separable, dilated, skip = 2 * (6 * 9 + 6 * 6 + 2 * 6), 6 * 25 + 6 * 6 + 2 * 6, 6 * 6 + 2 * 6
    assert sum(p.numel() for p in backbone.parameters()) == projections + separable + dilated + skip


def test_the_whole_network_has_the_parameters_that_are_counted_by_hand() -> None:
    backbone, _ = built("cells")  # cells of none: their two projections alone
    stem = 3 * 48 * 9 + 2 * 48

    def cell(before: int, last: int, channels: int) -> int:
        return (before + last) * channels + 4 * channels

    cells = [(48, 48, 16), (48, 64, 16), (64, 64, 32), (64, 128, 32), (128, 128, 32), (128, 128, 64), (128, 256, 64),
             (256, 256, 64)]  # fmt: skip
    assert sum(p.numel() for p in backbone.parameters()) == stem + sum(cell(*sizes) for sizes in cells)


def test_samples_have_one_cell_for_both_kinds_and_neighbours_stay_so() -> None:
    for number in range(20):
        spec = architectures.sample("cells", random := Random(number))
        neighbour = architectures.mutate("cells", spec, random)
        for one in (spec, neighbour):
            assert one["normal"] == one["reduce"] and one["normal_concat"] == [2, 3, 4, 5]
        assert sum(a != b for a, b in zip(spec["normal"], neighbour["normal"], strict=True)) in (1, 2)


def test_a_neighbour_of_unlike_cells_changes_one_of_them() -> None:
    one, other = (architectures.sample("cells", Random(n)) for n in (1, 2))
    spec = {**one, "reduce": other["reduce"]}
    neighbour = architectures.mutate("cells", spec, Random(0))
    assert sum(neighbour[kind] != spec[kind] for kind in ("normal", "reduce")) == 1


def test_every_operation_trains() -> None:
    for number in range(4):
        spec = architectures.sample("cells", Random(number))
        for space in ("single-cell",):
            *_, last = BENCHMARK.build(space, spec)(torch.randn(2, 3, 8, 8))
            last.square().mean().backward()
            assert torch.isfinite(last).all()
