"""The regression task for networks over sequences: train one to turn input maps into target maps.

Maps are 8 time steps long, or as many as the preset says, and some features wide; both input and target are sums of the
synthetic signals. A linear layer leads from the features to the width of the network, another one back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, cast

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from pipeline.proxies.contract import UnbuildableError
from pipeline.proxies.regression import signals
from pipeline.proxies.regression.presets import SequencePreset, Signal
from pipeline.proxies.regression.training import Adam, Losses, fit, noise

WIDTH = 400  # of the vectors that a network takes and gives
_OUTER = 0.1  # the weights and biases of the two linear layers start uniform in +-this


def draw(preset: SequencePreset, generator: Generator) -> tuple[Tensor, Tensor]:
    """Input and target, each [batch, steps, features]."""
    return _sum(preset.input, preset, generator), _sum(preset.target, preset, generator)


def _sum(signals_of_map: Sequence[Signal], preset: SequencePreset, generator: Generator) -> Tensor:
    return sum((_signal(signal, preset, generator) for signal in signals_of_map), torch.zeros(()))


def _signal(signal: Signal, preset: SequencePreset, generator: Generator) -> Tensor:
    """Maps of one signal, no two of which are the same wave of its bank; one for all sequences if it is not local."""
    count, steps = preset.batch if signal.local else 1, preset.steps or signals.SIZE
    maps = signals.drawn(signal, 1, count, generator, preset.features, steps)
    return signal.level * maps[0].expand(preset.batch, -1, -1)


class Resizable(Protocol):
    """A network over sequences that can have another width, and carry its states from one sequence to the next."""

    def resized(self, width: int) -> nn.Module: ...

    def carry(self) -> None: ...


class SequenceRegression(nn.Module):
    """A network between two linear layers; the forward pass gives the mean squared error, [1].

    Args:
        network: sequences [N, T, width] -> [[N, T, width]].
        targets: [N, T, features].
        width: of the vectors that the network takes and gives.
    """

    def __init__(self, network: nn.Module, targets: Tensor, width: int = WIDTH) -> None:
        super().__init__()
        self.enter = nn.Linear(targets.shape[-1], width)
        self.network = network
        self.leave = nn.Linear(width, targets.shape[-1])
        for parameter in (*self.enter.parameters(), *self.leave.parameters()):
            nn.init.uniform_(parameter, -_OUTER, _OUTER)
        self.targets = targets
        self.outputs = targets.new_zeros(())

    def forward(self, inputs: Tensor) -> Tensor:
        """[N, T, features] -> [1]; `outputs` are then those of the network, [N, T, width]."""
        taps = self.network(self.enter(inputs))
        if len(taps) != 1:
            raise ValueError(f"the network has {len(taps)} taps, the task 1 stage")
        self.outputs = taps[0]
        return functional.mse_loss(self.leave(self.outputs), self.targets)[None]

    def penalty(self, preset: SequencePreset) -> Tensor:
        """What the preset adds for large outputs and for large changes of them."""
        changes = self.outputs.diff(dim=1)
        square = (preset.output_penalty or 0.0) * self.outputs.square().mean()
        return square + (preset.change_penalty or 0.0) * changes.square().mean()


def train(
    build: Callable[[], nn.Module],
    preset: SequencePreset,
    maps: tuple[Tensor, Tensor],
    device: torch.device,
    generator: Generator,
    seed: int,
) -> Losses:
    """Train one network and return its losses.

    Args:
        build: makes the network, sequences [N, T, 400] -> [[N, T, 400]].
        maps: input and target, on the CPU.
        device: where to train. Weights, noise and dropout are drawn on the CPU: every device trains the same task.
        seed: of the weights and of what the network drops.
    """
    inputs, targets = maps
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            network = _built(build, preset)
        except (ValueError, KeyError, RuntimeError) as error:
            raise UnbuildableError from error
        model = SequenceRegression(network, targets.to(device), preset.width or WIDTH).to(device)
        optimiser = Adam(model.parameters(), lr=preset.learning_rate, weight_decay=preset.weight_decay, fused=True)
        penalised = preset.output_penalty or preset.change_penalty
        return fit(
            model,
            optimiser,
            lambda: (inputs + noise(preset.noise, inputs, generator)).to(device),
            preset,
            (lambda: model.penalty(preset)) if penalised else None,
            preset.largest_gradient,
        )


def _built(build: Callable[[], nn.Module], preset: SequencePreset) -> nn.Module:
    """The network, of the preset's width, and carrying its states if the preset says so."""
    if preset.width is None:
        network = build()
    else:
        with torch.device("meta"):  # weights that are not used take no time
            whole = build()
        network = _resizable(whole).resized(preset.width)
    if preset.carried:
        _resizable(network).carry()
    return network


def _resizable(network: nn.Module) -> Resizable:
    if not (hasattr(network, "resized") and hasattr(network, "carry")):
        raise ValueError(f"{type(network).__name__} has no methods `resized` and `carry`, which the preset needs")
    return cast(Resizable, network)
