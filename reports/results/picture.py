"""The picture of the README: rho of each proxy on every convolutional space, and its mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.report import charts

PICTURE = Path(__file__).parents[1] / "example" / "rho.png"
SPECIFICATION = Path(__file__).parent / "templates" / "overview.vl.json"


def drawn(results: dict[str, Any]) -> bytes:
    """The picture as PNG."""
    points = []
    for row in results["overview"]:
        rho, low, high = row["mean"]
        spaces = [{"proxy": row["proxy"], "space": space, "rho": value} for space, value in row["rhos"].items()]
        points += [*spaces, {"proxy": row["proxy"], "space": "mean", "rho": rho, "low": low, "high": high}]
    specification = json.loads(SPECIFICATION.read_text(encoding="utf-8"))
    return charts.drawn({**specification, "datasets": {"points": points}})["png"]
