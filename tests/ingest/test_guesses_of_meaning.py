"""What `pipeline mapping init` must not mistake: data sets, splits, measures, seeds and rows that only look alike."""

from __future__ import annotations

import json
import pickle
import random
import re
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import benchmarks
from pipeline.benchmarks import defaults, own_benchmarks
from pipeline.benchmarks.contract import Benchmark, Metric, Space
from pipeline.errors import UserError
from pipeline.ingest import mapped_table, mapping_check, mapping_draft
from pipeline.ingest import mapping as table_mapping
from pipeline.ingest.guessing.column_words import dataset_of
from pipeline.ingest.mapping import TableMapping
from tests.fixtures import mapped_tables as fixtures
from tests.fixtures import nasbench201_files
from tests.fixtures.stored_tables import ACC, ONE, OTHER, Values, stored, written

CELLS = nasbench201_files.topologies(4)
HUNDRED, VALID = "cifar100 test_accuracy", "cifar10-valid validation_accuracy"


def drafted(table: Path, benchmark: str | None = None) -> tuple[TableMapping, str]:
    text = mapping_draft.draft(table, benchmark).text
    file = table.parent / "drafted.toml"
    file.write_text(text)
    return table_mapping.load(file), text


COLUMNS: dict[str, tuple[dict[str, list[Any]], dict[str, str], str]] = {
    # the columns beside the architecture's; of those that are taken what they measure; what is said
    "a data set that is not here": ({"ninapro.valid_acc": [60, 61]}, {}, "its name says ninapro"),
    "an attack": ({"fgsm_robust_acc_eps": [60, 61]}, {}, "its name says"),
    "a device": ({"iphone_latency": [3.5, 4]}, {}, "its name says iphone"),
    "a comparison": ({"test_acc_rank": [1, 2]}, {}, "its name says rank"),
    "a loss of a held-out part": (
        {"cifar10-valid.train_losses": [1, 2], "cifar10-valid.eval_acc1es": [60, 61]},
        {"cifar10-valid.train_losses": "cifar10-valid train_loss", "cifar10-valid.eval_acc1es": VALID},
        "",
    ),
    "a split after a data set": (
        {"c10_valid@90": [60, 61], "c10_test@90": [62, 63]},
        {"c10_valid@90": VALID, "c10_test@90": ACC},
        "epochs = 90",
    ),
    "a number that is no data set": ({"acc10": [60, 61]}, {"acc10": ACC}, "and cifar10 is taken"),
    "what a tool calls parameters": (
        {"params.lr": [0.1, 0.2], "params.seed": [0, 1], "metrics.test_acc": [0.6, 0.7]},
        {"metrics.test_acc": ACC},
        'seed_column = "params.seed"',
    ),
    "parameters": ({"metrics.params_m": [0.6, 0.7]}, {"metrics.params_m": "cifar10 params"}, "scale = 1000000.0"),
    "the clearest of two": ({"best_test_acc": [60, 61], "test_acc": [59, 60]}, {"test_acc": ACC}, "measures the same"),
    "two that are as clear": ({"clf_acc": [60, 61], "ens_acc": [59, 60]}, {}, "would measure the same: which is it?"),
    "a split that no name states": ({"acc": [60, 61]}, {"acc": ACC}, "the split: the column does not name one"),
    "an unknown word": ({"final_zulu_test_acc": [60, 61]}, {"final_zulu_test_acc": ACC}, "that 'zulu' in its name"),
    "a loss of a seed": ({"bleu_seed_1": [60, 61]}, {}, "no metric of nasbench201"),
    "a proxy of somebody's own": ({"my_proxy": [0.1, 0.2]}, {}, "a [[score]] takes it"),
    "a device of the benchmark, in parts": (
        {"hardware.edgegpu.energy": [3.5, 4], "hardware.edgegpu.latency": [3.5, 4]},
        {
            "hardware.edgegpu.energy": "cifar10 edgegpu_energy",
            "hardware.edgegpu.latency": "cifar10 edgegpu_latency",
        },
        "",
    ),
    "five guesses beside one": ({"acc1": [60, 61], "acc5": [90, 91]}, {"acc1": ACC}, "right where one of several"),
    "five guesses, as PyTorch writes it": ({"acc@1": [60, 61], "acc@5": [90, 91]}, {"acc@1": ACC}, "'acc@5'"),
    "a part of development": ({"dev_acc": [60, 61]}, {"dev_acc": VALID}, ""),
    "words written as one": (
        {"valacc": [60, 61], "testloss": [1, 2]},
        {"valacc": VALID, "testloss": "cifar10 test_loss"},
        "",
    ),
    "no more than a data set": ({"CIFAR-100": [60, 61], "x": [60, 61]}, {"CIFAR-100": HUNDRED}, "does not name it"),
    "microseconds": (
        {"edgegpu_latency_us": [60, 61]},
        {"edgegpu_latency_us": "cifar10 edgegpu_latency"},
        "scale = 0.001",
    ),
    "hours": ({"train_hours": [6, 7]}, {"train_hours": "cifar10 train_seconds"}, "scale = 3600.0"),
    "joules": ({"fpga_energy_J": [6, 7]}, {"fpga_energy_J": "cifar10 fpga_energy"}, "scale = 1000.0"),
    "billions of operations": ({"GFLOPs": [0.6, 0.7]}, {"GFLOPs": "cifar10 flops"}, "scale = 1000000000.0"),
    "percent signs": ({"acc": ["93.1 %", "92.0 %"]}, {"acc": ACC}, 'unit = "percent"'),
    "text around a number": ({"acc": ["93.1 ±", "92.0 ±"]}, {}, "as '93.1 ±': [[extract]] takes a part of a text"),
    "a mean beside its seeds": (
        {"acc_seed0": [60, 61], "acc_seed1": [62, 63], "mean_acc": [61, 62]},
        {"acc_seed0": ACC, "acc_seed1": ACC},
        "'mean_acc': a mean of the seeds",
    ),
    "a time of whatever": ({"score": [6, 7], "time": [6.5, 7]}, {}, "'time': no metric"),
    "a negative number that marks nothing": ({"test_loss": [-0.5, 7]}, {"test_loss": "cifar10 test_loss"}, ""),
    "runs that failed": (
        {"state": ["finished", "crashed"], "acc": [60, 10]},
        {"acc": ACC},
        'where = { "state" = "finished" }',
    ),
    "rows of another data set": (
        {"dataset": ["cifar100", "svhn"], "test_acc": [60, 10]},
        {"test_acc": HUNDRED},
        "rows of svhn are not read",
    ),
    "rows of data sets that are not here": ({"dataset": ["svhn", "svhn"], "acc": [60, 10]}, {}, "its rows are of svhn"),
    "a proxy that has the name of a metric": (
        {"flops.score": [-3.5, 4], "flops.time": [0.1, 0.2], "acc": [60, 61]},
        {"acc": ACC},
        'proxy = "flops"',
    ),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_a_column_is_no_other_metric(case: str, tmp_path: Path) -> None:
    columns, taken, says = COLUMNS[case]
    rows = [{"arch": arch} | {name: cells[at] for name, cells in columns.items()} for at, arch in enumerate(CELLS[:2])]
    mapping, text = drafted(written(tmp_path / "t.json", rows))
    assert {truth.column: f"{truth.dataset} {truth.metric}" for truth in mapping.truth} == taken
    assert says in text and not (says == "" and mapping.missing)


PLACES: dict[str, tuple[str, Any, Values | str]] = {
    # the file; what it holds; the values, or why a column is not taken
    "a folder of a data set": ("cifar100/results.csv", f"arch,test_acc\n{ONE},60\n", {(ONE, HUNDRED, None): 60}),
    "a file of a seed": ("test_seed-777.csv", f"arch,test_acc\n{ONE},60\n", {(ONE, ACC, 777): 60}),
    "a file of another data set": ("svhn.csv", f"arch,test_acc\n{ONE},60\n", "the file's name says svhn"),
    "a file of losses": ("val_bleu.json", {ONE: 60.5, OTHER: 61.5}, "no metric of nasbench201"),
    "numbers too small": ("x.json", {ONE: 0.012, OTHER: 0.05}, "its values are no test_accuracy"),
    "small whole numbers": ("x.json", {ONE: 3, OTHER: 5}, "its values are no test_accuracy"),
    "a record without names": ("x.json", {ONE: [0.6, 0.7, 1e7], OTHER: [0.6, 0.7, 2e7]}, "its values are no"),
    "columns without names": ("x.tsv", f"{ONE}\t60.5\t1.5\n{OTHER}\t61.5\t0.5\n", "the columns have no names, and"),
    "keys above": ("x.json", {"a": {"cifar100": {"test": {ONE: 60.5, OTHER: 61.5}}}},
                   {(ONE, HUNDRED, None): 60.5, (OTHER, HUNDRED, None): 61.5}),
    "lists under an attack": ("x.json", {"cifar10": {"pgd@Linf": {"accuracy": {ONE: [0.5] * 7, OTHER: [0.4] * 7}}}},
                              "each place may be of another condition"),
}  # fmt: skip


@pytest.mark.parametrize("case", PLACES)
def test_the_place_of_a_table_says_what_its_columns_do_not(case: str, tmp_path: Path) -> None:
    name, content, expected = PLACES[case]
    table = written(tmp_path / name, content)
    _, text = drafted(table)
    if isinstance(expected, str):
        assert expected in text and "[[truth]]" not in text
    else:
        assert stored(table.parent / "drafted.toml", table) == (expected, [])


@pytest.mark.parametrize(
    ("header", "cells", "telling"),
    [
        (["arch", "acc", "lr"], [(60, 1), (70, 2), (70, 2)], "'lr'"),
        (["arch", "acc", "aug"], [(60, "yes"), (70, "no"), (70, "no")], "'aug'"),
        (["arch", "acc", "id"], [(60, 1), (70, 2), (70, 3)], ""),
        (["arch", "acc", "took"], [(60, 1.5), (70, 2.5), (70, 1.5)], ""),
    ],
)
def test_rows_that_differ_in_a_choice_are_no_repetitions(
    header: list[str], cells: list[tuple[Any, ...]], telling: str, tmp_path: Path
) -> None:
    archs = (ONE, ONE, OTHER)
    table = fixtures.table(tmp_path / "t.csv", header, [(a, *c) for a, c in zip(archs, cells, strict=True)])
    mapping, text = drafted(table)
    assert mapping.repeated == (None if telling else "mean")
    assert not telling or f"they differ in {telling}. Say which count" in text
    faults = mapping_check.check(tmp_path / "drafted.toml", table).faults
    assert bool(faults) == bool(telling) and all("if a column tells them apart" in fault.remedy for fault in faults)


DEEP = {
    "space": {d: {"cfg": [{"s": c} for c in CELLS] * 3, "fpga_latency": [1.5] * 12} for d in ("cifar10", "cifar100")}
}
TRIALS = [{"arch": ONE, "runs": [{"seed": s, "test_acc": 60.0 + s} for s in (7, 8)]}]


def test_a_setting_of_decimals_is_no_measurement(tmp_path: Path) -> None:
    rows = [(cell, 60 + place, lr) for place, cell in enumerate(CELLS) for lr in (0.1, 0.01, 0.1)]
    mapping, text = drafted(fixtures.table(tmp_path / "t.csv", ["arch", "acc", "lr"], rows))
    assert mapping.repeated is None and "they differ in 'lr'. Say" in text


def test_accuracies_of_a_small_test_set_are_no_settings(tmp_path: Path) -> None:
    """They are few of all numbers, as settings are: here 30 of 160."""
    rows = [(cell, 60.5 + n, (n * 7 + place) % 30 / 4 + 0.1) for place, cell in enumerate(CELLS) for n in range(40)]
    mapping, _ = drafted(fixtures.table(tmp_path / "t.csv", ["arch", "acc", "rte"], rows))
    assert mapping.repeated == "mean"


def test_columns_under_the_keys_of_data_sets(tmp_path: Path) -> None:
    table = tmp_path / "t.pickle"
    table.write_bytes(pickle.dumps(DEEP))
    mapping, _ = drafted(table)
    assert mapping.container.layout == "columns" and mapping.architecture.column == "cfg.s"
    assert [truth.where for truth in mapping.truth] == [{"@1": "cifar10"}, {"@1": "cifar100"}]


def test_json_in_a_database_and_records_in_a_list(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "t.db") as database:
        database.execute("CREATE TABLE runs (phenotype TEXT, result TEXT)")
        database.execute("INSERT INTO runs VALUES (?, ?)", (ONE, json.dumps({"cifar10": {"test@200": 60.5}})))
    database.close()
    mapping, _ = drafted(tmp_path / "t.db")
    assert mapping.container.nested == ("result",) and mapping.truth[0].epochs == 200
    assert stored(tmp_path / "drafted.toml", tmp_path / "t.db") == ({(ONE, ACC, None): 60.5}, [])
    pq.write_table(pa.Table.from_pylist(TRIALS), tmp_path / "t.parquet")
    mapping, _ = drafted(tmp_path / "t.parquet")
    assert mapping.container.root == ("*", "runs") and mapping.architecture.column == "@1.arch"
    values = {(ONE, ACC, 7): 67, (ONE, ACC, 8): 68}
    assert stored(tmp_path / "drafted.toml", tmp_path / "t.parquet") == (values, [])


def test_a_folder_is_guessed_by_some_of_its_files(tmp_path: Path) -> None:
    for dataset in ("cifar10", "cifar100"):
        for seed in (7, 8):
            content = {"run": {"net": ONE}, "test_acc": 60 + seed, "note": "fine"}
            written(tmp_path / "runs" / dataset / f"seed_{seed}.json", content)
    written(tmp_path / "runs" / "README.md", "# Runs")
    mapping, _ = drafted(tmp_path / "runs")
    assert mapping.container.members == "*.json" and mapping.container.layout == "row"
    expected: Values = {(ONE, name, seed): 60 + seed for name in (ACC, HUNDRED) for seed in (7, 8)}
    assert stored(tmp_path / "drafted.toml", tmp_path / "runs") == (expected, [])


METRICS = (
    Metric("imagenet", "test_accuracy", "test", "percent", True, 1, "top-1"),
    Metric("imagenet", "validation_per", "validation", "percent", False, 2, "error rate"),
    Metric("imagenet", "gpu_latency", "none", "milliseconds", False, None, "of a batch"),
    Metric("imagenet", "test_error", "test", "fraction", False, 4, "share of wrong answers"),
    Metric("wikitext", "test_perplexity", "test", "perplexity", False, 3, "perplexity"),
)
OWN = Benchmark("ownspace", "Own", (Space("nets", None, "nets"),), METRICS)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    load = benchmarks.load
    monkeypatch.setattr(benchmarks, "load", lambda name: OWN if name == OWN.name else load(name))


NAMED: dict[str, tuple[list[dict[str, Any]], dict[str, Any], dict[str, tuple[str, str | None]]]] = {
    # the rows; the section [architecture]; column -> metric, each
    "parts in columns": (
        [{"e1": a, "e2": b, "acc": 60.25 + a + b} for a in (3, 6) for b in (3, 4)],
        {"fields": {"e1": "e1", "e2": "e2"}},
        {"acc": ("test_accuracy", None)},
    ),
    "lists of parts": (
        [{"ks": [3, a], "d": [2, b], "top1": 60.25 + a + b} for a in (3, 5) for b in (3, 4)],
        {"fields": {"ks": "ks", "d": "d"}},
        {"top1": ("test_accuracy", None)},
    ),
    "a name before a number": (
        [{"id": n, "arch": f"n{n % 3}", "test_ppl": 30.5 + n} for n in range(3)],
        {"column": "arch"},
        {"test_ppl": ("test_perplexity", None)},
    ),
    "measured several times": (
        [{"arch": f"n{n}", "gpu_latency": [7.5 + n] * 10, "val_per": [9.5] * 8} for n in range(3)],
        {"column": "arch"},
        {"gpu_latency": ("gpu_latency", "seed"), "val_per": ("validation_per", "epoch")},
    ),
    "an error of one's own": (
        [{"arch": f"n{n}", "test_err": 21.5 + n} for n in range(3)],
        {"column": "arch"},
        {"test_err": ("test_error", None)},
    ),
    "a text that is too long for a name": (
        [{"arch": f"f({n}, {'g' * defaults.LONGEST_NAME})", "acc": 60.5 + n} for n in range(3)],
        {"fields": {"text": "arch"}},
        {"acc": ("test_accuracy", None)},
    ),
}


def parts(space: str, architecture: object) -> dict[str, Any]:
    """The spec of an object with `ks` and `d`, each a list."""
    if not isinstance(architecture, dict) or set(architecture) != {"ks", "d"}:
        raise UserError("ks and d are expected")
    if not all(isinstance(part, list) for part in architecture.values()):
        raise UserError("ks and d are lists")
    return architecture


WRITTEN: dict[str, tuple[str, str]] = {
    "JSON as keys": ("t.json", json.dumps({json.dumps({"ks": [3, n], "d": [2]}): 60.5 + n for n in range(3)})),
    "a text of Python": ("t.csv", "net;acc\n{'ks': [3, 5], 'd': [2]};60.5\n{'ks': [3, 3], 'd': [2]};61.5\n"),
    "lists in columns": ("t.csv", 'ks;d;acc;size\n"[3, 5]";[2];60.5;128\n"[3, 3]";[2];61.5;160\n'),
    "a column each": (
        "t.jsonl",
        '{"ks": [3, 5], "d": [2], "r": 1, "acc": 60.5}\n{"ks": [3], "d": [1], "r": 2, "acc": 61.5}\n',
    ),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_architectures_of_a_benchmark_of_ones_own(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load, built = benchmarks.load, own_benchmarks._guarded(replace(OWN, canonical=parts), "mine")
    monkeypatch.setattr(benchmarks, "load", lambda name: built if name == OWN.name else load(name))
    table = written(tmp_path / WRITTEN[case][0], WRITTEN[case][1])
    mapping, _ = drafted(table, OWN.name)
    assert [truth.metric for truth in mapping.truth] == ["test_accuracy"]
    [batch] = mapped_table.read(mapping, built, table, {})
    specs = [json.loads(spec) for spec in batch.architectures["spec"]]
    assert not batch.rejects["reason"] and all(set(spec) == {"ks", "d"} and spec["d"][0] in (1, 2) for spec in specs)


@pytest.mark.parametrize("case", NAMED)
def test_architectures_of_a_benchmark_that_takes_any_name(case: str, own: None, tmp_path: Path) -> None:
    rows, section, taken = NAMED[case]
    mapping, text = drafted(written(tmp_path / "t.json", rows), OWN.name)
    for name, value in section.items():
        assert getattr(mapping.architecture, name) == value
    assert {truth.column: (truth.metric, truth.each) for truth in mapping.truth} == taken
    assert not any(truth.complement for truth in mapping.truth)
    assert not mapping_check.check(tmp_path / "drafted.toml", tmp_path / "t.json").faults
    assert re.search(r"GUESSED: that (these columns together are|this column names)", text)


def test_a_folder_of_one_file_for_each_training_has_a_row_in_each(own: None, tmp_path: Path) -> None:
    for seed in (0, 1):
        for number in range(3):
            record = {"arch": [[number, 1]], "val_per": [0.9, 0.5], "hash": f"h{number}", "info": {"params": 7000}}
            written(tmp_path / "runs" / f"seed-{seed}" / f"{number}.json", record)
    mapping, _ = drafted(tmp_path / "runs", OWN.name)
    assert mapping.architecture.column == "arch" and mapping.container.layout == "row"


def test_the_tasks_of_a_table_say_of_which_benchmark_its_codes_are(tmp_path: Path) -> None:
    draw = random.Random(0)
    codes = [str(tuple(draw.randrange(4) for _ in range(6))) for _ in range(30)]
    content = {task: {code: {"val_accuracy": 40.5} for code in codes} for task in ("jigsaw", "class_scene")}
    mapping, _ = drafted(written(tmp_path / "t.json", content))
    assert (mapping.benchmark, mapping.space, mapping.repeated) == ("transnas101", "micro", None)
    assert {truth.dataset for truth in mapping.truth} == {"jigsaw", "class_scene"}


def test_codes_are_set_against_those_of_known_tables(tmp_path: Path) -> None:
    table = written(tmp_path / "t.json", {"(4, 0, 3, 1, 4, 3)": 60.5, "(0, 1, 2, 3, 4, 0)": 61.5})
    doubts = re.findall(r"# GUESSED: (\w+ unlike .*)", mapping_draft.draft(table).text)
    assert doubts == [
        "order unlike analog-nasbench: 0-1, 0-2, 0-3, 1-2, 1-3, 2-3",
        "codes unlike analog-nasbench: 0 skip_connect, 1 none, 2 nor_conv_3x3, 3 nor_conv_1x1, 4 avg_pool_3x3",
    ]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("imagenet_top1", "ImageNet-1k"), ("ImageNet1k.acc", "ImageNet-1k"), ("scifar10_acc", None), ("train16", None),
        ("cifar_acc", None), ("accCIFAR100", "cifar100"), ("c100", "cifar100"),
    ],
)  # fmt: skip
def test_a_data_set_is_known_by_a_name_of_its_own(column: str, expected: str | None) -> None:
    metrics = [replace(METRICS[0], dataset=name) for name in ("ImageNet-1k", "cifar10", "cifar100")]
    assert dataset_of(column, replace(OWN, metrics=tuple(metrics))) == expected


def test_a_numbered_column_of_lists_beside_seeds(tmp_path: Path) -> None:
    rows = [{"arch": ONE, "seed": seed, "test_acc1": [60.5 + n for n in range(20)]} for seed in (7, 8)]
    assert [truth.each for truth in drafted(written(tmp_path / "t.json", rows))[0].truth] == ["epoch"]
