"""Does a sum that is chosen on some spaces rank another one? A short training with one zero-cost proxy, each in turn.

The ranks of the two count equally, so that nothing is fitted but which zero-cost proxy it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
from scipy.stats import rankdata, spearmanr

from reports.results.collect import RULE, Row
from reports.results.overview import FEWEST, PairsBySpace, averaged_over, mean_rhos, pairs_by_space, with_interval
from reports.results.spaces import ZERO_COST

TRAINING = "regression-fast"


def left_out(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """One row per space that is left out, and one for their mean: see `chosen_elsewhere`."""
    return chosen_elsewhere(pairs_by_space(connection), ZERO_COST)


def chosen_elsewhere(pairs: PairsBySpace, choices: Sequence[str]) -> list[Row]:
    """For each space the sum with the highest mean rho over the other spaces, and how it ranks the one left out.

    Args:
        pairs: `arch_ids`, `scores` and `truths` of each proxy, by space and for each of its targets.
        choices: zero-cost proxies, of which those are tried that every space has scores of.

    Returns:
        `space`; `chosen`; `others`, the mean rho that it was chosen for; `rho` on the space left out and that of the
        generic rule, `rule`, with their intervals. Of the last row, whose `space` is None, the means over the spaces;
        `elsewhere` and `rule_elsewhere` are those over the spaces that the generic rule was not chosen on.
    """
    every_target = [target for targets in pairs.values() for target in targets]
    names = [name for name in choices if all(len(summed(target, name)["truths"]) >= FEWEST for target in every_target)]
    rhos = {name: [_rho([summed(target, name) for target in targets]) for targets in pairs.values()] for name in names}
    rows, held, ruled = [], [], []
    for place, (space, targets) in enumerate(pairs.items()):
        others = {name: float(np.mean(np.delete(values, place))) for name, values in rhos.items()}
        chosen = max(names, key=others.__getitem__)
        held.append(mean_rhos([summed(target, chosen) for target in targets], place))
        ruled.append(mean_rhos([target[RULE] for target in targets], place))
        rows.append(
            {
                "space": space.title, "chosen": chosen, "others": others[chosen],
                "rho": with_interval(held[-1]), "rule": with_interval(ruled[-1]),
            }
        )  # fmt: skip
    new = [place for place, space in enumerate(pairs) if not space.chosen_on]
    means = {
        "rho": averaged_over(held), "rule": averaged_over(ruled),
        "elsewhere": averaged_over([held[place] for place in new]),
        "rule_elsewhere": averaged_over([ruled[place] for place in new]),
    }  # fmt: skip
    return [*rows, {"space": None, **{name: with_interval(mean) for name, mean in means.items()}}]


def summed(target: dict[str, Row], name: str) -> Row:
    """The sum of the ranks of the training and of one proxy, beside true values, where both have a score."""
    other = target.get(name, {"arch_ids": [], "scores": []})
    by_other = dict(zip(other["arch_ids"], other["scores"], strict=True))
    training = target[TRAINING]
    both = [
        (arch, score, by_other[arch], truth)
        for arch, score, truth in zip(training["arch_ids"], training["scores"], training["truths"], strict=True)
        if arch in by_other
    ]
    arch_ids, trained, scores, truths = zip(*both, strict=True) if both else ((), (), (), ())
    return {"arch_ids": arch_ids, "scores": (rankdata(trained) + rankdata(scores)).tolist(), "truths": truths}


def _rho(pairs: list[Row]) -> float:
    """The mean of rho over the targets of a space."""
    return float(np.mean([spearmanr(pair["scores"], pair["truths"]).statistic for pair in pairs]))
