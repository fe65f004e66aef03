"""The .sql files: examples run as they say they are run, and checks find what they look for."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path

import pytest
from scipy.stats import spearmanr

from pipeline import catalog
from pipeline.lake.schema import TABLES
from pipeline.lake.store import Lake
from tests.fixtures import lakes
from tests.fixtures.lakes import OURS

ROOT = Path(__file__).parents[2]
EXAMPLES = catalog.queries("examples")
HERE = {  # what the made-up lake has in the place of what the examples' comments name
    "regression-n101": "regression-toy", "cifar10": "digits", "baseline_accuracy": "test_loss",
    "0123456789abcdef": lakes.arch(5),
}  # fmt: skip
SYNFLOW = "4444444444444444"  # ours, beside the made-up lake's released one
MANY = {"terms": [{"proxy": "toy"}] * 1001}
ODD = {
    "aggregates_of_many_terms": {"proxies": [lakes.proxy("5" * 16, "many", MANY, kind="aggregate")]},
    "broken_trajectories": {"searches": [lakes.search()], "trajectories": [lakes.step(0, 2, 0, 1.0)]},
    "curves_of_no_score": {"curves": [lakes.curve(0, OURS, 0, "train", [1.0])]},
    "duplicate_keys": {"proxies": [lakes.proxy(OURS, "toy"), lakes.proxy(OURS, "toy", {"other": 1})]},
    "impossible_numbers": {"scores": [lakes.score(0, OURS, 1.0, seconds=float("inf"))]},
    "impossible_times": {"runs": [lakes.run(started_at=253402300800 * 10**6)]},
    "scores_of_the_unknown": {"scores": [lakes.score(77, OURS, 1.0)]},
    "truth_of_the_unknown": {"truth": [lakes.truth(77, 1.0)]},
    "uneven_curves": {"curves": [lakes.curve(0, OURS, 0, "train", [1.0, 2.0], iterations=[1])]},
    "unknown_statuses": {"scores": [lakes.score(0, OURS, None, status="lost", reason="who knows")]},
    "values_and_status": {"scores": [lakes.score(0, OURS, float("nan"))]},
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = lakes.made_up(tmp_path_factory.mktemp("lake") / "lake")
    scores = [lakes.score(i, SYNFLOW, float(i * i % 7), seed=seed) for i in range(10) for seed in (0, 1)]
    place = {"benchmark": "nasbench201", "space": "topology"}  # of which figures are published
    lakes.publish(
        lake.root, "synflow", proxies=[lakes.proxy(SYNFLOW, "synflow", higher_is_better=True)],
        scores=[*scores, *(lakes.score(i, SYNFLOW, float(i * i % 7), **place) for i in range(10))],
        sources=[lakes.source("c" * 16, "there", benchmark="nasbench201")],
        metrics=[lakes.metric("cifar10", benchmark="nasbench201")],
        architectures=[lakes.architecture(i, source_id="c" * 16, **place) for i in range(30)],
        truth=[lakes.truth(i, float(i), dataset="cifar10", source_id="c" * 16, **place) for i in range(30)],
    )  # fmt: skip
    lakes.publish(
        lake.root, "latency",
        metrics=[lakes.metric(metric="edgegpu_latency", priority=9, family="latency", higher_is_better=False)],
        truth=[lakes.truth(i, float(i % 7), metric="edgegpu_latency") for i in range(30)],
    )  # fmt: skip
    return lake


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return lakes.empty(tmp_path_factory.mktemp("empty") / "lake")


def parameters(sql: str) -> tuple[str, dict[str, str]]:
    """The example that the command in a query's comment names, and its --param values."""
    command = re.search(r"-- Run: (.*\n(?:--   .*\n)*)", sql)
    assert command
    words = shlex.split(command[1].replace("--   ", ""))
    assert words[:3] == ["pipeline", "query", "--example"]
    given = [word for before, word in itertools.pairwise(words) if before == "--param"]
    return words[3], dict(word.split("=", 1) for word in given)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_as_its_comment_says(name: str, lake: Lake, empty: Lake) -> None:
    sql = EXAMPLES[name].read_text()
    named, given = parameters(sql)
    assert named == name
    given = {key: HERE.get(value, value) for key, value in given.items()}
    assert catalog.run_sql(lake, sql, given).num_rows > 0
    assert catalog.run_sql(empty, sql, given).num_rows == 0


