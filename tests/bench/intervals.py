"""Coverage of a report's intervals: how often they hold the rho of the whole space, in samples where it is known.

    python -m tests.bench.intervals [LAKE]

Without a lake the populations are made up. With one they are its proxies that have scored nearly all architectures of
NAS-Bench-201. Prints the coverage by n and, for made-up populations, what it does to choose the highest of many.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm, rankdata

import pipeline
from pipeline import rank_correlation

Floats = npt.NDArray[np.float64]

SIZES = (20, 50, 100, 200, 500)
SAMPLES, RESAMPLES = 500, 500
WHOLE = 9000  # architectures of NAS-Bench-201; of fewer the samples would hold a large part
MACROS = Path(__file__).parents[2] / "queries" / "macros"
FIELDS = {
    "30 proxies, all of 0.80": np.full(30, 0.8),
    "30 proxies, from 0.70 to 0.80": np.linspace(0.7, 0.8, 30),
    "5 proxies, from 0.76 to 0.80": np.linspace(0.76, 0.8, 5),
    "30 proxies, from 0.00 to 0.85": np.linspace(0, 0.85, 30),
}
"""Proxies among which a leader is chosen, by their rho on the whole space."""
POPULATION = 15_000


def made_up(rhos: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Scores [k, N] that have about these rhos with a truth [N]: normal, and alike as proxies of one kind are."""
    truth, common = rng.standard_normal((2, POPULATION))
    r = 2 * np.sin(np.pi * rhos / 6)[:, None]  # Pearson's, of normal pairs with that rho
    noise = 0.8 * common + 0.6 * rng.standard_normal((len(rhos), POPULATION))
    return r * truth + np.sqrt(1 - r**2) * noise, truth


def single_proxies(rng: np.random.Generator) -> Iterator[tuple[list[str], Floats, Floats]]:
    """Names, scores [k, N] and truth [N] of made-up proxies, the last with four distinct scores."""
    rhos = np.array([0, 0.5, 0.8, 0.95, 0.99, 0.8])
    scores, truth = made_up(rhos, rng)
    scores[-1] = np.digitize(scores[-1], norm.ppf([0.2, 0.6, 0.9]))
    yield [*(f"rho {rho:.2f}" for rho in rhos[:-1]), "four distinct scores"], scores, truth


def proxies_of(lake: str) -> Iterator[tuple[list[str], Floats, Floats]]:
    """The same of the proxies of a lake, for each set of architectures that several of them have scored."""
    pairs = pipeline.query(
        "SELECT any_value(proxy) AS proxy, list(score ORDER BY arch_id) AS scores, list(truth ORDER BY arch_id) AS "
        "truths FROM pairs INNER JOIN targets USING (benchmark, space, dataset, metric) "
        "WHERE benchmark = 'nasbench201' AND space = 'topology' AND targets.main "
        f"GROUP BY proxy_id, seed HAVING count(*) >= {WHOLE} ORDER BY ALL", lake,
    )  # fmt: skip
    for _, group in pairs.groupby(pairs["truths"].map(tuple), sort=False):
        yield group["proxy"].tolist(), np.stack(group["scores"].to_list()), np.array(group["truths"].iloc[0])


def rho_of(scores: Floats, truth: Floats) -> Floats:
    """Spearman's rho of each row of scores [k, n] with the truth [n]."""
    rhos: Floats = np.corrcoef(rankdata(scores, axis=-1), rankdata(truth))[-1, :-1]
    return rhos


def by_macros(rhos: Floats, agreement: Floats, n: int) -> tuple[Floats, Floats]:
    """The lower and the upper ends of the intervals that SQL gives: of k rhos of n pairs, and of k - 1 differences.

    Args:
        rhos: [samples, k].
        agreement: rho between the scores of each proxy and of the next: [samples, k - 1].
    """
    connection = duckdb.connect()
    for name in ("rho_interval", "rhos_together", "difference_interval"):
        connection.execute((MACROS / f"{name}.sql").read_text())
    of_pairs = {"rho": rhos[:, :-1], "other": rhos[:, 1:], "agreement": agreement}
    connection.register("single", pd.DataFrame({"rho": rhos.ravel()}))
    connection.register("paired", pd.DataFrame({name: values.ravel() for name, values in of_pairs.items()}))
    single = connection.execute("SELECT unnest(rho_interval(rho, $n)) FROM single", {"n": n}).df()
    paired = connection.execute(
        "SELECT unnest(difference_interval(rho, other, agreement, $n)) FROM paired", {"n": n}
    ).df()
    low, high = (
        np.hstack([single[end].to_numpy().reshape(rhos.shape), paired[end].to_numpy().reshape(agreement.shape)])
        for end in ("low", "high")
    )
    return low, high


