"""The generic rule as what a tuning starts from, what trees learn from its errors, and the features of graphs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import benchmarks, catalog
from pipeline.benchmarks.contract import ArchitectureGraph
from pipeline.errors import UserError
from pipeline.lake.store import Lake
from pipeline.proxies.aggregates import generic
from pipeline.scoring.plan import Plan
from pipeline.search.stored_scores import stored_proxy, stored_scores
from pipeline.tuning import draws, graph_features, learners, methods, prior, terms
from pipeline.tuning.evaluations import evaluate
from pipeline.tuning.weigh import weigh
from tests.fixtures import lakes
from tests.fixtures.tuned_lakes import data, made_up

DIAMOND = ArchitectureGraph(("input", "conv", "conv", "pool", "output"), ((0, 1), (0, 2), (2, 3), (1, 4), (3, 4)))


def table_of(names: list[str], values: Any) -> terms.TermTable:
    columns = tuple(terms.TermColumn(name, name, f"{i:016x}", terms.SCORES) for i, name in enumerate(names))
    ids = tuple(lakes.arch(i) for i in range(len(values)))
    return terms.TermTable(
        "nasbench201", "topology", "d", "m", ids, np.arange(len(values), dtype=float), columns, values
    )


def test_the_rule_is_that_of_the_aggregate_and_needs_all_its_parts() -> None:
    whole = generic.form("images")
    names = [term.proxy for term in whole.terms]
    values = np.random.default_rng(0).normal(size=(30, len(names) + 1))
    values[3, 1] = -np.inf  # failed
    table = table_of([*names, "params"], values)
    logs = [term.weight * np.log(prior.relative_ranks(values[:, i])) for i, term in enumerate(whole.terms)]
    expected = terms.centred_ranks(np.sum(logs, axis=0))
    assert prior.generic_rule(table) == pytest.approx(expected)
    assert prior.relative_ranks(values[:, 0]).max() == pytest.approx(1) and prior.relative_ranks(values[:, 1])[3] > 0
    assert prior.generic_rule(terms.only(table, range(len(names) - 1))) is None
    assert prior.generic_rule(table_of(["params"], values[:, :1])) is None


def test_few_labels_leave_the_rule_as_it_is_and_many_correct_it() -> None:
    random = np.random.default_rng(3)
    features = random.normal(size=(400, 5))
    truth = random.normal(size=400) + features[:, 0] * 0.5
    rule = terms.centred_ranks(truth - features[:, 0] * 0.5 + 0.3 * random.normal(size=400))
    target, gained = terms.centred_ranks(truth), {}
    for labels in (6, 200):
        values = learners.corrected(features, rule, np.arange(labels), target[:labels], 0)
        kept, better = (methods.correlation(x[200:], truth[200:]) for x in (rule, values))
        gained[labels] = better - kept
    assert abs(gained[6]) < 0.02 and gained[200] > 0.05


def test_a_graph_is_described_by_counts_paths_and_degrees() -> None:
    found = graph_features.numbers(DIAMOND)
    assert found["vertices"] == 5 and found["edges"] == 5 and found["log paths"] == math.log1p(2)
    assert (found["longest path"], found["shortest path"], found["edges into ends"]) == (3, 2, 2)
    assert (found["conv: count"], found["conv: most on a path"], found["conv: depth"]) == (2, 1, 1)
    assert (found["pool: depth"], found["pool: degree"], found["largest out-degree"]) == (2, 2, 2)


@pytest.mark.parametrize(
    ("benchmark", "space", "architecture", "operations", "edges"),
    [
        ("nasbench201", "topology", "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|avg_pool_3x3~2|",
         ["input", "skip_connect", "output"], 2),  # what leads nowhere, and what nothing feeds, is left out
        ("nasbench101", "cell", {"adjacency": "010001000", "operations": ["input", "maxpool3x3", "output"]},
         ["input", "maxpool3x3", "output"], 2),
        ("nasbench_nlp", "cells", {"h_new_0": {"op": "linear", "input": ["x", "h_prev_0"]}},
         ["x", "state", "linear"], 2),
    ],
)  # fmt: skip
def test_each_benchmark_gives_its_graphs(
    benchmark: str, space: str, architecture: Any, operations: list[str], edges: int
) -> None:
    bench = benchmarks.load(benchmark)
    assert bench.graph is not None
    graph = bench.graph(space, bench.canonical(space, architecture))
    assert graph is not None and list(graph.operations) == operations and len(graph.edges) == edges
    if benchmark == "nasbench201":
        assert bench.graph("size", {"channels": [8] * 5}) is None


@pytest.fixture
def ruled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake in which one of the scores stands for the generic rule."""

    def rule(table: terms.TermTable) -> terms.Floats:
        return table.ranks[:, [term.key for term in table.terms].index("synflow")]

    monkeypatch.setattr(prior, "generic_rule", rule)
    return made_up(tmp_path / "lake")


def test_ways_are_judged_beside_the_rule_and_alone(ruled: Lake) -> None:
    judged = evaluate(ruled.root, data(labels=30), 2, ["generic", "corrected"])
    rows: Any = {row["method"]: row for row in judged.to_dict("records")}
    assert set(rows) == {"generic", "corrected"}
    assert (rows["generic"]["labels"], rows["corrected"]["labels"]) == (0, 30)
    assert {row["terms"] for row in rows.values()} == {draws.GRAPH}
    assert rows["corrected"]["difference"] == pytest.approx(rows["corrected"]["rho"] - rows["generic"]["rho"])
    with pytest.raises(UserError, match="unknown way 'corected': did you mean corrected"):
        evaluate(ruled.root, data(), 2, ["corected"])


def test_what_is_corrected_is_stored_as_scores_and_found_again(ruled: Lake) -> None:
    proxy = weigh(ruled.root, data(seed=4))
    assert proxy.path is None and proxy.line.startswith(f"{proxy.name}: the generic rule, corrected by")
    (row,) = catalog.run_sql(ruled, "FROM tuned").to_pylist()
    table = terms.read(ruled, lakes.BENCHMARK, lakes.SPACE)
    judged = next(draws.within(table, 20, [4], ways=["corrected"]))
    assert (row["method"], row["labels"], row["n"]) == ("corrected", 20, 40)
    assert row["rho"] == pytest.approx(judged.rho, abs=1e-9)
    assert weigh(ruled.root, data(seed=4)) == proxy
    scores = catalog.run_sql(ruled, f"FROM scores WHERE proxy_id = '{row['proxy_id']}'")
    assert scores.num_rows == 60
    plan = Plan(lakes.BENCHMARK, lakes.SPACE, proxy.name, None, 0, "cpu")
    assert len(stored_scores(ruled, plan, stored_proxy(ruled, plan))[0]) == 60
    assert [name for name, rows in catalog.checks(ruled) if rows.num_rows] == []


def test_without_the_rules_parts_terms_are_weighed_as_before(tmp_path: Path) -> None:
    lake = made_up(tmp_path / "lake")
    assert weigh(lake.root, data()).origin.startswith("mixed of")
    with pytest.raises(UserError, match="corrected: a part of generic has too few scores of madeup/toys"):
        weigh(lake.root, data(), "corrected")
    with pytest.raises(UserError, match="a part of generic has too few scores of madeup/toys"):
        evaluate(lake.root, data(), 2, ["generic"])
