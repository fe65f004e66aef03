"""The row of a proxy in a lake and its stored scores, for a search."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from pipeline import benchmarks, catalog
from pipeline.errors import UserError, unknown
from pipeline.lake.store import Lake
from pipeline.proxies import aggregates
from pipeline.proxies.aggregates import generic
from pipeline.proxies.contract import Bundle, Proxy
from pipeline.scoring.plan import Plan
from pipeline.search.trajectory import SearchScore


def stored_proxy(lake: Lake, plan: Plan) -> dict[str, Any]:
    """The row of the proxy that the plan names: by name, by proxy_id, or by a TOML file with its images.

    Raises:
        UserError: there is no such proxy in the lake.
    """
    rows = _proxies(lake, plan.benchmark)
    if plan.proxy in rows:
        return dict(rows[plan.proxy])
    named = [r for r in rows.values() if r["name"] == plan.proxy]
    if len(named) == 1 and plan.images is None:
        return dict(named[0])
    if aggregates.recognised(plan.proxy):
        aggregate = generic.named(plan.proxy, benchmarks.load(plan.benchmark).inputs, plan.images)
        if aggregate.proxy_id not in rows:
            raise UserError(
                f"{aggregate.name} is not defined in this lake: run `pipeline score {plan.benchmark} --proxy "
                f"{shlex.quote(plan.proxy)}` first"
            )
        return dict(rows[aggregate.proxy_id])
    if not named and "@" in plan.proxy:  # as only released scores are named
        raise unknown("stored proxy", plan.proxy, {r["name"] for r in rows.values()})
    return single(plan.load()).row


def _proxies(lake: Lake, benchmark: str) -> dict[str, dict[str, Any]]:
    """The rows of the proxies that the benchmark's parts name, by proxy_id."""
    stored = set(lake.read("proxies", benchmark, columns=["proxy_id"])["proxy_id"].to_pylist())
    with closing(catalog.snapshot(lake)) as connection:
        rows = catalog.rows(connection, "FROM proxies").to_pylist()
    return {row["proxy_id"]: row for row in rows if row["proxy_id"] in stored}


def single(bundle: Bundle) -> Proxy:
    """The one proxy of a bundle.

    Raises:
        UserError: there are several.
    """
    if len(bundle.proxies) != 1:
        some = ", ".join(p.name for p in bundle.proxies[:3])
        raise UserError(f"a search follows one proxy, {bundle.name} is {len(bundle.proxies)}: name one, such as {some}")
    return bundle.proxies[0]


def stored_scores(lake: Lake, plan: Plan, proxy: Mapping[str, Any]) -> dict[int | None, dict[str, SearchScore]]:
    """The stored scores of a proxy in the plan's space: by seed, then by arch_id."""
    by_seed: dict[int | None, dict[str, SearchScore]] = {}
    for row in _rows(lake, plan, proxy):
        value = row["value"] if row["status"] == "ok" else None
        score = search_score(value, row["seconds"], proxy["higher_is_better"])
        by_seed.setdefault(row["seed"], {})[row["arch_id"]] = score
    return by_seed


def _rows(lake: Lake, plan: Plan, proxy: Mapping[str, Any]) -> list[dict[str, Any]]:
    # of an aggregate the scores are computed by a view, or predicted by a tuning
    view = "every_score" if proxy["kind"] == "aggregate" else "scores"
    where = {"benchmark": plan.benchmark, "space": plan.space, "proxy_id": proxy["proxy_id"]}
    sql = (
        f"SELECT seed, arch_id, value, status, seconds FROM {view} "
        "WHERE benchmark = $benchmark AND space = $space AND proxy_id = $proxy_id"
    )
    with closing(catalog.snapshot(lake)) as connection:
        return list(catalog.rows(connection, sql, where).to_pylist())


def search_score(value: float | None, seconds: float | None, higher_is_better: bool) -> SearchScore:
    """A score as a search sees it."""
    promise = value if higher_is_better or value is None else -value
    return SearchScore(value, promise, seconds)
