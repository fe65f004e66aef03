"""Networks that train side by side: each has the losses that it has alone, whatever else its group holds."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn

from pipeline import executor
from pipeline.benchmarks import nasbench101
from pipeline.benchmarks.nasbench201 import network as topology
from pipeline.errors import UserError
from pipeline.executor import cluster
from pipeline.proxies import arithmetic, regression
from pipeline.proxies.contract import Bundle, Network, Proxy, Score
from pipeline.proxies.regression import card, modules, presets, recorded, resident, training
from pipeline.proxies.regression.resident import Card
from pipeline.scoring import batches
from pipeline.scoring import run as score
from pipeline.scoring.plan import Plan
from tests.fixtures.tape import Tape

CPU = torch.device("cpu")
PRESET = """
name = "tiny"
iterations = 4
evaluate_every = 2
learning_rate = 0.05
[noise]
kind = "uniform"
level = 0.1
""" + "\n".join(
    f'[[stages]]\nchannels = {c}\n[[stages.signals]]\nkind = "dot"\npartial = 0.5\n' for c in (4, 6, 8)
)  # fmt: skip
MENU = """
name = "menu"
task = "menu"
deviation = 2.0
channels = 4
iterations = 4
evaluate_every = 2
""" + "\n".join(f'[[signals]]\nname = "s{p}"\nkind = "dot"\npartial = 0.{p}\n' for p in (3, 7))


class Small(nn.Module):
    """Three taps of a few channels; `trouble` is done at the first."""

    def __init__(self, channels: int, trouble: Callable[[Tensor], Tensor] = lambda x: x) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, channels, 3, 4, 1, bias=False), nn.BatchNorm2d(channels))
        self.body = nn.Conv2d(channels, channels, 1)
        self.trouble = trouble

    def forward(self, images: Tensor) -> list[Tensor]:
        first = self.trouble(self.stem(images))
        second = self.body(first).relu()
        return [first, second, first + second]


class TwoTaps(nn.Module):
    def forward(self, images: Tensor) -> list[Tensor]:
        return [images, images]


def broken() -> nn.Module:
    raise KeyError("no such operation")


def small(channels: int, trouble: Callable[[Tensor], Tensor] = lambda x: x) -> Network:
    return lambda: Small(channels, trouble), f"small-{channels}"


def loaded(folder: Path, text: str = PRESET) -> Proxy:
    path = folder / f"{text.split()[2].strip(chr(34))}.toml"
    path.write_text(text)
    return regression.load(str(path))


def alone(proxy: Proxy, networks: list[Network]) -> list[Score]:
    return [proxy.score(build, arch_id, 0, "cpu") for build, arch_id in networks]


def together(proxy: Proxy, networks: list[Network], on: Card) -> list[Score]:
    scorer: Any = proxy.score_all
    timed = scorer(networks, 0, "cpu", on)
    assert all(seconds > 0 for _, seconds in timed)
    return [found for found, _ in timed]


CELL = "|avg_pool_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"
CHAIN = {"adjacency": "010001000", "operations": ["input", "conv1x1-bn-relu", "output"]}
SPACES: list[Network] = [
    (lambda: topology.network({"channels": [8, 16, 8, 16, 8]}), "size"),
    (lambda: nasbench101.build("cell", CHAIN), "101"),
    (lambda: topology.network({"cell": CELL}), "201"),
    (lambda: topology.network({"cell": "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"}), "nothing"),
    small(5),
]


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Proxy:
    return loaded(tmp_path_factory.mktemp("preset"))


@pytest.fixture(scope="module")
def expected(proxy: Proxy) -> list[Score]:
    return alone(proxy, SPACES)


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


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"), [(1, 1, 0, 1), (3, 1, 1, 1), (3, 2, 1, 1), (1, 2, 0, 1), (3, 1, 2, 2)]
)
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("bias", [False, True])
def test_a_converted_convolution_is_the_same_function(
    kernel: int, stride: int, padding: int, dilation: int, layout: torch.memory_format, bias: bool
) -> None:
    torch.manual_seed(0)
    one = nn.Conv2d(5, 7, kernel, stride, padding, dilation, bias=bias).double()
    other = copy.deepcopy(one)
    modules.convert(other)
    assert type(other) is modules.Convolution
    images = torch.randn(4, 5, 9, 11, dtype=torch.float64).contiguous(memory_format=layout)
    results = []
    for module in (one, other):
        x = images.clone().requires_grad_()
        found = module(x)
        found.backward(torch.sin(found.detach() + 1))
        results.append([found, x.grad, *(p.grad for p in module.parameters())])
    for left, right in zip(*results, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-10, atol=1e-10)


GEOMETRIES = [
    ((3, 5, 9, 11), 7, 3, 1, 1, 1), ((2, 40, 16, 16), 33, 3, 1, 1, 1), ((2, 16, 32, 32), 16, 1, 1, 0, 1),
    ((2, 3, 17, 16), 16, 3, 2, 1, 1), ((2, 8, 16, 16), 9, 1, 2, 0, 1), ((2, 4, 12, 12), 4, 3, 1, 2, 2),
]  # fmt: skip


def agrees(by: Callable[..., Tensor], geometry: Any, device: torch.device) -> bool:
    """Whether a weight gradient is torch's own."""
    shape, outputs, kernel, stride, padding, dilation = geometry
    images = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    weight = torch.zeros(outputs, shape[1], kernel, kernel, requires_grad=True)
    found = torch.conv2d(images, weight, None, stride, padding, dilation)
    slopes = torch.randn(found.shape, generator=torch.Generator().manual_seed(1))
    found.backward(slopes)
    both = images.to(device), slopes.to(device)
    own = by(*both, weight.shape, *((n, n) for n in (stride, padding, dilation))).cpu()
    assert weight.grad is not None
    return torch.allclose(own, weight.grad, rtol=1e-4, atol=1e-3)


