"""What is asked of every registered benchmark, on the made-up publication of `tests/fixtures/NAME_files.py`."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from pipeline import benchmarks
from pipeline.benchmarks.contract import Benchmark, Metric, arch_id_of
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError, UserError
from pipeline.ingest import mapped_table
from pipeline.ingest import mapping as table_mapping

WITHOUT_CURVES = ("darts", "flexibert", "nasbench_macro")  # whose publications state final values alone

pytestmark = pytest.mark.parametrize("benchmark", [*map(benchmarks.load, benchmarks.names())], ids=benchmarks.names())


def published(benchmark: Benchmark, root: Path) -> Path:
    files: Any = importlib.import_module(f"tests.fixtures.{benchmark.name}_files")
    root.mkdir()
    path: Path = files.published(root)
    return path


def batches_of(benchmark: Benchmark, path: Path, curves: bool = False) -> list[SourceRows]:
    """What is read of a publication: by the benchmark's reader, or by the table mapping that is known by its name."""
    mapping = table_mapping.for_file(table_mapping.shipped(benchmark.name), path)
    if mapping is not None:
        return list(mapped_table.read(mapping, benchmark, path, {}, curves=curves))
    return list(benchmark.read(path, curves))


def every_row(batches: list[SourceRows], table: str) -> list[dict[str, Any]]:
    constants = {"benchmark": batches[0].benchmark, "source_id": "0" * 16}
    rows = [row for batch in batches for row in batch.arrow(table, constants).to_pylist()]
    if table == "truth":
        rows += [r for b in batches for *_, block in b.arrow_blocks(constants) for r in block.to_pylist()]
    return rows


def test_spaces_and_metrics_are_declared_once(benchmark: Benchmark) -> None:
    assert benchmarks.load(benchmark.name) is benchmark
    assert len({space.name for space in benchmark.spaces}) == len(benchmark.spaces) > 0
    assert len({(m.dataset, m.metric) for m in benchmark.metrics}) == len(benchmark.metrics) > 0
    priorities = [m.priority for m in benchmark.metrics if m.priority]
    assert sorted(priorities) == [*range(1, len(priorities) + 1)]
    assert all(m.higher_is_better is not None for m in benchmark.metrics if m.priority)


def test_a_metric_is_found_without_going_through_all(benchmark: Benchmark) -> None:
    """A table of thousands of columns asks for the metric of each, for each row that is shown of it."""

    class Counted(tuple[Metric, ...]):
        gone_through = 0

        def __iter__(self) -> Iterator[Metric]:
            Counted.gone_through += 1
            return super().__iter__()

    counted = replace(benchmark, metrics=Counted(benchmark.metrics))
    for metric in [*benchmark.metrics, *benchmark.metrics]:
        assert counted.metric(metric.dataset, metric.metric) is metric
    assert Counted.gone_through == 1
    with pytest.raises(UserError, match="unknown metric"):
        counted.metric(benchmark.metrics[0].dataset, "none of them")


def test_its_published_form_is_read(benchmark: Benchmark, tmp_path: Path) -> None:
    batches = batches_of(benchmark, published(benchmark, tmp_path / "published"))
    assert not any(batch.rejects["position"] for batch in batches)
    architectures = every_row(batches, "architectures")
    assert len({row["arch_id"] for row in architectures}) >= 2
    for row in architectures:
        spec = json.loads(row["spec"])
        assert benchmark.canonical(row["space"], spec) == spec
        assert row["arch_id"] == arch_id_of(benchmark.name, row["space"], spec)
    truth = every_row(batches, "truth")
    assert {row["arch_id"] for row in truth} == {row["arch_id"] for row in architectures}
    for row in truth:
        benchmark.metric(row["dataset"], row["metric"])
        assert (row["status"] == "ok") == (row["value"] is not None) == (row["reason"] is None)
    targets = {(m.dataset, m.metric) for m in benchmark.metrics if m.priority == 1}
    assert targets <= {(row["dataset"], row["metric"]) for row in truth}


def test_training_curves_come_on_top_of_the_final_values(benchmark: Benchmark, tmp_path: Path) -> None:
    path = published(benchmark, tmp_path / "published")
    finals, everything = (every_row(batches_of(benchmark, path, curves), "truth") for curves in (False, True))
    assert [row for row in everything if row["epoch"] is None] == [row for row in finals if row["epoch"] is None]
    assert any(row["epoch"] for row in everything) == (benchmark.name not in WITHOUT_CURVES)


def test_another_form_is_refused(benchmark: Benchmark, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("nothing of the kind")
    for path in (other, tmp_path):
        with pytest.raises(NotThisFormError):
            list(benchmark.read(path, False))


def test_an_architecture_that_is_none_is_refused(benchmark: Benchmark) -> None:
    for space in benchmark.spaces:
        none: tuple[Any, ...] = ("", "no such thing", {}, [], None, 7, {"cell": 7})
        for architecture in none:
            with pytest.raises(UserError):
                benchmark.canonical(space.name, architecture)


def test_random_architectures_and_neighbours_are_of_the_space(benchmark: Benchmark) -> None:
    assert benchmark.sample is not None and benchmark.mutate is not None
    for space in benchmark.spaces:
        random = Random(space.name)
        spec = benchmark.sample(space.name, random)
        neighbour = benchmark.mutate(space.name, spec, random)
        assert neighbour != spec == benchmark.canonical(space.name, spec)
        assert neighbour == benchmark.canonical(space.name, neighbour)


def test_its_networks_have_the_stated_stages(benchmark: Benchmark) -> None:
    assert benchmark.sample is not None
    shape = (2, 3, 32, 32) if benchmark.inputs == "images" else (2, 4, 400)
    space = benchmark.space(None).name
    with torch.device("meta"):
        network = benchmark.build(space, benchmark.sample(space, Random(0))).eval()
        taps = network(torch.empty(shape))
    assert len(taps) == benchmark.stages and all(len(tap) == 2 for tap in taps)
