"""The recurrent networks of NAS-Bench-NLP: what they compute, and how many parameters they have."""

import math
import random
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pipeline.benchmarks.nasbench_nlp import architectures
from pipeline.benchmarks.nasbench_nlp.network import RecurrentLayer, RecurrentNetwork, delay, dropout, parameters
from tests.fixtures import nasbench_nlp_files as files

SMALL = (3, 5, 5, 3)
Recipe = Mapping[str, Mapping[str, Any]]


def cell(recipe: Recipe) -> dict[str, Any]:
    return architectures.canonical("cells", recipe)


def random_cell(seed: int) -> dict[str, Any]:
    return architectures.sample("cells", random.Random(seed))


def matrix(layer: RecurrentLayer, node: str, source: str) -> Tensor:
    """The matrix with which a linear node multiplies one of its inputs."""
    rows = layer.readers[source].index(node) * layer.hidden
    return layer.matrices[source][rows : rows + layer.hidden]


def word_for_word(layer: RecurrentLayer, recipe: Recipe, x: Tensor) -> Tensor:
    """The definition: each node from its inputs, step by step, in whatever order they can be had."""
    count = sum(name.startswith("h_new_") for name in recipe)
    states = [torch.zeros(x.shape[1], layer.hidden)] * count
    outputs = []
    for step in x:
        known = {"x": step, **{f"h_prev_{i}": state for i, state in enumerate(states)}}
        while any(name not in known for name in recipe):
            for name, node in recipe.items():
                if name in known or any(source not in known for source in node["input"]):
                    continue
                values = [known[source] for source in node["input"]]
                match node["op"]:
                    case "linear":
                        products = [v @ matrix(layer, name, s).T for v, s in zip(values, node["input"], strict=True)]
                        known[name] = torch.stack(products).sum(0) + layer.biases[name]
                    case "blend":
                        known[name] = values[0] * values[1] + (1 - values[0]) * values[2]
                    case "elementwise_prod":
                        known[name] = values[0] * values[1]
                    case "elementwise_sum":
                        known[name] = values[0] + values[1]
                    case "activation_tanh":
                        known[name] = values[0].tanh()
                    case "activation_sigm":
                        known[name] = 1 / (1 + (-values[0]).exp())
                    case "activation_leaky_relu":
                        known[name] = torch.where(values[0] > 0, values[0], 0.01 * values[0])
        states = [known[f"h_new_{i}"] for i in range(count)]
        outputs.append(states[0])
    return torch.stack(outputs)


@pytest.mark.parametrize("seed", range(40))
def test_a_layer_computes_its_recipe(seed: int) -> None:
    torch.manual_seed(seed)
    recipe = random_cell(seed)
    layer = RecurrentLayer(recipe, 3, 5, 0.1).eval()
    x = torch.randn(4, 2, 3)
    torch.testing.assert_close(layer(x), word_for_word(layer, recipe, x))


@pytest.mark.parametrize("recipe", [files.RNN, files.PAIR, files.LSTM])
def test_cells_that_were_written_by_hand_compute_their_recipes(recipe: Recipe) -> None:
    torch.manual_seed(0)
    layer = RecurrentLayer(cell(recipe), 3, 5, 0.1).eval()
    x = torch.randn(6, 2, 3)
    torch.testing.assert_close(layer(x), word_for_word(layer, cell(recipe), x))


def test_the_plain_recurrent_cell_is_the_one_of_torch() -> None:
    torch.manual_seed(0)
    layer = RecurrentLayer(cell(files.RNN), 3, 5, 0.1).eval()
    plain: Any = nn.RNN(3, 5)
    with torch.no_grad():
        plain.weight_ih_l0.copy_(layer.matrices["x"])
        plain.weight_hh_l0.copy_(layer.matrices["h_prev_0"])
        plain.bias_ih_l0.copy_(layer.biases["node_0"])
        plain.bias_hh_l0.zero_()
    x = torch.randn(8, 2, 3)
    torch.testing.assert_close(layer(x), plain(x)[0])


def test_parameters_counted_by_hand() -> None:
    one = sum(i * o + o * o + o for i, o in ((400, 600), (600, 600), (600, 400)))
    assert parameters(cell(files.RNN)) == one
    three_of_hidden = sum(i * o + 4 * o * o + 2 * o for i, o in ((400, 600), (600, 600), (600, 400)))
    assert parameters(cell(files.PAIR)) == three_of_hidden


def test_the_network_is_three_layers_and_starts_within_its_bounds() -> None:
    torch.manual_seed(0)
    network = RecurrentNetwork(cell(files.PAIR))
    [tap] = network(torch.randn(2, 4, 400))
    assert tap.shape == (2, 4, 400)
    for layer, hidden in zip(network.layers, (600, 600, 400), strict=True):
        largest = max(p.abs().max().item() for p in layer.parameters())
        assert 0.99 / math.sqrt(hidden) < largest <= 1 / math.sqrt(hidden)


