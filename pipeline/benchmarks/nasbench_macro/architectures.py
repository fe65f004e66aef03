"""The architectures of NAS-Bench-Macro: eight layers, each a digit.

The published notation is a text of eight digits: 0 for nothing, 1 for an inverted residual block of kernel 3 and
expansion 3, 2 for one of kernel 5 and expansion 6. The layers stand in stages of two, three and three. The first layer
of a stage halves the image and doubles the channels, where nothing is a strided convolution; in the others nothing
changes the image, so that it does not matter where in its stage it stands. Architectures that differ in that alone are
equal, and have nothing at the end of the stage: the 6,561 notations name 3,969 architectures.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from pipeline.benchmarks.contract import ArchitectureGraph, Spec
from pipeline.errors import UserError, excerpt

NAME, SPACE = "nasbench_macro", "layers"
STAGES = (2, 3, 3)
"""Layers of each stage."""

LAYERS = sum(STAGES)
OPERATIONS = ("identity", "mb3_k3", "mb6_k5")
"""By their digits."""

DISTINCT = 3_969
_DIGITS = "012"
PARTS = tuple(f"layer{number}" for number in range(1, LAYERS + 1))


def canonical(space: str, architecture: object) -> Spec:
    """The spec of a notation such as "02210012", or of a spec: {"layers": eight digits}."""
    layers = architecture
    if isinstance(architecture, Mapping):
        if set(architecture) != {"layers"}:
            raise UserError(
                f"an architecture is {excerpt(dict(architecture), 60)}, where {{'layers': ...}} is expected"
            )
        layers = architecture["layers"]
    if not isinstance(layers, str) or len(text := layers.strip()) != LAYERS or set(text) - set(_DIGITS):
        shorter = isinstance(layers, str) and layers.strip().isdecimal() and len(layers.strip()) < LAYERS
        advice = ": were leading zeros lost?" if shorter or type(layers) is int else ""
        raise UserError(
            f"an architecture is {excerpt(layers, 40)}, where {LAYERS} digits 0, 1 or 2 are expected{advice}"
        )
    return {"layers": "".join(map(_pushed, _staged(text)))}


def _staged(layers: str) -> list[str]:
    ends = [sum(STAGES[: number + 1]) for number in range(len(STAGES))]
    return [layers[end - size : end] for end, size in zip(ends, STAGES, strict=True)]


def _pushed(stage: str) -> str:
    """A stage with nothing at its end."""
    blocks = stage[1:].replace("0", "")
    return (stage[0] + blocks).ljust(len(stage), "0")


def compose(space: str, parts: Mapping[str, object]) -> Spec:
    """The spec from layer1 to layer8, each the name of an operation or its digit."""
    if set(parts) != set(PARTS):
        raise UserError(f"the parts are {excerpt(sorted(parts), 80)}, where {PARTS[0]} to {PARTS[-1]} are expected")
    digits = [_digit(parts[part]) for part in PARTS]
    return canonical(space, "".join(digits))


def _digit(operation: object) -> str:
    name = str(operation).strip().lower()
    return str(OPERATIONS.index(name)) if name in OPERATIONS else name[:2]


def sample(space: str, random: Random) -> Spec:
    """A random architecture: each of the 6,561 notations has the same chance."""
    return canonical(space, "".join(random.choices(_DIGITS, k=LAYERS)))


def mutate(space: str, spec: Spec, random: Random) -> Spec:
    """A neighbour: one layer is another."""
    layers = list(spec["layers"])
    place = random.randrange(LAYERS)
    layers[place] = random.choice([digit for digit in _DIGITS if digit != layers[place]])
    return canonical(space, "".join(layers))


def graph(space: str, spec: Spec) -> ArchitectureGraph:
    """The chain of its layers; of those that are nothing, only the first of a stage, which is a convolution."""
    operations = []
    for first, *others in stages(spec):
        operations += [f"stride_{first}", *(name for name in others if name != OPERATIONS[0])]
    return ArchitectureGraph.chain(operations)


def stages(spec: Spec) -> list[list[str]]:
    """The operations of each stage, from the first layer to the last."""
    return [[OPERATIONS[int(digit)] for digit in stage] for stage in _staged(spec["layers"])]
