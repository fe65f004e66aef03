"""The proxies that ship with this package, each with what it computes."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.proxies import aggregates, zerocost
from pipeline.proxies.aggregates import generic
from pipeline.proxies.regression import presets

BOTH = ("images", "sequences")


def rows(inputs: str | None = None) -> list[dict[str, Any]]:
    """A row for each proxy: `name`, `kind`, `inputs` of the networks that it scores, `description`.

    Args:
        inputs: only those for networks that take images, or sequences.
    """
    every = [_generic(), *map(_untrained, zerocost.names()), *map(_trained, presets.names()), *_aggregates()]
    return [row for row in every if inputs is None or inputs in row["inputs"].split(", ")]


def _generic() -> dict[str, Any]:
    forms = [one for one in BOTH if (generic.FOLDER / f"{one}.toml").is_file()]
    description = generic.form(forms[0]).description
    return {"name": aggregates.GENERIC, "kind": "aggregate", "inputs": ", ".join(forms), "description": description}


def _untrained(name: str) -> dict[str, Any]:
    inputs = ", ".join(one for one in BOTH if name in zerocost.names(one))
    bundle = f"All of these, computed together, except {', '.join(zerocost.USES_APART)}."
    description = bundle if name == zerocost.BUNDLE else _definitions().get(name, "")
    return {"name": name, "kind": "zero-cost", "inputs": inputs, "description": description}


def _trained(name: str) -> dict[str, Any]:
    preset = presets.load(name)
    return {"name": name, "kind": "trained", "inputs": preset.inputs, "description": preset.description}


def _aggregates() -> list[dict[str, Any]]:
    """An aggregate is for the networks that all its terms are for."""
    known = {row["name"]: row["inputs"].split(", ") for row in [*map(_untrained, zerocost.names())]}
    known |= {name: [presets.load(name).inputs] for name in presets.names()}
    loaded = [aggregates.load(name) for name in aggregates.names()]
    return [
        {
            "name": aggregate.name, "kind": "aggregate", "description": aggregate.description,
            "inputs": ", ".join(one for one in BOTH if all(one in known.get(t.proxy, BOTH) for t in aggregate.terms)),
        }
        for aggregate in loaded
    ]  # fmt: skip


@cache
def _definitions() -> dict[str, str]:
    """What each measure computes, and its paper, from its docstring, which is read without importing torch."""
    text = (Path(zerocost.__file__).parent / "measures.py").read_text(encoding="utf-8")
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return {one.name: _definition(ast.get_docstring(one) or "") for one in functions}


def _definition(docstring: str) -> str:
    """The first paragraph; where it cites a paper, what the second says stands before it."""
    first, *others = [" ".join(paragraph.split()) for paragraph in docstring.split("\n\n")]
    return f"{others[0]} {first}" if '"' in first and others else first
