"""Architectures of a search space of cells, trained by the dozen: while a group trains, the next one is built."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.proxies import arithmetic
from pipeline.proxies.contract import reason_of
from pipeline.proxies.regression import training
from pipeline.proxies.regression.card import CaptureError, Graph, Slot
from pipeline.proxies.regression.recorded import Drawing, Task, Work
from pipeline.proxies.regression.resident import Card, Trained
from pipeline.proxies.regression.stacked.heads import Heads
from pipeline.proxies.regression.stacked.layout import Shape, Weights, operations_of
from pipeline.proxies.regression.stacked.network import Stack
from pipeline.proxies.regression.training import Losses, Regression

GROUP = 64  # architectures that train together
SMALLEST = 8  # with memory for fewer, `rest` trains them
CHUNK = 10  # batches of noisy images that are on the card at a time
PRECISION = "tf32x3"


@dataclass
class StackedCard:
    """A device on which architectures of a cell search space train in groups; `rest` trains all other networks.

    Where there is no memory for a group, groups have half as many architectures from then on. Where the kernels cannot
    be compiled, one line says so, and `rest` trains everything.

    Args:
        rest: the engine for networks that cannot be stacked, on the same device.
        graph: makes what records a step; None runs the steps as they are.
        group: architectures that train together.
        precision: of products, see `Stack`.
    """

    rest: Card
    graph: Callable[[], Graph] | None
    group: int = GROUP
    precision: str = PRECISION

    def __post_init__(self) -> None:
        self.usable = True
        self._maker = ThreadPoolExecutor(1, "maker")
        self._drawing = Drawing(max(3, (os.cpu_count() or 1) // 2))
        self._buffers: GroupBuffers | None = None

    @property
    def spoilt(self) -> bool:
        """Whether no more steps can be recorded in this process."""
        return self.rest.spoilt

    def train(self, works: Sequence[Work], task: Task) -> Generator[Trained, None, None]:
        """Train every network; those of a group come together, and those that `rest` trains last.

        Raises:
            UserError: the card failed.
        """
        rest: list[int] = []
        try:
            with contextlib.closing(self._groups(works, task, rest)) as groups:
                yield from groups
        except torch.AcceleratorError as error:
            raise arithmetic.failed(error) from error
        if rest:
            rest.sort()
            with contextlib.closing(self.rest.train([works[index] for index in rest], task)) as others:
                for trained in others:
                    yield Trained(rest[trained.index], trained.outcome, trained.seconds)

    def _groups(self, works: Sequence[Work], task: Task, rest: list[int]) -> Generator[Trained, None, None]:
        mark, begin = time.perf_counter(), 0
        building = self._build(works, task, 0)
        try:
            while building is not None:
                models = building.result()
                building = self._build(works, task, begin + len(models))
                outcomes: dict[int, Losses | Exception] = {}
                stackable: dict[int, Regression] = {}
                for index, model in enumerate(models, begin):
                    if isinstance(model, Exception):
                        outcomes[index] = model
                    elif model is not None:
                        stackable[index] = model
                if stackable:
                    outcomes |= self._losses(stackable, works, task)
                rest += [index for index in range(begin, begin + len(models)) if index not in outcomes]
                now = time.perf_counter()
                seconds, mark = (now - mark) / max(1, len(outcomes)), now
                for index, outcome in sorted(outcomes.items()):
                    yield Trained(index, outcome, seconds)
                begin += len(models)
        finally:
            if building is not None and not building.cancel():
                wait([building])  # it uses torch's global random stream

    def _build(
        self, works: Sequence[Work], task: Task, begin: int
    ) -> Future[list[Regression | Exception | None]] | None:
        """Begin to build the next group; None where there is none, or none can be stacked any more."""
        if begin >= len(works):
            return None
        return self._maker.submit(_built, works[begin : begin + self.group], task, self)

    def _losses(
        self, models: dict[int, Regression], works: Sequence[Work], task: Task
    ) -> dict[int, Losses | Exception]:
        """The losses of those that were trained; the generators of the others are as they were."""
        outcomes: dict[int, Losses | Exception] = {}
        indices = list(models)
        while self.usable and len(outcomes) < len(indices):
            some = indices[len(outcomes) :][: self.group]
            generators = [works[index].generator for index in some]
            states = [generator.get_state() for generator in generators]
            try:
                losses = self._prepared(task, models[some[0]]).train([models[index] for index in some], generators)
                outcomes |= dict(zip(some, losses, strict=True))
                continue
            except torch.AcceleratorError:
                raise
            except CaptureError as error:
                self.usable = False
                if error.unfinished:
                    self.rest.spoilt = True
                    return outcomes | dict.fromkeys(indices[len(outcomes) :], error)
                _warn(error)
            except torch.OutOfMemoryError:
                pass
            except Exception as error:  # whatever Triton and the compilers that it calls raise
                self.usable = False
                _warn(error)
            # After the handlers: an error's frames hold on to memory.
            for generator, state in zip(generators, states, strict=True):
                generator.set_state(state)
            self._give_way()
        return outcomes

    def _give_way(self) -> None:
        """Let go of the buffers; the next ones are for half as many architectures."""
        self._buffers = None
        gc.collect()
        self.rest.tidy()
        self.group //= 2
        self.usable = self.usable and self.group >= SMALLEST

    def _prepared(self, task: Task, model: Regression) -> GroupBuffers:
        shape, buffers = _shape(model, task), self._buffers
        if (
            buffers is None
            or buffers.task.goals is not task.goals
            or (buffers.stack.shape, buffers.stack.count) != (shape, self.group)
        ):
            buffers = self._buffers = None  # their memory is for the next
            self._buffers = buffers = GroupBuffers(self, task, shape)
        return buffers

    def drawn(self, task: Task, generator: torch.Generator, into: Tensor) -> Future[None]:
        """Noisy images, see `Drawing.drawn`."""
        return self._drawing.drawn(task, generator, into)


def _warn(error: Exception) -> None:
    print(
        f"architectures train one by one, not in groups, which is slower: {reason_of(error)}",
        file=sys.stderr, flush=True,
    )  # fmt: skip


def _built(works: Sequence[Work], task: Task, on: StackedCard) -> list[Regression | Exception | None]:
    """The models, on the CPU; why there is none; or None for one that `rest` has to build and train."""
    models: list[Regression | Exception | None] = []
    for work in works if on.usable else ():
        try:
            model = training.model_of(work.build, task.preset, task.images, task.goals, work.seed)
            models.append(None if operations_of(model.backbone) is None else model)
        except (ValueError, RuntimeError, MemoryError) as error:
            models.append(error)
    return models + [None] * (len(works) - len(models))


def _shape(model: Regression, task: Task) -> Shape:
    images, _, size, _ = task.images.shape
    targets = tuple(goal.shape[1] for goal in task.goals)
    backbone = model.backbone
    widths, stacks = getattr(backbone, "widths"), getattr(backbone, "stacks")  # noqa: B009 (of any module)
    return Shape(widths[::2], len(stacks[0]), images, size, targets)


class GroupBuffers:
    """Buffers and recorded steps for groups of one shape and task.

    Raises:
        torch.OutOfMemoryError: the device has no memory for them.
        CaptureError: a step cannot be recorded.
        Exception: the kernels cannot be compiled.
    """

    def __init__(self, on: StackedCard, task: Task, shape: Shape) -> None:
        self.on, self.task = on, task
        device, count = on.rest.device, on.group
        cuda = device.type == "cuda"
        self.stack = Stack(shape, count, device, on.precision)
        shared = task.on(device, torch.contiguous_format)
        self.heads = Heads(self.stack, shared.goals, shared.weights)
        self.host = Weights(shape, count, torch.device("cpu"), pinned=cuda)
        self.chunk = min(CHUNK, task.batches)
        noisy = (self.chunk, count, *task.images.shape)
        self.noisy = [torch.zeros(noisy, pin_memory=cuda) for _ in range(2)]
        self.images = torch.zeros(noisy, device=device)
        self.images += shared.images
        self.rows = torch.zeros(task.batches, count, len(task.preset.losses), device=device)
        self.next = torch.zeros(2, dtype=torch.int64, device=device)
        steps = [self._step, *([self._evaluation] if task.evaluated else [])]
        graphs = self._recorded(on.graph, steps) if on.graph else []
        self._once: list[Callable[[], None]] = [graph.replay for graph in graphs] or steps

    def train(self, models: Sequence[Regression], generators: Sequence[torch.Generator]) -> list[Losses]:
        """The losses of each model; whatever comes in between, nobody uses the buffers any more afterwards."""
        for number, model in enumerate(models):
            self.host.take(number, model)
        self.host.operations[len(models) :] = 0
        drawing: list[Future[None]] = []
        try:
            self.stack.weights.copy_(self.host)
            self.stack.reset()
            self.next.zero_()
            firsts = range(0, self.task.batches, self.chunk)
            drawing = self._draw(0, firsts[0], generators)
            for number, first in enumerate(firsts):
                for future in drawing:
                    future.result()
                self._train_chunk(number, first)
                if number + 1 < len(firsts):
                    # The other buffer was copied before the chunk before this one trained, which has been waited for.
                    drawing = self._draw((number + 1) % 2, firsts[number + 1], generators)
                self._wait()
        except BaseException:
            wait([future for future in drawing if not future.cancel()])
            with contextlib.suppress(RuntimeError):  # a card that has failed has nothing left to wait for
                self._wait()
            raise
        rows = self.rows.cpu()
        return [self.task.losses(rows[:, number]) for number in range(len(models))]

    def _train_chunk(self, number: int, first: int) -> None:
        task, count = self.task, min(self.chunk, self.task.batches - first)
        if task.noisy:
            self.images[:count].copy_(self.noisy[number % 2][:count], non_blocking=True)
        self.next[0].zero_()
        for batch in range(first, first + count):
            self._once[task.evaluates(batch)]()

    def _draw(self, buffer: int, first: int, generators: Sequence[torch.Generator]) -> list[Future[None]]:
        if not self.task.noisy:
            return []
        into = self.noisy[buffer][: min(self.chunk, self.task.batches - first)]
        return [self.on.drawn(self.task, generator, into[:, number]) for number, generator in enumerate(generators)]

    def _wait(self) -> None:
        if self.stack.device.type == "cuda":
            torch.cuda.current_stream(self.stack.device).synchronize()

    def _recorded(self, graph: Callable[[], Graph], steps: Sequence[Callable[[], None]]) -> list[Graph]:
        for step in steps:
            step()  # compiles the kernels, which must not be while a stream records
            self.next.zero_()
        device = self.stack.device
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        slot = Slot(device, graph)
        with slot.here():
            graphs = [slot.recorded(step) for step in steps]
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return graphs

    def _batch(self) -> Tensor:
        return self.images.index_select(0, self.next[:1])[0]

    def _step(self) -> None:
        preset, batch = self.task.preset, self._batch()
        self.stack.forward(batch, training=True)
        losses, gradients = self.heads.losses(training=True)
        self.stack.backward(batch, gradients)
        self.stack.update(preset.learning_rate, preset.weight_decay, preset.momentum)
        self._keep(losses)

    def _evaluation(self) -> None:
        self.stack.forward(self._batch(), training=False)
        losses, _ = self.heads.losses(training=False)
        self._keep(losses)

    def _keep(self, losses: Tensor) -> None:
        self.rows.index_copy_(0, self.next[1:], losses[None])
        self.next.add_(1)
