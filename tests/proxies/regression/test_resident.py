"""Networks that train side by side: each has the losses that it has alone, whatever else its group holds."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from pipeline.proxies.contract import Network, Proxy, Score
from pipeline.proxies.regression import card, presets, recorded, training
from pipeline.proxies.regression.resident import Card
from tests.fixtures.small_networks import (
    CPU,
    MENU,
    PRESET,
    SPACES,
    Small,
    TwoTaps,
    alone,
    broken,
    loaded,
    small,
    together,
    waits,
)
from tests.fixtures.tape import Tape


def test_architectures_of_different_spaces_score_the_same_bits_in_a_group(proxy: Proxy, expected: list[Score]) -> None:
    assert [s.status for s in expected] == ["ok"] * 5 and len({s.value for s in expected}) == 5
    assert together(proxy, SPACES, Card(CPU, None, size=2)) == expected


def test_recorded_and_replayed_steps_give_the_same_bits(proxy: Proxy, expected: list[Score]) -> None:
    """Every number that a replay uses is in a tensor, and the run before the recording leaves no trace."""
    assert together(proxy, SPACES, Card(CPU, Tape, size=3)) == expected


def test_neither_size_nor_order_nor_an_earlier_group_changes_a_score(proxy: Proxy) -> None:
    networks = [small(n) for n in range(2, 8)]
    expected = alone(proxy, networks)
    on = Card(CPU, Tape, size=4)
    assert together(proxy, networks, on) == expected
    assert together(proxy, networks[::-1], on) == expected[::-1]
    for size in (1, 2, 6):
        assert together(proxy, networks, Card(CPU, None, size=size)) == expected


def test_a_menu_trains_in_groups_too(tmp_path: Path) -> None:
    proxy, networks = loaded(tmp_path, MENU), [small(3), small(4)]
    assert together(proxy, networks, Card(CPU, Tape)) == alone(proxy, networks)


def test_a_score_of_training_losses_trains_in_groups_without_evaluations(tmp_path: Path) -> None:
    proxy = loaded(
        tmp_path, f"{PRESET}\n[rule]\nweights = [0.0, 1.0, 1.0]\nlast = 2\n".replace("every = 2", "every = 0")
    )
    expected = alone(proxy, [small(3), small(4)])
    assert [{c.mode for c in one.curves} for one in expected] == [{"train"}] * 2
    assert together(proxy, [small(3), small(4)], Card(CPU, Tape)) == expected


def test_neighbours_that_diverge_or_cannot_be_built_change_nothing(proxy: Proxy) -> None:
    huge = small(3, lambda x: x * 3e38 * 10)
    networks: list[Network] = [small(4), huge, (broken, "broken"), (TwoTaps, "two"), small(5)]
    expected = alone(proxy, networks)
    assert [s.status for s in expected] == ["ok", "diverged", "unbuildable", "failed", "ok"]
    assert together(proxy, networks, Card(CPU, Tape, size=4)) == expected
    assert [s.status for s in together(proxy, networks[1:3], Card(CPU, None))] == ["diverged", "unbuildable"]


def test_a_divergence_in_the_middle_keeps_the_losses_before_it(tmp_path: Path) -> None:
    proxy = loaded(tmp_path, PRESET.replace("iterations = 4", "iterations = 12").replace("0.05", "3e5"))
    expected = alone(proxy, [small(4)])
    assert expected[0].status == "diverged" and len(expected[0].curves[0].iterations) > 0
    assert together(proxy, [small(4)], Card(CPU, Tape)) == expected


@pytest.mark.parametrize("kind", ["uniform", "normal"])
@pytest.mark.parametrize("shape", [(16, 3, 32, 32), (1, 3, 5, 5)])
def test_noise_that_is_drawn_some_batches_at_a_time_is_that_of_each_batch(
    kind: Literal["uniform", "normal"], shape: tuple[int, ...], tmp_path: Path
) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(PRESET.replace('"uniform"', f'"{kind}"'))
    preset, images = presets.load(str(path)), torch.randn(shape)
    assert isinstance(preset, presets.Preset)
    found = torch.empty(recorded.DRAWN + 3, *shape)
    drawing = recorded.Drawing().drawn(recorded.Task(preset, images, []), torch.Generator().manual_seed(5), found)
    drawing.result()
    generator = torch.Generator().manual_seed(5)
    for batch in found:
        assert torch.equal(batch, images + training.noise(preset.noise, images, generator))


def test_scoring_in_groups_leaves_the_callers_random_stream_alone(proxy: Proxy) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    together(proxy, [small(2), small(3)], Card(CPU, None))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("warm", [True, False])
def test_a_network_is_ready_as_it_was_drawn_whether_its_steps_were_run_before_or_not(
    tmp_path: Path, warm: bool
) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(PRESET)
    preset = presets.load(str(path))
    assert isinstance(preset, presets.Preset)
    images = torch.randn(4, 3, 32, 32)
    goals = training.targets(preset, images, torch.Generator().manual_seed(0))
    task = recorded.Task(preset, images, goals)
    steps: list[str] = []

    class Counted(Tape):
        def replay(self) -> None:
            steps.append("replayed")
            super().replay()

    def model() -> training.Regression:
        return training.model_of(lambda: Small(4), preset, images, goals, seed=3)

    shared = task.on(CPU, torch.channels_last)
    one = recorded.Resident(
        card.Slot(CPU, Counted), model(), task, shared, torch.Generator().manual_seed(1), torch.channels_last,
        recorded.Drawing(), warm=warm,
    )  # fmt: skip
    assert not steps
    counted = {name: value for name, value in model().state_dict().items() if "num_batches_tracked" not in name}
    for (name, value), (also, fresh) in zip(one.model.state_dict().items(), counted.items(), strict=True):
        assert name == also and torch.equal(value, fresh), name
    momenta = [state["momentum_buffer"] for state in one.optimiser.state.values()]
    assert len(momenta) == len(list(one.model.parameters())) and not any(m.any() for m in momenta)
    assert not any(t.any() for t in (one.rows, one.next))
    one.launch(4)
    assert len(steps) == 4 and one.next.tolist() == [4, 4] and not one.done
    one.launch(4)
    assert len(steps) == 6 and one.next.tolist() == [6, 6] and one.done
    assert all(m.any() for m in momenta)  # the recorded step writes to those that were there


def test_a_step_that_cannot_be_recorded_is_trained_in_the_plain_loop(proxy: Proxy) -> None:
    networks = [small(3), small(4, waits), small(5)]
    assert together(proxy, networks, Card(CPU, Tape, size=2)) == alone(proxy, networks)


def test_gradients_of_weights_by_products_are_those_of_the_convolution_but_for_rounding(
    proxy: Proxy, expected: list[Score]
) -> None:
    """A training magnifies rounding with each step: tenfold and more."""
    for one, other in zip(together(proxy, SPACES, Card(CPU, Tape, size=3, converted=True)), expected, strict=True):
        assert one.status == "ok" and one.value == pytest.approx(other.value, rel=0.02)
        for curve, same in zip(one.curves, other.curves, strict=True):
            if curve.mode == "train":
                assert curve.losses[0] == pytest.approx(same.losses[0], rel=1e-6)
                assert curve.losses[1] == pytest.approx(same.losses[1], rel=1e-5)


def test_another_layout_changes_rounding_alone(proxy: Proxy, expected: list[Score]) -> None:
    on = Card(CPU, Tape, size=3, layout=torch.contiguous_format, converted=True)
    for one, other in zip(together(proxy, SPACES, on), expected, strict=True):
        for curve, same in zip(one.curves, other.curves, strict=True):
            if curve.mode == "train":
                assert curve.losses[0] == pytest.approx(same.losses[0], rel=1e-5)


def test_how_many_batches_are_launched_at_a_time_changes_nothing(proxy: Proxy) -> None:
    networks = [small(n) for n in range(2, 6)]
    expected = alone(proxy, networks)
    for burst in (1, 4, 100):
        assert together(proxy, networks, Card(CPU, Tape, size=3, burst=burst)) == expected


class DropPath(nn.Module):
    """Draws in training alone, by no module of torch's."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps * (torch.rand(len(maps), 1, 1, 1) < 0.5) if self.training else maps


