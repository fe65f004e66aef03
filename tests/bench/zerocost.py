"""The zero-cost proxies together beside each alone, in forward-backward passes of the same batch."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from pipeline.benchmarks.nasbench201 import architectures
from pipeline.benchmarks.nasbench201.network import features
from pipeline.proxies import images, zerocost
from pipeline.proxies.zerocost.passes import Classifier

NETWORKS = 3


def sharing() -> dict[str, float]:
    """Seconds are those of a core; alone is what each proxy's row is charged with, shared passes for each."""
    torch.set_num_threads(1)
    bundle = zerocost.load(zerocost.BUNDLE)
    ids = {proxy.proxy_id: proxy.name for proxy in bundle.proxies}
    batch, labels = images.named(None, zerocost.IMAGES).tensor(), torch.arange(zerocost.IMAGES) % zerocost.CLASSES
    one, together, alone, curved = 0.0, 0.0, 0.0, 0.0
    for number in range(NETWORKS):
        spec = architectures.sample("topology", random.Random(number))
        whole: Any = features(spec)
        network = Classifier(whole, zerocost.CLASSES).train()

        def run(network: Classifier = network) -> None:
            nn.functional.cross_entropy(network(batch), labels).backward()

        def score(spec: Any = spec, number: int = number) -> Any:
            return bundle.score(lambda: features(spec), str(number), 0, "cpu", [*ids])

        run()  # warm
        one += _timed(run)[0]
        seconds, found = _timed(score)
        together += seconds
        alone += sum(spent for _, spent in found.values())
        curved += sum(spent for proxy_id, (_, spent) in found.items() if ids[proxy_id] == "grasp")
    return {
        "pass_seconds": one / NETWORKS, "zero_cost_seconds": together / NETWORKS, "zero_cost_passes": together / one,
        "alone_passes": alone / one, "grasp_passes": curved / one,
    }  # fmt: skip


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result
