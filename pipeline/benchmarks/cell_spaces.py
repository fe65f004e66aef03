"""Spaces of cells, the five of the Network Design Spaces: what a configuration may be, random ones and neighbours.

Radosavovic et al., "On Network Design Spaces for Visual Recognition", ICCV 2019, section 5 and table 2: operations,
nodes, and whether all nodes or only the loose ends make the output; width and depth of the frame are part of the draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from pipeline.benchmarks.contract import Spec
from pipeline.errors import UserError, excerpt, unknown
from pipeline.formats.numbers import whole
from pipeline.wording import count_of

WIDTHS, DEPTHS = (16, 24, 32), (4, 8, 12, 16, 20)
FIXED_WIDTH, FIXED_DEPTH = 16, 20  # of what is drawn for the spaces of one width and depth; their files may differ
KINDS = ("normal", "reduce")

_LARGEST_WIDTH, _LARGEST_DEPTH = 1024, 200  # of what is read: far beyond any published one


@dataclass(frozen=True)
class CellSpace:
    """A cell space.

    Args:
        operations: of an edge.
        nodes: of a cell, its two inputs not counted.
        loose: draws concatenate the nodes that no node reads, not all.
        repeats: draws may let a node read one node twice; what is read may always.
    """

    operations: tuple[str, ...]
    nodes: int
    loose: bool
    repeats: bool = True

    def canonical(self, net: Mapping[str, object]) -> Spec:
        """The spec of a published `net` or of a spec.

        The two edges of a node are sorted, as are the concatenated nodes: a node adds its edges, and the order of
        channels is lost in the next convolution. The auxiliary head (`aux`) and the rate of dropped paths
        (`drop_prob`) belong to the training: both are absent from the network that predicts.
        """
        genotype = net.get("genotype", net)
        if not isinstance(genotype, Mapping):
            raise UserError(f"the genotype is {excerpt(genotype)}, where a mapping is expected")
        spec: Spec = {}
        for kind in KINDS:
            spec[kind] = self._edges(kind, genotype)
            spec[f"{kind}_concat"] = self._concat(kind, genotype)
        spec["width"] = whole(net.get("width"), "the width", least=2, most=_LARGEST_WIDTH)
        spec["depth"] = whole(net.get("depth"), "the depth", least=2, most=_LARGEST_DEPTH)
        return spec

    def _edges(self, kind: str, genotype: Mapping[str, object]) -> list[list[object]]:
        given = genotype.get(kind)
        if not isinstance(given, Sequence) or len(given) != 2 * self.nodes:
            count = count_of(len(given), "edge") if isinstance(given, list | tuple) else "no list of edges"
            raise UserError(f"the {kind} cell has {count}; it takes {2 * self.nodes}, two per node")
        edges = [self._edge(f"edge {number} of the {kind} cell", number, edge) for number, edge in enumerate(given)]
        return [edge for node in range(self.nodes) for edge in _sorted(edges[2 * node : 2 * node + 2])]

    def _edge(self, what: str, number: int, edge: object) -> list[object]:
        if not isinstance(edge, list | tuple) or len(edge) != 2:
            raise UserError(f"{what} is {excerpt(edge)}, where [operation, node] is expected")
        if edge[0] not in self.operations:
            raise UserError(f"{what}: {unknown('operation', str(edge[0]), self.operations)}")
        return [edge[0], whole(edge[1], f"the node that {what} reads", least=0, most=number // 2 + 1)]

    def _concat(self, kind: str, genotype: Mapping[str, object]) -> list[int]:
        given = genotype.get(f"{kind}_concat")
        if not isinstance(given, list | tuple) or not given or len(set(map(str, given))) < len(given):
            raise UserError(f"{kind}_concat is {excerpt(given)}, where a list of distinct nodes is expected")
        return sorted(whole(node, f"a node of {kind}_concat", least=2, most=self.nodes + 1) for node in given)

    def sample(self, random: Random, *, fixed: bool) -> Spec:
        """A random configuration: every operation and input with equal chance, and so width and depth unless fixed."""
        spec: Spec = {}
        for kind in KINDS:
            edges: list[list[object]] = []
            for node in range(self.nodes):
                inputs = range(node + 2)
                read = random.choices(inputs, k=2) if self.repeats else random.sample(inputs, 2)
                edges += _sorted([[random.choice(self.operations), source] for source in read])
            spec |= {kind: edges, f"{kind}_concat": self._output(edges)}
        width = FIXED_WIDTH if fixed else random.choice(WIDTHS)
        return {**spec, "width": width, "depth": FIXED_DEPTH if fixed else random.choice(DEPTHS)}

    def mutate(self, spec: Spec, random: Random, *, fixed: bool) -> Spec:
        """A neighbour: another operation or input of one edge, or another width or depth unless fixed."""
        gene = random.choice(("operation", "input") if fixed else ("operation", "input", "width", "depth"))
        if gene in ("width", "depth"):
            values = WIDTHS if gene == "width" else DEPTHS
            return {**spec, gene: random.choice([v for v in values if v != spec[gene]])}
        kind = random.choice(KINDS)
        edges = [list(edge) for edge in spec[kind]]
        # A node that reads two different nodes of two has no other input: start after it where inputs do not repeat.
        number = random.randrange(0 if gene == "operation" or self.repeats else 2, len(edges))
        operation, source = edges[number]
        if gene == "operation":
            edges[number] = [random.choice([o for o in self.operations if o != operation]), source]
        else:
            taken = {source} if self.repeats else {source, edges[number ^ 1][1]}
            edges[number] = [operation, random.choice([i for i in range(number // 2 + 2) if i not in taken])]
        first = number - number % 2
        edges[first : first + 2] = _sorted(edges[first : first + 2])
        return {**spec, kind: edges, f"{kind}_concat": self._output(edges)}

    def _output(self, edges: Sequence[Sequence[object]]) -> list[int]:
        read = {source for _, source in edges} if self.loose else set()
        return [node for node in range(2, self.nodes + 2) if node not in read]


def _sorted(edges: Sequence[list[object]]) -> list[list[object]]:
    return sorted(edges, key=lambda edge: (edge[1], edge[0]))


_ENAS = ("skip_connect", "sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3")
_AMOEBA = (*_ENAS, "sep_conv_7x7", "dil_sep_conv_3x3", "conv_7x1_1x7")
_PNAS = (*_ENAS, "sep_conv_7x7", "dil_conv_3x3", "conv_7x1_1x7")
_NASNET = (*_PNAS, "conv_1x1", "conv_3x3", "conv_3x1_1x3", "max_pool_5x5", "max_pool_7x7")
DARTS = ("none", *_ENAS, "dil_conv_3x3", "dil_conv_5x5")
"""The operations of DARTS."""

SPACES = {
    "darts": CellSpace(DARTS, 4, loose=False, repeats=False),
    "amoeba": CellSpace(_AMOEBA, 5, loose=True),
    "enas": CellSpace(_ENAS, 5, loose=True),
    "nasnet": CellSpace(_NASNET, 5, loose=True),
    "pnas": CellSpace(_PNAS, 5, loose=False),
}
