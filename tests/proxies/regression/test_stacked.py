"""Architectures that do each operation together, held to the plain loop by Triton's interpreter on the CPU."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pipeline import executor
from pipeline.benchmarks.nasbench201 import network as networks
from pipeline.errors import UserError
from pipeline.proxies import arithmetic, regression
from pipeline.proxies.contract import Network, Proxy, Timed
from pipeline.proxies.regression import card, recorded, resident, training
from tests.fixtures.tape import Tape

pytest.importorskip("triton", reason="Triton is not installed")

from triton.errors import TritonError

from pipeline.proxies.regression.stacked import engine, network
from pipeline.proxies.regression.stacked.launches import LAUNCHES, Launch
from pipeline.proxies.regression.stacked.layout import Shape, Weights, operations_of

EVERY = "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
WIDTHS = (16, 32, 32, 64, 64)
SHORT = 'name = "short"\nextends = "{}"\niterations = 1\nevaluate_every = 1\n'
PRESETS = ("regression-n101", "regression-menu")


def build(cell: str) -> nn.Module:
    return networks.NATSNetwork(networks.parse_cell(cell), WIDTHS, 1)


def short(folder: Path, preset: str = PRESETS[0]) -> Proxy:
    """One image, one iteration, one evaluation."""
    path = folder / "short.toml"
    path.write_text(SHORT.format(preset))
    proxy = regression.load(str(path))
    task = proxy.score_all.__self__.task  # type: ignore[union-attr]
    task.__dict__["images"] = task.images[:1]
    return proxy


@pytest.fixture
def proxy(tmp_path: Path) -> Proxy:
    return short(tmp_path)


def some(count: int) -> list[Network]:
    return [(partial(build, EVERY), str(number)) for number in range(count)]


def on_cpu(group: int, graph: Callable[[], Any] | None = None) -> engine.StackedCard:
    return engine.StackedCard(resident.Card(torch.device("cpu"), None, 1), graph, group)


def together(proxy: Proxy, networks: list[Network], on: engine.StackedCard) -> list[Timed | None]:
    score_all: Any = proxy.score_all
    scores: list[Timed | None] = score_all(networks, 0, "cpu", on)
    return scores


def curves(scores: list[Timed | None]) -> list[Any]:
    return [timed and timed[0].curves for timed in scores]


def agrees_with_the_plain_loop(proxy: Proxy, device: str, on: engine.StackedCard) -> None:
    """First losses before and after one step of training: gradients and the update are in the second."""
    score_all: Any = proxy.score_all
    [(stacked, _)] = score_all(some(1), 0, device, on)
    plain = proxy.score(*some(1)[0], 0, device)
    assert stacked.status == plain.status == "ok"
    for curve, same in zip(stacked.curves, plain.curves, strict=True):
        assert (curve.stage, curve.mode, curve.iterations) == (same.stage, same.mode, same.iterations)
        assert curve.losses == pytest.approx(same.losses, rel=1e-5)


def interpreted(folder: Path) -> None:
    """In a process whose Triton interprets. The interpreter's time is that of its blocks, not of what is in them."""
    large = {kernel: {16: Launch(1024, rows=1024)} for kernel in LAUNCHES}
    setattr(engine, "Stack", partial(network.Stack, launches=large))  # noqa: B010 (of another module)
    for preset in PRESETS:
        agrees_with_the_plain_loop(short(folder, preset), "cpu", on_cpu(1))


def test_a_stack_has_the_losses_of_the_plain_loop(tmp_path: Path) -> None:
    """In Triton's interpreter, which a process has or has not: it is asked for before a kernel is defined."""
    code = (
        "import pathlib, sys; from tests.proxies.regression import test_stacked as t;"
        "t.interpreted(pathlib.Path(sys.argv[1]))"
    )
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=True)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("preset", PRESETS)
def test_a_stack_on_a_card_has_the_losses_of_the_plain_loop(preset: str, tmp_path: Path) -> None:
    rest = resident.Card(arithmetic.exact("cuda"), torch.cuda.CUDAGraph, 1)
    on = engine.StackedCard(rest, torch.cuda.CUDAGraph, 2)
    agrees_with_the_plain_loop(short(tmp_path, preset), "cuda", on)


