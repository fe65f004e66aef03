"""The regression task: train a network for some iterations to reproduce regression targets, and record its losses."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from pipeline import provenance
from pipeline.errors import UserError
from pipeline.proxies import arithmetic
from pipeline.proxies.contract import UnbuildableError
from pipeline.proxies.regression import signals
from pipeline.proxies.regression.presets import ImageSchedule, MenuPreset, MenuSignal, Noise, Preset, Schedule, Signal
from pipeline.wording import count_of


def uncompiled(optimiser: type[torch.optim.Optimizer]) -> Callable[..., torch.optim.Optimizer]:
    """The same optimiser without what imports torch's compiler, which takes as long as importing torch.

    Nothing is compiled here, and a run of few networks spent a third of its time on that import.
    """
    methods = {name: inspect.unwrap(getattr(optimiser, name)) for name in ("add_param_group", "zero_grad", "step")}
    return type(optimiser.__name__, (optimiser,), methods | {"step": torch.no_grad()(methods["step"])})


SMALLEST_DEVIATION = 1e-5
"""Of a map's largest absolute value: what varies less is the rounding of a constant."""

SGD, Adam = uncompiled(torch.optim.SGD), uncompiled(torch.optim.Adam)


@dataclass
class Losses:
    """Unweighted mean squared errors, one list per iteration; `diverged_at` is the first that is not finite."""

    train_iterations: list[int] = field(default_factory=list)
    train: list[list[float]] = field(default_factory=list)
    eval_iterations: list[int] = field(default_factory=list)
    eval: list[list[float]] = field(default_factory=list)
    diverged_at: int | None = None


class Head(nn.Module):
    """The head of a stage: nearest-resize to 8x8, batch normalisation, 1x1 convolution to the channels of its goal."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.project = nn.Conv2d(inputs, outputs, 1)

    def forward(self, tap: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, outputs, 8, 8]."""
        small = functional.interpolate(tap, size=(signals.SIZE, signals.SIZE), mode="nearest")
        predicted: Tensor = self.project(self.norm(small))
        return predicted


def targets(preset: Preset, images: Tensor, generator: Generator) -> list[Tensor]:
    """The regression target of each stage, [N, channels, 8, 8]: the sum of level x signal.

    A local signal is drawn anew for each image; another is drawn once and shared by the batch.
    """
    return [
        sum((signal_map(s, images, stage.channels, generator) for s in stage.signals), torch.zeros(()))
        for stage in preset.stages
    ]


def signal_map(signal: Signal, images: Tensor, channels: int, generator: Generator) -> Tensor:
    """Level x signal for each image, [N, channels, 8, 8]."""
    if signal.kind == "resize":
        maps = signals.resize(images, channels, generator)
    else:
        maps = signals.drawn(signal, len(images) if signal.local else 1, channels, generator)
    return signal.level * maps.expand(len(images), -1, -1, -1)


def menu_targets(preset: MenuPreset, images: Tensor, generator: Generator) -> list[Tensor]:
    """The regression targets of each stage, [N, signals x channels, 8, 8], each signal's standardised by itself."""
    return [
        torch.cat([_standardised(preset, signal, images, generator) for signal in preset.signals], dim=1)
        for _ in preset.stage_weights
    ]


def _standardised(preset: MenuPreset, signal: MenuSignal, images: Tensor, generator: Generator) -> Tensor:
    maps = signal_map(signal, images, preset.channels, generator) / signal.level
    deviation = maps.std()
    if not deviation > SMALLEST_DEVIATION * maps.abs().max():
        raise UserError(
            f"the signal {signal.name} of {preset.name} is the same everywhere, and cannot be scaled to a deviation: "
            "change or leave out the signal"
        )
    return signal.level * preset.deviation * (maps - maps.mean()) / deviation


