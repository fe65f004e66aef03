"""Aggregates: the view against the same sums in numpy, and what is refused, missing or failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from pipeline import catalog, proxies
from pipeline.cli import application as cli
from pipeline.errors import UserError
from pipeline.lake.store import Lake
from pipeline.proxies import aggregates
from pipeline.proxies.regression import presets
from pipeline.scoring.aggregates import define
from tests.fixtures import lakes
from tests.fixtures.lakes import OURS, RELEASED, SIZE

Scores = dict[tuple[int, str], dict[str, Any]]

TERMS = """
name = "aggregate-mine"
[[terms]]
proxy = "params@big"
weight = -1.5
[[terms]]
proxy = "regression-toy"
"""
LATE = """
name = "aggregate-late"
[[terms]]
proxy = "synflow@small"
transform = "log-rank"
[[terms]]
proxy = "regression-toy"
stage = 2
mode = "train"
iterations = [16, 20]
"""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return lakes.made_up(tmp_path / "lake")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return lakes.publish(tmp_path_factory.mktemp("tiny") / "lake", proxies=[lakes.proxy(SIZE, "params@big")])


@pytest.fixture
def defined(lake: Lake, tmp_path: Path) -> Callable[..., Scores]:
    """(text of a TOML file) -> the aggregate's scores by seed and architecture."""

    def of(text: str, name: str = "mine.toml") -> Scores:
        (tmp_path / name).write_text(text)
        define(lake.root, lakes.BENCHMARK, lakes.SPACE, aggregates.load(str(tmp_path / name)))
        found: Scores = {}
        for row in catalog.run_sql(lake, "FROM aggregate_scores").to_pylist():
            assert found.setdefault((row["seed"], row["arch_id"]), row) is row
        return found

    return of


def stored(lake: Lake, proxy_id: str, seed: int | None) -> dict[str, Any]:
    rows = lake.read("scores", lakes.BENCHMARK).to_pylist()
    return {r["arch_id"]: r["value"] for r in rows if (r["proxy_id"], r["seed"]) == (proxy_id, seed)}


def relative(values: Any) -> Any:
    return stats.rankdata(values) / len(values)


def test_ranks_are_weighted_turned_and_taken_among_those_that_have_all_terms(
    lake: Lake, defined: Callable[..., Scores]
) -> None:
    found = defined(TERMS)
    assert {seed for seed, _ in found} == {0, 1}  # of the regression; sizes have none and go with each
    for seed in (0, 1):
        losses, sizes = stored(lake, OURS, seed), stored(lake, SIZE, None)
        whole = [a for a, loss in losses.items() if loss is not None]
        expected = -1.5 * relative([-sizes[a] for a in whole]) + relative([-losses[a] for a in whole])
        assert [found[seed, a]["value"] for a in whole] == pytest.approx(expected, abs=1e-12)
    reasons = {a: found[0, a]["reason"] for a in map(lakes.arch, range(3))}
    assert reasons == {
        lakes.arch(0): "regression-toy: loss is not finite",
        lakes.arch(1): "regression-toy: no path to the output",
        lakes.arch(2): "regression-toy: no path to the output",
    }
    assert {found[0, a]["status"] for a in reasons} == {"failed"}
    assert (1, lakes.arch(0)) not in found  # not tried with this seed


def test_a_term_of_curves_is_the_mean_loss_of_its_iterations(lake: Lake, defined: Callable[..., Scores]) -> None:
    found = defined(LATE)
    curves = lake.read("curves", lakes.BENCHMARK).to_pylist()
    late = {c["arch_id"]: np.mean(c["losses"][15:20]) for c in curves if (c["stage"], c["mode"]) == (2, "train")}
    released = stored(lake, RELEASED, None)
    expected = np.log(relative([released[a] for a in late])) + relative([-loss for loss in late.values()])
    assert [found[0, a]["value"] for a in late] == pytest.approx(expected, abs=1e-12)
    assert found[0, lakes.arch(0)]["reason"] == "regression-toy stage 2: loss is not finite"
    assert found[1, lakes.arch(5)]["reason"] == "regression-toy stage 2: no train loss of sum over iterations 16 to 20"
    assert found[0, lakes.arch(5)]["seconds"] is None  # what a released score costs is not known


def test_the_whole_curve_has_to_be_there(lake: Lake, defined: Callable[..., Scores]) -> None:
    found = defined(LATE.replace("[16, 20]", "[20, 21]"))
    assert {row["status"] for row in found.values()} == {"failed"}


