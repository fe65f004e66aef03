"""How far the engine of captured graphs agrees with the plain loop where there is no card.

    python -m tests.bench.agreement_on_a_cpu FOLDER-OF-CIFAR-10 [BENCHMARK ...]

The engine is the card's, modules and layout included, but that a tape repeats the operations of a step in place of a
CUDA graph, the CPU's kernels compute them, and gradients of weights are products of matrices in place of Triton's
kernel. Some 15 seconds of a core per network; prints a row per benchmark.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from pipeline import progress
from pipeline.proxies.contract import Score
from pipeline.proxies.regression.resident import Card
from tests.bench import floors
from tests.bench.gpu.agreement import ENOUGH, agreement
from tests.bench.gpu.setting import Row, Setting, networks, score_all
from tests.fixtures import plain
from tests.fixtures.tape import Tape


def agreement_of(setting: Setting, name: str, count: int = ENOUGH) -> Row:
    """The engine beside the plain loop, on random architectures of a benchmark."""
    on = Card(torch.device("cpu"), Tape, 1, torch.contiguous_format, converted=True)
    proxy = setting.proxy()
    scores: list[Score] = []
    others: list[Score] = []
    with progress.progress(f"training networks of {name}", count) as advance:
        for number in range(count):
            network = networks(name, 1, first=number)
            scores += score_all(proxy, network, setting.device, on)
            with plain.loop():
                others.append(proxy.score(*network[0], 0, setting.device))
            advance(1)
    return agreement(scores, others)


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder, *names = sys.argv[1:]
    for benchmark in names or floors.SPACES:
        asked = Setting(Path(), device="cpu", images=Path(folder))
        print(benchmark, json.dumps(agreement_of(asked, benchmark)))
