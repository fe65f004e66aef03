"""What turns a network into a score. A score is a pure function of (architecture, proxy configuration, seed)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import provenance

if TYPE_CHECKING:
    from torch import nn

PROXY_VERSION = 1  # of the identity; the version of a proxy's own code is part of what is identified


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
    """What a proxy says of a network: a value, or a status other than ok with its reason."""

    value: float | None
    status: str
    reason: str | None
    curves: tuple[Curve, ...] = ()


@dataclass(frozen=True)
class Proxy:
    """A proxy that is ready to score.

    Args:
        name: as on the command line.
        configuration: everything that changes the number, as JSON.
        version: of the code that computes it.
        higher_is_better: whether a larger score promises a better architecture.
        score: (build, arch_id, seed, device) -> score, where `build` makes the backbone.
        inputs: what its networks take, as `Benchmark.inputs` states it.
    """

    name: str
    configuration: dict[str, Any]
    version: int
    higher_is_better: bool
    score: Callable[[Callable[[], nn.Module], str, int, str], Score]
    inputs: str = "images"

    @property
    def proxy_id(self) -> str:
        """The identity of name, configuration and version."""
        return proxy_id_of(self.name, self.configuration, self.version)


def proxy_id_of(name: str, configuration: dict[str, Any], version: int) -> str:
    """The identity of a proxy's configuration."""
    value = {"name": name, "configuration": configuration, "version": version}
    return provenance.identity("proxy", PROXY_VERSION, value)
