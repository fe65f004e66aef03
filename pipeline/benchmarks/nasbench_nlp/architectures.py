"""The architectures of NAS-Bench-NLP: recipes of recurrent cells, random ones and neighbours.

An architecture is written as the JSON of its recipe. Recipes that differ in names and order alone are one architecture.
"""

from __future__ import annotations

from random import Random

from pipeline.benchmarks.contract import ArchitectureGraph, Spec, composed_by
from pipeline.benchmarks.nasbench_nlp import recipes, sampling
from pipeline.formats import json_objects

NAME = "nasbench_nlp"
SPACE = "cells"


def canonical(space: str, architecture: object) -> Spec:
    """The spec of a recipe, or of its JSON text: its canonical form, see `recipes.canonical`."""
    return dict(recipes.canonical(json_objects.decoded(architecture)))


compose = composed_by(canonical)
"""The spec from nodes by name, each {"op", "input"}."""


def sample(space: str, random: Random) -> Spec:
    """A random cell: see `sampling.sample`."""
    return dict(sampling.sample(random))


def mutate(space: str, spec: Spec, random: Random) -> Spec:
    """A neighbour: see `sampling.mutate`."""
    return dict(sampling.mutate(canonical(space, spec), random))


def graph(space: str, spec: Spec) -> ArchitectureGraph:
    """The recipe: the input, the states before the step, and the nodes."""
    before = sorted({name for node in spec.values() for name in node["input"] if name.startswith("h_prev_")})
    place = {name: number for number, name in enumerate(("x", *before, *spec))}
    operations = ("x", *("state" for _ in before), *(node["op"] for node in spec.values()))
    edges = ((place[source], place[name]) for name, node in spec.items() for source in node["input"])
    return ArchitectureGraph(operations, tuple(edges))