INTERPRETED = """
from pipeline.proxies.regression import gradient_kernel
from tests.proxies.regression import test_resident as t
assert all(t.agrees(gradient_kernel.weight_gradient, geometry, t.CPU) for geometry in t.GEOMETRIES)
"""


def test_the_kernel_of_a_weight_gradient_gives_what_torch_gives() -> None:
    """In Triton's interpreter, which has to be asked for before Triton is imported."""
    pytest.importorskip("triton", reason="Triton is not installed; torch's builds for CUDA bring it")
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    subprocess.run([sys.executable, "-c", INTERPRETED], env=environment, check=True)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_a_weight_gradient_on_a_card_is_torchs(geometry: Any) -> None:
    device = card.exact("cuda")
    assert agrees(modules.weight_gradient(device), geometry, device)


@pytest.mark.parametrize("kernel", ["missing", "broken", "wrong", "right"])
def test_a_kernel_is_used_only_where_it_runs_and_is_right(kernel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def by_kernel(*arguments: Any) -> Tensor:
        if kernel == "broken":
            raise RuntimeError("no C compiler")
        return modules.by_products(*arguments) + (kernel == "wrong")

    name = "pipeline.proxies.regression.gradient_kernel"
    monkeypatch.setitem(sys.modules, name, None if kernel == "missing" else SimpleNamespace(weight_gradient=by_kernel))
    assert modules._checked(CPU) is (by_kernel if kernel == "right" else modules.by_products)
    assert modules.weight_gradient(CPU) is modules.by_products


@pytest.mark.parametrize("training", [True, False])
def test_a_converted_normalisation_is_the_same_function(training: bool) -> None:
    torch.manual_seed(0)
    one = nn.BatchNorm2d(5, affine=False, track_running_stats=False).train(training)
    other = copy.deepcopy(one)
    modules.convert(other)
    assert type(other) is modules.Normalisation and not list(other.parameters())
    images, results = torch.randn(4, 5, 9, 11), []
    for module in (one, other):
        x = images.clone().requires_grad_()
        found = module(x)
        found.backward(torch.sin(found.detach() + 1))
        results.append([found, x.grad])
    for left, right in zip(*results, strict=True):
        torch.testing.assert_close(left, right)


def test_only_small_ordinary_convolutions_and_bare_normalisations_are_converted() -> None:
    kept = [
        nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(3, 3, 3, padding="same"), nn.Conv2d(256, 256, 1), nn.BatchNorm2d(3), nn.BatchNorm2d(3, affine=False),
    ]  # fmt: skip
    modules.convert(nn.Sequential(*kept))
    assert [type(module) for module in kept] == [nn.Conv2d] * 4 + [nn.BatchNorm2d] * 2


class Memory:
    """An allocator with room for some networks; every network asks it once it is nearly made.

    No network is done training while another is made or could be, so that the card is as full as it gets.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.room, self.refused, self.most = room, 0, 0
        self.alive = weakref.WeakSet[recorded.Resident]()
        move, done = recorded.Resident._move, resident._Run._done

        def asked(one: recorded.Resident) -> None:
            self.alive.add(one)
            if len(self.alive) > self.room or one.model.backbone.body.weight.shape[0] > 90:  # type: ignore[union-attr, index]
                self.refused += 1
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            self.most = max(self.most, len(self.alive))
            move(one)

        def full(run: Any) -> Any:
            residents = len(run.ready) + len(run.training)
            room = residents < run.on.limit and len(run.ready) < run.on.size and run.on.free
            return () if run.making or (run.waiting and room) else done(run)

        monkeypatch.setattr(recorded.Resident, "_move", asked)
        monkeypatch.setattr(resident._Run, "_done", full)


@pytest.mark.parametrize(("room", "most"), [(8, 7), (5, 5), (2, 2), (1, 1)])
def test_without_memory_fewer_networks_are_on_the_card_and_every_score_stays(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, room: int, most: int
) -> None:
    networks = [small(2 + n % 3) for n in range(7)]
    expected = alone(proxy, networks)
    memory, on = Memory(monkeypatch, room), Card(CPU, Tape, size=4)
    assert together(proxy, networks, on) == expected
    assert (memory.most, memory.refused) == (most, 2 * (room < 8))  # tried again once memory was given back
    assert on.limit == {8: 8, 5: 3, 2: 1, 1: 1}[room]
    assert len(on.free) == 8 and not memory.alive


def test_a_network_for_which_the_card_is_too_small_is_a_failed_score(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = [small(2), small(96), small(3), small(4)]
    expected = alone(proxy, [networks[0], *networks[2:]])
    memory = Memory(monkeypatch, room=4)
    found = together(proxy, networks, Card(CPU, Tape, size=2))
    assert [found[0], *found[2:]] == expected
    assert (found[1].value, found[1].status) == (None, "failed")
    assert found[1].reason is not None and "OutOfMemoryError: CUDA out of memory" in found[1].reason
    assert memory.refused == 4  # beside another and alone, each once more when nothing was left that nobody uses


def test_a_network_that_is_alone_is_tried_again_once_memory_was_given_back(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others that have left held may still be torch's own, where it is of no use to this one."""
    held, move, tidy = [True], recorded.Resident._move, Card.tidy

    def asked(one: recorded.Resident) -> None:
        if held[0]:
            raise torch.OutOfMemoryError("CUDA out of memory")
        move(one)

    def given_back(on: Card) -> None:
        held[0] = False
        tidy(on)

    expected = alone(proxy, [small(3)])
    monkeypatch.setattr(recorded.Resident, "_move", asked)
    monkeypatch.setattr(Card, "tidy", given_back)
    assert together(proxy, [small(3)], Card(CPU, Tape)) == expected


def test_no_memory_while_a_step_is_recorded_halves_the_group_too(proxy: Proxy) -> None:
    attempts = []

    class Full(Tape):
        def capture_begin(self, pool: Any = None, capture_error_mode: str = "global") -> None:
            attempts.append(1)
            if len(attempts) == 5:
                raise torch.OutOfMemoryError("CUDA out of memory")
            super().capture_begin(pool, capture_error_mode)

    networks = [small(n) for n in range(2, 7)]
    assert together(proxy, networks, Card(CPU, Full, size=4)) == alone(proxy, networks)
    assert len(attempts) == 11  # two for each network, and one again


def test_a_failed_card_ends_the_run_and_is_no_score(proxy: Proxy) -> None:
    def fails(x: Tensor) -> Tensor:
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")

    def late(x: Tensor) -> Tensor:
        return fails(x) if x.shape[0] > 1 else x  # when it trains, not when its taps are counted

    with pytest.raises(UserError, match="the card failed"):
        together(proxy, [small(3, late)], Card(CPU, Tape))
    with pytest.raises(UserError, match="the card failed"):
        alone(proxy, [small(3, late)])


class Stream:
    """torch hands out 32 streams in turn, whoever asks."""

    given = 0

    def __init__(self, device: Any) -> None:
        self.cuda_stream = Stream.given % card.STREAMS
        Stream.given += 1


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "Event", lambda: None)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", object)


