"""Our scores beside released ones of the same name, against scipy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from pipeline import catalog
from pipeline.lake.store import Lake
from tests.fixtures import lakes
from tests.fixtures.lakes import OURS, RELEASED

RENAMED, SHORT = "4444444444444444", "5555555555555555"
SIZE = 12


@pytest.fixture(scope="module")
def first_and_second() -> Any:
    """Our scores with seed 0 and with seed 1."""
    return np.random.default_rng(2).normal(size=(2, SIZE)).round(1)


@pytest.fixture(scope="module")
def lake(first_and_second: Any, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    rng = np.random.default_rng(2)
    first, second = first_and_second
    rng.normal(size=(2, SIZE))
    released = (first + rng.normal(size=SIZE)).round(1)
    scores = [lakes.score(i, OURS, first[i]) for i in range(SIZE)]
    scores += [lakes.score(i, OURS, second[i], seed=1) for i in range(SIZE)]
    scores += [lakes.score(i, RELEASED, released[i], seed=None) for i in range(2, SIZE)]
    scores += [lakes.score(i, RENAMED, 2 * first[i], seed=None) for i in range(SIZE)]
    scores += [lakes.score(i, SHORT, first[i], seed=None) for i in range(9)]
    scores.append(lakes.score(50, RELEASED, None, seed=None, status="failed", reason="who knows"))
    names = {OURS: "naswot", RELEASED: "naswot@them", RENAMED: "nwot@others", SHORT: "naswot@few"}
    proxies = [lakes.proxy(proxy_id, name) for proxy_id, name in names.items()]
    return lakes.publish(tmp_path_factory.mktemp("lake") / "lake", proxies=proxies, scores=scores)


def ask(lake: Lake, sql: str) -> list[dict[str, Any]]:
    return catalog.run_sql(lake, sql).to_pylist()


def test_architectures_lie_apart_by_their_relative_ranks(lake: Lake) -> None:
    rows = ask(lake, "FROM released_score_pairs WHERE seed = 0 AND released = 'naswot@them' ORDER BY arch_id")
    assert [r["arch_id"] for r in rows] == [lakes.arch(i) for i in range(2, SIZE)]
    for column, place in (("score", "place"), ("released_score", "released_place")):
        expected = stats.rankdata([r[column] for r in rows]) / len(rows)
        assert [r[place] for r in rows] == pytest.approx(expected)
    assert all(r["apart"] == pytest.approx(abs(r["place"] - r["released_place"])) for r in rows)


def test_agreement_is_that_of_scipy_beside_our_own_between_seeds(lake: Lake, first_and_second: Any) -> None:
    first, second = first_and_second
    rows = {(r["released"], r["seed"]): r for r in ask(lake, "FROM released_score_agreement")}
    assert len(rows) == 6
    assert rows["naswot@few", 0]["spearman"] == pytest.approx(1) and rows["naswot@few", 0]["own_rho"] is None
    for seed, ours in enumerate((first, second)):
        beside = ask(
            lake, f"FROM released_score_pairs WHERE seed = {seed} AND released = 'naswot@them' ORDER BY arch_id"
        )
        theirs = [r["released_score"] for r in beside]
        found = rows["naswot@them", seed]
        assert found["n"] == SIZE - 2 and found["factor"] is None
        assert found["pearson"] == pytest.approx(np.corrcoef(ours[2:], theirs)[0, 1])
        assert found["spearman"] == pytest.approx(stats.spearmanr(ours[2:], theirs).statistic)
        assert found["own_rho"] == pytest.approx(stats.spearmanr(first[2:], second[2:]).statistic)
    assert rows["nwot@others", 0]["factor"] == pytest.approx(2)
    assert rows["nwot@others", 0]["spearman"] == pytest.approx(1)
