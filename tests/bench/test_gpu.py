"""What needs a CUDA card, and that the command for it runs through, which does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.proxies import Proxy, regression
from pipeline.proxies.regression import card, presets
from pipeline.proxies.regression.resident import Card
from tests.bench import gpu
from tests.fixtures.tape import Tape

SHORT = 'name = "short"\nextends = "regression-n101"\niterations = 4\nevaluate_every = 2\n'

on_a_card = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


@pytest.fixture
def proxy(tmp_path: Path) -> Proxy:
    path = tmp_path / "short.toml"
    path.write_text(SHORT)
    return regression.load(str(path))


@pytest.fixture
def little_memory() -> Iterator[None]:
    """A gigabyte of the card, which a group of sixteen networks of NAS-Bench-201 does not fit into."""
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e9 / torch.cuda.get_device_properties(0).total_memory)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


class TestOnACard:
    pytestmark = on_a_card

    @pytest.mark.parametrize("name", ["nasbench201", "nasbench101"])
    def test_a_group_has_the_losses_of_the_cpu_but_for_rounding(
        self, name: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        some = gpu.networks(name, 6)
        expected = [proxy.score(*network, 0, "cpu") for network in some]
        score_all: Any = proxy.score_all

        def plainly(*_: Any) -> None:
            raise AssertionError("the step was not recorded")

        monkeypatch.setattr(regression._Scorer, "score", plainly)
        found = [score for score, _ in score_all(some, 0, "cuda", gpu_card(4))]
        assert [s.status for s in found] == ["ok"] * 6
        for one, other in zip(found, expected, strict=True):
            for curve, same in zip(one.curves, other.curves, strict=True):
                if curve.mode == "train":  # before the first step nothing has magnified rounding yet
                    assert curve.losses[0] == pytest.approx(same.losses[0], rel=1e-5)
            assert one.value == pytest.approx(other.value, rel=0.05)

    def test_neighbours_do_not_change_losses_beyond_rounding(self, proxy: Proxy) -> None:
        some = gpu.networks("nasbench201", 5)
        score_all: Any = proxy.score_all
        (alone, _), *_ = score_all(some[:1], 0, "cuda", gpu_card(1))
        for together in (score_all(some, 0, "cuda", gpu_card(8)), score_all(some, 0, "cuda", gpu_card(2))):
            for curve, same in zip(together[0][0].curves, alone.curves, strict=True):
                assert curve.losses == pytest.approx(same.losses, rel=0.02)

    @pytest.mark.usefixtures("little_memory")
    def test_a_card_with_little_memory_halves_its_groups(self, proxy: Proxy) -> None:
        score_all: Any = proxy.score_all
        found = score_all(gpu.networks("nasbench201", 20), 0, "cuda", gpu_card(16))
        assert [score.status for score, _ in found] == ["ok"] * 20


def gpu_card(size: int) -> Card:
    return Card(card.exact("cuda"), torch.cuda.CUDAGraph, size)


def test_the_command_for_the_first_card_runs_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the CPU, with a tape for a graph: so that the first lease of a card is not spent on a typing error."""
    path = tmp_path / "short.toml"
    path.write_text(SHORT.replace("iterations = 4", "iterations = 2").replace("every = 2", "every = 1"))
    for name, value in {
        "DEVICE": "cpu", "PRESET": str(path), "FEW": 2, "MANY": 2, "SIZES": (2,), "WORKERS": (1,), "SAMPLE": 1,
        "LAYOUTS": {"contiguous": torch.contiguous_format},
    }.items():  # fmt: skip
        monkeypatch.setattr(gpu, name, value)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Tape)
    for name in ("synchronize", "reset_peak_memory_stats", "empty_cache"):
        monkeypatch.setattr(torch.cuda, name, lambda: None)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda: 2e9)
    monkeypatch.setattr(gpu.floors, "mean", lambda name, count, preset: gpu.floors.cost(name, 0, presets.load(preset)))
    found = gpu.bench("nasbench101")
    assert [row["size"] for row in found["groups"]] == [2] and found["best"]["ratio"] > 0
    assert all(row["statuses"] == ["ok"] and row["peak_gb"] == 2 for row in found["groups"])
    for agreed in (found["single_with_plain"], *(row["with_plain"] for row in found["groups"])):
        # a channel that hardly varies is normalised all the same, which magnifies its rounding
        assert agreed["networks"] == 2 and agreed["first_loss_apart"] < 1e-3
    assert found["h100_floor_seconds"] > 0
    [run] = gpu.workers("nasbench101")
    assert run["statuses"] == {"ok": 1}
    with pytest.raises(SystemExit, match="unknown: bnch; there are tests, bench, workers, whole"):
        monkeypatch.setattr("sys.argv", ["gpu", "bnch"])
        gpu.main()
