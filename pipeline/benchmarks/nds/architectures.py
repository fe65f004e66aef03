"""The search spaces of the Network Design Spaces and their architectures: notation, random ones and neighbours.

Networks trained on ImageNet (`-in`) and with random learning rates (`-lr-wd`) are spaces of their own, for they are
other draws: a sample of the CIFAR-10 space must not hold architectures without a CIFAR-10 accuracy, and an accuracy
under a random learning rate is no ground truth of an architecture.

An architecture is written as the JSON of a published `net`, or of a canonical spec.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from pipeline.benchmarks import cell_spaces
from pipeline.benchmarks.cell_spaces import CellSpace
from pipeline.benchmarks.contract import Space, Spec, composed_by
from pipeline.benchmarks.nds import residual_spaces
from pipeline.benchmarks.nds.residual_spaces import ResidualSpace
from pipeline.errors import UserError, excerpt
from pipeline.formats import json_objects

NAME = "nds"
FAMILIES: dict[str, CellSpace | ResidualSpace] = {**cell_spaces.SPACES, **residual_spaces.SPACES}
"""What the spaces of one name have in common, whatever they were trained on."""

_SCORED = (
    "darts", "darts-fix-w-d", "amoeba", "enas", "enas-fix-w-d", "nasnet", "pnas", "pnas-fix-w-d", "resnet",
    "resnext-a", "resnext-b",
)  # fmt: skip
_IMAGENET = (
    "darts-in", "darts-fix-w-d-in", "amoeba-in", "enas-in", "nasnet-in", "pnas-in", "resnext-a-in", "resnext-b-in",
)  # fmt: skip
_TRUTH_ONLY = (
    "vanilla", "resnet-b", "darts-lr-wd", "resnet-lr-wd", "vanilla-lr-wd", "darts-lr-wd-in", "resnet-lr-wd-in",
    "vanilla-lr-wd-in",
)  # fmt: skip


def family(space: str) -> CellSpace | ResidualSpace:
    return FAMILIES[space.removesuffix("-in").removesuffix("-lr-wd").removesuffix("-fix-w-d")]


def dataset(space: str) -> str:
    """The data set that the networks of a space were trained on."""
    return "imagenet" if space.endswith("-in") else "cifar10"


def canonical(space: str, architecture: object) -> Spec:
    """The spec of a published `net`, of its JSON text, or of a spec.

    Returns:
        Of a cell space {"normal": [[operation, node], ...], "normal_concat": [node, ...], "reduce", "reduce_concat",
        "width", "depth"}; of a ResNet-like one {"block_type", "ds", "ws", "ss", "num_gs", "bot_muls"}.
    """
    net = json_objects.decoded_if_json(architecture)
    if not isinstance(net, Mapping):
        raise UserError(
            f"an architecture of {space} is written as the JSON of a job's net, not {excerpt(architecture, 80)}"
        )
    return family(space).canonical(net)


compose = composed_by(canonical, json_objects.decoded_if_json)
"""The spec from the fields of a `net`: genotype, width, depth or the fields of a genotype; or block_type, ds, ws, ss,
num_gs, bot_muls.
"""


def sample(space: str, random: Random) -> Spec:
    """An architecture by the paper's rules; of an ImageNet space with the widths and depths of the CIFAR-10 one."""
    return canonical(space, family(space).sample(random, fixed="fix-w-d" in space))


def mutate(space: str, spec: Spec, random: Random) -> Spec:
    """A neighbour: one operation or input of a cell, or one number of the frame or of a stage, is another."""
    return canonical(space, family(space).mutate(spec, random, fixed="fix-w-d" in space))


def _described(space: str) -> str:
    of_cells = isinstance(family(space), CellSpace)
    what = "cells in a frame" if of_cells else "stages"
    frame = "of one width and depth" if "fix-w-d" in space else "of any width and depth"
    tuned = " and learning rate" if "lr-wd" in space else ""
    return f"{what} {frame}{tuned}, trained on {dataset(space)}"


SPACES = {name: Space(name, None, _described(name)) for name in (*_SCORED, *_IMAGENET, *_TRUTH_ONLY)}
