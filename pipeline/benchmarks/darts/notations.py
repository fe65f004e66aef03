"""Cells of DARTS as the releases around NAS-Bench-301 write them: configurations, and pairs of node and code.

A configuration (Siems et al., "NAS-Bench-301 and the Case for Surrogate Benchmarks for NAS", 2020) has a choice for
each edge that is there, `edge_normal_4 = "sep_conv_3x3"`, and for nodes 3 to 5 the two nodes that they read,
`inputs_node_normal_4 = "1_2"`; its names may have anything before them. Edges are numbered by the node that they lead
to, then by the node that they come from. In pairs (White et al., "How Powerful are Performance Predictors in NAS?",
2021) each of the eight edges of a cell is its node of origin with the number of its operation, ((0, 3), (1, 2), ...).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pipeline.errors import UserError, excerpt
from pipeline.wording import count_of

OPERATIONS = (
    "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"
)  # fmt: skip
"""In the order of their numbers in pairs."""

_KINDS = ("normal", "reduce")
_CHOICE = re.compile(r"(?:.*[:_.])?(edge|inputs_node)_(normal|reduce)_(\d{1,2})")
_INPUTS = re.compile(r"([0-4])_([0-4])")
_NODES = range(2, 6)  # those of a cell, after its two inputs
_EDGES = 8  # of a cell


def of_configuration(configuration: Mapping[str, object]) -> dict[str, object] | None:
    """The genotype of a configuration; None where it has no choice for an edge.

    Raises:
        UserError: a choice is missing, or none of those that there are.
    """
    chosen = {
        (match[1], match[2], int(match[3])): value
        for name, value in configuration.items()
        if (match := _CHOICE.fullmatch(name)) and value is not None
    }
    return _genotype([_chosen_edges(chosen, kind) for kind in _KINDS]) if chosen else None


def _chosen_edges(chosen: Mapping[tuple[str, str, int], object], kind: str) -> list[tuple[str, int]]:
    edges: list[tuple[str, int]] = []
    for node in _NODES:
        inputs = _INPUTS.fullmatch(str(chosen.get(("inputs_node", kind, node), "0_1" if node == 2 else "")))
        if inputs is None:
            raise UserError(f"the configuration has no inputs_node_{kind}_{node} such as 0_1")
        first = sum(range(2, node))
        for origin in map(int, inputs.groups()):
            operation = chosen.get(("edge", kind, first + origin))
            if not isinstance(operation, str):
                raise UserError(f"the configuration has no edge_{kind}_{first + origin}, which node {node} reads")
            edges.append((operation, origin))
    return edges


def of_pairs(cells: Sequence[object]) -> dict[str, object]:
    """The genotype of two cells, each of eight pairs.

    Raises:
        UserError: they are none.
    """
    if len(cells) != len(_KINDS):
        raise UserError(
            f"an architecture holds {count_of(len(cells), 'cell')}, where a normal and a reduction cell are expected"
        )
    return _genotype([_paired_edges(cell) for cell in cells])


def _paired_edges(cell: object) -> list[tuple[str, int]]:
    if not isinstance(cell, list | tuple) or len(cell) != _EDGES:
        raise UserError(f"a cell is {excerpt(cell, 60)}, where eight pairs of a node and a number are expected")
    edges: list[tuple[str, int]] = []
    for pair in cell:
        numbers = tuple(pair) if isinstance(pair, list | tuple) else ()
        if len(numbers) != 2 or not all(type(number) is int and number >= 0 for number in numbers):
            raise UserError(
                f"a cell holds {excerpt(pair, 60)}, where a node and the number of an operation are expected"
            )
        node, operation = numbers
        if operation >= len(OPERATIONS):
            raise UserError(
                f"a cell holds the operation {operation}, where 0 to {len(OPERATIONS) - 1} stand for "
                f"{OPERATIONS[0]} to {OPERATIONS[-1]}: other codes have to be written as a genotype"
            )
        edges.append((OPERATIONS[operation], node))
    return edges


def _genotype(cells: Sequence[Sequence[tuple[str, int]]]) -> dict[str, object]:
    concat = list(_NODES)
    return {"normal": cells[0], "normal_concat": concat, "reduce": cells[1], "reduce_concat": concat}
