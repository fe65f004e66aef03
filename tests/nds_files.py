"""Made-up files in the form of the Network Design Spaces' published ones."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from pipeline.benchmarks import arch_id_of, nds

FILES = {
    "darts": "DARTS.json",
    "darts-fix-w-d": "DARTS_fix-w-d.json",
    "amoeba": "Amoeba.json",
    "enas": "ENAS.json",
    "enas-fix-w-d": "ENAS_fix-w-d.json",
    "nasnet": "NASNet.json",
    "pnas": "PNAS.json",
    "pnas-fix-w-d": "PNAS_fix-w-d.json",
    "resnet": "ResNet.json",
    "resnext-a": "ResNeXt-A.json",
    "resnext-b": "ResNeXt-B.json",
}
"""The files of the spaces that are scored."""

Json = dict[str, Any]


def net(space: str, number: int) -> Json:
    """A small random network as a job's `net` has it."""
    spec = nds.sample(space, random.Random(number))
    if "block_type" in spec:
        bottleneck = bool(spec["num_gs"])
        return {
            "block_type": spec["block_type"],
            "ds": [1, 1 + number % 2, 1, 1],
            "ws": [16, 16, 16, 32],
            "ss": [1, 1, 2, 2],
            "num_gs": [1, 1, 2, 4][: 4 * bottleneck],
            "bot_muls": [0.0, 0.25, 0.5, 0.25][: 4 * bottleneck],
        } | ({"ws": [16, 16 + 8 * (number // 2), 16, 32]})
    genotype = {name: spec[name] for name in ("normal", "normal_concat", "reduce", "reduce_concat")}
    return {"genotype": genotype, "width": 4, "depth": 3, "aux": False, "drop_prob": 0.0}


def job(network: Json, *, params: int = 1_000, seed: int = 1, epochs: int = 3, **changes: Any) -> Json:
    """A job with that network; the keys are those of a published one."""
    draw = random.Random(f"{network} {seed}")
    errors = [round(draw.uniform(5, 60), 2) for _ in range(epochs)]
    return {
        "job_id": draw.randrange(10**6),
        "rng_seed": seed,
        "net": network,
        "optim": {"max_ep": epochs, "base_lr": 0.1, "wd": 0.0005, "lr_policy": "cos"},
        "params": params,
        "flops": 50 * params,
        "exp_mem": 1.5,
        "act_mem": 2.5,
        "prec_time": 0.1,
        "iter_time": 0.05,
        "min_test_top1": min(errors),
        "train_ep_loss": [round(draw.uniform(0, 2), 3) for _ in range(epochs)],
        "train_ep_top1": [round(draw.uniform(0, 60), 3) for _ in range(epochs)],
        "test_ep_top1": errors,
        "train_it_loss": [0.5],
        "train_it_top1": [10.0],
    } | changes


def write(path: Path, content: object) -> Path:
    """A JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def arch(space: str, network: Json) -> str:
    """The identity of a job's network."""
    return arch_id_of("nds", space, nds.canonical(space, network))


def configurations(folder: Path, space: str, count: int = 12) -> Path:
    """The file of a scored space, with so many jobs."""
    return write(folder / FILES[space], [job(net(space, number)) for number in range(count)])
