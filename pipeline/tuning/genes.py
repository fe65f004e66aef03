"""A task of the regression proxy as genes that can be drawn and mutated: noise, channels, and the signals of a target.

The ranges are those of Li et al. (NeurIPS 2021) as far as they are published; a signal is on with chance 1/2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from pipeline.errors import UserError
from pipeline.proxies.regression import presets
from pipeline.proxies.regression.presets import Preset, SequencePreset

KEPT = 0.8  # chance that a gene is kept when a task is mutated
_TASK = {"name", "description", "noise", "stages", "features", "input", "target"}  # fields that genes determine
_STAGES = ("stage0", "stage1", "stage2")
_SIDES = ("input", "target")
_KINDS = {"images": ("sin1d", "sin2d", "dot", "gdot", "resize"), "sequences": ("sin1d", "sin2d", "dot", "gdot")}
_CHANNELS = (16, 32, 48, 64, 80, 96)  # 64 times .25, .5, ..., 1.5; of sequences, the features

Genes = dict[str, Any]
"""Values by the gene's name. Those of a signal that is off are kept, so that it can come back."""


def drawn(inputs: str, random: Random) -> Genes:
    """A random task for networks that take images or sequences, with a signal in every target."""
    while True:
        genes = {name: _draw(name, random) for name in _names(inputs)}
        if _whole(genes, inputs):
            return genes


def mutated(parent: Genes, inputs: str, random: Random) -> Genes:
    """Each gene of the parent with chance .8, else drawn anew; again, if a target is left without a signal."""
    while True:
        genes = {name: parent[name] if random.random() < KEPT else _draw(name, random) for name in _names(inputs)}
        if _whole(genes, inputs):
            return genes


def schedule(name: str, inputs: str) -> dict[str, Any]:
    """How a preset trains and what it makes of the losses, without its task.

    Args:
        name: a shipped preset or a TOML file.
        inputs: what the networks take, images or sequences.

    Raises:
        UserError: no such preset, one for other inputs, or a menu, whose losses are not those of one task.
    """
    chosen = presets.load(name)
    if not isinstance(chosen, Preset | SequencePreset) or chosen.inputs != inputs:
        fitting = [n for n in presets.fitting(inputs) if isinstance(presets.load(n), Preset | SequencePreset)]
        raise UserError(f"--schedule {name}: it has no single task over {inputs}; take one of {', '.join(fitting)}")
    return chosen.model_dump(exclude=_TASK, exclude_none=True, exclude_unset=True)


def preset(
    genes: Genes, inputs: str, name: str, description: str = "", schedule: Mapping[str, Any] | None = None
) -> Preset | SequencePreset:
    """The configuration that the genes encode, trained by the schedule, or by the published one."""
    noise = {"kind": genes["noise"], "level": genes["noise_level"] if genes["noise"] != "none" else 0.0}
    head = {**(schedule or {}), "name": name, "description": description, "noise": noise}
    if inputs == "sequences":
        maps = {side: _signals(genes, side, inputs) for side in _SIDES}
        return SequencePreset.model_validate({**head, "task": "sequences", "features": genes["features"], **maps})
    stages = [{"channels": genes[f"{s}.channels"], "signals": _signals(genes, s, inputs)} for s in _STAGES]
    return Preset.model_validate({**head, "stages": stages})


def _names(inputs: str) -> list[str]:
    targets = _STAGES if inputs == "images" else _SIDES
    channels = [f"{s}.channels" for s in _STAGES] if inputs == "images" else ["features"]
    signals = [f"{t}.{kind}.{gene}" for t in targets for kind in _KINDS[inputs] for gene in _genes(kind)]
    return ["noise", "noise_level", *channels, *signals]


def _genes(kind: str) -> tuple[str, ...]:
    common = ("on", "level")
    if kind == "resize":
        return common
    return (*common, "local", "frequencies" if kind.startswith("sin") else "partial")


def _draw(name: str, random: Random) -> Any:
    return _DRAWS[name.rpartition(".")[2]](random)


def _frequencies(random: Random) -> list[float]:
    """Ten from an interval."""
    low, high = sorted((random.uniform(0, 0.5), random.uniform(0, 0.5)))
    return [random.uniform(low, high) for _ in range(10)]


_DRAWS: dict[str, Callable[[Random], Any]] = {
    "noise": lambda random: random.choice(("none", "uniform", "normal")),
    "noise_level": lambda random: random.randint(1, 10) / 10,
    "channels": lambda random: random.choice(_CHANNELS),
    "features": lambda random: random.choice(_CHANNELS),
    "on": lambda random: random.random() < 0.5,
    "local": lambda random: random.random() < 0.5,
    "level": lambda random: random.randint(5, 29) / 10,
    "partial": lambda random: random.randint(1, 63) / 64,
    "frequencies": _frequencies,
}


def _whole(genes: Genes, inputs: str) -> bool:
    targets = _STAGES if inputs == "images" else _SIDES
    return all(any(genes[f"{t}.{kind}.on"] for kind in _KINDS[inputs]) for t in targets)


def _signals(genes: Genes, target: str, inputs: str) -> list[dict[str, Any]]:
    on = [kind for kind in _KINDS[inputs] if genes[f"{target}.{kind}.on"]]
    return [
        {"kind": kind, **{gene: genes[f"{target}.{kind}.{gene}"] for gene in _genes(kind) if gene != "on"}}
        for kind in on
    ]
