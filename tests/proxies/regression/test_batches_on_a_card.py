"""Precision on a card, and what its workers are handed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pipeline import executor
from pipeline.executor import cluster
from pipeline.proxies import arithmetic, regression
from pipeline.proxies.contract import Bundle, Proxy, Score
from pipeline.proxies.regression import resident
from pipeline.scoring import batches
from pipeline.scoring import run as score
from pipeline.scoring.plan import Plan
from tests.fixtures.small_networks import (
    CPU,
)


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
    assert arithmetic.exact("cpu") == CPU and backends.cudnn.conv.fp32_precision == "tf32"
    assert arithmetic.exact("cuda") == torch.device("cuda", 1)
    for place in (backends, backends.cudnn.conv, backends.cudnn.rnn, backends.cuda.matmul):
        assert place.fp32_precision == "ieee"
    assert torch.backends.cudnn.deterministic and not torch.backends.cudnn.benchmark


def test_on_a_card_channels_come_before_positions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Torch before July 2026 has a wrong gradient of padded average pooling there where channels are last."""
    assert arithmetic.layout(CPU) == torch.channels_last
    assert arithmetic.layout(torch.device("cuda", 0)) == torch.contiguous_format
    assert resident.Card(torch.device("meta"), None, 1).layout == torch.contiguous_format
    seen: list[bool] = []

    class Taps(nn.Module):
        tap_channels = (4, 4, 4)

        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 4, 3, 4, 1)

        def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
            seen.extend(tensor.is_contiguous() for tensor in (images, self.first.weight))
            return [self.first(images)] * 3

    preset = tmp_path / "short.toml"
    preset.write_text('name = "short"\nextends = "regression-n101"\niterations = 1\nevaluate_every = 1\n')
    proxy = regression.load(str(preset))
    assert proxy.score(Taps, "a", 0, "cpu").status == "ok" and not any(seen)
    seen.clear()
    monkeypatch.setattr(arithmetic, "layout", lambda device, network: torch.contiguous_format)
    assert proxy.score(Taps, "a", 0, "cpu").status == "ok" and all(seen)


@pytest.mark.parametrize(("channels", "stride", "groups", "last"), [
    (4, 2, 1, False), (15, 2, 1, False), (16, 2, 1, True), (4, 1, 1, True), (32, 2, 4, False),
])  # fmt: skip
def test_on_a_cpu_a_network_that_onednn_breaks_with_channels_last_has_them_first(
    channels: int, stride: int, groups: int, last: bool
) -> None:
    network = nn.Sequential(nn.Conv2d(3, channels, 3, 2), nn.Conv2d(channels, 8, 1, stride, groups=groups))
    assert (arithmetic.layout(CPU, network) == torch.channels_last) == last


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
    assert [result and result["p"][0].value for result in task.side_by_side(batch)] == [1.0, 2.0] and calls == [
        ["a", "bb"]
    ]
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

        def side_by_side(self, items: Sequence[int]) -> list[int]:
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

        def side_by_side(self, items: Sequence[int]) -> list[int | None]:
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
    both = task.side_by_side((("a", "{}", ("p",)), ("b", "{}", ("p",))))
    assert both[1] is None and both[0] is not None and both[0]["p"][1] == 2.0
    assert task(("a", "{}", ("p",)))["p"][1] == 3.0


def test_auto_is_a_card_only_for_what_trains_side_by_side(proxy: Proxy) -> None:
    def one(build: Any, arch_id: str, seed: int, device: str, wanted: Any) -> Any: ...

    def score_all(networks: Any, seed: int, device: str) -> Any: ...

    alone, together = Bundle("n", (proxy,), "n", one), Bundle("n", (proxy,), "n", one, score_all=score_all)
    assert [bundle.asked_device("auto") for bundle in (alone, together)] == ["cpu", "auto"]
    assert [bundle.asked_device("cuda") for bundle in (alone, together)] == ["cuda", "cuda"]


def test_the_record_of_a_run_on_a_card_says_how_the_card_computed() -> None:
    cards = cluster.RayPool(4, "cuda", "a card", 0.5)
    assert score.of_workers(cards) == {"workers": 4, "sharing": 2, "arithmetic": arithmetic.ON_A_CARD}
    assert score.of_workers(cluster.RayPool(4, "cpu", "cpu", 0.0)) == {"workers": 4}