@pytest.mark.parametrize("trouble", [nn.Dropout(0.5), DropPath()])
def test_what_a_network_drops_does_not_depend_on_its_neighbours(trouble: nn.Module, proxy: Proxy) -> None:
    networks: list[Network] = [small(4), (lambda: Small(3, trouble), "drops"), small(5)]
    expected = alone(proxy, networks)
    on = Card(CPU, Tape, size=3)
    assert together(proxy, networks, on) == together(proxy, networks[::-1], on)[::-1] == expected
    assert expected[1] != alone(proxy, [(small(3)[0], "drops")])[0]


def test_a_network_that_writes_into_its_input_leaves_the_batch_to_others(tmp_path: Path) -> None:
    proxy = loaded(tmp_path, PRESET.replace('kind = "uniform"\nlevel = 0.1', 'kind = "none"'))
    networks: list[Network] = [(lambda: Shifting(4), "shifts"), small(4)]
    expected = alone(proxy, networks[1:]), alone(proxy, networks[:1])
    assert (alone(proxy, networks[1:]), alone(proxy, networks[:1])) == expected
    assert together(proxy, networks, Card(CPU, Tape)) == [*expected[1], *expected[0]]


class Shifting(Small):
    def forward(self, images: Tensor) -> list[Tensor]:
        images -= 0.5
        return super().forward(images)
