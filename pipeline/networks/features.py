"""A network up to the pooling of its classifier, for proxies that put a head of their own on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from pipeline.networks.without_values import without_values


class Features(nn.Module):
    """Images [N, 3, H, W] -> [N, channels, H', W'].

    Args:
        backbone: images -> taps.
        blocks: the parts of the backbone that follow one another, the stem first; each gives one feature map.
        channels: of the last tap.
        tail: what stands between the last tap and the pooling, in order.
    """

    WEIGHTED: ClassVar[tuple[type[nn.Module], ...]] = (nn.Conv2d, nn.Linear)

    def __init__(self, backbone: nn.Module, blocks: Sequence[nn.Module], channels: int, *tail: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.blocks = tuple(blocks)  # in a tuple they are not modules of their own, and count once
        self.channels = channels
        self.tail = nn.Sequential(*tail)

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.tail(self.backbone(images)[-1])
        return features

    def weights(self) -> list[Tensor]:
        """The weights of the convolutions and linear layers, without biases.

        Raises:
            ValueError: a weight is computed anew for each pass, as by torch.nn.utils.parametrizations.
        """
        weights = [dict(layer.named_parameters(recurse=False)).get("weight") for layer in self._weighted()]
        given = [weight for weight in weights if weight is not None]
        if len(given) < len(weights):
            raise ValueError("the weight of a layer is no parameter of its own, as where it is parametrized or pruned")
        return list[Tensor](given)

    def _weighted(self) -> list[nn.Module]:
        return [module for module in self.modules() if isinstance(module, self.WEIGHTED)]

    @property
    def layers(self) -> int:
        """The number of convolutions and linear layers."""
        return len(self._weighted())


def trained_parameters(features: Callable[[Any], Features], spec: object, classes: int) -> int:
    """Trainable parameters of the network of a spec, with the linear classifier that follows its pooling."""
    with without_values():
        network = features(spec)
    return sum(p.numel() for p in network.parameters()) + (network.channels + 1) * classes
