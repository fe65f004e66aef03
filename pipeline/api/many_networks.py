"""Score several networks with several proxies, as one DataFrame."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.api import arguments
from pipeline.api import networks as single
from pipeline.api.networks import Architecture, NetworkScore
from pipeline.errors import UserError, excerpt
from pipeline.progress import progress
from pipeline.proxies.contract import Bundle

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn


def score_networks(
    networks: Mapping[str, nn.Module | Callable[[], nn.Module] | Architecture],
    proxies: Sequence[str] = ("regression-n101",),
    *,
    images: Path | str | None = None,
    seed: int = 0,
    device: str = "auto",
) -> pd.DataFrame:
    """Score and rank several networks with several proxies; a bar shows how far it is, also in a notebook.

    Every network is first looked at for every proxy, so that one that does not fit is reported before any is scored.

    Args:
        networks: name -> what `score_network` takes.
        proxies: names such as regression-n101, synflow or naswot, or paths of TOML or Python files; zero-cost is all
            zero-cost proxies at once, which share their passes.
        images, seed, device: as in `score_network`.

    Returns:
        One row per proxy and network, by proxy in the order given, the best network first. Its columns: network,
        proxy, `rank` (1 is the best; equal scores share the smaller one; a failure has none), value, status, reason,
        seconds (wall time), higher_is_better, proxy_id.

    Raises:
        UserError: no network or no proxy, an unknown proxy, images that cannot be read, or a network that does not fit.
    """
    if not isinstance(networks, Mapping) or not networks:
        raise UserError("score_networks takes a mapping of names to networks, with at least one of them")
    listed = arguments.names(proxies, "score_networks takes the names of proxies in a list: ['synflow', 'naswot']")
    for proxy in listed:
        arguments.require("the proxy", proxy, str, "a name, or the path of a TOML file as a text,")
    seed = arguments.plain(seed)
    pairs = [
        (name, network, _fitting(name, network, proxy, images, seed))
        for proxy in dict.fromkeys(listed)
        for name, network in networks.items()
    ]
    with progress("scoring networks", len(pairs)) as advance:
        scores: dict[str, dict[str, NetworkScore]] = {}  # proxy_id -> name -> score; two bundles may share a proxy
        for name, network, bundle in pairs:
            for score in single.scores_of(network, bundle, seed, device):
                scores.setdefault(score.proxy_id, {})[name] = score
            advance(1)
    return _frame(scores)


def _fitting(
    name: str,
    network: nn.Module | Callable[[], nn.Module] | Architecture,
    proxy: str,
    images: Path | str | None,
    seed: int,
) -> Bundle:
    """The proxies of that name, once it is sure that they can look at the network."""
    bundle = single.load_bundle(network, proxy, images)
    try:
        with single.drawing_from(seed):
            build, _ = single.buildable(network, bundle)
            build()
    except UserError as error:
        raise UserError(f"network {excerpt(name)}: {error}") from error
    return bundle


def _frame(scores: Mapping[str, Mapping[str, NetworkScore]]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {
            "network": name,
            "proxy": score.proxy,
            "rank": _rank(score, by_name.values()),
            "value": math.nan if score.value is None else score.value,
            "status": score.status,
            "reason": score.reason,
            "seconds": score.seconds,
            "higher_is_better": score.higher_is_better,
            "proxy_id": score.proxy_id,
        }
        for by_name in scores.values()
        for name, score in sorted(by_name.items(), key=lambda row: -row[1].promise)
    ]
    types = {"rank": "Int64", "value": "float64", "reason": "str", "higher_is_better": "boolean"}
    return pd.DataFrame(rows).astype(types)


def _rank(score: NetworkScore, scores: Iterable[NetworkScore]) -> int | None:
    if score.value is None:
        return None
    return 1 + sum(other.promise > score.promise for other in scores)
