"""The views against scipy and against counting by hand, ties, gaps, failures and infinities included."""

from __future__ import annotations

import math
import random
import tempfile
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline import catalog
from pipeline.lake.store import Lake
from tests.fixtures import lakes
from tests.fixtures.lakes import BIG, OURS, RELEASED, SIZE, SMALL

FEW_VALUES = st.one_of(st.integers(-3, 3).map(float), st.sampled_from([0.0, -0.0, 0.5, 1e-300, 1e300]))
ANY_VALUES = st.floats(allow_nan=False, allow_infinity=False)
COLUMNS = st.lists(
    st.tuples(
        st.one_of(FEW_VALUES, ANY_VALUES, st.none(), st.sampled_from([math.nan, math.inf, -math.inf])),
        st.one_of(FEW_VALUES, st.none()),
    ),
    min_size=1,
    max_size=25,
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return lakes.made_up(tmp_path_factory.mktemp("lake") / "lake")


def ask(lake: Lake, sql: str, **params: Any) -> list[dict[str, Any]]:
    return catalog.run_sql(lake, sql, params).to_pylist()


def one(lake: Lake, sql: str, **params: Any) -> dict[str, Any]:
    [row] = ask(lake, sql, **params)
    return row


def spearman(x: Any, y: Any) -> float | None:
    """scipy's rho, or None where it is not defined."""
    if len(x) < 2 or min(x) == max(x) or min(y) == max(y):
        return None
    return stats.spearmanr(x, y).statistic


@given(COLUMNS, st.booleans(), st.booleans())
@settings(max_examples=15)
def test_rho_is_that_of_scipy_and_what_failed_is_counted(columns: Any, score_up: bool, truth_up: bool) -> None:
    def status(value: float | None) -> str:
        return "diverged" if value is None else "ok"

    with tempfile.TemporaryDirectory() as folder:
        lake = lakes.publish(
            Path(folder) / "lake", sources=[lakes.source(BIG, "big")],
            metrics=[lakes.metric(higher_is_better=truth_up)],
            proxies=[lakes.proxy(OURS, "ours", higher_is_better=score_up)],
            truth=[lakes.truth(i, t) for i, (_, t) in enumerate(columns)] + [lakes.truth(1000, 1.0)],
            scores=[lakes.score(i, OURS, s, status=status(s)) for i, (s, _) in enumerate(columns)],
        )  # fmt: skip
        with closing(catalog.snapshot(lake, stored_for=["FROM correlations_top"])) as connection:
            [found] = catalog.rows(connection, "FROM correlations").to_pylist()
            best = catalog.rows(connection, "FROM correlations_top").to_pylist()
    usable = [s is not None and math.isfinite(s) for s, _ in columns]
    both = [(s, t) for (s, t), fine in zip(columns, usable, strict=True) if fine and t is not None]
    x, y = np.array(both, dtype=float).reshape(-1, 2).T
    expected = spearman(x if score_up else -x, y if truth_up else -y)
    assert found["n"] == len(both)
    assert found["n_failed"] == len(columns) - sum(usable)
    assert found["n_no_truth"] == sum(usable) - len(both)
    assert found["rho"] == (None if expected is None else pytest.approx(expected, abs=1e-12))
    check_best(best, x if score_up else -x, y if truth_up else -y)


def check_best(best: list[dict[str, Any]], x: Any, y: Any) -> None:
    if not len(x):
        assert best == []
        return
    kept = y >= np.sort(y)[::-1][math.ceil(len(y) / 10) - 1]
    expected = spearman(x[kept], y[kept])
    assert best[0]["n"] == kept.sum()
    assert best[0]["rho"] == (None if expected is None else pytest.approx(expected, abs=1e-12))


def test_rho_of_a_whole_space_is_that_of_scipy(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=5000), np.round(rng.normal(size=5000), 1)
    y += np.round(x)
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(BIG, "big")], metrics=[lakes.metric()],
        proxies=[lakes.proxy(OURS, "ours")], truth=[lakes.truth(i, v) for i, v in enumerate(y)],
        scores=[lakes.score(i, OURS, v) for i, v in enumerate(x)],
    )  # fmt: skip
    assert one(lake, "FROM correlations")["rho"] == pytest.approx(spearman(-x, y), abs=1e-12)


