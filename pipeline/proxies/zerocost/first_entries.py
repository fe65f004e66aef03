"""The first entry of every parameter: how the logits of each image depend on it.

Where images do not see one another (batch normalisation by running statistics), one backward pass from the sum of a
logit over the images gives every layer's output its gradient for each image. For one entry of a parameter that is
enough: no gradient of a whole parameter is computed, let alone one for each image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from pipeline.proxies.zerocost.function_observer import FunctionObserver

Reader = Callable[[Tensor], list[Tensor]]
"""Gradient of an output, [N, ...] -> that of the first entry of each parameter that made it, [N] each."""


class FirstEntryObserver(FunctionObserver):
    """Within `with FirstEntryObserver() as observed:`, the layers of a forward pass in the order of their calls.

    Attributes:
        outputs: of each convolution, linear layer and batch normalisation.
        readers: of each, the function from the gradient of its output to those of its parameters' first entries.
    """

    def __init__(self) -> None:
        super().__init__()
        self.outputs: list[Tensor] = []
        self.readers: list[Reader] = []

    def observe(
        self, function: Callable[..., Any], result: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
    ) -> None:
        """Note the output of a layer, and what reads its gradient."""
        if function in _READERS:
            self.outputs.append(result)
            self.readers.append(_READERS[function](result, *arguments, **keywords))

    def jacobian(self, logits: Tensor, entries: int) -> Tensor:
        """[N, classes, P]: of the logits [N, classes] with regard to the first entries, the first P <= `entries`."""
        rows = []
        for of_class in logits.unbind(1):
            gradients = torch.autograd.grad(of_class.sum(), self.outputs, retain_graph=True, allow_unused=True)
            rows.append(self._row(gradients, len(logits), entries))
        return torch.stack(rows, 1)

    def _row(self, gradients: Sequence[Tensor | None], count: int, entries: int) -> Tensor:
        derivatives: list[Tensor] = []
        for output, gradient, read in zip(self.outputs, gradients, self.readers, strict=True):
            derivatives += read(torch.zeros_like(output) if gradient is None else gradient)
            if len(derivatives) >= entries:
                break
        return torch.stack(derivatives[:entries], 1).detach()


def _read_convolution(
    output: Tensor, images: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, *_: Any
) -> Reader:
    (down, right), (top, left) = stride, padding
    height, width = output.shape[2:]
    padded = functional.pad(images[:, :1].detach(), (left, left, top, top))[:, 0]
    pixels = padded[:, : (height - 1) * down + 1 : down, : (width - 1) * right + 1 : right]
    return lambda gradient: [(gradient[:, 0] * pixels).sum((1, 2)), *([] if bias is None else [_summed(gradient)])]


def _read_linear(output: Tensor, features: Tensor, weight: Tensor, bias: Tensor | None = None) -> Reader:
    first = features[:, 0].detach()
    return lambda gradient: [gradient[:, 0] * first, *([] if bias is None else [gradient[:, 0]])]


def _read_normalisation(
    output: Tensor,
    maps: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Reader:
    if weight is None:
        return lambda gradient: []
    normalised = ((maps[:, 0] - mean[0]) / (variance[0] + eps).sqrt()).detach()
    return lambda gradient: [(gradient[:, 0] * normalised).sum((1, 2)), _summed(gradient)]


def _summed(gradient: Tensor) -> Tensor:
    return gradient[:, 0].sum((1, 2))


_READERS: dict[Callable[..., Any], Callable[..., Reader]] = {
    functional.conv2d: _read_convolution,
    functional.linear: _read_linear,
    functional.batch_norm: _read_normalisation,
}
