"""The architectures of TransNAS-Bench-101: their notation, random ones and neighbours.

A macro architecture is written 64-1234-basic: 64 channels after the stem, then a code for each module. A micro one is
written 64-41414-1_02_333: always these modules, and the operations that lead to nodes 1, 2 and 3 of the cell, each from
node 0 on.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from functools import cache
from random import Random

from pipeline.benchmarks import edge_cells
from pipeline.benchmarks.contract import ArchitectureGraph, Spec
from pipeline.errors import UserError, excerpt, unknown
from pipeline.wording import count_of

NAME = "transnas101"
MICRO_MODULES = "41414"
MODULES = {"1": "as before", "2": "twice the channels", "3": "half the image", "4": "both"}
"""What a module's code does to channels and image."""

OPERATIONS = ("none", "skip_connect", "conv_1x1", "conv_3x3")  # in the order of their codes, 0 to 3
EDGES = edge_cells.EDGES

_LENGTHS = (4, 5, 6)
_DOUBLED, _HALVED = (1, 3), (1, 4)  # the least and the most modules that double the channels, that halve the image
_CELL = re.compile(r"([0-3])_([0-3])([0-3])_([0-3])([0-3])([0-3])")


def canonical(space: str, architecture: object) -> Spec:
    """The spec of an architecture written in the benchmark's notation, or of a spec.

    Returns:
        {"cell": "1_02_333"} for the micro space, {"modules": "1234"} for the macro space.
    """
    part = "modules" if space == "macro" else "cell"
    text = architecture.get(part) if isinstance(architecture, Mapping) else architecture
    form = "64-1234-basic" if space == "macro" else "64-41414-1_02_333"
    if not isinstance(text, str) or not text.strip():
        raise UserError(f"an architecture of the {space} space is written {form}, not {excerpt(architecture, 80)}")
    text = text.strip()
    shown = f"architecture '{text[:80]}'"
    if not isinstance(architecture, Mapping):
        prefix, suffix = ("64-", "-basic") if space == "macro" else ("64-41414-", "")
        if not text.startswith(prefix) or not text.endswith(suffix) or len(text) < len(prefix) + len(suffix):
            raise UserError(f"{shown} is not of the form {form}")
        text = text[len(prefix) : len(text) - len(suffix)]
    if space == "macro":
        if broken := _broken_modules(text):
            raise UserError(f"{shown} {broken}")
        return {"modules": text}
    if not _CELL.fullmatch(text):
        raise UserError(f"{shown}: a cell is six codes from 0 to 3, 1_02_333, not '{text[:40]}'")
    return {"cell": text}


def _broken_modules(codes: str) -> str | None:
    """The rule that the modules of a macro architecture break."""
    if len(codes) not in _LENGTHS:
        return f"has {count_of(len(codes), 'module')}; it takes 4, 5 or 6"
    if odd := sorted(set(codes) - MODULES.keys()):
        return f"has a module '{odd[0]}'; the codes are 1, 2, 3 and 4"
    for what, (least, most), those in (
        ("double the channels", _DOUBLED, "24"),
        ("halve the image", _HALVED, "34"),
    ):
        number = sum(code in those for code in codes)
        if not least <= number <= most:
            return f"has {number} modules that {what}; it takes {least} to {most}"
    return None


def compose(space: str, parts: Mapping[str, object]) -> Spec:
    """The spec from named parts.

    Args:
        parts: the operation of each edge "0-1", "0-2", "1-2", "0-3", "1-3", "2-3"; or the code of each module "0", "1"
            and so on.
    """
    if space == "macro":
        return canonical(space, {"modules": _joined_modules(parts)})
    a, b, c, d, e, f = map(OPERATIONS.index, edge_cells.listed(parts, OPERATIONS))
    return {"cell": f"{a}_{b}{c}_{d}{e}{f}"}


def _joined_modules(parts: Mapping[str, object]) -> str:
    """The codes of the modules one after another; those after the last may be left out, or be empty."""
    places = [str(place) for place in range(max(_LENGTHS))]
    for name in parts:
        if name not in places:
            raise unknown("module", name, places)
    codes = [str(parts.get(place, "")).strip() for place in places]
    while codes and not codes[-1]:
        codes.pop()
    if "" in codes:
        raise UserError(f"the module {codes.index('')} is missing, and a later one is there")
    return "".join(codes)


def operations(spec: Spec) -> dict[str, str]:
    """The operation of each edge of a micro architecture's cell."""
    codes = spec["cell"].replace("_", "")
    return {edge: OPERATIONS[int(code)] for edge, code in zip(EDGES, codes, strict=True)}


@cache
def macro_modules() -> tuple[str, ...]:
    """The modules of every macro architecture."""
    every = ("".join(codes) for n in _LENGTHS for codes in itertools.product(MODULES, repeat=n))
    return tuple(codes for codes in every if _broken_modules(codes) is None)


def sample(space: str, random: Random) -> Spec:
    """An architecture, each with equal chance."""
    if space == "macro":
        return {"modules": random.choice(macro_modules())}
    return compose(space, edge_cells.sample(OPERATIONS, random))


def mutate(space: str, spec: Spec, random: Random) -> Spec:
    """A neighbour: one edge with another operation; or one module of another code, one more, or one less."""
    if space == "macro":
        return {"modules": random.choice(_neighbours(spec["modules"]))}
    return compose(space, edge_cells.mutate(operations(spec), OPERATIONS, random))


def _neighbours(codes: str) -> list[str]:
    places = range(len(codes))
    near = {codes[:i] + code + codes[i + 1 :] for i in places for code in MODULES}
    near |= {codes[:i] + codes[i + 1 :] for i in places}
    near |= {codes[:i] + code + codes[i:] for i in range(len(codes) + 1) for code in MODULES}
    return sorted(text for text in near - {codes} if _broken_modules(text) is None)


def graph(space: str, spec: Spec) -> ArchitectureGraph | None:
    """The cell's operations as vertices; a macro architecture is a chain of its modules."""
    if space == "macro":
        return ArchitectureGraph.chain(MODULES[code] for code in spec["modules"])
    return edge_cells.graph(operations(spec))