def coverage(names: list[str], scores: Floats, truth: Floats, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """The shares of samples of n whose interval holds the rho of the whole space, lies below it and lies above it.

    One row per proxy and one per paired difference to the next, with the share that the macro of SQL holds as well.
    """
    whole, count = rho_of(scores, truth), len(names)
    values, agreement = np.empty((SAMPLES, count)), np.empty((SAMPLES, count - 1))
    lows, highs = np.empty((2, SAMPLES, 2 * count - 1))
    for sample in range(SAMPLES):
        drawn = rng.choice(len(truth), n, replace=False)
        [paired] = rank_correlation.paired_intervals_by_target(
            scores[:, drawn], truth[None, drawn], [range(len(scores))], sample, RESAMPLES
        )
        rhos = np.atleast_2d(np.corrcoef(rankdata([*scores[:, drawn], truth[drawn]], axis=-1)))
        values[sample], agreement[sample] = rhos[-1, :-1], np.diagonal(rhos[:-1, :-1], 1)
        lows[sample] = [*paired.low, *np.diagonal(paired.difference_low, 1)]
        highs[sample] = [*paired.high, *np.diagonal(paired.difference_high, 1)]
    target = np.concatenate([whole, whole[:-1] - whole[1:]])
    low, high = by_macros(values, agreement, n)
    return pd.DataFrame(
        {
            "proxy": [*names, *(f"{one} less {other}" for one, other in pairwise(names))],
            "rho": target, "n": n, "holds": ((lows <= target) & (target <= highs)).mean(axis=0),
            "below": (highs < target).mean(axis=0), "above": (lows > target).mean(axis=0),
            "macro holds": ((low <= target) & (target <= high)).mean(axis=0),
        }
    )  # fmt: skip


def leaders(scores: Floats, truth: Floats, n: int, rng: np.random.Generator) -> dict[str, float]:
    """What is true of the highest of several proxies on samples of n, and of those that are not shown to be worse."""
    whole, rows = rho_of(scores, truth), []
    best = int(whole.argmax())
    for sample in range(SAMPLES):
        drawn = rng.choice(len(truth), n, replace=False)
        rho = rho_of(scores[:, drawn], truth[drawn])
        leader = int(rho.argmax())
        resampled = rank_correlation.resampled_rhos(scores[:, drawn], truth[drawn], RESAMPLES, sample)
        low, high = np.nanpercentile(resampled - resampled[leader], [2.5, 97.5], axis=1)
        equal = (low <= 0) & (high >= 0)
        own_low, own_high = np.nanpercentile(resampled[leader], [2.5, 97.5])
        rows.append(
            {
                "leader is the best": leader == best,
                "the best shown to be worse": not equal[best],
                "any better one shown to be worse": bool((whole[~equal] > whole[leader]).any()),
                "not shown to be worse": equal.sum() - 1,
                "of them worse by 0.05": (equal & (whole < whole[best] - 0.05)).sum(),
                "rho too high by": rho[leader] - whole[leader],
                "its interval holds": own_low <= whole[leader] <= own_high,
            }
        )
    return dict(pd.DataFrame(rows).astype(float).mean())


def main(lake: str | None) -> None:
    """Print both tables."""
    rng = np.random.default_rng(0)
    populations = list(proxies_of(lake) if lake else single_proxies(rng))
    tables = [coverage(*population, n, rng) for population in populations for n in SIZES]
    print(pd.concat(tables).round(3).to_string(index=False))
    if lake is None:
        fields = {name: made_up(rhos, rng) for name, rhos in FIELDS.items()}
        chosen = [
            {"proxies": name, "n": n, **leaders(*field, n, rng)} for name, field in fields.items() for n in SIZES[1:]
        ]
        print(pd.DataFrame(chosen).round(3).to_string(index=False))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
