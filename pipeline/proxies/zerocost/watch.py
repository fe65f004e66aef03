"""Look at a forward pass from outside: its convolutions, its activations, its operations.

Networks call torch's functions through modules or directly, and share a ReLU or not. Watching the functions sees all
of it in one place, whatever the network is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_LINEAR = (functional.conv2d, functional.linear)
_RECTIFIERS = (functional.relu, functional.relu_)
_WINDOWS = (functional.avg_pool2d, functional.max_pool2d)


class Watch(TorchFunctionMode):
    """Within `with Watch() as seen:`, what the forward pass does.

    Attributes:
        outputs: of each convolution and linear layer, in the order of the calls, and the weights of one output channel.
        agreement: [N, N] in float64 if `patterns` is asked for, else None: for two inputs, the number of units of all
            ReLUs that are on for both or off for both.
        operations: of one input: a multiply-accumulate of a convolution or linear layer counts 1, batch normalisation
            2 and a ReLU 1 for each of its outputs, pooling the size of its window for each output.
    """

    def __init__(self, *, patterns: bool = False) -> None:
        super().__init__()
        self.outputs: list[tuple[Tensor, int]] = []
        self.agreement: Tensor | None = None
        self.operations = 0
        self._patterns = patterns

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call the function and note what it did."""
        result = func(*args, **(kwargs or {}))
        if func in _LINEAR:
            fan_in = args[1][0].numel()
            self.outputs.append((result, fan_in))
            self.operations += result[0].numel() * fan_in
        elif func is functional.batch_norm:
            self.operations += 2 * result[0].numel()
        elif func in _RECTIFIERS:
            self.operations += result[0].numel()
            if self._patterns:
                self._compare(result.detach())
        elif func in _WINDOWS:
            self.operations += result[0].numel() * _area(args[1])
        return result

    def _compare(self, rectified: Tensor) -> None:
        on = (rectified > 0).flatten(1).float()
        both = on @ on.T
        count = on.sum(1)
        same = (2 * both + on.shape[1] - count[:, None] - count[None, :]).double()  # on for both, off for both
        self.agreement = same if self.agreement is None else self.agreement + same


def _area(window: int | tuple[int, int]) -> int:
    return window * window if isinstance(window, int) else window[0] * window[1]


def longest_chain(output: Tensor) -> int:
    """The number of convolutions and linear layers on the longest path of the graph that made `output`."""
    depth: dict[Any, int] = {}
    stack = [output.grad_fn]
    while stack:
        node = stack[-1]
        sources = [source for source, _ in node.next_functions if source is not None] if node is not None else []
        open_ones = [source for source in sources if source not in depth]
        if node is None or node in depth:
            stack.pop()
        elif open_ones:
            stack += open_ones
        else:
            own = node.name().startswith(("ConvolutionBackward", "AddmmBackward", "MmBackward"))
            depth[node] = own + max((depth[source] for source in sources), default=0)
            stack.pop()
    return depth.get(output.grad_fn, 0)
