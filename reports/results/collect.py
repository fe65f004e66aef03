"""From a lake to numbers: one JSON value that holds everything the documents say."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from typing import Any

import duckdb
import numpy as np
from pyarrow import parquet
from scipy.stats import spearmanr

from pipeline import rank_correlation
from pipeline.search.search import SEARCH_VERSION as SEARCH
from pipeline.tuning.data import VERSION as TUNING
from reports.results.lake import DRAWS, LABELS, POPULATION, QUERIES, SCORES, SEEDS, STEPS, TOURNAMENT, WAYS
from reports.results.spaces import SPACES

COMPARED_WITH = ("regression-n101", "regression-menu", "regression-nlp", "aggregate-az-nas")
CHECKED_DRAWS = 4
RULE = "generic"
Row = dict[str, Any]
Rhos = np.ndarray[tuple[int], np.dtype[np.float64]]


def scores_sha256() -> str:
    """The content hash of data/scores: of the sorted paths of its Parquet files and their hashes.

    The empty tables that a merge leaves beside the parts are no content.
    """
    listing = hashlib.sha256()
    for path in sorted(path for path in SCORES.rglob("*.parquet") if "_schema" not in path.parts):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        listing.update(f"{path.relative_to(SCORES).as_posix()} {digest}\n".encode())
    return listing.hexdigest()


def rows(connection: duckdb.DuckDBPyConnection, name: str, **parameters: str | int | list[str]) -> list[Row]:
    """The rows of queries/results/NAME.sql."""
    answer = connection.execute((QUERIES / f"{name}.sql").read_text(), parameters)
    columns = [column[0] for column in answer.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]


@functools.lru_cache(maxsize=1)
def own_pairs(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """The scores of each proxy of our own beside true values; several tables are made of them."""
    return rows(connection, "pairs")


@functools.cache
def resampled_rho(
    scores: tuple[float, ...], truths: tuple[float, ...], resamples: int, seed: int = 0
) -> tuple[float, Rhos]:
    """Spearman's rho, and rho in each resample: of the generic rule it is taken beside every proxy."""
    x, y = np.array(scores), np.array(truths)
    return float(spearmanr(x, y).statistic), rank_correlation.resampled_rhos(x[None], y, resamples, seed)[0]


def count() -> int:
    """How many scores data/scores holds."""
    return sum(parquet.read_metadata(path).num_rows for path in SCORES.glob("parts/*/*/scores.parquet"))