@pytest.mark.usefixtures("streams")
@pytest.mark.parametrize("size", [1, 16, 17, 32])
def test_no_two_networks_on_a_card_share_a_stream(size: int) -> None:
    on = Card(torch.device("cuda", 0), Tape, size=size)
    assert on.size == min(size, 16) and len(on.free) == 2 * on.size
    assert len({slot.stream.cuda_stream for slot in on.free if slot.stream}) == 2 * on.size


@pytest.mark.usefixtures("streams")
def test_more_slots_than_streams_are_refused() -> None:
    with pytest.raises(ValueError, match="no 33 different streams"):
        card.slots(torch.device("cuda", 0), Tape, 33)


def waits(x: Tensor) -> Tensor:
    return x * (1.0 + float(x[0, 0, 0, 0].detach() > 1e9))


def test_networks_that_fail_give_their_slots_back(proxy: Proxy) -> None:
    on = Card(CPU, Tape, size=2)
    networks = [small(3, waits), small(4, waits), small(5, waits), (broken, "broken"), (TwoTaps, "two"), small(6)]
    together(proxy, networks, on)
    assert len(on.free) == len(on.slots) == 4 and set(on.free) == set(on.slots)


def test_a_run_that_is_given_up_gives_its_slots_back(proxy: Proxy) -> None:
    scorer: Any = proxy.score_all
    task, on = scorer.__self__.task, Card(CPU, Tape, size=2)
    works = [recorded.Work(small(n)[0], torch.Generator().manual_seed(n), n) for n in range(2, 8)]
    found = task.train_all(works, scorer.__self__.drawn(0), on)
    next(found)
    found.close()
    assert len(on.free) == 4


