"""The cells of NAS-Bench-101 as graphs: the rules of the space, pruning, the canonical labelling, the published hash.

A cell is a directed graph whose first vertex is the input and whose last is the output; each vertex between them has
an operation. Ying et al., "NAS-Bench-101: Towards Reproducible Neural Architecture Search", ICML 2019.

The canonical labelling of a cell is the one that the benchmark trained. Its authors enumerated upper-triangular
matrices as binary numbers, the edge i -> j being the bit i + j (j - 1) / 2, and labelled each in the order of
`OPERATIONS`; of isomorphic cells the first was kept. The labelling is more than a name: where the channels of a cell
do not divide evenly, the first vertices get what is left over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

from pipeline.benchmarks.edge_cells import on_a_path
from pipeline.errors import UserError, unknown
from pipeline.wording import count_of

try:
    from _md5 import md5  # type: ignore[import-not-found]  # starts in half the time of OpenSSL's, which hashlib uses
except ImportError:
    from hashlib import md5

INPUT, OUTPUT = "input", "output"
OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
VERTICES, EDGES = 7, 9

_LABELS = {INPUT: -1, **{name: label for label, name in enumerate(OPERATIONS)}, OUTPUT: -2}


_Gather = Callable[[Sequence[str]], str]


@dataclass(frozen=True)
class _Shape:
    """What an adjacency matrix says of every cell that has it.

    Args:
        vertices: in the matrix.
        kept: those on a path from input to output; what follows counts in these.
        degrees: of each vertex, out and in.
        gather: of each vertex, what joins the sorted hashes of the vertices before it, and of those after it.
        adjacency: the smallest that a labelling gives.
        orders: the labellings that give it: the vertex at each position between input and output.
    """

    vertices: int
    kept: tuple[int, ...]
    degrees: tuple[tuple[int, int], ...]
    gather: tuple[tuple[_Gather, _Gather], ...]
    adjacency: str
    orders: tuple[tuple[int, ...], ...]


def canonical(adjacency: str, operations: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The canonical adjacency, row by row, and operations of a cell, which is pruned.

    Raises:
        UserError: the cell breaks a rule of the space; the message says which.
    """
    shape = _checked(adjacency, operations)
    labels = [_LABELS[operations[v]] for v in shape.kept]
    first = min([labels[v] for v in order] for order in shape.orders)
    return shape.adjacency, (INPUT, *(OPERATIONS[label] for label in first), OUTPUT)


def module_hash(adjacency: str, operations: Sequence[str]) -> str:
    """The identity that the benchmark gives a cell: the same for isomorphic cells, of what remains after pruning.

    Each vertex starts with the MD5 of its out-degree, in-degree and label; as many times as there are vertices, it
    takes the MD5 of its predecessors', its successors' and its own; the cell has the MD5 of all, sorted.

    Raises:
        UserError: as `canonical`.
    """
    shape = _checked(adjacency, operations)
    hashes = [
        md5(str((*degrees, _LABELS[operations[v]])).encode()).hexdigest()
        for v, degrees in zip(shape.kept, shape.degrees, strict=True)
    ]
    for _ in shape.kept:
        hashes = [
            md5(f"{before(hashes)}|{after(hashes)}|{own}".encode()).hexdigest()
            for (before, after), own in zip(shape.gather, hashes, strict=True)
        ]
    return str(md5(str(sorted(hashes)).encode()).hexdigest())


def verify(stated: str, computed: str) -> None:
    """Refuse a cell whose stated module hash does not match its graph.

    Raises:
        UserError: they differ.
    """
    if stated != computed:
        raise UserError(f"the module hash {stated[:40]} is stated, but the graph has {computed}")


def _gather(vertices: Sequence[int]) -> _Gather:
    """What joins the sorted hashes of these vertices."""
    if not vertices:
        return lambda _: ""
    pick = itemgetter(*vertices)
    return pick if len(vertices) == 1 else lambda hashes: "".join(sorted(pick(hashes)))