def test_one_of_more_terms_than_a_file_may_have_is_stored_without_scores(lake: Lake) -> None:
    """As an earlier version stored it."""
    for terms in (1000, 1001):
        configuration = {"terms": [{"proxy": "params@big", "transform": "value", "weight": 1.0}] * terms}
        lakes.publish(lake.root, f"{terms}", proxies=[lakes.proxy(f"{terms:016}", f"of-{terms}", configuration)])
    found = catalog.run_sql(lake, "SELECT DISTINCT proxy_id FROM aggregate_scores").to_pylist()
    assert found == [{"proxy_id": f"{1000:016}"}]


def test_a_sum_that_is_not_finite_has_failed_wherever_it_is_counted(tmp_path: Path) -> None:
    lake = lakes.publish(
        tmp_path / "lake", metrics=[lakes.metric()], sources=[lakes.source(lakes.BIG, "big")],
        architectures=[lakes.architecture(n) for n in range(4)], truth=[lakes.truth(n, 60.0 + n) for n in range(4)],
        proxies=[lakes.proxy(SIZE, "params@big")], scores=[lakes.score(n, SIZE, float(n)) for n in range(4)],
    )  # fmt: skip
    text = 'name = "aggregate-large"\n[[terms]]\nproxy = "params@big"\ntransform = "value"\nweight = 1e308\n'
    (tmp_path / "large.toml").write_text(text)
    summary = define(lake.root, lakes.BENCHMARK, lakes.SPACE, aggregates.load(str(tmp_path / "large.toml")))
    assert (summary.ok, summary.failed) == (2, 2)
    rows = catalog.run_sql(lake, "SELECT n, n_failed FROM correlations WHERE proxy = 'aggregate-large'").to_pylist()
    assert rows == [{"n": 2, "n_failed": 2}]
    failed = catalog.run_sql(lake, "SELECT value, reason FROM aggregate_scores WHERE status = 'failed'").to_pylist()
    assert failed == [{"value": None, "reason": "the sum of its terms is not finite"}] * 2


@pytest.mark.parametrize(("transform", "of"), [("log", np.log), ("value", np.asarray)])
def test_what_is_stored_is_added_up_itself(tmp_path: Path, transform: str, of: Any) -> None:
    values = {1: 3.0, 2: 0.5, 3: 0.0}
    lake = lakes.publish(
        tmp_path / "lake", proxies=[lakes.proxy(OURS, "loss"), lakes.proxy(SIZE, "size", higher_is_better=True)],
        scores=[lakes.score(i, OURS, v) for i, v in values.items()] + [lakes.score(i, SIZE, 2.0) for i in values],
    )  # fmt: skip
    terms = [{"proxy": "loss", "transform": transform}, {"proxy": "size", "transform": transform, "weight": 3}]
    aggregates.store(lake, lakes.BENCHMARK, aggregates.Aggregate.model_validate({"name": "both", "terms": terms}))
    rows = {r["arch_id"]: r for r in catalog.run_sql(lake, "FROM aggregate_scores").to_pylist()}
    for number in (1, 2):
        expected = -of(values[number]) + 3 * of(2.0)
        assert rows[lakes.arch(number)]["value"] == pytest.approx(expected, abs=1e-12)
    zero = rows[lakes.arch(3)]
    if transform == "log":
        assert (zero["status"], zero["reason"]) == ("failed", "loss: not positive, so it has no logarithm")
    else:
        assert zero["value"] == 6.0


def test_of_several_configurations_the_one_with_most_scores_is_taken_unless_one_is_pinned(tmp_path: Path) -> None:
    lake = lakes.publish(
        tmp_path / "lake", proxies=[lakes.proxy(OURS, "loss"), lakes.proxy(SIZE, "loss", {"longer": 1})],
        scores=[lakes.score(i, OURS, float(i)) for i in range(3)] + [lakes.score(i, SIZE, -i) for i in range(4)],
    )  # fmt: skip
    for name, more in (("most", {}), ("pinned", {"proxy_id": OURS})):
        terms = [{"proxy": "loss", "transform": "value", **more}]
        aggregates.store(lake, lakes.BENCHMARK, aggregates.Aggregate.model_validate({"name": name, "terms": terms}))
    sql = "SELECT aggregate, proxy_id FROM aggregate_terms ORDER BY aggregate"
    taken = [tuple(r.values()) for r in catalog.run_sql(lake, sql).to_pylist()]
    assert taken == [("most", SIZE), ("pinned", OURS)]
    counts = "SELECT p.name, count(*) AS n FROM aggregate_scores JOIN proxies AS p USING (proxy_id) GROUP BY ALL"
    assert {r["name"]: r["n"] for r in catalog.run_sql(lake, counts).to_pylist()} == {"most": 4, "pinned": 3}


