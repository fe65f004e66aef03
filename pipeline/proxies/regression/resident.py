"""A card on which networks train side by side: whenever one is done, the next one, made meanwhile, takes its place."""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from pipeline.proxies import arithmetic
from pipeline.proxies.regression import card, modules, recorded, training
from pipeline.proxies.regression.card import CaptureError, Graph, Slot
from pipeline.proxies.regression.recorded import Calls, Drawing, Resident, Shared, Task, Work
from pipeline.proxies.regression.training import Losses

SIZE = 16  # networks that train at a time
BURST = 1  # batches of a network that are launched at a time
POLL = 0.0005  # seconds between two looks at what is done
SWITCH = 0.0005  # seconds after which a thread that computes in Python lets another one


class NotTrained(Exception):  # noqa: N818 (it is no error of the network)
    """This process can record no more steps: another has to train the network."""


@dataclass(frozen=True)
class Trained:
    """What became of the work at an index: its losses, or what went wrong.

    `seconds` are the time since the work before was done: they add up to the time that the works take together.
    """

    index: int
    outcome: Losses | Exception
    seconds: float


class Card:
    """A device on which networks train side by side.

    Args:
        device: cuda with its index; cpu does the same one network after another.
        graph: makes what records a step; None runs the steps as they are.
        size: networks that train at a time; as many again are made meanwhile. At most half of torch's streams. Where
            they do not fit into the card's memory, there are fewer.
        layout: of weights and activations; by default that for which the device has its kernels.
        burst: batches of a network that are launched at a time; the next are launched when they are done, so that the
            networks take turns.
        converted: compute by the modules of `modules`; by default on a card.

    `spoilt` is whether a recording could not be ended: see `CaptureError`.
    """

    def __init__(
        self,
        device: torch.device,
        graph: Callable[[], Graph] | None,
        size: int = SIZE,
        layout: torch.memory_format | None = None,
        burst: int = BURST,
        converted: bool | None = None,
    ) -> None:
        cuda = device.type == "cuda"
        self.device, self.graph, self.size, self.burst = device, graph, min(size, card.STREAMS // 2), burst
        self.layout = layout or arithmetic.layout(device)
        self.converted = cuda if converted is None else converted
        self.spoilt = False
        self.slots = card.slots(device, graph, 2 * self.size)
        self.free = self.slots[::-1]
        self.limit = len(self.slots)  # networks for which there is memory
        # One thread as long as the card: what cuDNN knows of a convolution, each thread learns by itself.
        self.maker = ThreadPoolExecutor(1, "maker")
        self.drawing = Drawing()
        self.known: set[Hashable] = set()  # operations that the maker ran
        self.random: dict[frozenset[type], bool] = {}  # modules of a network: whether they draw random numbers
        self._shared: tuple[Task, Shared] | None = None
        if self.converted:
            modules.weight_gradient(device)  # what has to be compiled must not be while a stream records
        if cuda:
            sys.setswitchinterval(SWITCH)  # what launches must not wait for what builds

    def train(self, works: Sequence[Work], task: Task) -> Generator[Trained, None, None]:
        """Train every network; they come as they are done.

        Works are built in another thread, which alone uses torch's global random stream.

        Raises:
            UserError: the card failed.
        """
        run = _Run(self, task, deque(enumerate(works)))
        self.limit = min(len(self.slots), self.limit + 1)
        try:
            yield from run.trained()
        except torch.AcceleratorError as error:
            raise arithmetic.failed(error) from error
        finally:
            run.close()

    def shared(self, task: Task) -> Shared:
        """What the task's networks share on the device; that of the last task is kept."""
        if self._shared is None or self._shared[0].goals is not task.goals:
            self._shared = (task, task.on(self.device, self.layout))
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)  # every stream reads it
        return self._shared[1]

    def resident(self, work: Work, task: Task) -> Resident:
        """The network on a slot, which is free again if it cannot be made."""
        calls = Calls()  # of a pass over one image; the backward pass and those of the heads follow from them
        model = training.model_of(work.build, task.preset, task.images, task.goals, work.seed, calls)
        if self._draws(model.backbone, task.images, calls):
            raise CaptureError("the network draws random numbers as it trains", unfinished=False)
        if self.converted:
            modules.convert(model)
        calls.keys |= {("head", *(p.shape for p in head.parameters())) for head in model.heads}
        slot = self.free.pop()
        try:
            shared, new = self.shared(task), slot.unused or not calls.keys <= self.known
            resident = Resident(slot, model, task, shared, work.generator, self.layout, self.drawing, warm=new)
        except BaseException:
            self.release(slot)
            raise
        slot.unused = False
        self.known |= calls.keys
        return resident

    def _draws(self, backbone: nn.Module, images: Tensor, calls: Calls) -> bool:
        """Whether the network draws random numbers in training, as dropout does.

        Recorded steps of all networks on a card draw from one stream, in the order in which they happen to be launched.
        """
        if any(isinstance(module, _DropoutNd) and module.p > 0 for module in backbone.modules()):
            return True
        kinds = frozenset(type(module) for module in backbone.modules())
        if kinds not in self.random or not calls.keys <= self.known:
            self.random[kinds] = self.random.get(kinds, False) or recorded.draws_in_training(backbone, images)
        return self.random[kinds]

    def release(self, slot: Slot) -> None:
        """Give a slot back: nothing of its network is waited for any more."""
        if slot.unfinished:
            self.spoilt = True
        else:
            self.free.append(slot)

    def tidy(self) -> None:
        """Let go of all memory that no network uses."""
        gc.collect()
        for slot in self.free:
            slot.empty()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


