"""Families of targets, the audit of siblings and Pareto fronts, against scipy and values worked out by hand."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats import spearmanr

from pipeline import catalog
from pipeline.errors import UserError
from pipeline.lake.store import Lake
from tests.fixtures import lakes
from tests.fixtures.lakes import BIG, DATASET, METRIC, OURS, SMALL

SIZE = 80
ATTACK = {"metric": "attacked", "dataset": DATASET, "epochs": None}
LATENCY = {"metric": "latency", "dataset": DATASET, "epochs": None}
OTHER = {"dataset": "letters"}
WRONG = {"dataset": "words", "source_id": SMALL}


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    rng = np.random.default_rng(5)
    quality = rng.normal(size=SIZE).round(1)
    near = quality + rng.normal(scale=0.4, size=SIZE)
    return {
        "quality": quality,
        "other": near,
        "attacked": rng.normal(size=SIZE).round(1),
        "latency": rng.uniform(1, 9, size=SIZE).round(1),
        "score": (quality + rng.normal(size=SIZE)).round(1),
        "wrong": rng.permutation(quality),
    }


@pytest.fixture(scope="module")
def lake(values: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Lake:
    truth = [lakes.truth(i, v) for i, v in enumerate(values["quality"])]
    truth += [lakes.truth(i, v, **OTHER) for i, v in enumerate(values["other"])]
    truth += [lakes.truth(i, v, **ATTACK) for i, v in enumerate(values["attacked"]) if i >= 5]
    truth += [lakes.truth(i, v, **LATENCY) for i, v in enumerate(values["latency"])]
    return lakes.publish(
        tmp_path_factory.mktemp("targets") / "lake",
        sources=[lakes.source(BIG, "big")],
        architectures=[lakes.architecture(i) for i in range(SIZE)],
        metrics=[
            lakes.metric(), lakes.metric("letters", priority=2),
            lakes.metric(metric="attacked", priority=3, family="robustness", condition="PGD 1/255"),
            lakes.metric(metric="latency", priority=4, family="latency", condition="phone", higher_is_better=False),
        ],
        truth=truth,
        proxies=[lakes.proxy(OURS, "toy", higher_is_better=True)],
        scores=[
            lakes.score(i, OURS, value, seed=seed)
            for seed, part in ((0, range(SIZE)), (1, range(40))) for i, value in enumerate(values["score"]) if i in part
        ],
    )  # fmt: skip


def ask(lake: Lake, sql: str) -> list[dict[str, Any]]:
    return catalog.run_sql(lake, sql).to_pylist()


def test_one_family_leads_and_every_target_says_its_own(lake: Lake) -> None:
    rows = {(r["dataset"], r["metric"]): (r["family"], r["leads"], r["main"]) for r in ask(lake, "FROM targets")}
    assert rows == {
        (DATASET, METRIC): ("quality", True, True),
        ("letters", METRIC): ("quality", True, False),
        (DATASET, "attacked"): ("robustness", False, False),
        (DATASET, "latency"): ("latency", False, False),
    }
    assert {r["metric"] for r in ask(lake, "FROM pairs")} == {METRIC}
    assert {r["metric"] for r in ask(lake, "FROM correlations")} == {METRIC}


@pytest.mark.parametrize("seed", [0, 1])
def test_rho_by_family_is_that_of_scipy(seed: int, lake: Lake, values: dict[str, Any]) -> None:
    rows = {(r["dataset"], r["metric"]): r for r in ask(lake, f"FROM correlations_by_family WHERE seed = {seed}")}
    size = SIZE if seed == 0 else 40
    for key, truth, first in (
        ((DATASET, METRIC), values["quality"], 0),
        ((DATASET, "attacked"), values["attacked"], 5),
        ((DATASET, "latency"), -values["latency"], 0),
    ):
        expected = spearmanr(values["score"][first:size], truth[first:size]).statistic
        assert (rows[key]["rho"], rows[key]["n"]) == (pytest.approx(expected), size - first)
        assert rows[key]["n_no_truth"] == first
        assert rows[key]["low"] < rows[key]["rho"] < rows[key]["high"]


def test_the_truth_of_one_target_ranks_the_truth_of_another(lake: Lake, values: dict[str, Any]) -> None:
    rows = {
        (r["dataset"], r["metric"], r["other_dataset"], r["other_metric"]): r
        for r in ask(lake, "FROM target_agreement")
    }
    assert len(rows) == 6  # from each of the two that lead to the three others
    row = rows[DATASET, METRIC, DATASET, "attacked"]
    expected = spearmanr(values["quality"][5:], values["attacked"][5:]).statistic
    assert (row["rho"], row["n"]) == (pytest.approx(expected), SIZE - 5)
    row = rows[DATASET, METRIC, DATASET, "latency"]
    assert row["rho"] == pytest.approx(spearmanr(values["quality"], -values["latency"]).statistic)


def test_another_target_leads_where_it_is_named(lake: Lake) -> None:
    for name in ("robustness", "attacked", f"{DATASET} attacked", f"{DATASET}/attacked"):
        with closing(catalog.snapshot(lake)) as connection:
            catalog.lead_with(connection, name)
            found = catalog.rows(connection, "SELECT DISTINCT metric, n FROM correlations ORDER BY n").to_pylist()
            assert found == [{"metric": "attacked", "n": 35}, {"metric": "attacked", "n": 75}]
    said = r"unknown target 'robustnes': did you mean robustness\?"
    with closing(catalog.snapshot(lake)) as connection, pytest.raises(UserError, match=said):
        catalog.lead_with(connection, "robustnes")
    with closing(catalog.snapshot(lake)) as connection, pytest.raises(UserError) as refused:
        catalog.lead_with(connection, "w")
    assert f"{DATASET} attacked" in str(refused.value) and "/" not in str(refused.value), "each known target once"


def test_nothing_on_a_front_is_beaten(lake: Lake, values: dict[str, Any]) -> None:
    rows = ask(lake, "FROM pareto_fronts ORDER BY cost_value")
    front = {(r["cost_value"], r["value"]) for r in rows}
    every = list(zip(values["latency"].tolist(), values["quality"].tolist(), strict=True))
    beaten = {(c, v) for c, v in every if any((d <= c and w > v) or (d < c and w >= v) for d, w in every)}
    assert front == set(every) - beaten
    assert rows[-1]["value"] == values["quality"].max()


def audited(lake: Lake) -> dict[str, bool]:
    rows = ask(lake, "FROM sibling_agreement")
    return {r["dataset"]: any(o["disagrees"] for o in rows if o["dataset"] == r["dataset"]) for r in rows}


def test_columns_that_agree_pass_the_audit(lake: Lake) -> None:
    assert audited(lake) == {DATASET: False, "letters": False}  # what is measured under one condition has no sibling


def test_shuffled_rows_are_flagged_with_their_figures(lake: Lake, values: dict[str, Any], tmp_path: Any) -> None:
    shuffled = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(BIG, "big"), lakes.source(SMALL, "small")],
        metrics=[lakes.metric(), lakes.metric("letters", priority=2), lakes.metric("words", priority=3)],
        truth=[
            *(lakes.truth(i, v) for i, v in enumerate(values["quality"])),
            *(lakes.truth(i, v, **OTHER) for i, v in enumerate(values["other"])),
            *(lakes.truth(i, v, **WRONG) for i, v in enumerate(values["wrong"])),
        ],
    )  # fmt: skip
    assert audited(shuffled) == {DATASET: False, "letters": False, "words": True}
    with closing(catalog.snapshot(shuffled)) as connection:
        [found] = catalog.disagreements(connection)
    assert found.source_id == SMALL
    assert "words test_accuracy of small ranks the architectures otherwise" in found.line
    assert "(n = 80), where 0.9" in found.line


def test_metrics_that_an_earlier_version_stored_are_of_quality(tmp_path: Path) -> None:
    old = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(BIG, "big")], metrics=[lakes.metric()],
        truth=[lakes.truth(i, float(i)) for i in range(3)],
    )  # fmt: skip
    [file] = old.parts.glob(f"{lakes.BENCHMARK}/*/metrics.parquet")
    pq.write_table(pq.read_table(file).drop_columns(["family", "condition"]), file)
    [target] = ask(old, "FROM targets")
    assert (target["family"], target["condition"], target["leads"], target["main"]) == ("quality", None, True, True)
    lakes.publish(old.root, "1", metrics=[lakes.metric(family="quality")])
    assert len(ask(old, "FROM metrics")) == 1
