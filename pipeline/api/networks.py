"""Sample architectures of a benchmark, and score architectures and networks."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from pipeline import benchmarks, provenance
from pipeline.api import arguments, own_network
from pipeline.benchmarks.contract import Benchmark
from pipeline.errors import UserError, excerpt
from pipeline.executor import device_of
from pipeline.formats import numbers
from pipeline.lake.store import Lake
from pipeline.proxies.contract import Bundle, Curve, Proxy, Score, reason_of
from pipeline.scoring.plan import built, fits, sampled, specs
from pipeline.search.trajectory import whole_space
from pipeline.wording import noun

if TYPE_CHECKING:
    from torch import nn

    from pipeline.networks.tapped import Tapped


@dataclass(frozen=True)
class Architecture:
    """An architecture of a benchmark: `spec` is the canonical JSON value that builds it, `arch_id` its identity."""

    benchmark: str
    space: str
    arch_id: str
    spec: dict[str, Any] = field(hash=False)

    def build(self) -> nn.Module:
        """The network, images [N, 3, 32, 32] -> its taps, with torch's default initial weights."""
        return benchmarks.load(self.benchmark).build(self.space, self.spec)


@dataclass(frozen=True)
class NetworkScore:
    """The score of a network by a proxy.

    Attributes:
        proxy, proxy_id: its name, and the identity of its configuration as in the lake.
        value: the score; None where it failed.
        status, reason: ok, or diverged, unbuildable or failed, and why.
        seconds: wall time.
        higher_is_better: whether a larger value promises a better network.
        curves: of the regression proxy, the losses of each stage against iterations.
    """

    proxy: str
    proxy_id: str
    value: float | None
    status: str
    reason: str | None
    seconds: float
    higher_is_better: bool
    curves: tuple[Curve, ...] = ()

    @property
    def promise(self) -> float:
        """The score turned so that higher is better; a failure is minus infinity. Sort by it."""
        if self.value is None:
            return -math.inf
        return self.value if self.higher_is_better else -self.value


def sample_architectures(
    benchmark: str, count: int, *, space: str | None = None, seed: int = 0, lake: Path | str | None = None
) -> list[Architecture]:
    """Distinct random architectures of a benchmark's space.

    Args:
        benchmark: its name, as `pipeline benchmarks` lists it.
        count: how many.
        space: a space of the benchmark; its first one by default.
        seed: of the sample. Of one seed and lake, a larger sample begins with the smaller.
        lake: a lake's folder: the sample of its ingested architectures that `pipeline score --sample` scores.

    Raises:
        UserError: an unknown name, or fewer architectures than `count`.
    """
    seed = arguments.plain(seed)
    arguments.require("the seed", seed, int, "a whole number")
    numbers.whole(seed, "the seed")
    if space is not None:
        arguments.require("the space", space, str, "a name")
    bench = benchmarks.load(benchmark if isinstance(benchmark, str) else excerpt(benchmark))
    chosen = bench.space(space)
    count = numbers.whole(count, "the number of architectures", least=0, most=numbers.MOST)
    if lake is not None:
        sample = _ingested(bench, chosen.name, seed, lake, count)
        size: int | None = len(sample)
    else:
        size = chosen.size
        sample = _drawn(bench, chosen.name, seed, count) if size is None or count <= size else []
    if size is not None and size < count:
        raise UserError(
            f"{benchmark}/{chosen.name} has {size} {noun(size, 'architecture')} here, {count} are asked for: "
            "ask for fewer"
        )
    return sample


def score_network(
    network: nn.Module | Callable[[], nn.Module] | Architecture,
    proxy: str = "regression-n101",
    *,
    images: Path | str | None = None,
    seed: int = 0,
    device: str = "auto",
) -> NetworkScore:
    """Score a network of your own, or an architecture of a benchmark, with a proxy.

    A network maps images [N, 3, 32, 32], of a preset with an `image_size` as large ones, to a list of feature maps
    [N, C, H, W]: one per stage for the regression proxy (three for its presets), any number for the zero-cost proxies,
    which look at the last one. `tapped` makes such a network of a classifier. For the presets that take sequences it
    maps [N, 8, 400] to a list of one [N, 8, 400].

    Args:
        network: a function without arguments that makes the network, which is then scored with initial weights drawn
            from `seed`; or a network, of which a copy is scored with the weights that it has, save that presets with
            `initial`, such as regression-fast, draw those of convolutions anew; or an architecture, which gets the same
            score that `pipeline score` stores.
        proxy: a name such as regression-n101, synflow or naswot, or the path of a TOML or Python file.
        images: CIFAR-10's python-version folder, a folder of pictures, an .npz file, or a synthetic batch
            (synthetic-noise, -spectrum, -patches, -leaves); the default is synthetic-patches.
        seed: of targets, noise and initial weights. All networks that are no architectures see the same noise.
        device: auto, cpu or cuda.

    Returns:
        The score; a training that diverges or fails is a score with a status and a reason.

    Raises:
        UserError: an unknown proxy, images that cannot be read, or a network that does not give such maps.
    """
    bundle, seed = load_bundle(network, proxy, images), arguments.plain(seed)
    if len(bundle.proxies) != 1:
        raise UserError(
            f"{proxy} is {len(bundle.proxies)} proxies: name one, such as {bundle.proxies[0].name}, "
            "or take all of them with pipeline.score_networks"
        )
    (score,) = scores_of(network, bundle, seed, device)
    return score