def test_the_misjudged_are_told_by_their_places(lake: Lake) -> None:
    sql = EXAMPLES["most_misjudged"].read_text()
    rows = catalog.run_sql(lake, sql, {"proxy": "regression-toy"}).to_pylist()
    apart = [abs(r["place_by_proxy"] - r["true_place"]) for r in rows]
    assert apart == sorted(apart, reverse=True) and apart[0] > 0


def test_the_best_of_all_is_lost_by_none(lake: Lake) -> None:
    rows = catalog.run_sql(lake, EXAMPLES["best_of_the_k_best"].read_text(), {"k": "30"}).to_pylist()
    assert {r["truth_lost"] for r in rows} == {0}
    fewer = catalog.run_sql(lake, EXAMPLES["best_of_the_k_best"].read_text(), {"k": "1"}).to_pylist()
    assert max(r["truth_lost"] for r in fewer) > 0


@pytest.mark.parametrize("name", ["best_of_the_k_best", "how_many_iterations", "most_misjudged", "rho_by_stage"])
def test_a_space_of_the_same_name_in_another_benchmark_changes_no_answer(tmp_path: Path, name: str) -> None:
    lake, sql = lakes.made_up(tmp_path / "lake"), EXAMPLES[name].read_text()
    given = {key: HERE.get(value, value) for key, value in parameters(sql)[1].items()}
    alone = catalog.run_sql(lake, sql, given).to_pylist()
    twin = {"benchmark": "twin"}
    lakes.publish(
        lake.root, "twin",
        metrics=[lakes.metric(**twin)],
        architectures=[lakes.architecture(i, **twin) for i in range(30)],
        truth=[lakes.truth(i, float(i % 5) - 50, **twin) for i in range(30)],
        scores=[lakes.score(i, OURS, float(i % 11) - 50, **twin) for i in range(30)],
        curves=[
            lakes.curve(i, OURS, stage, "train", [float(i % 3)] * 20, **twin)
            for i in range(30) for stage in range(len(lakes.WEIGHTS))
        ],
    )  # fmt: skip
    both = catalog.run_sql(lake, sql, given).to_pylist()
    kept = [row for row in both if row["benchmark"] != "twin"]
    assert kept and len(kept) < len(both) and all(row in alone for row in kept)


@pytest.mark.parametrize("file", sorted((ROOT / "queries").rglob("*.sql")), ids=lambda file: file.stem)
def test_a_space_is_told_with_its_benchmark(file: Path) -> None:
    sql = re.sub(r"--.*", "", file.read_text())
    groups = re.findall(r"(?:PARTITION|GROUP) BY\s+(.*?)(?:\)|ORDER BY|HAVING|QUALIFY|$)", sql, re.DOTALL)
    alone = [g for g in groups if re.search(r"\bspace\b", g) and not re.search(r"\bbenchmark\b", g)]
    assert alone == [], "two benchmarks can have a space of one name"


def test_a_sound_lake_passes_every_check(lake: Lake, empty: Lake) -> None:
    for checked in (lake, empty):
        found = catalog.checks(checked)
        assert [name for name, _ in found] == list(ODD)
        assert [name for name, rows in found if rows.num_rows] == []


@pytest.mark.parametrize("name", ODD)
def test_a_check_finds_what_it_looks_for(tmp_path: Path, name: str) -> None:
    tables = {
        "runs": [lakes.run()], "sources": [lakes.source(lakes.BIG, "big")], "metrics": [lakes.metric()],
        "architectures": [lakes.architecture(0)], "proxies": [lakes.proxy(OURS, "toy")],
    }  # fmt: skip
    lake = lakes.publish(tmp_path / "lake", "0", **{**tables, **ODD[name]})
    found = {check: rows.num_rows for check, rows in catalog.checks(lake)}
    assert found[name] > 0


@pytest.mark.parametrize("table", ["scores", "truth", "curves", "sources", "rejects", "trajectories"])
def test_a_row_that_is_there_twice_is_found(tmp_path: Path, table: str) -> None:
    row = {
        "scores": lakes.score(0, OURS, 1.0, seed=None), "truth": lakes.truth(0, 1.0),
        "curves": lakes.curve(0, OURS, 0, "train", [1.0]), "sources": lakes.source(lakes.BIG, "big"),
        "trajectories": lakes.step(0, 1, 0, 1.0),
        "rejects": {"source_id": lakes.BIG, "position": "line 3", "reason": "odd", "excerpt": ""},
    }[table]  # fmt: skip
    lake = lakes.publish(tmp_path / "lake", "0", **{table: [row, row]})
    [found] = dict(catalog.checks(lake))["duplicate_keys"].to_pylist()
    assert (found["table_name"], found["rows"]) == (table, 2)


