"""Networks of different architectures that train side by side on one card.

The networks of the proxy are so small that a card mostly waits for their kernels to be launched. Here each network's
whole step is recorded once and launched as one, a group of networks is resident at a time, each on a stream of its
own, and while a group trains, the next is built and recorded. Each network keeps its own weights, noise and buffers,
so that what else is on the card cannot change its losses. The host waits for the card once a group, to read the losses.
"""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor, nn

from pipeline.proxies.regression import training
from pipeline.proxies.regression.card import Graph, Slot
from pipeline.proxies.regression.presets import MenuPreset, Preset
from pipeline.proxies.regression.training import Losses

SIZE = 16  # networks of a group


@dataclass(frozen=True)
class Work:
    """A network to train: what makes its backbone, the generator of its noise, the seed of its weights."""

    build: Callable[[], nn.Module]
    generator: Generator
    seed: int


@dataclass(frozen=True)
class Trained:
    """What became of the work at an index: its losses, or what went wrong; `seconds` are its share of its group's."""

    index: int
    found: Losses | Exception
    seconds: float


@dataclass(frozen=True)
class Task:
    """What all networks are trained to do: the images and the target of each stage, on the CPU."""

    preset: Preset | MenuPreset
    images: Tensor
    goals: list[Tensor]

    @property
    def span(self) -> int:
        """Iterations of an interval, which ends with an evaluation if there are any."""
        return self.preset.evaluate_every or self.preset.iterations

    @property
    def intervals(self) -> int:
        """How many make a training."""
        return self.preset.iterations // self.span

    @property
    def evaluated(self) -> bool:
        """Whether there are evaluations."""
        return self.preset.evaluate_every > 0

    def on(self, device: torch.device, layout: torch.memory_format) -> tuple[Tensor, list[Tensor]]:
        """Images and goals there."""
        return self.images.to(device), [goal.to(device, memory_format=layout) for goal in self.goals]


class Resident:
    """A network on its slot, ready to train.

    Whatever a step reads or writes stays at one address: weights, momenta, the noise of an interval, the losses of
    every iteration, and the counters that say which noise is next and where the next losses go.

    Args:
        slot: where it lives.
        model: on the CPU.
        task: what it is trained to do.
        shared: images and goals on the slot's device; nobody writes to them.
        generator: of the noise.
        layout: of weights and activations.
    """

    def __init__(
        self,
        slot: Slot,
        model: training.Regression,
        task: Task,
        shared: tuple[Tensor, list[Tensor]],
        generator: Generator,
        layout: torch.memory_format,
    ) -> None:
        self.slot, self.task, self.generator, self.layout = slot, task, generator, layout
        preset, device = task.preset, slot.device
        with slot.here():
            self.images, goals = shared
            self.model = model.to(device, memory_format=layout)  # type: ignore[call-overload]
            self.model.goals = goals
            self.optimiser = training.optimiser_of(self.model, preset)
            self.weights = torch.tensor([loss.weight for loss in preset.losses], device=device)
            batches = 0 if preset.noise.kind == "none" else task.span + task.evaluated
            self.noise = torch.zeros(batches, *task.images.shape, device=device)
            self.rows = {
                mode: torch.zeros(rows, len(preset.losses), device=device)
                for mode, rows in (("train", preset.iterations), ("eval", task.intervals * task.evaluated))
            }
            self.next = {name: torch.zeros(1, dtype=torch.int64, device=device) for name in ("noise", *self.rows)}
            undo = self._undo()
            self._train_once = slot.recorded(self._step, undo)
            self._evaluate_once = slot.recorded(self._evaluation, undo) if task.evaluated else None

    def interval(self) -> None:
        """Train until the next evaluation, and evaluate; on a card, have that done and wait for nothing."""
        with self.slot.here():
            self._draw()
            for _ in range(self.task.span):
                self._train_once()
            if self._evaluate_once:
                self._evaluate_once()

    def losses(self) -> Losses:
        """What was found; waits until it is."""
        with self.slot.here():
            rows = {mode: found.cpu() for mode, found in self.rows.items()}
        losses, count = Losses(), self.task.span
        for interval in range(self.task.intervals):
            span = range(interval * count + 1, (interval + 1) * count + 1)
            trained, evaluated = rows["train"][span[0] - 1 : span[-1]], rows["eval"][interval : interval + 1]
            if not (
                training.record(losses, losses.train, losses.train_iterations, span, trained)
                and training.record(losses, losses.eval, losses.eval_iterations, span[-1:][: len(evaluated)], evaluated)
            ):
                break
        return losses

    def _draw(self) -> None:
        """The noise of an interval, drawn on the CPU in the order of its use: one a training batch, one to evaluate."""
        drawn = torch.empty(self.noise.shape, pin_memory=self.slot.device.type == "cuda")
        for row in drawn:
            row.copy_(training.noise(self.task.preset.noise, self.task.images, self.generator))
        self.noise.copy_(drawn, non_blocking=True)

    def _batch(self) -> Tensor:
        batch = self.images
        if len(self.noise):
            batch = batch + self.noise.index_select(0, self.next["noise"])[0]
            self.next["noise"].add_(1).remainder_(len(self.noise))
        return batch.contiguous(memory_format=self.layout)

    def _step(self) -> None:
        self.model.train()
        self.optimiser.zero_grad()
        found = self.model(self._batch())
        found.backward(self.weights)
        self.optimiser.step()
        self._keep("train", found.detach())

    def _evaluation(self) -> None:
        self.model.eval()
        with torch.no_grad():
            self._keep("eval", self.model(self._batch()))

    def _keep(self, mode: str, found: Tensor) -> None:
        self.rows[mode].index_copy_(0, self.next[mode], found[None])
        self.next[mode].add_(1)

    def _undo(self) -> Callable[[], None]:
        """What takes everything back to where it is now, before the first step."""
        tensors = [*self.model.parameters(), *self.model.buffers(), *self.rows.values(), *self.next.values()]
        kept = [(tensor, tensor.detach().clone()) for tensor in tensors]

        def undo() -> None:
            with torch.no_grad():
                for tensor, before in kept:
                    tensor.copy_(before)
            for state in self.optimiser.state.values():  # momenta: no step yet is the same as a step of nothing
                for value in state.values():
                    if isinstance(value, Tensor):
                        value.zero_()

        return undo