def sources(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """The files that the ground truth was read from."""
    return rows(connection, "sources")


def correlations(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Rho of every proxy with every target, with its interval, failures and cost."""
    ranking = rows(connection, "ranking")
    return [
        {**row, "kind": kind(row["proxy"]), **interval}
        for key in _targets()
        for row, interval in zip(
            _of(ranking, key), _intervals(_of(ranking, key), _of(own_pairs(connection), key)), strict=True
        )
    ]


def top_tenth(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Rho of every proxy among the truly best tenth of the architectures that it scored, for every target."""
    ranking = rows(connection, "top_tenth")
    return [row for key in _targets() for row in _of(ranking, key)]


def differences(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Rho of every compared proxy on shared architectures, and paired differences to a few of them."""
    compared = rows(connection, "comparison_scores")
    return [row for key in _targets() for row in _comparison(key, _of(compared, key))]


def published(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Every published figure beside ours."""
    return rows(connection, "published")


def basis(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """What tuning and searches rest on: what is stored in each space, and how they are set."""
    used = [dataclasses.replace(space, aggregates=()) for space in SPACES]  # those searched with are in `searched`
    how = repr((used, LABELS, DRAWS, WAYS, SEEDS, STEPS, POPULATION, TOURNAMENT, TUNING, SEARCH, duckdb.__version__))
    settings = hashlib.sha256(how.encode()).hexdigest()
    return [
        {"benchmark": space.benchmark, "settings": settings, **row}
        for space in SPACES
        for row in rows(connection, "basis", benchmark=space.benchmark)
    ]


def rule(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """The generic rule beside every proxy: on the half of the architectures that it was not chosen on, and on all.

    A row has the rho of a proxy, and the rule's rho minus it on the same architectures, with its interval.
    """
    table = []
    for key in _targets():
        own = {pair["proxy"]: pair for pair in _of(own_pairs(connection), key)}
        if RULE not in own:
            continue
        ruled = dict(zip(own[RULE]["arch_ids"], own[RULE]["scores"], strict=True))
        for name, pair in own.items():
            scored = zip(pair["arch_ids"], pair["scores"], pair["truths"], strict=True)
            both = [(a, ruled[a], score, truth) for a, score, truth in scored if a in ruled]
            if 2 * len(both) < len(ruled):
                continue
            halves = {"other": [row for row in both if not chosen_on(row[0])], "all": both}
            table += [
                {**key, "half": half, "proxy": name, "kind": kind(name), **_beside(taken)}
                for half, taken in halves.items()
            ]
    return table


def chosen_on(arch_id: str) -> bool:
    """Whether an architecture is of the half that the generic rule was chosen on: decision 0028."""
    return int(hashlib.sha256(arch_id.encode()).hexdigest(), 16) % 2 == 0


def _beside(taken: list[tuple[str, float, float, float]]) -> Row:
    """Rho of a proxy with its interval, and the rule's rho minus it: of (arch_id, the rule, the proxy, the truth)."""
    _, ruled, scores, truths = zip(*taken, strict=True)
    resamples = rank_correlation.resamples_for(len(truths))
    (by_rule, resampled_rule), (own, resampled) = (resampled_rho(side, truths, resamples) for side in (ruled, scores))
    low, high = np.nanpercentile(resampled, [2.5, 97.5])
    minus_low, minus_high = np.nanpercentile(resampled_rule - resampled, [2.5, 97.5])
    return {
        "n": len(truths), "rho": own, "low": float(low), "high": float(high),
        "rule_minus_proxy": [by_rule - own, float(minus_low), float(minus_high)],
    }  # fmt: skip


def learned(connection: duckdb.DuckDBPyConnection, evaluations: list[str]) -> list[Row]:
    """What is learned beside the generic rule in each space, by the evaluations of these identities."""
    keys = [{"benchmark": space.benchmark, "space": space.name} for space in SPACES]
    return [{**key, **row} for key in keys for row in rows(connection, "learned", **key, evaluations=evaluations)]


def few_labels(connection: duckdb.DuckDBPyConnection, evaluations: list[str]) -> list[Row]:
    """What every way to use labels is worth in each space, by the evaluations of these identities."""
    keys = [{"benchmark": space.benchmark, "space": space.name} for space in SPACES]
    return [{**key, **row} for key in keys for row in rows(connection, "few_labels", **key, evaluations=evaluations)]


def draws(connection: duckdb.DuckDBPyConnection, evaluations: list[str]) -> list[Row]:
    """Rho of each way to use labels in the first few draws of the evaluations of these identities."""
    keys = [{"benchmark": space.benchmark, "space": space.name} for space in SPACES]
    return [
        {**key, **row}
        for key in keys
        for row in rows(connection, "draws", **key, draws=CHECKED_DRAWS, evaluations=evaluations)
    ]


def searches(connection: duckdb.DuckDBPyConnection, identities: list[str]) -> list[Row]:
    """What each search of these identities finds; the tuned proxy is called `tuned`, whatever its identity."""
    found = []
    for space in SPACES:
        key = {"benchmark": space.benchmark, "space": space.name}
        wanted = {(target.dataset, target.metric) for target in space.targets}
        for row in rows(connection, "searches", **key, search_ids=identities):
            if (row["dataset"], row["metric"]) in wanted:
                row["proxy"] = "tuned" if row["proxy"].startswith("tuned-") else row["proxy"]
                found.append({**key, **row})
    return found


def kind(proxy: str) -> str:
    """The kind of one of our own proxies, by its name."""
    prefixes = {"regression-": "trained", "aggregate-": "aggregate", RULE: "aggregate"}
    return next((name for prefix, name in prefixes.items() if proxy.startswith(prefix)), "zero-cost")


def _targets() -> list[Row]:
    """What identifies each target, in the order of the documents."""
    return [
        {"benchmark": space.benchmark, "space": space.name, "dataset": target.dataset, "metric": target.metric}
        for space in SPACES
        for target in space.targets
    ]


def _of(table: list[Row], key: Row) -> list[Row]:
    """The rows of one target."""
    return [row for row in table if all(row[column] == value for column, value in key.items())]


def _intervals(ranking: list[Row], pairs: list[Row]) -> list[Row]:
    """The interval of each proxy's rho; those that scored the same architectures see the same resamples."""
    together: dict[tuple[float, ...], list[Row]] = {}
    for pair in pairs:
        together.setdefault(tuple(pair["truths"]), []).append(pair)
    found: dict[str, Row] = {}
    for truths, group in together.items():
        scores = np.asarray([pair["scores"] for pair in group])
        intervals = rank_correlation.spearman_intervals(scores, np.asarray(truths))
        for pair, interval in zip(group, intervals, strict=True):
            found[pair["proxy"]] = {"low": interval.low, "high": interval.high} if interval else {}
    return [{"low": None, "high": None, **found[row["proxy"]]} for row in ranking]


def _comparison(key: Row, compared: list[Row]) -> list[Row]:
    """The compared proxies of one target, with the differences that are told and their intervals."""
    names = [row["proxy"] for row in compared]
    scores, truth = np.asarray([row["scores"] for row in compared]), np.asarray(compared[0]["truths"])
    rho = [float(spearmanr(row, truth).statistic) for row in scores]
    resampled = rank_correlation.resampled_rhos(scores, truth, rank_correlation.resamples_for(len(truth)))
    best = max((place for place, name in enumerate(names) if kind(name) == "zero-cost"), key=rho.__getitem__)
    others = {"zero-cost": best, **{name: names.index(name) for name in COMPARED_WITH if name in names}}
    table = []
    for place, name in enumerate(names):
        minus = {}
        for column, other in others.items():
            if other != place:
                low, high = np.nanpercentile(resampled[place] - resampled[other], [2.5, 97.5])
                minus[column] = [rho[place] - rho[other], float(low), float(high)]
        row = {"proxy": name, "kind": kind(name), "n": len(truth), "rho": rho[place], "minus": minus}
        table.append({**key, **row, "best_zero_cost": names[best]})
    return table
