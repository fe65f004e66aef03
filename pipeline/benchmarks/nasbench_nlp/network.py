"""The recurrent networks of NAS-Bench-NLP: three layers of one cell, and what a cell's recipe computes.

Klyuchnikov et al., "NAS-Bench-NLP" (2020): the frame is that of the AWD-LSTM language model (Merity et al., 2018),
with the recipe in the place of the LSTM; embedding and decoder are not part of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.networks.features import Features
from pipeline.networks.without_values import without_values

WIDTHS = (400, 600, 600, 400)  # of the input, and of the three layers
WEIGHT_DROPOUT = 0.1
BETWEEN_DROPOUT = 0.25
LAST_DROPOUT = 0.1

OPERATIONS: dict[str, Callable[..., Tensor]] = {
    "blend": lambda gate, one, other: torch.lerp(other, one, gate),
    "elementwise_prod": torch.mul,
    "elementwise_sum": torch.add,
    "activation_tanh": torch.tanh,
    "activation_sigm": torch.sigmoid,
    "activation_leaky_relu": functional.leaky_relu,
}


class RecurrentLayer(nn.Module):
    """One recurrent layer: [T, N, inputs] -> [T, N, hidden], the cell's h_new_0 at each of T time steps.

    A linear node has a matrix for each of its inputs and one bias. All matrices that multiply the same vector are kept
    one above the other as one parameter, so that it is multiplied once; what multiplies x is done for all steps at
    once. Everything starts uniform in +-1/sqrt(hidden), hidden states start at zero.

    Only the matrices that multiply x are trained, and the biases. The others keep their initial values, as in the
    runs of the regression proxy's authors: dropping their entries gives the layer a copy that no gradient leaves.

    Where `carried` is set, a sequence begins with the states with which the one before ended; no gradient goes back to
    that one.

    Args:
        recipe: node -> {"op", "input"}, in canonical form.
        inputs, hidden: widths of x and of every other vector.
        weight_dropout: chance that, in training, an entry of a matrix is dropped for a whole sequence; those that
            multiply x are spared.
    """

    def __init__(
        self, recipe: Mapping[str, Mapping[str, Any]], inputs: int, hidden: int, weight_dropout: float
    ) -> None:
        super().__init__()
        self.hidden, self.weight_dropout, self.carried = hidden, weight_dropout, False
        self._last: list[Tensor] | None = None
        self.states = sum(name.startswith("h_new_") for name in recipe)
        self.nodes = {n: recipe[n] for n in _ordered(recipe) if n in recipe}
        self.readers: dict[str, list[str]] = {}
        for name, node in self.nodes.items():
            for source in node["input"] if node["op"] == "linear" else ():
                self.readers.setdefault(source, []).append(name)
        self.matrices = nn.ParameterDict()
        for source, readers in self.readers.items():
            empty = torch.empty(len(readers) * hidden, inputs if source == "x" else hidden)
            self.matrices[source] = nn.Parameter(empty, requires_grad=source == "x")
        self.biases = nn.ParameterDict({n: torch.empty(hidden) for n, v in self.nodes.items() if v["op"] == "linear"})
        bound = 1 / math.sqrt(hidden)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        matrices = {
            source: matrix if source == "x" else dropout(matrix, self.weight_dropout, self.training)
            for source, matrix in self.matrices.items()
        }
        states = self._last or [x.new_zeros(x.shape[1], self.hidden)] * self.states
        outputs = []
        for from_x in self._from_x(x, matrices):
            states = self._step(from_x, states, matrices)
            outputs.append(states[0])
        if self.carried:
            self._last = [state.detach() for state in states]
        return torch.stack(outputs)

    def _from_x(self, x: Tensor, matrices: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
        """For each time step, what each linear node gets from x and from its bias."""
        readers = self.readers.get("x", [])
        others = {n: bias for n, bias in self.biases.items() if n not in readers}
        bias = torch.cat([self.biases[n] for n in readers])
        steps = functional.linear(x, matrices["x"], bias).unbind()
        return [{**dict(zip(readers, step.chunk(len(readers), -1), strict=True)), **others} for step in steps]

    def _step(self, sums: dict[str, Tensor], states: list[Tensor], matrices: Mapping[str, Tensor]) -> list[Tensor]:
        """One time step: the new states; `sums` are the linear nodes as far as they are known."""
        values = {}

        def make(name: str, value: Tensor) -> None:
            values[name] = value
            readers = self.readers.get(name, [])
            if readers:
                products = functional.linear(value, matrices[name]).chunk(len(readers), -1)
                for reader, product in zip(readers, products, strict=True):
                    sums[reader] = sums[reader] + product

        for index, state in enumerate(states):
            make(f"h_prev_{index}", state)
        for name, node in self.nodes.items():
            if node["op"] == "linear":
                make(name, sums[name])
            else:
                make(name, OPERATIONS[node["op"]](*(values[source] for source in node["input"])))
        return [values[f"h_new_{index}"] for index in range(self.states)]


class RecurrentNetwork(nn.Module):
    """Sequences [N, T, 400] -> [[N, T, 400]], the last layer's output as the one tap.

    Three layers with the same recipe and weights of their own. In training, a dropout whose mask is the same at every
    time step follows each layer.

    Args:
        widths: of the input and of each layer.
        dropping: whether anything is dropped in training.
    """

    def __init__(
        self, recipe: Mapping[str, Mapping[str, Any]], widths: Sequence[int] = WIDTHS, *, dropping: bool = True
    ) -> None:
        super().__init__()
        self.recipe, self.dropping = recipe, dropping
        chance = WEIGHT_DROPOUT if dropping else 0.0
        self.layers = nn.ModuleList(RecurrentLayer(recipe, i, o, chance) for i, o in pairwise(widths))
        self.dropouts = [BETWEEN_DROPOUT * dropping] * (len(widths) - 2) + [LAST_DROPOUT * dropping]

    def forward(self, sequences: Tensor) -> list[Tensor]:
        x = sequences.transpose(0, 1)
        for layer, chance in zip(self.layers, self.dropouts, strict=True):
            x = layer(x)
            x = x * dropout(x.new_ones(1, *x.shape[1:]), chance, self.training)
        return [x.transpose(0, 1)]

    def resized(self, width: int) -> RecurrentNetwork:
        """The same layers with weights of their own, all of this width."""
        return RecurrentNetwork(self.recipe, [width] * (len(self.layers) + 1), dropping=self.dropping)

    def carry(self) -> None:
        """From now on a sequence begins with the states with which the one before ended."""
        for layer in self.layers:
            assert isinstance(layer, RecurrentLayer)
            layer.carried = True


class RecurrentFeatures(Features):
    """Sequences [N, T, 400] -> [N, 400, T, 1]: the last layer's outputs, for a classifier that averages over time.

    Nothing is dropped, and every matrix has a gradient.
    """

    def __init__(self, recipe: Mapping[str, Mapping[str, Any]], widths: Sequence[int] = WIDTHS) -> None:
        network = RecurrentNetwork(recipe, widths, dropping=False).requires_grad_()
        super().__init__(network, [*network.layers], widths[-1])
        self.recipe = recipe

    @property
    def _recurrent(self) -> list[RecurrentLayer]:
        return [layer for layer in self.blocks if isinstance(layer, RecurrentLayer)]

    def forward(self, sequences: Tensor) -> Tensor:
        return super().forward(sequences).transpose(1, 2)[..., None]

    def weights(self) -> list[Tensor]:
        """The matrices; those that multiply the same vector are one."""
        return [matrix for layer in self._recurrent for matrix in layer.matrices.values()]

    @property
    def layers(self) -> int:
        """The number of linear nodes."""
        return sum(len(layer.biases) for layer in self._recurrent)

    @property
    def delay(self) -> int | None:
        """As the function `delay`, of one layer."""
        return delay(self.recipe)


def dropout(values: Tensor, chance: float, training: bool) -> Tensor:
    """Values of which each is dropped with this chance, the others scaled to keep the expectation.

    The mask is drawn on the CPU, so that every device trains the same.
    """
    if not training or not chance:
        return values
    # four draws of 16 bits at once take a fifth of the time of one Bernoulli draw each
    draws = torch.empty((values.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    kept = draws.view(torch.int16)[: values.numel()] >= round(chance * 2**16) - 2**15
    return values * kept.view(values.shape).to(values.device, values.dtype).div_(1 - chance)


def parameters(recipe: Mapping[str, Mapping[str, Any]]) -> int:
    with without_values():
        return sum(p.numel() for p in RecurrentNetwork(recipe).parameters())


def delay(recipe: Mapping[str, Mapping[str, Any]]) -> int | None:
    """The time steps that pass before x reaches the cell's output h_new_0: 0 within the step; None if it never does."""
    order = [name for name in _ordered(recipe) if name in recipe]
    states = [name.removeprefix("h_new_") for name in order if name.startswith("h_new_")]
    reached = {"x"}
    for steps in range(len(states)):
        for name in order:
            if not reached.isdisjoint(recipe[name]["input"]):
                reached.add(name)
        if "h_new_0" in reached:
            return steps
        reached = {f"h_prev_{state}" for state in states if f"h_new_{state}" in reached}
    return None


def _ordered(recipe: Mapping[str, Mapping[str, Any]]) -> list[str]:
    sorter: TopologicalSorter[str] = TopologicalSorter({n: recipe[n]["input"] for n in sorted(recipe)})
    return list(sorter.static_order())
