"""The published logs themselves: what they hold, and that every cell trains."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from pipeline.benchmarks.nasbench_nlp import checking
from pipeline.benchmarks.nasbench_nlp.network import RecurrentNetwork
from pipeline.errors import UserError
from pipeline.ingest.run import ingest
from pipeline.lake.store import Lake


@pytest.fixture(scope="module")
def lake(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake of all logs."""
    root = tmp_path_factory.mktemp("nlp") / "lake"
    folder = shared / "nasbench_nlp"
    logs = [folder / "train_logs_single_run.zip", folder / "train_logs_wikitext-2.zip"]
    summaries = ingest(root, "nasbench_nlp", logs)
    assert [s.rejected for s in summaries] == [0, 0]
    return Lake(root)


@pytest.fixture(scope="module")
def truth(lake: Lake) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = lake.read("truth", "nasbench_nlp").to_pylist()
    return rows


def test_every_training_is_there_by_its_status(truth: list[dict[str, Any]]) -> None:
    found = Counter((r["dataset"], r["status"]) for r in truth if r["metric"] == "best_test_loss")
    assert found["ptb", "ok"] + found["ptb", "diverged"] == 9916
    assert found["wikitext-2", "ok"] + found["wikitext-2", "diverged"] == 345
    said = Counter(r["reason"] for r in truth if r["metric"] == "best_test_loss" and r["status"] != "ok")
    assert set(said) == {"the log says: loss is nan!", "the log says: Exception: math range error"}
    perplexity = [r["value"] for r in truth if r["metric"] == "best_test_perplexity" and r["status"] == "ok"]
    loss = [r["value"] for r in truth if r["metric"] == "best_test_loss" and r["status"] == "ok"]
    assert perplexity == pytest.approx([math.exp(v) for v in loss])


def test_the_networks_have_the_parameters_that_the_logs_state(shared: Path) -> None:
    for name in ("train_logs_single_run.zip", "train_logs_wikitext-2.zip"):
        [result] = checking.check(shared / "nasbench_nlp" / name, 60)
        assert (result.checked, result.differing) == (60, 0)


def test_every_kind_of_cell_trains(lake: Lake) -> None:
    """Narrow networks of 400 of the cells; the widths are no part of a recipe."""
    specs = lake.read("architectures", "nasbench_nlp", columns=["spec"])["spec"].to_pylist()
    torch.manual_seed(0)
    for text in Random(0).sample(sorted(specs), 400):
        network = RecurrentNetwork(json.loads(text), (3, 5, 5, 3))
        [tap] = network(torch.randn(2, 4, 3))
        tap.square().mean().backward()
        assert tap.shape == (2, 4, 3)


def test_released_scores_join_by_the_name_of_the_log(lake: Lake, shared: Path) -> None:
    table = shared / "nasbench_nlp" / "published_zero_cost.csv"
    with pytest.raises(UserError, match=r"the lake knows no architecture .*nothing was stored"):
        ingest(lake.root, "nasbench_nlp", [table])
    [summary] = ingest(lake.root, "nasbench_nlp", [table], max_rejects=8_794)
    assert summary.values == 12 * summary.architectures > 20_000
