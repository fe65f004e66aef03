"""Settings of the process that scores, which its user may have changed before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

import pipeline
from pipeline.proxies import process_state

MKLDNN: Any = torch.backends.mkldnn


@pytest.fixture
def changed() -> Iterator[None]:
    """Bfloat16 in products on a CPU, and tensors that are made without numbers."""
    with process_state.restored():
        torch.set_float32_matmul_precision("medium")
        MKLDNN.conv.fp32_precision = "bf16"
        torch.set_default_device("meta")
        yield


@pytest.mark.usefixtures("changed")
def test_settings_of_the_callers_process_do_not_reach_a_score() -> None:
    with process_state.restored():
        assert {part.fp32_precision for part in (MKLDNN.conv, MKLDNN.rnn, MKLDNN.matmul)} == {"ieee"}
        assert torch.zeros(1).device.type == "cpu"
    assert MKLDNN.conv.fp32_precision == "bf16"
    assert torch.zeros(1).device.type == "meta"


def make() -> nn.Module:
    return pipeline.tapped(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), ["1"])


@pytest.mark.parametrize("proxy", ["grad_norm", "synflow"])
def test_a_network_has_its_score_whatever_the_default_device(proxy: str) -> None:
    expected = pipeline.score_network(make, proxy, device="cpu").value
    torch.set_default_device("meta")
    try:
        assert pipeline.score_network(make, proxy, device="cpu").value == expected is not None
    finally:
        torch.set_default_device(None)