def test_neither_triton_nor_torchs_compiler_is_imported_without_a_card(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys; from pipeline import executor; from pipeline.proxies import regression;"
        "from pipeline.proxies.regression import card, recorded, resident, training;"
        "from tests.fixtures import small_networks; regression.load('regression-n101');"
        "small_networks.alone(small_networks.loaded(pathlib.Path(sys.argv[1])), [small_networks.small(5)]);"
        "assert not {'triton', 'torch._dynamo'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


class Nothing:
    """A stack whose passes do nothing, for what is around them."""

    def __init__(self, shape: Shape, count: int, device: torch.device, precision: str) -> None:
        self.shape, self.count, self.device = shape, count, device
        self.weights = Weights(shape, count, device)
        self.calls: list[str] = []

    def reset(self) -> None:
        self.calls.append("reset")

    def forward(self, images: torch.Tensor, *, training: bool) -> None:
        self.seen = images
        self.calls.append("train" if training else "evaluate")

    def backward(self, images: torch.Tensor, gradients: list[torch.Tensor]) -> None: ...

    def update(self, rate: float, decay: float, friction: float) -> None: ...


class NoHeads:
    """Losses that tell the batch and the architecture: the mean of the images, by one pixel of each."""

    def __init__(self, stack: Nothing, goals: list[torch.Tensor], weights: torch.Tensor) -> None:
        self.stack, self.count = stack, len(weights)

    def losses(self, *, training: bool) -> tuple[torch.Tensor, list[torch.Tensor]]:
        return self.stack.seen.flatten(1)[:, : self.count].clone(), []


def with_room_for(most: int, shape: Shape, count: int, device: torch.device, precision: str) -> Nothing:
    if count > most:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    return Nothing(shape, count, device, precision)


def raising(error: BaseException) -> Callable[..., Any]:
    def function(*arguments: Any, **named: Any) -> Any:
        raise error

    return function


def alone(proxy: Proxy, count: int) -> list[Any]:
    return [proxy.score(*one, 0, "cpu").curves for one in some(count)]


@pytest.fixture
def without_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "Stack", Nothing)
    monkeypatch.setattr(engine, "Heads", NoHeads)


