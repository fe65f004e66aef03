"""The cells of DARTS and the frames that they stand in: notation, random ones and neighbours.

An architecture is a normal and a reduction cell, written as `notations` describes, as JSON, or as a spec. Cells that
differ in the order of a node's two edges alone are one architecture; isomorphic ones stay apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from pipeline.benchmarks.cell_spaces import DARTS, KINDS, CellSpace
from pipeline.benchmarks.contract import Space, Spec, composed_by
from pipeline.benchmarks.darts import notations
from pipeline.errors import UserError, excerpt
from pipeline.formats import json_objects

NAME = "darts"

CELLS = CellSpace(DARTS, 4, loose=False)
"""Published are cells whose operations and inputs were drawn with equal chance; a node may read one node twice."""


@dataclass(frozen=True)
class Frame:
    """How many cells there are, and how wide they are.

    Args:
        width: channels of the nodes of the first cells.
        depth: number of cells.
        bare: the images are the inputs of the first cell, without a stem before it.
    """

    width: int
    depth: int
    bare: bool = False


FRAMES = {"cells": Frame(16, 8), "cells-36-20": Frame(36, 20), "single-cell": Frame(3, 1, bare=True)}
"""Space -> frame: those in which DARTS searches and evaluates, and the one in which SWAP's authors score."""

SPACES = (
    Space("cells", None, "cells in a frame of 16 channels and 8 cells"),
    Space("cells-36-20", None, "the same cells in a frame of 36 channels and 20 cells"),
    Space("single-cell", None, "the reduction cell alone, on 3 channels: for proxies that train nothing"),
)


def canonical(space: str, architecture: object) -> Spec:
    """The spec of a genotype as text or mapping, of its JSON text, of a configuration or pairs, or of a spec.

    Returns:
        {"normal": [[operation, node], ...], "normal_concat": [node, ...], "reduce", "reduce_concat"}
    """
    genotype = _decoded(architecture) if isinstance(architecture, str) else architecture
    if isinstance(genotype, list | tuple):
        genotype = notations.of_pairs(genotype)
    elif isinstance(genotype, Mapping) and not genotype.keys() & set(notations.FIELDS):
        genotype = notations.of_configuration(genotype) or genotype
    if not isinstance(genotype, Mapping):
        raise UserError(f"an architecture of {NAME} is written as a genotype, not {excerpt(architecture, 80)}")
    canonical = CELLS.canonical({**genotype, **_FRAME})
    return {name: value for name, value in canonical.items() if name not in _FRAME}


_FRAME = {"width": 2, "depth": 2}  # what a space of cells in a frame of any width and depth asks for


def _decoded(text: str) -> object:
    """What JSON text says, a genotype, or pairs."""
    if text.lstrip().startswith(("((", "[[", "([", "[(")):
        return notations.pairs(text)
    if not text.lstrip().startswith("{"):
        return notations.parse(text)
    try:
        return json_objects.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{excerpt(text, 80)} is neither a genotype nor JSON") from error


compose = composed_by(canonical)
"""The spec from normal, normal_concat, reduce and reduce_concat."""


def sample(space: str, random: Random) -> Spec:
    """A random cell, normal and reduction cell at once, as the published ones are."""
    spec = CELLS.sample(random, fixed=True)
    return canonical(space, {**spec, "reduce": spec["normal"], "reduce_concat": spec["normal_concat"]})


def mutate(space: str, spec: Spec, random: Random) -> Spec:
    """A neighbour: one operation or input is another, in both cells where they are alike."""
    neighbour = CELLS.mutate({**spec, **_FRAME}, random, fixed=True)
    if spec["normal"] == spec["reduce"]:
        changed = next(kind for kind in KINDS if neighbour[kind] != spec[kind])
        neighbour |= dict.fromkeys(KINDS, neighbour[changed])
    return canonical(space, neighbour)
