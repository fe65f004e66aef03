"""Zero-cost proxies of networks as users bring them: dropout, layers over tokens, tensors made in the forward pass."""

import math

import pytest
import torch
from torch import nn

from pipeline.proxies.zerocost import measures
from pipeline.proxies.zerocost.passes import Passes
from tests.proxies.zerocost.test_measures import IMAGES, passes


def dropping(chance: float = 0.5) -> Passes:
    """A convolution of known weights, and dropout."""
    of = passes(nn.Conv2d(3, 9, 3, bias=False), nn.Dropout(chance), channels=9, with_curvature=True)
    weight = of.network.weights()[0].detach()
    weight.copy_(torch.linspace(-1, 1, weight.numel()).reshape(weight.shape))
    return of


@pytest.mark.parametrize("name", ["snip", "grasp", "jacov", "zico", "zen", "synflow"])
def test_what_a_network_drops_depends_on_the_seed_alone(name: str) -> None:
    alone, after = dropping(), dropping()
    value, state = getattr(measures, name)(alone), torch.get_rng_state()
    torch.manual_seed(7)  # what others have drawn in this process, and what other proxies of the bundle have computed
    for other in ("forward", "halves", "flow"):
        getattr(after, other)
    assert getattr(measures, name)(after) == value
    torch.set_rng_state(state)
    measures.naswot(passes(nn.Dropout(), nn.ReLU(), channels=3))
    assert torch.equal(torch.get_rng_state(), state)


def test_synflow_drops_nothing_and_zen_the_same_in_both_passes() -> None:
    assert measures.synflow(dropping()) == measures.synflow(dropping(0.0))
    assert measures.zen(dropping()) == pytest.approx(measures.zen(dropping(0.0)), abs=0.5)


class MakesTensors(nn.Module):
    """A drop path that forgets on which device it is, and looks at a number."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        kept = torch.rand(len(maps), 1, 1, 1) < 0.8
        return maps * kept if bool(maps.abs().max() < math.inf) else maps


def test_sizes_of_a_network_that_needs_numbers_are_counted_with_numbers() -> None:
    with_numbers, without = (passes(nn.Conv2d(3, 2, 1), part, channels=2) for part in (MakesTensors(), nn.Identity()))
    assert with_numbers.sizes == without.sizes


class OverTokens(nn.Module):
    """A linear layer over the channels of each pixel, as ConvNeXt and transformers have it."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 4)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        tokens: torch.Tensor = self.linear(maps.permute(0, 2, 3, 1))
        return tokens.permute(0, 3, 1, 2)


def test_first_entries_of_a_linear_layer_over_tokens_are_those_of_the_convolution_that_it_is() -> None:
    linear, convolution = OverTokens(), nn.Conv2d(3, 4, 1)
    of_both = [passes(part, nn.GELU(), channels=4) for part in (linear, convolution)]
    of_tokens, of_pixels = (one.information for one in of_both)
    assert of_tokens.shape == (4, 4) and torch.allclose(of_tokens, of_pixels, rtol=1e-4)


@pytest.mark.parametrize(
    "part", [nn.Conv2d(3, 4, 2), nn.Conv2d(3, 4, 1, (2, 1)), nn.ConvTranspose2d(3, 4, 2, 2)], ids=str
)
def test_trainability_needs_blocks_that_shrink_maps_by_a_whole_factor(part: nn.Module) -> None:
    network = passes(nn.Conv2d(3, 3, 1), part, channels=4)
    with pytest.raises(ValueError, match=r"of maps of 4x4, which are not larger by one whole factor"):
        measures.az_trainability(network)
    assert math.isfinite(measures.az_expressivity(network))


class Shifting(nn.Module):
    """A layer that writes into what it is given."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        maps -= 0.5
        return maps


def test_a_network_that_writes_into_its_input_leaves_the_batch_as_it_was() -> None:
    images = IMAGES.clone()
    of = passes(Shifting(), nn.Conv2d(3, 4, 3), channels=4, images=images)
    first = measures.zico(of)
    assert torch.equal(images, IMAGES)
    of = passes(Shifting(), nn.Conv2d(3, 4, 3), channels=4, images=images)
    assert math.isfinite(first) and math.isfinite(measures.zen(of))
    assert torch.equal(images, IMAGES)


def normalised(kind: str) -> Passes:
    """A network with normalisations of one kind: the same one twice, of other classes, or of vectors."""
    torch.manual_seed(3)
    twice = nn.BatchNorm2d(4)
    between: dict[str, tuple[nn.Module, nn.Module]] = {
        "twice": (twice, twice),
        "across processes": (nn.SyncBatchNorm(4), nn.SyncBatchNorm(4)),
        "of vectors": (Squeeze(4), Squeeze(4)),
    }
    one, other = between[kind]
    return passes(nn.Conv2d(3, 4, 1), one, nn.Conv2d(4, 4, 1), other, channels=4)


class Squeeze(nn.Module):
    """A factor for each channel, from its mean and a normalisation of vectors."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        factors: torch.Tensor = self.norm(maps.mean((2, 3)))
        return maps * factors[..., None, None]


@pytest.mark.parametrize("kind", ["twice", "across processes", "of vectors"])
@pytest.mark.parametrize("name", ["synflow", "vkdnw"])
def test_running_statistics_that_other_passes_have_moved_are_in_no_score(name: str, kind: str) -> None:
    alone, after = normalised(kind), normalised(kind)
    for other in ("forward", "halves"):
        getattr(after, other)
    assert getattr(measures, name)(after) == getattr(measures, name)(alone)


@pytest.mark.parametrize("name", ["snip", "synflow", "zico", "zen"])
def test_a_weight_that_is_computed_for_each_pass_is_a_failure_and_no_gradient_of_zero(name: str) -> None:
    layer = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3))
    with pytest.raises(ValueError, match="the weight of a layer is no parameter of its own"):
        getattr(measures, name)(passes(layer, channels=4))
    assert measures.layers(passes(layer, channels=4)) == 2
