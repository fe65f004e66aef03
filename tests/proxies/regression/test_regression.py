"""The regression proxy: a score is a pure function of architecture, configuration and seed."""

import math
from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import nn

from pipeline import benchmarks, proxies
from pipeline.benchmarks.nasbench201.network import network
from pipeline.errors import UserError
from pipeline.proxies import regression
from pipeline.proxies.regression import presets, training
from pipeline.scoring.plan import fits

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"
TINY = """
name = "tiny"
iterations = 4
evaluate_every = 2
{extra}
[noise]
kind = "uniform"
level = 0.1
""" + "\n".join(
    f'[[stages]]\nchannels = {c}\n[[stages.signals]]\nkind = "dot"\npartial = 0.5\n' for c in (4, 6, 8)
)  # fmt: skip


def tiny(folder: Path, extra: str = "") -> str:
    path = folder / "tiny.toml"
    path.write_text(TINY.format(extra=extra))
    return str(path)


def build() -> nn.Module:
    return network({"cell": CELL})


def test_the_same_architecture_configuration_and_seed_give_the_same_bits_whatever_came_before(tmp_path: Path) -> None:
    name = tiny(tmp_path)
    one = regression.load(name)
    first = one.score(build, "a", 0, "cpu")
    one.score(build, "b", 0, "cpu")
    torch.manual_seed(99)
    assert one.score(build, "a", 0, "cpu") == first
    assert regression.load(name).score(build, "a", 0, "cpu") == first
    assert one.score(build, "b", 0, "cpu") != first
    assert one.score(build, "a", 1, "cpu") != first
    assert one.score(build, "a", 0, "cpu") == first  # after the targets of another seed


class Dropping(nn.Module):
    """A network that is trained in milliseconds, with dropout before its three taps."""

    def __init__(self, chance: float) -> None:
        super().__init__()
        self.stem, self.dropout = nn.Conv2d(3, 4, 4, 4), nn.Dropout(chance)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        return [self.dropout(self.stem(images))] * 3


def test_what_a_network_drops_depends_on_the_seed_alone(tmp_path: Path) -> None:
    proxy, values = regression.load(tiny(tmp_path)), []
    for earlier in (1, 2):
        torch.manual_seed(earlier)
        state = torch.get_rng_state()
        values.append(proxy.score(lambda: Dropping(0.5), "a", 0, "cpu").value)
        assert torch.equal(torch.get_rng_state(), state)
    assert values[0] == values[1] is not None
    assert values[0] != proxy.score(lambda: Dropping(0.0), "a", 0, "cpu").value


def test_scoring_leaves_the_callers_random_stream_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    regression.load(tiny(tmp_path)).score(build, "a", 0, "cpu")
    assert torch.equal(torch.rand(3), expected)


def test_the_score_is_the_weighted_last_evaluation_and_every_iteration_is_kept(tmp_path: Path) -> None:
    score = regression.load(tiny(tmp_path)).score(build, "a", 0, "cpu")
    curves = {(c.mode, c.stage): c for c in score.curves}
    assert set(curves) == {(m, s) for m in ("train", "eval") for s in range(3)}
    assert curves["train", 0].iterations == [1, 2, 3, 4] and curves["eval", 2].iterations == [2, 4]
    last = [curves["eval", s].losses[-1] for s in range(3)]
    assert score.value == pytest.approx(0.25 * last[0] + 0.5 * last[1] + last[2])
    assert score.status == "ok" and score.reason is None


def test_a_rule_sums_the_mean_logarithms_of_the_last_training_losses_by_its_own_weights(tmp_path: Path) -> None:
    preset = presets.load(tiny(tmp_path, "rule = {weights = [0.0, 1.0, 0.5], last = 2}"))
    losses = training.Losses(train=[[9.0, 9.0, 9.0], [3.0, 2.0, 4.0], [5.0, 8.0, 16.0]])
    assert regression._value(preset, losses) == pytest.approx(math.log(4) + 0.5 * math.log(8))


def test_training_learns(tmp_path: Path) -> None:
    proxy = regression.load(tiny(tmp_path, "learning_rate = 0.05"))
    curve = next(c for c in proxy.score(build, "a", 0, "cpu").curves if c.mode == "train" and c.stage == 2)
    assert curve.losses[-1] < curve.losses[0]


