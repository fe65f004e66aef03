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

from pipeline.proxies.zerocost.function_observer import Call, FunctionObserver, Operation

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

    def observe(self, call: Call) -> Tensor:
        """Note the output of a layer, and what reads its gradient.

        The network continues with a copy: an activation that computes in place would make the output its own, and the
        gradient that of the activation.
        """
        if call.operation not in _READERS:
            return call.result
        self.outputs.append(call.result)
        self.readers.append(_READERS[call.operation](call.result, call.arguments))
        return call.result.clone()

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


def _read_convolution(output: Tensor, arguments: Mapping[str, Any]) -> Reader:
    down, right = _pair(arguments.get("stride", 1))
    top, left = _padding(arguments)
    height, width = output.shape[2:]
    padded = functional.pad(arguments["input"][:, :1].detach(), (left, left, top, top))[:, 0]
    pixels = padded[:, : (height - 1) * down + 1 : down, : (width - 1) * right + 1 : right]
    shifted = arguments.get("bias") is not None
    return lambda gradient: [
        _of_images(gradient[:, 0] * pixels), *([_of_images(gradient[:, 0])] if shifted else [])
    ]  # fmt: skip


def _padding(arguments: Mapping[str, Any]) -> tuple[int, int]:
    """Rows above and columns to the left of an image; what is padded at its other sides, no first entry reads."""
    padding = arguments.get("padding", 0)
    if padding == "valid":
        return 0, 0
    if padding == "same":
        (rows, columns), (down, right) = arguments["weight"].shape[2:], _pair(arguments.get("dilation", 1))
        return down * (rows - 1) // 2, right * (columns - 1) // 2
    return _pair(padding)


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    """For rows and for columns, which torch takes as one number where they are the same."""
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


def _read_linear(output: Tensor, arguments: Mapping[str, Any]) -> Reader:
    first = arguments["input"][..., 0].detach()
    shifted = arguments.get("bias") is not None
    return lambda gradient: [
        _of_images(gradient[..., 0] * first), *([_of_images(gradient[..., 0])] if shifted else [])
    ]  # fmt: skip


def _read_normalisation(output: Tensor, arguments: Mapping[str, Any]) -> Reader:
    mean, variance = arguments["running_mean"], arguments["running_var"]
    if mean is None or variance is None:
        raise ValueError("the network has a batch normalisation without running statistics: its images see one another")
    if arguments.get("weight") is None:
        return lambda gradient: []
    deviation = (variance[0] + arguments.get("eps", 1e-5)).sqrt()
    normalised = ((arguments["input"][:, 0] - mean[0]) / deviation).detach()
    return lambda gradient: [_of_images(gradient[:, 0] * normalised), _of_images(gradient[:, 0])]


def _of_images(derivatives: Tensor) -> Tensor:
    """[N, ...] -> [N]: the sum over whatever else a layer is applied to, pixels or tokens."""
    rest = tuple(range(1, derivatives.dim()))
    return derivatives.sum(rest) if rest else derivatives


_READERS: dict[Operation, Callable[[Tensor, Mapping[str, Any]], Reader]] = {
    "convolution": _read_convolution,
    "linear": _read_linear,
    "normalisation": _read_normalisation,
}