@pytest.mark.usefixtures("without_passes")
class TestGroups:
    """Groups, noise, graphs and order, without the arithmetic."""

    def test_each_architecture_sees_its_own_noise_whatever_its_group(self, tmp_path: Path) -> None:
        path = tmp_path / "longer.toml"
        path.write_text('name = "longer"\nextends = "regression-n101"\niterations = 24\nevaluate_every = 12\n')
        proxy = regression.load(str(path))
        score_all: Any = proxy.score_all
        both = [score_all(some(5), 0, "cpu", on_cpu(group)) for group in (2, 4)]
        assert curves(both[0]) == curves(both[1])
        assert len({s.value for s, _ in both[0]}) == 5
        task = score_all.__self__.task
        generator, _ = score_all.__self__._streams("3", 0)
        noise = [training.noise(task.preset.noise, task.images, generator) for _ in range(26)]
        expected = [float((task.images + n).flatten()[0]) for n in noise]
        first, *_ = both[0][3][0].curves
        assert first.losses == pytest.approx(expected[:12] + expected[13:25], rel=1e-6)

    def test_steps_are_recorded_once_and_replayed(self, proxy: Proxy) -> None:
        tapes: list[Tape] = []

        def tape() -> Tape:
            tapes.append(Tape())
            return tapes[-1]

        replayed = together(proxy, some(5), on_cpu(2, tape))
        assert len(tapes) == 2  # a step and an evaluation, for three groups
        assert curves(replayed) == curves(together(proxy, some(5), on_cpu(2)))

    def test_what_is_no_table_or_cannot_be_built_does_not_hold_up_the_others(self, proxy: Proxy) -> None:
        def broken() -> nn.Module:
            raise ValueError("no such operation")

        narrow = partial(networks.network, {"channels": [8, 16, 24, 32, 64]})
        mixed: list[Network] = [(narrow, "size"), (partial(build, EVERY), "table"), (broken, "broken")]
        score_all: Any = proxy.score_all
        size, table, unbuildable = (score for score, _ in score_all(mixed, 0, "cpu", on_cpu(2)))
        assert size.value == proxy.score(narrow, "size", 0, "cpu").value
        assert table.status == "ok"
        assert (unbuildable.status, unbuildable.reason) == ("unbuildable", "ValueError: no such operation")

    @pytest.mark.parametrize(("room", "group"), [(32, 32), (31, 16), (8, 8)])
    def test_without_memory_groups_are_smaller(
        self, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, room: int, group: int
    ) -> None:
        expected = together(proxy, some(18), on_cpu(32))
        monkeypatch.setattr(engine, "Stack", partial(with_room_for, room))
        on = on_cpu(32)
        assert curves(together(proxy, some(18), on)) == curves(expected)
        assert on.group == group and on.usable

    def test_without_memory_for_a_few_each_trains_by_itself(
        self, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engine, "Stack", partial(with_room_for, 7))
        on = on_cpu(32)
        assert curves(together(proxy, some(2), on)) == alone(proxy, 2)
        assert not on.usable

    @pytest.mark.parametrize("error", [RuntimeError("Failed to find C compiler"), TritonError("no\nregisters")])
    def test_without_a_compiler_each_trains_by_itself(
        self, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error: Exception
    ) -> None:
        """It is said once; the noise that was drawn for the group is drawn again."""
        monkeypatch.setattr(Nothing, "forward", raising(error))
        on, expected = on_cpu(2), alone(proxy, 3)
        capfd.readouterr()
        assert curves(together(proxy, some(3), on)) == expected
        assert curves(together(proxy, some(1), on)) == expected[:1]
        (line,) = capfd.readouterr().err.splitlines()
        assert str(error).split("\n", maxsplit=1)[0] in line

    def test_a_step_that_cannot_be_recorded_leaves_training_to_the_rest(
        self, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        error = card.CaptureError("the step cannot be recorded", unfinished=False)
        monkeypatch.setattr(card.Slot, "recorded", raising(error))
        assert curves(together(proxy, some(3), on_cpu(2, Tape))) == alone(proxy, 3)

    def test_a_recording_that_cannot_be_ended_leaves_the_rest_to_another_worker(
        self, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        renewed: list[bool] = []
        monkeypatch.setattr(executor, "renew_worker", lambda: renewed.append(True))
        error = card.CaptureError("the step cannot be recorded", unfinished=True)
        monkeypatch.setattr(card.Slot, "recorded", raising(error))
        first, second, *others = together(proxy, some(5), on_cpu(2, Tape))
        assert curves([first, second]) == alone(proxy, 2)
        assert others == [None] * 3 and renewed == [True]

    def test_a_card_that_fails_ends_the_run_in_one_line(self, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
        error = torch.AcceleratorError("CUDA error: device(s) is/are busy\nCompile with TORCH_USE_CUDA_DSA")
        monkeypatch.setattr(Nothing, "forward", raising(error))
        with pytest.raises(UserError, match=r"the card failed .*busy") as raised:
            together(proxy, some(3), on_cpu(2))
        assert "\n" not in str(raised.value)

    def test_an_interruption_leaves_nothing_behind_that_draws_or_builds(
        self, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on, draw, drawing = on_cpu(2), recorded._draw, []

        def slow(*arguments: Any) -> None:
            drawing.append(1)
            time.sleep(0.2)
            draw(*arguments)
            drawing.pop()

        with monkeypatch.context() as patch:
            patch.setattr(recorded, "_draw", slow)
            patch.setattr(engine.GroupBuffers, "_train_chunk", raising(KeyboardInterrupt()))
            with pytest.raises(KeyboardInterrupt):
                together(proxy, some(5), on)
            assert not drawing
        assert curves(together(proxy, some(5), on)) == curves(together(proxy, some(5), on_cpu(2)))

    def test_a_run_that_is_given_up_waits_for_what_is_built(self, proxy: Proxy) -> None:
        building: list[int] = []

        def slow() -> nn.Module:
            building.append(1)
            time.sleep(0.3)
            model = build(EVERY)
            building.pop()
            return model

        scorer: Any = proxy.score_all.__self__  # type: ignore[union-attr]
        works = [recorded.Work(slow, torch.Generator(), 0) for _ in range(4)]
        trained = scorer.task.train_all(works, scorer.drawn(0), on_cpu(1))
        next(trained)
        trained.close()
        assert not building


def test_a_card_that_fails_at_its_first_use_ends_the_run_in_one_line(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arithmetic, "exact", raising(torch.AcceleratorError("CUDA error: busy or unavailable\nmore")))
    score_all: Any = proxy.score_all
    for score in (lambda: score_all(some(1), 0, "cuda"), lambda: proxy.score(*some(1)[0], 0, "cuda")):
        with pytest.raises(UserError, match=r"the card failed .*busy") as raised:
            score()
        assert "\n" not in str(raised.value)


def test_edges_that_do_not_count_are_none() -> None:
    dead = "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
    assert operations_of(build(EVERY)) == [3, 2, 4, 1, 0, 3]
    assert operations_of(build(dead)) == [0, 2, 0, 1, 0, 4]


@pytest.mark.parametrize("channels", [[8, 16, 16, 32, 32], [16, 24, 32, 64, 64]])
def test_widths_that_triton_has_no_blocks_for_are_no_table(channels: list[int]) -> None:
    assert operations_of(networks.network({"channels": channels})) is None
