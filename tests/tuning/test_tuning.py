"""From few labels to a rule: terms, ways to weigh them, what is stored, and how it is judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from pipeline import catalog, provenance
from pipeline.cli import application as cli
from pipeline.errors import UserError
from pipeline.lake.store import Lake
from pipeline.proxies import aggregates
from pipeline.tuning import draws, learners, methods, rules, terms
from pipeline.tuning.evaluations import evaluate, transfer
from pipeline.tuning.weigh import weigh
from tests.fixtures import lakes
from tests.fixtures.lines import refused
from tests.fixtures.tuned_lakes import NET, SIZE, data, made_up

OTHER = "5555555555555555"


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    root = tmp_path_factory.mktemp("tuning") / "lake"
    made_up(root, space="more", part="1", size=40)
    return made_up(root)


@pytest.fixture(scope="module")
def table(toys: Lake) -> terms.TermTable:
    return terms.read(toys, lakes.BENCHMARK, lakes.SPACE)


def test_terms_are_scores_and_points_of_curves_higher_is_better(table: terms.TermTable) -> None:
    keys = [term.key for term in table.terms]
    assert len(keys) == 3 + 4 * 3 and len(set(keys)) == len(keys)
    assert {"synflow", "plain", "regression-toy", "regression-toy stage 1 dot train 46-50"} <= set(keys)
    place = keys.index("regression-toy stage 1 dot train 46-50")
    assert methods.correlation(table.values[:, place], table.truth) > 0.5
    assert (table.values[:, place] < 0).all()
    weights = methods.prior(table)
    assert [t.key for t, w in zip(table.terms, weights, strict=True) if w] == ["regression-toy", "plain", "synflow"]
    assert (table.ranks @ weights).std() == pytest.approx(1) and weights[0] > weights[-1]
    assert table.ranks.mean(axis=0) == pytest.approx(0, abs=1e-12)


def test_a_point_is_the_mean_of_its_iterations(toys: Lake, table: terms.TermTable) -> None:
    term = next(t for t in table.terms if t.key == "regression-toy stage 1 dot train 6-10")
    rows = Lake(toys.root).read("curves", lakes.BENCHMARK, parts=["0"]).to_pylist()
    (curve,) = (r for r in rows if (r["arch_id"], r["stage"], r["signal"]) == (lakes.arch(5), 1, "dot"))
    value = table.values[table.arch_ids.index(lakes.arch(5)), table.terms.index(term)]
    assert value == pytest.approx(-np.mean(curve["losses"][5:10]))


def test_what_failed_is_ranked_last_and_what_few_have_is_no_term(tmp_path: Path) -> None:
    lake = made_up(tmp_path / "lake")
    few = "8" * 16
    scores = [lakes.score(i, OTHER, float(i)) for i in range(58) if i != 3] + [
        lakes.score(i, few, 0.1 * i) for i in range(20)
    ]
    scores.append(lakes.score(3, OTHER, None, status="failed", reason="not finite"))
    proxies = [lakes.proxy(OTHER, "naswot", higher_is_better=True), lakes.proxy(few, "few")]
    lakes.publish(lake.root, "more", proxies=proxies, scores=scores)
    term_table = terms.read(lake, lakes.BENCHMARK, lakes.SPACE)
    keys = [term.key for term in term_table.terms]
    assert "few" not in keys and len(term_table.arch_ids) == 58
    ranked = term_table.ranks[:, keys.index("naswot")]
    assert ranked.argmin() == term_table.arch_ids.index(lakes.arch(3))
    assert len(terms.read(lake, lakes.BENCHMARK, lakes.SPACE, coverage=0.1).arch_ids) == 20


def test_of_a_released_score_and_our_own_the_better_covered_is_taken(tmp_path: Path) -> None:
    lake = made_up(tmp_path / "lake")
    own = [lakes.score(i, OTHER, 1.0 * i) for i in range(55)]
    lakes.publish(lake.root, "own", proxies=[lakes.proxy(OTHER, "synflow", higher_is_better=True)], scores=own)
    term_proxies = [t.proxy for t in terms.read(lake, lakes.BENCHMARK, lakes.SPACE).terms if t.key == "synflow"]
    assert term_proxies == ["synflow@there"]
    used = terms.read(lake, lakes.BENCHMARK, lakes.SPACE, use=["synflow"]).terms
    assert {t.group for t in used} == {"scores"}


def test_use_names_what_is_there(toys: Lake) -> None:
    assert len(terms.read(toys, lakes.BENCHMARK, lakes.SPACE, use=["synflow@there", "plain"]).terms) == 2
    with pytest.raises(UserError, match="unknown proxy with scores 'synflw': did you mean synflow"):
        terms.read(toys, lakes.BENCHMARK, lakes.SPACE, use=["synflw"])


@pytest.mark.parametrize("name", methods.METHODS)
def test_every_method_finds_what_is_plain(name: str) -> None:
    """One term is the truth, another its opposite, and eight are noise."""
    random = np.random.default_rng(0)
    truth = random.normal(size=200)
    values = np.column_stack([random.normal(size=(200, 8)), truth + 0.3 * random.normal(size=200), -truth])
    ranks = terms.centred_ranks(values)
    given = methods.Problem(ranks[:20], terms.centred_ranks(truth[:20]), np.full(10, 0.3), np.full(10, 0.3), seed=0)
    weights = methods.METHODS[name](given)
    assert weights.shape == (10,)
    rho = methods.correlation(ranks[20:] @ weights, truth[20:])
    assert rho < 0.2 if name == "untuned" else rho > (0.4 if name in ("centred", "blend", "mixed") else 0.8)


def test_the_greedy_choice_is_the_plain_one(table: terms.TermTable) -> None:
    """Term after term, the correlation of each candidate sum computed anew."""
    given = methods.problem_of(table, table.nested(3)[:20], 3)
    x = (given.ranks - given.ranks.mean(axis=0)) / given.ranks.std(axis=0)
    total, weights, best = np.zeros(20), np.zeros(x.shape[1]), (-1.0, np.zeros(0))
    for _ in range(5):
        correlations = [np.corrcoef(total + column, given.target)[0, 1] for column in x.T]
        taken = int(np.argmax(correlations))
        weights[taken] += 1
        total = total + x[:, taken]
        if correlations[taken] > best[0] + 1e-9:
            best = correlations[taken], weights / weights.sum()
    assert methods.sparse(given) == pytest.approx(best[1])


def test_the_same_labels_give_the_same_weights(table: terms.TermTable) -> None:
    one, other = (methods.bagged(methods.problem_of(table, table.nested(1)[:20], seed)) for seed in (1, 1))
    assert (one == other).all() and not (
        one == methods.bagged(methods.problem_of(table, table.nested(1)[:20], 2))
    ).all()


def test_the_forest_and_the_process_learn_what_no_sum_says() -> None:
    random = np.random.default_rng(1)
    x = terms.centred_ranks(random.normal(size=(300, 2)))
    y = np.abs(x[:, 0])
    labelled = np.arange(100)
    target = y[:100] - y[:100].mean()
    for predicted in (learners.random_forest(x, labelled, target, 0), learners.gaussian_process(x, labelled, target)):
        assert methods.correlation(predicted[100:], y[100:]) > 0.9


def test_trees_take_every_seed_that_a_lake_holds() -> None:
    x = np.random.default_rng(1).normal(size=(12, 2))
    for learner in (learners.random_forest, learners.gradient_boosting):
        assert np.isfinite(learner(x, np.arange(8), x[:8, 0], 2**63 - 1)).all()


def test_the_same_terms_are_the_same_tuning_however_they_are_written(toys: Lake) -> None:
    once, twice = (
        data(use=use, coverage=share) for use, share in ((("regression-toy",), 0.0), (("regression-toy",) * 2, -0.0))
    )
    table = once.table(toys)
    assert provenance.canonical_json(once.basis(table)) == provenance.canonical_json(twice.basis(table))


def test_rho_is_of_the_unlabelled(table: terms.TermTable) -> None:
    drawn = list(draws.within(table, 20, range(2)))
    assert {d.n for d in drawn} == {40} and {d.draw for d in drawn} == {0, 1}
    assert {(d.terms, d.method) for d in drawn} >= {("all", "choice"), ("curves", "pair"), ("scores", "random-forest")}
    alone = next(d for d in drawn if (d.terms, d.method, d.draw) == ("synflow", "alone", 1))
    rest = table.nested(1)[20:]
    place = [t.key for t in table.terms].index("synflow")
    assert alone.rho == pytest.approx(methods.correlation(table.values[rest, place], table.truth[rest]))
    assert {d.labels for d in drawn if d.method in ("alone", "untuned")} == {0}


def test_labels_that_say_nothing_gain_nothing(table: terms.TermTable) -> None:
    """With a shuffled truth every method is as good as chance on what it has not seen: nothing leaks."""
    shuffled = np.random.default_rng(5).permutation(table.truth)
    shuffled_table = terms.TermTable(
        **{**{f: getattr(table, f) for f in table.__dataclass_fields__}, "truth": shuffled}
    )
    drawn = list(draws.within(shuffled_table, 20, range(6)))
    for method in ("bagged", "centred", "gaussian-process"):
        assert abs(np.mean([d.rho for d in drawn if (d.terms, d.method) == ("all", method)])) < 0.25


def test_too_few_architectures_are_told(toys: Lake) -> None:
    with pytest.raises(UserError, match="60 architectures of madeup/toys have truth and every term: 50 labels and 20"):
        evaluate(toys.root, data(labels=50), 2)


@pytest.mark.parametrize(
    ("method", "failing"), [("bagged", ()), ("ridge", range(0, SIZE, 4)), ("pair", range(0, SIZE, 4))]
)
def test_a_rule_is_stored_as_an_aggregate_that_scores_as_it_was_judged(
    tmp_path: Path, method: str, failing: Sequence[int]
) -> None:
    """Also where a term has failed, which ranks it last and leaves the architecture its other terms."""
    lake = made_up(tmp_path / "lake")
    scores = [lakes.score(i, OTHER, None if i in failing else i % 7, status="failed" if i in failing else "ok")
              for i in range(SIZE)]  # fmt: skip
    lakes.publish(lake.root, "more", proxies=[lakes.proxy(OTHER, "naswot", higher_is_better=True)], scores=scores)
    proxy = weigh(lake.root, data(seed=4), method)
    (row,) = catalog.run_sql(lake, "FROM tuned").to_pylist()
    judged = next(
        d for d in draws.within(terms.read(lake, lakes.BENCHMARK, lakes.SPACE), 20, [4])
        if (d.terms, d.method) == ("all", method)
    )  # fmt: skip
    (labelled,) = catalog.run_sql(
        lake,
        "SELECT spearman(list(scores.value), list(truth)) AS rho FROM every_score AS scores "
        "INNER JOIN tunings USING (benchmark, space, proxy_id) "
        "INNER JOIN target_values USING (benchmark, space, dataset, metric, arch_id) "
        "WHERE list_contains(labels, arch_id)",
    ).to_pylist()
    assert labelled["rho"] == pytest.approx(proxy.fitness, abs=1e-9)
    assert (row["name"], row["labels"], row["trainings"], row["n"]) == (proxy.name, 20, 0, 40)
    assert row["rho"] == pytest.approx(judged.rho, abs=1e-9)
    [ranked] = catalog.run_sql(
        lake, "SELECT n, n_failed, n_no_truth, rho FROM correlations SEMI JOIN tunings USING (proxy_id, metric)"
    ).to_pylist()
    assert ranked == {"n": 40, "n_failed": 0, "n_no_truth": 0, "rho": row["rho"]}, "without its labels"
    compared = "SELECT count(*) AS n FROM comparison_scores SEMI JOIN tunings USING (proxy_id)"
    assert catalog.run_sql(lake, compared).to_pylist() == [{"n": 0}]
    again = weigh(lake.root, data(seed=4), method)
    assert again == proxy and catalog.run_sql(lake, "FROM tunings").num_rows == 1
    assert proxy.path
    text = proxy.path.read_text()
    assert text.startswith("# Found by `pipeline tune madeup`") and lakes.arch(0)[:8] in text
    assert rules.named(lake.root, proxy.name) == str(proxy.path) and rules.named(lake.root, "synflow") == "synflow"


def test_another_rule_of_the_same_labels_is_another_tuning(tmp_path: Path) -> None:
    lake = made_up(tmp_path / "lake")
    proxy = weigh(lake.root, data(seed=4), "pair")
    [row] = catalog.run_sql(lake, "FROM tunings").to_pylist()
    golden = ("57108e4605a090ee", "a0fadcc122c99655")
    assert (row["tuning_id"], row["proxy_id"]) == golden, "raise VERSION in pipeline/tuning/data.py with the rule"
    assert proxy.name == f"tuned-{row['tuning_id'][:8]}", "a lake would hold two rules of one name"


def test_labels_that_an_evolved_task_was_made_with_judge_no_rule_that_has_it(tmp_path: Path) -> None:
    lake = made_up(tmp_path / "lake")
    known = [lakes.arch(i) for i in range(12)]
    lakes.publish(lake.root, "tuned", tunings=[lakes.tuning(proxy_id=NET, labels=known)], runs=[lakes.run()])
    table = data().table(lake)
    assert table.known == {*known}
    labelled = {table.arch_ids[i] for i in table.nested(0)[:20]}
    unseen = SIZE - len(labelled | {*known})
    assert unseen < SIZE - 20 and {d.n for d in draws.within(table, 20, [0])} == {unseen}
    assert {d.n for d in draws.across(table, table, 20, [0])} == {SIZE - 12}, "of the space that is judged"

    weigh(lake.root, data(), "ridge")
    made = "FROM tunings WHERE method = 'ridge'"
    [row] = catalog.run_sql(lake, made).to_pylist()
    assert {*row["labels"]} == labelled | {*known} and row["labels"][20:] == sorted({*known} - labelled)
    with pytest.raises(UserError, match="and no term that was made with their label: 30 labels and 20"):
        evaluate(lake.root, data(labels=30), 1)

    without = data(use=("synflow@there", "plain@there")).table(lake)
    assert not without.known and {d.n for d in draws.within(without, 20, [0])} == {SIZE - 20}


def test_a_rule_for_a_target_of_another_family_is_judged_by_it(tmp_path: Path) -> None:
    lake = made_up(tmp_path / "lake")
    latency = lakes.metric(metric="latency", higher_is_better=False, priority=9, family="latency")
    truth = [lakes.truth(i, float(i % 11), metric="latency") for i in range(SIZE)]
    lakes.publish(lake.root, "more", metrics=[latency], truth=truth)
    weigh(lake.root, data(target="latency"), "ridge")
    (row,) = catalog.run_sql(lake, "FROM tuned").to_pylist()
    rows = catalog.run_sql(
        lake, "FROM every_score INNER JOIN tunings USING (proxy_id) WHERE NOT list_contains(labels, arch_id)"
    ).to_pylist()
    latencies = {t["arch_id"]: -t["value"] for t in truth}
    rho = methods.correlation(np.array([r["value"] for r in rows]), np.array([latencies[r["arch_id"]] for r in rows]))
    assert (row["metric"], row["n"], row["rho"]) == ("latency", SIZE - 20, pytest.approx(rho))


def evaluated(lake: Lake, draws: int = 2, **changes: Any) -> list[dict[str, Any]]:
    rows: Any = evaluate(lake.root, data(**changes), draws).to_dict("records")
    return rows


def test_an_evaluation_is_stored_once_and_told_with_its_verdict(toys: Lake) -> None:
    rows = evaluated(toys)
    assert {r["draws"] for r in rows} == {2}
    before = catalog.run_sql(toys, "SELECT count(*) AS n FROM tuning_draws").to_pylist()
    assert evaluated(toys) == rows
    assert catalog.run_sql(toys, "SELECT count(*) AS n FROM tuning_draws").to_pylist() == before
    assert {r["draws"] for r in evaluated(toys, 3)} == {3}
    others = evaluated(toys, 3, use=("synflow@there", "plain@there"))
    assert {r["method"] for r in others if r["terms"] == "curves"} == set()
    assert {r["terms"] for r in evaluated(toys, 3)} > {"curves"}  # what was asked, not the newest
    by = {(r["terms"], r["method"]): r for r in rows}
    untuned = max((r for r in rows if not r["labels"]), key=lambda r: r["rho"])
    assert untuned["difference"] == 0 and untuned["verdict"] == "no labels"
    for row in rows:
        if row["labels"]:
            expected = "better" if row["difference_low"] > 0 else "worse" if row["difference_high"] < 0 else "no better"
            assert row["verdict"] == expected
    assert by["curves", "ridge"]["difference"] == pytest.approx(by["curves", "ridge"]["rho"] - untuned["rho"])


def test_rules_are_carried_to_another_space(toys: Lake) -> None:
    evaluation, left_out = transfer(toys.root, data(), 2)
    rows = evaluation.to_dict("records")
    assert not left_out
    assert {(r["to_benchmark"], r["to_space"], r["n"]) for r in rows} == {(lakes.BENCHMARK, "more", 40)}
    best = max(r["rho"] for r in rows if r["labels"])
    assert best > 0.5


def test_a_space_with_nothing_in_common_is_left_out(tmp_path: Path) -> None:
    lake = made_up(tmp_path / "lake")
    at = {"space": "strange"}
    lakes.publish(
        lake.root, "strange", proxies=[lakes.proxy(OTHER, "strange")],
        truth=[lakes.truth(i, 1.0 * i, **at) for i in range(30)],
        scores=[lakes.score(i, OTHER, 1.0 * i, **at) for i in range(30)],
        architectures=[lakes.architecture(i, **at) for i in range(30)],
    )  # fmt: skip
    evaluation, (line,) = transfer(lake.root, data(), 2)
    assert evaluation.empty and "madeup strange is left out" in line and "no term in common" in line


def test_a_lake_without_another_space_is_told(tmp_path: Path) -> None:
    evaluation, left_out = transfer(made_up(tmp_path / "lake").root, data(), 2)
    assert evaluation.empty and left_out == ["the lake has scores of no other space: score one with the same proxies"]


def test_rules_as_toml_are_what_they_were() -> None:
    import tomllib

    data = {
        "name": "a",
        "n": 1,
        "noise": {"level": 0.1},
        "stages": [{"channels": 3, "signals": [{"kind": "dot", "on": True}]}],
    }
    assert tomllib.loads(rules.toml(data, "two\nlines")) == data


def test_leaving_one_label_out_prefers_what_predicts() -> None:
    """Among terms of noise, one that is the truth: the rule that takes it alone is chosen over the untuned mean."""
    random = np.random.default_rng(2)
    truth = random.normal(size=100)
    ranks = terms.centred_ranks(np.column_stack([random.normal(size=(100, 20)), truth]))
    given = methods.Problem(ranks[:20], terms.centred_ranks(truth[:20]), np.full(21, 0.2), np.full(21, 0.2), seed=0)
    assert methods.chosen(given) in ("single", "pair", "sparse", "bagged")
    assert (methods.choice(given) == methods.CANDIDATES[methods.chosen(given)](given)).all()


def test_where_the_other_scores_mislead_the_trainings_own_rule_stands_against_them() -> None:
    """Three trainings that rank well, nine scores of which a third rank, and a third rank the wrong way."""
    random = np.random.default_rng(3)
    truth = random.normal(size=200)
    clear = truth[:, None] + 0.7 * random.normal(size=(200, 3))
    other = truth[:, None] * np.repeat([0.5, 0, -0.5], 3) + random.normal(size=(200, 9))
    ranks = terms.centred_ranks(np.column_stack([clear, other]))
    trained, both = np.repeat([1.0, 0.0], [3, 9]), np.repeat([1.0, 3.0], [3, 9])
    trained, both = trained / (ranks @ trained).std(), both / (ranks @ both).std()
    gained = []
    for draw in range(20):
        order = np.random.default_rng(draw).permutation(200)
        y = terms.centred_ranks(truth[order[:20]])
        given = methods.Problem(ranks[order[:20]], y, both, trained, seed=draw)
        rhos = [
            methods.correlation(ranks[order[20:]] @ w, truth[order[20:]]) for w in (given.prior, methods.mixed(given))
        ]
        gained.append(rhos[1] - rhos[0])
    assert np.mean(gained) > 0.1


def test_more_terms_than_an_aggregate_may_have_are_told(toys: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregates, "MOST_TERMS", 1)
    with refused("ridge weighs 15 terms, and an aggregate has at most 1: name fewer with --use"):
        weigh(toys.root, data(), "ridge")


def test_an_unknown_method_is_told(toys: Lake) -> None:
    with pytest.raises(UserError, match="unknown method 'bag': did you mean bagged"):
        weigh(toys.root, data(), "bag")
    with pytest.raises(UserError, match="it is `pipeline tune evolve`"):
        weigh(toys.root, data(), "evolution")


def test_the_command_line_says_what_it_needs() -> None:
    result = CliRunner().invoke(cli.app, ["tune", "--help"])
    assert result.exit_code == 0 and "--labels" in result.output


def test_a_seed_after_which_there_are_no_more_is_told(toys: Lake) -> None:
    assert data(seed=2**63 - 2).seeds(2) == range(2**63 - 2, 2**63)
    says = "the last seed of 2 draws with --seed 9223372036854775807 is 9223372036854775808"
    for judge in (evaluate, transfer):
        with refused(says):
            judge(toys.root, data(seed=2**63 - 1), 2)
