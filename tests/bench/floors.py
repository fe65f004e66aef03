"""The least that a card can need for an architecture: bytes over bandwidth, operations over rate.

    python -m tests.bench.floors [ARCHITECTURES OF A SPACE]

Counted from the steps of the engine's own networks, as they are dispatched: each operation reads its inputs once and
writes its results once. Fusing operations would lower the bytes; nothing else would.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from pipeline import benchmarks
from pipeline.proxies import images, regression
from pipeline.proxies.regression import presets, training

SPACES = {"nasbench201": "topology", "nasbench101": "cell"}
CARDS = {"H100": (3.35e12, 67e12)}  # bytes and float32 operations a second
_IDLE = ("empty", "empty_like", "empty_strided", "detach", "new_empty", "new_empty_strided")


@dataclass
class Cost:
    """Bytes moved, floating-point operations, and operations dispatched."""

    bytes: float = 0.0
    flops: float = 0.0
    calls: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.bytes + other.bytes, self.flops + other.flops, self.calls + other.calls)

    def __mul__(self, count: float) -> Cost:
        return Cost(self.bytes * count, self.flops * count, self.calls * count)

    def seconds(self, card: str) -> tuple[float, float]:
        """At the card's bandwidth, and at its rate."""
        bandwidth, rate = CARDS[card]
        return self.bytes / bandwidth, self.flops / rate


class Counter(TorchDispatchMode):
    """Adds up what is done within."""

    def __init__(self) -> None:
        super().__init__()
        self.cost = Cost()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        packet = func._overloadpacket
        if not func.is_view and packet.__name__ not in _IDLE:
            changed = [a for s, a in zip(func._schema.arguments, args, strict=False) if s.is_write]
            count = flop_registry.get(packet)
            flops = count(*args, **(kwargs or {}), out_val=result) if count else 0
            self.cost += Cost(_size((args, kwargs)) + _size((result, changed)), flops, 1)
        return result


def _size(values: Any) -> int:
    found = {(v.data_ptr(), v.shape): v.nbytes for v in tree_leaves(values) if isinstance(v, Tensor)}
    return sum(found.values())


def cost(name: str, number: int, preset: presets.Preset | presets.MenuPreset) -> Cost:
    """The cost of training the `number`th random architecture of a space, with its evaluations."""
    bench = benchmarks.load(name)
    assert bench.sample is not None
    spec = bench.sample(SPACES[name], random.Random(number))
    batch = images.named(None, regression.IMAGES).tensor()
    draw: Any = training.menu_targets if isinstance(preset, presets.MenuPreset) else training.targets
    goals = draw(preset, batch, torch.Generator().manual_seed(0))
    model = training.model_of(lambda: bench.build(SPACES[name], spec), preset, batch, goals, number)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = training.optimiser_of(model, preset)
    noisy = batch.contiguous(memory_format=torch.channels_last)

    def step() -> None:
        optimiser.zero_grad()
        model(noisy).sum().backward()
        optimiser.step()

    step()  # the first makes the momenta
    with Counter() as trained:
        step()
    model.eval()
    with torch.no_grad(), Counter() as evaluated:
        model(noisy)
    evaluations = preset.iterations // preset.evaluate_every if preset.evaluate_every else 0
    return trained.cost * preset.iterations + evaluated.cost * evaluations


def mean(name: str, count: int, preset: str = "regression-n101") -> Cost:
    """The mean cost of an architecture of a space."""
    loaded = presets.load(preset)
    assert not isinstance(loaded, presets.SequencePreset)
    return sum((cost(name, number, loaded) for number in range(count)), Cost()) * (1 / count)


def main() -> None:
    torch.set_num_threads(1)
    for name in SPACES:
        for preset in ("regression-n101", "regression-menu"):
            found = mean(name, int(sys.argv[1]) if len(sys.argv) > 1 else 24, preset)
            by_bytes, by_flops = found.seconds("H100")
            print(
                f"{name} {preset}: {found.bytes / 1e9:.1f} GB, {found.flops / 1e9:.0f} GFLOP, "
                f"{found.calls:.0f} operations; an H100: {1e3 * by_bytes:.1f} ms by bytes, {1e3 * by_flops:.1f} by FLOP"
            )


if __name__ == "__main__":
    main()
