"""NAS-Bench-NLP: the rules of a recipe, its canonical form, random cells and neighbours."""

from __future__ import annotations

import copy
import json
from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.benchmarks import load
from pipeline.benchmarks.contract import arch_id_of
from pipeline.benchmarks.nasbench_nlp import architectures, sampling
from pipeline.errors import UserError
from tests.fixtures import nasbench_nlp_files as files

LINEAR = {"op": "linear", "input": ["x", "h_prev_0"]}
seeds = st.integers(0, 2**32)


def canonical(recipe: object) -> dict[str, Any]:
    return architectures.canonical("cells", recipe)


def sampled(seed: int) -> dict[str, Any]:
    return architectures.sample("cells", Random(seed))


def test_the_registry_holds_it_and_its_metrics_are_declared_once() -> None:
    benchmark = load("nasbench_nlp")
    assert (benchmark.stages, benchmark.inputs, benchmark.space(None).size) == (1, "sequences", None)
    assert len({(m.dataset, m.metric) for m in benchmark.metrics}) == len(benchmark.metrics)
    ranked = sorted((m.priority, m.dataset, m.metric) for m in benchmark.metrics if m.priority)
    assert [r[0] for r in ranked] == [1, 2, 3, 4]
    assert ranked[0] == (1, "ptb", "best_test_loss") and ranked[2] == (3, "wikitext-2", "best_test_loss")
    assert all(m.higher_is_better is False for m in benchmark.metrics if m.metric != "params")


def test_identities_are_for_good() -> None:
    def identity(recipe: object) -> str:
        return arch_id_of("nasbench_nlp", "cells", canonical(recipe))

    assert identity(files.RNN) == "8d184f558480dce8"
    assert identity(files.PAIR) == "7f9115761712cfc9"
    assert identity(files.LSTM) == "e8182f51b66cf850"


def test_the_canonical_form_spelt_out() -> None:
    assert canonical(files.PAIR) == {
        "node_0": {"op": "linear", "input": ["h_prev_0", "h_prev_1"]},
        "h_new_1": {"op": "activation_leaky_relu", "input": ["node_0"]},
        "node_1": {"op": "linear", "input": ["x", "node_0", "h_new_1"]},
        "node_2": {"op": "activation_sigm", "input": ["node_1"]},
        "h_new_0": {"op": "blend", "input": ["node_2", "node_0", "node_1"]},
    }


@given(seeds, seeds)
def test_names_and_order_do_not_matter(cell: int, names: int) -> None:
    spec = sampled(cell)
    assert canonical(files.renamed(spec, names)) == canonical(json.dumps(spec)) == spec


@pytest.mark.parametrize("recipe", [files.RNN, files.PAIR, files.LSTM])
@given(names=seeds)
def test_names_of_cells_written_by_hand_do_not_matter(recipe: dict[str, Any], names: int) -> None:
    assert canonical(files.renamed(recipe, names)) == canonical(recipe)


@settings(deadline=None)
@given(seeds, st.integers(2, 9), st.booleans())
def test_vertices_that_only_their_readers_tell_apart(names: int, width: int, pairs: bool) -> None:
    """Many equal nodes that an automorphism exchanges, where trying every order would not end."""
    recipe: dict[str, Any] = {f"a{i}": copy.deepcopy(LINEAR) for i in range(2 * width)}
    ends = [f"a{i}" for i in range(2 * width)]
    if pairs:
        recipe |= {f"p{i}": {"op": "elementwise_prod", "input": [f"a{2 * i}", f"a{2 * i + 1}"]} for i in range(width)}
        ends = [f"p{i}" for i in range(width)]
    recipe["h_new_0"] = {"op": "linear", "input": ends}
    assert canonical(files.renamed(recipe, names)) == canonical(recipe)


def test_colour_refinement_alone_would_not_tell_a_ring_from_two() -> None:
    """Six nodes multiplied around one ring of six or around two rings of three: every neighbourhood is the same."""

    def rings(*lengths: int) -> dict[str, Any]:
        recipe: dict[str, Any] = {f"a{i}": copy.deepcopy(LINEAR) for i in range(6)}
        start = 0
        for length in lengths:
            for i in range(length):
                ends = [f"a{start + i}", f"a{start + (i + 1) % length}"]
                recipe[f"p{start + i}"] = {"op": "elementwise_prod", "input": ends}
            start += length
        recipe["h_new_0"] = {"op": "linear", "input": [f"p{i}" for i in range(6)]}
        return recipe

    assert canonical(rings(6)) != canonical(rings(3, 3))
    for names in range(20):
        assert canonical(files.renamed(rings(6), names)) == canonical(rings(6))
        assert canonical(files.renamed(rings(3, 3), names)) == canonical(rings(3, 3))


def test_the_order_of_a_blend_and_the_kind_of_a_state_do_matter() -> None:
    other = copy.deepcopy(files.PAIR)
    other["h_new_0"]["input"] = ["node_7", "node_3", "node_0"]
    assert canonical(other) != canonical(files.PAIR)
    swapped = json.loads(
        json.dumps(files.PAIR).replace("_new_0", "_new_9").replace("_new_1", "_new_0").replace("_new_9", "_new_1")
    )
    assert canonical(swapped) != canonical(files.PAIR)


def test_what_no_state_depends_on_is_dropped() -> None:
    idle = {**files.PAIR, "idle": LINEAR, "more": {"op": "activation_tanh", "input": ["idle"]}}
    assert canonical(idle) == canonical(files.PAIR)


