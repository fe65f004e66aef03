"""Define an aggregate in a lake: a proxy that is a sum of stored scores."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pipeline import catalog, proxies
from pipeline.errors import UserError, unknown
from pipeline.lake.store import Lake
from pipeline.proxies import aggregates


@dataclass(frozen=True)
class Definition:
    """What a defined aggregate comes to in one space: scores with a value, failures, and proxies not scored there."""

    aggregate: str
    benchmark: str
    space: str
    ok: int
    failed: int
    missing: tuple[str, ...]

    @property
    def line(self) -> str:
        where = f"{self.benchmark} {self.space}"
        if self.missing:
            return f"{self.aggregate}: defined, but {where} has no scores of {', '.join(self.missing)} yet"
        if not self.ok + self.failed:
            return f"{self.aggregate}: defined, but no architecture of {where} has all its terms yet"
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.aggregate}: {self.ok} ok{failed}, from the stored scores of {where}"


def define(lake_root: Path, benchmark: str, space: str, aggregate: aggregates.Aggregate) -> Definition:
    """Store the definition of an aggregate; nothing is scored.

    Args:
        benchmark, space: what to count its scores of; it is defined for every space.

    Raises:
        UserError: no lake, or a term that names a proxy which is neither shipped nor in the lake.
    """
    lake = Lake(lake_root)
    with closing(catalog.snapshot(lake)) as connection:
        stored = catalog.rows(connection, "SELECT name FROM proxy_labels WHERE NOT aggregate")
    _check(aggregate, stored["name"].to_pylist(), benchmark)
    aggregates.store(lake, benchmark, aggregate)
    with closing(catalog.snapshot(lake)) as connection:
        where = {"benchmark": benchmark, "space": space, "id": aggregate.proxy_id}
        here = "WHERE benchmark = $benchmark AND space = $space"
        taken = catalog.rows(connection, f"SELECT proxy FROM aggregate_terms {here} AND aggregate_id = $id", where)
        scores = catalog.rows(connection, f"SELECT status FROM aggregate_scores {here} AND proxy_id = $id", where)
    missing = {term.proxy for term in aggregate.terms} - set(taken["proxy"].to_pylist())
    ok = scores["status"].to_pylist().count("ok")
    return Definition(aggregate.name, benchmark, space, ok, len(scores) - ok, tuple(sorted(missing)))


def _check(aggregate: aggregates.Aggregate, stored: Iterable[str], benchmark: str) -> None:
    """Refuse a term that can never be."""
    scored = {*proxies.names(), *stored} - {*aggregates.names(), aggregates.GENERIC}
    for number, term in enumerate(aggregate.terms, 1):
        if term.proxy not in scored:
            raise UserError(
                f"aggregate {aggregate.name}, term {number}: {unknown('proxy', term.proxy, scored)}; one of a file of "
                f"your own is scored first: pipeline score {benchmark} --proxy FILE"
            )