def tapped(network: nn.Module, names: Sequence[str]) -> Tapped:
    """A network that gives the feature maps of some of its submodules, named as in `network.named_modules()`.

    Raises:
        UserError: no network, no name, or a name that the network does not have.
    """
    from torch import nn

    from pipeline.networks.tapped import Tapped

    arguments.require("the network", network, nn.Module, "a torch module")
    stated = "name the submodules to tap in a list, the first stage first: tapped(network, ['layer1'])"
    return Tapped(network, arguments.names(names, stated))


def load_bundle(network: object, proxy: str, images: Path | str | None) -> Bundle:
    """The proxies of that name, for what the network takes."""
    from pipeline import proxies
    from pipeline.proxies.images import parse_source

    arguments.require("the proxy", proxy, str, "a name, or the path of a TOML file as a text,")
    if images is not None:
        arguments.require("images", images, str | os.PathLike, "a path or the name of a synthetic batch")
    inputs = benchmarks.load(network.benchmark).inputs if isinstance(network, Architecture) else "images"
    return proxies.load(proxy, parse_source(images), inputs)


def scores_of(
    network: nn.Module | Callable[[], nn.Module] | Architecture, bundle: Bundle, seed: int, device: str
) -> list[NetworkScore]:
    """The scores of a network by the proxies of a bundle, in their order."""
    arguments.require("the device", device, str, "auto, cpu or cuda")
    chosen_device, _ = device_of(bundle.asked_device(device))
    with drawing_from(seed):
        build, name = buildable(network, bundle)
        try:
            scores = bundle.score(build, name, seed, chosen_device, [proxy.proxy_id for proxy in bundle.proxies])
        except UserError:
            raise
        except own_network.RAISED as error:
            if isinstance(network, Architecture):  # one of ours: a fault that is to be seen
                raise
            failure = Score(None, "failed", reason_of(error))
            scores = {proxy.proxy_id: (failure, math.nan) for proxy in bundle.proxies}
    return [_network_score(proxy, *scores[proxy.proxy_id]) for proxy in bundle.proxies]


def buildable(
    network: nn.Module | Callable[[], nn.Module] | Architecture, bundle: Bundle
) -> tuple[Callable[[], Any], str]:
    """A function that builds the network as the bundle takes it, and the name of its random streams.

    Raises:
        UserError: the network does not fit the proxy.
    """
    if not isinstance(network, Architecture):
        return own_network.builder(network, bundle), "network"
    bench = benchmarks.load(network.benchmark)
    fits(bundle, bench)
    return lambda: built(bench, bundle, network.space, network.spec), network.arch_id


@contextlib.contextmanager
def drawing_from(seed: int) -> Iterator[None]:
    """One thread, random numbers from the seed, gradients and float32; all is as before afterwards.

    Raises:
        UserError: the seed is no whole number from 0 on.
    """
    import torch

    from pipeline.proxies import process_state

    arguments.require("the seed", seed, int, "a whole number")
    numbers.whole(seed, "the seed", least=0, most=numbers.MOST)
    drawn = provenance.stream_seed("network", seed)  # for what draws as it computes, such as dropout
    with process_state.restored(), process_state.random_numbers(drawn):
        torch.set_num_threads(1)  # a sum that is split over threads would not be the same bits with more cores
        yield


def _network_score(proxy: Proxy, score: Score, seconds: float) -> NetworkScore:
    return NetworkScore(
        proxy.name, proxy.proxy_id, score.value, score.status, score.reason, seconds, proxy.higher_is_better,
        score.curves,
    )  # fmt: skip


def _ingested(bench: Benchmark, space: str, seed: int, lake: Path | str, count: int) -> list[Architecture]:
    source = Lake(arguments.lake_path(lake))
    arch_ids = sampled(source, bench.name, space, seed, count)
    texts = specs(source, bench.name, space, arch_ids)
    return [Architecture(bench.name, space, a, json.loads(texts[a])) for a in arch_ids]


def _drawn(bench: Benchmark, space: str, seed: int, count: int) -> list[Architecture]:
    domain, random = whole_space(bench, space), Random(provenance.stream_seed("drawn", bench.name, space, seed))
    distinct: dict[str, Architecture] = {}
    while len(distinct) < count:
        spec = domain.sample(random)
        arch_id, _ = domain.identify(spec)
        distinct.setdefault(arch_id, Architecture(bench.name, space, arch_id, spec))
    return list(distinct.values())
