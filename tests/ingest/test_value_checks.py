"""Values against their metric's ranges, their column and their neighbours."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.benchmarks import load, names, units
from pipeline.errors import UserError
from pipeline.ingest.run import IngestSummary, ingest
from tests.fixtures import mapped_tables as fixtures
from tests.fixtures import nasbench201_files, nds_files
from tests.fixtures.command import exit_code

CELLS = nasbench201_files.topologies(40)
DRAW = random.Random(0)
LEARNT = [round(DRAW.uniform(60, 73), 2) for _ in range(36)]
GUESSED = {"cifar10": 10.0, "cifar100": 1.0, "ImageNet16-120": 0.83}

Table = Callable[..., IngestSummary]


@pytest.fixture
def table(lake: Path, tmp_path: Path) -> Table:
    """(values of a column of truth, fields of the mapping that differ) -> the summary of their ingest."""

    def ingested(values: list[float], **changed: str) -> IngestSummary:
        text = fixtures.ACCURACY
        for name, value in {"dataset": "cifar10", "metric": "test_accuracy", "unit": "percent", **changed}.items():
            before = {"dataset": "cifar10", "metric": "test_accuracy", "unit": "percent"}[name]
            text = text.replace(f'{name} = "{before}"', f'{name} = "{value}"')
        path = fixtures.table(tmp_path / "t.csv", ["arch", "acc"], zip(CELLS, values, strict=False))
        [summary] = ingest(lake, "nasbench201", [path], mapping=str(fixtures.mapping(tmp_path / "m.toml", text)))
        return summary

    return ingested


@pytest.mark.parametrize("dataset", GUESSED)
def test_accuracies_with_guessing_among_them_are_plausible(table: Table, dataset: str) -> None:
    assert table([*LEARNT, *[GUESSED[dataset]] * 4], dataset=dataset).warnings == ()


@pytest.mark.parametrize("dataset", GUESSED)
@pytest.mark.parametrize("every", [2, 3, 10])
def test_a_column_of_percents_and_fractions_is_refused(lake: Path, table: Table, dataset: str, every: int) -> None:
    values = [v / 100 if n % every == 0 else v for n, v in enumerate([*LEARNT, *[GUESSED[dataset]] * 4])]
    with pytest.raises(UserError, match=r"column 'acc' is of two scales: \d+ of 40 values look like fractions.*line"):
        table(values, dataset=dataset)
    assert not lake.exists()


@pytest.mark.parametrize("dataset", GUESSED)
def test_one_fraction_among_percents_is_warned_of(table: Table, dataset: str) -> None:
    summary = table([93.65, 0.7203, *LEARNT], dataset=dataset)
    [warning] = summary.warnings
    assert "column 'acc': 1 of 38 values look like fractions among percents: 0.7203 (line 3)" in warning
    assert (summary.values, summary.rejected) == (38, 0)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([4.2, *LEARNT], "1 value is outside the plausible 5 to 99.95: 4.2 (line 2)"),
        ([*LEARNT, 100.0, 100.0], "2 values are outside the plausible 5 to 99.95: 100 (line 38), 100 (line 39)"),
        ([61.5] * 12, "all 12 values are 61.5"),
    ],
)
def test_what_is_implausible_is_stored_and_warned_of(table: Table, values: list[float], said: str) -> None:
    summary = table(values)
    assert [w.partition("'acc': ")[2] for w in summary.warnings] == [said]
    assert summary.values == len(values)


@pytest.mark.parametrize(
    ("values", "metric", "unit", "said"),
    [
        ([1_073_466 + n for n in range(20)] + [802], "params", "count", "outside the plausible 1000"),
        ([1_073_466 + n for n in range(20)] + [1_074], "params", "count", "more than 30 times smaller than all"),
        ([5_000 + n for n in range(20)] + [4_300_000.5], "train_seconds", "seconds", "more than 30 times larger"),
        ([20.5 + n for n in range(20)] + [9_000.0], "edgegpu_energy", "millijoules", "more than 30 times larger"),
        ([0.0, *range(10, 30)], "train_seconds", "seconds", "outside the plausible 1e-06"),
        ([2.3 + n / 100 for n in range(20)] + [71.0], "test_loss", "nats", "outside the plausible 0 to 23.0259: 71"),
    ],
)
def test_one_row_far_from_its_neighbours_is_warned_of(
    table: Table, values: list[float], metric: str, unit: str, said: str
) -> None:
    warnings = table(values, metric=metric, unit=unit).warnings
    assert [said in warning for warning in warnings].count(True) == 1, warnings


@pytest.mark.parametrize(
    ("benchmark", "dataset", "metric", "values"),
    [
        ("flexibert", "cola", "score", (-0.06, 0.6)),
        ("flexibert", "sts", "score", (-0.1, 0.9)),
        ("transnas101", "autoencoder", "test_ssim", (-0.02, 0.8)),
        ("transnas101", "normal", "validation_ssim", (-0.02, 0.8)),
        ("transnas101", "room_layout", "test_neg_loss", (-14.0, -0.56)),
        ("transnas101", "room_layout", "test_loss", (0.6, 40.0)),
        ("transnas101", "segmentsemantic", "test_mean_iou", (1.2, 31.0)),
        ("nds", "cifar10", "learning_rate", (0.0, 1.0)),
        ("nasbench201", "cifar10", "clean_accuracy", (10.0, 94.6)),
        ("nasbench201", "cifar10", "pgd_8_accuracy", (0.0, 12.0)),
    ],
)
def test_what_a_metric_may_be_is_plausible(
    benchmark: str, dataset: str, metric: str, values: tuple[float, float]
) -> None:
    bench = load(benchmark)
    low, high = units.plausible(bench.metric(dataset, metric), bench.classes.get(dataset))
    assert low <= values[0] <= values[1] <= high


@pytest.mark.parametrize(("dataset", "value"), [("cola", 1.2), ("sts", -1.2)])
def test_beyond_what_a_correlation_may_be_is_not(dataset: str, value: float) -> None:
    bench = load("flexibert")
    low, high = units.plausible(bench.metric(dataset, "score"), bench.classes[dataset])
    assert not low <= value <= high


@pytest.mark.parametrize(
    ("value", "metric", "unit"),
    [
        (100.1, "test_accuracy", "percent"),
        (-0.1, "test_accuracy", "percent"),
        (1.02, "test_accuracy", "fraction"),
        (0.0, "params", "count"),
        (0.073, "params", "count"),  # in millions, without its scale
        (-1.0, "train_seconds", "seconds"),
        (-0.5, "test_loss", "nats"),
    ],
)
def test_the_impossible_is_rejected(lake: Path, table: Table, value: float, metric: str, unit: str) -> None:
    with pytest.raises(UserError, match=rf"1 row cannot be taken, at line 2: .*holds {value:g}, which is no {unit}"):
        table([value], metric=metric, unit=unit)
    assert not lake.exists()


def test_warnings_are_lines_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = fixtures.table(tmp_path / "t.csv", ["arch", "acc"], zip(CELLS, [0.65, *LEARNT], strict=False))
    mapping = fixtures.mapping(tmp_path / "m.toml", fixtures.ACCURACY)
    assert exit_code("ingest", "--lake", tmp_path / "lake", "nasbench201", path, "--mapping", mapping) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("mine: 37 architectures, 37 values, 0 rejected")
    assert printed.err.splitlines() == [
        f"warning: {path}: column 'acc': 1 of 37 values look like fractions among percents: 0.65 (line 2)"
    ]


def test_a_released_score_that_is_one_number_is_warned_of(lake: Path, tmp_path: Path) -> None:
    score = '[[score]]\ncolumn = "acc"\nproxy = "mine"\nhigher_is_better = true\n'
    path = fixtures.table(tmp_path / "t.csv", ["arch", "acc"], [(cell, 7) for cell in CELLS[:12]])
    [summary] = ingest(lake, "nasbench201", [path], mapping=str(fixtures.mapping(tmp_path / "m.toml", score)))
    assert [w.partition("t.csv: ")[2] for w in summary.warnings] == ["score mine: all 12 values are 7"]


@pytest.mark.parametrize(("count", "warned"), [(12, True), (9, False)])
def test_a_column_without_a_value_is_warned_of(lake: Path, tmp_path: Path, count: int, warned: bool) -> None:
    score = '[[score]]\ncolumn = "score"\nproxy = "mine"\nhigher_is_better = true\n'
    rows = [(cell, "nan", "") for cell in CELLS[:count]]
    path = fixtures.table(tmp_path / "t.csv", ["arch", "acc", "score"], rows)
    mapping = str(fixtures.mapping(tmp_path / "m.toml", f"{fixtures.ACCURACY}\n{score}"))
    [summary] = ingest(lake, "nasbench201", [path], mapping=mapping)
    missing = ["column 'acc': all 12 values are missing", "score mine: all 12 values are missing"]
    assert [w.partition("t.csv: ")[2] for w in summary.warnings] == (missing if warned else [])


@pytest.mark.parametrize(
    ("stated", "lists", "warned"),
    [
        ("epochs = 2", ["[60, 70]", "[61, 71]"], None),
        ("", ["[60, 70]", "[61, 71]"], None),
        ("epochs = 2", ["[60, 70]", "[61]"], "lists of 1 to 2 values: each last value is stored as that after the 2"),
        ("epochs = 200", ["[60]", "[61]"], "lists of 1 value: each last value is stored as that after the 200 epochs"),
        ("", ["[60, 70]", "[61]"], "lists of 1 to 2 values: each last value is stored as that after as many epochs"),
    ],
)
def test_lists_that_are_not_as_long_as_the_training_are_warned_of(
    lake: Path, tmp_path: Path, stated: str, lists: list[str], warned: str | None
) -> None:
    path = fixtures.table(tmp_path / "t.csv", ["arch", "acc"], zip(CELLS, lists, strict=False))
    mapping = fixtures.mapping(tmp_path / "m.toml", f'{fixtures.ACCURACY}each = "epoch"\n{stated}')
    [summary] = ingest(lake, "nasbench201", [path], mapping=str(mapping))
    told = [w.partition("column 'acc': ")[2] for w in summary.warnings]
    assert len(told) == (warned is not None)
    assert warned is None or told[0].startswith(warned)


def test_a_published_form_is_warned_of_and_kept(lake: Path, tmp_path: Path) -> None:
    folder = nasbench201_files.nats_folder(tmp_path / "nats", CELLS[:3], {})
    for index, notation in enumerate(CELLS[:3]):
        record = nasbench201_files.nats_record(index, notation, {"12": [777]})
        if index == 1:
            for training in record["12"]["all_results"].values():
                training["eval_acc1es"] = dict.fromkeys(training["eval_acc1es"], 0.5)
        nasbench201_files.pack(folder / f"{index:06d}.pickle.pbz2", record)
    [summary] = ingest(lake, "nasbench201", [folder])
    assert summary.rejected == 0
    assert any("cifar10 test_accuracy: 1 of 3 values look like fractions" in line for line in summary.warnings)
    assert any("cifar10 test_accuracy: 1 of 3" in line and line.endswith("0.5 (1)") for line in summary.warnings)


def test_sizes_of_zero_in_a_published_form_are_rejects(lake: Path, tmp_path: Path) -> None:
    jobs = [nds_files.job(nds_files.net("darts", n), params=1_000_000 * n) for n in range(3)]
    [summary] = ingest(lake, "nds", [nds_files.write(tmp_path / "DARTS.json", jobs)])
    assert (summary.architectures, summary.rejected) == (2, 1)


@pytest.mark.parametrize("benchmark", names())
def test_every_metric_has_a_plausible_range_within_the_possible(benchmark: str) -> None:
    declared = load(benchmark)
    guessed = {m.dataset for m in declared.metrics if units.plausible(m, 2) != units.plausible(m, None)}
    assert guessed <= set(declared.classes) <= {metric.dataset for metric in declared.metrics}
    for metric in declared.metrics:
        least, most = units.LIMITS[metric.unit]
        low, high = units.plausible(metric, declared.classes.get(metric.dataset))
        assert least <= low < high <= most
