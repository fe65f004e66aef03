"""What a benchmark does that states no function of its own: architectures by name, no native form, no networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pipeline.errors import NotThisFormError, UserError, excerpt

if TYPE_CHECKING:
    from torch import nn

LONGEST_NAME = 500  # characters


def canonical(space: str, architecture: object) -> dict[str, Any]:
    """The spec of an architecture that is known by its name: {"name": text}, or of one that is known by its parts.

    Raises:
        UserError: it is neither a text, nor a spec that `canonical` or `compose` has given.
    """
    if isinstance(architecture, Mapping) and set(architecture) != {"name"}:
        return compose(space, architecture)
    name = architecture["name"] if isinstance(architecture, Mapping) else architecture
    text = name.strip() if isinstance(name, str) else ""
    if not text or len(text) > LONGEST_NAME:
        raise UserError(
            f"an architecture is {excerpt(name, 60)}, where a name of 1 to {LONGEST_NAME} characters is expected"
        )
    return {"name": text}


def compose(space: str, parts: Mapping[str, object]) -> dict[str, Any]:
    """The spec of an architecture that is known by its parts: the parts by name, each a text.

    Raises:
        UserError: there are none, or one is neither a text nor a number.
    """
    if not parts or not all(isinstance(part, str | int | float) for part in parts.values()):
        raise UserError(f"an architecture is {excerpt(dict(parts), 60)}, where named texts or numbers are expected")
    return {name: str(part) for name, part in sorted(parts.items())}


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
