"""The passes through one network that zero-cost proxies use; each is run once, when first needed.

forward             one forward pass of the batch; every result down to `curvature` uses it
loss_gradients      its backward pass from the cross-entropy
input_gradient      its backward pass from the sum of the logits
block_gradients     its backward pass block by block
curvature           the backward pass of `loss_gradients`' backward pass
halves              forward and backward of each half of the batch
flow                forward and backward of one input through the linearised network
perturbed           two forward passes of noise
information         a forward pass of noise, and a backward pass from each logit
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar, overload

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from pipeline.networks.features import Features
from pipeline.proxies import arithmetic
from pipeline.proxies.contract import UnbuildableError
from pipeline.proxies.zerocost.first_entries import FirstEntryObserver
from pipeline.proxies.zerocost.forward_observer import ForwardObserver, longest_chain
from pipeline.proxies.zerocost.shared_results import SharedResults

T = TypeVar("T")

PERTURBATION = 0.01
ENTRIES = 128
SMOOTHING = 0.05  # of the odds: the logits of a network that does not normalise are far apart


class shared(Generic[T]):  # noqa: N801 (it is used as a decorator, like property)
    """A method of `Passes` as an attribute that is computed once and kept among its `results`."""

    def __init__(self, make: Callable[[Passes], T]) -> None:
        self.make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, passes: None, kind: type[Passes]) -> shared[T]: ...

    @overload
    def __get__(self, passes: Passes, kind: type[Passes]) -> T: ...

    def __get__(self, passes: Passes | None, kind: type[Passes]) -> shared[T] | T:
        if passes is None:
            return self
        return passes.results.get(self.make.__name__, lambda: self._made(passes))

    def _made(self, passes: Passes) -> T:
        """The result, whose random numbers do not depend on what was computed before it."""
        with passes.drawing_from(self.make.__name__):
            return self.make(passes)


class Classifier(nn.Module):
    """Features, global average pooling (over time, for sequences) and a linear layer: inputs -> [N, classes]."""

    def __init__(self, features: Features, classes: int) -> None:
        super().__init__()
        self.features = features
        self.head = nn.Linear(features.channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(images).mean((2, 3)))
        return logits

    def weights(self) -> list[Tensor]:
        return [*self.features.weights(), self.head.weight]

    @property
    def delay(self) -> int | None:
        """The time steps that an input takes to reach the features; None if it never does."""
        steps: int | None = getattr(self.features, "delay", 0)
        return steps


@dataclass(frozen=True)
class Sizes:
    """What a network is made of; `operations` and `depth` are those of `ForwardObserver` and `longest_chain`."""

    parameters: int
    layers: int
    operations: int
    depth: int


@dataclass(frozen=True)
class Forward:
    """One forward pass: its graph is kept. `blocks` are the feature maps behind each block."""

    images: Tensor
    logits: Tensor
    observed: ForwardObserver
    blocks: list[Tensor]


@dataclass(frozen=True)
class Gradients:
    """The gradients of a loss with regard to the weights and to the outputs of convolutions and linear layers."""

    weights: list[Tensor]
    outputs: list[Tensor]


class Passes:
    """The passes through one network.

    Args:
        features: makes the features, with their initial weights.
        images: [N, 3, H, W], or sequences [N, T, width], on the CPU.
        labels: [N].
        classes: outputs of the head.
        seed: (name of a stream) -> its seed.
        device: where to compute. All that is random is drawn on the CPU.
        with_curvature: whether `curvature` will be asked for; the graph is kept for it.

    Networks compute in training mode: batch normalisation takes the statistics of the batch. What they draw as they
    compute, such as dropout, has a random stream for each pass.
    """

    def __init__(
        self,
        features: Callable[[], Features],
        images: Tensor,
        labels: Tensor,
        classes: int,
        seed: Callable[[str], int],
        device: torch.device,
        *,
        with_curvature: bool,
    ) -> None:
        self.results = SharedResults(torch.cuda.synchronize if device.type == "cuda" else lambda: None)
        self._make, self._images, self._labels, self._classes = features, images, labels, classes
        self._seed, self._device, self._with_curvature = seed, device, with_curvature

    def stream(self, name: str) -> Generator:
        """A random stream of its own, on the CPU."""
        return Generator().manual_seed(self._seed(name))

    def drawing_from(self, name: str) -> AbstractContextManager[None]:
        """Within, torch's own random numbers come from the stream of that name."""
        return arithmetic.drawing_from(self._seed(name), self._device)

    @shared
    def network(self) -> Classifier:
        with self.drawing_from("weights"):
            try:
                network = Classifier(self._make(), self._classes)
            except (ValueError, KeyError, RuntimeError) as error:
                raise UnbuildableError from error
        layout = arithmetic.layout(self._device, network)
        network.to(self._device, memory_format=layout)  # type: ignore[call-overload]
        self._buffers = [buffer.clone() for buffer in network.buffers()]
        return network

    def _as_built(self) -> Classifier:
        """A copy of the network, with its running statistics from before any pass."""
        network = copy.deepcopy(self.network)
        for buffer, before in zip(network.buffers(), self._buffers, strict=True):
            buffer.copy_(before)
        return network

    @shared
    def labels(self) -> Tensor:
        """[N]."""
        return self._labels.to(self._device)

    @shared
    def sizes(self) -> Sizes:
        """Counts, from a pass without numbers where that can be had; of a sequence, from one time step."""
        try:
            operations, depth = self._counts(torch.device("meta"))
        except RuntimeError:  # what the network makes in its forward pass has numbers
            operations, depth = self._counts(torch.device("cpu"))
        parameters = sum(p.numel() for p in self.network.parameters())
        return Sizes(parameters, self.network.features.layers + 1, operations, depth)

    def _counts(self, device: torch.device) -> tuple[int, int]:
        """The operations and the depth of a pass on a device."""
        network = copy.deepcopy(self.network).to(device)
        shape = self._images.shape[1:] if self._images.dim() == 4 else (1, *self._images.shape[2:])
        with ForwardObserver() as observed:
            logits = network(torch.zeros(2, *shape, device=device))
        return observed.operations, longest_chain(logits)

    @shared
    def forward(self) -> Forward:
        """One pass of the batch."""
        network, maps = self.network.train(), list[Tensor]()
        layout = arithmetic.layout(self._device, network) if self._images.dim() == 4 else torch.preserve_format
        images = self._images.to(self._device, memory_format=layout, copy=True).requires_grad_()
        hooks = [
            block.register_forward_hook(lambda _module, _inputs, output: maps.append(output))
            for block in network.features.blocks
        ]
        with ForwardObserver(patterns=True) as observed:
            logits = network(images)
        for hook in hooks:
            hook.remove()
        return Forward(images, logits, observed, maps)

    @shared
    def loss_gradients(self) -> Gradients:
        """The gradients of the mean cross-entropy of the batch."""
        weights, outputs = self.network.weights(), [output for output, _ in self.forward.observed.outputs]
        loss = functional.cross_entropy(self.forward.logits, self.labels)
        gradients = _gradients(loss, [*weights, *outputs], create_graph=self._with_curvature)
        return Gradients(gradients[: len(weights)], gradients[len(weights) :])

    @shared
    def input_gradient(self) -> Tensor:
        """The gradient of the sum of all logits with regard to each input, flattened: [N, 3 x H x W]."""
        (gradient,) = _gradients(self.forward.logits.sum(), [self.forward.images])
        return gradient.flatten(1)

    @shared
    def curvature(self) -> list[Tensor]:
        """The loss's Hessian times its gradient, both with regard to the weights."""
        gradients = self.loss_gradients.weights
        product = sum(((g.detach() * g).sum() for g in gradients), torch.zeros((), device=self._device))
        return _gradients(product, self.network.weights())

    @shared
    def block_gradients(self) -> list[tuple[Tensor, Tensor]]:
        """For each block but the first: random signs [N, C, H, W] of its output, and their gradient at its input."""
        stream, maps = self.stream("signs"), self.forward.blocks
        pairs = []
        for before, after in pairwise(maps):
            signs = (torch.rand(after.shape, generator=stream) < 0.5).to(after.device, after.dtype) * 2 - 1
            (gradient,) = _gradients(after, [before], grad_outputs=signs)
            pairs.append((signs, gradient))
        return pairs

    @shared
    def halves(self) -> list[list[Tensor]]:
        """The gradients of the weights for each half of the batch."""
        network = self.network.train()
        images = self._images.to(self._device, copy=True)  # a network may write into its input
        parts = zip(images.chunk(2), self.labels.chunk(2), strict=True)
        losses = (functional.cross_entropy(network(half), labels) for half, labels in parts)
        return [_gradients(loss, network.weights(), retain_graph=False) for loss in losses]

    @shared
    def flow(self) -> list[tuple[Tensor, Tensor]]:
        """Weights and gradients of the linearised network: absolute parameters, no batch normalisation, in float64.

        It drops nothing: it computes in evaluation mode, as its authors' does.

        The gradient is that of the sum of the logits for one input of ones.
        """
        network = self._as_built().double().eval()
        for name, module in list(network.named_modules(remove_duplicate=False)):
            if isinstance(module, _BatchNorm):
                parent, _, last = name.rpartition(".")
                setattr(network.get_submodule(parent), last, nn.Identity())
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.abs_()
        ones = torch.ones(1, *self._images.shape[1:], dtype=torch.float64, device=self._device)
        weights = network.weights()
        return list(zip(weights, _gradients(network(ones).sum(), weights, retain_graph=False), strict=True))

    @shared
    def perturbed(self) -> tuple[float, list[float]]:
        """Two passes of a network of standard normal weights: noise x, and x + `PERTURBATION` more noise.

        Where the network drops something, both drop the same: only the noise tells them apart.

        Returns:
            The mean over inputs of the summed absolute difference of their features, and for each batch normalisation
            the mean over channels of its running variance after the passes.
        """
        network, stream = self._as_built().features.train(), self.stream("perturbed")
        norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
        with torch.no_grad():
            for weight in network.weights():
                weight.copy_(torch.randn(weight.shape, generator=stream))
            for norm in norms:
                norm.reset_running_stats()
            x, more = (torch.randn(self._images.shape, generator=stream).to(self._device) for _ in range(2))
            with self.drawing_from("dropped"):
                features = network(x.clone())
            with self.drawing_from("dropped"):
                difference = (network(x + PERTURBATION * more) - features).abs().sum((1, 2, 3)).mean()
        return float(difference), [float(norm.running_var.mean()) for norm in norms if norm.running_var is not None]

    @shared
    def information(self) -> Tensor:
        """Fisher's information of one entry of each parameter, [P, P] in float64, P <= `ENTRIES`, from noise.

        The network has Kaiming's normal weights, biases of zero, and batch normalisation by running statistics, which
        are those it starts with.
        """
        network, stream = self._as_built().eval(), self.stream("information")
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if name.endswith("bias"):
                    parameter.zero_()
            for weight in network.weights():
                drawn = torch.randn(weight.shape, generator=stream) * (2 / weight[0].numel()) ** 0.5
                weight.copy_(drawn)
        images = torch.randn(self._images.shape, generator=stream).to(self._device)
        with FirstEntryObserver() as observed:
            logits = network(images)
        jacobian = observed.jacobian(logits, ENTRIES).double()
        odds = (1 - SMOOTHING) * logits.detach().double().softmax(1)[..., None] + SMOOTHING / self._classes
        centred = jacobian - (odds * jacobian).sum(1, keepdim=True)
        return torch.einsum("nci,ncj->ij", odds * centred, centred) / len(images)


def _gradients(
    output: Tensor,
    inputs: list[Tensor],
    *,
    grad_outputs: Tensor | None = None,
    create_graph: bool = False,
    retain_graph: bool = True,
) -> list[Tensor]:
    """The gradient of an output with regard to each input, zero where it does not depend on it."""
    wanted = [tensor for tensor in inputs if output.requires_grad and tensor.requires_grad]
    if not wanted:
        return [torch.zeros_like(tensor) for tensor in inputs]
    computed = iter(
        torch.autograd.grad(
            output, wanted, grad_outputs, retain_graph=retain_graph, create_graph=create_graph, allow_unused=True
        )
    )
    gradients = ((tensor, next(computed) if tensor.requires_grad else None) for tensor in inputs)
    return [torch.zeros_like(tensor) if gradient is None else gradient for tensor, gradient in gradients]
