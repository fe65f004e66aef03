"""The menu: every signal at every stage in one training, with a loss of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pipeline.benchmarks.nasbench201.network import network
from pipeline.errors import UserError
from pipeline.proxies import images, regression
from pipeline.proxies.regression import presets, training

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"
HEAD = 'name = "tiny"\ntask = "menu"\ndeviation = 2.0\nchannels = 4\niterations = 4\nevaluate_every = 2\n'
DOTS = '[[signals]]\nname = "dots"\nkind = "dot"\npartial = 0.5\n'
WAVES = '[[signals]]\nname = "waves"\nkind = "sin2d"\nfrequencies = "mid"\nlocal = false\n'
RESIZE = '[[signals]]\nname = "resize"\nkind = "resize"\nlevel = 0.5\n'


def tiny(folder: Path, *signals: str, head: str = HEAD) -> str:
    path = folder / "tiny.toml"
    path.write_text(head + "".join(signals or (DOTS, WAVES, RESIZE)))
    return str(path)


def build() -> nn.Module:
    return network({"cell": CELL})


def loaded(name: str) -> presets.MenuPreset:
    preset = presets.load(name)
    assert isinstance(preset, presets.MenuPreset)
    return preset


def goals(preset: presets.MenuPreset, seed: int = 0) -> list[Tensor]:
    batch = images.synthetic("patches", 16).tensor()
    return training.menu_targets(preset, batch, torch.Generator().manual_seed(seed))


def test_each_signal_has_channels_of_its_own_and_the_stated_deviation(tmp_path: Path) -> None:
    found = goals(loaded(tiny(tmp_path)))
    assert [goal.shape for goal in found] == [(16, 12, 8, 8)] * 3
    for goal in found:
        dots, waves, resize = goal.split(4, dim=1)
        for maps, deviation in ((dots, 2.0), (waves, 2.0), (resize, 1.0)):
            assert maps.mean().item() == pytest.approx(0, abs=1e-5)
            assert maps.std().item() == pytest.approx(deviation, rel=1e-5)
        assert torch.equal(waves[0], waves[1]) and not torch.equal(dots[0], dots[1])
        assert len(dots.unique()) == 3
    assert not torch.equal(found[0], found[1])


def test_the_loss_of_a_pair_is_the_mean_square_over_its_own_channels(tmp_path: Path) -> None:
    targets = goals(loaded(tiny(tmp_path)))
    model = training.MenuRegression(build(), targets, images.synthetic("patches", 16).tensor(), 3)
    predicted = torch.randn(16, 12, 8, 8)
    expected = [(predicted - targets[0])[:, 4 * i : 4 * i + 4].square().mean() for i in range(3)]
    torch.testing.assert_close(model.loss(predicted, targets[0]), torch.stack(expected))


def test_every_pair_is_stored_by_its_name_and_the_score_is_the_weighted_sum(tmp_path: Path) -> None:
    score = regression.load(tiny(tmp_path)).score(build, "a", 0, "cpu")
    assert (score.status, len(score.curves)) == ("ok", 18)
    curves = {(c.stage, c.signal, c.mode): c for c in score.curves}
    assert set(curves) == {(s, n, m) for s in range(3) for n in ("dots", "waves", "resize") for m in ("train", "eval")}
    last = {key[:2]: c.losses[-1] for key, c in curves.items() if key[2] == "eval"}
    weights = (0.25, 0.5, 1.0)
    assert score.value == pytest.approx(sum(weights[stage] * loss for (stage, _), loss in last.items()))
    assert curves[2, "dots", "train"].iterations == [1, 2, 3, 4]


def test_a_menu_of_one_signal_trains_as_a_preset_of_that_signal_does(tmp_path: Path) -> None:
    """With the same targets and streams the two are one task."""
    menu = loaded(tiny(tmp_path, DOTS, head=HEAD.replace("iterations = 4", "iterations = 6")))
    stage = '[[stages]]\nchannels = 4\n[[stages.signals]]\nkind = "dot"\npartial = 0.5\n'
    path = tmp_path / "plain.toml"
    path.write_text(f'name = "plain"\niterations = 6\nevaluate_every = 2\n{stage * 3}')
    plain = presets.load(str(path))
    assert isinstance(plain, presets.Preset)
    batch, targets, device = images.synthetic("patches", 16).tensor(), goals(menu), torch.device("cpu")
    one, other = (
        training.train(build, preset, batch, targets, device, torch.Generator().manual_seed(0), 3)
        for preset in (menu, plain)
    )
    for rows, others in ((one.train, other.train), (one.eval, other.eval)):
        for row, same in zip(rows, others, strict=True):
            assert row == pytest.approx(same, rel=1e-4)


def test_the_shipped_menu_holds_every_kind_of_signal() -> None:
    menu = loaded("regression-menu")
    assert {signal.kind for signal in menu.signals} == {"sin1d", "sin2d", "dot", "gdot", "resize"}
    assert len(menu.losses) == 3 * len(menu.signals)
    assert "regression-menu" in presets.fitting("images")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD, "signals"),
        (HEAD + DOTS + DOTS, "two signals are called dots"),
        (HEAD + DOTS.replace("dots", "Two Words"), "signals.1.name"),
        (
            HEAD.replace("channels = 4", "channels = 65") + '[[signals]]\nname="s"\nkind="sin1d"\nfrequencies=[0.1]\n',
            "sin1d with 1 frequencies has 64 different maps, and 65 are drawn",
        ),
        (HEAD.replace("deviation = 2.0\n", "") + DOTS, "deviation"),
        (HEAD.replace('"menu"', '"menus"') + DOTS, "task is 'menus'; it is 'menu', 'sequences' or left out"),
        (HEAD.replace('"menu"', '["menu"]') + DOTS, "task is ['menu']; it is 'menu'"),
    ],
)
def test_a_bad_menu_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        presets.load(str(path))
    assert says in str(error.value) and "bad.toml" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "signal", [DOTS.replace("0.5", "0.01"), WAVES.replace('"mid"', "[0.0]")], ids=["no dots", "no waves"]
)
def test_a_signal_that_is_the_same_everywhere_blames_the_preset_and_no_network(signal: str, tmp_path: Path) -> None:
    name = tiny(tmp_path, signal, head=HEAD.replace("channels = 4", "channels = 1"))
    with pytest.raises(
        UserError, match=r"the signal (dots|waves) of tiny is the same everywhere.*: change or leave out"
    ):
        regression.load(name).score(build, "any", 0, "cpu")


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ("[0.0, 0.0, 0.0]", "stage_weights are all 0"),
        ("[-1.0, 0.0, 1.0]", "stage_weights"),
        ("[nan, 0.0, 1.0]", "stage"),
    ],
)
def test_stage_weights_that_train_nothing_or_enlarge_a_loss_are_refused(
    weights: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=said):
        presets.load(tiny(tmp_path, head=HEAD + f"stage_weights = {weights}\n"))