def test_an_output_depends_on_no_later_input_nor_on_another_sequence() -> None:
    network = RecurrentNetwork(cell(files.PAIR), SMALL).eval()
    x = torch.randn(2, 6, 3)
    changed = x.clone()
    changed[0, 4] += 1
    before, after = network(x)[0], network(changed)[0]
    torch.testing.assert_close(before[0, :4], after[0, :4])
    torch.testing.assert_close(before[1], after[1])
    assert not torch.allclose(before[0, 4:], after[0, 4:])


def chain(*states: str) -> Recipe:
    """A cell whose h_new_i is tanh(linear(states[i]))."""
    nodes: dict[str, Any] = {}
    for number, source in enumerate(states):
        nodes[f"node_{number}"] = {"op": "linear", "input": [source]}
        nodes[f"h_new_{number}"] = {"op": "activation_tanh", "input": [f"node_{number}"]}
    return nodes


@pytest.mark.parametrize(
    ("recipe", "steps"),
    [
        (cell(files.RNN), 0), (cell(files.PAIR), 0), (cell(files.LSTM), 0),
        (chain("x"), 0), (chain("h_prev_1", "x"), 1), (chain("h_prev_1", "h_prev_2", "x"), 2),
        (chain("h_new_1", "x"), 0), (chain("h_prev_1", "h_new_2", "x"), 1),
        (chain("h_prev_0", "x"), None), (chain("h_prev_1", "h_prev_0", "x"), None),
    ],
)  # fmt: skip
def test_the_delay_is_the_steps_until_the_output_depends_on_an_input(recipe: Recipe, steps: int | None) -> None:
    """Against the gradients of a layer over five steps."""
    torch.manual_seed(0)
    assert delay(recipe) == steps
    layer = RecurrentLayer(recipe, 3, 5, 0.0).eval()
    x = torch.randn(5, 1, 3, requires_grad=True)
    outputs = layer(x).sum((1, 2))
    last = torch.autograd.grad(outputs[-1], x, allow_unused=True)[0] if outputs.requires_grad else None
    seen = [] if last is None else last.abs().sum((1, 2)).nonzero().flatten().tolist()
    assert (4 - max(seen) if seen else None) == steps


def test_carried_states_make_of_two_sequences_one_that_is_as_long() -> None:
    torch.manual_seed(0)
    network = RecurrentNetwork(cell(files.PAIR), SMALL).eval()
    x = torch.randn(2, 7, 3)
    whole = network(x)[0]
    apart = torch.cat([network(x[:, :3])[0], network(x[:, 3:])[0]], dim=1)
    assert not torch.allclose(apart[:, 3:], whole[:, 3:])
    network.carry()
    parts = [network(part)[0] for part in (x[:, :3], x[:, 3:])]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole)
    parts[1].sum().backward()  # no gradient goes back to the sequence before, whose graph is there no more


def test_a_resized_network_has_the_recipe_and_weights_of_its_own() -> None:
    whole = RecurrentNetwork(cell(files.PAIR), SMALL, dropping=False)
    narrow = whole.resized(4)
    [tap] = narrow(torch.randn(2, 5, 4))
    assert tap.shape == (2, 5, 4) and len(narrow.layers) == len(whole.layers)
    assert (narrow.recipe, narrow.dropouts) == (whole.recipe, whole.dropouts)
    assert {parameter.shape[-1] for parameter in narrow.parameters()} == {4}


def test_dropping_keeps_the_expectation_and_the_chance() -> None:
    torch.manual_seed(0)
    ones = torch.ones(301, 303)
    for chance in (0.1, 0.25):
        dropped = dropout(ones, chance, training=True)
        assert dropped.unique().tolist() == pytest.approx([0.0, 1 / (1 - chance)])
        assert dropped.mean().item() == pytest.approx(1, abs=0.01)
    assert dropout(ones, 0.1, training=False) is ones


def test_in_training_recurrent_matrices_are_dropped_and_those_of_x_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []

    def watched(values: Tensor, chance: float, training: bool) -> Tensor:
        assert training and chance == 0.1
        seen.append(tuple(values.shape))
        return values

    monkeypatch.setattr("pipeline.benchmarks.nasbench_nlp.network.dropout", watched)
    RecurrentLayer(cell(files.PAIR), 3, 5, 0.1).train()(torch.randn(2, 1, 3))
    assert sorted(seen) == [(5, 5)] * 4  # by h_prev_0, h_prev_1, node_0 and h_new_1; x's matrix is [5, 3]


def test_what_is_dropped_between_layers_stays_dropped_over_the_sequence() -> None:
    torch.manual_seed(0)
    network = RecurrentNetwork(cell(files.RNN), (3, 40, 40, 30)).train()
    [tap] = network(torch.randn(5, 7, 3))
    gone = tap == 0
    assert 0 < gone.float().mean() < 0.3
    assert torch.equal(gone.all(dim=1), gone.any(dim=1))
    assert not torch.equal(gone[0], gone[1])


@pytest.mark.parametrize("seed", range(20))
def test_random_cells_train(seed: int) -> None:
    torch.manual_seed(seed)
    network = RecurrentNetwork(random_cell(seed), SMALL)
    [tap] = network(torch.randn(2, 4, 3))
    tap.square().mean().backward()
    assert tap.isfinite().all()
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)