class _Run:
    """Works that wait, one that is made, those that are ready, and those that train."""

    def __init__(self, on: Card, task: Task, waiting: deque[tuple[int, Work]]) -> None:
        self.on, self.task, self.waiting = on, task, waiting
        self.making: Future[Resident | Exception] | None = None
        self.beside = 0  # networks that were on the card when the making began
        self.ready: deque[tuple[int, Resident]] = deque()
        self.training: list[tuple[int, Resident]] = []
        self.wake = threading.Event()
        self.busy = False  # something was launched or done since the last wait

    def trained(self) -> Iterator[Trained]:
        """See `Card.train`."""
        mark = time.perf_counter()
        while self.waiting or self.making or self.ready or self.training:
            outcomes = [*self._made(), *self._done()]
            self._make()
            while self.ready and len(self.training) < self.on.size:
                self.training.append(self.ready.popleft())
            for index, outcome in outcomes:
                before, mark = mark, time.perf_counter()
                yield Trained(index, outcome, mark - before)
            if not self.busy:
                self.wake.wait(POLL)
                self.wake.clear()
            self.busy = False

    def close(self) -> None:
        """Give all slots back, whatever they are at."""
        making, self.making = self.making, None
        if making is not None and isinstance(resident := making.result(), Resident):
            self.ready.append((-1, resident))
        left = [one for _, one in (*self.ready, *self.training)]
        self.ready.clear()
        self.training.clear()
        if left and self.on.device.type == "cuda":
            with contextlib.suppress(RuntimeError):  # a card that has failed has nothing left to wait for
                torch.cuda.synchronize(self.on.device)
        for resident in left:
            self._leave(resident)

    def _make(self) -> None:
        """Begin the next network, if there is room for it."""
        on, residents = self.on, len(self.ready) + len(self.training)
        if self.making or not self.waiting or on.spoilt or not on.free:
            return
        if residents >= on.limit or len(self.ready) >= on.size:
            return
        self.beside = residents
        self.making = on.maker.submit(_resident, on, self.waiting[0][1], self.task)
        self.making.add_done_callback(lambda _: self.wake.set())

    def _made(self) -> Iterator[tuple[int, Exception]]:
        """Take in the network that was made; what failed to be."""
        if self.making is not None and self.making.done():
            making, self.making, self.busy = self.making, None, True
            outcome = making.result()
            if isinstance(outcome, torch.OutOfMemoryError) and self.beside:
                self.on.limit = max(1, self.beside * 3 // 4)
            else:
                index, _ = self.waiting.popleft()
                if isinstance(outcome, Resident):
                    self.ready.append((index, outcome))
                else:
                    yield index, outcome
        while self.on.spoilt and self.waiting and not self.making:
            yield self.waiting.popleft()[0], NotTrained("no more steps can be recorded in this process")

    def _done(self) -> Iterator[tuple[int, Losses | Exception]]:
        """Have what is idle train on; what has trained to its end."""
        for index, resident in list(self.training):
            if not resident.slot.idle() or resident.waits:
                continue
            self.busy = True
            if not resident.done:
                yield from self._launched(index, resident)
                continue
            losses = resident.losses()
            self.training.remove((index, resident))
            self._leave(resident)
            yield index, losses

    def _launched(self, index: int, resident: Resident) -> Iterator[tuple[int, Exception]]:
        try:
            resident.launch(self.on.burst)
        except torch.AcceleratorError:
            raise
        except (ValueError, RuntimeError, MemoryError) as error:
            self.training.remove((index, resident))
            self._leave(resident)
            yield index, _bare(error)

    def _leave(self, resident: Resident) -> None:
        wait([resident.drawn])
        resident.close()
        self.on.release(resident.slot)


def _resident(on: Card, work: Work, task: Task) -> Resident | Exception:
    """The network, ready to train, or why it is not.

    Where memory is missing, unused memory is given back, and the network is tried once more: while a step is
    recorded, torch cannot do so by itself.
    """
    outcome = _tried(on, work, task)
    if isinstance(outcome, torch.OutOfMemoryError):
        on.tidy()
        return _tried(on, work, task)
    return outcome


def _tried(on: Card, work: Work, task: Task) -> Resident | Exception:
    try:
        return on.resident(work, task)
    except (ValueError, RuntimeError, MemoryError, Warning) as error:
        return _bare(error)


def _bare(error: Exception) -> Exception:
    """The error and its causes without their frames, which hold on to memory of the card."""
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
    return error
