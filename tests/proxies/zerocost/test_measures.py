"""Zero-cost proxies against values worked out by hand on networks that are small enough for it."""

import ast
import inspect
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from pipeline.networks.features import Features
from pipeline.proxies import zerocost
from pipeline.proxies.zerocost import measures
from pipeline.proxies.zerocost.first_entries import FirstEntryObserver
from pipeline.proxies.zerocost.forward_observer import ForwardObserver, longest_chain
from pipeline.proxies.zerocost.passes import Passes

CLASSES = 3
IMAGES = torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(1))
LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0, 0])


class Chain(nn.Module):
    """Modules one after another, with their last output as the one tap."""

    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.Sequential(*parts)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [self.parts(x)]


def passes(*parts: nn.Module, channels: int, images: torch.Tensor = IMAGES, with_curvature: bool = False) -> Passes:
    return passes_of(Features(Chain(*parts), parts, channels), images, with_curvature=with_curvature)


def passes_of(network: Features, images: torch.Tensor = IMAGES, *, with_curvature: bool = False) -> Passes:
    labels = LABELS[: len(images)]
    return Passes(lambda: network, images, labels, CLASSES, len, torch.device("cpu"), with_curvature=with_curvature)


def linear(with_curvature: bool = False) -> Passes:
    """A 1x1 convolution of 3 to 2 channels and the head: two matrices, W and V."""
    torch.manual_seed(0)
    return passes(nn.Conv2d(3, 2, 1, bias=False), channels=2, with_curvature=with_curvature)


class ByHand:
    """The same two matrices in numpy: mean pixels, hidden values, the loss's derivative at the logits, gradients."""

    def __init__(self, of: Passes, images: torch.Tensor = IMAGES, labels: torch.Tensor = LABELS) -> None:
        net = of.network
        self.w = net.weights()[0].detach().double().numpy().reshape(2, 3)
        self.v, self.b = net.head.weight.detach().double().numpy(), net.head.bias.detach().double().numpy()
        self.x = images.double().mean((2, 3)).numpy()
        self.hidden = self.x @ self.w.T
        self.logits = self.hidden @ self.v.T + self.b
        odds = np.exp(self.logits)
        self.delta = (odds / odds.sum(1, keepdims=True) - np.eye(CLASSES)[labels]) / len(images)
        self.gradients = [(self.delta @ self.v).T @ self.x, self.delta.T @ self.hidden]


def test_sizes_are_those_of_the_network() -> None:
    made = linear()
    assert measures.params(made) == 3 * 2 + 2 * CLASSES + CLASSES
    assert (measures.layers(made), measures.depth(made)) == (2, 2)
    assert measures.flops(made) == 3 * 2 * 16 + 2 * CLASSES


def test_operations_of_normalisation_rectifiers_and_pooling_count_as_documented() -> None:
    parts = (nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.AvgPool2d((1, 2)))
    with ForwardObserver() as seen:
        nn.Sequential(*parts)(IMAGES)
    assert seen.operations == 2 * 48 + 48 + 12 * 4 + 6 * 2 and seen.outputs == []