def test_the_check_of_keys_knows_every_table_and_its_key() -> None:
    sql = catalog.queries("checks")["duplicate_keys"].read_text()
    found = dict(re.findall(r"'(\w+)' AS table_name,\s+row\((.*)\)::VARCHAR", sql))
    assert found == {table.name: ", ".join(table.key) for table in TABLES.values()}


def test_no_two_views_share_a_name_and_none_is_named_like_a_table() -> None:
    folder = ROOT / "queries" / "views"
    names = [path.stem for path in folder.rglob("*.sql")]
    assert sorted(names) == sorted(catalog.queries("views")) and not set(names) & set(TABLES)


@pytest.mark.parametrize("old", [p.stem for p in (ROOT / "queries" / "views" / "deprecated").glob("*.sql")])
def test_a_former_name_answers_as_the_new_one(old: str, lake: Lake) -> None:
    answered = re.search(r"^FROM (\w+)$", catalog.queries("views")[old].read_text(), re.MULTILINE)
    assert answered
    new = answered[1]
    former, present = (catalog.run_sql(lake, f"FROM {name} ORDER BY ALL") for name in (old, new))
    assert former.schema == present.schema and former.num_rows > 0
    # floats may differ in the last bits of a threaded sum
    for one, other in zip(former.to_pylist(), present.to_pylist(), strict=True):
        assert one == pytest.approx(other, nan_ok=True)


@pytest.mark.parametrize("kind", ["tables", "seeds", "views", "checks", "report", "examples", "tuning"])
def test_every_query_says_what_it_answers(kind: str) -> None:
    for path in catalog.queries(kind).values():
        sql = path.read_text()
        assert catalog.head_comment(sql), path
        assert not sql.rstrip().endswith(";"), path


def test_two_proxies_say_the_same_as_scipy_says(lake: Lake) -> None:
    rows = catalog.run_sql(lake, EXAMPLES["which_proxies_say_the_same"].read_text()).to_pylist()
    [found] = [r for r in rows if {r["proxy"], r["other_proxy"]} == {"params@big", "synflow@small"}]
    sql = "FROM comparison_scores WHERE score IS NOT NULL AND metric = 'test_accuracy' ORDER BY arch_id"
    both = catalog.run_sql(lake, sql).to_pylist()
    scores = [[r["score"] for r in both if r["proxy_id"] == proxy] for proxy in (lakes.SIZE, lakes.RELEASED)]
    assert found["spearman"] == pytest.approx(spearmanr(scores[0], scores[1]).statistic, abs=5e-5)


def test_what_is_left_and_what_is_done_are_all(lake: Lake) -> None:
    rows = catalog.run_sql(lake, EXAMPLES["what_is_still_to_do"].read_text()).to_pylist()
    assert rows and all(r["scored"] + r["to_do"] == r["architectures"] == 30 for r in rows)


def test_scores_without_a_true_value_leave_nothing_less_to_do(tmp_path: Path) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    sql = EXAMPLES["what_is_still_to_do"].read_text()
    before = catalog.run_sql(lake, sql).to_pylist()
    lakes.publish(lake.root, "waiting", scores=[lakes.score(i, OURS, 1.0, seconds=90.0) for i in range(100, 200)])
    assert catalog.run_sql(lake, sql).to_pylist() == before


def test_the_best_loss_is_told_as_it_is_stored(tmp_path: Path) -> None:
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(lakes.BIG, "big")],
        metrics=[lakes.metric(unit="nats", higher_is_better=False)], proxies=[lakes.proxy(OURS, "toy")],
        truth=[lakes.truth(i, 2.0 + i) for i in range(5)], scores=[lakes.score(i, OURS, float(-i)) for i in range(5)],
    )  # fmt: skip
    [row] = catalog.run_sql(lake, EXAMPLES["best_of_the_k_best"].read_text(), {"k": "2"}).to_pylist()
    assert (row["best_of_k"], row["best_of_all"], row["truth_lost"]) == (5.0, 2.0, 3.0)


def test_a_run_of_several_proxies_has_one_cost(lake: Lake) -> None:
    [row] = catalog.run_sql(lake, EXAMPLES["what_did_a_run_cost"].read_text()).to_pylist()
    assert row["proxy"] == "4 proxies" and row["architectures"] == 30 < row["scores"]
    assert (row["wall_seconds"], row["wall_seconds_per_architecture"]) == (86400, 2880)