def test_where_every_score_failed_there_is_still_a_row(tmp_path: Path) -> None:
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(BIG, "big")], metrics=[lakes.metric()],
        proxies=[lakes.proxy(OURS, "ours")], truth=[lakes.truth(i, float(i)) for i in range(4)],
        scores=[lakes.score(i, OURS, None, status="failed", reason="out of memory") for i in range(4)],
    )  # fmt: skip
    found = one(lake, "SELECT n, n_failed, n_no_truth, rho FROM correlations")
    assert found == {"n": 0, "n_failed": 4, "n_no_truth": 0, "rho": None}


def test_seeds_are_averaged_without_curves_failures_and_infinities(tmp_path: Path) -> None:
    values = [lakes.truth(0, v, seed=s) for s, v in enumerate([3.0, 1.0, 2.0])]
    odd = [lakes.truth(0, math.inf, seed=3), lakes.truth(0, math.nan, seed=4), lakes.truth(0, None, seed=5)]
    lake = lakes.publish(tmp_path / "lake", truth=[*values, *odd, lakes.truth(0, 9.0, seed=0, epoch=1)])
    found = one(lake, "SELECT value, seeds FROM seed_means")
    assert found == {"value": 2.0, "seeds": 3}


def test_equal_seeds_in_another_order_stay_tied(tmp_path: Path) -> None:
    thirds = [0.1, 0.2, 0.3]
    rows = [lakes.truth(i, v, seed=s) for i in range(2) for s, v in enumerate(thirds if i else thirds[::-1])]
    lake = lakes.publish(tmp_path / "lake", truth=rows)
    assert one(lake, "SELECT count(DISTINCT value) AS n FROM seed_means") == {"n": 1}


def test_means_that_are_equal_in_exact_arithmetic_tie(tmp_path: Path) -> None:
    draw = random.Random(0)
    seeds = [[draw.randrange(9_000, 9_100) for _ in range(draw.randint(1, 3))] for _ in range(400)]
    rows = [lakes.truth(i, n / 100, seed=s) for i, numbers in enumerate(seeds) for s, n in enumerate(numbers)]
    lake = lakes.publish(tmp_path / "lake", truth=rows)
    exact = [Fraction(sum(numbers), 100 * len(numbers)) for numbers in seeds]
    summed = {sum(n / 100 for n in numbers) / len(numbers) for numbers in seeds}
    assert len(summed) > len(set(exact))
    found = {row["arch_id"]: row["value"] for row in ask(lake, "FROM seed_means")}
    means = [found[lakes.arch(number)] for number in range(400)]
    assert stats.rankdata(means).tolist() == stats.rankdata([float(mean) for mean in exact]).tolist()
    assert means == pytest.approx([float(mean) for mean in exact], rel=1e-11)


def test_a_value_that_is_no_mean_stays_as_it_is(tmp_path: Path) -> None:
    value = 4.754529050000001
    rows = [lakes.truth(0, value, seed=0), lakes.truth(1, value, seed=0), lakes.truth(1, value, seed=1)]
    lake = lakes.publish(tmp_path / "lake", truth=rows)
    assert [row["value"] for row in ask(lake, "FROM seed_means")] == [value, value]


@pytest.mark.parametrize("value", [0.0, -0.0, 1e300, -1e-300, 5e-324, math.inf, -math.inf, None])
def test_significant_digits_of_any_number(tmp_path: Path, value: float | None) -> None:
    lake = lakes.publish(tmp_path / "lake")
    [row] = ask(lake, f"SELECT significant({'NULL' if value is None else repr(str(value))}::DOUBLE) AS number")
    assert row["number"] == (value if value is None else pytest.approx(value, rel=1e-11, abs=0))