def test_a_loss_that_is_not_finite_is_a_diverged_row_with_its_iteration(tmp_path: Path) -> None:
    score = regression.load(tiny(tmp_path, "learning_rate = 1e30")).score(build, "a", 0, "cpu")
    assert (score.status, score.value) == ("diverged", None)
    assert score.reason is not None and "not finite at iteration" in score.reason
    assert all(math.isfinite(loss) for c in score.curves for loss in c.losses)


def test_a_network_whose_output_ignores_its_input_is_scored_like_any_other(tmp_path: Path) -> None:
    nothing = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    score = regression.load(tiny(tmp_path)).score(lambda: network({"cell": nothing}), "a", 0, "cpu")
    assert score.status == "ok"


def test_a_network_that_cannot_be_built_or_trained_is_a_row_with_its_reason(tmp_path: Path) -> None:
    proxy = regression.load(tiny(tmp_path))

    def broken() -> nn.Module:
        raise KeyError("no such operation")

    score = proxy.score(broken, "a", 0, "cpu")
    assert (score.status, score.value) == ("unbuildable", None) and "no such operation" in (score.reason or "")

    class TwoTaps(nn.Module):
        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            return [x, x]

    score = proxy.score(TwoTaps, "a", 0, "cpu")
    assert score.status == "failed" and "2 taps, the task 3 stages" in (score.reason or "")


def test_identities_of_the_shipped_presets_do_not_change_unnoticed() -> None:
    """A change here means: other numbers under the same name. Raise regression.VERSION and say so in CHANGELOG."""
    golden = {
        "regression-n101": "545560e84d4ae7f5",
        "regression-combo": "ea3310283c0507e3",
        "regression-sin1d-high": "c000fac8b6da0614",
    }
    assert {name: regression.load(name, "noise").proxy_id for name in golden} == golden


class Recorder(nn.Module):
    """Three taps of a few channels, the last as large as one pixel; `shapes` are those of its inputs."""

    def __init__(self, shapes: list[tuple[int, ...]]) -> None:
        super().__init__()
        self.shapes = shapes
        self.first, self.second = nn.Conv2d(3, 4, 3, 4), nn.Conv2d(4, 4, 3, 2)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        self.shapes.append(tuple(images.shape))
        first = self.first(images)
        second = self.second(first)
        return [first, second, second.mean((2, 3), keepdim=True)]


def test_a_preset_can_ask_for_larger_images(tmp_path: Path) -> None:
    shapes: list[tuple[int, ...]] = []
    small, large = (regression.load(tiny(tmp_path, extra)) for extra in ("", "image_size = 64"))
    scores = [proxy.score(lambda: Recorder(shapes), "a", 0, "cpu") for proxy in (small, large)]
    assert {shape[1:] for shape in shapes} == {(3, 32, 32), (3, 64, 64)} and max(shapes)[0] == 16
    assert [score.status for score in scores] == ["ok", "ok"] and scores[0].value != scores[1].value
    assert large.configuration == {**small.configuration, "image_size": 64}


def test_the_shipped_preset_of_larger_images_is_fast_otherwise() -> None:
    fast, large = (regression.load(name) for name in ("regression-fast", "regression-fast-64"))
    assert large.configuration == {**fast.configuration, "image_size": 64}
    assert {proxy.proxy_id for proxy in (fast, large)} == {"7af7594ff21e017a", "2068ac39169ed39e"}


@pytest.mark.parametrize("size", ["32", "48", "0", "-64", "512", "64.5", "'64x64'", "[64, 64]", "true"])
def test_a_size_that_images_cannot_have_is_refused_in_one_line(tmp_path: Path, size: str) -> None:
    with pytest.raises(UserError, match="image_size") as error:
        regression.load(tiny(tmp_path, f"image_size = {size}"))
    assert "\n" not in str(error.value)


def test_networks_of_sequences_have_no_image_size(tmp_path: Path) -> None:
    path = tmp_path / "sequences.toml"
    path.write_text("name = 'x'\nextends = 'regression-nlp'\nimage_size = 64\n")
    with pytest.raises(UserError, match="image_size"):
        regression.load(str(path))
    with pytest.raises(UserError, match="regression-fast-64 is for networks that take images, those of flexibert"):
        fits(proxies.load("regression-fast-64", inputs="sequences"), benchmarks.load("flexibert"))