def changed(**nodes: Any) -> dict[str, Any]:
    """The pair of states with other nodes; None leaves one out."""
    return {name: node for name, node in {**copy.deepcopy(files.PAIR), **nodes}.items() if node is not None}


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({}, "a recipe is a JSON object of nodes"),
        ([1], "a recipe is a JSON object of nodes"),
        ("{", "'{' is not JSON"),
        ("[" * 100_000, "is not JSON"),
        (changed(node_0={"op": "liner", "input": ["x"]}), "node 'node_0': unknown operation 'liner': did you mean lin"),
        (changed(node_0={"op": ["linear"], "input": ["x"]}), "node 'node_0': unknown operation"),
        (changed(node_0={"op": "linear"}), "node 'node_0' is .*not an object of 'op' and 'input'"),
        (changed(node_0=7), "node 'node_0' is '7'"),
        (changed(node_0={"op": "linear", "input": "x"}), "node 'node_0' has the input 'x', not a list of names"),
        (changed(node_0={"op": "linear", "input": [1]}), "not a list of names"),
        (changed(node_0={"op": "linear", "input": []}), r"node 'node_0' \(linear\) has 0 inputs; it takes at least 1"),
        (changed(h_new_1={"op": "blend", "input": ["node_0"] * 2}), r"\(blend\) has 2 inputs; it takes 3"),
        (changed(h_new_1={"op": "activation_tanh", "input": ["node_0"] * 2}), "has 2 inputs; it takes 1"),
        (changed(node_0={"op": "linear", "input": ["x", "x"]}), r"node 'node_0' \(linear\) reads a vertex twice"),
        (changed(node_7={"op": "activation_sigm", "input": ["node_4"]}), "reads what is not there: .*did you mean"),
        (changed(node_7={"op": "activation_sigm", "input": ["h_prev_2"]}), "reads h_prev_2, but no node is h_new_2"),
        (changed(node_7={"op": "activation_sigm", "input": ["x"]}), "reads x, whose width only a linear node"),
        (changed(h_new_0=None), "has 1 new states, but no h_new_0"),
        ({"node_0": LINEAR}, "has no h_new_0, which is the cell's output"),
        (changed(h_new_3=LINEAR), "has 3 new states, but no h_new_2"),
        (changed(x=LINEAR), "'x' is given to the cell"),
        (changed(h_prev_0=LINEAR), "'h_prev_0' is given to the cell"),
        (changed(node_0={"op": "linear", "input": ["h_new_0", "x"]}), "has a cycle: .*h_new_0"),
        ({"h_new_0": {"op": "activation_tanh", "input": ["h_prev_0"]}}, "no new state depends on x"),
        ({f"h_new_{i}": LINEAR for i in range(65)}, "has 65 nodes; at most 64"),
    ],
)  # fmt: skip
def test_a_broken_recipe_says_which_rule(recipe: object, said: str) -> None:
    with pytest.raises(UserError, match=said) as error:
        canonical(recipe)
    assert "\n" not in str(error.value)


def test_parts_are_nodes_as_values_or_as_text() -> None:
    parts = {name: json.dumps(node) for name, node in files.LSTM.items()}
    assert architectures.compose("cells", parts) == architectures.compose("cells", files.LSTM)


@given(seeds)
def test_samples_and_neighbours_are_canonical_and_as_the_generator_makes_them(seed: int) -> None:
    draw = Random(seed)
    spec = architectures.sample("cells", draw)
    before = copy.deepcopy(spec)
    neighbour = architectures.mutate("cells", spec, draw)
    assert spec == before != neighbour
    for cell in (spec, neighbour):
        assert canonical(cell) == cell
        assert len(cell) <= sampling.MOST_NODES
        states = {f"h_prev_{i}" for i in range(sum(name.startswith("h_new_") for name in cell))}
        read = {source for node in cell.values() for source in node["input"]}
        assert states | {"x"} <= read
        assert not any(s in states for n, node in cell.items() if n.startswith("h_new_") for s in node["input"])
        assert all(len(set(node["input"])) == len(node["input"]) for node in cell.values())


def test_a_walk_of_neighbours_meets_every_operation_and_size() -> None:
    draw, spec = Random(0), sampled(0)
    operations, steps = Counter[str](), Counter[int]()
    for _ in range(600):
        neighbour = architectures.mutate("cells", spec, draw)
        steps[len(neighbour) - len(spec)] += 1
        operations.update(node["op"] for node in neighbour.values())
        spec = neighbour
    assert len(operations) == 7
    assert all(steps[step] > 50 for step in (-1, 0, 1))


@pytest.mark.parametrize("recipe", [{"h_new_0": LINEAR}, files.RNN, files.LSTM])
def test_every_cell_has_neighbours(recipe: dict[str, Any]) -> None:
    """Also those that the generator would not make."""
    spec, draw = canonical(recipe), Random(1)
    found = [architectures.mutate("cells", spec, draw) for _ in range(20)]
    assert all(canonical(neighbour) == neighbour != spec for neighbour in found)


def test_samples_are_spread_over_states_and_sizes() -> None:
    cells = [sampled(seed) for seed in range(300)]
    states = Counter(sum(name.startswith("h_new_") for name in cell) for cell in cells)
    assert all(60 < states[count] < 140 for count in (1, 2, 3))
    assert 6 < sum(map(len, cells)) / len(cells) < 9