def test_it_costs_what_its_terms_cost_and_a_training_its_share_once(tmp_path: Path) -> None:
    lake = lakes.publish(
        tmp_path / "lake",
        proxies=[lakes.proxy(OURS, "loss", {"iterations": 100}), lakes.proxy(SIZE, "size")],
        scores=[lakes.score(1, OURS, 1.0, seconds=10.0), lakes.score(1, SIZE, 1.0, seconds=0.5)],
        curves=[lakes.curve(1, OURS, s, "train", range(100)) for s in range(2)],
    )  # fmt: skip
    late = [{"proxy": "loss", "stage": s, "mode": "train", "iterations": (1, 10 * (s + 1))} for s in range(2)]
    aggregate = aggregates.Aggregate.model_validate({"name": "late", "terms": [*late, {"proxy": "size"}]})
    aggregates.store(lake, lakes.BENCHMARK, aggregate)
    [row] = catalog.run_sql(lake, "FROM aggregate_scores").to_pylist()
    assert (row["seconds"], row["device"]) == (2.5, "cpu")


def test_a_term_of_several_seeds_is_their_mean_and_one_may_rank_failures_last(tmp_path: Path) -> None:
    losses = {0: [1.0, 2.0, 3.0, None, 0.5], 1: [5.0, 1.0, 1.0, 0.1, None]}
    rows = [
        lakes.score(number, OURS, loss, seed=seed, status="ok" if loss is not None else "failed", seconds=2.0 + seed)
        for seed, values in losses.items() for number, loss in enumerate(values)
    ]  # fmt: skip
    more = [lakes.score(5, OURS, 1.0)]  # with one of the seeds alone
    sizes = [lakes.score(number, SIZE, float(number), seconds=0.5) for number in range(6)]
    shown = [lakes.proxy(OURS, "loss"), lakes.proxy(SIZE, "size", higher_is_better=True)]
    lake = lakes.publish(tmp_path / "lake", proxies=shown, scores=[*rows, *more, *sizes])
    terms = [{"proxy": "loss", "transform": "log-rank", "seeds": 2, "failed": "last"}, {"proxy": "size"}]
    aggregates.store(lake, lakes.BENCHMARK, aggregates.Aggregate.model_validate({"name": "twice", "terms": terms}))
    summed = catalog.run_sql(lake, "FROM aggregate_scores ORDER BY arch_id").to_pylist()
    assert [row["arch_id"] for row in summed] == [lakes.arch(number) for number in range(5)]
    means = [3.0, 1.5, 2.0, np.inf, np.inf]
    expected = np.log(relative([-mean for mean in means])) + relative(range(5))
    assert [row["value"] for row in summed] == pytest.approx(expected, abs=1e-12)
    assert {(row["seed"], row["status"], row["seconds"]) for row in summed} == {(0, "ok", 5.5)}


