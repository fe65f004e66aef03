"""The Network Design Spaces: what a configuration is, random ones and their neighbours."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.benchmarks import load
from pipeline.benchmarks.nds import BENCHMARK, architectures, residual_spaces
from pipeline.errors import UserError
from tests.fixtures import nds_files
from tests.fixtures.nds_files import Json, arch

SCORED = list(nds_files.FILES)
SPACES = [space.name for space in BENCHMARK.spaces]


def test_the_registry_holds_it_with_the_scored_spaces_first() -> None:
    benchmark = load("nds")
    assert SPACES[:11] == SCORED
    assert SPACES[11:19] == [
        "darts-in", "darts-fix-w-d-in", "amoeba-in", "enas-in", "nasnet-in", "pnas-in", "resnext-a-in", "resnext-b-in",
    ]  # fmt: skip
    assert len(set(SPACES)) == len(SPACES)
    assert len({(m.dataset, m.metric) for m in benchmark.metrics}) == len(benchmark.metrics)
    assert {(m.dataset, m.metric) for m in benchmark.metrics if m.priority} == {
        ("cifar10", "test_accuracy"), ("imagenet", "test_accuracy"),
    }  # fmt: skip


@pytest.mark.parametrize("space", SPACES)
@given(seed=st.integers(0, 2**32))
def test_samples_and_neighbours_are_canonical_and_of_the_space(space: str, seed: int) -> None:
    draw = Random(seed)
    spec = architectures.sample(space, draw)
    assert architectures.canonical(space, spec) == architectures.canonical(space, json.dumps(spec)) == spec
    neighbour = architectures.mutate(space, spec, draw)
    assert architectures.canonical(space, neighbour) == neighbour != spec
    if "fix-w-d" in space:
        assert (neighbour["width"], neighbour["depth"]) == (spec["width"], spec["depth"]) == (16, 20)


@pytest.mark.parametrize("space", ["darts", "enas", "nasnet"])
@given(seed=st.integers(0, 2**32))
def test_a_neighbour_of_a_cell_differs_in_one_place(space: str, seed: int) -> None:
    draw = Random(seed)
    spec = architectures.sample(space, draw)
    neighbour = architectures.mutate(space, spec, draw)
    nodes = [(kind, n) for kind in ("normal", "reduce") for n in range(len(spec[kind]) // 2)]
    changed = [(k, n) for k, n in nodes if spec[k][2 * n : 2 * n + 2] != neighbour[k][2 * n : 2 * n + 2]]
    frame = [name for name in ("width", "depth") if spec[name] != neighbour[name]]
    assert len(changed) + len(frame) == 1
    for kind in ("normal", "reduce"):
        count = len(spec[kind]) // 2
        read = {source for _, source in neighbour[kind]} if space != "darts" else set()
        assert neighbour[f"{kind}_concat"] == [n for n in range(2, count + 2) if n not in read]


def test_darts_draws_read_two_different_nodes() -> None:
    draw = Random(0)
    for _ in range(50):
        spec = architectures.mutate("darts", architectures.sample("darts", draw), draw)
        for kind in ("normal", "reduce"):
            assert all(spec[kind][n][1] != spec[kind][n + 1][1] for n in range(0, 8, 2))


def test_draws_of_resnext_are_within_the_bound_and_stay_there() -> None:
    draw = Random(0)
    spec = architectures.sample("resnext-b", draw)
    for _ in range(100):
        changed = architectures.mutate("resnext-b", spec, draw)
        assert sum(a != b for name in ("ds", "ws", "num_gs", "bot_muls") for a, b in
                   zip(spec[name], changed[name], strict=True)) == 1  # fmt: skip
        spec = changed
        assert residual_spaces.parameters(spec) <= 856_000


@given(seed=st.integers(0, 2**32))
def test_the_order_of_a_nodes_edges_and_the_training_do_not_name_another_cell(seed: int) -> None:
    network = nds_files.net("enas", seed)
    other = json.loads(json.dumps(network))
    draw = Random(seed)
    for kind in ("normal", "reduce"):
        edges = other["genotype"][kind]
        for node in range(0, len(edges), 2):
            edges[node : node + 2] = draw.sample(edges[node : node + 2], 2)
        draw.shuffle(other["genotype"][f"{kind}_concat"])
    other |= {"aux": True, "drop_prob": 0.2}
    assert arch("enas", network) == arch("enas", other)
    assert arch("enas", network) != arch("enas", network | {"width": 5})
    assert arch("enas", network) != arch("enas-fix-w-d", network)


def test_what_a_residual_configuration_does_not_use_does_not_name_another() -> None:
    basic = nds_files.net("resnet", 1)
    assert arch("resnet", basic) == arch("resnet", basic | {"num_gs": [1, 1, 1, 1], "bot_muls": [0.0, 1, 1.0, 1]})
    network = nds_files.net("resnext-a", 1)
    stem = {"num_gs": [2, *network["num_gs"][1:]], "bot_muls": [1, *network["bot_muls"][1:]]}
    assert arch("resnext-a", network) == arch("resnext-a", network | stem)
    assert arch("resnext-a", network) != arch("resnext-a", network | {"ss": [1, 2, 2, 2]})


def test_parts_are_values_or_json() -> None:
    network = nds_files.net("darts", 3)
    parts = {"genotype": json.dumps(network["genotype"]), "width": "4", "depth": 3}
    assert architectures.compose("darts", parts) == architectures.canonical("darts", network)
    residual = nds_files.net("resnet", 3)
    text = {name: value if isinstance(value, str) else json.dumps(value) for name, value in residual.items()}
    assert architectures.compose("resnet", text) == architectures.canonical("resnet", residual)


def test_identities_are_for_good() -> None:
    edges = [["sep_conv_3x3", 1], ["none", 0]] * 4
    cell = {"normal": edges, "reduce": edges, "normal_concat": [2, 3, 4, 5], "reduce_concat": [2, 3, 4, 5]}
    assert arch("darts", {"genotype": cell, "width": 16, "depth": 20, "aux": False}) == "b3ce7a151f64212b"
    net = {"block_type": "res_bottleneck_block", "ds": [1, 2, 3, 4], "ws": [16, 32, 64, 128], "ss": [1, 1, 2, 2],
           "num_gs": [1, 2, 4, 1], "bot_muls": [0.0, 0.5, 1, 0.25]}  # fmt: skip
    assert arch("resnext-a", net) == "6c360e06c7733ccd"


Change = Callable[[Json], object]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda n: n["genotype"]["normal"][2].__setitem__(0, "sep_convs_3x3"), "edge 2 of the normal cell: unknown ope"
         "ration 'sep_convs_3x3': did you mean sep_conv_3x3"),
        (lambda n: n["genotype"]["reduce"][3].__setitem__(1, 3), "reads is 3, where a whole number from 0 to 2"),
        (lambda n: n["genotype"]["reduce"][3].__setitem__(1, True), "reads is True"),
        (lambda n: n["genotype"]["normal"].pop(), "the normal cell has 7 edges; it takes 8"),
        (lambda n: n["genotype"].pop("reduce"), "the reduce cell has no list of edges"),
        (lambda n: n["genotype"].update(reduce_concat=[2, 2]), r"reduce_concat is \[2, 2\], where a list of distinct"),
        (lambda n: n["genotype"].update(normal_concat=[6]), "a node of normal_concat is 6"),
        (lambda n: n["genotype"].update(normal_concat=[]), r"normal_concat is \[\]"),
        (lambda n: n.update(genotype=3), "the genotype is 3"),
        (lambda n: n.pop("width"), "the width is None"),
        (lambda n: n.update(depth=1), "the depth is 1, where a whole number from 2"),
        (lambda n: n.update(depth=10**9), "the depth is 1000000000"),
    ],
)  # fmt: skip
def test_a_broken_cell_says_which_rule(change: Change, said: str) -> None:
    network = nds_files.net("darts", 0)
    change(network)
    with pytest.raises(UserError, match=said):
        architectures.canonical("darts", network)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"block_type": "res_basic_blok"}, "unknown block type 'res_basic_blok'"),
        ({"block_type": None}, "unknown block type 'None'"),
        ({"ds": [1, 1, 1]}, "ds has 3 stages, where 4 to 8"),
        ({"ds": [1, 1, 1, 0]}, r"ds\[3\] is 0"),
        ({"ws": [16, 16, 16]}, "ws has 3 stages, ds has 4"),
        ({"ws": [16, 16, 16, 16.5]}, r"ws\[3\] is 16.5"),
        ({"ss": 1}, "ss is 1, where a list"),
        ({"num_gs": [1, 1, 1, 3]}, "stage 3 has 8 inner channels, which 3 groups do not divide"),
        ({"bot_muls": [0.0, 0.25, 0.5, 0.0]}, "stage 3 has 0 inner channels"),
        ({"bot_muls": [0.0, 0.25, 0.5, float("nan")]}, r"bot_muls\[3\] is nan"),
        ({"bot_muls": [0.0, 0.25, 0.5, 10**400]}, r"bot_muls\[3\] is <a whole number of"),
        ({"bot_muls": 2}, "bot_muls is 2"),
        ({"bot_muls": [0.0, 1.0, 1.0]}, "bot_muls has 3 stages"),
    ],
)
def test_a_broken_residual_configuration_says_which_rule(changes: Json, said: str) -> None:
    with pytest.raises(UserError, match=said):
        architectures.canonical("resnext-a", nds_files.net("resnext-a", 0) | changes)


def test_what_is_no_configuration_is_refused() -> None:
    with pytest.raises(UserError, match="res_basic_block has no bottleneck"):
        architectures.canonical("resnet", nds_files.net("resnet", 0) | {"num_gs": [1, 2, 1, 1]})
    for text in ("DARTS", "[1]", "17"):
        with pytest.raises(UserError, match="written as the JSON of a job's net"):
            architectures.canonical("darts", text)
    with pytest.raises(UserError, match="the normal cell has no list of edges"):
        architectures.canonical("darts", "{}")
