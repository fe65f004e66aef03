"""Proxies on the same architectures: who is compared, failures last, the k best, and what others report."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from pipeline import catalog, rank_correlation
from pipeline.lake.store import Lake
from pipeline.report import comparison
from pipeline.report import page as report
from pipeline.report.chart_data import drawn_tables
from pipeline.report.queries import answer, answer_of, of_space, records, target_of
from tests.fixtures import lakes
from tests.fixtures.lakes import BIG, OURS, RELEASED, SIZE

FEW, PART = "4444444444444444", "5555555555555555"
TRUTH = [50.0, 61, 55, 72, 64, 58, 80, 77, 69, 53, 66, 74, 59, 62, 71, 57, 68, 75, 52, 60, 63, 79, 56, 70]
SIZES = range(len(TRUTH))
MAIN = {"benchmark": lakes.BENCHMARK, "space": lakes.SPACE, "dataset": lakes.DATASET, "metric": lakes.METRIC}


def ours(i: int) -> float:
    return -TRUTH[i] + 7 * math.sin(i)  # a loss


def size(i: int) -> float:
    return TRUTH[i] + 15 * math.cos(3 * i)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two proxies of ours on all but the last (one failure), one of two scores, a release of all and one of a third."""
    failed = {"status": "diverged", "reason": "loss is nan"}
    return lakes.publish(
        tmp_path_factory.mktemp("compared") / "lake", sources=[lakes.source(BIG, "big")], metrics=[lakes.metric()],
        truth=[lakes.truth(i, t) for i, t in enumerate(TRUTH)],
        proxies=[
            lakes.proxy(OURS, "ours"), lakes.proxy(SIZE, "size", higher_is_better=True), lakes.proxy(FEW, "few"),
            lakes.proxy(RELEASED, "synflow@big", higher_is_better=True), lakes.proxy(PART, "part@big"),
        ],
        scores=[
            *(lakes.score(i, OURS, ours(i)) for i in SIZES[:-1] if i != 6), lakes.score(6, OURS, None, **failed),
            *(lakes.score(i, SIZE, size(i)) for i in SIZES[:-1]),
            *(lakes.score(i, FEW, float(i)) for i in (0, 1)),
            *(lakes.score(i, RELEASED, TRUTH[i], seed=None) for i in SIZES),
            *(lakes.score(i, PART, TRUTH[i], seed=None) for i in SIZES[:8]),
        ],
    )  # fmt: skip


def ask(lake: Lake, sql: str) -> list[dict[str, Any]]:
    return catalog.run_sql(lake, sql).to_pylist()


def test_compared_are_those_with_enough_scores_on_what_all_of_them_tried(lake: Lake) -> None:
    counts = "SELECT proxy_id, count(*) AS n, count(score) AS ok FROM comparison_scores GROUP BY ALL ORDER BY proxy_id"
    rows = ask(lake, counts)
    assert [(r["proxy_id"], r["n"], r["ok"]) for r in rows] == [(OURS, 23, 22), (SIZE, 23, 23), (RELEASED, 23, 23)]
    assert ask(lake, "SELECT DISTINCT arch_id FROM comparison_scores WHERE NOT all_ok") == [{"arch_id": lakes.arch(6)}]


@pytest.mark.parametrize(("values", "compared"), [(19, [OURS]), (20, [OURS, SIZE])])
def test_a_proxy_without_a_value_of_many_architectures_leaves_them_to_the_others(
    tmp_path: Path, values: int, compared: list[str]
) -> None:
    """As NASWOT has no value of networks without ReLUs, in a space where more than a fifth have none."""
    nothing = {"status": "failed", "reason": "ValueError: the network has no ReLU"}
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(BIG, "big")], metrics=[lakes.metric()],
        truth=[lakes.truth(i, t) for i, t in enumerate(TRUTH)],
        proxies=[lakes.proxy(OURS, "ours"), lakes.proxy(SIZE, "naswot", kind="zero-cost")],
        scores=[
            *(lakes.score(i, OURS, ours(i)) for i in SIZES),
            *(lakes.score(i, SIZE, size(i)) for i in SIZES[:values]),
            *(lakes.score(i, SIZE, None, **nothing) for i in SIZES[values:]),
        ],
    )  # fmt: skip
    rows = ask(lake, "SELECT proxy_id, n FROM comparison ORDER BY proxy_id")
    assert rows == [{"proxy_id": p, "n": 24 if values == 19 else 20} for p in compared]


