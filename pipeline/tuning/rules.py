"""What was found, as TOML in the lake: `LAKE/rules/NAME.toml`, which `score --proxy NAME` takes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import from_os
from pipeline.lake.store import Lake
from pipeline.tuning.terms import Floats, Term

FOLDER = "rules"


def weighed(name: str, description: str, terms: tuple[Term, ...], weights: Floats) -> dict[str, Any]:
    """An aggregate: the ranks of the terms with their weights, whose absolute values add up to 1."""
    total = float(abs(weights).sum())
    found = [_term(t, float(w) / total) for t, w in zip(terms, weights, strict=True) if w]
    return {"name": name, "description": description, "terms": found}


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
    beside = path.with_name(f".{name}.{uuid.uuid4().hex[:8]}")
    try:
        path.parent.mkdir(exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise from_os(error, f"writing {path}") from error
    return path


def toml(data: Mapping[str, Any], comment: str = "") -> str:
    """TOML of strings, numbers, truth values, lists, tables and lists of tables, with a comment on top."""
    head = [f"# {line}" for line in comment.splitlines()]
    return "\n".join([*head, *_lines(data, "")]) + "\n"


def _lines(data: Mapping[str, Any], prefix: str) -> list[str]:
    plain = {k: v for k, v in data.items() if not isinstance(v, Mapping) and not _tables(v)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in plain.items()]  # TOML writes these as JSON does
    for key, value in data.items():
        if isinstance(value, Mapping):
            lines += ["", f"[{prefix}{key}]", *_lines(value, f"{prefix}{key}.")]
        elif _tables(value):
            for table in value:
                lines += ["", f"[[{prefix}{key}]]", *_lines(table, f"{prefix}{key}.")]
    return lines


def _tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _term(term: Term, weight: float) -> dict[str, Any]:
    found: dict[str, Any] = {"proxy": term.proxy, "proxy_id": term.proxy_id}
    if (p := term.point) is not None:
        found |= {"stage": p.stage, "signal": p.signal, "mode": p.mode, "iterations": [p.first, p.last]}
    return {**found, "transform": "rank", "weight": weight}
