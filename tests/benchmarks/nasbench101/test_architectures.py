"""NAS-Bench-101's cells: notation, the rules of the space, isomorphism, sampling and neighbours."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.benchmarks import load
from pipeline.benchmarks.contract import arch_id_of
from pipeline.benchmarks.nasbench101 import architectures, cell_graph
from pipeline.errors import UserError

CONV3, CONV1, POOL = cell_graph.OPERATIONS
Matrix = list[list[int]]

DIAMOND: dict[str, Any] = {"adjacency": "0110000100010000", "operations": ["input", CONV3, POOL, "output"]}


def canonical(matrix: Matrix, operations: list[str]) -> dict[str, Any]:
    named = ["input", *operations, "output"]
    return architectures.canonical("cell", {"adjacency": matrix, "operations": named})


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Matrix, list[str]]:
    """A valid labelled graph of up to seven vertices, not pruned."""
    size = draw(st.integers(2, 7))
    bits = draw(st.lists(st.integers(0, 1), min_size=size * (size - 1) // 2, max_size=size * (size - 1) // 2))
    matrix = [[0] * size for _ in range(size)]
    for (i, j), bit in zip(itertools.combinations(range(size), 2), bits, strict=True):
        matrix[i][j] = bit
    operations = draw(st.lists(st.sampled_from(cell_graph.OPERATIONS), min_size=size - 2, max_size=size - 2))
    try:
        canonical(matrix, operations)
    except UserError:
        assume(False)
    return matrix, operations


def relabelled(matrix: Matrix, operations: list[str], draw: Random) -> tuple[Matrix, list[str]]:
    """The same graph in another order of its inner vertices in which all edges lead forward."""
    size = len(matrix)
    order, left = [0], list(range(1, size - 1))
    while left:
        free = [v for v in left if not any(matrix[u][v] for u in left)]
        left.remove(chosen := draw.choice(free))
        order.append(chosen)
    order.append(size - 1)
    return [[matrix[i][j] for j in order] for i in order], [operations[v - 1] for v in order[1:-1]]


def with_dead_vertex(matrix: Matrix, operations: list[str], draw: Random) -> tuple[Matrix, list[str]]:
    """The same graph with a vertex that the input does not reach, or that does not reach the output."""
    size = len(matrix)
    place = draw.randrange(1, size)
    larger = [[*row[:place], 0, *row[place:]] for row in matrix]
    larger.insert(place, [0] * (size + 1))
    reached = draw.random() < 0.5
    for other in range(size + 1):
        if draw.random() < 0.5 and (other < place if reached else other > place):
            source, target = sorted((other, place))
            larger[source][target] = 1
    return larger, [*operations[: place - 1], draw.choice(cell_graph.OPERATIONS), *operations[place - 1 :]]


@given(graphs(), st.randoms(use_true_random=False))
def test_every_labelling_of_a_cell_is_the_same_cell(graph: tuple[Matrix, list[str]], draw: Random) -> None:
    spec = canonical(*graph)
    assert canonical(*relabelled(*graph, draw)) == spec
    larger = with_dead_vertex(*graph, draw)
    assert canonical(*larger) == spec
    assert canonical(*relabelled(*with_dead_vertex(*larger, draw), draw)) == spec


@given(graphs())
def test_the_canonical_form_is_a_labelling_of_the_pruned_cell_and_its_own(graph: tuple[Matrix, list[str]]) -> None:
    spec = canonical(*graph)
    assert architectures.canonical("cell", spec) == spec
    size = len(spec["operations"])
    matrix = [[int(c) for c in spec["adjacency"][i * size : (i + 1) * size]] for i in range(size)]
    assert all(any(row) for row in matrix[:-1]) and all(any(column) for column in list(zip(*matrix, strict=True))[1:])
    assert not any(matrix[i][j] for i in range(size) for j in range(i + 1))
    assert Counter(spec["operations"][1:-1]) <= Counter(graph[1])


@given(graphs(), graphs())
def test_the_published_hash_and_the_canonical_form_tell_the_same_cells_apart(
    one: tuple[Matrix, list[str]], other: tuple[Matrix, list[str]]
) -> None:
    specs = [canonical(*graph) for graph in (one, other)]
    hashes = [cell_graph.module_hash(s["adjacency"], s["operations"]) for s in specs]
    assert (specs[0] == specs[1]) == (hashes[0] == hashes[1])


@pytest.mark.parametrize("size", [2, 3, 4])
def test_isomorphic_cells_and_no_others_are_one(size: int) -> None:
    """All cells of up to four vertices, against a plain search for an isomorphism."""
    classes: dict[str, list[tuple[Matrix, list[str]]]] = {}
    pairs = list(itertools.combinations(range(size), 2))
    for bits in itertools.product((0, 1), repeat=len(pairs)):
        matrix = [[0] * size for _ in range(size)]
        for (i, j), bit in zip(pairs, bits, strict=True):
            matrix[i][j] = bit
        for operations in itertools.product((CONV3, CONV1), repeat=size - 2):
            try:
                spec = canonical(matrix, list(operations))
            except UserError:
                continue
            if len(spec["operations"]) == size:
                classes.setdefault(json.dumps(spec), []).append((matrix, list(operations)))
    for one, other in itertools.combinations(classes, 2):
        assert not isomorphic(classes[one][0], classes[other][0])
    for members in classes.values():
        assert all(isomorphic(members[0], member) for member in members)


def isomorphic(one: tuple[Matrix, list[str]], other: tuple[Matrix, list[str]]) -> bool:
    size = len(one[0])
    for inner in itertools.permutations(range(1, size - 1)):
        order = [0, *inner, size - 1]
        same = all(one[0][order[i]][order[j]] == other[0][i][j] for i in range(size) for j in range(size))
        if same and [one[1][v - 1] for v in inner] == other[1]:
            return True
    return False


def test_the_canonical_labelling_is_the_first_that_the_benchmark_enumerates() -> None:
    """Vertices that are alike stand in the order of their operations, others where the matrix puts them."""
    spec = canonical([[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]], [POOL, CONV3])
    assert spec == DIAMOND
    chain = canonical([[0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]], [POOL, CONV3])
    assert chain["operations"] == ["input", POOL, CONV3, "output"]


def test_every_notation_is_the_same_cell() -> None:
    rows = [[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
    for adjacency in (DIAMOND["adjacency"], rows, tuple(map(tuple, rows)), [[bool(c) for c in row] for row in rows]):
        for operations in (["input", CONV3, POOL, "output"], f"input, {CONV3}, {POOL}, output"):
            written = {"adjacency": adjacency, "operations": operations}
            assert architectures.canonical("cell", written) == DIAMOND
    assert architectures.canonical("cell", json.dumps(DIAMOND)) == DIAMOND
    assert architectures.compose("cell", DIAMOND) == DIAMOND
    edges = {f"{i}-{j}": str(cell) for i, row in enumerate(rows) for j, cell in enumerate(row)}
    vertices = {str(number): name for number, name in enumerate(DIAMOND["operations"])}
    assert architectures.compose("cell", {**edges, **vertices}) == DIAMOND


def chain(vertices: int) -> Matrix:
    return [[int(j == i + 1) for j in range(vertices)] for i in range(vertices)]


FULL = [[int(j > i) for j in range(5)] for i in range(5)]  # ten edges


@pytest.mark.parametrize(
    ("matrix", "operations", "said"),
    [
        (chain(8), [CONV3] * 6, "8 vertices on paths from input to output; a cell has at most 7"),
        (FULL, [CONV3] * 3, "10 edges on paths from input to output; a cell has at most 9"),
        (chain(4), [CONV3, "conv3x3-bn-rel"], "unknown operation 'conv3x3-bn-rel': did you mean conv3x3-bn-relu"),
        (chain(4), [CONV3], "3 operations for 4 vertices"),
        ([[0, 1, 0], [0, 0, 0], [0, 0, 0]], [CONV3], "no path leads from input to output"),
        ([[0, 1, 0], [1, 0, 1], [0, 0, 0]], [CONV3], "edge from vertex 1 to 0 does not lead forward"),
        ([[0, 1, 0], [0, 1, 1], [0, 0, 0]], [CONV3], "edge from vertex 1 to 1 does not lead forward"),
        ([[0, 2, 0], [0, 0, 1], [0, 0, 0]], [CONV3], "is not a square of 0 and 1"),
        ([[0, 1], [0, 0, 1], [0, 0, 0]], [CONV3], "has 3 rows, and one of another length"),
    ],
)
def test_a_cell_outside_the_space_says_which_rule(matrix: Matrix, operations: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        canonical(matrix, operations)


@pytest.mark.parametrize(
    ("architecture", "said"),
    [
        ("|none~0|", "is written .*, not '"),
        ("[1, 2]", "is written"),
        (None, "is written"),
        ({"adjacency": "01"}, "is written"),
        ({"adjacency": "011", "operations": "input,output"}, "is not a square"),
        ({"adjacency": 3, "operations": "input,output"}, "an adjacency matrix is a text"),
        ({"adjacency": "", "operations": "input,output"}, "is not a square"),
        ({"adjacency": "0100", "operations": 7}, "operations are a list of names"),
        ({"adjacency": "0100", "operations": ["input", 1]}, "operations are a list of names"),
        ({"adjacency": "0100", "operations": "output,input"}, "the first vertex is 'output' and the last 'input'"),
    ],
)
def test_what_is_no_cell_says_why(architecture: object, said: str) -> None:
    with pytest.raises(UserError, match=said):
        architectures.canonical("cell", architecture)


def test_parts_that_are_unknown_or_contradict_are_named() -> None:
    with pytest.raises(UserError, match=r"unknown part 'module_hsh': did you mean module_hash"):
        architectures.compose("cell", {**DIAMOND, "module_hsh": "0"})
    with pytest.raises(UserError, match=r"the module hash 0000 is stated, but the graph has [0-9a-f]{32}"):
        architectures.compose("cell", {**DIAMOND, "module_hash": "0000"})
    with pytest.raises(UserError, match=r"unknown edge or vertex '0-7'"):
        architectures.compose("cell", {"0": "input", "1": "output", "0-1": "1", "0-7": "1"})
    with pytest.raises(UserError, match=r"the operations of vertices 0, 2 are given"):
        architectures.compose("cell", {"0": "input", "2": "output"})


def test_the_published_hash_of_a_cell() -> None:
    """Against the definition, word for word."""
    assert cell_graph.module_hash("0100", ["input", "output"]) == by_definition([[0, 1], [0, 0]], [-1, -2])
    labels = [-1, 0, 2, -2]
    matrix = [[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
    assert cell_graph.module_hash(DIAMOND["adjacency"], DIAMOND["operations"]) == by_definition(matrix, labels)


def by_definition(matrix: Matrix, labels: list[int]) -> str:
    from hashlib import md5

    size = range(len(matrix))
    hashes = [md5(str((sum(matrix[v]), sum(row[v] for row in matrix), labels[v])).encode()).hexdigest() for v in size]
    for _ in size:
        before = ["".join(sorted(hashes[u] for u in size if matrix[u][v])) for v in size]
        after = ["".join(sorted(hashes[u] for u in size if matrix[v][u])) for v in size]
        hashes = [md5(f"{before[v]}|{after[v]}|{hashes[v]}".encode()).hexdigest() for v in size]
    return md5(str(sorted(hashes)).encode()).hexdigest()


@given(seed=st.integers(0, 2**32))
def test_samples_and_neighbours_are_of_the_space(seed: int) -> None:
    draw = Random(seed)
    spec = architectures.sample("cell", draw)
    assert architectures.canonical("cell", spec) == spec
    before = json.dumps(spec)
    neighbour = architectures.mutate("cell", spec, draw)
    assert json.dumps(spec) == before
    assert architectures.canonical("cell", neighbour) == neighbour != spec


def test_neighbours_reach_cells_of_every_size_and_operation() -> None:
    draw = Random(0)
    spec = architectures.canonical("cell", {"adjacency": "0100", "operations": "input,output"})
    sizes, operations = Counter[int](), Counter[str]()
    for _ in range(600):
        spec = architectures.mutate("cell", spec, draw)
        sizes[len(spec["operations"])] += 1
        operations.update(spec["operations"][1:-1])
    assert set(sizes) == {2, 3, 4, 5, 6, 7}
    assert set(operations) == set(cell_graph.OPERATIONS)


def test_a_neighbour_of_a_whole_cell_differs_by_one_edge_or_one_operation() -> None:
    draw = Random(1)
    whole = [s for s in (architectures.sample("cell", draw) for _ in range(60)) if len(s["operations"]) == 7]
    for spec in whole[:10]:
        neighbours = {json.dumps(n) for n in all_neighbours(spec)}
        assert all(json.dumps(architectures.mutate("cell", spec, draw)) in neighbours for _ in range(10))


def all_neighbours(spec: dict[str, Any]) -> list[dict[str, Any]]:
    changed = []
    size = len(spec["operations"])
    for i, j in itertools.combinations(range(size), 2):
        cells = list(spec["adjacency"])
        cells[i * size + j] = "10"[int(cells[i * size + j])]
        changed.append({"adjacency": "".join(cells), "operations": spec["operations"]})
    for place in range(1, size - 1):
        for name in cell_graph.OPERATIONS:
            operations = [*spec["operations"][:place], name, *spec["operations"][place + 1 :]]
            changed.append({"adjacency": spec["adjacency"], "operations": operations})
    neighbours = []
    for neighbour in changed:
        try:
            neighbours.append(architectures.canonical("cell", neighbour))
        except UserError:
            continue
    return neighbours


def test_identities_are_for_good() -> None:
    assert arch_id_of("nasbench101", "cell", DIAMOND) == "1ed3372a09c0911f"


def test_the_registry_holds_it_and_its_metrics_are_declared_once() -> None:
    benchmark = load("nasbench101")
    assert [(s.name, s.size) for s in benchmark.spaces] == [("cell", 423_624)]
    assert len({(m.dataset, m.metric) for m in benchmark.metrics}) == len(benchmark.metrics)
    ranked = sorted((m.priority, m.dataset, m.metric) for m in benchmark.metrics if m.priority)
    assert ranked == [(1, "cifar10", "test_accuracy"), (2, "cifar10", "validation_accuracy")]
