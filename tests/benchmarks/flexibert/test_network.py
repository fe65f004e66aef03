"""Transformers of mixed layers: what their operations compute, and parameters counted by hand."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from scipy import fft
from torch.nn import functional

from pipeline.benchmarks.flexibert import BENCHMARK, architectures, checking
from pipeline.benchmarks.flexibert.network import (
    EncoderFeatures,
    EncoderLayer,
    EncoderNetwork,
    LinearTransform,
    SelfAttention,
    SpanConvolution,
    cosine_transform,
)

X = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))


def layer(operation: str, parameter: object, heads: int = 2, stacks: int = 1) -> dict[str, Any]:
    return {"operation": operation, "parameter": parameter, "heads": heads, "width": 512, "stacks": stacks}


def test_the_cosine_transform_is_scipys_type_two() -> None:
    for dim in (1, 2, -1):
        assert np.allclose(cosine_transform(X, dim), fft.dct(X.numpy(), type=2, axis=dim), atol=1e-5)


@pytest.mark.parametrize("cosine", [False, True])
def test_a_linear_transform_is_that_of_each_head(cosine: bool) -> None:
    transform = LinearTransform(8, 2, cosine=cosine)
    entered = transform.enter(X).detach().numpy()
    of_head = (lambda part: fft.dctn(part, type=2, axes=(1, 2))) if cosine else (lambda part: np.fft.fft2(part).real)
    expected = np.concatenate([of_head(entered[..., :4]), of_head(entered[..., 4:])], -1)
    assert np.allclose(transform(X).detach(), expected, atol=1e-4)


@pytest.mark.parametrize("weighted", [False, True])
def test_attention_is_that_of_torch(weighted: bool) -> None:
    attention = SelfAttention(8, 4, weighted=weighted)
    queries = attention.weight(attention.query(X))
    parts = [part.view(2, 5, 4, 2).transpose(1, 2) for part in (queries, attention.key(X), attention.value(X))]
    expected = functional.scaled_dot_product_attention(*parts).transpose(1, 2).reshape(2, 5, 8)
    assert torch.allclose(attention(X), expected, atol=1e-6)


def test_a_span_convolution_is_the_sum_over_its_window() -> None:
    block = SpanConvolution(8, 4, 3)
    spans = block.pointwise(block.depthwise(X.transpose(1, 2)).transpose(1, 2))
    kernels = block.kernels(spans * block.query(X)).view(2, 5, 2, 3).softmax(-1)
    values = functional.pad(block.convolved(X), (0, 0, 1, 1)).view(2, 7, 2, 2)
    expected = torch.stack(
        [sum(kernels[:, t, :, k, None] * values[:, t + k] for k in range(3)) for t in range(5)], dim=1
    )
    result = block(X)
    assert torch.allclose(result[..., 4:].view(2, 5, 2, 2), expected, atol=1e-6)
    parts = [part(X).view(2, 5, 2, 2).transpose(1, 2) for part in (block.query, block.key, block.value)]
    attended = functional.scaled_dot_product_attention(*parts).transpose(1, 2).reshape(2, 5, 4)
    assert torch.allclose(result[..., :4], attended, atol=1e-6)


@pytest.mark.parametrize(
    ("given", "count"),
    [  # at a hidden size of 256 and feed-forward parts of 1024, as the released numbers state them
        (layer("SA", "SDP"), 789_760),
        (layer("SA", "WMA", heads=4), 855_296),
        (layer("LT", "DCT"), 591_872),
        (layer("DSC", 5), 758_789),
        (layer("DSC", 9, heads=4), 761_490),
        (layer("LT", "DFT", stacks=3), 591_872 + 2 * (1024 * 1024 + 1024)),
    ],
)
def test_a_layer_has_the_parameters_that_follow_from_the_released_numbers(given: dict[str, Any], count: int) -> None:
    with torch.device("meta"):
        built = EncoderLayer({**given, "width": 1024}, 256)
    assert sum(p.numel() for p in built.parameters()) == count
    assert checking.scored_parameters({"hidden": 128, "layers": [given, given]}) == 4_005_888 + 2 * count


def test_every_operation_trains_and_every_parameter_has_a_gradient() -> None:
    layers = [layer("SA", "WMA"), layer("LT", "DFT"), layer("LT", "DCT", heads=4), layer("DSC", 9, stacks=3)]
    network = EncoderNetwork({"hidden": 128, "layers": layers}, 12)
    [tap] = network(torch.randn(3, 4, 12))
    assert tap.shape == (3, 4, 12)
    tap.square().mean().backward()
    unused = {name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0}
    assert unused <= {f"encoder.layers.{n}.operation.key.bias" for n in (0, 3)}  # softmax does not see them


def test_another_width_keeps_the_hidden_size_and_nothing_is_carried() -> None:
    spec = architectures.sample("encoders", Random(3))
    network = EncoderNetwork(spec, 7).resized(12)
    network.carry()
    [tap] = network(torch.randn(2, 8, 12))
    assert tap.shape == (2, 8, 12) and network.leave.in_features == spec["hidden"]


def test_features_are_the_last_layers_outputs() -> None:
    spec = architectures.sample("encoders", Random(1))
    features = EncoderFeatures(spec)
    sequences = torch.randn(2, 3, 400)
    outputs = features(sequences)
    assert outputs.shape == (2, spec["hidden"], 3, 1) and features.channels == spec["hidden"]
    assert torch.equal(outputs[..., 0].transpose(1, 2), features.backbone(sequences))
    assert len(features.blocks) == len(spec["layers"])
    assert features.layers == len(features.weights()) > 3 * len(spec["layers"])


def test_the_encoder_depends_on_positions() -> None:
    assert BENCHMARK.features is not None
    torch.manual_seed(0)
    features = BENCHMARK.features("encoders", {"hidden": 128, "layers": [layer("SA", "SDP"), layer("SA", "SDP")]})
    word = torch.randn(1, 1, 400).expand(1, 3, 400)
    outputs = features(word)[0, :, :, 0]
    assert torch.isfinite(outputs).all() and not torch.allclose(outputs[:, 0], outputs[:, 1])
