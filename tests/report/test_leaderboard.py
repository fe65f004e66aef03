"""The leaderboard and its verdict: who leads, who cannot be told from it, and that few architectures lead nothing."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from pipeline import catalog
from pipeline.lake.store import Lake
from pipeline.report import kept, page
from pipeline.report.leaderboard import FEW
from pipeline.report.queries import Row
from tests.fixtures import lakes

TRUTH = [50 + 10 * math.sin(1.7 * i) + i / 5 for i in range(60)]
FAST, LONG, SIZE, CHANCE, SMALL = (f"{digit * 16}" for digit in "45678")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two trained proxies that err alike, the size, chance, and one that has four scores in the true order."""
    seconds = {FAST: 0.2, LONG: 3.0, SIZE: 0.01, CHANCE: 0.001, SMALL: 0.1}
    value = {
        FAST: lambda i: TRUTH[i] + 4 * math.sin(5 * i), LONG: lambda i: TRUTH[i] + 4 * math.sin(5 * i + 0.2),
        SIZE: lambda i: TRUTH[i] + 25 * math.cos(3 * i), CHANCE: lambda i: math.sin(1000.0 * i * i),
        SMALL: lambda i: TRUTH[i],
    }  # fmt: skip
    names = {FAST: "fast", LONG: "long", SIZE: "params", CHANCE: "random", SMALL: "small"}
    kinds = {FAST: "trained", LONG: "trained", SMALL: "trained"}
    return lakes.publish(
        tmp_path_factory.mktemp("board") / "lake", sources=[lakes.source(lakes.BIG, "big")], metrics=[lakes.metric()],
        truth=[lakes.truth(i, t) for i, t in enumerate(TRUTH)],
        proxies=[lakes.proxy(p, n, kind=kinds.get(p, "zero-cost"), higher_is_better=True) for p, n in names.items()],
        scores=[
            lakes.score(i, p, value[p](i), seconds=100.0 if i == 0 else seconds[p])
            for p in names for i in range(4 if p == SMALL else 60)
        ],
    )  # fmt: skip


@pytest.fixture(scope="module")
def space(lake: Lake) -> Row:
    first: Row = kept.of_lake(lake, lambda _: None).content["spaces"][0]
    return first


@pytest.fixture(scope="module")
def target(space: Row) -> Row:
    first: Row = space["targets"][0]
    return first


def test_every_proxy_stands_once_and_the_few_scores_of_one_lead_nothing(space: Row, target: Row) -> None:
    assert [row["label"] for row in space["ranking"]][-1] == "small"
    rows = {row["label"]: row for row in target["leaderboard"]}
    assert [row["label"] for row in target["leaderboard"]][-1] == "small"
    assert (rows["small"]["few"], rows["small"]["shared"], rows["small"]["rho"]) == (True, False, pytest.approx(1))
    assert {rows[name]["n"] for name in ("fast", "long", "params", "random")} == {60} and rows["small"]["n"] == 4 < FEW


def test_a_slow_first_call_does_not_count(target: Row) -> None:
    assert {row["label"]: row["seconds"] for row in target["leaderboard"]} == pytest.approx(
        {"fast": 0.2, "long": 3.0, "params": 0.01, "random": 0.001, "small": 0.1}
    )


def test_the_verdict_names_the_leader_its_equals_the_cheap_one_and_what_all_beat(target: Row) -> None:
    leader = target["leaderboard"][0]["label"]
    other = {"fast": "long", "long": "fast"}[leader]
    text = " ".join(target["verdict"])
    assert text.startswith(f"{leader} leads: rho ") and f"{other} (" in text and "cannot be told from it" in text
    [equals] = [sentence for sentence in target["verdict"] if "cannot be told from it" in sentence]
    assert "params" not in equals and "random" not in equals
    assert ("The best under half a second per architecture is fast" in text) == (leader == "long")
    assert "All but random rank better than the number of parameters" in text
    assert "All rank better than a random order" in text


def test_the_page_says_what_the_views_say(lake: Lake, target: Row) -> None:
    """Of the view that the README queries: rho, n, failures, seconds; its interval is near the bootstrap's."""
    view = catalog.run_sql(lake, "FROM leaderboard").to_pylist()
    shared = [row for row in target["leaderboard"] if row["shared"]]
    for column in ("rho", "n", "n_failed", "seconds", "proxy_id"):
        assert [row[column] for row in view] == [row[column] for row in shared]
    assert [row["place"] for row in view] == [1, 2, 3, 4]
    for row, of_page in zip(view, shared, strict=True):
        assert row["low"] < row["rho"] < row["high"]
        assert row["low"] == pytest.approx(of_page["low"], abs=0.08)
        assert row["high"] == pytest.approx(of_page["high"], abs=0.08)
    best = {r["proxy_id"]: r for r in catalog.run_sql(lake, "FROM best_of_k WHERE k = 10").to_pylist()}
    correlations = {r["proxy_id"]: r for r in catalog.run_sql(lake, "FROM correlations").to_pylist()}
    for row in target["leaderboard"]:
        assert (row["own_rho"], row["own_n"]) == tuple(correlations[row["proxy_id"]][c] for c in ("rho", "n"))
        if row["shared"]:
            for column in ("ndcg", "precision_at_k", "regret", "best_found"):
                assert row[column] == best[row["proxy_id"]][column]


