"""How a device computes: float32 as IEEE says, sums in a fixed order where that can be had."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipeline.errors import UserError
from pipeline.proxies.contract import reason_of

if TYPE_CHECKING:
    import torch
    from torch import nn

ON_A_CARD = (
    "float32 by IEEE, in stacked architectures each product as three of TensorFloat-32; cuDNN deterministic; the "
    "backward pass of max pooling adds in any order"
)
"""What the record of a run on a card says: two runs may differ by rounding, which training magnifies."""


ONEDNN_BLOCK = 16
"""Channels that oneDNN's kernels for AVX-512 take at a time; those for AVX2 take 8."""


def exact(device: str) -> torch.device:
    """The device of a name, with its index, where float32 is float32, and cuDNN's sums have a fixed order.

    TensorFloat-32, torch's default for convolutions on a card, keeps 10 of 23 bits of a product's factors: losses that
    it moves beyond rounding would be another proxy.
    """
    import torch

    if device == "cpu":
        return torch.device(device)
    # One interface alone: torch refuses to answer where it was mixed with the older `allow_tf32`.
    backends: Any = torch.backends
    for place in (backends, backends.cudnn, backends.cudnn.conv, backends.cudnn.rnn, backends.cuda.matmul):
        place.fp32_precision = "ieee"
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    return torch.device(device, torch.cuda.current_device())


def layout(device: torch.device, network: nn.Module | None = None) -> torch.memory_format:
    """The order of images in memory: channels last on the CPU, where convolutions are faster so, first on a card.

    First on the CPU, too, for a network with 1x1 convolutions that leave out pixels of less than `ONEDNN_BLOCK`
    channels: with channels last oneDNN's gradient of their weights is written beyond its memory, and wrong or the end
    of the process (uxlfoundation/oneDNN issue 6035).

    On a card torch before July 2026 has a wrong gradient of average pooling with padding where channels are last
    (pytorch/pytorch issue 188344), and cuDNN converts what goes into and comes out of its kernels for IEEE's float32.
    """
    import torch

    modules = network.modules() if network is not None else ()
    last = device.type == "cpu" and not any(map(_breaks_with_channels_last, modules))
    return torch.channels_last if last else torch.contiguous_format


def _breaks_with_channels_last(module: nn.Module) -> bool:
    from torch import nn

    return (
        isinstance(module, nn.Conv2d)
        and set(module.kernel_size) == {1}
        and set(module.stride) != {1}
        and module.in_channels // module.groups < ONEDNN_BLOCK
    )


@contextlib.contextmanager
def drawing_from(seed: int, device: torch.device) -> Iterator[None]:
    """Within, torch's own random numbers come from this seed: a network with dropout draws them as it computes."""
    import torch

    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def failed(error: BaseException) -> UserError:
    """For an accelerator's error, which says nothing about a network: every later one would fail, too."""
    return UserError(f"the card failed ({reason_of(error)}): what is done is stored, the same command goes on")


@contextlib.contextmanager
def failing_in_one_line() -> Iterator[None]:
    """Within, an accelerator's error is a `UserError`: a card that others have taken may fail at its first use."""
    import torch

    try:
        yield
    except torch.AcceleratorError as error:
        raise failed(error) from error
