"""The architectures of NAS-Bench-101: their notation, random ones and neighbours.

An architecture is written {"adjacency": "0100...", "operations": ["input", "conv3x3-bn-relu", ..., "output"]}: the
upper-triangular adjacency matrix row by row, and the operation of each vertex.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from random import Random

from pipeline.benchmarks.contract import ArchitectureGraph, Spec
from pipeline.benchmarks.nasbench101 import cell_graph
from pipeline.errors import UserError, excerpt, unknown
from pipeline.formats import json_objects
from pipeline.wording import count_of

_FORM = '{"adjacency": "0100...", "operations": ["input", ..., "output"]}'
_PARTS = ("adjacency", "operations", "module_hash")
_PAIRS = tuple(combinations(range(cell_graph.VERTICES), 2))  # places of the matrix that can hold an edge, row by row


def canonical(space: str, architecture: object) -> Spec:
    """The spec of a cell.

    Args:
        architecture: a mapping or JSON text with `adjacency`, the rows of the matrix one after another as text of 0
            and 1 or as lists, and `operations`, as a list or joined by commas.

    Returns:
        The same form, pruned and in the labelling that the benchmark trained: equal for isomorphic cells.
    """
    cell = json_objects.decoded_if_json(architecture)
    if not isinstance(cell, Mapping) or not {"adjacency", "operations"} <= cell.keys():
        raise UserError(f"an architecture is written {_FORM}, not {excerpt(architecture, 80)}")
    adjacency, operations = cell_graph.canonical(_row_by_row(cell["adjacency"]), _listed(cell["operations"]))
    return {"adjacency": adjacency, "operations": list(operations)}


def _row_by_row(matrix: object) -> str:
    if isinstance(matrix, str):
        return matrix.strip()
    if isinstance(matrix, list | tuple) and all(isinstance(row, list | tuple) for row in matrix):
        if any(len(row) != len(matrix) for row in matrix):
            raise UserError(f"the adjacency matrix has {count_of(len(matrix), 'row')}, and one of another length")
        return "".join(str(int(cell)) if cell in (0, 1) else "?" for row in matrix for cell in row)
    raise UserError(f"an adjacency matrix is a text of 0 and 1, or a list of rows, not {excerpt(matrix, 80)}")


def _listed(operations: object) -> list[str]:
    names = operations.split(",") if isinstance(operations, str) else operations
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise UserError(f"operations are a list of names, or names joined by commas, not {excerpt(operations, 80)}")
    return [name.strip() for name in names]


def compose(space: str, parts: Mapping[str, object]) -> Spec:
    """The spec from named parts.

    Args:
        parts: `adjacency` and `operations` as `canonical` takes them, and `module_hash` where it is to be verified; or
            "0" and "1" for each edge "0-1", "0-2", ... and the operation of each vertex "0", "1", ...
    """
    if "adjacency" not in parts:
        return canonical(space, _from_columns(parts))
    for name in parts:
        if name not in _PARTS:
            raise unknown("part", name, _PARTS)
    spec = canonical(space, parts)
    if "module_hash" in parts:
        cell_graph.verify(str(parts["module_hash"]), cell_graph.module_hash(spec["adjacency"], spec["operations"]))
    return spec


def _from_columns(parts: Mapping[str, object]) -> dict[str, object]:
    vertices = [name for name in parts if name.isascii() and name.isdigit() and len(name) < 4]
    if sorted(map(int, vertices)) != [*range(len(vertices))]:
        raise UserError(f"the operations of vertices {', '.join(vertices) or 'none'} are given; they are 0, 1, 2, ...")
    edges = [f"{i}-{j}" for i in range(len(vertices)) for j in range(len(vertices))]
    for name in parts:
        if name not in edges and name not in vertices:
            raise unknown("edge or vertex", name, [*edges, *vertices])
    return {
        "adjacency": "".join(str(parts.get(edge, 0)) for edge in edges),
        "operations": [parts[str(number)] for number in range(len(vertices))],
    }


def sample(space: str, random: Random) -> Spec:
    """A cell: matrices of seven vertices and their operations are drawn with equal chance until one is of the space."""
    while True:
        bits = random.getrandbits(len(_PAIRS))
        matrix = [[0] * cell_graph.VERTICES for _ in range(cell_graph.VERTICES)]
        for i, j in _PAIRS:
            matrix[i][j], bits = bits & 1, bits >> 1
        operations = [random.choice(cell_graph.OPERATIONS) for _ in range(cell_graph.VERTICES - 2)]
        cell = _if_valid(space, matrix, operations)
        if cell is not None:
            return cell


def mutate(space: str, spec: Spec, random: Random) -> Spec:
    """A neighbour: the cell as a graph of seven vertices with one edge or one operation changed, and not the same cell.

    A cell of fewer vertices is filled up with vertices that nothing leads to, so that one edge can bring them in.
    """
    while True:
        matrix, operations = _filled_up(spec, random)
        place = random.randrange(len(_PAIRS) + len(operations))
        if place < len(operations):
            others = [name for name in cell_graph.OPERATIONS if name != operations[place]]
            operations[place] = random.choice(others)
        else:
            i, j = _PAIRS[place - len(operations)]
            matrix[i][j] = 1 - matrix[i][j]
        neighbour = _if_valid(space, matrix, operations)
        if neighbour is not None and neighbour != spec:
            return neighbour


def _if_valid(space: str, matrix: list[list[int]], operations: list[str]) -> Spec | None:
    """The spec of a cell with these operations between input and output, or None if it breaks a rule."""
    try:
        return canonical(space, {"adjacency": matrix, "operations": [cell_graph.INPUT, *operations, cell_graph.OUTPUT]})
    except UserError:
        return None


def _filled_up(spec: Spec, random: Random) -> tuple[list[list[int]], list[str]]:
    """The matrix with vertices added, each with a random operation and one edge to a vertex after it."""
    given = len(spec["operations"])
    matrix = [[int(cell) for cell in spec["adjacency"][i * given : (i + 1) * given]] for i in range(given)]
    operations = list(spec["operations"][1:-1])
    for size in range(len(operations) + 2, cell_graph.VERTICES):
        place = random.randrange(1, size)
        for row in matrix:
            row.insert(place, 0)
        matrix.insert(place, [0] * (size + 1))
        matrix[place][random.randrange(place + 1, size + 1)] = 1
        operations.insert(place - 1, random.choice(cell_graph.OPERATIONS))
    return matrix, operations


def graph(space: str, spec: Spec) -> ArchitectureGraph:
    """The cell, its input and output with it."""
    operations, adjacency = tuple(spec["operations"]), spec["adjacency"]
    count = len(operations)
    edges = ((place // count, place % count) for place, edge in enumerate(adjacency) if edge == "1")
    return ArchitectureGraph(operations, tuple(edges))
