"""What a benchmark does that states no function for it: architectures by name, no published form, no networks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pipeline.errors import NotThisFormError, UserError, excerpt

if TYPE_CHECKING:
    from torch import nn

LONGEST_NAME = 1 << 16  # characters: of a nested genotype or a graph as JSON there are thousands


def canonical(space: str, architecture: object) -> dict[str, Any]:
    """The spec of an architecture that is known by its name, {"name": text}, or by its parts.

    A name is a text, a whole number, or a list of either, whose text is its JSON.

    Raises:
        UserError: it is none of these, nor a spec that `canonical` or `compose` has given.
    """
    if isinstance(architecture, Mapping) and set(architecture) != {"name"}:
        return compose(space, architecture)
    name = architecture["name"] if isinstance(architecture, Mapping) else architecture
    text = _text(name)
    if not text or len(text) > LONGEST_NAME:
        raise UserError(
            f"an architecture is {excerpt(name, 60)}, where a name of 1 to {LONGEST_NAME:,} characters is expected"
        )
    return {"name": text}


def compose(space: str, parts: Mapping[str, object]) -> dict[str, Any]:
    """The spec of an architecture that is known by its parts: the parts by name, each a text.

    A part that is no name is written as JSON; one that is null is none.

    Raises:
        UserError: there are none, or one is empty, or nothing that JSON can write.
    """
    texts = {name: _part(part) for name, part in sorted(parts.items()) if part is not None}
    if not texts or not all(texts.values()):
        raise UserError(f"an architecture is {excerpt(dict(parts), 60)}, where named texts or numbers are expected")
    return texts


def _part(part: object) -> str:
    """The text of a part; empty where it is none."""
    if isinstance(part, float):
        return str(part)
    return _json(part) if isinstance(part, bool) or (part and isinstance(part, Mapping)) else _text(part)


def _text(name: object) -> str:
    """The text of a name; empty where it is none."""
    if isinstance(name, str):
        return name.strip()
    if type(name) is int:
        return str(name)
    return _json(name) if isinstance(name, list | tuple) and name else ""


def _json(value: object) -> str:
    """A value as JSON; empty where it is none."""
    try:
        return json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return ""


def read(path: Path, curves: bool) -> NoReturn:
    """Refuse every file: the benchmark has no form but tables with a table mapping.

    Raises:
        NotThisFormError: always.
    """
    raise NotThisFormError(f"{path} fits no table mapping")


def build(space: str, spec: dict[str, Any]) -> nn.Module:
    """Refuse to build a network.

    Raises:
        UserError: always.
    """
    raise UserError("the networks of this benchmark are not built here")
