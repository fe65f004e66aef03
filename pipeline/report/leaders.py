"""The best proxy of each space: the leader by the main target, and a cheaper one not shown to be worse."""

from __future__ import annotations

from pipeline.report.leaderboard import higher_on_its_own, not_shown_worse, ranked
from pipeline.report.queries import Row
from pipeline.report.text import proxy_name

_SAVING = 0.5  # of the leader's seconds: what costs more is not worth a column


def leaders(spaces: list[Row]) -> list[Row]:
    """One row per space whose leaderboard has a leader.

    Args:
        spaces: as the content of a report holds them.

    Returns:
        `name` and `key` of the space, `target`, and three proxies, each `proxy` with `rho`, `low`, `high`, `n` and
        `seconds`: the `leader`; the `cheapest` that is not shown to be worse and takes at most half of its seconds; and
        the one that is `higher` on its own architectures, see `higher_on_its_own`. The latter two may be None.
    """
    rows = []
    for space in spaces:
        target = space["targets"][0]
        if not (compared := ranked(target["leaderboard"])):
            continue
        leader, higher = compared[0], higher_on_its_own(target["leaderboard"])
        rows.append(
            {
                "name": space["name"], "key": space["key"], "target": target["name"], "leader": _shown(leader),
                "cheapest": _shown(_cheapest(leader, compared[1:])), "higher": _shown(higher, "own_"),
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


def _shown(row: Row | None, of: str = "") -> Row | None:
    if row is None:
        return None
    numbers = {key: row[f"{of}{key}"] for key in ("rho", "low", "high", "n")}
    return {"proxy": proxy_name(row), **numbers, "seconds": row["seconds"]}