class Functional(nn.Module):
    """A network that calls torch's functions itself, in one of the ways in which they can be called."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way, self.first, self.second = way, nn.Conv2d(3, 4, 3, padding="same"), nn.Conv2d(4, 4, 1)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        weight, bias = self.second.weight, self.second.bias
        if self.way == "places":
            maps = functional.relu(functional.conv2d(images, self.first.weight, self.first.bias, 1, 1))
            return [functional.conv2d(functional.avg_pool2d(functional.max_pool2d(maps, 2), 2), weight, bias)]
        if self.way == "names":
            maps = torch.relu(self.first(images))
            pooled = functional.avg_pool2d(functional.max_pool2d(maps, kernel_size=2), kernel_size=2)
            return [functional.conv2d(input=pooled, weight=weight, bias=bias)]
        maps = torch.max_pool2d(self.first(images).relu_(), kernel_size=2)
        return [functional.conv2d(functional.avg_pool2d(maps, kernel_size=(2, 2)), weight, bias=bias, stride=1)]


@pytest.mark.parametrize("name", ["flops", "naswot", "fisher", "vkdnw"])
def test_a_network_has_the_same_score_however_it_calls_torchs_functions(name: str) -> None:
    scores = []
    for way in ("places", "names", "methods"):
        torch.manual_seed(0)
        network = Features(Functional(way), (), 4)
        scores.append(getattr(measures, name)(passes_of(network)))
    assert scores == [pytest.approx(scores[0])] * 3


def test_information_is_the_variance_of_first_entries_under_smoothed_odds() -> None:
    torch.manual_seed(0)
    information = passes(nn.Conv2d(3, 2, 1), channels=2).information.numpy()
    stream = torch.Generator().manual_seed(len("information"))
    w, v = (torch.randn(shape, generator=stream).flatten(1).double().numpy() for shape in ((2, 3, 1, 1), (CLASSES, 2)))
    x = torch.randn(IMAGES.shape, generator=stream).double().mean((2, 3)).numpy()
    w, v = w * math.sqrt(2 / 3), v * math.sqrt(2 / 2)  # Kaiming's deviation of 3 and of 2 inputs; biases are 0
    hidden = x @ w.T
    odds = np.exp(hidden @ v.T)
    odds = 0.95 * odds / odds.sum(1, keepdims=True) + 0.05 / CLASSES
    expected = np.zeros((4, 4))
    for image, units, chances in zip(x, hidden, odds, strict=True):
        first = np.array([units[0], 1.0])  # of the head: its first weight and bias move the first logit alone
        rows = [np.array([v[c, 0] * image[0], v[c, 0], *(first if c == 0 else first * 0)]) for c in range(CLASSES)]
        mean = sum(chance * row for chance, row in zip(chances, rows, strict=True))
        for chance, row in zip(chances, rows, strict=True):
            expected += chance * np.outer(row - mean, row - mean) / len(x)
    assert np.allclose(information, expected, rtol=1e-5, atol=1e-8)


def test_vkdnw_needs_images_that_do_not_see_one_another() -> None:
    norm = nn.BatchNorm2d(2, track_running_stats=False)
    with pytest.raises(ValueError, match="batch normalisation without running statistics"):
        measures.vkdnw(passes(nn.Conv2d(3, 2, 1), norm, channels=2))


def test_first_entries_are_those_of_a_layer_whose_output_an_activation_overwrites() -> None:
    """NAS-Bench-101's rectifiers compute in place."""
    jacobians = []
    for inplace in (False, True):
        torch.manual_seed(0)
        network = Chain(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace), nn.Conv2d(4, 2, 1), nn.ReLU(inplace))
        with FirstEntryObserver() as seen:
            maps = network.eval()(IMAGES)[-1]
        jacobians.append(seen.jacobian(maps.mean((2, 3)), 99))
    assert jacobians[0].abs().max() > 0 and torch.equal(*jacobians)


def signed(*rows: str) -> torch.Tensor:
    """Images of one pixel whose channels are 1 for + and -1 for -: [N, C, 1, 1]."""
    return torch.tensor([[1.0 if sign == "+" else -1.0 for sign in row] for row in rows])[..., None, None]


@pytest.mark.parametrize(
    ("images", "patterns"),
    [
        (signed("+++", "+-+"), 2),  # the units are on for both, for the first, for both
        (signed("+-+", "+--", "-++"), 3),  # three units, three patterns
        (signed("---", "---"), 1),  # off for both is a pattern, too
        (signed(*["+-+"] * 16, "---", "+++"), 2),  # images after the sixteenth say nothing
    ],
)
def test_swap_counts_the_different_patterns_of_units_over_images(images: torch.Tensor, patterns: int) -> None:
    of = Passes(
        lambda: Features(Chain(nn.ReLU()), (), 3), images, torch.zeros(len(images), dtype=torch.long), CLASSES, len,
        torch.device("cpu"), with_curvature=False,
    )  # fmt: skip
    assert measures.swap(of) == patterns


def test_swap_joins_the_patterns_of_all_layers() -> None:
    minus = nn.Conv2d(3, 3, 1, bias=False)
    with torch.no_grad():
        minus.weight.copy_(-torch.eye(3)[..., None, None])
    images = signed("+++", "+-+", "--+")  # patterns 110, 100, 111; of the negative 001, 011, 000

    class Both(nn.Module):
        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            return [nn.functional.relu(x) + nn.functional.relu(minus(x)) + nn.functional.relu(x)]

    of = Passes(
        lambda: Features(Both(), (), 3), images, LABELS[:3], CLASSES, len, torch.device("cpu"), with_curvature=False
    )
    assert measures.swap(of) == 6