@dataclass
class Card:
    """A device on which groups of networks train.

    Args:
        device: cuda with its index; cpu does the same one network after another.
        graph: makes what records a step; None runs the steps as they are.
        size: networks of a group. Where they do not fit, the group is halved, and the rest of the works goes on so.
        layout: of weights and activations.
    """

    device: torch.device
    graph: Callable[[], Graph] | None
    size: int = SIZE
    layout: torch.memory_format = torch.channels_last
    _free: list[Slot] = field(default_factory=list)
    _shared: tuple[Task, tuple[Tensor, list[Tensor]]] | None = None

    def train(self, works: Sequence[Work], task: Task) -> Iterator[Trained]:
        """Train every network, in any number of groups; they come group by group.

        Works are built in another thread, which alone uses torch's global random stream.
        """
        groups = _Groups(self, task, deque(enumerate(works)))
        with ThreadPoolExecutor(1, "maker") as maker:
            mark = time.perf_counter()
            group = maker.submit(groups.make, alone=True).result()
            while group or groups.waiting:
                coming = maker.submit(groups.make, alone=not group)
                found = self._losses([made for _, made in group])
                indices, now = [index for index, _ in group], time.perf_counter()
                del group  # its memory is for the next
                for index, outcome in zip(indices, found, strict=True):
                    yield Trained(index, outcome, (now - mark) / len(indices))
                group, mark = coming.result(), now

    def shared(self, task: Task) -> tuple[Tensor, list[Tensor]]:
        """The task's images and goals on the device; those of the last task are kept."""
        if self._shared is None or self._shared[0].goals is not task.goals:
            self._shared = (task, task.on(self.device, self.layout))
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)  # every stream reads them
        return self._shared[1]

    def slot(self) -> Slot:
        """A place that is free."""
        return self._free.pop() if self._free else Slot(self.device, self.graph)

    def release(self, slot: Slot) -> None:
        """Give a place back: nothing of its network is waited for any more."""
        self._free.append(slot)

    def tidy(self) -> None:
        """Let go of all memory that no network uses."""
        self._free.clear()
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _losses(self, group: Sequence[Resident | Exception]) -> list[Losses | Exception]:
        residents = [made for made in group if isinstance(made, Resident)]
        for _ in range(residents[0].task.intervals if residents else 0):
            for resident in residents:
                resident.interval()
        found = [made.losses() if isinstance(made, Resident) else made for made in group]
        for resident in residents:
            self.release(resident.slot)
        return found


@dataclass
class _Groups:
    """The works that wait, and what makes groups of them."""

    card: Card
    task: Task
    waiting: deque[tuple[int, Work]]

    def __post_init__(self) -> None:
        self.size = self.card.size

    def make(self, alone: bool) -> list[tuple[int, Resident | Exception]]:
        """The next group, ready to train.

        Args:
            alone: nothing else is on the card. A network for which there is no memory beside others stays in the
                queue; one for which there is none alone has failed.
        """
        made: list[tuple[int, Resident | Exception]] = []
        residents = 0
        while self.waiting and residents < self.size:
            index, work = self.waiting[0]
            outcome = self._resident(work)
            if isinstance(outcome, torch.OutOfMemoryError):
                self.card.tidy()
                if residents or not alone:
                    self.size = max(1, self.size // 2)
                    break
            self.waiting.popleft()
            residents += isinstance(outcome, Resident)
            made.append((index, outcome))
        return made

    def _resident(self, work: Work) -> Resident | Exception:
        task, card = self.task, self.card
        try:
            model = training.model_of(work.build, task.preset, task.images, task.goals, work.seed)
            return Resident(card.slot(), model, task, card.shared(task), work.generator, card.layout)
        except (ValueError, RuntimeError, MemoryError) as error:
            return _bare(error)


def _bare(error: Exception) -> Exception:
    """The error and its causes without their frames, which hold on to memory of the card."""
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
    return error
