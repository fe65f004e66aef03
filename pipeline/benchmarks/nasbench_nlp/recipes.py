"""The recurrent cells of NAS-Bench-NLP as graphs: the rules of a recipe, and its canonical form.

A recipe maps each node to {"op": operation, "input": [vertex, ...]}. Vertices are the input x, the states before the
step h_prev_0, h_prev_1, ..., and the nodes; the nodes h_new_0, h_new_1, ... are the states after it, and h_new_0 is
the cell's output. Klyuchnikov et al., "NAS-Bench-NLP: Neural Architecture Search Benchmark for Natural Language
Processing", 2020.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TypedDict

from pipeline.errors import UserError, excerpt, unknown
from pipeline.wording import count_of

ACTIVATIONS = ("activation_tanh", "activation_sigm", "activation_leaky_relu")
PAIRS = ("elementwise_prod", "elementwise_sum")
INPUTS = {"linear": None, "blend": 3, **dict.fromkeys(PAIRS, 2), **dict.fromkeys(ACTIVATIONS, 1)}
"""Operations, with the number of inputs that each takes; a linear node takes any number of them."""

MOST_NODES = 64  # of a recipe that is taken; the published ones have at most 21
_STATE = re.compile(r"h_(new|prev)_([0-9]{1,9})")


class Node(TypedDict):
    """An operation and the vertices that it reads."""

    op: str
    input: list[str]


Recipe = dict[str, Node]


def canonical(recipe: object) -> Recipe:
    """The canonical form of a recipe: equal for recipes that differ in names or order alone, as a graph isomorphism.

    Nodes on which no new state depends are dropped. The others are named node_0, node_1, ... in a topological order
    that depends on the graph alone; the states from 1 on are numbered by the graph too, because which is which is a
    matter of names; inputs are in the order x, states, nodes, but those of a blend keep theirs, which has a meaning.

    Raises:
        UserError: it breaks a rule; the message says which.
    """
    nodes = _checked(recipe)
    graph = _graph({name: nodes[name] for name in _needed(nodes)})
    _, colours = _search(graph, _refined(graph, _ranks(graph.labels)))
    return _renamed(graph, dict(zip(graph.vertices, colours, strict=True)))


def count_states(recipe: Iterable[str]) -> int:
    return sum(_is_state(name, "new") for name in recipe)


def _checked(recipe: object) -> Recipe:
    if not isinstance(recipe, Mapping) or not recipe:
        raise UserError(f"a recipe is a JSON object of nodes, each with 'op' and 'input', not {excerpt(recipe, 80)}")
    if len(recipe) > MOST_NODES:
        raise UserError(f"the recipe has {len(recipe)} nodes; at most {MOST_NODES} are taken")
    nodes = {str(name): _node(str(name), node) for name, node in recipe.items()}
    _require_known_inputs(nodes, _require_states(nodes))
    try:
        list(TopologicalSorter({n: node["input"] for n, node in nodes.items()}).static_order())
    except CycleError as error:
        raise UserError(f"the recipe has a cycle: {' -> '.join(error.args[1])}") from error
    if not any("x" in nodes[name]["input"] for name in _needed(nodes)):
        raise UserError("no new state depends on x")
    return nodes


def _require_states(nodes: Recipe) -> int:
    """The number of hidden states, which are numbered from 0 without a gap."""
    count = count_states(nodes)
    for index in range(count):
        if f"h_new_{index}" not in nodes:
            raise UserError(f"the recipe has {count} new states, but no h_new_{index}: they are numbered from 0")
    if not count:
        raise UserError("the recipe has no h_new_0, which is the cell's output")
    return count


def _require_known_inputs(nodes: Recipe, states: int) -> None:
    """Refuse a node that reads what is not there, or x where its width does not fit."""
    vertices = {"x", *(f"h_prev_{i}" for i in range(states)), *nodes}
    for name, node in nodes.items():
        for source in node["input"]:
            if source not in vertices:
                raise _missing(name, source, vertices)
            if source == "x" and node["op"] != "linear":
                raise UserError(f"node '{name}' ({node['op']}) reads x, whose width only a linear node can change")


def _node(name: str, node: object) -> Node:
    """The node with its types, operation and number of inputs checked."""
    if name == "x" or _is_state(name, "prev"):
        raise UserError(f"'{name}' is given to the cell; a node cannot have that name")
    if not isinstance(node, Mapping) or set(node) != {"op", "input"}:
        raise UserError(f"node '{name}' is {excerpt(node, bare=True)!r}, not an object of 'op' and 'input'")
    operation, inputs = node["op"], node["input"]
    if not isinstance(operation, str) or operation not in INPUTS:
        raise UserError(f"node '{name}': {unknown('operation', str(operation), INPUTS)}")
    if not isinstance(inputs, list | tuple) or not all(isinstance(source, str) for source in inputs):
        raise UserError(f"node '{name}' has the input {excerpt(inputs)}, not a list of names")
    wanted = INPUTS[operation]
    if len(inputs) != wanted and (wanted or not inputs):
        raise UserError(
            f"node '{name}' ({operation}) has {count_of(len(inputs), 'input')}; it takes {wanted or 'at least 1'}"
        )
    if operation == "linear" and len(set(inputs)) < len(inputs):
        raise UserError(f"node '{name}' (linear) reads a vertex twice")
    return {"op": operation, "input": list(inputs)}


def _is_state(name: str, which: str) -> bool:
    match = _STATE.fullmatch(name)
    return match is not None and match[1] == which


def _missing(name: str, source: str, vertices: Iterable[str]) -> UserError:
    if _is_state(source, "prev"):
        return UserError(f"node '{name}' reads {source}, but no node is h_new_{source.rpartition('_')[2]}")
    return UserError(f"node '{name}' reads what is not there: {unknown('vertex', source, vertices)}")


def _needed(nodes: Recipe) -> list[str]:
    """The nodes on which a new state depends, in the order of the recipe."""
    waiting = [name for name in nodes if _is_state(name, "new")]
    needed = set(waiting)
    while waiting:
        new = {s for s in nodes[waiting.pop()]["input"] if s in nodes} - needed
        needed |= new
        waiting += new
    return [name for name in nodes if name in needed]


@dataclass(frozen=True)
class _Graph:
    """A recipe by the number of each vertex.

    Args:
        vertices: names: x, the states before, the nodes.
        labels: what each is, whatever its name.
        inputs, readers: of each, those on the other side of its edges, with the role of the edge: the position of a
            blend's input, else 0.
        partner: of a state before the step the same state after it, and vice versa; otherwise -1.
    """

    nodes: Recipe
    vertices: list[str]
    labels: list[str]
    inputs: list[list[tuple[int, int]]]
    readers: list[list[tuple[int, int]]]
    partner: list[int]


def _graph(nodes: Recipe) -> _Graph:
    count = count_states(nodes)
    vertices = ["x", *(f"h_prev_{i}" for i in range(count)), *nodes]
    number = {name: v for v, name in enumerate(vertices)}
    graph = _Graph(nodes, vertices, ["x"], [[] for _ in vertices], [[] for _ in vertices], [-1] * len(vertices))
    graph.labels.extend("h_prev_0" if i == 0 else "h_prev" for i in range(count))
    for name, node in nodes.items():
        kind = "" if not _is_state(name, "new") else "h_new_0" if name == "h_new_0" else "h_new"
        graph.labels.append(f"{node['op']} {kind}")
        for position, source in enumerate(node["input"]):
            role = position if node["op"] == "blend" else 0
            graph.inputs[number[name]].append((role, number[source]))
            graph.readers[number[source]].append((role, number[name]))
    for index in range(count):
        before, after = number[f"h_prev_{index}"], number[f"h_new_{index}"]
        graph.partner[before], graph.partner[after] = after, before
    return graph


def _ranks(values: Sequence[object]) -> list[int]:
    """The rank of each value among the distinct values, from 0."""
    rank = {value: number for number, value in enumerate(sorted(set(values)))}  # type: ignore[type-var]
    return [rank[value] for value in values]


def _refined(graph: _Graph, colours: list[int]) -> list[int]:
    """Split the colours by those of the neighbours until that splits nothing (colour refinement)."""
    while True:
        after = [*colours, -1]
        signatures = [
            (
                colour,
                tuple(sorted((role, after[v]) for role, v in graph.inputs[vertex])),
                tuple(sorted((role, after[v]) for role, v in graph.readers[vertex])),
                after[graph.partner[vertex]],
            )
            for vertex, colour in enumerate(colours)
        ]
        finer = _ranks(signatures)
        if max(finer) == max(colours):
            return finer
        colours = finer


_Certificate = tuple[object, ...]


def _search(graph: _Graph, colours: list[int]) -> tuple[_Certificate, list[int]]:
    """The least certificate of any labelling that refines the colours, with one that gives it.

    Of vertices that refinement leaves alike, each is tried as the first, unless its first labelling has a
    certificate that was met before: then an automorphism exchanges the two.
    """
    alike = _alike(colours)
    if not alike:
        return _certificate(graph, colours), colours
    labellings, met = [], set()
    for vertex in alike:
        split = _split_off(graph, colours, vertex)
        first_labelling = split
        while further := _alike(first_labelling):
            first_labelling = _split_off(graph, first_labelling, further[0])
        certificate = _certificate(graph, first_labelling)
        if certificate not in met:
            met.add(certificate)
            labellings.append(_search(graph, split))
    return min(labellings, key=lambda pair: pair[0])


def _alike(colours: Sequence[int]) -> list[int]:
    """The vertices of the first colour that several have, or none."""
    several = [c for c in colours if colours.count(c) > 1]
    return [v for v, c in enumerate(colours) if c == min(several)] if several else []


def _split_off(graph: _Graph, colours: Sequence[int], vertex: int) -> list[int]:
    """The refined colours after this vertex has got one of its own, before the others of its colour."""
    return _refined(graph, _ranks([2 * c - (v == vertex) for v, c in enumerate(colours)]))


def _certificate(graph: _Graph, colours: Sequence[int]) -> _Certificate:
    """The whole graph, described by the colours of its vertices, which all differ."""
    after = [*colours, -1]
    return tuple(
        (graph.labels[v], tuple(sorted((role, after[u]) for role, u in graph.inputs[v])), after[graph.partner[v]])
        for v in sorted(range(len(colours)), key=colours.__getitem__)
    )


def _renamed(graph: _Graph, rank: Mapping[str, int]) -> Recipe:
    """The recipe with canonical names, inputs in canonical order."""
    before = sorted((v for v in graph.vertices if _is_state(v, "prev")), key=lambda v: (v != "h_prev_0", rank[v]))
    names = {"x": "x"}
    for index, name in enumerate(before):
        names[name] = f"h_prev_{index}"
        names[name.replace("prev", "new")] = f"h_new_{index}"
    place = {v: p for p, v in enumerate(["x", *before])}
    for name in _in_order(graph.nodes, rank):
        place[name] = len(place)
        names.setdefault(name, f"node_{len(names) - 1 - 2 * len(before)}")
    recipe: Recipe = {}
    for name in sorted(graph.nodes, key=place.__getitem__):
        node = graph.nodes[name]
        inputs = node["input"] if node["op"] == "blend" else sorted(node["input"], key=place.__getitem__)
        recipe[names[name]] = {"op": node["op"], "input": [names[source] for source in inputs]}
    return recipe


def _in_order(nodes: Recipe, rank: Mapping[str, int]) -> Iterator[str]:
    """The nodes, each after its inputs, and else by rank."""
    left = {name: {s for s in node["input"] if s in nodes} for name, node in nodes.items()}
    while left:
        first = min((name for name, inputs in left.items() if not inputs), key=rank.__getitem__)
        del left[first]
        for inputs in left.values():
            inputs.discard(first)
        yield first
