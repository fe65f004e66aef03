"""Features of an architecture's graph, which cost nothing: counts of operations, lengths of paths, degrees."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter

import numpy as np

from pipeline import benchmarks
from pipeline.benchmarks.contract import ArchitectureGraph
from pipeline.lake.store import Lake
from pipeline.scoring.plan import specs
from pipeline.tuning.terms import Floats


def features(lake: Lake, benchmark: str, space: str, arch_ids: Sequence[str]) -> Floats:
    """The features of architectures, each of mean 0 and variance 1 among them, [n, features].

    Those that are the same for all are left out; there are none where the benchmark gives no graphs.
    """
    graph = benchmarks.load(benchmark).graph if benchmark in benchmarks.names() else None
    texts = specs(lake, benchmark, space, list(arch_ids)) if graph else {}
    graphs = [graph(space, json.loads(texts[a])) for a in arch_ids] if graph and len(texts) == len(arch_ids) else []
    rows = [numbers(g) for g in graphs if g is not None]
    if len(rows) < len(arch_ids) or not rows:
        return np.zeros((len(arch_ids), 0))
    names = sorted({name for row in rows for name in row})
    values = np.array([[row.get(name, 0.0) for name in names] for row in rows])
    spread = values.std(axis=0)
    return np.asarray(((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1))[:, spread > 0])


def numbers(graph: ArchitectureGraph) -> dict[str, float]:
    """The features of one graph by name.

    Of the whole: vertices, edges, the longest and the shortest path, the logarithm of the number of paths, the largest
    degrees, the edges into its ends. Of each operation: how many, the most on one path, their mean depth and degree.
    """
    before: dict[int, list[int]] = {vertex: [] for vertex in range(len(graph.operations))}
    after: dict[int, list[int]] = {vertex: [] for vertex in before}
    for source, target in graph.edges:
        before[target].append(source)
        after[source].append(target)
    longest, shortest, paths, most = _along_paths(graph.operations, before)
    ends = [vertex for vertex, later in after.items() if not later]
    whole = {
        "vertices": float(len(before)), "edges": float(len(graph.edges)),
        "longest path": max(longest[v] for v in ends), "shortest path": min(shortest[v] for v in ends),
        "log paths": math.log1p(sum(paths[v] for v in ends)),
        "largest in-degree": float(max(map(len, before.values()))),
        "largest out-degree": float(max(map(len, after.values()))),
        "edges into ends": float(sum(len(before[v]) for v in ends)),
    }  # fmt: skip
    for operation in sorted(set(graph.operations)):
        own = [vertex for vertex in before if graph.operations[vertex] == operation]
        whole |= {
            f"{operation}: count": float(len(own)),
            f"{operation}: most on a path": max(most[v].get(operation, 0.0) for v in ends),
            f"{operation}: depth": sum(longest[v] for v in own) / len(own),
            f"{operation}: degree": sum(len(before[v]) + len(after[v]) for v in own) / len(own),
        }
    return whole


_Numbers = dict[int, float]


def _along_paths(
    operations: Sequence[str], before: Mapping[int, list[int]]
) -> tuple[_Numbers, _Numbers, _Numbers, dict[int, dict[str, float]]]:
    """Of the paths that end at each vertex: the longest, the shortest, how many, and the most of each operation."""
    longest: _Numbers = {}
    shortest: _Numbers = {}
    paths: _Numbers = {}
    most: dict[int, dict[str, float]] = {}
    for vertex in TopologicalSorter(before).static_order():
        earlier = before[vertex]
        longest[vertex] = 1.0 + max((longest[v] for v in earlier), default=-1.0)
        shortest[vertex] = 1.0 + min((shortest[v] for v in earlier), default=-1.0)
        paths[vertex] = sum(paths[v] for v in earlier) or 1.0
        names = {name for v in earlier for name in most[v]} | {operations[vertex]}
        most[vertex] = {
            name: max((most[v].get(name, 0.0) for v in earlier), default=0.0) + (name == operations[vertex])
            for name in names
        }
    return longest, shortest, paths, most
