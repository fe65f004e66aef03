"""The picture of the README: rho of some proxies on one space, with intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PICTURE = Path(__file__).parents[1] / "example" / "rho.png"
BENCHMARK, TITLE = "nasbench101", "Spearman's rho with the test accuracy of NAS-Bench-101, with 95 % intervals"
SHOWN = (
    "regression-fast", "regression-n101", "regression-menu", "aggregate-az-nas", "zico", "layers", "az_expressivity",
    "zen", "params", "synflow", "naswot", "random", "jacov", "fisher",
)  # fmt: skip

KINDS = {"regression": "trained", "aggregate": "aggregate"}


def drawn(results: dict[str, Any]) -> bytes:
    """The picture as PNG."""
    from pipeline.report import charts

    rows = [row for row in results["correlations"] if row["benchmark"] == BENCHMARK and row["proxy"] in SHOWN]
    points = [
        {"name": row["proxy"], "kind": KINDS.get(row["proxy"].partition("-")[0], "zero-cost"),
         "rho": row["rho"], "low": row["low"], "high": row["high"]}
        for row in sorted(rows, key=lambda row: row["rho"], reverse=True)
    ]  # fmt: skip
    return dict(charts.drawn(charts.filled("rhos", points, {"title": TITLE})))["png"]
