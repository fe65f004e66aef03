"""Proxies by target, and what a limit on a cost allows: values of the report against those worked out by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from pipeline import catalog
from pipeline.report import page as report
from pipeline.report.families import short_names
from pipeline.report.queries import answer, records
from pipeline.report.text import number
from tests.fixtures import lakes
from tests.fixtures.lakes import BIG, DATASET, METRIC, OURS, SIZE, SMALL

COUNT, SCORED = 80, 60
FLAT = "5555555555555555"


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    rng = np.random.default_rng(8)
    quality = rng.uniform(80, 95, size=COUNT).round(1)
    latency = rng.uniform(1, 9, size=COUNT).round(1)
    return {
        "quality": quality, "letters": quality + rng.normal(scale=3, size=COUNT), "latency": latency,
        "energy": latency + rng.normal(size=COUNT), "attacked": -quality + rng.normal(size=COUNT),
        OURS: quality + rng.normal(scale=2, size=COUNT), SIZE: latency + rng.normal(size=COUNT),
    }  # fmt: skip


@pytest.fixture(scope="module")
def written(values: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two data sets of quality; an attack; latency of two devices, energy, and latency on the second data set."""
    named = {
        (DATASET, METRIC): "quality", ("letters", METRIC): "letters", (DATASET, "attacked"): "attacked",
        (DATASET, "phone_latency"): "latency", (DATASET, "watch_latency"): "latency", (DATASET, "energy"): "energy",
        ("letters", "phone_latency"): "latency",
    }  # fmt: skip
    phone: dict[str, Any] = {
        "family": "latency",
        "condition": "phone",
        "higher_is_better": False,
        "unit": "milliseconds",
    }
    folder = tmp_path_factory.mktemp("families")
    lake = lakes.publish(
        folder / "lake",
        sources=[lakes.source(BIG, "big"), lakes.source(SMALL, "small")],
        architectures=[lakes.architecture(i) for i in range(COUNT)],
        metrics=[
            lakes.metric(), lakes.metric("letters", priority=2),
            lakes.metric(metric="attacked", priority=3, family="robustness", condition="PGD 1/255"),
            lakes.metric(metric="phone_latency", priority=4, **phone),
            lakes.metric(metric="watch_latency", priority=5, **{**phone, "condition": "watch"}),
            lakes.metric(metric="energy", priority=6, **{**phone, "family": "energy"}),
            lakes.metric("letters", "phone_latency", priority=7, **phone),
        ],
        truth=[
            lakes.truth(i, float(value), dataset=dataset, metric=metric)
            for (dataset, metric), name in named.items() for i, value in enumerate(values[name])
        ],
        proxies=[
            lakes.proxy(OURS, "ours", kind="zero-cost", higher_is_better=True),
            lakes.proxy(SIZE, "params", kind="zero-cost", higher_is_better=True),
            lakes.proxy(FLAT, "flat", kind="zero-cost", higher_is_better=True),
        ],
        scores=[lakes.score(i, proxy, float(values[proxy][i])) for i in range(SCORED) for proxy in (OURS, SIZE)]
        + [lakes.score(i, FLAT, 1.0) for i in range(SCORED)],
    )  # fmt: skip
    report.write(lake.root, folder / "out")
    report.write(lake.root, folder / "led", target=f"letters {METRIC}")
    return folder / "out"


@pytest.fixture(scope="module")
def space(written: Path) -> Any:
    [space] = json.loads((written / "report.json").read_text())["spaces"]
    return space


def test_each_family_has_a_table_whose_targets_are_named_briefly(space: Any) -> None:
    columns = {table["family"]: table["columns"] for table in space["families"]}
    assert columns == {
        "quality": [f"{DATASET} {METRIC}", f"letters {METRIC}"], "robustness": ["PGD 1/255"], "energy": ["phone"],
        "latency": [f"{DATASET} phone", f"{DATASET} watch", "letters phone"],
    }  # fmt: skip


