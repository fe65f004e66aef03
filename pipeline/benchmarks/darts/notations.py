"""Cells of DARTS as text: genotypes as DARTS prints them, and what the releases around NAS-Bench-301 write.

A genotype, `Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), ...)`, is an expression of Python
that comes from outside: it is parsed, and never evaluated. A configuration (Siems et al., "NAS-Bench-301 and the Case
for Surrogate Benchmarks for NAS", 2020) has a choice for each edge that is there, `edge_normal_4 = "sep_conv_3x3"`, and
for nodes 3 to 5 the two nodes that they read, `inputs_node_normal_4 = "1_2"`; its names may have anything before them.
Edges are numbered by the node that they lead to, then by the node that they come from. In pairs (White et al., "How
Powerful are Performance Predictors in NAS?", 2021) each of the eight edges of a cell is its node of origin with the
number of its operation, ((0, 3), (1, 2), ...).
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping, Sequence

from pipeline.benchmarks.cell_spaces import KINDS
from pipeline.errors import UserError, excerpt
from pipeline.wording import count_of

FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")

LONGEST = 4096
"""Characters of a genotype; a published one has about 490."""

_TOO_MANY = 64  # nodes of a range
_WRITTEN_WITH = re.compile(r"[A-Za-z0-9_\s()\[\],='\"]*", re.ASCII)

OPERATIONS = (
    "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"
)  # fmt: skip
"""In the order of their numbers in pairs."""

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
    return _genotype([_chosen_edges(chosen, kind) for kind in KINDS]) if chosen else None


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
    if len(cells) != len(KINDS):
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


def parse(text: str) -> dict[str, object]:
    """The fields of a genotype: each a list, of (operation, node) tuples or of nodes.

    Raises:
        UserError: the text is no genotype; the message says what of it.
    """
    if len(text) > LONGEST:
        raise UserError(f"the genotype has {len(text):,} characters, and none has more than {LONGEST:,}")
    call = _expression(text)
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != "Genotype":
        raise UserError(f"{excerpt(text, 80)} is no genotype: Genotype(normal=[...], ...) is expected")
    if call.args:
        raise UserError("the genotype has a part without a name: normal=[...] is expected")
    genotype: dict[str, object] = {}
    for keyword in call.keywords:
        if keyword.arg not in FIELDS or keyword.arg in genotype:
            known = ", ".join(FIELDS)
            raise UserError(
                f"the genotype names {excerpt(str(keyword.arg), 40)}, where each of {known} is expected once"
            )
        genotype[keyword.arg] = _value(keyword.value)
    if missing := [name for name in FIELDS if name not in genotype]:
        raise UserError(f"the genotype has no {missing[0]}")
    return genotype


def pairs(text: str) -> object:
    """The lists of a text that is one of lists of lists of whole numbers.

    Raises:
        UserError: it is not.
    """
    if len(text) > LONGEST:
        raise UserError(f"the architecture has {len(text):,} characters, and none has more than {LONGEST:,}")
    return _value(_expression(text), -1)


def _expression(text: str) -> ast.expr:
    """The syntax tree; of few characters, among them no operator, a tree is small and not deep."""
    unexpected = text[_WRITTEN_WITH.match(text).end() :]  # type: ignore[union-attr]  # it matches the empty text, too
    if unexpected:
        raise UserError(f"{excerpt(text, 80)} is no genotype: {excerpt(unexpected[0])} does not occur in one")
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        raise UserError(f"{excerpt(text, 80)} is no expression of Python: {reason}") from error


def _value(node: ast.expr, depth: int = 0) -> object:
    """What a list, tuple, text, whole number or range states."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, str):
        return node.value
    if isinstance(node, ast.List | ast.Tuple) and depth < 2:
        values = [_value(element, depth + 1) for element in node.elts]
        return values if isinstance(node, ast.List) else tuple(values)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        return _range([_value(argument, 2) for argument in node.args], named=bool(node.keywords))
    raise UserError(
        f"the genotype holds {excerpt(ast.unparse(node), 60)}, where lists of operations or nodes are expected"
    )


def _range(bounds: list[object], *, named: bool) -> list[int]:
    small = [bound for bound in bounds if type(bound) is int and 0 <= bound < _TOO_MANY]
    if named or len(small) != len(bounds) or len(small) not in (1, 2):
        raise UserError("the genotype holds a range that is not of one or two small numbers")
    return list(range(*small))
