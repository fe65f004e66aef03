"""What a network on a CUDA card lives in: a stream of its own, steps that are recorded once and then replayed."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch


class CaptureError(RuntimeError):
    """A step ran, but could not be recorded; the cause says why. The plain loop can still train its network."""


class Graph(Protocol):
    """What records a step; `torch.cuda.CUDAGraph` is one.

    From `capture_begin` to `capture_end` what the step does is recorded and has no effect; `replay` does it once.
    """

    def capture_begin(self, pool: Any = ..., capture_error_mode: str = ...) -> None: ...

    def capture_end(self) -> None: ...

    def replay(self) -> None: ...


class Slot:
    """The place of one network on a device. Whoever takes it over must have waited for the network before.

    All that its network does is done inside `here`, so that the steps of different slots overlap on a card, and so
    that memory which one network frees is used by the next without waiting.

    Args:
        device: cuda with its index, or cpu, where there are no streams.
        graph: makes what records a step; without one, steps are run as they are.
    """

    def __init__(self, device: torch.device, graph: Callable[[], Graph] | None) -> None:
        self.device = device
        self._graph = graph
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle() if device.type == "cuda" else None
        self._latest: Graph | None = None  # keeps the pool of recorded memory until another graph records into it

    def here(self) -> contextlib.AbstractContextManager[Any]:
        """Put everything on this slot's stream."""
        return torch.cuda.stream(self._stream)

    def recorded(self, step: Callable[[], None], undo: Callable[[], None]) -> Callable[[], None]:
        """The step as one call that launches all of it.

        It is run once before, because libraries choose and load their kernels at the first call, which must not be
        while a stream records; `undo` takes the effect of that back.

        Raises:
            CaptureError: the step runs but cannot be recorded.
        """
        if self._graph is None:
            return step
        step()
        undo()
        graph = self._graph()
        try:
            # Others may allocate memory and launch meanwhile: the group before is still training.
            with _uncollected():
                graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
                _into(graph, step)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise CaptureError("the step cannot be recorded") from error
        self._latest = graph
        return graph.replay


_unfinished: list[Graph] = []  # torch's allocator may go on asking a graph whose capture would not end


def _into(graph: Graph, step: Callable[[], None]) -> None:
    try:
        step()
    except RuntimeError:
        try:
            graph.capture_end()
        except RuntimeError:  # what went wrong first is what counts
            _unfinished.append(graph)
        raise
    graph.capture_end()


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without garbage collection, which may end an older graph, and that must not be while a stream records."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def exact(device: str) -> torch.device:
    """The device of a name, with its index, where float32 is float32.

    TensorFloat-32, torch's default for convolutions on a card, keeps 10 of 23 bits of a product's factors: losses that
    it moves beyond rounding would be another proxy.
    """
    if device == "cpu":
        return torch.device(device)
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    return torch.device(device, torch.cuda.current_device())