def test_a_trial_run_of_four_scores_names_no_leader(tmp_path: Path) -> None:
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(lakes.BIG, "big")], metrics=[lakes.metric()],
        truth=[lakes.truth(i, t) for i, t in enumerate(TRUTH)], proxies=[lakes.proxy(FAST, "fast", kind="trained")],
        scores=[lakes.score(i, FAST, TRUTH[i]) for i in range(4)],
    )  # fmt: skip
    [target] = kept.of_lake(lake, lambda _: None).content["spaces"][0]["targets"]
    assert target["verdict"] == [] and target["leaderboard"][0]["few"]
    assert catalog.run_sql(lake, "FROM leaderboard").num_rows == 0


@pytest.mark.parametrize(
    ("count", "values", "why"),
    [
        (29, TRUTH, f"fewer than {FEW} architectures with a true value have a score by every compared proxy"),
        (30, [1.0] * 60, "the scores of each compared proxy are equal, or all true values are"),
        (0, TRUTH, "there is no architecture with a true value on which proxies can be compared"),
    ],
    ids=["few", "equal", "made with labels"],
)
def test_the_page_says_why_no_leader_is_named(tmp_path: Path, count: int, values: list[float], why: str) -> None:
    proxy = FAST if count else lakes.TUNED
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(lakes.BIG, "big")], metrics=[lakes.metric()],
        truth=[lakes.truth(i, t) for i, t in enumerate(TRUTH)], tunings=[lakes.tuning()],
        proxies=[lakes.proxy(proxy, "one", kind="trained")],
        scores=[lakes.score(i, proxy, values[i]) for i in range(count or 60)],
    )  # fmt: skip
    assert f"No leader is named: {why}." in page.write(lake.root, tmp_path / "out").index.read_text()


def test_two_trained_scores_do_not_shrink_the_comparison_of_the_rest(tmp_path: Path) -> None:
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(lakes.BIG, "big")], metrics=[lakes.metric()],
        truth=[lakes.truth(i, t) for i, t in enumerate(TRUTH)],
        proxies=[lakes.proxy(FAST, "fast", kind="trained"), lakes.proxy(SIZE, "params", kind="zero-cost")],
        scores=[lakes.score(i, FAST, TRUTH[i]) for i in range(2)] + [lakes.score(i, SIZE, TRUTH[i]) for i in range(40)],
    )  # fmt: skip
    rows = catalog.run_sql(lake, "SELECT proxy, n FROM comparison").to_pylist()
    assert rows == [{"proxy": "params", "n": 40}]


def test_labels_tell_aggregates_apart_where_one_space_holds_all_terms_of_both(tmp_path: Path) -> None:
    def aggregate(proxy_id: str, images: str, *terms: str) -> dict[str, object]:
        pinned = [{"proxy": "snip", "proxy_id": term, "weight": 1.0, "transform": "rank"} for term in terms]
        return lakes.proxy(proxy_id, "sum", {"images": {"kind": images}, "terms": pinned}, kind="aggregate")

    first, second, elsewhere = "a" * 16, "b" * 16, "c" * 16
    lake = lakes.publish(
        tmp_path / "lake",
        proxies=[
            lakes.proxy(FAST, "snip"), lakes.proxy(LONG, "snip", {"more": 1}), lakes.proxy(SIZE, "snip", {"more": 2}),
            aggregate(first, "cifar10", FAST), aggregate(second, "noise", LONG),
            aggregate(elsewhere, "noise", FAST, SIZE),
        ],
        scores=[lakes.score(1, FAST, 1.0), lakes.score(1, LONG, 1.0), lakes.score(1, SIZE, 1.0, space="other")],
    )  # fmt: skip
    rows = catalog.run_sql(lake, "FROM proxy_labels WHERE aggregate").to_pylist()
    assert {row["proxy_id"]: row["label"] for row in rows} == {
        first: "sum (cifar10 images)", second: "sum (noise images)", elsewhere: "sum",
    }  # fmt: skip


def test_labels_tell_images_apart_only_where_one_space_holds_both(tmp_path: Path) -> None:
    images = {"images": {"kind": "cifar10"}}
    noise = {"images": {"kind": "noise"}}
    lake = lakes.publish(
        tmp_path / "lake",
        proxies=[
            lakes.proxy(FAST, "snip", images), lakes.proxy(LONG, "snip", noise), lakes.proxy(SIZE, "snip"),
            lakes.proxy(CHANCE, "snip", {**noise, "more": 1}),
        ],
        scores=[
            lakes.score(1, FAST, 1.0), lakes.score(1, SIZE, 1.0, space="other"),
            lakes.score(1, LONG, 1.0, space="third"), lakes.score(1, CHANCE, 1.0, space="third"),
        ],
    )  # fmt: skip
    labels = {r["proxy_id"]: r["label"] for r in catalog.run_sql(lake, "FROM proxy_labels").to_pylist()}
    assert labels == {
        FAST: "snip",
        SIZE: "snip",
        LONG: "snip (noise images) 555555",
        CHANCE: "snip (noise images) 777777",
    }
