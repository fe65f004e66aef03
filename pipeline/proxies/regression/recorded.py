"""Networks of different architectures that train side by side on one card.

The networks of the proxy are so small that a card mostly waits for their kernels to be launched. Here each network's
whole step is recorded once and launched as one, some networks train at a time, each on a stream of its own, and while
they do, the next are built and recorded: whenever one is done, the next takes its place. Each network keeps its own
weights, noise and buffers, so that what else is on the card cannot change its losses.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode

from pipeline.proxies.regression import card, training
from pipeline.proxies.regression.card import Graph, Slot
from pipeline.proxies.regression.presets import MenuPreset, Preset
from pipeline.proxies.regression.training import Losses

DRAWN = 8  # batches of noise that are drawn with one call
CHUNK = 2**25  # bytes of noisy images that a network has at a time


@dataclass(frozen=True)
class Work:
    """A network to train: what makes its backbone, the generator of its noise, the seed of its weights."""

    build: Callable[[], nn.Module]
    generator: Generator
    seed: int


@dataclass(frozen=True)
class Shared:
    """What networks on a device read and none writes: images, regression target of each stage, weights of losses."""

    images: Tensor
    goals: list[Tensor]
    weights: Tensor


@dataclass(frozen=True)
class Task:
    """What all networks are trained to do: the images and the regression target of each stage, on the CPU."""

    preset: Preset | MenuPreset
    images: Tensor
    goals: list[Tensor]

    @property
    def span(self) -> int:
        """Iterations of an interval, which ends with an evaluation if there are any."""
        return self.preset.evaluate_every or self.preset.iterations

    @property
    def evaluated(self) -> bool:
        """Whether there are evaluations."""
        return self.preset.evaluate_every > 0

    @property
    def batches(self) -> int:
        """How many a training takes, those of its evaluations with them."""
        return self.preset.iterations // self.span * (self.span + self.evaluated)

    def evaluates(self, batch: int) -> bool:
        """Whether that batch, from 0, is for an evaluation."""
        return self.evaluated and (batch + 1) % (self.span + 1) == 0

    @property
    def chunk(self) -> int:
        """How many batches are made at a time."""
        return min(self.batches, max(1, CHUNK // (self.images.numel() * self.images.element_size())))

    @property
    def noisy(self) -> bool:
        """Whether there is any noise."""
        return self.preset.noise.kind != "none"

    def losses(self, rows: Tensor) -> Losses:
        """The losses of a network from those of its batches, [batches, losses], up to the first that is not finite."""
        losses = Losses()
        for first in range(0, self.batches, self.span + self.evaluated):
            iteration = first // (self.span + self.evaluated) * self.span
            span = range(iteration + 1, iteration + self.span + 1)
            trained, evaluated = rows[first : first + self.span], rows[first + self.span :][: int(self.evaluated)]
            if not (
                training.record(losses, losses.train, losses.train_iterations, span, trained)
                and training.record(losses, losses.eval, losses.eval_iterations, span[-1:][: len(evaluated)], evaluated)
            ):
                break
        return losses

    def on(self, device: torch.device, layout: torch.memory_format) -> Shared:
        """What is shared there."""
        images, *goals = (t.to(device, memory_format=layout) for t in (self.images, *self.goals))
        return Shared(images, goals, torch.tensor([loss.weight for loss in self.preset.losses], device=device))


class Calls(TorchFunctionMode):
    """The operations of a forward pass: `keys` says which they are, with shapes and layouts."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[Hashable] = set()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.keys.add((func, *map(_key, args), *((name, _key(value)) for name, value in (kwargs or {}).items())))
        return func(*args, **(kwargs or {}))


def _key(value: Any) -> Hashable:
    if isinstance(value, Tensor):
        return value.shape, value.stride(), value.dtype
    if isinstance(value, (list, tuple)):
        return tuple(map(_key, value))
    return value if isinstance(value, (int, float, str, type(None))) else repr(value)