@pytest.mark.parametrize(("fails", "compared"), [(range(3, 6), [OURS, SIZE]), (range(4), [OURS, SIZE, FEW])])
def test_failures_of_several_proxies_leave_four_fifths_to_all_that_are_compared(
    tmp_path: Path, fails: range, compared: list[str]
) -> None:
    """Of 24, one proxy fails on the first three, and another on three others, or on these three and a fourth."""
    failed = {SIZE: range(3), FEW: fails, OURS: range(0)}
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(BIG, "big")], metrics=[lakes.metric()],
        truth=[lakes.truth(i, t) for i, t in enumerate(TRUTH)],
        proxies=[
            lakes.proxy(p, f"proxy-{p[:1]}", kind="trained" if p == OURS else "zero-cost") for p in failed
        ],
        scores=[
            lakes.score(i, p, None, status="failed", reason="x") if i in numbers else lakes.score(i, p, float(i))
            for p, numbers in failed.items() for i in SIZES
        ],
    )  # fmt: skip
    rows = ask(lake, "SELECT proxy_id, n FROM comparison ORDER BY proxy_id")
    shared = 21 if len(compared) == 2 else 20
    assert rows == [{"proxy_id": p, "n": shared} for p in sorted(compared)]


@pytest.mark.parametrize(("others", "compared", "n"), [(3, [OURS, SIZE, FEW], 15), (4, [OURS, SIZE], 18)])
def test_architectures_on_which_all_fail_leave_nobody_out(
    tmp_path: Path, others: int, compared: list[str], n: int
) -> None:
    """Of 24, no proxy has a value of the first six, as of networks too large; one fails on a fifth of the rest, too."""
    failed = {OURS: 6, SIZE: 6, FEW: 6 + others}
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(BIG, "big")], metrics=[lakes.metric()],
        truth=[lakes.truth(i, t) for i, t in enumerate(TRUTH)],
        proxies=[lakes.proxy(p, f"proxy-{p[:1]}", kind="zero-cost") for p in failed],
        scores=[
            lakes.score(i, p, None, status="failed", reason="out of memory") if i < count
            else lakes.score(i, p, float(i)) for p, count in failed.items() for i in SIZES
        ],
    )  # fmt: skip
    rows = ask(lake, "SELECT proxy_id, n, n_tried FROM comparison ORDER BY proxy_id")
    assert rows == [{"proxy_id": p, "n": n, "n_tried": 24} for p in sorted(compared)]


def test_proxies_that_train_lead_and_what_holds_less_than_nine_tenths_of_theirs_is_left_out(tmp_path: Path) -> None:
    """Trained: a preset on 24 and one on 11; a cheap proxy on 40 and one on 20 of the 24; a release on 22 of them."""
    cheap = "6666666666666666"
    on = {OURS: range(24), FEW: range(11), SIZE: range(40), cheap: range(20), RELEASED: range(2, 30)}
    kinds = {OURS: "trained", FEW: "trained", RELEASED: "released"}
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(BIG, "big")], metrics=[lakes.metric()],
        truth=[lakes.truth(i, float(i)) for i in range(40)],
        proxies=[
            lakes.proxy(p, "synflow@big" if p == RELEASED else f"proxy-{p[:1]}", kind=kinds.get(p, "zero-cost"))
            for p in on
        ],
        scores=[lakes.score(i, p, float(i)) for p, numbers in on.items() for i in numbers],
        curves=[lakes.curve(i, p, 0, "train", [1.0]) for p in (OURS, FEW) for i in on[p]],
    )  # fmt: skip
    rows = ask(lake, "SELECT proxy_id, count(*) AS n FROM comparison_scores GROUP BY ALL ORDER BY proxy_id")
    assert [(r["proxy_id"], r["n"]) for r in rows] == sorted((p, 22) for p in (OURS, SIZE, RELEASED))


