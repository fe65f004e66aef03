"""NAS-Bench-Macro: which notations are equal, the published table, and the networks."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from random import Random

import pytest
import torch

from pipeline.benchmarks import parameter_check
from pipeline.benchmarks.contract import arch_id_of
from pipeline.benchmarks.nasbench_macro import BENCHMARK, architectures, network
from pipeline.errors import UserError
from pipeline.ingest import mapped_table
from pipeline.ingest import mapping as table_mapping
from pipeline.networks.blocks import ConvBN
from pipeline.networks.features import trained_parameters
from tests.fixtures import nasbench_macro_files as files

SPACE = architectures.SPACE


@pytest.mark.parametrize(
    ("layers", "canonical"),
    [
        ("00000000", "00000000"), ("01001001", "01010010"), ("10012001", "10012010"), ("21001002", "21010020"),
        ("00102102", "00120120"), (" 22222222 ", "22222222"),
    ],
)  # fmt: skip
def test_nothing_stands_at_the_end_of_its_stage(layers: str, canonical: str) -> None:
    assert architectures.canonical(SPACE, layers) == {"layers": canonical}


def test_the_notations_name_as_many_architectures_as_are_declared() -> None:
    named = {architectures.canonical(SPACE, "".join(digits))["layers"] for digits in product("012", repeat=8)}
    assert len(named) == architectures.DISTINCT == BENCHMARK.spaces[0].size


def test_the_identity_of_an_architecture_stays_as_it_is() -> None:
    assert arch_id_of(BENCHMARK.name, SPACE, {"layers": "02210012"}) == "4be71248463f1aba"


@pytest.mark.parametrize("wrong", ["0000000", "000000000", "00000003", 121, "121", ["0"] * 8, {"layers": None}])
def test_what_is_no_architecture_says_why(wrong: object) -> None:
    with pytest.raises(UserError, match="an architecture is") as caught:
        architectures.canonical(SPACE, wrong)
    assert ("were leading zeros lost?" in str(caught.value)) == (wrong in ("0000000", 121, "121"))


def test_parts_are_layers() -> None:
    parts = dict(zip(architectures.PARTS, ["identity", 2, "mb6_k5", "1", 0, 0, "mb3_k3", "MB6_K5"], strict=True))
    assert architectures.compose(SPACE, parts) == architectures.canonical(SPACE, "02210012")
    for wrong in ({}, {**parts, "layer1": "conv"}, {**parts, "layer9": 0}):
        with pytest.raises(UserError):
            architectures.compose(SPACE, wrong)


def test_the_table_is_known_by_its_name_and_holds_three_trainings(tmp_path: Path) -> None:
    path = files.published(tmp_path)
    mapping = table_mapping.for_file(table_mapping.shipped(BENCHMARK.name), path)
    assert mapping is not None
    [batch] = mapped_table.read(mapping, BENCHMARK, path, {})
    assert not batch.rejects["reason"] and len(set(batch.architectures["arch_id"])) == 3
    accuracies = {
        (arch_id, seed): value
        for arch_id, metric, seed, value in zip(
            *(batch.truths[name] for name in ("arch_id", "metric", "seed", "value")), strict=True
        )
        if metric == "test_accuracy"
    }
    twice = arch_id_of(BENCHMARK.name, SPACE, architectures.canonical(SPACE, "11210120"))
    assert [accuracies[twice, seed] for seed in (1, 2, 3)] == [92.25, 92.75, 92.0] and len(accuracies) == 9


def test_two_notations_of_one_network_with_other_values_are_bad(tmp_path: Path) -> None:
    path = files.write(tmp_path, {"11201102": files.entry([90, 91, 92]), "11210120": files.entry([90, 91, 93])})
    mapping = table_mapping.find(BENCHMARK.name, "nas-bench-macro")
    [batch] = mapped_table.read(mapping, BENCHMARK, path, {})
    assert batch.rejects["reason"] == ["the same architecture as in key 11201102, with other values"]


def block(inputs: int, outputs: int, expansion: int, kernel: int) -> int:
    """Parameters of an inverted residual block, counted by hand."""
    inner = inputs * expansion
    return inputs * inner + 2 * inner + inner * kernel**2 + 2 * inner + inner * outputs + 2 * outputs


def test_parameters_are_those_counted_by_hand() -> None:
    stem, tail = 3 * 32 * 9 + 2 * 32, 256 * 1280 + 2 * 1280
    nothing = 32 * 64 + 2 * 64 + 64 * 128 + 2 * 128 + 128 * 256 + 2 * 256
    assert trained_parameters(network.features, {"layers": "00000000"}, 10) == stem + nothing + tail + 1281 * 10
    one = block(32, 64, 3, 3) + block(64, 64, 6, 5) + (64 * 128 + 2 * 128) + block(128, 128, 3, 3)
    mixed = one + block(128, 256, 6, 5)
    assert trained_parameters(network.features, {"layers": "12010200"}, 10) == stem + mixed + tail + 1281 * 10


def test_a_step_trains_every_weight() -> None:
    torch.manual_seed(0)
    images = torch.randn(2, 3, 32, 32)
    taps = network.network({"layers": "12010200"})(images)
    assert [list(tap.shape) for tap in taps] == [[2, 32, 16, 16], [2, 64, 8, 8], [2, 128, 4, 4]]
    model = network.features({"layers": "12010200"})
    features = model(images)
    assert list(features.shape) == [2, 1280, 4, 4] == [2, model.channels, 4, 4]
    features.square().mean().backward()
    convolutions = [module[0] for module in model.modules() if isinstance(module, ConvBN)]
    assert len(convolutions) == model.layers == 1 + 3 + 3 + 1 + 3 + 3 + 1
    gradients = [parameter.grad for module in convolutions for parameter in module.parameters()]
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients)


def test_a_table_is_checked_by_its_parameters(tmp_path: Path) -> None:
    count = trained_parameters(network.features, {"layers": "00000000"}, 10)
    assert BENCHMARK.check is not None
    path = files.write(tmp_path, {"00000000": files.entry([80], params=count), "bad": {}})
    [right] = BENCHMARK.check(path, 4)
    assert right.confirmed and isinstance(right, parameter_check.ParameterCheck)
    path.write_text(json.dumps({"00000000": files.entry([80], params=count + 1)}))
    [wrong] = BENCHMARK.check(path, 4)
    assert not wrong.confirmed and wrong.differing == 1


def test_neighbours_differ_in_one_layer() -> None:
    random = Random(0)
    for _ in range(50):
        spec = architectures.sample(SPACE, random)
        assert architectures.mutate(SPACE, spec, random) != spec
    graph = architectures.graph(SPACE, {"layers": "12010200"})
    assert graph.operations == (
        "input", "stride_mb3_k3", "mb6_k5", "stride_identity", "mb3_k3", "stride_mb6_k5", "output"
    )  # fmt: skip
