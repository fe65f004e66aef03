"""What a forward pass does, seen from outside: its convolutions, its activations, its operations."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pipeline.proxies.zerocost import SAMPLES
from pipeline.proxies.zerocost.function_observer import Call, FunctionObserver


class ForwardObserver(FunctionObserver):
    """Within `with ForwardObserver() as observed:`, what the forward pass does.

    Attributes:
        outputs: of each convolution and linear layer, in the order of the calls, and the weights of one output channel.
        agreement: [N, N] in float64 if `patterns` is asked for, else None: for two inputs, the number of units of all
            ReLUs and their variants (ReLU6, LeakyReLU, PReLU, RReLU) that are on for both or off for both.
        sample_patterns: likewise, else None: [2 ** min(N, `SAMPLES`)], whether a unit of a ReLU is on for just those of
            the first inputs whose bits the index has.
        operations: of one input: a multiply-accumulate of a convolution or linear layer counts 1, batch normalisation
            2 and a ReLU 1 for each of its outputs, pooling the size of its window for each output.
    """

    def __init__(self, *, patterns: bool = False) -> None:
        super().__init__()
        self.outputs: list[tuple[Tensor, int]] = []
        self.agreement: Tensor | None = None
        self.sample_patterns: Tensor | None = None
        self.operations = 0
        self._patterns = patterns

    def observe(self, call: Call) -> Tensor:
        """Count and compare what a function did."""
        outputs = call.result[0].numel()
        if call.operation in ("convolution", "linear"):
            fan_in = call.arguments["weight"][0].numel()
            self.outputs.append((call.result, fan_in))
            self.operations += outputs * fan_in
        elif call.operation == "normalisation":
            self.operations += 2 * outputs
        elif call.operation in ("rectifier", "rectifier variant"):
            self.operations += outputs if call.operation == "rectifier" else 0
            if self._patterns:
                self._compare(call.result.detach())
        else:
            self.operations += outputs * _area(call.arguments["kernel_size"])
        return call.result

    def _compare(self, rectified: Tensor) -> None:
        on = (rectified > 0).flatten(1).float()
        both = on @ on.T
        count = on.sum(1)
        same = (2 * both + on.shape[1] - count[:, None] - count[None, :]).double()  # on for both, off for both
        self.agreement = same if self.agreement is None else self.agreement + same
        self._note_patterns(on[:SAMPLES])

    def _note_patterns(self, on: Tensor) -> None:
        bits = 2.0 ** torch.arange(len(on), device=on.device)
        if self.sample_patterns is None:
            self.sample_patterns = torch.zeros(2 ** len(on), dtype=torch.bool, device=on.device)
        self.sample_patterns[(bits @ on).long()] = True  # sums below 2^24 are exact in float32


def _area(window: int | tuple[int, int]) -> int:
    return window * window if isinstance(window, int) else window[0] * window[1]


def longest_chain(output: Tensor) -> int:
    """The number of convolutions and linear layers on the longest path of the graph that made `output`."""
    depth: dict[Any, int] = {}
    stack = [output.grad_fn]
    while stack:
        node = stack[-1]
        sources = [source for source, _ in node.next_functions if source is not None] if node is not None else []
        unvisited = [source for source in sources if source not in depth]
        if node is None or node in depth:
            stack.pop()
        elif unvisited:
            stack += unvisited
        else:
            own = node.name().startswith(("ConvolutionBackward", "AddmmBackward", "MmBackward"))
            depth[node] = own + max((depth[source] for source in sources), default=0)
            stack.pop()
    return depth.get(output.grad_fn, 0)
