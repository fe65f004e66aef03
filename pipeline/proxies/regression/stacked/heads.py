"""The heads of a stack of networks: losses of the taps and their gradients, by torch's batched products."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.proxies.regression.signals import SIZE
from pipeline.proxies.regression.stacked.network import EPS, MOMENTUM, Stack


@dataclass
class Heads:
    """The heads of all stages.

    Args:
        goals: the regression target of each stage, [N, channels, 8, 8], on the stack's device.
        weights: of the losses, [losses]; each stage has as many.
    """

    stack: Stack
    goals: list[Tensor]
    weights: Tensor

    def __post_init__(self) -> None:
        self.targets = [goal.permute(0, 2, 3, 1).flatten(0, 2).contiguous() for goal in self.goals]
        self.of_stage = len(self.weights) // len(self.goals)
        weights = self.weights.view(len(self.goals), -1)
        self.scales = []  # of the difference from the target, per channel
        for target, own in zip(self.targets, weights, strict=True):
            channels = target.shape[1] // self.of_stage
            self.scales.append((own * (2 / (target.shape[0] * channels))).repeat_interleave(channels))

    def losses(self, *, training: bool) -> tuple[Tensor, list[Tensor]]:
        """The losses, [A, losses], and in training the gradient of each tap at the positions its head reads.

        Those of the heads' weights go to the stack's gradients.
        """
        losses, gradients = [], []
        for stage, tap in enumerate(self.stack.taps()):
            loss, gradient = self._stage(stage, tap, training=training)
            losses.append(loss)
            gradients.append(gradient)
        return torch.cat(losses, dim=1), gradients

    def _stage(self, stage: int, tap: Tensor, *, training: bool) -> tuple[Tensor, Tensor]:
        stack, step = self.stack, tap.shape[2] // SIZE
        small = tap[:, :, ::step, ::step].reshape(stack.count, -1, tap.shape[-1])
        running = stack.head_running[stage]
        if training:
            mean = small.mean(1)
            variance = (small - mean[:, None]).square().mean(1)
            count = small.shape[1]
            running[0].mul_(1 - MOMENTUM).add_(mean, alpha=MOMENTUM)
            running[1].mul_(1 - MOMENTUM).add_(variance, alpha=MOMENTUM * count / (count - 1))
        else:
            mean, variance = running[0], running[1]
        rstd = (variance + EPS).rsqrt()
        normal = (small - mean[:, None]) * rstd[:, None]
        name = f"head{stage}"
        scale, shift = (stack.other(f"{name}.norm.{vector}")[:, None] for vector in ("weight", "bias"))
        weight = stack.other(f"{name}.project")
        features = normal * scale + shift
        predicted = torch.baddbmm(stack.other(f"{name}.bias")[:, None], features, weight)
        difference = predicted - self.targets[stage]
        losses = difference.square().mean(1).view(stack.count, self.of_stage, -1).mean(2)
        if not training:
            return losses, losses
        difference = difference * self.scales[stage]
        stack.gradient(f"{name}.project").copy_(torch.bmm(features.transpose(1, 2), difference))
        stack.gradient(f"{name}.bias").copy_(difference.sum(1))
        gradient = torch.bmm(difference, weight.transpose(1, 2))
        stack.gradient(f"{name}.norm.weight").copy_((gradient * normal).sum(1))
        stack.gradient(f"{name}.norm.bias").copy_(gradient.sum(1))
        mean_gradient = gradient.mean(1, keepdim=True)
        along = (gradient * normal).mean(1, keepdim=True)
        back = (gradient - mean_gradient - normal * along) * (rstd[:, None] * scale)
        return losses, back.view(stack.count, tap.shape[1], SIZE, SIZE, -1)
