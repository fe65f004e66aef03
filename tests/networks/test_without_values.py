"""Networks without values have the parameters of those with values; outside of the block all is as ever."""

from __future__ import annotations

from random import Random

import pytest
import torch
from torch import nn

from pipeline import benchmarks
from pipeline.networks.without_values import without_values


@pytest.mark.parametrize("name", ["darts", "nasbench101", "nasbench201", "nasbench_nlp", "transnas101"])
def test_shapes_are_those_of_a_network_with_values(name: str) -> None:
    benchmark = benchmarks.load(name)
    assert benchmark.sample is not None
    space = benchmark.space(None).name
    spec = benchmark.sample(space, Random(1))
    with without_values():
        bare = benchmark.build(space, spec)
    whole = benchmark.build(space, spec)
    assert {p.device.type for p in bare.parameters()} == {"meta"}
    shapes = [{key: value.shape for key, value in network.state_dict().items()} for network in (bare, whole)]
    assert shapes[0] == shapes[1] and shapes[0]


def test_no_random_number_is_drawn_and_what_is_built_afterwards_is_filled() -> None:
    torch.manual_seed(0)
    expected = nn.Linear(3, 3).weight
    torch.manual_seed(0)
    with without_values():
        nn.Linear(3, 3)
    assert torch.equal(nn.Linear(3, 3).weight, expected)
