"""What a proxy is: it turns a network into a score.

A score is a function of (architecture, proxy configuration, seed): the same bits on one instruction set, version of
torch and number of threads, elsewhere the same to within rounding, which a training magnifies.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pipeline import escaping, provenance
from pipeline.errors import message_of

if TYPE_CHECKING:
    from torch import nn

PROXY_VERSION = 1  # of the identity; the version of a proxy's own code is part of what is identified


ProxyKind = Literal["trained", "zero-cost", "aggregate", "released"]
"""What sort of proxy: trains the network, looks at the untrained one, sums what is stored, was scored by others."""


class UnbuildableError(RuntimeError):
    """The network could not be made; the cause says why."""


@dataclass(frozen=True)
class Curve:
    """Losses of one stage and mode against iterations."""

    stage: int
    signal: str
    mode: str
    iterations: list[int]
    losses: list[float]


@dataclass(frozen=True)
class Score:
    """The score of a network: a value, or a status other than ok with its reason."""

    value: float | None
    status: str
    reason: str | None
    curves: tuple[Curve, ...] = ()


Timed = tuple[Score, float]
"""A score and the seconds that it takes."""

Network = tuple[Callable[[], "nn.Module"], str]
"""What makes a network, and its architecture."""


@dataclass(frozen=True)
class Proxy:
    """A proxy that is ready to score.

    Args:
        name: as on the command line.
        kind: trained or zero-cost; the other kinds are not scored.
        configuration: everything that changes the number, as JSON.
        version: of the code that computes it.
        higher_is_better: whether a larger score promises a better architecture.
        score: (build, arch_id, seed, device) -> score, where `build` makes the backbone.
        inputs: what its networks take, as `Benchmark.inputs` states it.
        score_all: ((build, arch_id) of each network, seed, device) -> the same scores, each with its seconds, where
            the networks of a card can be trained side by side; None for one that another process has to train.
    """

    name: str
    kind: ProxyKind
    configuration: dict[str, Any]
    version: int
    higher_is_better: bool
    score: Callable[[Callable[[], nn.Module], str, int, str], Score]
    inputs: str = "images"
    score_all: Callable[[Sequence[Network], int, str], list[Timed | None]] | None = None

    @property
    def proxy_id(self) -> str:
        return proxy_id_of(self.name, self.configuration, self.version)

    @property
    def row(self) -> dict[str, Any]:
        return row_of(self.proxy_id, self.name, self.kind, self.configuration, self.version, self.higher_is_better)


@dataclass(frozen=True)
class Bundle:
    """Proxies that share what they compute and are scored together; picklable, since it is sent to workers.

    Args:
        name: as on the command line.
        proxies: at least one; all take the same inputs.
        family: bundles of one family hold each other's proxies, and look for what is stored in each other's parts.
        score: (build, arch_id, seed, device, wanted) -> the score of each proxy whose proxy_id is wanted. The seconds
            are those of a proxy alone: what several proxies share counts for each.
        network: what `build` makes: the backbone (`Benchmark.build`) or the features (`Benchmark.features`).
        score_all: ((build, arch_id) of each network, seed, device) -> what `score` gives for each, where the networks
            of a card can be trained side by side.
    """

    name: str
    proxies: tuple[Proxy, ...]
    family: str
    score: Callable[[Callable[[], nn.Module], str, int, str, Collection[str]], dict[str, Timed]]
    network: str = "backbone"
    score_all: Callable[[Sequence[Network], int, str], list[dict[str, Timed] | None]] | None = None

    @property
    def inputs(self) -> str:
        return self.proxies[0].inputs

    def asked_device(self, device: str) -> str:
        """The device to use: `auto` is a card only where networks train side by side, else a CPU, which is faster."""
        return "cpu" if device == "auto" and self.score_all is None else device


def alone(proxy: Proxy) -> Bundle:
    """The bundle of one proxy."""
    score_all = partial(_score_all_alone, proxy) if proxy.score_all else None
    return Bundle(proxy.name, (proxy,), proxy.proxy_id, partial(_score_alone, proxy), score_all=score_all)


def _score_alone(
    proxy: Proxy, build: Callable[[], nn.Module], arch_id: str, seed: int, device: str, wanted: Collection[str]
) -> dict[str, Timed]:
    started = time.perf_counter()
    score = proxy.score(build, arch_id, seed, device)
    return {proxy.proxy_id: (score, time.perf_counter() - started)}


def _score_all_alone(
    proxy: Proxy, networks: Sequence[Network], seed: int, device: str
) -> list[dict[str, Timed] | None]:
    assert proxy.score_all is not None
    return [None if timed is None else {proxy.proxy_id: timed} for timed in proxy.score_all(networks, seed, device)]


def proxy_id_of(name: str, configuration: dict[str, Any], version: int) -> str:
    """The identity of a proxy's configuration."""
    value = {"name": name, "configuration": configuration, "version": version}
    return provenance.identity("proxy", PROXY_VERSION, value)


def row_of(
    proxy_id: str, name: str, kind: ProxyKind, configuration: dict[str, Any], version: int, higher_is_better: bool
) -> dict[str, Any]:
    """The row of `proxies` for one."""
    return {
        "proxy_id": proxy_id,
        "name": name,
        "kind": kind,
        "configuration": provenance.canonical_json(configuration),
        "version": version,
        "higher_is_better": higher_is_better,
    }


def reason_of(error: BaseException) -> str:
    """The kind of an error with the first line that it says, if any; what cannot be stored or shown is escaped."""
    line = message_of(error).strip().partition("\n")[0]
    return escaping.visible(f"{type(error).__name__}: {line}" if line else type(error).__name__)[:200]