class Regression(nn.Module):
    """A backbone with one head per tap; the forward pass gives the mean squared error of each stage, [stages].

    Args:
        goals: the regression target of each stage.
        example: images; a pass of the first says how many channels the taps have, unless `backbone.tap_channels` does.
        watch: the context of that pass.
    """

    def __init__(
        self,
        backbone: nn.Module,
        goals: list[Tensor],
        example: Tensor,
        watch: AbstractContextManager[Any] | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.goals = goals
        channels = getattr(backbone, "tap_channels", None) if watch is None else None
        if channels is None:
            with torch.no_grad(), watch or nullcontext():
                taps = backbone.eval()(example[:1].clone())  # a network may write into its input
            if isinstance(taps, Tensor):
                raise ValueError("the network gives one tensor, where a list of its taps is expected")
            channels = [tap.shape[1] for tap in taps]
        if len(channels) != len(goals):
            raise ValueError(
                f"the network has {count_of(len(channels), 'tap')}, the task {count_of(len(goals), 'stage')}"
            )
        self.heads = nn.ModuleList(Head(own, goal.shape[1]) for own, goal in zip(channels, goals, strict=True))

    def forward(self, images: Tensor) -> Tensor:
        """[N, 3, H, W] -> [stages]."""
        taps = self.backbone(images)
        predicted = (head(tap) for head, tap in zip(self.heads, taps, strict=True))
        return torch.stack([self.loss(p, goal) for p, goal in zip(predicted, self.goals, strict=True)]).flatten()

    def loss(self, predicted: Tensor, goal: Tensor) -> Tensor:
        """The mean squared error of one stage."""
        return functional.mse_loss(predicted, goal)


class MenuRegression(Regression):
    """The same for several signals per stage, each with its own channels: the forward pass gives [stages x signals].

    A stage's signals share its head's normalisation; the convolution behind it has one head per signal.
    """

    def __init__(
        self,
        backbone: nn.Module,
        goals: list[Tensor],
        example: Tensor,
        count: int,
        watch: AbstractContextManager[Any] | None = None,
    ) -> None:
        super().__init__(backbone, goals, example, watch)
        self.count = count

    def loss(self, predicted: Tensor, goal: Tensor) -> Tensor:
        """[N, signals x channels, 8, 8] -> [signals]."""
        return (predicted - goal).square().mean(dim=(0, 2, 3)).view(self.count, -1).mean(dim=1)


def train(
    build: Callable[[], nn.Module],
    preset: Preset | MenuPreset,
    images: Tensor,
    goals: list[Tensor],
    device: torch.device,
    generator: Generator,
    seed: int,
) -> Losses:
    """Train one network and return its losses.

    Args:
        build: makes the backbone; its initial weights are drawn by its own code from torch's stream, seeded by `seed`.
        images: [N, 3, H, W], on the CPU.
        goals: the regression target of each stage, on the CPU.
        device: where to train. Weights and noise are drawn on the CPU, so that every device trains the same task.
        seed: of the weights, and of what a network drops.
    """
    model = model_of(build, preset, images, goals, seed)
    layout = arithmetic.layout(device, model)
    model.to(device, memory_format=layout)  # type: ignore[call-overload]
    model.goals = [g.to(device, memory_format=layout) for g in goals]

    def batch() -> Tensor:
        noisy = images + noise(preset.noise, images, generator)
        return noisy.to(device, memory_format=layout)

    with arithmetic.drawing_from(provenance.stream_seed("dropout", seed), device):
        return fit(model, optimiser_of(model, preset), batch, preset)


def model_of(
    build: Callable[[], nn.Module],
    preset: Preset | MenuPreset,
    images: Tensor,
    goals: list[Tensor],
    seed: int,
    watch: AbstractContextManager[Any] | None = None,
) -> Regression:
    """The model that is trained, on the CPU; the arguments are those of `train`, and of `Regression`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            backbone = build()
        except (ValueError, KeyError, RuntimeError) as error:
            raise UnbuildableError from error
        if preset.initial == "torch":
            for module in backbone.modules():
                if isinstance(module, nn.Conv2d):
                    module.reset_parameters()
        if isinstance(preset, MenuPreset):
            return MenuRegression(backbone, goals, images, len(preset.signals), watch)
        return Regression(backbone, goals, images, watch)


def fit(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batch: Callable[[], Tensor],
    preset: Schedule,
    penalty: Callable[[], Tensor] | None = None,
    largest_gradient: float | None = None,
) -> Losses:
    """Train a model whose forward pass gives the loss of each stage, and evaluate it now and then.

    Args:
        model: a batch -> the preset's `losses`.
        preset: weights of the losses, iterations, and how many of them lie between two evaluations.
        penalty: what is added to the weighted losses of the last forward pass in training, and is no part of the score.
        largest_gradient: the norm to which a larger gradient of all parameters is scaled down.
    """
    weights = torch.tensor([loss.weight for loss in preset.losses], device=next(model.parameters()).device)
    losses = Losses()
    step = preset.evaluate_every or preset.iterations
    for first in range(1, preset.iterations + 1, step):
        span = range(first, first + step)
        model.train()
        observed = []
        for _ in span:
            optimiser.zero_grad()
            of_parts = model(batch())
            loss = torch.dot(weights, of_parts)
            if penalty is not None:
                loss = loss + penalty()
            loss.backward()  # type: ignore[no-untyped-call]
            if largest_gradient is not None:
                nn.utils.clip_grad_norm_(model.parameters(), largest_gradient)
            optimiser.step()
            observed.append(of_parts.detach())
        if not record(losses, losses.train, losses.train_iterations, span, torch.stack(observed)):
            break
        if not preset.evaluate_every:
            continue
        model.eval()
        with torch.no_grad():
            evaluated = model(batch())
        if not record(losses, losses.eval, losses.eval_iterations, span[-1:], evaluated[None]):
            break
    return losses


def optimiser_of(model: nn.Module, preset: ImageSchedule) -> torch.optim.Optimizer:
    """Stochastic gradient descent with momentum, whose weight decay leaves vectors (shifts, scales, biases) alone."""
    parameters = list(model.parameters())
    return SGD(
        [
            {"params": [p for p in parameters if p.dim() > 1], "weight_decay": preset.weight_decay},
            {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
        ],
        lr=preset.learning_rate,
        momentum=preset.momentum,
        fused=True,
    )


def noise(kind: Noise, inputs: Tensor, generator: Generator) -> Tensor:
    """Noise to add to the inputs, drawn on the CPU."""
    if kind.kind == "uniform":
        return (torch.rand(inputs.shape, generator=generator) * 2 - 1) * kind.level
    if kind.kind == "normal":
        return torch.randn(inputs.shape, generator=generator) * kind.level
    return torch.zeros(())


def record(losses: Losses, kept: list[list[float]], iterations: list[int], span: range, observed: Tensor) -> bool:
    """Keep the finite losses; False, and where it was, at the first that is not."""
    for iteration, row in zip(span, observed.tolist(), strict=True):
        if not all(map(math.isfinite, row)):
            losses.diverged_at = iteration
            return False
        iterations.append(iteration)
        kept.append(row)
    return True
