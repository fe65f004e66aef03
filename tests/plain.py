"""The plain eager loop, the yardstick of the engine: one network at a time, as the method's description says it.

Every network is made of the engine's own, so that both start from the same weights; noise and dropout come from the
same streams. What differs is how it is computed: each candidate of a cell is a module of its own, each matrix is
multiplied by itself at each time step, tensors lie in torch's default layout, the optimisers are not fused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from pipeline.networks import nasbench201, recurrent
from pipeline.proxies.regression import sequences, training
from pipeline.proxies.regression.presets import Schedule


class Cell201(nn.Module):
    """A cell of NAS-Bench-201 as a search network holds it: every candidate of every edge exists, one is used."""

    def __init__(self, cell: nasbench201.Cell, channels: int) -> None:
        super().__init__()
        self.kinds = cell.kinds
        self.candidates = nn.ModuleDict()
        for i, j in cell.kinds:
            for kind, kernel in (("nor_conv_1x1", 1), ("nor_conv_3x3", 3)):
                made = nasbench201.ConvBN(channels, channels, kernel, plain=True)
                if cell.kinds[i, j] == kind:
                    made.load_state_dict(cell.edges[f"{i}-{j}"].state_dict())
                self.candidates[f"{i}-{j}-{kind}"] = nn.Sequential(nn.ReLU(), made)
        self.pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)

    def edge(self, i: int, j: int, x: Tensor) -> Tensor:
        kind = self.kinds[i, j]
        if kind == "none":
            return x * 0
        if kind == "skip_connect":
            return x
        made: Tensor = self.pool(x) if kind == "avg_pool_3x3" else self.candidates[f"{i}-{j}-{kind}"](x)
        return made

    def forward(self, x: Tensor) -> Tensor:
        nodes = [x]
        for j in range(1, 4):
            nodes.append(torch.stack([self.edge(i, j, nodes[i]) for i in range(j)]).sum(0))
        return nodes[3]


class Layer(nn.Module):
    """A layer of a NAS-Bench-NLP network: every node at every step by itself, from its own matrices."""

    def __init__(self, layer: recurrent.Layer) -> None:
        super().__init__()
        self.layer, self.nodes, self.states = layer, layer.nodes, layer.states

    def forward(self, x: Tensor) -> Tensor:
        layer = self.layer
        matrices = {}
        for source, stacked in layer.matrices.items():
            kept = stacked if source == "x" else recurrent.dropout(stacked, layer.weight_dropout, self.training)
            for reader, matrix in zip(layer.readers[source], kept.chunk(len(layer.readers[source])), strict=True):
                matrices[reader, source] = matrix.contiguous()
        states = [x.new_zeros(x.shape[1], layer.hidden)] * self.states
        outputs = []
        for step in x:
            values = {"x": step, **{f"h_prev_{i}": state for i, state in enumerate(states)}}
            for name, node in self.nodes.items():
                if node["op"] == "linear":
                    terms = [values[s] @ matrices[name, s].T for s in node["input"]]
                    values[name] = torch.stack(terms).sum(0) + layer.biases[name]
                else:
                    values[name] = recurrent._OPERATIONS[node["op"]](*(values[s] for s in node["input"]))
            states = [values[f"h_new_{i}"] for i in range(self.states)]
            outputs.append(states[0])
        return torch.stack(outputs)


def of(network: nn.Module) -> nn.Module:
    """The plain form of a network that the engine has built, with its weights."""
    if isinstance(network, nasbench201.Network):
        for part, stack in enumerate(network.stacks):
            if part % 2 == 0:
                width = nasbench201.TOPOLOGY_CHANNELS[part // 2]
                network.stacks[part] = nn.Sequential(*(Cell201(cell, width) for cell in stack))
    elif isinstance(network, recurrent.Network):
        network.layers = nn.ModuleList(Layer(layer) for layer in network.layers)
    return network


def fit(
    model: nn.Module, optimiser: torch.optim.Optimizer, batch: Callable[[], Tensor], preset: Schedule
) -> training.Losses:
    """As `training.fit`."""
    device = next(model.parameters()).device
    if isinstance(model, sequences.SequenceRegression):
        model.network = of(model.network)
    elif isinstance(model, training.Regression):
        model.backbone = of(model.backbone)
        model.goals = [goal.contiguous() for goal in model.goals]
    model.to(device, memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    plain = _unfused(model, optimiser)
    weights = torch.tensor([loss.weight for loss in preset.losses], device=device)
    losses = training.Losses()
    for iteration in range(1, preset.iterations + 1):
        model.train()
        plain.zero_grad()
        found = model(batch().contiguous())
        (weights * found).sum().backward()
        plain.step()
        losses.train_iterations.append(iteration)
        losses.train.append(found.tolist())
        if preset.evaluate_every and iteration % preset.evaluate_every == 0:
            model.eval()
            with torch.no_grad():
                losses.eval.append(model(batch().contiguous()).tolist())
            losses.eval_iterations.append(iteration)
    return losses


def _unfused(model: nn.Module, optimiser: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """The same optimiser over the parameters of the plain model, whose vectors decay as those of the other do."""
    settings = {k: v for k, v in optimiser.defaults.items() if k in ("lr", "momentum", "betas", "weight_decay")}
    if isinstance(optimiser, torch.optim.Adam):
        return torch.optim.Adam(model.parameters(), **settings)
    decay = optimiser.param_groups[0]["weight_decay"]
    matrices, vectors = ([p for p in model.parameters() if (p.dim() > 1) is wanted] for wanted in (True, False))
    groups = [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, **{**settings, "weight_decay": 0.0})


@contextmanager
def loop() -> Iterator[None]:
    """Within, the regression proxy trains with the plain loop."""
    engine = training.fit
    training.fit = sequences.fit = fit
    try:
        yield
    finally:
        training.fit = sequences.fit = engine
