"""Seeing the torch functions that a forward pass calls, with their results.

Networks call torch's functions through modules or directly. Observing the functions sees all of them in one place,
whatever the network is made of.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch.overrides import TorchFunctionMode


class FunctionObserver(TorchFunctionMode, ABC):
    """While an instance is entered (`with`), `observe` is called after every torch function."""

    @abstractmethod
    def observe(
        self, function: Callable[..., Any], result: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
    ) -> None:
        """Note what a function did."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call the function, then `observe` it."""
        keywords = kwargs or {}
        result = func(*args, **keywords)
        self.observe(func, result, args, keywords)
        return result