def test_the_reference_has_most_architectures_then_most_values_then_the_smallest_name(tmp_path: Path) -> None:
    def rows(source_id: str, architectures: int, seeds: int, dataset: str) -> list[dict[str, Any]]:
        return [
            lakes.truth(i, 1.0, seed=s, source_id=source_id, dataset=dataset)
            for i in range(architectures)
            for s in range(seeds)
        ]

    z, a = "0000000000000001", "0000000000000002"
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(z, "zebra"), lakes.source(a, "ant")],
        truth=[
            *rows(z, 3, 1, "most"), *rows(a, 2, 9, "most"), *rows(z, 2, 2, "values"), *rows(a, 2, 1, "values"),
            *rows(z, 2, 1, "name"), *rows(a, 2, 1, "name"),
        ],
    )  # fmt: skip
    found = {r["dataset"]: r["source"] for r in ask(lake, "FROM reference_sources")}
    assert found == {"most": "zebra", "values": "zebra", "name": "ant"}


@pytest.mark.parametrize(
    ("covered", "longest"),
    [({12: 10, 200: 10}, 200), ({12: 10, 200: 5}, 200), ({12: 10, 200: 3}, 12), ({None: 10, 12: 10}, 12)],
)
def test_the_longest_training_that_covers_the_space_stands_for_the_metric(
    tmp_path: Path, covered: Any, longest: int
) -> None:
    rows = [lakes.truth(i, 1.0, epochs=epochs) for epochs, n in covered.items() for i in range(n)]
    lake = lakes.publish(tmp_path / "lake", truth=rows)
    assert one(lake, "SELECT epochs FROM reference_sources WHERE longest") == {"epochs": longest}
    assert {r["epochs"] for r in ask(lake, "FROM ground_truth")} == {longest}


def test_ground_truth_never_mixes_sources(lake: Lake) -> None:
    found = ask(lake, "SELECT source_id, count(*) AS n FROM ground_truth WHERE metric = 'test_accuracy' GROUP BY ALL")
    assert found == [{"source_id": BIG, "n": 30}]


def test_the_main_target_has_the_smallest_priority_among_the_covered(tmp_path: Path) -> None:
    datasets = {"rare": (1, 2), "wide": (2, 10), "wider": (3, 12)}
    lake = lakes.publish(
        tmp_path / "lake",
        metrics=[
            *(lakes.metric(name, priority=p) for name, (p, _) in datasets.items()),
            lakes.metric("unranked", priority=None), lakes.metric("undirected", higher_is_better=None),
        ],
        truth=[
            lakes.truth(i, 1.0, dataset=name)
            for name, n in [*((d, n) for d, (_, n) in datasets.items()), ("unranked", 12), ("undirected", 12)]
            for i in range(n)
        ],
    )  # fmt: skip
    found = {r["dataset"]: (r["covered"], r["main"]) for r in ask(lake, "FROM targets")}
    assert found == {"rare": (False, False), "wide": (True, True), "wider": (True, False)}


def test_a_seed_that_is_not_stated_counts_as_one(lake: Lake) -> None:
    found = ask(lake, "SELECT proxy_id, seed, n FROM correlations WHERE metric = 'test_accuracy'")
    counts = {(r["proxy_id"], r["seed"]): r["n"] for r in found}
    assert counts == {(OURS, 0): 27, (OURS, 1): 27, (SIZE, None): 30, (RELEASED, None): 30}


def test_rho_on_shared_architectures_leaves_out_what_one_of_ours_lacks(lake: Lake) -> None:
    rows = ask(lake, "FROM correlations_shared WHERE metric = 'test_accuracy'")
    assert {r["n"] for r in rows} == {27}
    shared = "SELECT arch_id FROM scores WHERE proxy_id = $ours AND status = 'ok' GROUP BY ALL HAVING count(*) = 2"
    sql = f"SELECT score, truth FROM pairs WHERE proxy_id = $id AND metric = 'test_accuracy' AND arch_id IN ({shared})"
    pairs = ask(lake, sql, id=RELEASED, ours=OURS)
    expected = spearman([p["score"] for p in pairs], [p["truth"] for p in pairs])
    [found] = [r["rho"] for r in rows if r["proxy_id"] == RELEASED]
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_proxy_with_few_scores_takes_no_shared_architecture_from_the_others(tmp_path: Path) -> None:
    trial = "9" * 16
    lakes.made_up(tmp_path)
    tried = [lakes.score(i, trial, float(i % 3)) for i in range(20, 29)]
    lake = lakes.publish(tmp_path, "trial", proxies=[lakes.proxy(trial, "trial")], scores=tried)
    rows = ask(lake, "FROM correlations_shared WHERE metric = 'test_accuracy'")
    assert {(r["proxy_id"], r["seed"], r["n"]) for r in rows} == {
        (OURS, 0, 27), (OURS, 1, 27), (SIZE, None, 27), (RELEASED, None, 27), (trial, 0, 9)
    }  # fmt: skip


