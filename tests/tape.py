"""A stand-in for a CUDA graph on the CPU: it records the operations of a step, and a replay does just those again."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_SYNCHRONISING = (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default)


class Tape(TorchDispatchMode):
    """What `torch.cuda.CUDAGraph` does, as far as its user can tell.

    A replay runs no Python of the step: it does the recorded operations on the recorded tensors, at their addresses.
    What is recorded has no effect, and what would wait for the card may not be recorded.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, tuple[Any, ...], dict[str, Any], Any]] = []
        self.before: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}
        self.made: set[int] = set()

    def capture_begin(self, pool: Any = None, capture_error_mode: str = "global") -> None:
        assert capture_error_mode == "thread_local"  # or the group that trains meanwhile would break the recording
        self.__enter__()

    def capture_end(self) -> None:
        self.__exit__(None, None, None)
        for storage, content in self.before.values():
            storage.copy_(content)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _SYNCHRONISING:
            raise RuntimeError("operation not permitted when stream is capturing")
        for storage in _storages((args, kwargs)):
            if storage.data_ptr() not in self.made and storage.data_ptr() not in self.before:
                self.before[storage.data_ptr()] = storage, storage.clone()
        result = func(*args, **(kwargs or {}))
        self.made |= {s.data_ptr() for s in _storages(result)} - set(self.before)
        self.calls.append((func, args, kwargs or {}, result))
        return result

    @torch.no_grad()
    def replay(self) -> None:
        for func, args, kwargs, recorded in self.calls:
            again = func(*args, **kwargs)
            for old, new in zip(tree_leaves(recorded), tree_leaves(again), strict=True):
                if isinstance(old, Tensor) and old.untyped_storage().data_ptr() != new.untyped_storage().data_ptr():
                    old.copy_(new)


def _storages(values: Any) -> list[torch.UntypedStorage]:
    return [v.untyped_storage() for v in tree_leaves(values) if isinstance(v, Tensor)]
