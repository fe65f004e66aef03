"""The encoders of TransNAS-Bench-101: parameters, shapes, and a step forward and back."""

from __future__ import annotations

from random import Random

import pytest
import torch

from pipeline.benchmarks.transnas101 import architectures, network

STEM = 3 * 32 * 9 + 2 * 32 + 32 * 64 * 9 + 2 * 64


def convolution(inputs: int, outputs: int, kernel: int) -> int:
    """Parameters of a convolution without bias and its normalisation."""
    return inputs * outputs * kernel**2 + 2 * outputs


def test_parameters_of_residual_blocks_are_those_counted_by_hand() -> None:
    plain = 2 * convolution(64, 64, 3)
    double = convolution(64, 128, 3) + convolution(128, 128, 3) + convolution(64, 128, 1) + 2 * convolution(128, 128, 3)
    strided = plain + convolution(64, 64, 1) + plain
    counted = sum(p.numel() for p in network.network({"modules": "1132"}, network.TRAINED_CHANNELS).parameters())
    assert counted == STEM + 2 * 2 * plain + strided + double


def test_parameters_of_a_cell_are_those_counted_by_hand() -> None:
    spec = architectures.canonical("micro", "64-41414-1_02_003")
    channels, counted = 64, STEM
    for code in architectures.MICRO_MODULES:
        outputs = 2 * channels if code == "4" else channels
        reduction = channels * outputs + 2 * outputs if code == "4" else 0
        first = convolution(outputs, outputs, 1) + convolution(outputs, outputs, 3) + reduction
        counted += first + convolution(outputs, outputs, 1) + convolution(outputs, outputs, 3)
        channels = outputs
    assert sum(p.numel() for p in network.network(spec, network.TRAINED_CHANNELS).parameters()) == counted


@pytest.mark.parametrize(
    ("notation", "shapes"),
    [
        ("64-41414-3_30_233", [(128, 4, 4), (256, 2, 2), (512, 1, 1)]),
        ("64-41414-0_00_000", [(128, 4, 4), (256, 2, 2), (512, 1, 1)]),
        ("64-1342-basic", [(64, 4, 4), (128, 2, 2), (256, 2, 2)]),
        ("64-112331-basic", [(64, 8, 8), (128, 4, 4), (128, 2, 2)]),
    ],
)
def test_taps_follow_each_third_of_the_modules(notation: str, shapes: list[tuple[int, ...]]) -> None:
    space = "macro" if notation.endswith("basic") else "micro"
    built = network.network(architectures.canonical(space, notation), network.TRAINED_CHANNELS)
    for side, scale in ((32, 1), (64, 2)):
        taps = built(torch.randn(2, 3, side, side))
        assert [tuple(tap.shape) for tap in taps] == [(2, c, scale * h, scale * w) for c, h, w in shapes]
    assert built.tap_channels == tuple(shape[0] for shape in shapes)
    if notation != "64-41414-0_00_000":  # which gives zeros whatever its weights are
        sum(tap.square().mean() for tap in taps).backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in built.parameters())


def test_the_proxy_trains_a_quarter_of_the_channels_and_zero_cost_proxies_see_all_of_them() -> None:
    for space, notation in (("micro", "64-41414-3_30_233"), ("macro", "64-1342-basic")):
        spec = architectures.canonical(space, notation)
        narrow, trained = network.network(spec), network.network(spec, network.TRAINED_CHANNELS)
        assert [4 * channels for channels in narrow.tap_channels] == list(trained.tap_channels)
        assert network.features(spec).backbone.tap_channels == trained.tap_channels


def test_what_is_computed_beside_the_path_changes_no_output() -> None:
    spec = architectures.canonical("micro", "64-41414-3_23_300")  # neither node 1 nor node 2 leads to the output
    lean, whole = network.network(spec).eval(), network.network(spec, whole=True).eval()
    lean.load_state_dict({k: v for k, v in whole.state_dict().items() if k in lean.state_dict()})
    images = torch.randn(2, 3, 32, 32)
    assert len(list(lean.parameters())) < len(list(whole.parameters()))
    for one, other in zip(lean(images), whole(images), strict=True):
        torch.testing.assert_close(one, other)


def test_the_macro_space_has_its_published_size() -> None:
    assert len(architectures.macro_modules()) == 3256
    random = Random(0)
    for _ in range(20):
        spec = architectures.sample("macro", random)
        assert architectures.canonical("macro", f"64-{spec['modules']}-basic") == spec
        assert architectures.mutate("macro", spec, random)["modules"] in architectures.macro_modules()