def test_the_searched_presets_hold_the_published_levels() -> None:
    def levels(name: str) -> list[dict[str, float]]:
        preset = presets.load(name)
        assert isinstance(preset, presets.Preset)
        return [{s.kind: s.level for s in stage.signals} for stage in preset.stages]

    assert levels("regression-n101") == [
        {"sin2d": 1.1},
        {"sin1d": 1.8, "sin2d": 2.9, "gdot": 1.1, "resize": 2.4},
        {"sin1d": 1.5, "sin2d": 0.9, "gdot": 2.1, "resize": 2.2},
    ]
    assert levels("regression-darts") == [
        {"gdot": 1.6, "resize": 1.3},
        {"dot": 2.2, "gdot": 1.0, "resize": 2.1},
        {"gdot": 1.7, "resize": 0.5},
    ]
    assert levels("regression-resnet") == [
        {"sin1d": 1.1, "dot": 0.5},
        {"sin2d": 1.2, "dot": 2.9, "resize": 2.3},
        {"sin2d": 1.8, "gdot": 2.1},
    ]


def test_noise_is_uniform_within_its_level_or_normal_of_that_deviation() -> None:
    def drawn(kind: Literal["none", "uniform", "normal"]) -> torch.Tensor:
        noise = presets.Noise(kind=kind, level=0.2)
        return training.noise(noise, torch.zeros(4000), torch.Generator().manual_seed(0))

    uniform, normal = drawn("uniform"), drawn("normal")
    assert -0.2 <= uniform.min() < -0.199 and 0.199 < uniform.max() <= 0.2
    assert float(normal.std()) == pytest.approx(0.2, rel=0.05) and float(normal.mean()) == pytest.approx(0, abs=0.01)
    assert not drawn("none").any()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = 'x'\nstages = []\n", "stages"),
        ("name = 'x'\nstagess = []\n", "stages"),
        ("name = ", "is not TOML"),
        ("name = 'x'\n[[stages]]\nchannels = 4\n[[stages.signals]]\nkind = 'dots'\n", "stages.1.signals.1.kind"),
        ("name = 'x'\n[[stages]]\nchannels = 4\n[[stages.signals]]\nkind = 'dot'\n", "dot needs partial"),
        ("name = 'x'\n[[stages]]\nchannels = 4\n[[stages.signals]]\nkind = 'sin1d'\n", "sin1d needs frequencies"),
        (
            "name = 'x'\n[[stages]]\nchannels = 4\n[[stages.signals]]\nkind = 'sin1d'\nfrequencies = 'hihg'\n",
            "known are low, mid, high",
        ),
        (
            "name = 'x'\n[[stages]]\nchannels = 4\n[[stages.signals]]\nkind = 'sin1d'\nfrequencies = \"a\\nb\"\n",
            r"stages.1.signals.1: frequencies 'a\nb'",
        ),
        ("name = 'x'\n[[stages]]\nchannels = 4\n[[stages.signals]]\nkind = 'resize'\n", "1 stage but 3 stage_weights"),
        (
            "name = 'x'\n[[stages]]\nchannels = 65\n[[stages.signals]]\nkind = 'sin1d'\nfrequencies = [0.1]\n",
            "sin1d with 1 frequencies has 64 different maps, and 65 are drawn",
        ),
    ],
)
def test_a_bad_preset_is_one_line_that_names_the_field(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        presets.load(str(path))
    assert says in str(error.value) and "bad.toml" in str(error.value) and "\n" not in str(error.value)


def test_an_unknown_preset_suggests() -> None:
    with pytest.raises(UserError, match="did you mean regression-n101"):
        regression.load("regression-n110")
    with pytest.raises(UserError, match="cannot be read"):
        regression.load("nowhere.toml")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_trains_the_same_task(tmp_path: Path) -> None:
    proxy = regression.load(tiny(tmp_path))
    cpu, gpu = proxy.score(build, "a", 0, "cpu"), proxy.score(build, "a", 0, "cuda")
    assert gpu.status == cpu.status == "ok"
    for curve, same in zip(gpu.curves, cpu.curves, strict=True):
        if curve.mode == "train":  # every later step magnifies rounding
            assert curve.losses[0] == pytest.approx(same.losses[0], rel=1e-5)
    assert gpu == proxy.score(build, "a", 0, "cuda")


@pytest.mark.parametrize("classifier", [nn.Identity(), nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())])
def test_a_network_that_gives_its_last_features_or_logits_is_told_what_is_expected(
    classifier: nn.Module, tmp_path: Path
) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 4, 4), classifier)
    failed = regression.load(tiny(tmp_path)).score(lambda: network, "a", 0, "cpu")
    assert failed.reason == "ValueError: the network gives one tensor, where a list of its taps is expected"