class LateTape(Tape):
    """A card that fails when a recorded step is launched, in the thread that launches."""

    def replay(self) -> None:
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")


def test_a_card_that_fails_while_networks_train_ends_the_run_in_one_line(proxy: Proxy) -> None:
    on = Card(CPU, LateTape, size=2)
    with pytest.raises(UserError, match=r"the card failed .*illegal memory access") as raised:
        together(proxy, [small(3), small(4), small(5)], on)
    assert "\n" not in str(raised.value) and len(on.free) == 4


class Endless(Tape):
    """A recording that was broken cannot be ended."""

    broken = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        try:
            return super().__torch_dispatch__(func, types, args, kwargs)
        except RuntimeError:
            self.broken = True
            raise

    def capture_end(self) -> None:
        super().capture_end()
        if self.broken:
            raise RuntimeError("CUDA error: operation failed due to a previous error during capture")


def test_a_recording_that_cannot_be_ended_leaves_the_rest_to_another_worker(proxy: Proxy) -> None:
    """torch's allocator waits for its end, and gives no memory back meanwhile."""
    networks = [small(3), small(4, waits), *(small(n) for n in range(5, 12))]
    scorer: Any = proxy.score_all
    on, expected = Card(CPU, Endless, size=2), alone(proxy, networks)
    found = scorer(networks, 0, "cpu", on)
    assert on.spoilt and len(on.free) == 3
    assert [one and one[0] for one in found] == [*expected[:2], *[None] * 7]
    assert executor.worker_pool._renew
    found = scorer(networks[2:], 0, "cpu", on)  # where the worker was not renewed
    assert [one[0] for one in found] == expected[2:]


@pytest.fixture(autouse=True)
def this_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor.worker_pool, "_renew", False)


