"""Modules for a card: the same functions but for rounding, in fewer or shorter kernels.

cuDNN's deterministic kernels for the gradient of a convolution's weights have a block for each tile of the weights, and
these networks' weights are a few tiles: some of a hundred and more multiprocessors work a tenth of a millisecond where
the rest wait. Here it is a kernel of Triton's, or where that does not compile a product of matrices, both parallel over
images and positions. Batch normalisation without scales takes torch's own kernels, three for a forward pass; with
scales of one it is a single one of cuDNN's.
"""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

_NO_KERNEL = (ImportError, OSError, RuntimeError, subprocess.SubprocessError)
"""No Triton; no compiler, or no folder for what it compiles; a card that it or CUDA refuses; a compiler that fails."""

SMALL = 2**16  # numbers of a weight; cuDNN has enough tiles for a larger one


class Convolution(nn.Conv2d):
    """The same function as `nn.Conv2d`, but for the rounding of the gradient of its weights."""

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, K, H', W']."""
        maps: Tensor = _Convolve.apply(  # type: ignore[no-untyped-call]
            images, self.weight, self.bias, self.stride, self.padding, self.dilation
        )
        return maps


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(
        context: Any, images: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any
    ) -> Tensor:
        context.save_for_backward(images, weight)
        context.geometry = stride, padding, dilation
        return torch.conv2d(images, weight, bias, stride, padding, dilation)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        images, weight = context.saved_tensors
        of_images = of_weight = of_bias = None
        if context.needs_input_grad[0]:
            stride, padding, dilation = context.geometry
            of_images, _, _ = torch.ops.aten.convolution_backward(
                gradient, images, weight, None, stride, padding, dilation, False, [0, 0], 1, [True, False, False]
            )
        if context.needs_input_grad[1]:
            of_weight = weight_gradient(images.device)(images, gradient, weight.shape, *context.geometry)
        if context.needs_input_grad[2]:
            of_bias = gradient.sum((0, 2, 3))
        return of_images, of_weight, of_bias, None, None, None


@functools.cache
def weight_gradient(device: torch.device) -> Callable[..., Tensor]:
    """How a device computes the gradient of weights; `by_products` says of what.

    On a card it is the kernel of `gradient_kernel`, if that compiles there and gives what the products give.
    """
    return by_products if device.type == "cpu" else _checked(device)


def _checked(device: torch.device) -> Callable[..., Tensor]:
    generator, ones = torch.Generator().manual_seed(0), (1, 1)
    both = [torch.randn(3, n, 9, 11, generator=generator) for n in (5, 7)]
    try:
        images, gradient = (tensor.to(device) for tensor in both)
    except (RuntimeError, AssertionError):  # a torch that was built without CUDA asserts that it was
        return by_products
    try:
        from pipeline.proxies.regression.gradient_kernel import weight_gradient as by_kernel

        asked = images, gradient, torch.Size((7, 5, 3, 3)), ones, ones, ones
        right = torch.allclose(by_kernel(*asked), by_products(*asked), rtol=1e-4, atol=1e-4)
    except Exception as error:
        if not isinstance(error, _NO_KERNEL) and not _is_of_triton(error):
            raise
        return by_products
    return by_kernel if right else by_products


def _is_of_triton(error: Exception) -> bool:
    """Whether Triton itself says that it cannot compile or launch; its errors share no class with Python's own."""
    return any(kind.__module__.partition(".")[0] == "triton" for kind in type(error).__mro__)


def by_products(
    images: Tensor, gradient: Tensor, shape: torch.Size, stride: Any, padding: Any, dilation: Any
) -> Tensor:
    """The gradient of a convolution's weights, from its inputs [N, C, H, W] and that of its outputs [N, K, H', W'].

    Args:
        images: the inputs.
        gradient: of the outputs.
        shape: of the weights, [K, C, R, S].
        stride: of both directions, like padding and dilation.
        padding: with zeros.
        dilation: between the weights' positions.
    """
    pointwise = shape[2:] == (1, 1) and stride == (1, 1) and padding == (0, 0)
    columns = images.flatten(2) if pointwise else _columns(images, shape[2:], stride, padding, dilation)
    return torch.bmm(gradient.flatten(2), columns.transpose(1, 2)).sum(0).view(shape)


def _columns(images: Tensor, kernel: torch.Size, stride: Any, padding: Any, dilation: Any) -> Tensor:
    """What `functional.unfold` gives, which on a card has a kernel for each image: [N, C x R x S, H' x W']."""
    if any(padding):
        images = functional.pad(images, (padding[1], padding[1], padding[0], padding[0]))
    count, channels, *size = images.shape
    steps = images.stride()
    outer = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(size, kernel, stride, dilation, strict=True)]
    within = [step * d for step, d in zip(steps[2:], dilation, strict=True)]
    between = [step * s for step, s in zip(steps[2:], stride, strict=True)]
    patches = images.as_strided((count, channels, *kernel, *outer), (*steps[:2], *within, *between))
    return patches.reshape(count, channels * kernel.numel(), -1)


class Normalisation(nn.BatchNorm2d):
    """`nn.BatchNorm2d` without scales, shifts and running statistics; `ones` and `zeros` scale and shift."""

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H, W]."""
        return functional.batch_norm(images, None, None, self.ones, self.zeros, True, 0.0, self.eps)  # type: ignore[arg-type]


def convert(model: nn.Module) -> None:
    """Have a model's small convolutions and its batch normalisations without scales computed so."""
    for module in model.modules():
        if type(module) is nn.Conv2d and module.weight.numel() < SMALL:
            if module.groups == 1 and module.padding_mode == "zeros" and not isinstance(module.padding, str):
                module.__class__ = Convolution
        elif type(module) is nn.BatchNorm2d and not module.affine and not module.track_running_stats:
            module.register_buffer("ones", torch.ones(module.num_features))
            module.register_buffer("zeros", torch.zeros(module.num_features))
            module.__class__ = Normalisation
