"""The terms that a rule may weigh: stored scores and curves, as ranks among the architectures with every term."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline import catalog, provenance
from pipeline.errors import UserError, unknown
from pipeline.lake.store import Lake
from pipeline.wording import count_of, noun

if TYPE_CHECKING:
    import duckdb

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Row = dict[str, Any]

_SCORE_SEED = 0  # of our own scores: the default of `score`

CURVES, SCORES = "curves", "scores"  # groups of terms: of trainings, and of everything else


@dataclass(frozen=True)
class CurvePoint:
    """Where on a loss curve: the mean of the iterations from `first` to `last`."""

    stage: int
    signal: str
    mode: str
    first: int
    last: int


@dataclass(frozen=True)
class TermColumn:
    """A number of each architecture, higher is better: a proxy's score, or a point of its loss curves.

    Args:
        key: the same in every space.
        proxy, proxy_id: whose.
        group: CURVES for a proxy that trains, SCORES for another.
        point: on its curves; None for the score.
    """

    key: str
    proxy: str
    proxy_id: str
    group: str
    point: CurvePoint | None = None


@dataclass(frozen=True)
class Target:
    """The main target of a space: `truth` of each architecture, oriented so that higher is better."""

    dataset: str
    metric: str
    truth: dict[str, float]


@dataclass(frozen=True)
class TermTable:
    """The terms of a space.

    Args:
        benchmark, space, dataset, metric: what is to be ranked, and by what.
        arch_ids: those with truth and every term, in the order of their names.
        truth: oriented so that higher is better, [n].
        terms: of the columns of `values`.
        values: [n, terms]; minus infinity where a score or a training failed, so that it is ranked last.
        known: those of `arch_ids` whose true values a term was made with, as an evolved task: no rho is taken of them.
    """

    benchmark: str
    space: str
    dataset: str
    metric: str
    arch_ids: tuple[str, ...]
    truth: Floats
    terms: tuple[TermColumn, ...]
    values: Floats
    known: frozenset[str] = frozenset()

    @cached_property
    def ranks(self) -> Floats:
        """The ranks of each term, ties averaged, centred, over n / sqrt(12): of variance 1 without ties."""
        return centred_ranks(self.values)

    def columns(self, group: str | None = None) -> Ints:
        """The places of the terms of a group, or of all."""
        return np.array([i for i, t in enumerate(self.terms) if group in (None, t.group)], dtype=np.int64)

    def unknown(self, places: Ints) -> Ints:
        """Those of the places whose architectures are not among the known ones."""
        return np.array([i for i in places if self.arch_ids[i] not in self.known], dtype=np.int64)

    def nested(self, seed: int) -> Ints:
        """The places of the architectures in the order of the nested sample with this seed."""
        order = provenance.nested(self.arch_ids, seed)
        places = {a: i for i, a in enumerate(self.arch_ids)}
        return np.array([places[a] for a in order], dtype=np.int64)


def centred_ranks(values: Floats) -> Floats:
    """Ranks along the first axis, ties averaged, centred, divided by n / sqrt(12)."""
    from scipy.stats import rankdata

    n = len(values)
    return np.asarray((rankdata(values, axis=0) - (n + 1) / 2) * np.sqrt(12) / n)


def read(
    lake: Lake,
    benchmark: str,
    space: str,
    *,
    use: Collection[str] = (),
    coverage: float = 0.9,
    target_name: str | None = None,
) -> TermTable:
    """The terms of a space that are stored widely enough.

    Those of proxies with loss curves lead (where there are none: all): of them, the ones with half as many
    architectures as the best covered, and the architectures that all of these have. Another proxy joins if it has the
    share `coverage` of them, and the table is of what then is left. Of released scores and our own of the same proxy,
    the best covered is taken.

    Args:
        benchmark, space: what to rank.
        use: names of the proxies to take; all by default.
        coverage: share of the leading proxies' architectures.
        target_name: by what to rank, see `catalog.lead_with`; by default the main target of the report.

    Raises:
        UserError: no truth, no scores, a name in `use` that has none, or nothing to tell the architectures apart by.
    """
    where: dict[str, catalog.Value] = {"benchmark": benchmark, "space": space, "seed": _SCORE_SEED}
    with closing(catalog.snapshot(lake)) as connection:
        main = _target(connection, lake, benchmark, space, target_name)
        scores, curves = (
            catalog.rows(connection, catalog.queries("tuning")[name].read_text(), where).to_pylist()
            for name in ("scores", "curves")
        )
    return _table(benchmark, space, main, _used(scores, use), curves, coverage)


def target(lake: Lake, benchmark: str, space: str, name: str | None = None) -> Target:
    """The main target of a space, or the first that a name stands for.

    Raises:
        UserError: it has none.
    """
    with closing(catalog.snapshot(lake)) as connection:
        return _target(connection, lake, benchmark, space, name)


def alike(lake: Lake, one: TermTable, other: TermTable) -> dict[str, str]:
    """The architectures of a space that another space of the benchmark has, too, by their identities in the first.

    Nothing where the benchmarks differ.
    """
    if one.benchmark != other.benchmark:
        return {}
    where: dict[str, catalog.Value] = {"benchmark": one.benchmark, "space": one.space, "other": other.space}
    with closing(catalog.snapshot(lake)) as connection:
        rows = catalog.rows(connection, catalog.queries("tuning")["alike"].read_text(), where).to_pylist()
    return {row["arch_id"]: row["alike"] for row in rows}


def _target(connection: duckdb.DuckDBPyConnection, lake: Lake, benchmark: str, space: str, name: str | None) -> Target:
    if name is not None:
        catalog.lead_with(connection, name)
    sql = catalog.queries("tuning")["truth"].read_text()
    rows = catalog.rows(connection, sql, {"benchmark": benchmark, "space": space}).to_pylist()
    if not rows:
        if name is not None:
            where = f"pipeline status --target {shlex.quote(name)}"
            raise UserError(f"{benchmark}/{space} has no target {name}: `{where}` says where")
        raise UserError(f"the lake {lake.root} has no ground truth of {benchmark}/{space}: run `pipeline ingest` first")
    return Target(rows[0]["dataset"], rows[0]["metric"], {row["arch_id"]: row["truth"] for row in rows})


def require_different_labels(values: Collection[float], dataset: str, metric: str) -> None:
    """Refuse labels that say nothing.

    Args:
        values: the true values.
        dataset, metric: what they are.

    Raises:
        UserError: all are the same.
    """
    if len(set(values)) == 1:
        raise UserError(
            f"{count_of(len(values), 'label')} with the same {dataset} {metric} {noun(len(values), 'ranks', 'rank')} "
            "nothing: give more --labels, another --seed or another --target"
        )


def only(table: TermTable, columns: Sequence[int] | Ints) -> TermTable:
    """The table with these terms alone."""
    return replace(table, terms=tuple(table.terms[i] for i in columns), values=table.values[:, columns])


def _used(scores: list[Row], use: Collection[str]) -> list[Row]:
    for name in use:
        if not any(name in _names(row) for row in scores):
            raise unknown("proxy with scores", name, {row["proxy"] for row in scores})
    return [row for row in scores if not use or any(name in _names(row) for name in use)]


def _names(row: Row) -> tuple[str, ...]:
    return row["proxy"], row["label"], row["proxy"].partition("@")[0]


def _table(
    benchmark: str, space: str, target: Target, scores: list[Row], curves: list[Row], coverage: float
) -> TermTable:
    trained = {row["proxy_id"] for row in curves}
    tried = {row["proxy_id"]: set(row["arch_ids"]) & target.truth.keys() for row in scores}
    kept = _kept([row for row in scores if tried[row["proxy_id"]]], tried, trained, coverage)
    if not kept:
        raise UserError(f"no scores of {benchmark}/{space} to tune with: run `pipeline score {benchmark}` first")
    arch_ids = sorted(set.intersection(*(tried[row["proxy_id"]] for row in kept)))
    terms, values = _columns(kept, curves, arch_ids)
    varied = np.flatnonzero(np.ptp(centred_ranks(values), axis=0)) if arch_ids else np.arange(len(terms))
    table = TermTable(
        benchmark, space, target.dataset, target.metric, tuple(arch_ids),
        np.array([target.truth[a] for a in arch_ids]), tuple(terms[i] for i in varied), values[:, varied],
        frozenset(a for row in kept for a in row["labelled"]) & frozenset(arch_ids),
    )  # fmt: skip
    _require_differences(table)
    return table


def _require_differences(table: TermTable) -> None:
    """Refuse what has no order: every method would call its first guess a rule."""
    where = f"the {count_of(len(table.arch_ids), 'architecture')} of {table.benchmark}/{table.space} with every term"
    if not table.terms:
        raise UserError(
            f"no score tells {where} apart: they are equal or failed; score others, or name some with --use"
        )
    if len(set(table.truth)) == 1:
        raise UserError(
            f"no {table.dataset} {table.metric} tells {where} apart: they are equal; ingest others, or name another "
            "target with --target"
        )


def _columns(kept: list[Row], curves: list[Row], arch_ids: Sequence[str]) -> tuple[list[TermColumn], Floats]:
    """The terms of these proxies, and their values [n, terms]."""
    terms: list[TermColumn] = []
    columns: list[Floats] = []
    for row in kept:
        own = [curve for curve in curves if curve["proxy_id"] == row["proxy_id"]]
        for term, places, numbers in _terms(row, own):
            by_architecture = dict(zip(places, numbers, strict=True))
            terms.append(term)
            columns.append(np.array([_number(by_architecture.get(a)) for a in arch_ids]))
    return terms, np.stack(columns, axis=1)


def _kept(scores: list[Row], tried: dict[str, set[str]], trained: set[str], coverage: float) -> list[Row]:
    leaders = [row for row in scores if row["proxy_id"] in trained] or scores
    most = max((len(tried[row["proxy_id"]]) for row in leaders), default=0)
    leaders = [row for row in leaders if 2 * len(tried[row["proxy_id"]]) >= most]
    if not leaders:
        return []
    base = set.intersection(*(tried[row["proxy_id"]] for row in leaders))
    others = [row for row in scores if row["proxy_id"] not in trained and row not in leaders]
    held = {row["proxy_id"]: len(tried[row["proxy_id"]] & base) for row in others}
    best: dict[str, Row] = {}
    for row in others:
        if held[row["proxy_id"]] >= max(1, coverage * len(base)):
            before = best.setdefault(_key(row), row)
            best[_key(row)] = max(before, row, key=lambda one: held[one["proxy_id"]])
    return leaders + list(best.values())


def _key(row: Row) -> str:
    """A proxy's name without source and images: what a zero-cost proxy measures is the same with others."""
    return str(row["proxy"].partition("@")[0])


def _terms(row: Row, curves: list[Row]) -> Iterable[tuple[TermColumn, list[str], list[float | None]]]:
    """The score of a proxy, and the points of its curves."""
    group, key = (CURVES, row["label"]) if curves else (SCORES, _key(row))
    yield TermColumn(key, row["proxy"], row["proxy_id"], group), row["arch_ids"], row["scores"]
    for c in curves:
        point = CurvePoint(c["stage"], c["signal"], c["mode"], c["first_iteration"], c["last_iteration"])
        named = f"{key} stage {point.stage} {point.signal} {point.mode} {point.first}-{point.last}"
        losses = [None if loss is None else -loss for loss in c["losses"]]
        yield TermColumn(named, row["proxy"], row["proxy_id"], CURVES, point), c["arch_ids"], losses


def _number(value: float | None) -> float:
    return value if value is not None and np.isfinite(value) else -np.inf
