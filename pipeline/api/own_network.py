"""A user's network: built for a bundle of proxies, after one pass has shown that it fits them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.errors import UserError, excerpt
from pipeline.proxies.contract import Bundle
from pipeline.wording import count_of, with_article

if TYPE_CHECKING:
    from torch import Tensor, nn

RAISED = (Exception, SystemExit, GeneratorExit)
"""What may be raised by a user's network or by the function that makes it."""
_PROBED = 2  # inputs of the pass that looks at the maps of a network


def builder(network: nn.Module | Callable[[], nn.Module], bundle: Bundle) -> Callable[[], Any]:
    """Return a function that builds a user's network in the form that the bundle takes.

    Raises:
        UserError: the network does not fit the proxy.
    """
    from torch import nn

    make: Callable[[], Any] = network if not isinstance(network, nn.Module) else lambda: copy.deepcopy(network)
    maps = _maps(_made(network, make), bundle)
    if bundle.network == "backbone":
        return make
    return lambda: _features(make(), maps[-1].shape[1], bundle)


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or the name of its class."""
    return excerpt(str(error).partition("\n")[0], 300, bare=True) or type(error).__name__


def _made(network: object, make: Callable[[], Any]) -> nn.Module:
    """Call `make` once, and refuse what is not a network."""
    from torch import nn

    if not callable(network):
        raise UserError(f"a network is a torch module or a function that makes one, not {type(network).__name__}")
    try:
        result = make()
    except RAISED as error:
        if isinstance(network, nn.Module):
            raise UserError(
                f"{type(network).__name__} cannot be copied ({first_line(error)}): give a function that makes it"
            ) from error
        if isinstance(error, Exception):
            raise
        raise UserError(f"the function that makes the network ends in {type(error).__name__}: {error}") from error
    if not isinstance(result, nn.Module):
        raise UserError(f"the function gives {type(result).__name__}, not a torch module")
    return result


def _features(network: nn.Module, channels: int, bundle: Bundle) -> nn.Module:
    from pipeline.networks.features import Features
    from pipeline.networks.tapped import Tapped
    from pipeline.proxies.zerocost import BLOCKWISE

    blocks = network.blocks if isinstance(network, Tapped) else []
    if not blocks and bundle.name in BLOCKWISE:
        raise UserError(f"{bundle.name} looks at a network's blocks: name them with pipeline.tapped(network, [...])")
    return Features(network, blocks, channels)


def _maps(network: nn.Module, bundle: Bundle) -> Sequence[Tensor]:
    """The feature maps of a network for a few inputs, one for each stage of the proxy if that has stages.

    Raises:
        UserError: it does not take the inputs, does not give maps, or not as many.
    """
    import torch

    kind, shape = type(network).__name__, _input_shape(bundle)
    try:
        with torch.enable_grad():
            maps: Sequence[Tensor] = network.eval()(torch.randn(shape))
            keeps_gradients = torch.is_grad_enabled()
    except UserError:
        raise
    except RAISED as error:
        raise UserError(f"{kind} does not take {bundle.inputs} of shape {shape}: {first_line(error)}") from error
    _require_maps(kind, maps, shape)
    if not keeps_gradients:
        raise UserError(
            f"{kind} switches gradients off for the whole process: put `with torch.no_grad():` around what needs none "
            "in the place of torch.set_grad_enabled(False)"
        )
    if unfit := [m for m in maps if m.dtype != torch.float32 or not m.numel()]:
        raise UserError(
            f"{kind} gives a feature map of shape {list(unfit[0].shape)} in {unfit[0].dtype}, needed is one of "
            "torch.float32 that is not empty"
        )
    stages = bundle.proxies[0].configuration.get("stage_weights")
    if stages is not None and len(maps) != len(stages):
        raise UserError(
            f"{kind} gives {count_of(len(maps), 'feature map')}, {bundle.name} has "
            f"{count_of(len(stages), 'stage')}: give as "
            "many, for instance with pipeline.tapped(network, [...]), or a TOML file with a stage for each"
        )
    return maps


def _input_shape(bundle: Bundle) -> list[int]:
    from pipeline.proxies.images import SIZE
    from pipeline.proxies.regression import sequences, signals

    configuration = bundle.proxies[0].configuration
    if bundle.inputs == "images":
        size = configuration.get("image_size", SIZE)
        return [_PROBED, 3, size, size]
    return [_PROBED, configuration.get("steps", signals.SIZE), sequences.WIDTH]


def _require_maps(kind: str, value: object, shape: list[int]) -> None:
    if isinstance(value, list | tuple) and value and all(_is_map(m, len(shape)) for m in value):
        return
    dimensions = "[N, C, H, W]" if len(shape) == 4 else f"[N, {shape[1]}, {shape[2]}]"
    raise UserError(
        f"{kind} gives {_described(value)}, needed is a list of feature maps {dimensions}: "
        "return them, or name the submodules that make them with pipeline.tapped(network, [...])"
    )


def _is_map(value: object, dimensions: int) -> bool:
    import torch

    return isinstance(value, torch.Tensor) and value.dim() == dimensions and value.shape[0] == _PROBED


def _described(value: object) -> str:
    if isinstance(value, list | tuple) and value:
        return f"{with_article(type(value).__name__)} with {_described(value[0])}"
    shape = getattr(value, "shape", None)
    return f"a tensor of shape {list(shape)}" if shape is not None else type(value).__name__