def test_swap_of_a_network_without_rectifiers_has_no_value() -> None:
    with pytest.raises(ValueError, match="no ReLU"):
        measures.swap(linear())


@pytest.mark.parametrize("measure", [measures.az_progressivity, measures.az_trainability])
def test_what_compares_blocks_has_no_value_for_a_single_one(measure: Callable[[Passes], float]) -> None:
    with pytest.raises(ValueError, match="the network has a single block"):
        measure(linear())


def test_depthwise_convolutions_are_counted() -> None:
    assert measures.depthwise(linear()) == 0
    assert measures.depthwise(passes(nn.Conv2d(3, 6, 3, groups=3), nn.Conv2d(6, 6, 1), channels=6)) == 1


def test_depth_is_the_longest_path_and_stops_where_the_input_does_not_reach() -> None:
    first, second, third = (nn.Conv2d(3, 3, 1) for _ in range(3))
    x = torch.zeros(1, 3, 2, 2)
    assert longest_chain(third(first(x) + second(first(x))) + second(x)) == 3
    assert longest_chain(third(torch.zeros_like(first(x)))) == 1
    assert longest_chain(x) == 0


def test_gradient_norm_and_snip_of_two_matrices() -> None:
    made = linear()
    by_hand = ByHand(made)
    assert measures.grad_norm(made) == pytest.approx(sum(np.linalg.norm(g) for g in by_hand.gradients), rel=1e-5)
    products = [np.abs(w * g).sum() for w, g in zip((by_hand.w, by_hand.v), by_hand.gradients, strict=True)]
    assert measures.snip(made) == pytest.approx(sum(products), rel=1e-5)


def test_fisher_is_half_the_mean_square_of_activation_times_gradient_for_each_weight() -> None:
    made = linear()
    by_hand = ByHand(made)
    hidden = by_hand.hidden * (by_hand.delta @ by_hand.v)  # three weights a channel
    logits = by_hand.logits * by_hand.delta  # two
    expected = sum(fan_in * (product**2).mean(0).sum() / 2 for fan_in, product in ((3, hidden), (2, logits)))
    assert measures.fisher(made) == pytest.approx(expected, rel=1e-4)


def test_grasp_is_the_change_of_the_gradient_along_itself() -> None:
    made = linear(with_curvature=True)
    by_hand, step = ByHand(made), 1e-5
    moved = []
    for sign in (1, -1):
        there = ByHand(made)
        there.w, there.v = (w + sign * step * g for w, g in zip((by_hand.w, by_hand.v), by_hand.gradients, strict=True))
        there.hidden = there.x @ there.w.T
        odds = np.exp(there.hidden @ there.v.T + there.b)
        delta = (odds / odds.sum(1, keepdims=True) - np.eye(CLASSES)[LABELS]) / len(LABELS)
        moved.append([(delta @ there.v).T @ there.x, delta.T @ there.hidden])
    curved = [(a - b) / (2 * step) for a, b in zip(*moved, strict=True)]
    expected = -sum((w * h).sum() for w, h in zip((by_hand.w, by_hand.v), curved, strict=True))
    assert measures.grasp(made) == pytest.approx(expected, rel=1e-4)


def test_synflow_conserves_flow_through_each_layer() -> None:
    made = linear()
    by_hand = ByHand(made)
    flow = (np.abs(by_hand.v) @ np.abs(by_hand.w)).sum()
    assert measures.synflow(made) == pytest.approx(2 * flow, rel=1e-6)
    into, out_of = np.abs(by_hand.w).sum(1), np.abs(by_hand.v).sum(0)
    expected = np.abs(by_hand.w).T @ np.log1p(out_of), np.abs(by_hand.v) @ np.log1p(into)
    assert measures.logsynflow(made) == pytest.approx(sum(e.sum() for e in expected), rel=1e-6)


