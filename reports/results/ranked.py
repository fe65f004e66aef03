"""Rankings on the benchmarks where proxies are ranked alone, and by targets beside those that lead."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
from scipy.stats import spearmanr

from pipeline import rank_correlation
from reports.results.collect import Row, rows
from reports.results.spaces import OTHER_TARGETS, RANKED, RankedBenchmark, RankedSpace


def tables(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Row]]:
    """Every table of these rankings by its name in results.json."""
    pairs = {
        (benchmark.name, space.name): rows(connection, "ranked_pairs", benchmark=benchmark.name, space=space.name)
        for benchmark, space in _spaces()
    }
    return {
        "ranked": ranked(connection, pairs),
        "frames": frames(pairs),
        "agreement": agreement(connection),
        "other_targets": other_targets(connection),
        "limits": limits(connection),
    }


def ranked(connection: duckdb.DuckDBPyConnection, pairs: dict[tuple[str, str], list[Row]]) -> list[Row]:
    """Rho of every proxy with every target of these benchmarks, with its bootstrap interval and seconds."""
    table = []
    for benchmark, space in _spaces():
        intervals = _intervals(pairs[benchmark.name, space.name])
        for row in rows(connection, "ranked", benchmark=benchmark.name, space=space.name):
            key = (row["dataset"], row["metric"], row.pop("proxy_id"))
            if key[:2] in {(target.dataset, target.metric) for target in space.targets} and key in intervals:
                low, high = intervals[key]
                table.append({**row, "low": low, "high": high})
    return table


def frames(pairs: dict[tuple[str, str], list[Row]]) -> list[Row]:
    """Proxies in two networks around the same cells.

    A row has the rho of a proxy in the other space and in the main one, on the cells that were scored in both, the
    difference with its interval, and how well the scores in the one space rank those in the other.
    """
    table = []
    for benchmark in (benchmark for benchmark in RANKED if benchmark.frames):
        main, *others = (space.name for space in benchmark.spaces)
        in_main = {pair["proxy"]: pair for pair in pairs[benchmark.name, main]}
        for other in others:
            for pair in pairs[benchmark.name, other]:
                if pair["proxy"] in in_main and (row := _in_both(in_main[pair["proxy"]], pair)):
                    key = {"benchmark": benchmark.name, "space": main, "other": other, "proxy": pair["proxy"]}
                    table.append({**key, **row})
    return table


def agreement(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """How well the truth of one target ranks that of another, and of one target itself on the validation set."""
    table = []
    for benchmark, space in _spaces():
        targets = {(target.dataset, target.metric) for target in space.targets}
        for row in rows(connection, "agreement", benchmark=benchmark.name, space=space.name):
            one, other = (row["dataset"], row["metric"]), (row["other_dataset"], row["other_metric"])
            if one in targets and (other in targets or other == (one[0], one[1].replace("test_", "validation_"))):
                table.append({"benchmark": benchmark.name, "space": space.name, **row})
    return table


def other_targets(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Rho with the targets that do not lead: one row per proxy and family, with [n, rho, low, high] by target."""
    folded: dict[tuple[str, str], Row] = {}
    for row in rows(connection, "other_targets", benchmark=OTHER_TARGETS.benchmark, space=OTHER_TARGETS.space):
        one = folded.setdefault(
            (row["proxy"], row["family"]),
            {"proxy": row["proxy"], "kind": row["kind"], "family": row["family"], "targets": {}},
        )
        condition = f" {row['condition']}" if row["condition"] else ""
        one["targets"][f"{row['dataset']} {row['metric']}{condition}"] = [
            row["n"], row["rho"], row["low"], row["high"],
        ]  # fmt: skip
    return list(folded.values())


def limits(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """What a limit on a cost leaves, and what each proxy picks within it."""
    cost = {"dataset": OTHER_TARGETS.cost.dataset, "metric": OTHER_TARGETS.cost.metric}
    return rows(connection, "limits", benchmark=OTHER_TARGETS.benchmark, space=OTHER_TARGETS.space, **cost)


def _spaces() -> Iterator[tuple[RankedBenchmark, RankedSpace]]:
    return ((benchmark, space) for benchmark in RANKED for space in benchmark.spaces)


def _intervals(pairs: list[Row]) -> dict[tuple[str, str, str], tuple[float, float]]:
    """The bootstrap interval by data set, metric and proxy; scores of the same architectures share the resamples."""
    together: dict[tuple[float, ...], list[Row]] = {}
    for pair in pairs:
        together.setdefault((*pair["truths"],), []).append(pair)
    found = {}
    for truths, group in together.items():
        scores = np.asarray([pair["scores"] for pair in group])
        intervals = rank_correlation.spearman_intervals(scores, np.asarray(truths))
        for pair, interval in zip(group, intervals, strict=True):
            if interval:
                found[pair["dataset"], pair["metric"], pair["proxy_id"]] = (interval.low, interval.high)
    return found


def _in_both(in_main: Row, in_other: Row) -> Row | None:
    """A proxy's two series on the architectures that both have; None where these are few or a rho is not defined."""
    of_main = dict(zip(in_main["specs"], in_main["scores"], strict=True))
    triples = [
        (of_main[spec], score, truth)
        for spec, score, truth in zip(in_other["specs"], in_other["scores"], in_other["truths"], strict=True)
        if spec in of_main
    ]
    if len(triples) < rank_correlation.FEWEST:
        return None
    main, other, truth = np.asarray(triples).T
    if min(np.ptp(main), np.ptp(other), np.ptp(truth)) == 0:
        return None
    resampled = rank_correlation.resampled_rhos(
        np.stack([main, other]), truth, rank_correlation.resamples_for(len(truth))
    )
    low, high = np.nanpercentile(resampled[1] - resampled[0], [2.5, 97.5])
    rho, rho_in_main = (float(spearmanr(scores, truth).statistic) for scores in (other, main))
    return {
        "n": len(truth), "rho": rho, "rho_in_main": rho_in_main, "agree": float(spearmanr(main, other).statistic),
        "difference": [rho - rho_in_main, float(low), float(high)],
    }  # fmt: skip