def draws_in_training(backbone: nn.Module, images: Tensor) -> bool:
    """Whether a forward pass in training takes numbers from torch's random stream, which is left where it was.

    True as well where that pass fails: then the plain loop says why.
    """
    backbone = copy.deepcopy(backbone).train()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        before = torch.get_rng_state()
        try:
            backbone(images[:2].clone())
        except Exception:  # code of others
            return True
        return not torch.equal(before, torch.get_rng_state())


class Drawing:
    """Threads that draw noise: torch draws without holding Python's lock."""

    def __init__(self, threads: int = 3) -> None:
        self._threads = ThreadPoolExecutor(min(threads, os.cpu_count() or 1), "noise")

    def drawn(self, task: Task, generator: Generator, into: Tensor) -> Future[None]:
        """Noisy images, a batch after the other, [batches, N, 3, H, W]."""
        return self._threads.submit(_draw, task, generator, into)


def _draw(task: Task, generator: Generator, into: Tensor) -> None:
    images = task.images
    # As many numbers at a time come in the same order; normal ones only where a batch is a multiple of torch's block.
    step = DRAWN if images.numel() % 16 == 0 else 1
    for batches in torch.split(into, step):
        noise = training.noise(task.preset.noise, images.expand(batches.shape), generator)
        torch.add(images, noise, out=batches)


