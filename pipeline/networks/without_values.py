"""Networks whose weights have shapes but no values, to count parameters or to find shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import init
from torch.overrides import TorchFunctionMode

_FILLING = frozenset({
    init.constant_, init.kaiming_normal_, init.kaiming_uniform_, init.normal_, init.ones_, init.trunc_normal_,
    init.uniform_, init.xavier_normal_, init.xavier_uniform_, init.zeros_,
    torch.Tensor.fill_, torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.zero_,
})  # fmt: skip
"""Functions that change the values of a tensor, their first argument, and return it."""


@contextmanager
def without_values() -> Iterator[None]:
    """Build networks on the device `meta` in this block, without initialising them.

    Even there torch would go through the initialisation of each weight, a third or more of the time.
    """
    with torch.device("meta"), Unfilled():
        yield


class Unfilled(TorchFunctionMode):
    """Leave out the initialisation of tensors, wherever they are: their values are whatever the memory holds."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if function in _FILLING and (args or "tensor" in given):  # torch's own layers name it
            return args[0] if args else given["tensor"]
        return function(*args, **given)