def test_a_training_of_less_than_half_is_compared_where_it_holds_nine_tenths_of_what_the_leaders_share(
    tmp_path: Path,
) -> None:
    """Trained on 40, on 20 and on 19 of these 20. The one on 20 may fail on a fifth of them, and is left out beyond."""
    on = {OURS: range(40), SIZE: range(20), FEW: range(19)}
    for failed, compared in ((4, [OURS, SIZE, FEW]), (5, [OURS, FEW])):
        lake = lakes.publish(
            tmp_path / str(failed), sources=[lakes.source(BIG, "big")], metrics=[lakes.metric()],
            truth=[lakes.truth(i, float(i)) for i in range(40)],
            proxies=[lakes.proxy(p, f"proxy-{p[:1]}", kind="trained") for p in on],
            scores=[
                lakes.score(i, p, None, status="failed", reason="x") if p == SIZE and i < failed
                else lakes.score(i, p, float(i)) for p, numbers in on.items() for i in numbers
            ],
        )  # fmt: skip
        rows = ask(lake, "SELECT proxy_id, n_tried FROM comparison")
        assert sorted((r["proxy_id"], r["n_tried"]) for r in rows) == sorted((p, 19) for p in compared)


def test_a_training_made_with_labels_neither_leads_nor_takes_architectures_from_the_others(tmp_path: Path) -> None:
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(BIG, "big")], metrics=[lakes.metric()],
        truth=[lakes.truth(i, float(i)) for i in range(40)],
        proxies=[lakes.proxy(p, f"proxy-{p[:1]}", kind="trained") for p in (OURS, FEW)],
        scores=[lakes.score(i, p, float(i % 7)) for p in (OURS, FEW) for i in range(30 if p == OURS else 40)],
        tunings=[lakes.tuning(name="tuned", proxy_id=FEW, labels=[lakes.arch(i) for i in range(4)])],
    )  # fmt: skip
    assert ask(lake, "SELECT proxy_id, n FROM comparison") == [{"proxy_id": OURS, "n": 30}]
    with closing(catalog.snapshot(lake)) as connection:
        drawn = drawn_tables(connection)["drawn_scores"].set_index("proxy_id")["arch_ids"].map(len)
    assert drawn.to_dict() == {OURS: 30, FEW: 36}, "no chart has the labels"


def test_scores_of_architectures_without_a_true_value_leave_the_comparison_as_it_is(tmp_path: Path) -> None:
    """A table of 24 with two proxies, then a lake of many scores that wait for their architectures is merged."""
    trained, second = "6666666666666666", "letters"
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(BIG, "big")],
        metrics=[lakes.metric(), lakes.metric(second, priority=2)],
        truth=[lakes.truth(i, t) for i, t in enumerate(TRUTH[:20])]
        + [lakes.truth(i, t, dataset=second) for i, t in enumerate(TRUTH)],
        proxies=[lakes.proxy(OURS, "ours"), lakes.proxy(SIZE, "size", higher_is_better=True)],
        scores=[row for i in SIZES for row in (lakes.score(i, OURS, ours(i)), lakes.score(i, SIZE, size(i)))],
    )  # fmt: skip
    stored = "SELECT dataset, proxy_id, n, n_tried, rho FROM comparison ORDER BY ALL"
    before = ask(lake, stored)
    assert {(row["dataset"], row["n"]) for row in before} == {(lakes.DATASET, 20), (second, 24)}
    lakes.publish(
        lake.root, "merged", proxies=[lakes.proxy(trained, "merged", kind="trained")],
        scores=[lakes.score(i, trained, float(i % 9)) for i in range(22, 200)],
    )  # fmt: skip
    assert ask(lake, stored) == before


def test_differences_of_every_pair_have_an_interval_near_the_paired_bootstrap(lake: Lake) -> None:
    rows = {(r["proxy"], r["other"]): r for r in ask(lake, "FROM differences")}
    assert len(rows) == 6
    kept = [i for i in SIZES[:-1] if i != 6]
    scores, truth = np.array([[-ours(i) for i in kept], [size(i) for i in kept]]), np.array([TRUTH[i] for i in kept])
    row, mirrored = rows["ours", "size"], rows["size", "ours"]
    rhos = [float(stats.spearmanr(one, truth).statistic) for one in scores]
    assert [row["rho"], row["other_rho"], row["n"]] == [*map(pytest.approx, rhos), 22]
    assert row["agreement"] == pytest.approx(stats.spearmanr(*scores).statistic)
    assert row["difference"] == pytest.approx(rhos[0] - rhos[1]) == -mirrored["difference"]
    assert (row["low"], row["high"]) == (pytest.approx(-mirrored["high"]), pytest.approx(-mirrored["low"]))
    [paired] = rank_correlation.paired_intervals_by_target(scores, truth[None], [[0, 1]])
    assert row["low"] == pytest.approx(paired.difference_low[0, 1], abs=0.1)
    assert row["high"] == pytest.approx(paired.difference_high[0, 1], abs=0.1)
    assert rows["synflow@big", "ours"]["low"] is None  # a rho of 1 has no interval