def _checked(adjacency: str, operations: Sequence[str]) -> _Shape:
    """The shape of the matrix; UserError if the operations do not go with it."""
    shape = _shape(adjacency)
    if len(operations) != shape.vertices:
        raise UserError(
            f"{count_of(len(operations), 'operation')} for {count_of(shape.vertices, 'vertex', 'vertices')}"
        )
    if operations[0] != INPUT or operations[-1] != OUTPUT:
        raise UserError(f"the first vertex is '{operations[0]}' and the last '{operations[-1]}', not input and output")
    for operation in operations[1:-1]:
        if operation not in OPERATIONS:
            raise unknown("operation", operation, OPERATIONS)
    return shape


@lru_cache(maxsize=1 << 14)
def _shape(adjacency: str) -> _Shape:
    """The shape of a matrix that is written row by row, pruned; the space has a few thousand."""
    vertices, edges = _parsed(adjacency)
    kept = tuple(sorted(on_a_path(edges, vertices - 1)))
    if not kept:
        raise UserError("no path leads from input to output")
    place = {vertex: new for new, vertex in enumerate(kept)}
    edges = [(place[i], place[j]) for i, j in edges if i in place and j in place]
    if len(kept) > VERTICES:
        raise UserError(f"{len(kept)} vertices on paths from input to output; a cell has at most {VERTICES}")
    if len(edges) > EDGES:
        raise UserError(f"{len(edges)} edges on paths from input to output; a cell has at most {EDGES}")
    around = [([i for i, j in edges if j == v], [j for i, j in edges if i == v]) for v in range(len(kept))]
    degrees = tuple((len(after), len(before)) for before, after in around)
    gather = tuple((_gather(before), _gather(after)) for before, after in around)
    number, orders = _smallest(edges, len(kept))
    return _Shape(vertices, kept, degrees, gather, _written(number, len(kept)), orders)


def _parsed(adjacency: str) -> tuple[int, list[tuple[int, int]]]:
    """The number of vertices of a matrix that is written row by row, and its edges, row by row."""
    vertices = round(len(adjacency) ** 0.5)
    if vertices**2 != len(adjacency) or vertices < 2 or not set(adjacency) <= {"0", "1"}:
        raise UserError(f"the adjacency matrix '{adjacency[:80]}' is not a square of 0 and 1, written row by row")
    edges = [divmod(place, vertices) for place, cell in enumerate(adjacency) if cell == "1"]
    for i, j in edges:
        if i >= j:
            raise UserError(f"the edge from vertex {i} to {j} does not lead forward: the matrix is upper-triangular")
    return vertices, edges


def _smallest(edges: Sequence[tuple[int, int]], vertices: int) -> tuple[int, tuple[tuple[int, ...], ...]]:
    """The smallest number of an upper-triangular labelling, and every order of the vertices that gives it."""
    best, orders = 1 << VERTICES**2, list[tuple[int, ...]]()
    for order in _orders(frozenset(range(1, vertices - 1)), edges):
        position = {0: 0, vertices - 1: vertices - 1, **{vertex: at for at, vertex in enumerate(order, 1)}}
        number = sum(1 << position[i] + position[j] * (position[j] - 1) // 2 for i, j in edges)
        if number < best:
            best, orders = number, []
        if number == best:
            orders.append(order)
    return best, tuple(orders)


def _orders(vertices: frozenset[int], edges: Sequence[tuple[int, int]]) -> Iterator[tuple[int, ...]]:
    """Every order of the vertices in which all edges among them lead forward."""
    if not vertices:
        yield ()
    for first in vertices - {j for i, j in edges if i in vertices}:
        for rest in _orders(vertices - {first}, edges):
            yield (first, *rest)


def _written(number: int, vertices: int) -> str:
    """The matrix of an enumerated number, row by row."""
    return "".join(
        str(number >> i + j * (j - 1) // 2 & 1) if i < j else "0" for i in range(vertices) for j in range(vertices)
    )
