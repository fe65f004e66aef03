"""Observe a forward pass: the torch functions that it calls, with their arguments and results.

Networks call torch's functions through modules or directly, and give arguments by place or by name. Observing the
functions sees all of them in one place, whatever the network is made of.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

Operation = Literal["convolution", "linear", "normalisation", "pooling", "rectifier", "rectifier variant"]

_CONVOLUTION = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_NORMALISATION = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
_FUNCTIONS: dict[Callable[..., Any], tuple[Operation, tuple[str, ...]]] = {
    functional.conv2d: ("convolution", _CONVOLUTION),
    functional.linear: ("linear", ("input", "weight", "bias")),
    functional.batch_norm: ("normalisation", _NORMALISATION),
    **dict.fromkeys(
        (functional.avg_pool2d, functional.max_pool2d, torch.max_pool2d), ("pooling", ("input", "kernel_size"))
    ),
    **dict.fromkeys(
        (functional.relu, functional.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_),
        ("rectifier", ("input",)),
    ),
    **dict.fromkeys(
        (
            functional.relu6, functional.leaky_relu, functional.leaky_relu_, functional.rrelu, functional.rrelu_,
            functional.prelu, torch.prelu, Tensor.prelu, torch.rrelu, torch.rrelu_,
        ),
        ("rectifier variant", ("input",)),
    ),
    **dict.fromkeys(
        (functional.hardtanh, functional.hardtanh_), ("rectifier variant", ("input", "min_val", "max_val"))
    ),
}  # fmt: skip
"""The functions that are observed: what each computes, and its parameters in torch's order, as far as they are read."""


@dataclass(frozen=True)
class Call:
    """A call of one of torch's functions.

    Attributes:
        operation: what it computes.
        arguments: those that were given, by the names of torch's parameters.
        result: what it returned, a batch.
    """

    operation: Operation
    arguments: Mapping[str, Any]
    result: Tensor


class FunctionObserver(TorchFunctionMode, ABC):
    """While an instance is entered (`with`), `observe` is called after every convolution, rectifier and so on."""

    @abstractmethod
    def observe(self, call: Call) -> Tensor:
        """Note what a function did; returns what the network continues with, usually the result."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        keywords = kwargs or {}
        result = func(*args, **keywords)
        if func in _FUNCTIONS:
            operation, parameters = _FUNCTIONS[func]
            arguments = {**dict(zip(parameters, args, strict=False)), **keywords}
            if "min_val" not in parameters or arguments.get("min_val") == 0:  # `nn.ReLU6` calls hardtanh from 0
                return self.observe(Call(operation, arguments, result))
        return result
