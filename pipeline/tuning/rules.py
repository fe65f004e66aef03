"""The proxies made by tuning as TOML in the lake: `LAKE/rules/NAME.toml`, which `score --proxy NAME` takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from pipeline.errors import os_errors_explained
from pipeline.lake.files import atomic_write, make_folder
from pipeline.lake.store import Lake
from pipeline.tuning.terms import Floats, TermColumn

FOLDER = "rules"


def weighed(name: str, description: str, terms: tuple[TermColumn, ...], weights: Floats) -> dict[str, Any]:
    """The configuration of an aggregate: the ranks of the terms, with weights whose absolute values add up to 1.

    Args:
        weights: of the terms, [terms]; those of weight 0 are left out.
    """
    total = float(abs(weights).sum())
    weighed_terms = [_aggregate_term(t, float(w) / total) for t, w in zip(terms, weights, strict=True) if w]
    return {"name": name, "description": description, "terms": weighed_terms}


def named(lake_root: Path, name: str) -> str:
    """The path of the lake's rule of that name, or else the name itself."""
    path = lake_root / FOLDER / f"{name}.toml"
    return str(path) if "/" not in name and path.is_file() else name


def write(lake: Lake, text: str, name: str) -> Path:
    """Put the text in the lake under a rule's name.

    Raises:
        UserError: the lake cannot be written.
    """
    path = lake.root / FOLDER / f"{name}.toml"
    with os_errors_explained(f"writing {path}"):
        make_folder(lake.root, path.parent)
        with atomic_write(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return path


def toml(data: Mapping[str, Any], comment: str = "") -> str:
    """The data as TOML, with a comment on top."""
    return "".join(f"# {line}\n" for line in comment.splitlines()) + tomli_w.dumps(data)


def _aggregate_term(column: TermColumn, weight: float) -> dict[str, Any]:
    term: dict[str, Any] = {"proxy": column.proxy, "proxy_id": column.proxy_id}
    if (point := column.point) is not None:
        iterations = [point.first, point.last]
        term |= {"stage": point.stage, "signal": point.signal, "mode": point.mode, "iterations": iterations}
    # as the terms were ranked when the weights were found
    return {**term, "transform": "rank", "failed": "last", "weight": weight}