def test_labels_tell_proxies_apart(tmp_path: Path) -> None:
    one, two, three = ("1" * 16, "2" * 16, "3" * 16)
    lake = lakes.publish(
        tmp_path / "lake",
        proxies=[
            lakes.proxy(one, "toy", {"images": {"kind": "cifar10"}}), lakes.proxy(two, "toy", {"seed": 1}),
            lakes.proxy(three, "toy", {"seed": 2}), lakes.proxy(OURS[:15] + "2", "toy@there"),
        ],
        scores=[lakes.score(0, proxy_id, 1.0) for proxy_id in (one, two, three)],
    )  # fmt: skip
    found = {(r["label"], r["released"]) for r in ask(lake, "FROM proxy_labels")}
    expected = {("toy (cifar10 images)", False), ("toy 222222", False), ("toy 333333", False), ("toy@there", True)}
    assert found == expected


def test_coverage_counts_every_score(lake: Lake) -> None:
    found = ask(lake, "SELECT status, reason, scores FROM coverage WHERE proxy_id = $id AND seed = 0", id=OURS)
    assert {(r["status"], r["reason"], r["scores"]) for r in found} == {
        ("ok", None, 27), ("diverged", "loss is not finite", 1), ("unbuildable", "no path to the output", 2),
    }  # fmt: skip


def test_cost_counts_failures_in_and_leaves_released_scores_out(lake: Lake) -> None:
    rows = ask(lake, "FROM cost WHERE seed = 0")
    seconds = [2.0, 0.1, 0.1] + [1 + i / 10 for i in range(3, 30)]
    assert [(r["proxy"], r["n"]) for r in rows] == [("regression-toy", 30)]
    assert rows[0]["mean_seconds"] == pytest.approx(np.mean(seconds))
    assert rows[0]["median_seconds"] == pytest.approx(np.median(seconds))
    assert {r["seed"] for r in ask(lake, "FROM cost")} == {0, 1}


def test_curves_have_one_row_per_iteration(lake: Lake) -> None:
    sql = (
        "SELECT mode, list(DISTINCT iteration ORDER BY iteration) AS its, count(*) AS n FROM curve_points GROUP BY mode"
    )
    found = {r["mode"]: (r["its"], r["n"]) for r in ask(lake, sql)}
    assert found == {"train": (list(lakes.ITERATIONS), 27 * 3 * 20), "eval": ([10, 20], 27 * 3 * 2)}


def test_the_weighted_curve_needs_every_stage_and_stated_weights(tmp_path: Path) -> None:
    both = [lakes.curve(n, p, s, "train", [s + 1.0]) for n, p in [(0, OURS), (0, SIZE)] for s in range(3)]
    lacking = [lakes.curve(1, OURS, s, "train", [1.0]) for s in range(2)]
    other = [lakes.curve(0, OURS, 0, "train", [5.0], signal="dot")]
    lake = lakes.publish(
        tmp_path / "lake", curves=[*both, *lacking, *other],
        proxies=[lakes.proxy(OURS, "weighted", {"stage_weights": [0.25, 0.5, 1.0]}), lakes.proxy(SIZE, "unweighted")],
    )  # fmt: skip
    found = one(lake, "SELECT arch_id, iteration, loss FROM weighted_curves")
    assert found == {"arch_id": lakes.arch(0), "iteration": 1, "loss": 0.25 * 1 + 0.5 * 2 + 1.0 * 3}


