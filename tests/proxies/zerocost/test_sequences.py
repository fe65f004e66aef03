"""Zero-cost proxies of recurrent networks: what they see, what they count, and the bundle on NAS-Bench-NLP."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline import proxies
from pipeline.benchmarks.nasbench_nlp import architectures
from pipeline.benchmarks.nasbench_nlp.network import RecurrentFeatures, parameters
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import UserError
from pipeline.lake.store import Lake
from pipeline.proxies import zerocost
from pipeline.proxies.zerocost import measures
from pipeline.proxies.zerocost.passes import Passes
from pipeline.scoring import run as score
from pipeline.scoring.plan import Plan

RECIPE = {
    "gate": {"op": "linear", "input": ["x", "h_prev_0"]},
    "open": {"op": "activation_sigm", "input": ["gate"]},
    "next": {"op": "linear", "input": ["gate"]},
    "new": {"op": "activation_tanh", "input": ["next"]},
    "h_new_0": {"op": "blend", "input": ["open", "new", "h_prev_0"]},
}
WIDTHS = (4, 6, 6, 5)
NAMES = set(zerocost.USES_OF_SEQUENCES)


@pytest.fixture(autouse=True)
def few_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zerocost, "SEQUENCES", 6)
    monkeypatch.setattr(zerocost, "STEPS", 3)


def passes() -> Passes:
    spec: Any = architectures.canonical("cells", RECIPE)
    sequences = torch.randn(6, 3, WIDTHS[0], generator=torch.Generator().manual_seed(1))
    labels = torch.arange(6) % 3
    made = RecurrentFeatures(spec, WIDTHS)
    return Passes(lambda: made, sequences, labels, 3, len, torch.device("cpu"), with_curvature=True)


def test_the_features_are_the_outputs_of_the_network_without_dropout() -> None:
    torch.manual_seed(0)
    made = passes()
    features = made.network.features.train()
    sequences = made._images
    outputs = features(sequences)
    plain = features.backbone.eval()(sequences)[0]
    assert outputs.shape == (6, 5, 3, 1)
    assert torch.equal(outputs[..., 0].transpose(1, 2), plain)
    assert torch.equal(features.train()(sequences), outputs)


def test_every_matrix_counts_and_has_a_gradient() -> None:
    made = passes()
    # of a layer: gate from x and from h_prev_0, next from gate, and two biases
    own = [(i + h) * h + h * h + 2 * h for i, h in pairwise(WIDTHS)]
    assert measures.params(made) == sum(own) + (WIDTHS[-1] + 1) * 3
    assert measures.layers(made) == 2 * 3 + 1
    assert measures.depth(made) == 2 * 3 + 1  # x or the state to gate to next, in each layer
    gradients = made.loss_gradients.weights
    assert len(gradients) == 3 * 3 + 1 and all(float(g.detach().abs().sum()) > 0 for g in gradients)
    assert np.isfinite(measures.grasp(made)) and np.isfinite(measures.jacov(made))


def test_a_delay_is_counted_against_the_cell_and_none_at_all_is_a_failure() -> None:
    def measured(source: str) -> float:
        recipe: Any = {
            "node_0": {"op": "linear", "input": ["h_prev_1"]},
            "h_new_0": {"op": "activation_tanh", "input": ["node_0"]},
            "node_1": {"op": "linear", "input": [source]},
            "h_new_1": {"op": "activation_tanh", "input": ["node_1"]},
        }
        labels, device = torch.arange(6) % 3, torch.device("cpu")
        made = RecurrentFeatures(recipe, WIDTHS)
        return measures.delay(Passes(lambda: made, torch.randn(6, 3, 4), labels, 3, len, device, with_curvature=False))

    assert (measures.delay(passes()), measured("x")) == (0.0, -1.0)
    with pytest.raises(ValueError, match="no input reaches the output"):
        measured("h_prev_0")


def test_hidden_covariance_is_of_the_units_over_all_steps() -> None:
    made = passes()
    sequences = made._images
    layers: Any = made.network.features.backbone.layers
    hidden = layers[0](sequences.transpose(0, 1)).detach().double().numpy()
    values = np.linalg.eigvalsh(np.corrcoef(hidden.reshape(18, 6), rowvar=False)) + 1e-5
    assert measures.layer1_hidden_covariance(made) == pytest.approx(-np.sum(np.log(values) + 1 / values), rel=1e-5)
    others = {measures.layer2_hidden_covariance(made), measures.layer3_hidden_covariance(made)}
    assert len(others) == 2


def test_a_unit_that_never_changes_is_a_failure_with_a_reason() -> None:
    made = passes()
    made.forward.blocks[0] = torch.ones(3, 6, 6)
    with pytest.raises(ValueError, match="constant"):
        measures.layer1_hidden_covariance(made)


def test_the_bundle_scores_a_cell_of_the_benchmark(lake: Path) -> None:
    batch = SourceRows("nasbench_nlp")
    batch.add_architecture("cells", architectures.canonical("cells", RECIPE), "made up")
    rows = batch.arrow("architectures", {"benchmark": "nasbench_nlp", "source_id": "0" * 16})
    Lake(lake, create=True).publish("nasbench_nlp", "ingest-made-up", {"architectures": rows.to_pylist()})
    plan = Plan("nasbench_nlp", "cells", "zero-cost", None, 0, "cpu")
    done = score.run(lake, plan, workers=1)
    assert done.statuses == {"ok": len(NAMES)}
    names = {r["proxy_id"]: r["name"] for r in Lake(lake).read("proxies", "nasbench_nlp").to_pylist()}
    stored = {names[r["proxy_id"]]: r["value"] for r in Lake(lake).read("scores", "nasbench_nlp").to_pylist()}
    assert set(stored) == NAMES
    assert stored["params"] == parameters(architectures.canonical("cells", RECIPE)) + 401 * 10
    bundle = proxies.load("jacov", None, "sequences")
    [proxy] = bundle.proxies
    [row] = Lake(lake).read("architectures", "nasbench_nlp").to_pylist()
    spec = architectures.canonical("cells", RECIPE)
    again = proxy.score(lambda: RecurrentFeatures(spec), row["arch_id"], 0, "cpu")
    assert again.value == stored["jacov"]


def test_a_name_is_one_thing_for_images_and_another_for_sequences() -> None:
    ids = {inputs: proxies.load("snip", None, inputs).proxies[0].proxy_id for inputs in ("images", "sequences")}
    assert len(set(ids.values())) == 2
    assert (
        proxies.load("params", None, "images").proxies[0].proxy_id
        == proxies.load("params", None, "sequences").proxies[0].proxy_id
    )
    with pytest.raises(UserError, match="--images does not go with zero-cost here"):
        proxies.load("zero-cost", "noise", "sequences")


def test_a_layer_that_a_network_has_not_got_has_no_value() -> None:
    spec: Any = architectures.canonical("cells", RECIPE)
    made = RecurrentFeatures(spec, WIDTHS[:3])
    sequences = torch.randn(6, 3, WIDTHS[0], generator=torch.Generator().manual_seed(1))
    of = Passes(lambda: made, sequences, torch.arange(6) % 3, 3, len, torch.device("cpu"), with_curvature=False)
    assert np.isfinite(measures.layer2_hidden_covariance(of))
    with pytest.raises(ValueError, match="the network has 2 layers"):
        measures.layer3_hidden_covariance(of)