def test_synflow_ignores_signs_and_normalisation_and_leaves_the_network_alone() -> None:
    torch.manual_seed(0)
    convolution, norm = nn.Conv2d(3, 2, 1, bias=False), nn.BatchNorm2d(2)
    made, negative = passes(convolution, norm, channels=2), passes(convolution, channels=2)
    value = measures.synflow(made)
    before = convolution.weight.clone()
    with torch.no_grad():
        convolution.weight.neg_()
    assert measures.synflow(negative) == pytest.approx(value, rel=1e-12)
    assert torch.equal(convolution.weight, -before)


def test_naswot_counts_units_that_agree() -> None:
    patterns = torch.tensor([[1, 1, 1], [1, -1, -1], [-1, -1, 1]]).float()[:, :, None, None]
    variants = (nn.ReLU6(), nn.ReLU6(inplace=True), nn.LeakyReLU(), nn.PReLU(), nn.RReLU(inplace=True))
    for rectifier in (nn.ReLU(), nn.ReLU(inplace=True), *variants):
        made = passes(nn.AvgPool2d(1), rectifier, channels=3, images=patterns)
        agreement = np.array([[3, 1, 1], [1, 3, 1], [1, 1, 3]])
        assert measures.naswot(made) == pytest.approx(np.linalg.slogdet(agreement)[1])
    for network in (linear(), passes(nn.Hardtanh(), channels=3), passes(nn.Sigmoid(), channels=3)):
        with pytest.raises(ValueError, match="no ReLU"):
            measures.naswot(network)


def test_naswot_of_two_images_that_no_unit_tells_apart_is_not_finite() -> None:
    made = passes(nn.ReLU(), channels=3, images=torch.ones(2, 3, 2, 2))
    assert measures.naswot(made) == -math.inf


def test_jacobians_of_a_linear_network_are_all_the_same() -> None:
    made = linear()
    k, n = measures.EPSILON, len(IMAGES)
    expected = -(math.log(n + k) + 1 / (n + k)) - (n - 1) * (math.log(k) + 1 / k)
    assert measures.jacov(made) == pytest.approx(expected, rel=1e-6)
    assert measures.epe_nas(made) == pytest.approx((4**2 + 2**2 + 2**2) * math.log(1 + k), rel=1e-4)


def test_the_input_gradient_is_that_of_the_sum_of_the_logits() -> None:
    made = linear()
    by_hand = ByHand(made)
    per_channel = by_hand.v.sum(0) @ by_hand.w / 16
    expected = np.repeat(per_channel, 16)
    np.testing.assert_allclose(made.input_gradient.numpy(), np.tile(expected, (8, 1)), rtol=1e-5)


def test_zen_is_the_change_of_the_features_and_the_scale_that_normalisation_takes_away() -> None:
    bare = passes(nn.Conv2d(3, 1, 1, bias=False), channels=1)
    stream = bare.stream("perturbed")
    w, x, more = (torch.randn(shape, generator=stream).double() for shape in ((1, 3, 1, 1), IMAGES.shape, IMAGES.shape))
    change = math.log(0.01 * (w * more).sum(1).abs().sum((1, 2)).mean())
    assert measures.zen(bare) == pytest.approx(change, abs=1e-3)
    outputs = (w * x).sum(1), (w * (x + 0.01 * more)).sum(1)
    running = 0.81 + 0.09 * float(outputs[0].var()) + 0.1 * float(outputs[1].var())
    normalised = passes(nn.Conv2d(3, 1, 1, bias=False), nn.BatchNorm2d(1), channels=1)
    scale = math.log(outputs[0].std(correction=0))
    assert measures.zen(normalised) == pytest.approx(change - scale + math.log(running) / 2, abs=1e-2)
    with pytest.raises(ValueError, match="do not depend"):
        measures.zen(passes(nn.Conv2d(3, 1, 1), nn.Threshold(1e9, 0.0), channels=1))


def test_zico_is_the_inverse_variation_of_the_gradients_of_two_halves() -> None:
    made = linear()
    halves = [ByHand(made, IMAGES[s], LABELS[s]).gradients for s in (slice(0, 4), slice(4, 8))]
    expected = 0.0
    for one, other in zip(*halves, strict=True):
        sizes = np.abs([one, other])
        expected += math.log((sizes.mean(0) / sizes.std(0)).sum())
    assert measures.zico(made) == pytest.approx(expected, rel=1e-4)