@pytest.mark.parametrize("stage", [None, 0, 1, 2])
def test_rho_by_iteration_is_that_of_scipy(lake: Lake, stage: int | None) -> None:
    truth = {r["arch_id"]: r["value"] for r in ask(lake, "FROM ground_truth WHERE metric = 'test_accuracy'")}
    view, where = ("weighted_curves", "") if stage is None else ("curve_points", f"AND stage = {stage}")
    losses = ask(lake, f"FROM {view} WHERE mode = 'train' AND iteration = 7 {where}")
    x, y = [-r["loss"] for r in losses], [truth[r["arch_id"]] for r in losses]
    sql = """
        SELECT n, rho FROM rho_by_iteration
        WHERE metric = 'test_accuracy' AND mode = 'train' AND iteration = 7 AND stage IS NOT DISTINCT FROM $stage
    """
    found = one(lake, sql, stage="null" if stage is None else str(stage))
    assert found == {"n": 27, "rho": pytest.approx(spearman(x, y), abs=1e-12)}


def test_losses_that_are_not_finite_lower_n(tmp_path: Path) -> None:
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(BIG, "big")], metrics=[lakes.metric()],
        truth=[lakes.truth(i, float(i)) for i in range(5)],
        proxies=[lakes.proxy(OURS, "ours", {"stage_weights": [1.0]})],
        curves=[lakes.curve(i, OURS, 0, "train", [-i, math.nan if i == 4 else -i]) for i in range(5)],
    )  # fmt: skip
    found = ask(lake, "SELECT iteration, n, rho FROM rho_by_iteration WHERE stage IS NULL ORDER BY iteration")
    assert [(r["iteration"], r["n"]) for r in found] == [(1, 5), (2, 4)]
    assert [r["rho"] for r in found] == pytest.approx([1, 1])


def test_labels_of_a_task_are_in_no_rho_of_its_losses_or_of_a_sum_that_has_it(tmp_path: Path) -> None:
    terms = {"terms": [{"proxy": "tuned", "transform": "value", "weight": 1}]}
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(BIG, "big")], metrics=[lakes.metric()],
        truth=[lakes.truth(i, float(i)) for i in range(9)],
        proxies=[
            lakes.proxy(OURS, "tuned", {"stage_weights": [1.0]}), lakes.proxy(SIZE, "sum", terms, kind="aggregate")
        ],
        scores=[lakes.score(i, OURS, float(i)) for i in range(9)],
        curves=[lakes.curve(i, OURS, 0, "train", [float(i)]) for i in range(9)],
        tunings=[lakes.tuning(name="tuned", proxy_id=OURS, labels=[lakes.arch(i) for i in range(4)])],
    )  # fmt: skip
    assert ask(lake, "SELECT n FROM rho_by_iteration") == [{"n": 5}, {"n": 5}]
    assert ask(lake, "SELECT proxy, n FROM correlations ORDER BY proxy") == [
        {"proxy": "sum", "n": 5}, {"proxy": "tuned", "n": 5}
    ]  # fmt: skip


def test_sources_are_compared_pairwise_where_both_know_the_architecture(lake: Lake) -> None:
    found = one(lake, "FROM truth_agreement")
    sql = "SELECT arch_id, value FROM seed_means WHERE source_id = $id AND metric = 'test_accuracy' AND epochs = 9"
    big, small = ({r["arch_id"]: r["value"] for r in ask(lake, sql, id=s)} for s in (BIG, SMALL))
    x, y = [small[a] for a in small], [big[a] for a in small]
    assert (found["source"], found["other_source"], found["n"]) == ("small", "big", 10)
    assert found["pearson"] == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)
    assert found["spearman"] == pytest.approx(spearman(x, y), abs=1e-12)
    assert found["largest_difference"] == pytest.approx(max(abs(a - b) for a, b in zip(x, y, strict=True)))


def test_sources_of_other_training_lengths_are_not_compared_but_an_unstated_one_is(tmp_path: Path) -> None:
    third = "c000000000000000"
    rows = [(BIG, 9), (SMALL, 12), (third, None)]
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(s, s[0]) for s, _ in rows],
        truth=[lakes.truth(i, float(i), source_id=s, epochs=e) for s, e in rows for i in range(3)],
    )  # fmt: skip
    found = {(r["source"], r["other_source"]) for r in ask(lake, "FROM truth_agreement")}
    assert found == {("a", "c"), ("b", "c")}
