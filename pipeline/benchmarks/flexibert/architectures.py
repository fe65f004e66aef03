"""Transformers of mixed layers: what an architecture is, random ones and neighbours.

An architecture is the hidden size of the network and two or four layers. A layer has an operation with a parameter, a
number of heads, and a feed-forward part of a width and a number of stacks. No two specs are one architecture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from pipeline.benchmarks.contract import ArchitectureGraph, Spec, composed_by
from pipeline.errors import UserError, excerpt
from pipeline.formats import json_objects
from pipeline.wording import count_of

NAME = "flexibert"
SPACE = "encoders"

HIDDEN, LAYERS = (128, 256), (2, 4)
OPERATIONS: dict[str, tuple[str | int, ...]] = {"SA": ("SDP", "WMA"), "LT": ("DFT", "DCT"), "DSC": (5, 9)}
"""Operation -> its parameters: self-attention by scaled dot product or weighted multiplication, linear transform by
discrete Fourier or cosine transform, dynamic span convolution with a kernel of so many steps."""

HEADS, WIDTHS, STACKS = (2, 4), (512, 1024), (1, 3)

_CHOICES = {"heads": HEADS, "width": WIDTHS, "stacks": STACKS}
SIZE = sum(
    len(HIDDEN) * (sum(map(len, OPERATIONS.values())) * len(HEADS) * len(WIDTHS) * len(STACKS)) ** layers
    for layers in LAYERS
)

_PUBLISHED = {
    "operation": "operation_type",
    "parameter": "operation_parameter",
    "heads": "num_operation_heads",
    "width": "feed_forward_dimension",
    "stacks": "num_feed_forward",
}
"""The fields of a layer -> their names in the published file."""


def canonical(space: str, architecture: object) -> Spec:
    """The spec of a published `model_hparam_overrides`, of its JSON text, or of a spec.

    Returns:
        {"hidden": size, "layers": [{"operation", "parameter", "heads", "width", "stacks"}, ...]}
    """
    given = json_objects.decoded(architecture)
    if not isinstance(given, Mapping):
        raise UserError(f"an architecture of {NAME} is written as a JSON object, not {excerpt(architecture, 80)}")
    published = given.get("nas_config")
    layers = published.get("encoder_layers") if isinstance(published, Mapping) else given.get("layers")
    if not isinstance(layers, Sequence) or isinstance(layers, str) or len(layers) not in LAYERS:
        count = count_of(len(layers), "layer") if isinstance(layers, list | tuple) else "no list of layers"
        raise UserError(f"the network has {count}; it takes {' or '.join(map(str, LAYERS))}")
    hidden = given.get("hidden_size", given.get("hidden"))
    return {
        "hidden": _chosen(hidden, HIDDEN, "the hidden size"),
        "layers": [_layer(layer, f"layer {number}") for number, layer in enumerate(layers, 1)],
    }


def _layer(given: object, what: str) -> Spec:
    if not isinstance(given, Mapping):
        raise UserError(f"{what} is {excerpt(given)}, where an object is expected")
    values = {name: given.get(published, given.get(name)) for name, published in _PUBLISHED.items()}
    operation = _chosen(values["operation"], tuple(OPERATIONS), f"the operation of {what}")
    layer = {
        "operation": operation,
        "parameter": _chosen(values["parameter"], OPERATIONS[str(operation)], f"the parameter of {what}"),
    }
    return layer | {name: _chosen(values[name], choices, f"{name} of {what}") for name, choices in _CHOICES.items()}


def _chosen(value: object, choices: Sequence[str | int], what: str) -> str | int:
    """The value, if it is one of the choices and of its type."""
    for choice in choices:
        if type(value) is type(choice) and value == choice:
            return choice
    raise UserError(f"{what} is {excerpt(value, 40)}, where {' or '.join(map(str, choices))} is expected")


compose = composed_by(canonical)
"""The spec from a hidden size and layers."""


def sample(space: str, random: Random) -> Spec:
    """A random network: every choice with equal chance, the number of layers and each layer's operation among them."""
    return {
        "hidden": random.choice(HIDDEN),
        "layers": [_drawn(random) for _ in range(random.choice(LAYERS))],
    }


def _drawn(random: Random) -> Spec:
    operation = random.choice(tuple(OPERATIONS))
    parameter = random.choice(OPERATIONS[operation])
    return {
        "operation": operation,
        "parameter": parameter,
        **{name: random.choice(choices) for name, choices in _CHOICES.items()},
    }


def mutate(space: str, spec: Spec, random: Random) -> Spec:
    """A neighbour: another hidden size, two layers more or less, or another operation or number of one layer."""
    gene = random.choice(("hidden", "layers", "operation", *_CHOICES))
    if gene == "hidden":
        return {**spec, "hidden": next(size for size in HIDDEN if size != spec["hidden"])}
    layers = [dict(layer) for layer in spec["layers"]]
    if gene == "layers":
        fewer, more = LAYERS
        kept = sorted(random.sample(range(len(layers)), fewer))
        drawn = [_drawn(random) for _ in range(more - fewer)]
        return {**spec, "layers": [*layers, *drawn] if len(layers) == fewer else [layers[index] for index in kept]}
    layer = random.choice(layers)
    if gene == "operation":
        pairs = [(operation, parameter) for operation, choices in OPERATIONS.items() for parameter in choices]
        others = [pair for pair in pairs if pair != (layer["operation"], layer["parameter"])]
        layer["operation"], layer["parameter"] = random.choice(others)
    else:
        layer[gene] = next(value for value in _CHOICES[gene] if value != layer[gene])
    return {**spec, "layers": layers}


def graph(space: str, spec: Spec) -> ArchitectureGraph:
    """The layers one after another, each as its operation and its feed-forward part."""
    return ArchitectureGraph.chain(
        operation
        for layer in spec["layers"]
        for operation in (
            f"{layer['operation']} {layer['parameter']}, {layer['heads']} heads",
            f"feed-forward {layer['width']} x {layer['stacks']}",
        )
    )
