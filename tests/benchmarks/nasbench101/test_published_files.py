"""The files themselves: every cell is what the benchmark says it is, and the sources agree."""

from __future__ import annotations

import gc
import gzip
import itertools
import json
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from random import Random

import pytest

from pipeline.benchmarks.nasbench101 import BENCHMARK, architectures, cell_graph
from pipeline.benchmarks.nasbench101.network import TRAINED_CHANNELS, features
from pipeline.ingest import mapped_table as _table
from pipeline.ingest import mapping as table_mapping
from pipeline.ingest.run import ingest
from pipeline.lake.store import Lake
from pipeline.networks.features import trained_parameters

TRAINED = partial(features, channels=TRAINED_CHANNELS)
Cell = tuple[str, str, list[str], int, float]
"""Module hash, adjacency, operations, parameters, mean test accuracy."""


@pytest.fixture(scope="module")
def cells(shared: Path) -> list[Cell]:
    """All cells of the table."""
    with gzip.open(shared / "nasbench101" / "nasbench101_cells.tsv.gz", "rt") as stream:
        rows = (line.rstrip("\n").split("\t") for line in itertools.islice(stream, 1, None))
        table = [(r[1], r[2], r[3].split(","), int(r[4]), float(r[5])) for r in rows]
    gc.freeze()  # a collection of garbage has a million objects fewer to go through
    return table


def test_every_cell_is_in_its_canonical_form_and_differs_from_every_other(cells: list[Cell]) -> None:
    """So the labelling that this project keeps is the one that was trained, channel for channel."""
    started = time.process_time()
    found = {cell_graph.canonical(adjacency, operations) for _, adjacency, operations, _, _ in cells}
    assert time.process_time() - started < 60
    assert len(found) == len(cells) == 338_965
    assert found == {(adjacency, tuple(operations)) for _, adjacency, operations, _, _ in cells}


def test_the_module_hash_is_the_published_one(cells: list[Cell]) -> None:
    for module_hash, adjacency, operations, _, _ in [*cells[:1000], *Random(0).sample(cells, 2000)]:
        assert cell_graph.module_hash(adjacency, operations) == module_hash


def test_the_trained_network_has_the_published_number_of_parameters(cells: list[Cell]) -> None:
    small = [cell for cell in cells if len(cell[2]) < 5]
    for _, adjacency, operations, parameters, _ in [*Random(1).sample(cells, 300), *small]:
        spec = architectures.canonical("cell", {"adjacency": adjacency, "operations": operations})
        assert trained_parameters(TRAINED, spec, 10) == parameters


def test_the_memory_of_the_official_api_agrees_with_the_table(cells: list[Cell], shared: Path, tmp_path: Path) -> None:
    [summary] = ingest(tmp_path / "lake", "nasbench101", [shared / "nasbench101" / "api_structure_30_cells.pkl"])
    assert (summary.architectures, summary.values, summary.rejected) == (30, 30 * 25, 0)
    lake = Lake(tmp_path / "lake")
    native = {r["arch_id"]: r["native_id"] for r in lake.read("architectures", "nasbench101").to_pylist()}
    accuracies, sizes = defaultdict(list), {}
    for r in lake.read("truth", "nasbench101").to_pylist():
        if r["metric"] == "test_accuracy" and r["epoch"] is None:
            accuracies[native[r["arch_id"]]].append(r["value"])
        elif r["metric"] == "params":
            sizes[native[r["arch_id"]]] = r["value"]
    table = {cell[0]: (cell[3], cell[4]) for cell in cells}
    common = sizes.keys() & table.keys()
    assert len(common) > 20
    for module_hash in common:
        parameters, accuracy = table[module_hash]
        assert sizes[module_hash] == parameters
        assert sum(accuracies[module_hash]) / 3 == pytest.approx(100 * accuracy, abs=1e-9)


def test_the_table_is_taken_by_its_mapping(shared: Path, tmp_path: Path) -> None:
    path = tmp_path / "nasbench101_cells.tsv.gz"
    with gzip.open(shared / "nasbench101" / path.name, "rt") as stream, gzip.open(path, "wt") as some:
        some.writelines(itertools.islice(stream, 2001))
    [summary] = ingest(tmp_path / "lake", "nasbench101", [path])
    assert (summary.source, summary.architectures, summary.values, summary.rejected) == ("freerea-cells", 2000, 4000, 0)


def test_the_codes_of_the_released_scores_are_the_ones_of_the_mapping(shared: Path) -> None:
    """The released parameter counts tell: they are of the 128-channel network, of other labellings now and then."""
    path = shared / "nasbench101" / "published_zero_cost_500.json"
    mapping = table_mapping.find("nasbench101", "naslib-zero-cost")
    codes = mapping.architecture.codes
    exact = {}
    for order in itertools.permutations(cell_graph.OPERATIONS):
        swapped = {**codes, **dict(zip("234", order, strict=True))}
        tried = mapping.model_copy(
            update={"architecture": mapping.architecture.model_copy(update={"codes": swapped}), "repeated": "mean"}
        )
        [batch] = _table.read(tried, BENCHMARK, path, {})
        assert not batch.rejects["reason"]
        specs = dict(zip(batch.architectures["arch_id"], batch.architectures["spec"], strict=True))
        stated = [
            (a, v)
            for a, p, v in zip(*(batch.scores[c] for c in ("arch_id", "proxy", "value")), strict=True)
            if p == "params"
        ]
        some = stated[::12]
        same = [trained_parameters(TRAINED, json.loads(specs[a]), 10) == round(1e6 * v) for a, v in some]
        exact[order] = sum(same) / len(same)
    assert exact.pop(tuple(codes[c] for c in "234")) > 0.75
    assert max(exact.values()) < 0.5