def test_a_warning_while_a_step_is_recorded_is_a_failed_recording(proxy: Proxy) -> None:
    """torch warns of an empty graph, and warnings may be errors."""

    class Warned(Tape):
        def capture_end(self) -> None:
            super().capture_end()
            warnings.warn("The CUDA Graph is empty", UserWarning, stacklevel=1)

    networks = [small(3), small(4)]
    assert together(proxy, networks[:1], Card(CPU, Warned)) == alone(proxy, networks[:1])


def test_operations_are_run_before_they_are_recorded_once_for_each_shape(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    warmed: list[int] = []
    warm_up = recorded.Resident._warm_up

    def counted(one: recorded.Resident) -> None:
        warmed.append(one.model.backbone.body.weight.shape[0])  # type: ignore[union-attr, index, arg-type]
        warm_up(one)

    monkeypatch.setattr(recorded.Resident, "_warm_up", counted)
    on, networks = Card(CPU, Tape, size=1), [small(n) for n in (3, 3, 3, 4, 3, 4, 4)]
    assert together(proxy, networks, on) == alone(proxy, networks)
    # the first on each of two slots, and the first of each shape
    assert sorted(warmed) in ([3, 3, 4], [3, 4]) and len(on.known) > 0
    warmed.clear()
    together(proxy, networks, on)
    assert len(warmed) <= 1  # a slot that was not used before


def test_graphs_are_destroyed_and_begun_by_one_thread_at_a_time(proxy: Proxy) -> None:
    """torch before 2.13 keeps a list of them without a lock."""

    class Watched(Tape):
        def capture_begin(self, pool: Any = None, capture_error_mode: str = "global") -> None:
            assert card.graphs_change._is_owned()  # type: ignore[attr-defined]
            super().capture_begin(pool, capture_error_mode)

        def __del__(self) -> None:
            owned.append(card.graphs_change._is_owned())  # type: ignore[attr-defined]

    owned: list[bool] = []
    on = Card(CPU, Watched, size=2)
    together(proxy, [small(n) for n in range(3, 9)], on)
    on.tidy()
    assert owned == [True] * 12


@pytest.fixture
def precision() -> Iterator[None]:
    backends: Any = torch.backends
    places = [backends, backends.cudnn, backends.cudnn.conv, backends.cudnn.rnn, backends.cuda.matmul]
    kept = [place.fp32_precision for place in places]
    settings = backends.cudnn.deterministic, backends.cudnn.benchmark
    yield
    for place, value in zip(places, kept, strict=True):
        place.fp32_precision = value
    backends.cudnn.deterministic, backends.cudnn.benchmark = settings


@pytest.mark.usefixtures("precision")
def test_float32_on_a_card_is_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    backends: Any = torch.backends
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    backends.cudnn.conv.fp32_precision = backends.cuda.matmul.fp32_precision = "tf32"
    assert card.exact("cpu") == CPU and backends.cudnn.conv.fp32_precision == "tf32"
    assert card.exact("cuda") == torch.device("cuda", 1)
    for place in (backends, backends.cudnn.conv, backends.cudnn.rnn, backends.cuda.matmul):
        assert place.fp32_precision == "ieee"
    assert torch.backends.cudnn.deterministic and not torch.backends.cudnn.benchmark


def plan(device: str) -> Plan:
    return Plan("nasbench201", "topology", "regression-n101", None, 0, device)


def test_a_worker_on_a_card_is_handed_batches_and_one_on_the_cpu_single_architectures(proxy: Proxy) -> None:
    calls: list[list[str]] = []

    def score_all(networks: Any, seed: int, device: str) -> list[Any]:
        calls.append([arch_id for _, arch_id in networks])
        return [{"p": (Score(float(len(a)), "ok", None), 1.0)} for _, a in networks]

    def one(build: Any, arch_id: str, seed: int, device: str, wanted: Any) -> Any:
        return {"p": (Score(-1.0, "ok", None), 1.0)}

    bundle = Bundle("made-up", (proxy,), "made-up", one, score_all=score_all)
    batch = (("a", "{}", ("p",)), ("bb", "{}", ("p",)))
    task = plan("cuda").scorer(bundle, "cuda")
    assert [result and result["p"][0].value for result in task.together(batch)] == [1.0, 2.0] and calls == [["a", "bb"]]
    assert task(batch[0])["p"][0].value == -1.0
    assert score._batch_size("cpu", bundle, 1000, 2) == 1
    assert score._batch_size("cuda", bundle, 4000, 2) == score.BATCH
    assert score._batch_size("cuda", bundle, 30, 4) == 8
    assert score._batch_size("cuda", Bundle("n", (proxy,), "n", one), 1000, 2) == 1


def test_a_batch_whose_workers_died_is_done_again_one_by_one() -> None:
    """So that one deadly architecture is one failed score."""

    class Negated:
        def prepare(self) -> None:
            pass

        def __call__(self, item: int) -> int:
            return -item

        def together(self, items: Sequence[int]) -> list[int]:
            return [-item for item in items]

    def run(task: executor.ItemFunction, items: Sequence[Any], skip: Callable[[Any], bool]) -> executor.Results:
        for item in items:
            if not skip(item):
                yield item, executor.LostWorker(3) if item in (5, (4, 5, 6, 7)) else task(item)

    found = dict(batches.results(run, Negated(), list(range(10)), 4, lambda item: item < 4))
    assert {i: r for i, r in found.items() if i != 5} == {i: -i for i in (4, 6, 7, 8, 9)}
    assert isinstance(found[5], executor.LostWorker)
    inline = partial(executor.run, workers=1)
    assert dict(batches.results(inline, Negated(), [1, 2, 3], 2, lambda item: False)) == {1: -1, 2: -2, 3: -3}


def test_items_that_a_worker_leaves_to_another_are_done_again() -> None:
    """A batch has at least one result, so that there is an end."""

    class OneByOne:
        def prepare(self) -> None:
            pass

        def __call__(self, item: int) -> int:
            raise AssertionError

        def together(self, items: Sequence[int]) -> list[int | None]:
            return [-items[0], *[None] * (len(items) - 1)]

    found = dict(batches.results(partial(executor.run, workers=1), OneByOne(), [1, 2, 3, 4], 4, lambda item: False))
    assert found == {1: -1, 2: -2, 3: -3, 4: -4}


def test_seconds_of_workers_that_share_a_card_are_those_of_their_shares(proxy: Proxy) -> None:
    def score_all(networks: Any, seed: int, device: str) -> list[Any]:
        return [{"p": (Score(1.0, "ok", None), 6.0)}, None]

    def one(build: Any, arch_id: str, seed: int, device: str, wanted: Any) -> Any:
        return {"p": (Score(1.0, "ok", None), 9.0)}

    bundle = Bundle("made-up", (proxy,), "made-up", one, score_all=score_all)
    task = plan("cuda").scorer(bundle, "cuda", sharing=3)
    both = task.together((("a", "{}", ("p",)), ("b", "{}", ("p",))))
    assert both[1] is None and both[0] is not None and both[0]["p"][1] == 2.0
    assert task(("a", "{}", ("p",)))["p"][1] == 3.0


def test_auto_is_a_card_only_for_what_trains_side_by_side(proxy: Proxy) -> None:
    def one(build: Any, arch_id: str, seed: int, device: str, wanted: Any) -> Any: ...

    def score_all(networks: Any, seed: int, device: str) -> Any: ...

    alone, together = Bundle("n", (proxy,), "n", one), Bundle("n", (proxy,), "n", one, score_all=score_all)
    assert [plan("auto").asked_device(bundle) for bundle in (alone, together)] == ["cpu", "auto"]
    assert [plan("cuda").asked_device(bundle) for bundle in (alone, together)] == ["cuda", "cuda"]


def test_the_record_of_a_run_on_a_card_says_how_the_card_computed() -> None:
    cards = cluster.RayPool(4, "cuda", "a card", 0.5)
    assert score.how(cards) == {"workers": 4, "sharing": 2, "arithmetic": arithmetic.ON_A_CARD}
    assert score.how(cluster.RayPool(4, "cpu", "cpu", 0.0)) == {"workers": 4}
