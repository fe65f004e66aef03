"""Made-up files in the form of NAS-Bench-NLP's published ones."""

from __future__ import annotations

import json
import math
import random
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]

RNN: Json = {
    "f": {"op": "linear", "input": ["x", "h_prev_0"]},
    "h_new_0": {"op": "activation_tanh", "input": ["f"]},
}
PAIR: Json = {
    "node_0": {"op": "linear", "input": ["h_prev_0", "h_prev_1"]},
    "node_3": {"op": "linear", "input": ["node_0", "x", "h_new_1"]},
    "h_new_0": {"op": "blend", "input": ["node_7", "node_0", "node_3"]},
    "node_7": {"op": "activation_sigm", "input": ["node_3"]},
    "h_new_1": {"op": "activation_leaky_relu", "input": ["node_0"]},
}
LSTM: Json = {
    "i": {"op": "linear", "input": ["x", "h_prev_0"]},
    "i_act": {"op": "activation_tanh", "input": ["i"]},
    "f": {"op": "linear", "input": ["x", "h_prev_0"]},
    "f_act": {"op": "activation_sigm", "input": ["f"]},
    "h_new_1_part1": {"op": "elementwise_prod", "input": ["f_act", "h_prev_1"]},
    "h_new_1_part2": {"op": "elementwise_prod", "input": ["i_act", "f_act"]},
    "h_new_1": {"op": "elementwise_sum", "input": ["h_new_1_part1", "h_new_1_part2"]},
    "h_new_0": {"op": "activation_tanh", "input": ["h_new_1"]},
}


def renamed(recipe: Mapping[str, Any], seed: int) -> Json:
    """The same cell with other names, in another order, with the inputs in another order where that has no meaning."""
    draw = random.Random(seed)
    count = sum(name.startswith("h_new_") and name[6:].isdigit() for name in recipe)
    states = [0, *draw.sample(range(1, count), count - 1)]
    names = {f"h_{which}_{i}": f"h_{which}_{states[i]}" for which in ("new", "prev") for i in range(count)}
    inner = [name for name in recipe if name not in names]
    names |= dict(zip(inner, draw.sample([f"v{i}" for i in range(2 * len(inner))], len(inner)), strict=True))
    found = {}
    for name in draw.sample(list(recipe), len(recipe)):
        node = recipe[name]
        inputs = [names.get(source, source) for source in node["input"]]
        if node["op"] != "blend":
            draw.shuffle(inputs)
        found[names[name]] = {"op": node["op"], "input": inputs}
    return found


def log(
    recipe: Mapping[str, Any], *, number: int = 1, epochs: int = 3, params: int = 7_000_000, **changes: Any
) -> Json:
    """The content of a log; the keys are those of a published one."""
    draw = random.Random(number)
    losses = {flag: [draw.uniform(4, 6) for _ in range(epochs)] for flag in ("train", "val", "test")}
    return {
        "data": "data/ptb",
        "recepie_id": 1_000_000 + number,
        "recepies_list_path": "data/recepies.json",
        "cuda": True,
        "batch_size": 20,
        "model": "CustomRNN",
        "emsize": 400,
        "nhid": 600,
        "nlayers": 3,
        "dropout": 0.1,
        "dropouth": 0.25,
        "wdrop": 0.1,
        "tied": True,
        "epochs": epochs,
        "clip": 0.25,
        "recepie": json.dumps(recipe),
        "experiment_id": 999_900_000 + number,
        "init_time": "2020-04-20_04-10-29",
        "num_params": params,
        "wall_times": [100.0] * epochs,
        **{f"{flag}_losses": values for flag, values in losses.items()},
        "status": "OK",
    } | changes


def broken(recipe: Mapping[str, Any], status: str = "loss is nan!", after: int = 1, **changes: Any) -> Json:
    """The content of a log of a training that ended before its last epoch."""
    values = [5.0] * (after - 1) + [math.nan] * (after > 0)
    lists = {f"{flag}_losses": values for flag in ("train", "val", "test")}
    return log(recipe, **{"status": status, "wall_times": [100.0] * after, **lists, **changes})


def name(content: Mapping[str, Any]) -> str:
    """What a log's file is called."""
    return f"log_stats_model_{content['recepie_id']}_{content['init_time']}_{content['experiment_id']}.json"


def folder(root: Path, contents: Sequence[Mapping[str, Any]]) -> Path:
    """A folder of logs."""
    root.mkdir(parents=True, exist_ok=True)
    for content in contents:
        (root / name(content)).write_text(json.dumps(content))
    return root


def packed(path: Path, contents: Sequence[Mapping[str, Any]], prefix: str = "") -> Path:
    """A zip of logs."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for content in contents:
            archive.writestr(f"{prefix}{name(content)}", json.dumps(content))
    return path