class Resident:
    """A network on its slot, ready to train.

    Whatever a step reads or writes stays at one address: weights, momenta, the noisy images of a chunk, the losses of
    every batch, and the counters that say which batch is next and where the next losses go.

    Args:
        model: on the CPU.
        shared: of the task, on the slot's device.
        layout: of weights and activations.
        drawing: what draws the noise.
        warm: run each step once before it is recorded, and take that back: it has operations that are new.
    """

    def __init__(
        self,
        slot: Slot,
        model: training.Regression,
        task: Task,
        shared: Shared,
        generator: Generator,
        layout: torch.memory_format,
        drawing: Drawing,
        *,
        warm: bool,
    ) -> None:
        self.slot, self.task, self.model, self.shared = slot, task, model, shared
        self.generator, self.layout, self.drawing = generator, layout, drawing
        self.begun = 0  # batches that were launched
        with slot.here():
            self._move()
            device = slot.device
            self.images = self._images(device) if task.noisy else None
            self.rows = torch.zeros(task.batches, len(task.preset.losses), device=device)
            self.next = torch.zeros(2, dtype=torch.int64, device=device)  # batch of the chunk, row of `rows`
            if slot.graph and warm:
                self._warm_up()
            steps = [self._step, *([self._evaluation] if task.evaluated else [])]
            self.graphs: list[Graph] = [slot.recorded(step) for step in steps] if slot.graph else []
        self._once = [graph.replay for graph in self.graphs] or steps
        self.drawn = self._draw(0)  # last: a network that cannot be made has left its generator alone

    def launch(self, count: int) -> None:
        """Have the next batches trained, at most so many; on a card, wait for nothing but noise that is not drawn."""
        with self.slot.here():
            if self.begun % self.task.chunk == 0:
                self._upload()
            first = self.begun
            self.begun = min(first + count, (first // self.task.chunk + 1) * self.task.chunk, self.task.batches)
            for batch in range(first, self.begun):
                self._once[self.task.evaluates(batch)]()
            if self.done:
                self.slot.pinned("rows", *self.rows.shape).copy_(self.rows, non_blocking=True)
            self.slot.mark()

    @property
    def waits(self) -> bool:
        """Whether the noise of the next batch is not drawn yet."""
        return self.begun % self.task.chunk == 0 and not self.drawn.done()

    @property
    def done(self) -> bool:
        """Whether all batches were launched."""
        return self.begun == self.task.batches

    def losses(self) -> Losses:
        """What was found, once the slot is idle."""
        return self.task.losses(self.slot.pinned("rows", *self.rows.shape))

    def close(self) -> None:
        """Let go of the graphs, when nothing waits for them on the card."""
        with card.graphs_change:
            self._once.clear()
            self.graphs.clear()

    def _move(self) -> None:
        model, momentum = self.model, self.task.preset.momentum
        for module in model.modules():
            if isinstance(module, _BatchNorm) and module.momentum is not None:
                module.num_batches_tracked = None  # read by nothing, and a kernel of its own in each step
        tensors = [*model.parameters(), *model.buffers()]
        self.piece = card.moved([t for t in tensors if t.dtype == torch.float32], self.slot, self.layout)
        model.to(self.slot.device, memory_format=self.layout)  # type: ignore[call-overload]
        self.others = [t for t in (*model.parameters(), *model.buffers()) if t.dtype != torch.float32]
        model.goals = self.shared.goals
        self.optimiser = training.optimiser_of(model, self.task.preset)
        self.momenta = [torch.zeros_like(self.piece)]  # no step yet is the same as a step of nothing
        for parameter in model.parameters() if momentum else ():
            if parameter.dtype == torch.float32:
                own = card.like(self.momenta[0], parameter)
            else:
                own = torch.zeros_like(parameter)
                self.momenta.append(own)
            self.optimiser.state[parameter]["momentum_buffer"] = own

    def _warm_up(self) -> None:
        kept = [(tensor, tensor.detach().clone()) for tensor in (self.piece, *self.others)]
        self._step()
        if self.task.evaluated:
            self._evaluation()
        with torch.no_grad():
            for tensor, before in kept:
                tensor.copy_(before)
            for tensor in (*self.momenta, self.rows, self.next):
                tensor.zero_()

    def _upload(self) -> None:
        """Put the chunk that begins on the card, and have the next one drawn."""
        self.drawn.result()
        if self.images is not None:
            host = self._host(self.begun)
            self.images[: len(host)].copy_(host, non_blocking=True)
            self.next[0].zero_()
            if self.begun + self.task.chunk < self.task.batches:
                self.drawn = self._draw(self.begun + self.task.chunk)

    def _draw(self, first: int) -> Future[None]:
        """The batches of a chunk, in the order of their use; the memory of the chunk before is not touched."""
        if not self.task.noisy:
            nothing: Future[None] = Future()
            nothing.set_result(None)
            return nothing
        return self.drawing.drawn(self.task, self.generator, self._planes(self._host(first)))

    def _host(self, first: int) -> Tensor:
        """Where the chunk that begins with that batch is on the host: one half of the memory, in turn."""
        return self._images(None, first)[: self.task.batches - first]

    def _images(self, device: torch.device | None, first: int = 0) -> Tensor:
        """Memory for a chunk, in the order of the layout; on the host for None."""
        count, channels, *size = self.task.images.shape
        inner = (*size, channels) if self.layout == torch.channels_last else (channels, *size)
        shape = (self.task.chunk, count, *inner)
        if device is None:
            return self.slot.pinned(f"images {first // self.task.chunk % 2}", *shape)
        return torch.zeros(shape, device=device)

    def _planes(self, images: Tensor) -> Tensor:
        """[..., N, 3, H, W]."""
        return images.movedim(-1, -3) if self.layout == torch.channels_last else images

    def _batch(self) -> Tensor:
        if self.images is None:
            return self.shared.images.clone()  # a network may write into its input
        return self._planes(self.images.index_select(0, self.next[:1])[0])

    def _step(self) -> None:
        self.model.train()
        self.optimiser.zero_grad()
        losses = self.model(self._batch())
        losses.backward(self.shared.weights)
        self.optimiser.step()
        self._keep(losses.detach())

    def _evaluation(self) -> None:
        self.model.eval()
        with torch.no_grad():
            self._keep(self.model(self._batch()))

    def _keep(self, losses: Tensor) -> None:
        self.rows.index_copy_(0, self.next[1:], losses[None])
        self.next.add_(1)
