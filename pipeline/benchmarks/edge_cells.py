"""Cells of four nodes with an operation on every edge from a node to a later one: NAS-Bench-201, TransNAS-Bench-101."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random

from pipeline.benchmarks.contract import ArchitectureGraph
from pipeline.errors import UserError, unknown

EDGES = ("0-1", "0-2", "1-2", "0-3", "1-3", "2-3")
"""From node 0, the input, to node 3, the output, in the order of both benchmarks' notations."""

NONE = "none"  # the operation of an edge that is not there

Cell = Mapping[str, str]
"""The operation of each edge."""


def require_parts(parts: Mapping[str, object], names: Sequence[str], kind: str) -> None:
    """Refuse parts that are not just these.

    Raises:
        UserError: one is unknown or missing; the message calls it a `kind`: "edge".
    """
    for name in parts:
        if name not in names:
            raise unknown(kind, name, names)
    for name in names:
        if name not in parts:
            raise UserError(f"the {kind} {name} is missing")


def listed(parts: Mapping[str, object], operations: Sequence[str]) -> list[str]:
    """The operations in the order of `EDGES`, from those of each edge.

    Raises:
        UserError: an edge is missing or unknown, or an operation is none of `operations`.
    """
    require_parts(parts, EDGES, "edge")
    for operation in parts.values():
        if operation not in operations:
            raise unknown("operation", str(operation), operations)
    return [str(parts[edge]) for edge in EDGES]


def sample(operations: Sequence[str], random: Random) -> Cell:
    """A random cell, each with equal chance."""
    return {edge: random.choice(operations) for edge in EDGES}


def mutate(cell: Cell, operations: Sequence[str], random: Random) -> Cell:
    """A neighbour: one edge with another operation."""
    edge = random.choice(EDGES)
    return {**cell, edge: random.choice([operation for operation in operations if operation != cell[edge]])}


def on_a_path(edges: Iterable[tuple[int, int]], last: int = 3) -> set[int]:
    """The nodes on a path from node 0 to the last, of edges that lead to later nodes."""
    ordered = sorted(edges)
    reached, needed = {0}, {last}
    for source, target in ordered:
        if source in reached:
            reached.add(target)
    for source, target in reversed(ordered):
        if target in needed:
            needed.add(source)
    return reached & needed


def graph(cell: Cell) -> ArchitectureGraph:
    """The operations that are on a path from the input to the output, as vertices."""
    edges = [(int(edge[0]), int(edge[2]), operation) for edge, operation in cell.items() if operation != NONE]
    nodes = on_a_path((source, target) for source, target, _ in edges)
    kept = [(source, target, name) for source, target, name in edges if source in nodes and target in nodes]
    vertices = [(-1, 0, "input"), *kept, (3, -2, "output")]
    joined = ((i, j) for i, one in enumerate(vertices) for j, other in enumerate(vertices) if one[1] == other[0])
    return ArchitectureGraph(tuple(name for _, _, name in vertices), tuple(joined))
