"""The architectures of NAS-Bench-201: their notation, random ones and neighbours.

A topology is written |op~0|+|op~0|op~1|+|op~0|op~1|op~2|: one group per node, in it one operation per earlier node.
A size is written 8:16:24:32:64: the channels of the five stages of one fixed cell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

from pipeline.benchmarks import edge_cells
from pipeline.benchmarks.contract import ArchitectureGraph, Spec
from pipeline.errors import UserError, excerpt, unknown
from pipeline.wording import count_of

NAME = "nasbench201"
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = edge_cells.EDGES
WIDTHS = tuple(range(8, 65, 8))
STAGES = 5

_EDGE = f"({'|'.join(OPERATIONS)})~"
_CELL = re.compile(r"\+".join(r"\|" + "".join(rf"{_EDGE}{source}\|" for source in range(node)) for node in (1, 2, 3)))


def canonical(space: str, architecture: object) -> Spec:
    """The spec of an architecture written in the benchmark's notation, or of a spec.

    Returns:
        {"cell": "|op~0|+..."} for the topology space, {"channels": [8, 16, ...]} for the size space.
    """
    if space == "size":
        given = architecture.get("channels") if isinstance(architecture, Mapping) else architecture
        return _sized(given.split(":") if isinstance(given, str) else given)
    text = architecture.get("cell") if isinstance(architecture, Mapping) else architecture
    if not isinstance(text, str):
        raise UserError(
            f"an architecture is written |op~0|+|op~0|op~1|+|op~0|op~1|op~2|, not {excerpt(architecture, 80)}"
        )
    text = text.strip()
    if not _CELL.fullmatch(text):
        raise _broken(text)
    return {"cell": text}


def _broken(text: str) -> UserError:
    """The rule that a notation breaks: the first one, from the outside in."""
    shown = f"architecture '{text[:120]}'"
    nodes = text.split("+")
    if len(nodes) != 3:
        return UserError(f"{shown} has {count_of(len(nodes), 'node')}; a cell has 3, joined by +")
    for node, group in enumerate(nodes, 1):
        if len(group) < 2 or group[0] != "|" or group[-1] != "|":
            return UserError(f"node {node} of {shown} is '{group}', not enclosed in |")
        edges = group[1:-1].split("|")
        for source, edge in enumerate(edges[:node]):
            problem = _broken_edge(edge, source)
            if problem:
                return UserError(f"node {node} of {shown}: {problem}")
        if len(edges) < node:
            return UserError(f"node {node} of {shown}: the edge from node {len(edges)} is missing")
        if len(edges) > node:
            return UserError(f"node {node} of {shown} has {count_of(len(edges), 'edge')}; it takes {node}")
    return UserError(f"{shown} is not of the form |op~0|+|op~0|op~1|+|op~0|op~1|op~2|")


def _broken_edge(edge: str, source: int) -> str | None:
    operation, tilde, named = edge.rpartition("~")
    if not tilde:
        return f"'{edge}' is not operation~node"
    if operation not in OPERATIONS:
        return str(unknown("operation", operation, OPERATIONS))
    return None if named == str(source) else f"'{edge}' stands where the edge from node {source} belongs"


def _sized(given: object) -> Spec:
    if not isinstance(given, list | tuple) or len(given) != STAGES:
        raise UserError(f"a size is {STAGES} channel counts, 8:16:24:32:64, not {excerpt(given, 80)}")
    channels = [
        int(c) if isinstance(c, str) and c.isascii() and c.strip().isdecimal() and len(c) < 20 else c for c in given
    ]
    for stage, width in enumerate(channels):
        if width not in WIDTHS or isinstance(width, bool):
            raise UserError(f"stage {stage} has {excerpt(width, 20)} channels; it takes a multiple of 8 from 8 to 64")
    return {"channels": [int(width) for width in channels]}


def compose(space: str, parts: Mapping[str, object]) -> Spec:
    """The spec from named parts.

    Args:
        parts: operation of each edge "0-1", "0-2", "1-2", "0-3", "1-3", "2-3"; or channels of each stage "0" to "4".
    """
    if space == "size":
        stages = [str(stage) for stage in range(STAGES)]
        edge_cells.require_parts(parts, stages, "stage")
        return _sized([parts[stage] for stage in stages])
    a, b, c, d, e, f = edge_cells.listed(parts, OPERATIONS)
    return {"cell": f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|"}


def operations(spec: Spec) -> dict[str, str]:
    """The operation of each edge of a topology."""
    match = _CELL.fullmatch(spec["cell"])
    if match is None:
        raise _broken(spec["cell"])
    return dict(zip(EDGES, match.groups(), strict=True))


def sample(space: str, random: Random) -> Spec:
    """An architecture, each with equal chance."""
    if space == "size":
        return {"channels": [random.choice(WIDTHS) for _ in range(STAGES)]}
    return compose(space, edge_cells.sample(OPERATIONS, random))


def mutate(space: str, spec: Spec, random: Random) -> Spec:
    """A neighbour: one edge with another operation, or one stage with another width."""
    if space == "size":
        channels = list(spec["channels"])
        stage = random.randrange(STAGES)
        channels[stage] = random.choice([w for w in WIDTHS if w != channels[stage]])
        return {"channels": channels}
    return compose(space, edge_cells.mutate(operations(spec), OPERATIONS, random))


def graph(space: str, spec: Spec) -> ArchitectureGraph | None:
    """The cell's operations that are on a path from its input to its output, as vertices; sizes have no graph."""
    return None if space == "size" else edge_cells.graph(operations(spec))
