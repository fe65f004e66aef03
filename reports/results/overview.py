"""How well each proxy ranks over all convolutional spaces that have true values: one number per proxy."""

from __future__ import annotations

import duckdb
import numpy as np

from pipeline import rank_correlation
from reports.results.collect import RULE, Rhos, Row, kind, own_pairs, resampled_rho
from reports.results.spaces import CONVOLUTIONAL, OverviewSpace

FEWEST = 90
"""Architectures that a proxy has a score of in each space."""


PairsBySpace = dict[OverviewSpace, list[dict[str, Row]]]
"""`arch_ids`, `scores` and `truths` of each proxy, by space and for each of its targets."""


def overview(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """One row per proxy that every space has scores of, the highest mean first: see `averaged`."""
    return averaged(pairs_by_space(connection))


def pairs_by_space(connection: duckdb.DuckDBPyConnection) -> PairsBySpace:
    """The scores of our own proxies beside the true values of every convolutional space."""
    by_target: dict[tuple[str, str, str, str], dict[str, Row]] = {}
    for row in own_pairs(connection):
        key = (row["benchmark"], row["space"], row["dataset"], row["metric"])
        by_target.setdefault(key, {})[row["proxy"]] = row
    return {
        space: [
            by_target.get((space.benchmark, space.name, target.dataset, target.metric), {}) for target in space.targets
        ]
        for space in CONVOLUTIONAL
    }


def averaged(pairs: PairsBySpace) -> list[Row]:
    """The mean of each proxy's rho over spaces, a space's rho being the mean over its targets.

    Returns:
        `rhos` by the title of the space; their `mean`, and the mean over the spaces that the generic rule was not
        chosen on, `elsewhere`; the `lowest` of them; and `rule_minus_proxy`, the rule's mean minus the proxy's on
        the architectures that both have; `rule_minus_proxy_elsewhere`, the same over the spaces that the rule was not
        chosen on. Means have intervals, from resamples of the architectures of each space, which the targets of a space
        share.
    """
    every_target = [target for targets in pairs.values() for target in targets]
    scored = [{name for name, pair in target.items() if len(pair["truths"]) >= FEWEST} for target in every_target]
    return sorted(
        (_row(name, pairs) for name in set.intersection(*scored)), key=lambda row: (-row["mean"][0], row["proxy"])
    )


def _row(name: str, pairs: PairsBySpace) -> Row:
    own = [mean_rhos([target[name] for target in targets], place) for place, targets in enumerate(pairs.values())]
    minus = [
        averaged_over([_beside(target[RULE], target[name], place) for target in targets])
        for place, targets in enumerate(pairs.values())
    ]
    rhos = {space.title: rho for space, (rho, _) in zip(pairs, own, strict=True)}
    lowest = min(rhos, key=rhos.__getitem__)
    elsewhere, minus_elsewhere = (
        [value for space, value in zip(pairs, values, strict=True) if not space.chosen_on] for values in (own, minus)
    )
    means = {
        "mean": own, "elsewhere": elsewhere,
        "rule_minus_proxy": minus, "rule_minus_proxy_elsewhere": minus_elsewhere,
    }  # fmt: skip
    return {
        "proxy": name, "kind": kind(name), "rhos": rhos, "lowest": rhos[lowest], "lowest_in": lowest,
        **{column: with_interval(averaged_over(values)) for column, values in means.items()},
    }  # fmt: skip


def mean_rhos(pairs: list[Row], seed: int) -> tuple[float, Rhos]:
    """The mean of a proxy's rho over the targets of a space, and that in each resample of its architectures."""
    return averaged_over(
        [
            resampled_rho(tuple(pair["scores"]), tuple(pair["truths"]), rank_correlation.RESAMPLES, seed)
            for pair in pairs
        ]
    )


def _beside(rule: Row, pair: Row, seed: int) -> tuple[float, Rhos]:
    """The rule's rho minus a proxy's on the architectures that both have, and in each resample."""
    by_rule = dict(zip(rule["arch_ids"], rule["scores"], strict=True))
    scored = zip(pair["arch_ids"], pair["scores"], pair["truths"], strict=True)
    triples = [(by_rule[arch], score, truth) for arch, score, truth in scored if arch in by_rule]
    ruled, scores, truths = zip(*triples, strict=True)
    (rule_rho, rule_draws), (own_rho, own_draws) = (
        resampled_rho(side, truths, rank_correlation.RESAMPLES, seed) for side in (ruled, scores)
    )
    return rule_rho - own_rho, rule_draws - own_draws


def averaged_over(values: list[tuple[float, Rhos]]) -> tuple[float, Rhos]:
    """The mean of numbers, and of their resamples."""
    return float(np.mean([value for value, _ in values])), np.mean([draws for _, draws in values], axis=0)


def with_interval(value: tuple[float, Rhos]) -> list[float]:
    """A number with the ends of its 95 % interval, from its resamples."""
    low, high = np.nanpercentile(value[1], [2.5, 97.5])
    return [value[0], float(low), float(high)]
