"""A proxy above the leader on its own architectures is named only where it is above it on the same ones."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from scipy import stats

from pipeline.report import page
from pipeline.report.text import number
from tests.fixtures import lakes
from tests.fixtures.lakes import OURS, SIZE

TRUTH = [50 + 10 * math.sin(1.7 * i) + i / 5 for i in range(60)]
OWN = 45  # the leader is also scored on the others, the last, of which it ranks the first 45 better than those
ERROR = [(3 if i < OWN else 40) * math.sin(5 * i) for i in range(60)]
LEADER = [truth + error for truth, error in zip(TRUTH, ERROR, strict=True)]


def noisy(size: float) -> list[float]:
    return [truth + size * math.cos(3 * i) for i, truth in enumerate(TRUTH[:OWN])]


@pytest.mark.parametrize(
    ("scores", "named"),
    [(TRUTH[:OWN], True), (TRUTH[:29], False), (noisy(6), False), (LEADER[:OWN], False)],
    ids=["higher", "of few", "lower", "equal"],
)
def test_one_is_higher_where_it_ranks_the_same_architectures_better(
    tmp_path: Path, scores: list[float], named: bool
) -> None:
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(lakes.BIG, "big")], metrics=[lakes.metric()],
        truth=[lakes.truth(i, t) for i, t in enumerate(TRUTH)],
        proxies=[
            lakes.proxy(OURS, "leader", kind="trained", higher_is_better=True),
            lakes.proxy(SIZE, "other", kind="zero-cost", higher_is_better=True),
        ],
        scores=[
            lakes.score(i, proxy, value)
            for proxy, values in ((OURS, LEADER), (SIZE, scores)) for i, value in enumerate(values)
        ],
    )  # fmt: skip
    page.write(lake.root, tmp_path / "out")
    [space] = json.loads((tmp_path / "out" / "report.json").read_text())["spaces"]
    [target] = space["targets"]
    rows = {row["label"]: row for row in target["leaderboard"]}
    assert rows["other"]["own_rho"] > rows["leader"]["own_rho"], "all are higher on different architectures"
    text = " ".join(target["verdict"])
    assert ("has a higher rho" in text) == (target["higher"] is not None) == named
    if named:
        rho, leader = (stats.spearmanr(side[:OWN], TRUTH[:OWN]).statistic for side in (scores, LEADER))
        higher = target["higher"]
        assert (higher["proxy"], higher["n"]) == ("other", OWN)
        assert (higher["rho"], higher["leader_rho"]) == (pytest.approx(rho), pytest.approx(leader))
        assert f"On the {OWN} architectures that both have scored, other has a higher rho: {number(rho)}" in text
        assert f", to {number(leader)} of leader." in text
