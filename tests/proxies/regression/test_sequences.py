"""The regression task for networks over sequences: what is drawn, trained and scored, and which networks it is for."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pipeline import benchmarks
from pipeline.benchmarks import nasbench_nlp
from pipeline.benchmarks.nasbench_nlp import architectures
from pipeline.benchmarks.nasbench_nlp.network import RecurrentNetwork
from pipeline.errors import UserError
from pipeline.lake.store import Lake
from pipeline.proxies import regression
from pipeline.proxies.regression import presets, sequences
from pipeline.scoring import run as score
from pipeline.scoring.plan import Plan
from tests.fixtures import nasbench_nlp_files

RECIPE = architectures.canonical("cells", nasbench_nlp_files.LSTM)
DOTS, WAVES = 'partial = 0.5\nkind = "dot"', 'frequencies = "mid"\nkind = "sin2d"'
TINY = 'name = "tiny"\ntask = "sequences"\niterations = 4\nevaluate_every = 2\nbatch = 3\nfeatures = 5\n'


def tiny(folder: Path, inputs: str = DOTS, target: str = WAVES, head: str = TINY, noise: str = "") -> str:
    path = folder / "tiny.toml"
    path.write_text(f"{head}{noise}\n[[input]]\n{inputs}\n[[target]]\n{target}\n")
    return str(path)


def build() -> nn.Module:
    return nasbench_nlp.BENCHMARK.build("cells", RECIPE)


def drawn(name: str, seed: int = 0) -> tuple[Tensor, Tensor]:
    preset = presets.load(name)
    assert isinstance(preset, presets.SequencePreset)
    return sequences.draw(preset, torch.Generator().manual_seed(seed))


def test_maps_are_as_long_as_eight_steps_and_as_wide_as_the_features(tmp_path: Path) -> None:
    inputs, targets = drawn(tiny(tmp_path))
    assert inputs.shape == targets.shape == (3, 8, 5)
    assert (inputs.abs().sum((1, 2)) == 20).all()  # half of the 40 positions of each map is +1 or -1
    assert len({tuple(m.flatten().tolist()) for m in targets}) == 3


def test_a_shared_signal_is_one_for_all_sequences_and_signals_add_up_by_their_levels(tmp_path: Path) -> None:
    shared = drawn(tiny(tmp_path, f"local = false\nlevel = 2.5\n{DOTS}"))[0]
    assert torch.equal(shared[0], shared[1]) and shared.abs().max() == 2.5
    both = drawn(tiny(tmp_path, f"level = 0.25\n{DOTS}\n[[input]]\nlevel = 8.0\n{DOTS}"))[0]
    assert set(both.unique().tolist()) <= {a + b for a in (-0.25, 0, 0.25) for b in (-8, 0, 8)}


def test_the_shipped_presets_are_the_published_configurations() -> None:
    found = {name: presets.load(name) for name in presets.fitting("sequences")}
    ours = found.pop("regression-nlp-long").configuration()
    assert ours == {**found["regression-nlp"].configuration(), "iterations": 200}
    assert found.pop("regression-nlp-carried").configuration() == {
        **found["regression-nlp"].configuration(), "iterations": 300, "evaluate_every": 0, "width": 128,
        "carried": True, "learning_rate": 0.003, "largest_gradient": 0.25, "output_penalty": 0.2,
        "change_penalty": 0.1, "rule": {"weights": [1.0], "last": 20},
    }  # fmt: skip
    assert sorted(found) == ["regression-nlp", "regression-nlp-combo", "regression-nlp-single"]
    shapes = {n: (p.batch, p.features) for n, p in found.items() if isinstance(p, presets.SequencePreset)}
    assert list(shapes.values()) == [(16, 48), (64, 64), (64, 64)]
    for name, preset in found.items():
        assert isinstance(preset, presets.SequencePreset)
        assert (preset.iterations, preset.learning_rate, preset.weight_decay) == (100, 1e-3, 1.2e-6)
        inputs, targets = drawn(name)
        assert inputs.shape == targets.shape == (preset.batch, 8, preset.features)
    searched = found["regression-nlp"]
    assert isinstance(searched, presets.SequencePreset) and (searched.noise.kind, searched.noise.level) == (
        "uniform",
        0.6,
    )
    assert [(s.kind, s.level) for s in (*searched.input, *searched.target)] == [
        ("sin2d", 2.6), ("sin2d", 0.8), ("gdot", 0.7),
    ]  # fmt: skip


def test_identities_of_the_presets_do_not_change_unnoticed() -> None:
    """A change here means: other numbers under the same name. Raise regression.VERSION and say so in CHANGELOG."""
    golden = {
        "regression-nlp": "ed0e77a00f3cec0c",
        "regression-nlp-carried": "c20b67b3cc6eb587",
        "regression-nlp-combo": "23f8387e7126c7e7",
        "regression-nlp-long": "7fedb0ab5de61833",
        "regression-nlp-single": "f37084ab199fa9e2",
    }
    assert {name: regression.load(name).proxy_id for name in presets.fitting("sequences")} == golden


def test_maps_have_as_many_steps_as_the_preset_says(tmp_path: Path) -> None:
    for kinds in ((DOTS, WAVES), (DOTS.replace("dot", "gdot"), WAVES.replace("sin2d", "sin1d"))):
        inputs, targets = drawn(tiny(tmp_path, *kinds, head=f"{TINY}steps = 3\n"))
        assert inputs.shape == targets.shape == (3, 3, 5)
    assert (drawn(tiny(tmp_path, head=f"{TINY}steps = 3\n"))[0].abs().sum((1, 2)) == 7).all()  # half of 15 positions


def test_the_loss_is_the_mean_square_of_what_the_last_layer_misses() -> None:
    class Same(nn.Module):
        def forward(self, inputs: Tensor) -> list[Tensor]:
            return [inputs]

    torch.manual_seed(0)
    inputs, targets = torch.randn(2, 8, 5), torch.randn(2, 8, 5)
    model = sequences.SequenceRegression(Same(), targets)
    entered = inputs @ model.enter.weight.T + model.enter.bias
    left = entered @ model.leave.weight.T + model.leave.bias
    torch.testing.assert_close(model(inputs), (left - targets).square().mean()[None])
    assert all(0.09 < p.abs().max() <= 0.1 for p in (model.enter.weight, model.leave.weight))


def test_a_network_of_other_taps_is_refused() -> None:
    class Two(nn.Module):
        def forward(self, inputs: Tensor) -> list[Tensor]:
            return [inputs, inputs]

    with pytest.raises(ValueError, match="has 2 taps, the task 1 stage"):
        sequences.SequenceRegression(Two(), torch.zeros(1, 8, 5))(torch.zeros(1, 8, 5))


def test_a_score_is_the_same_bits_whatever_came_before(tmp_path: Path) -> None:
    name = tiny(tmp_path, noise='[noise]\nkind = "uniform"\nlevel = 0.6')
    proxy = regression.load(name)
    first = proxy.score(build, "a", 0, "cpu")
    assert first.status == "ok" and first.value is not None and math.isfinite(first.value)
    assert proxy.score(build, "b", 0, "cpu").value != first.value != proxy.score(build, "a", 1, "cpu").value
    torch.manual_seed(9)
    expected = torch.rand(2)
    torch.manual_seed(9)
    assert regression.load(name).score(build, "a", 0, "cpu") == first
    assert torch.equal(torch.rand(2), expected)
    curves = {c.mode: c for c in first.curves}
    assert curves["train"].iterations == [1, 2, 3, 4] and curves["eval"].iterations == [2, 4]
    assert first.value == curves["eval"].losses[-1]


def test_training_learns_and_leaves_the_recurrent_matrices_as_they_started(tmp_path: Path) -> None:
    made: list[nn.Module] = []
    before: list[dict[str, Tensor]] = []

    def kept() -> nn.Module:
        made.append(build())
        before.append({n: p.detach().clone() for n, p in made[0].named_parameters()})
        return made[0]

    head = TINY.replace("iterations = 4", "iterations = 10")
    losses = regression.load(tiny(tmp_path, WAVES, WAVES, head)).score(kept, "a", 0, "cpu").curves
    [train] = [c.losses for c in losses if c.mode == "train"]
    assert train[-1] < 0.95 * train[0]
    moved = {n for n, p in made[0].named_parameters() if not torch.equal(p, before[0][n])}
    assert moved == {n for n in before[0] if n.endswith("matrices.x") or ".biases." in n}


def trained(folder: Path, more: str, build: Callable[[], nn.Module] = build) -> list[float]:
    """The training losses of the tiny preset with further keys."""
    score = regression.load(tiny(folder, WAVES, WAVES, f"{TINY}{more}")).score(build, "a", 0, "cpu")
    [losses] = [curve.losses for curve in score.curves if curve.mode == "train"]
    return losses


def test_a_preset_chooses_the_width_of_the_layers(tmp_path: Path) -> None:
    made: list[RecurrentNetwork] = []

    class Watched(RecurrentNetwork):
        def resized(self, width: int) -> RecurrentNetwork:
            made.append(super().resized(width))
            return made[-1]

    assert trained(tmp_path, "width = 6\n", lambda: Watched(RECIPE)) != trained(tmp_path, "")
    assert {p.shape[-1] for p in made[0].parameters()} == {6}


def test_states_are_carried_from_one_iteration_to_the_next(tmp_path: Path) -> None:
    """The first iteration knows no state before it, later ones do."""
    maps = torch.ones(2, 3, 5), torch.ones(2, 3, 5)
    curves = []
    for more in ("", "carried = true\n"):
        preset = presets.load(tiny(tmp_path, head=f"{TINY}steps = 3\nwidth = 6\n{more}"))
        assert isinstance(preset, presets.SequencePreset)
        noise = torch.Generator().manual_seed(1)
        losses = sequences.train(build, preset, maps, torch.device("cpu"), noise, 3)
        curves.append([loss for [loss] in losses.train])
    assert curves[0][0] == curves[1][0] and all(a != b for a, b in zip(curves[0][1:], curves[1][1:], strict=True))


def test_a_gradient_is_scaled_down_to_the_largest_that_the_preset_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    norms: list[float] = []
    clip = nn.utils.clip_grad_norm_

    def watched(parameters: Any, largest: float) -> Tensor:
        kept = list(parameters)
        clip(kept, largest)
        gradients = [p.grad.square().sum() for p in kept if p.grad is not None]
        norms.append(float(torch.stack(gradients).sum().sqrt()))
        return torch.zeros(())

    monkeypatch.setattr(nn.utils, "clip_grad_norm_", watched)
    trained(tmp_path, "largest_gradient = 0.01\n")
    assert norms == pytest.approx([0.01] * 4, rel=1e-3)
    trained(tmp_path, "")
    assert len(norms) == 4  # a preset without a bound has none


def test_penalties_are_mean_squares_of_the_outputs_and_of_their_changes(tmp_path: Path) -> None:
    preset = presets.load(tiny(tmp_path, head=f"{TINY}output_penalty = 2.0\nchange_penalty = 3.0\n"))
    assert isinstance(preset, presets.SequencePreset)
    model = sequences.SequenceRegression(nn.Identity(), torch.zeros(2, 4, 5))
    model.outputs = torch.tensor([[[1.0, 2.0], [3.0, 2.0]]])
    assert model.penalty(preset).item() == pytest.approx(2 * (1 + 4 + 9 + 4) / 4 + 3 * (4 + 0) / 2)
    with_penalty = trained(tmp_path, "width = 6\noutput_penalty = 1e9\n")
    assert all(0 < loss < 1e6 for loss in with_penalty)  # what is stored is the error alone


def test_a_network_that_cannot_have_another_width_is_told_so(tmp_path: Path) -> None:
    score = regression.load(tiny(tmp_path, head=f"{TINY}width = 6\n")).score(lambda: nn.Linear(1, 1), "a", 0, "cpu")
    assert score.status == "unbuildable" and "Linear has no methods `resized` and `carry`" in (score.reason or "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('task = "sequence"\nname = "x"\n', "task is 'sequence'; it is 'menu', 'sequences' or left out"),
        ('task = "images"\nname = "x"\n', "task is 'images'"),
        (TINY, "input"),
        (f'{TINY}[[input]]\nkind = "resize"\n[[target]]\n{DOTS}\n', "resize is made of images"),
        (f"{TINY.replace('every = 2', 'every = 3')}[[input]]\n{DOTS}\n[[target]]\n{DOTS}\n", "a multiple"),
        (f"{TINY}carried = false\n[[input]]\n{DOTS}\n[[target]]\n{DOTS}\n", "carried"),
        (f"{TINY}largest_gradient = 0\n[[input]]\n{DOTS}\n[[target]]\n{DOTS}\n", "largest_gradient"),
        (
            f"{TINY.replace('batch = 3', 'batch = 65')}[[input]]\n{DOTS}\n[[target]]\n"
            "kind = 'sin2d'\nfrequencies = [0.1]\n",
            "sin2d with 1 frequencies has 64 different maps, and 65 are drawn",
        ),
        (f"stage_weights = [1.0, 2.0]\n{TINY}[[input]]\n{DOTS}\n[[target]]\n{DOTS}\n", "stage_weights"),
    ],
)  # fmt: skip
def test_a_bad_preset_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        presets.load(str(path))
    assert says in str(error.value) and "bad.toml" in str(error.value) and "\n" not in str(error.value)


@pytest.fixture
def cells(lake: Path, tmp_path: Path) -> Path:
    """A lake with the logs of three cells."""
    from pipeline.ingest.run import ingest

    recipes = [nasbench_nlp_files.RNN, nasbench_nlp_files.PAIR, nasbench_nlp_files.LSTM]
    logs = [nasbench_nlp_files.log(recipe, number=number) for number, recipe in enumerate(recipes)]
    ingest(lake, "nasbench_nlp", [nasbench_nlp_files.packed(tmp_path / "logs.zip", logs)])
    return lake


def plan(proxy: str, benchmark: str = "nasbench_nlp", images: str | None = None) -> Plan:
    space = benchmarks.load(benchmark).space(None).name
    return Plan(benchmark, space, proxy, images, 0, "cpu")


def test_cells_are_scored_from_the_lake(cells: Path, tmp_path: Path) -> None:
    name = tiny(tmp_path)
    assert score.run(cells, plan(name), workers=1).statuses == {"ok": 3}
    assert score.run(cells, plan(name), workers=1).scored == 0
    rows: list[dict[str, Any]] = Lake(cells).read("scores", "nasbench_nlp").to_pylist()
    assert len({r["arch_id"] for r in rows}) == 3 and all(r["value"] > 0 for r in rows)


def test_a_proxy_of_other_networks_is_refused_with_those_that_fit(cells: Path) -> None:
    with pytest.raises(
        UserError, match=r"for networks that take images, those of nasbench_nlp take sequences: .*nlp-si"
    ):
        score.run(cells, plan("regression-n101"))
    with pytest.raises(UserError, match=r"take sequences, those of nasbench201 take images: .*regression-combo"):
        score.run(cells, plan("regression-nlp", "nasbench201"))
    with pytest.raises(UserError, match="--images does not go with regression-nlp"):
        score.run(cells, plan("regression-nlp", images="patches"))