def test_an_aggregate_is_ranked_like_any_other_and_does_not_choose_the_architectures(
    lake: Lake, defined: Callable[..., Scores]
) -> None:
    before = catalog.run_sql(lake, "SELECT proxy, n FROM comparison WHERE metric = 'test_accuracy'").to_pylist()
    defined(LATE)
    sql = "SELECT proxy, n, n_failed, rho FROM correlations WHERE metric = 'test_accuracy' AND seed = 0"
    rows = {r["proxy"]: r for r in catalog.run_sql(lake, sql).to_pylist()}
    assert rows["aggregate-late"]["n"] == 27 and rows["aggregate-late"]["n_failed"] == 3
    assert rows["aggregate-late"]["rho"] > 0.5
    after = catalog.run_sql(lake, "SELECT proxy, n FROM comparison WHERE metric = 'test_accuracy'").to_pylist()
    assert {r["proxy"] for r in after} - {r["proxy"] for r in before} == {"aggregate-late"}
    assert [name for name, rows in catalog.checks(lake) if rows.num_rows] == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TERMS.replace("weight", "wieght"), r"terms\.1\.wieght: unknown field 'wieght': did you mean weight"),
        (TERMS.replace("-1.5", '"much"'), r"terms\.1\.weight: 'much' is not a number"),
        (TERMS + "mode = 'train'\n", r"terms\.2: mode goes with stage"),
        (TERMS + "stage = 1\n", r"terms\.2: a term with stage needs mode"),
        (LATE.replace("[16, 20]", "[20, 16]"), "iterations end at 16"),
        (TERMS + "transform = 'value'\nfailed = 'last'\n", "failed = 'last' goes with ranks, transform is value"),
        (TERMS + "seeds = 1\n", r"terms\.2\.seeds: 1 is not a number of at least 2"),
        (TERMS.replace("params@big", "parms@big"), "term 1: unknown proxy 'parms@big': did you mean params@big"),
        (TERMS.replace("params@big", "my_own"), "term 1: unknown .*your own is scored first: pipeline score madeup"),
        (TERMS.replace("params@big", "aggregate-ranks"), "term 1: unknown proxy 'aggregate-ranks'"),
        ("images = {taken = 1979-05-27}\n" + TERMS, r"images.*\(1979, 5, 27\) is not a"),
        (f"images.{'a.' * 3000}a = 1\n" + TERMS, "is nested too deeply"),
        (TERMS + '[[terms]]\nproxy = "params@big"\n' * 1000, "is not a list of at most 1000 items"),
        ("terms = 3", "name: it is missing"),
        ("terms = [", "aggregate .* is not TOML"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_stored(tiny: Lake, tmp_path: Path, text: Any, told: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(UserError, match=told):
        define(tiny.root, lakes.BENCHMARK, lakes.SPACE, aggregates.load(str(tmp_path / "mine.toml")))
    assert tiny.part_names(lakes.BENCHMARK) == ["0"]


def test_the_shipped_ones_load_under_their_names_and_add_up_what_is_shipped() -> None:
    assert "aggregate-synflow-late" in aggregates.names()
    identities = set()
    for name in aggregates.names():
        found = aggregates.load(name)
        assert found.name == name and found.description
        assert {term.proxy for term in found.terms} <= set(proxies.names()) - set(aggregates.names())
        identities.add(found.proxy_id)
    assert len(identities) == len(aggregates.names())


def test_the_shipped_ones_take_losses_that_their_trainings_have() -> None:
    taken = [term for name in aggregates.names() for term in aggregates.load(name).terms if term.stage is not None]
    assert {term.proxy for term in taken} == {"regression-n101", "regression-menu"}
    for term in taken:
        preset = presets.load(term.proxy)
        assert (term.stage, term.signal) in {(loss.stage, loss.signal) for loss in preset.losses}
        assert term.iterations and 1 <= term.iterations[0] <= term.iterations[1] <= preset.iterations


def test_a_file_that_is_no_aggregate_is_left_to_others(tmp_path: Path) -> None:
    for name, text in (("broken.toml", "terms = ["), ("other.toml", 'name = "regression-mine"')):
        (tmp_path / name).write_text(text)
        with pytest.raises(UserError, match="proxy preset"):
            proxies.load(str(tmp_path / name))
    assert not aggregates.recognised(str(tmp_path / "missing.toml"))


def test_an_identity_holds_what_changes_the_number_and_stays() -> None:
    late = aggregates.load("aggregate-synflow-late")
    assert late.proxy_id == "ef76d4b891a86fb8"
    assert late.model_copy(update={"description": "other"}).proxy_id == late.proxy_id
    assert json.loads(json.dumps(late.configuration)) == late.configuration


def test_the_command_line_defines_without_scoring(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.scoring.run.run", lambda *a, **k: pytest.fail("scored"))
    ingested = ["--lake", str(lakes.empty(tmp_path / "lake").root)]
    for _ in range(2):  # again changes nothing
        with pytest.raises(SystemExit, match="0"):
            cli.main(["score", "nasbench201", "--proxy", "aggregate-ranks", *ingested])
    told = capsys.readouterr().out.splitlines()
    assert told == [told[0]] * 2
    assert told[0].endswith("defined, but nasbench201 topology has no scores of jacov, naswot, params, synflow yet")
    with pytest.raises(UserError, match="defined in a lake, and not scored"):
        proxies.load("aggregate-ranks")