def test_rho_leaves_failures_out_or_ranks_them_last(lake: Lake) -> None:
    rows = {r["proxy_id"]: r for r in ask(lake, "FROM comparison")}
    tried = list(SIZES[:-1])
    kept = [i for i in tried if i != 6]
    truth = np.array(TRUTH)
    assert rows[OURS]["rho"] == pytest.approx(stats.spearmanr([-ours(i) for i in kept], truth[kept]).statistic)
    last = [-ours(i) if i != 6 else -1e9 for i in tried]
    assert rows[OURS]["rho_failures_last"] == pytest.approx(stats.spearmanr(last, truth[tried]).statistic)
    assert rows[SIZE]["rho"] == pytest.approx(stats.spearmanr([size(i) for i in kept], truth[kept]).statistic)
    assert {(r["n"], r["n_tried"]) for r in rows.values()} == {(22, 23)}
    assert [rows[p]["n_failed"] for p in (OURS, SIZE, RELEASED)] == [1, 0, 0]


def test_the_best_of_k_against_counting_by_hand(lake: Lake) -> None:
    kept = [i for i in SIZES[:-1] if i != 6]
    truth = np.array([TRUTH[i] for i in kept])
    order = np.argsort([-size(i) for i in kept])[:5]
    gains = 2 ** ((truth - truth.min()) / np.ptp(truth)) - 1
    discount = 1 / np.log2(np.arange(5) + 2)
    [best] = ask(lake, f"FROM best_of_k WHERE k = 5 AND proxy_id = '{SIZE}'")
    assert best["precision_at_k"] == np.mean(np.isin(order, np.argsort(-truth)[:5]))
    assert best["ndcg"] == pytest.approx(gains[order] @ discount / (np.sort(gains)[::-1][:5] @ discount))
    assert best["best_found"] == truth[order].max()
    assert best["regret"] == pytest.approx(truth.max() - truth[order].max())
    perfect = ask(lake, f"FROM best_of_k WHERE proxy_id = '{RELEASED}'")
    assert {(r["precision_at_k"], round(r["ndcg"], 12), r["regret"]) for r in perfect} == {(1.0, 1.0, 0.0)}
    assert [r["k"] for r in ask(lake, "SELECT DISTINCT k FROM best_of_k ORDER BY k")] == [1, 5, 10, 20]


def test_a_proxy_of_one_value_is_taken_at_its_worst(tmp_path: Path) -> None:
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(BIG, "big")], metrics=[lakes.metric()],
        truth=[lakes.truth(i, float(i)) for i in range(6)], proxies=[lakes.proxy(OURS, "ours")],
        scores=[lakes.score(i, OURS, 1.0) for i in range(6)],
    )  # fmt: skip
    [best] = ask(lake, "FROM best_of_k WHERE k = 5")
    assert (best["best_found"], best["regret"], best["precision_at_k"]) == (4.0, 1.0, 0.8)
    assert ask(lake, "SELECT rho, rho_failures_last FROM comparison") == [{"rho": None, "rho_failures_last": None}]


def test_differences_are_to_the_highest_and_paired(lake: Lake) -> None:
    with catalog.snapshot(lake) as connection:
        [compared] = comparison.compare_by_target(connection, [MAIN])
        assert of_space(answer(connection, "published"), MAIN).empty
    first, *others = records(compared.rows)
    assert (first["proxy_id"], first["rho"], first["difference"]) == (RELEASED, 1.0, None)
    for place, row in enumerate(others, 1):
        assert row["difference"] == pytest.approx(row["rho"] - 1)
        assert row["difference_low"] < row["difference"] < row["difference_high"] < 0
        assert row["shared_low"] < row["rho"] < row["shared_high"]
        assert compared.difference_low[0, place] == -row["difference_high"]