def tables(markdown: str) -> list[list[list[str]]]:
    """The tables of a Markdown text, as rows of cells."""
    blocks = [block.splitlines() for block in markdown.split("\n\n") if block.startswith("|")]
    return [[[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in block] for block in blocks]


def test_in_markdown_each_rho_is_below_its_target(space: Any, written: Path) -> None:
    every = tables((written / "report.md").read_text())
    assert [len({len(row) for row in table}) for table in every] == [1] * len(every)
    [main, target] = space["targets"]
    further = target["name"]
    [table] = [table for table in every if further in table[0] and "seed" in table[0]]
    rows = {row[0]: dict(zip(table[0], row, strict=True)) for row in table[2:]}
    stated = {row["label"]: row["rho"] for row in target["leaderboard"]}
    assert {name: row[further] for name, row in rows.items()} == {name: number(rho) for name, rho in stated.items()}
    assert main["name"] not in table[0]  # which has a table of its own
    [robustness] = [table for table in every if table[0][1] == "PGD 1/255"]
    assert [row[0] for row in robustness[2:4]] == [
        f"true values of {DATASET} {METRIC}",
        f"true values of letters {METRIC}",
    ]


def test_a_report_that_leads_with_one_target_has_the_others_of_its_family(written: Path) -> None:
    led = written.with_name("led")
    [space] = json.loads((led / "report.json").read_text())["spaces"]
    [quality] = [table for table in space["families"] if table["family"] == "quality"]
    assert quality["columns"] == [f"{DATASET} {METRIC}"]
    assert [row["name"] for row in quality["truths"]] == [f"letters {METRIC}"]
    [table] = [table for table in tables((led / "report.md").read_text()) if table[0][1:] == quality["columns"]]
    assert [row[0] for row in table[2:]] == [f"true values of letters {METRIC}", "ours", "params", "flat"]


def test_the_truth_of_one_target_ranks_another_beside_the_proxies(space: Any, values: dict[str, Any]) -> None:
    tables = {table["family"]: table for table in space["families"]}
    [own, other] = tables["quality"]["truths"]
    expected = spearmanr(values["quality"], values["letters"]).statistic
    assert own["values"] == [None, pytest.approx(expected)] and other["values"] == [pytest.approx(expected), None]
    assert own["n"] == [None, COUNT] and own["low"][1] < expected < own["high"][1]
    rows = {row["name"]: row for row in tables["robustness"]["rows"]}
    expected = spearmanr(values[OURS][:SCORED], values["attacked"][:SCORED]).statistic
    assert rows["ours"]["values"] == [pytest.approx(expected)] and rows["ours"]["n"] == [SCORED]


def test_a_family_that_does_not_lead_has_its_best_proxies_on_top(space: Any) -> None:
    names = {table["family"]: [row["name"] for row in table["rows"]] for table in space["families"]}
    assert names["quality"] == ["ours", "params", "flat"]
    assert names["latency"] == ["ours", "params", "flat"]  # slow where it has many parameters; flat has no rho
    assert names["robustness"] == ["params", "ours", "flat"]


def test_a_limit_on_a_cost_allows_what_a_search_of_the_scored_ones_finds(space: Any, values: dict[str, Any]) -> None:
    assert space["limits"]["names"] == ["ours", "params"]
    costs = {(cost["family"], cost["name"]): cost for cost in space["limits"]["costs"]}
    assert list(costs) == [("latency", "phone"), ("latency", "watch"), ("energy", "phone")]  # of its data set alone
    for family in ("latency", "energy"):
        paid = values[family]
        for row in costs[family, "phone"]["limits"]:
            limit = np.sort(paid[:SCORED])[int(np.ceil(row["share"] * SCORED)) - 1]
            within = [i for i in range(SCORED) if paid[i] <= limit]
            assert (row["limit"], row["n"]) == (pytest.approx(limit), SCORED)
            assert row["best_of_space"] == values["quality"][paid <= limit].max()
            assert row["best_of_scored"] == values["quality"][within].max()
            assert row["found"] == [values["quality"][max(within, key=lambda i: values[p][i])] for p in (OURS, SIZE)]


@pytest.mark.parametrize("best", [0, 11])
def test_ties_flatter_no_proxy_that_is_followed(best: int, tmp_path: Path) -> None:
    cost = lakes.metric(metric="ms", family="latency", condition="phone", higher_is_better=False, priority=2)
    values = {METRIC: [90.0 if i == best else 60.0 for i in range(12)], "ms": [3.0] * 12}
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(BIG, "big")], metrics=[lakes.metric(), cost],
        truth=[lakes.truth(i, value, metric=name) for name in values for i, value in enumerate(values[name])],
        proxies=[lakes.proxy(FLAT, "flat", kind="zero-cost")], scores=[lakes.score(i, FLAT, 1.0) for i in range(12)],
    )  # fmt: skip
    asked: dict[str, tuple[str, dict[str, str | int]]] = {
        "best_of_the_k_best": ("best_of_k", {"k": 5}),
        "what_a_limit_allows": ("found", {"cost": "ms", "dataset": DATASET, "most": 3}),
    }
    for example, (column, parameters) in asked.items():
        [row] = catalog.run_sql(lake, catalog.queries("examples")[example].read_text(), parameters).to_pylist()
        assert row[column] == 60
    with catalog.snapshot(lake) as connection:
        space = {"benchmark": lakes.BENCHMARK, "space": lakes.SPACE, "family": "quality"}
        rows = records(answer(connection, "limits", {**space, "proxies": [FLAT]}))
    assert {row["proxy_id"]: row["found"] for row in rows} == {FLAT: [60], None: [90]}


def test_the_page_shows_targets_and_limits_and_leads_to_them(written: Path, space: Any) -> None:
    html, markdown = (written / "index.html").read_text(), (written / "report.md").read_text()
    for part in ("targets", "limits"):
        assert f'id="{space["key"]}.{part}"' in html and f'data-part="{part}" href' in html
    cost = space["limits"]["costs"][0]["limits"][0]
    assert f"{cost['limit']:.2f} milliseconds" in html and f"| 10 % of {SCORED} |" in markdown


def test_names_that_conditions_do_not_tell_apart_are_those_of_the_metrics() -> None:
    targets = [{"dataset": DATASET, "metric": metric, "condition": "phone"} for metric in ("latency", "jitter")]
    assert short_names(targets) == [f"{DATASET} latency", f"{DATASET} jitter"]
