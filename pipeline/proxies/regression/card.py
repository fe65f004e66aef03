"""What a network on a CUDA card lives in: a stream of its own, steps that are recorded once and then replayed."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

STREAMS = 32  # different streams that torch has: it hands them out in turn, and the next is the first again

# Before 2.13, torch may not destroy a graph in one thread while another begins to record.
graphs_change = threading.RLock()


class CaptureError(RuntimeError):
    """A step could not be recorded; the cause says why. The plain loop can still train its network.

    Args:
        unfinished: the recording could not be ended. torch's allocator waits for its end for as long as the process
            lives, and gives no memory back meanwhile.
    """

    def __init__(self, message: str, *, unfinished: bool) -> None:
        super().__init__(message)
        self.unfinished = unfinished


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
        self.graph = graph
        self.unused = True  # no network was in it yet
        self.unfinished = False  # a recording could not be ended: nothing can be recorded here any more
        cuda = device.type == "cuda"
        self.stream = torch.cuda.Stream(device) if cuda else None  # type: ignore[no-untyped-call]
        self._event = torch.cuda.Event() if cuda else None  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle() if cuda else None
        self._latest: Graph | None = None  # keeps the pool of recorded memory until another graph records into it
        self._pinned: dict[str, Tensor] = {}

    def here(self) -> contextlib.AbstractContextManager[Any]:
        """Put everything on this slot's stream."""
        return torch.cuda.stream(self.stream)

    def pinned(self, name: str, *shape: int) -> Tensor:
        """Float32 of the host that the card can read by itself; the same memory each time where it is large enough."""
        count = int(torch.Size(shape).numel())
        if name not in self._pinned or len(self._pinned[name]) < count:
            self._pinned[name] = torch.empty(count, pin_memory=self.device.type == "cuda")
        return self._pinned[name][:count].view(shape)

    def mark(self) -> None:
        """What was launched so far is what `idle` asks about."""
        if self._event is not None:
            self._event.record(self.stream)

    def idle(self) -> bool:
        """Whether everything up to the mark is done."""
        return self._event is None or bool(self._event.query())  # type: ignore[no-untyped-call]

    def empty(self) -> None:
        """Let go of the recorded memory: no network is here."""
        with graphs_change:
            self._latest = None
            self._pool = torch.cuda.graph_pool_handle() if self.device.type == "cuda" else None

    def recorded(self, step: Callable[[], None]) -> Graph:
        """The graph of the step.

        Libraries choose and load their kernels at the first call, which must not be while a stream records: a step
        whose operations are new must have been run before.

        Raises:
            CaptureError: the step cannot be recorded.
            torch.OutOfMemoryError: there is no memory for it.
        """
        assert self.graph is not None
        graph = self.graph()
        try:
            # Others may allocate memory and launch meanwhile: other networks are training.
            with _uncollected():
                with graphs_change:
                    graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
                self._record(graph, step)
        except (torch.OutOfMemoryError, CaptureError):
            raise
        except (RuntimeError, Warning) as error:
            self.unfinished = True
            raise CaptureError("the step cannot be recorded", unfinished=True) from error
        with graphs_change:
            self._latest = graph
        return graph

    def _record(self, graph: Graph, step: Callable[[], None]) -> None:
        try:
            step()
        except BaseException as error:
            try:
                graph.capture_end()
            except (RuntimeError, Warning):  # what went wrong first is what counts
                self.unfinished = True
                _unfinished.append(graph)
            if isinstance(error, (RuntimeError, Warning)) and not isinstance(error, torch.OutOfMemoryError):
                raise CaptureError("the step cannot be recorded", unfinished=self.unfinished) from error
            raise
        graph.capture_end()


_unfinished: list[Graph] = []  # torch's allocator may still ask a graph whose recording would not end


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


def slots(device: torch.device, graph: Callable[[], Graph] | None, count: int) -> list[Slot]:
    """So many slots, no two of which share a stream.

    Raises:
        ValueError: there are not so many streams.
    """
    created = [Slot(device, graph) for _ in range(count)]
    if device.type == "cuda" and len({slot.stream.cuda_stream for slot in created if slot.stream}) < count:
        raise ValueError(f"torch has no {count} different streams")
    return created


def moved(tensors: Sequence[Tensor], slot: Slot, layout: torch.memory_format) -> Tensor:
    """Put float32 tensors of the CPU on the slot's device, all in one piece that is copied at once, which is returned.

    Each is a view of the piece afterwards, at a multiple of 256 bytes, with the strides of the layout.
    """
    places, total = [], 0
    for tensor in tensors:
        places.append((_strides(tensor.shape, layout), total))
        total += -(-tensor.numel() // 64) * 64
    host = slot.pinned("weights", total)
    for tensor, (strides, offset) in zip(tensors, places, strict=True):
        host.as_strided(tensor.shape, strides, host.storage_offset() + offset).copy_(tensor.detach())
    piece = torch.empty(total, device=slot.device)
    piece.copy_(host, non_blocking=True)
    for tensor, (strides, offset) in zip(tensors, places, strict=True):
        tensor.data = piece.as_strided(tensor.shape, strides, offset)
    return piece


def like(piece: Tensor, tensor: Tensor) -> Tensor:
    """The view of another piece that is where the tensor is in its own."""
    return piece.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())


def _strides(shape: torch.Size, layout: torch.memory_format) -> tuple[int, ...]:
    if len(shape) == 4 and layout == torch.channels_last:
        _, channels, height, width = shape
        return channels * height * width, 1, width * channels, channels
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))
