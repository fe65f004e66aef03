"""Groups of networks on a CUDA card."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.proxies import arithmetic, regression
from pipeline.proxies.contract import Proxy
from pipeline.proxies.regression.resident import Card
from tests.bench.gpu.setting import networks

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
    def test_a_group_has_the_first_losses_of_the_cpu_and_the_bits_of_networks_alone(
        self, name: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Four steps magnify the rounding of another order of summation to some percent of a loss, on the CPU alone
        as well: to the CPU only the losses before the first step are held."""
        some = networks(name, 6)
        others = [proxy.score(*network, 0, device) for device in ("cpu", "cuda") for network in some]
        score_all: Any = proxy.score_all

        def plainly(*_: Any) -> None:
            raise AssertionError("the step was not recorded")

        monkeypatch.setattr(regression._Scorer, "score", plainly)
        found = [score for score, _ in score_all(some, 0, "cuda", gpu_card(4))]
        assert [s.status for s in found] == ["ok"] * 6
        assert found == [score_all([network], 0, "cuda", gpu_card(1))[0][0] for network in some]
        for one, other in zip(found + found, others, strict=True):
            for curve, same in zip(one.curves, other.curves, strict=True):
                if curve.mode == "train":
                    assert curve.losses[0] == pytest.approx(same.losses[0], rel=1e-5)

    def test_neighbours_do_not_change_losses_beyond_rounding(self, proxy: Proxy) -> None:
        some = networks("nasbench201", 5)
        score_all: Any = proxy.score_all
        (alone, _), *_ = score_all(some[:1], 0, "cuda", gpu_card(1))
        for together in (score_all(some, 0, "cuda", gpu_card(8)), score_all(some, 0, "cuda", gpu_card(2))):
            for curve, same in zip(together[0][0].curves, alone.curves, strict=True):
                assert curve.losses == pytest.approx(same.losses, rel=0.02)

    @pytest.mark.usefixtures("little_memory")
    def test_a_card_with_little_memory_halves_its_groups(self, proxy: Proxy) -> None:
        score_all: Any = proxy.score_all
        found = score_all(networks("nasbench201", 20), 0, "cuda", gpu_card(16))
        assert [score.status for score, _ in found] == ["ok"] * 20


def gpu_card(size: int) -> Card:
    return Card(arithmetic.exact("cuda"), torch.cuda.CUDAGraph, size)