def test_expressivity_is_the_entropy_of_the_channels_and_progressivity_its_smallest_step() -> None:
    signs = torch.tensor([[1, 1], [1, -1], [-1, 1], [-1, -1]]).float()
    images = (signs * torch.tensor([3**0.5, 1.0]))[:, :, None, None]
    evened = nn.Conv2d(2, 2, 1, bias=False)
    evened.weight.data = torch.diag(torch.tensor([3**-0.5, 1.0]))[:, :, None, None]
    made = passes(nn.Identity(), evened, channels=2, images=images)
    first, second = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25)), math.log(2)
    assert measures.az_expressivity(made) == pytest.approx(first + second, abs=1e-5)
    assert measures.az_progressivity(made) == pytest.approx(second - first, abs=1e-5)
    uneven = nn.Conv2d(2, 2, 1, bias=False)
    uneven.weight.data = torch.diag(torch.tensor([3**0.5, 1.0]))[:, :, None, None]
    back = passes(nn.Identity(), evened, uneven, channels=2, images=images)
    assert measures.az_progressivity(back) == pytest.approx(first - second, abs=1e-5)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_trainability_is_best_where_a_block_keeps_the_size_of_gradients(scale: float) -> None:
    block = nn.Conv2d(4, 4, 1, bias=False)
    block.weight.data = scale * nn.init.orthogonal_(torch.empty(4, 4))[:, :, None, None]
    made = passes(nn.Identity(), block, channels=4, images=torch.randn(8, 4, 32, 32))
    assert measures.az_trainability(made) == pytest.approx(2 - scale - 1 / scale, abs=0.1)


def test_trainability_of_a_block_that_halves_the_image_and_of_one_that_does_nothing() -> None:
    made = passes(nn.Identity(), nn.Conv2d(3, 5, 2, stride=2), channels=5)
    assert math.isfinite(measures.az_trainability(made))
    with pytest.raises(ValueError, match="identity"):
        measures.az_trainability(passes(nn.ReLU(), nn.Identity(), channels=3))


def test_what_nothing_depends_on_has_gradient_zero() -> None:
    made = passes(nn.Conv2d(3, 2, 1), nn.Threshold(1e9, 0.0), channels=2)
    assert measures.snip(made) == 0.0
    assert not made.input_gradient.any()


def test_every_proxy_is_declared_and_tells_its_source_and_its_formula() -> None:
    functions: dict[str, Callable[..., object]] = {
        node.name: getattr(measures, node.name)
        for node in ast.parse(inspect.getsource(measures)).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
    assert list(functions) and set(functions) == set(zerocost.names()[1:])
    for name, function in functions.items():
        assert function.__doc__ and function.__doc__.rstrip().endswith("."), name


def test_vkdnw_is_the_entropy_of_the_information_of_first_entries() -> None:
    torch.manual_seed(0)
    parts = [nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 1, bias=False)]
    made = passes(*parts, channels=4)
    network, entries = made.network.eval(), dict(made.network.named_parameters())
    images = torch.randn(5, 3, 4, 4, generator=torch.Generator().manual_seed(2))
    with FirstEntryObserver() as seen:
        logits = network(images)
    found = seen.jacobian(logits, 99)

    def changed(first: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        values = {}
        for (name, whole), entry in zip(entries.items(), first, strict=True):
            flat = whole.detach().flatten()
            values[name] = torch.cat([entry[None], flat[1:]]).reshape(whole.shape)
        return torch.func.functional_call(network, values, image[None])[0]

    first = torch.stack([whole.detach().flatten()[0] for whole in entries.values()])
    expected = torch.stack([torch.func.jacrev(changed)(first, image) for image in images])
    assert found.shape == (5, CLASSES, len(entries)) and torch.allclose(found, expected, atol=1e-6)

    information = made.information.numpy()
    assert np.allclose(information, information.T) and np.linalg.eigvalsh(information).min() > -1e-12
    deciles = np.quantile(np.linalg.eigvalsh(information), np.arange(1, 10) / 10)
    shares = deciles / deciles.sum()
    assert measures.vkdnw(made) == pytest.approx(3 - np.sum(shares * np.log(shares)), abs=1e-6)
