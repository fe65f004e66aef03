"""Scores made of training losses by a rule, and presets that extend others."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from torch import nn

from pipeline.benchmarks.nasbench201.network import network
from pipeline.errors import UserError
from pipeline.proxies import regression
from pipeline.proxies.regression import presets

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"
SHORT = 'name = "short"\nextends = "regression-n101"\niterations = 4\n'
RULE = "[rule]\nweights = [0.0, 2.0, 1.0]\nlast = 3\n"


def written(folder: Path, text: str) -> str:
    path = folder / "short.toml"
    path.write_text(text)
    return str(path)


def build() -> nn.Module:
    return network({"cell": CELL})


def test_a_rule_takes_the_mean_logarithm_of_the_last_training_losses_and_nothing_is_evaluated(tmp_path: Path) -> None:
    score = regression.load(written(tmp_path, f"{SHORT}evaluate_every = 0\n{RULE}")).score(build, "a", 0, "cpu")
    assert {(c.stage, c.mode) for c in score.curves} == {(stage, "train") for stage in range(3)}
    losses = {c.stage: c.losses for c in score.curves}
    logs = {stage: sum(math.log(loss) for loss in losses[stage][1:]) / 3 for stage in losses}
    assert score.value == pytest.approx(2 * logs[1] + logs[2])


def test_a_rule_changes_the_score_and_not_the_training(tmp_path: Path) -> None:
    plain = regression.load(written(tmp_path, f"{SHORT}evaluate_every = 2\n"))
    ruled = regression.load(written(tmp_path, f"{SHORT}evaluate_every = 2\n{RULE}"))
    assert plain.proxy_id != ruled.proxy_id
    with_rule, without = (p.configuration for p in (ruled, plain))
    assert "rule" not in without and {k: v for k, v in with_rule.items() if k != "rule"} == without


def test_convolutions_can_start_as_torch_starts_them(tmp_path: Path) -> None:
    """He's weights of a network, which are far larger, are drawn anew."""
    stds: list[float] = []

    def larger() -> nn.Module:
        made = build()
        for module in made.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
        made.register_forward_pre_hook(lambda net, _: stds.append(net.stacks[0][0].edges["0-1"][0].weight.std().item()))
        return made

    for text in (SHORT, f'{SHORT}initial = "torch"\n'):
        regression.load(written(tmp_path, f"{text}evaluate_every = 0\n{RULE}")).score(larger, "a", 0, "cpu")
    own, torchs = stds[0], stds[len(stds) // 2]
    assert own == pytest.approx((2 / 144) ** 0.5, rel=0.1)  # 16 channels, 3x3
    assert torchs == pytest.approx((1 / 432) ** 0.5, rel=0.1)  # uniform in +-1/sqrt(144)


def test_a_loss_of_zero_is_no_error(tmp_path: Path) -> None:
    preset = presets.load(written(tmp_path, f"{SHORT}evaluate_every = 0\n{RULE}"))
    from pipeline.proxies.regression.training import Losses

    hit = Losses([1, 2, 3, 4], [[0.0, 0.0, 0.0]] * 4)
    assert math.isfinite(regression._value(preset, hit))


def test_a_preset_that_extends_another_has_its_stages_and_not_its_description() -> None:
    fast, base = presets.load("regression-fast"), presets.load("regression-n101")
    assert isinstance(fast, presets.Preset) and isinstance(base, presets.Preset)
    assert fast.stages == base.stages and fast.noise == base.noise
    assert (fast.iterations, base.iterations) == (40, 100)
    assert fast.description and fast.description != base.description
    assert "extends" not in fast.configuration()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{SHORT}evaluate_every = 0\n", "no rule makes a score"),
        (f"{SHORT}evaluate_every = 0\n[rule]\nweights = [1.0]\nlast = 2\n", "rule.weights are 1, stage_weights 3"),
        (f"{SHORT}evaluate_every = 0\n[rule]\nweights = [1.0, 1.0, 1.0]\nlast = 5\n", "rule.last is more than iter"),
        (f"{SHORT}evaluate_every = 0\n[rule]\nweights = [1.0, 1.0, -1.0]\nlast = 2\n", "rule.weights.3"),
        ('name = "x"\nextends = "regression-n100"\n', "extends: unknown proxy 'regression-n100': did you mean"),
        ('name = "x"\nextends = 3\n', "extends: unknown proxy '3'"),
    ],
)
def test_a_bad_rule_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UserError) as error:
        presets.load(written(tmp_path, text))
    assert says in str(error.value) and "short.toml" in str(error.value) and "\n" not in str(error.value)
