"""The leaderboard of one target, every proxy once on the shared architectures, with its verdict; and the leaders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from pipeline.report.queries import SERIES, Row, records
from pipeline.report.text import interval, number, proxy_name
from pipeline.wording import count_of

if TYPE_CHECKING:
    from pipeline.report.comparison import Comparison

FEW = 30
"""Architectures: a rho of fewer is shown grey and leads nothing."""

CHEAP = 0.5
"""Seconds per architecture: the verdict names the best proxy under it."""

_SAVING = 0.5  # of the leader's seconds: what costs more is not worth a column of `leaders`
_BASELINES = ("params", "random")
_OWN = ["rho", "low", "high", "n", "n_failed", "n_no_truth", "tau"]


def leaderboard(ranking: pd.DataFrame, comparison: Comparison) -> list[Row]:
    """The rows of a leaderboard: those on the shared architectures first, the highest rho first.

    `rho`, `low`, `high`, `n` and `n_failed` of a row are on the shared architectures where `shared` is true, otherwise
    on all that the proxy has scored; `own_rho`, `own_n`, ... are always the latter.

    Args:
        ranking: the proxies with rho of their own architectures, kind, images and seconds.
    """
    shared = comparison.rows.drop(columns=["label", "released"])
    shared = shared.rename(columns={"shared_low": "low", "shared_high": "high"}).assign(shared=shared["rho"].notna())
    own = ranking.rename(columns={column: f"own_{column}" for column in _OWN})
    rows = own.merge(shared, on=SERIES, how="left")
    rows["shared"] = rows["shared"].eq(True).fillna(False)
    for column in ("rho", "low", "high", "n", "n_failed"):
        rows[column] = rows[column].where(rows["shared"], rows[f"own_{column}"])
    rows["few"] = rows["n"].fillna(0) < FEW
    order = rows.assign(rounded=rows["rho"].round(9)).sort_values(
        ["shared", "rounded", "label", "seed", "proxy_id"], ascending=[False, False, True, True, True],
        na_position="last", kind="stable",
    )  # fmt: skip
    return records(order.drop(columns="rounded"))


def verdict(rows: list[Row], truth: str, higher: Row | None) -> list[str]:
    """What the leaderboard says, in sentences; nothing where fewer than `FEW` architectures are shared.

    Args:
        truth: the name of the target.
        higher: of `higher_on_its_own`.
    """
    compared = ranked(rows)
    if not compared:
        return []
    leader = compared[0]
    equals = [row for row in compared[1:] if not_shown_worse(row)]
    sentences = [
        f"{proxy_name(leader)} leads: rho {number(leader['rho'])} {interval(leader)} with {truth} on "
        f"{count_of(leader['n'], 'architecture')}."
    ]
    if equals:
        named = _list([f"{proxy_name(row)} ({number(row['rho'])})" for row in equals])
        sentences.append(f"{named} cannot be told from it: the interval of the paired difference contains 0.")
    elif len(compared) > 1:
        sentences.append("All others rank worse: no interval of a paired difference contains 0.")
    if higher:
        sentences.append(
            f"On the {count_of(higher['n'], 'architecture')} that both have scored, {higher['proxy']} has a higher "
            f"rho: {number(higher['rho'])} {interval(higher)}, to {number(higher['leader_rho'])} of "
            f"{proxy_name(leader)}."
        )
    cheap = [
        row for row in compared if row["seconds"] is not None and row["seconds"] < CHEAP and row["proxy"] != "random"
    ]
    if cheap and cheap[0] is not leader:
        row = cheap[0]
        sentences.append(
            f"The best under half a second per architecture is {proxy_name(row)}: rho {number(row['rho'])} for "
            f"{number(row['seconds'], 2)} s."
        )
    return sentences + _against_baselines(compared)


def ranked(rows: list[Row]) -> list[Row]:
    """The rows of a leaderboard on shared architectures, where these are not few: the leader first."""
    return [row for row in rows if row["shared"] and not row["few"] and row["rho"] is not None]


def not_shown_worse(row: Row) -> bool:
    """Whether the interval of a row's paired difference to the leader contains 0."""
    low, high = row["difference_low"], row["difference_high"]
    return low is not None and high is not None and low <= 0 <= high


def _against_baselines(compared: list[Row]) -> list[str]:
    """How many rank better than the number of parameters and than a random order."""
    sentences = []
    for baseline in _BASELINES:
        row = next((row for row in compared if row["proxy"] == baseline), None)
        if row is None:
            continue
        others = [other for other in compared if other is not row]
        below = [other for other in others if other["rho"] <= row["rho"]]
        name = {"params": "the number of parameters", "random": "a random order"}[baseline]
        if not below:
            sentences.append(f"All rank better than {name} ({number(row['rho'])}).")
        elif len(below) <= 5:
            named = _list([proxy_name(other) for other in below])
            sentences.append(f"All but {named} rank better than {name} ({number(row['rho'])}).")
        else:
            better = len(others) - len(below)
            sentences.append(f"{better} of {len(others)} rank better than {name} ({number(row['rho'])}).")
    return sentences


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def leaders(spaces: list[Row]) -> list[Row]:
    """One row per space whose leaderboard has a leader.

    Args:
        spaces: as the content of a report holds them.

    Returns:
        `name` and `key` of the space, `target`, and three proxies, each `proxy` with `rho`, `low`, `high`, `n` and
        `seconds`: the `leader`; the `cheapest` that is not shown to be worse and takes at most half of its seconds; and
        the one that is `higher` on its own architectures, with the `leader_rho` of the leader there. The latter two may
        be None.
    """
    rows = []
    for space in spaces:
        target = space["targets"][0]
        if not (compared := ranked(target["leaderboard"])):
            continue
        leader = compared[0]
        rows.append(
            {
                "name": space["name"], "key": space["key"], "target": target["name"], "leader": _shown(leader),
                "cheapest": _shown(_cheapest(leader, compared[1:])), "higher": target["higher"],
            }
        )  # fmt: skip
    return rows


def _cheapest(leader: Row, others: list[Row]) -> Row | None:
    cheaper = [
        row
        for row in others
        if not_shown_worse(row) and row["seconds"] is not None and row["label"] != leader["label"]
        if leader["seconds"] is None or row["seconds"] <= _SAVING * leader["seconds"]
    ]
    return min(cheaper, key=lambda row: row["seconds"], default=None)


def _shown(row: Row | None) -> Row | None:
    if row is None:
        return None
    return {"proxy": proxy_name(row), **{key: row[key] for key in ("rho", "low", "high", "n", "seconds")}}