def test_seeds_are_told_as_a_spread_and_the_truths_own_as_a_ceiling(tmp_path: Path) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    [spread] = ask(lake, "FROM seed_spread WHERE metric = 'test_accuracy'")
    rhos = [r["rho"] for r in ask(lake, f"FROM correlations WHERE proxy_id = '{OURS}' AND metric = 'test_accuracy'")]
    assert (spread["seeds"], spread["lowest_rho"], spread["highest_rho"]) == (2, min(rhos), max(rhos))
    assert spread["sd_rho"] == pytest.approx(np.std(rhos, ddof=1))
    ceiling = {r["kind"]: r for r in ask(lake, "FROM noise_ceiling WHERE metric = 'test_accuracy'")}
    assert ceiling["seeds"]["pairs"] == 3 and 0.8 < ceiling["seeds"]["rho"] <= 1


def test_a_ceiling_is_of_one_quantity_and_is_told_of_as_many_architectures_as_an_interval(tmp_path: Path) -> None:
    metrics = [
        lakes.metric(), lakes.metric(metric="validation_accuracy", split="validation", priority=2),
        lakes.metric(metric="validation_loss", split="validation", unit="nats", higher_is_better=False, priority=3),
        lakes.metric(metric="ssim", unit="none"),
        lakes.metric(metric="l1", unit="none", split="validation", higher_is_better=False),
    ]  # fmt: skip
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(BIG, "big")], metrics=metrics,
        truth=[lakes.truth(i, t, metric=m["metric"]) for i, t in enumerate(TRUTH) for m in metrics]
        + [lakes.truth(i, TRUTH[i] + i % 2, seed=s) for i in range(9) for s in (1, 2)],
    )  # fmt: skip
    stored = "SELECT metric, kind, least_n FROM noise_ceiling ORDER BY ALL"
    assert [tuple(row.values()) for row in ask(lake, stored)] == [
        (lakes.METRIC, f"{lakes.DATASET} validation_accuracy", 24), (lakes.METRIC, "seeds", 9),
        ("validation_accuracy", f"{lakes.DATASET} {lakes.METRIC}", 24),
    ]  # fmt: skip
    with catalog.snapshot(lake) as connection:
        told = records(answer_of(connection, "ceiling", target_of(MAIN)))
    assert [row["kind"] for row in told] == [f"{lakes.DATASET} validation_accuracy"]


def test_what_others_report_stands_beside_the_same_proxy_here(tmp_path: Path) -> None:
    place = {"benchmark": "nasbench201", "space": "topology"}
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(BIG, "big", **place)],
        metrics=[lakes.metric("cifar10", priority=1, benchmark="nasbench201")],
        truth=[lakes.truth(i, t, dataset="cifar10", **place) for i, t in enumerate(TRUTH)],
        proxies=[lakes.proxy(OURS, "synflow", higher_is_better=True)],
        scores=[lakes.score(i, OURS, size(i), **place) for i in SIZES],
    )  # fmt: skip
    with catalog.snapshot(lake) as connection:
        main = {**MAIN, **place, "dataset": "cifar10"}
        rows = records(of_space(answer(connection, "published"), main))
    [here] = [row for row in rows if row["label"]]
    assert (here["proxy"], here["published_rho"], here["published_n"], here["n"]) == ("synflow", 0.77, 15625, 24)
    assert here["low"] < here["rho"] < here["high"]
    assert {"flops", "naswot"} <= {row["proxy"] for row in rows if not row["label"]}
    page = report.write(lake.root, tmp_path / "out").index.read_text()
    shown, folded = page.split("<h3>What others report</h3>")[1].split("<summary>Figures without a rho here (")
    assert "synflow" in shown and "naswot" in folded and "naswot" not in shown


def test_published_figures_are_correlations_of_known_benchmarks_with_a_source(lake: Lake) -> None:
    rows = ask(lake, "FROM published")
    assert len({(r["source"], r["benchmark"], r["space"], r["dataset"], r["proxy"]) for r in rows}) == len(rows) >= 12
    for row in rows:
        assert row["source"] and -1 <= (row["rho"] or row["tau"]) <= 1
        assert row["n"] is None or row["n"] > 2
