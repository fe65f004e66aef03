"""A card without memory, streams or luck: what fails costs its own score alone, and slots come back."""

from __future__ import annotations

import warnings
import weakref
from typing import Any

import pytest
import torch
from torch import Tensor

from pipeline import executor
from pipeline.errors import UserError
from pipeline.proxies.contract import Proxy
from pipeline.proxies.regression import card, recorded, resident
from pipeline.proxies.regression.resident import Card
from tests.fixtures.small_networks import (
    CPU,
    TwoTaps,
    alone,
    broken,
    small,
    together,
    waits,
)
from tests.fixtures.tape import Tape


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
