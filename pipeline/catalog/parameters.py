"""Values of a query's parameters that a lake does not have, as a mistyped proxy: they say why there are no rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.catalog.results import run_sql
from pipeline.errors import unknown
from pipeline.lake.store import Lake

_KNOWN = {
    "proxy": "SELECT DISTINCT name FROM proxies",
    "arch_id": "SELECT DISTINCT arch_id FROM architectures",
    "benchmark": "SELECT DISTINCT benchmark FROM architectures",
    "space": "SELECT DISTINCT space FROM architectures",
    "dataset": "SELECT DISTINCT dataset FROM metrics",
    "metric": "SELECT DISTINCT metric FROM metrics",
}
"""The values of each parameter that the examples have; `other_metric` is one of `metric`."""
_KNOWN |= {"cost": _KNOWN["metric"]}


def unknown_values(lake: Lake, params: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each parameter whose value no row of the lake has, with the nearest value that there is.

    Args:
        params: values by name; those of other names than in our examples are not looked at.
    """
    for name, value in params.items():
        kind = name.removeprefix("other_")
        if kind in _KNOWN:
            known = run_sql(lake, _KNOWN[kind]).column(0).to_pylist()
            if value not in known:
                yield str(unknown(kind, value, known))
