"""The regression task for networks over sequences: train one to turn input maps into target maps.

Maps are 8 time steps long and some features wide; both input and target are sums of the synthetic signals. A linear
layer leads from the features to the width of the network, another one back.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from pipeline.proxies.contract import UnbuildableError
from pipeline.proxies.regression import signals
from pipeline.proxies.regression.presets import SequencePreset, Signal
from pipeline.proxies.regression.training import Losses, fit, noise

WIDTH = 400  # of the vectors that a network takes and gives
_OUTER = 0.1  # the weights and biases of the two linear layers start uniform in +-this


def draw(preset: SequencePreset, generator: Generator) -> tuple[Tensor, Tensor]:
    """Input and target, each [batch, 8, features]."""
    inputs, targets = (
        sum((_signal(s, preset, generator) for s in of), torch.zeros(())) for of in (preset.input, preset.target)
    )
    return torch.as_tensor(inputs), torch.as_tensor(targets)


def _signal(signal: Signal, preset: SequencePreset, generator: Generator) -> Tensor:
    """Maps of one signal, no two of which are the same wave of its bank; one for all sequences if it is not local."""
    count = preset.batch if signal.local else 1
    if signal.kind in ("sin1d", "sin2d"):
        waves = signals.sin1d if signal.kind == "sin1d" else signals.sin2d
        maps = waves(signal.frequencies or [], 1, count, generator, preset.features)
    else:
        dots = signals.dot if signal.kind == "dot" else signals.gdot
        maps = dots(signal.partial or 0.0, 1, count, generator, preset.features)
    return signal.level * maps[0].expand(preset.batch, -1, -1)


class SequenceRegression(nn.Module):
    """A network between two linear layers; the forward pass gives the mean squared error, [1]."""

    def __init__(self, network: nn.Module, targets: Tensor) -> None:
        super().__init__()
        self.enter = nn.Linear(targets.shape[-1], WIDTH)
        self.network = network
        self.leave = nn.Linear(WIDTH, targets.shape[-1])
        for parameter in (*self.enter.parameters(), *self.leave.parameters()):
            nn.init.uniform_(parameter, -_OUTER, _OUTER)
        self.targets = targets

    def forward(self, inputs: Tensor) -> Tensor:
        """[N, 8, features] -> [1]."""
        taps = self.network(self.enter(inputs))
        if len(taps) != 1:
            raise ValueError(f"the network has {len(taps)} taps, the task 1 stage")
        return functional.mse_loss(self.leave(taps[0]), self.targets)[None]


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
        preset: the configuration.
        maps: input and target, on the CPU.
        device: where to train. Weights, noise and dropout are drawn on the CPU: every device trains the same task.
        generator: of the noise.
        seed: of the weights and of what the network drops.
    """
    inputs, targets = maps
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            network = build()
        except (ValueError, KeyError, RuntimeError) as error:
            raise UnbuildableError from error
        model = SequenceRegression(network, targets.to(device)).to(device)
        optimiser = torch.optim.Adam(
            model.parameters(), lr=preset.learning_rate, weight_decay=preset.weight_decay, fused=True
        )
        return fit(model, optimiser, lambda: (inputs + noise(preset.noise, inputs, generator)).to(device), preset)
