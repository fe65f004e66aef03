"""Modules for a card in place of torch's: the same functions but for rounding."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pipeline.proxies import arithmetic
from pipeline.proxies.regression import modules
from tests.fixtures.small_networks import (
    CPU,
)


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
from tests.proxies.regression import test_modules as t
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
    device = arithmetic.exact("cuda")
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


OUT_OF_RESOURCES = type("OutOfResources", (Exception,), {"__module__": "triton.runtime.errors"})


@pytest.mark.parametrize(
    "error",
    [
        ImportError("no triton.language"), FileNotFoundError("gcc"), PermissionError("cache"),
        subprocess.CalledProcessError(1, "gcc"), RuntimeError("0 active drivers"),
        type("Inherited", (OUT_OF_RESOURCES,), {})("shared memory"),
        TypeError("of a wrong call"), AttributeError("of a wrong name"), AssertionError(), KeyError("of a table"),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_a_mistake_of_the_kernels_own_is_no_reason_to_use_products(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_kernel(*_: Any) -> Tensor:
        raise error

    name = "pipeline.proxies.regression.gradient_kernel"
    monkeypatch.setitem(sys.modules, name, SimpleNamespace(weight_gradient=by_kernel))
    if isinstance(error, TypeError | AttributeError | AssertionError | KeyError):
        with pytest.raises(type(error)):
            modules._checked(CPU)
    else:
        assert modules._checked(CPU) is modules.by_products


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
