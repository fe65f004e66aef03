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


def drawn(results: dict[str, Any]) -> bytes:
    """The picture as PNG."""
    from pipeline.report import figures

    rows = [row for row in results["correlations"] if row["benchmark"] == BENCHMARK and row["proxy"] in SHOWN]
    points = [
        figures.ProxyPoint(row["proxy"], row["rho"], row["low"], row["high"], row["seconds"], released=False)
        for row in sorted(rows, key=lambda row: row["rho"], reverse=True)
    ]
    return figures.rhos(points, [], title=TITLE).png
