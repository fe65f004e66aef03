"""Layouts in which benchmarks are published: what `mapping init` guesses of them, and asks instead of guessing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline import benchmarks
from pipeline.benchmarks import units
from pipeline.benchmarks.contract import Benchmark, Metric, Space
from pipeline.errors import UserError
from pipeline.ingest import mapped_table, mapping_draft
from pipeline.ingest import mapping as table_mapping
from tests.fixtures.stored_tables import (
    ACC,
    ARCHITECTURE,
    KEYED,
    ONE,
    OTHER,
    mapping,
    read_by_draft,
    stored,
    truth,
    written,
)

HUNDRED = "cifar100 test_accuracy"


def test_lengths_of_training_above_the_data_sets_are_no_rivals(tmp_path: Path) -> None:
    entries = [
        {"arch": arch, "12": {"cifar10": {"test-acc": 80 + n}}, "200": {"cifar10": {"test-acc": 90 + n}}}
        for n, arch in enumerate((ONE, OTHER))
    ]
    table = written(tmp_path / "t.json", entries)
    drafted = mapping_draft.draft(table).text
    assert drafted.count("[[truth]]") == 2 and "epochs = 12\n" in drafted and "epochs = 200\n" in drafted


def test_columns_that_differ_by_two_numbers_are_asked_for(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", f"arch,acc_1_2,acc_2_1\n{ONE},80,90\n{OTHER},81,91\n")
    text = mapping_draft.draft(table).text
    assert "[[truth]]" not in text and "'acc_1_2' and 'acc_2_1' would measure the same: which is it?" in text


@pytest.mark.parametrize(
    ("beside", "taken"), [({}, False), ({"train_accuracy": [0.95] * 12}, True), ({"train_loss": [0.1] * 12}, False)]
)
def test_an_accuracy_beside_one_of_validation_may_be_of_the_training_set(
    beside: dict[str, list[float]], taken: bool, tmp_path: Path
) -> None:
    history = {"accuracy": [0.9] * 12, "val_accuracy": [0.8] * 12, **beside}
    values, text = read_by_draft(written(tmp_path / "t.json", {ONE: history, OTHER: history}))
    assert ((ONE, ACC, None) in values) == taken and values[ONE, "cifar10-valid validation_accuracy", None] == 80
    assert ("it may be of the training or of the test set" in text) != taken


def test_seeds_and_data_sets_that_folders_are_called_after(tmp_path: Path) -> None:
    for seed in (3, 4):
        for number, data in enumerate(("cifar10", "cifar100")):
            rows = f"arch,test_acc\n{ONE},{80 + seed + number / 2}\n{OTHER},90\n"
            written(tmp_path / "runs" / f"seed_{seed}" / data / "results.csv", rows)
    values, _ = read_by_draft(tmp_path / "runs")
    assert [values[ONE, ACC, 3], values[ONE, ACC, 4], values[ONE, HUNDRED, 4]] == [83, 84, 84.5]


def test_a_list_of_seeds_beside_lists_of_values(tmp_path: Path) -> None:
    entries = [{"arch": ONE, "seeds": [888, 777], "acc": [80, 81]}, {"arch": OTHER, "seeds": [999], "acc": [90]}]
    values, _ = read_by_draft(written(tmp_path / "t.json", entries))
    assert values == {(ONE, ACC, 888): 80, (ONE, ACC, 777): 81, (OTHER, ACC, 999): 90}
    entries[0]["seeds"] = [888]
    _, rejects = stored(tmp_path / "drafted.toml", written(tmp_path / "t.json", entries))
    assert rejects == ["column 'acc' holds 2 values for 1 seed in column 'seeds'"]


@pytest.mark.parametrize(("repeated", "taken"), [("", [80, 90]), ('repeated = "mean"', [90])])
def test_columns_that_are_stored_as_one_value_are_compared(repeated: str, taken: list[int], tmp_path: Path) -> None:
    conditions = ({"run": "a"}, {"run": "b"})
    file = mapping(tmp_path, 'kind = "csv"', ARCHITECTURE, *(truth(where=c) for c in conditions), top=repeated)
    table = written(tmp_path / "t.csv", f"arch,run,acc\n{ONE},a,80\n{ONE},b,81\n{OTHER},a,90\n{OTHER},b,90\n")
    values: list[object] = []
    rejects: list[str] = []
    for batch in mapped_table.read(table_mapping.load(file), benchmarks.load("nasbench201"), table, {}):
        values += batch.truths["value"]
        rejects += batch.rejects["reason"]
    assert values == taken and rejects == ["the same architecture as in line 2, with other values"]


def test_values_of_a_seed_are_compared_wherever_the_seed_is_stated(tmp_path: Path) -> None:
    lists = mapping(tmp_path, 'kind = "jsonl"', ARCHITECTURE, truth(each="seed", seed_column="seeds"))
    lines = [
        {"arch": ONE, "seeds": [1, 2], "acc": [80, 81]},
        {"arch": ONE, "seeds": [3, 2], "acc": [82, 81]},
        {"arch": ONE, "seeds": [4, 2], "acc": [83, 99]},
        {"arch": ONE, "seeds": [4, 4], "acc": [83, 99]},
        {"arch": ONE, "seeds": [4], "acc": [84]},
    ]
    values, rejects = stored(lists, written(tmp_path / "t.jsonl", "\n".join(map(json.dumps, lines))))
    assert values == {(ONE, ACC, 1): 80, (ONE, ACC, 2): 81, (ONE, ACC, 3): 82, (ONE, ACC, 4): 84}
    assert rejects == ["the same architecture as in line 1, with other values", "column 'seeds' holds a seed twice"]

    columns = truth(seed=1, where={"run": "a"}), truth(seed_column="seed", where={"run": "b"})
    file = mapping(tmp_path, 'kind = "csv"', ARCHITECTURE, *columns)
    table = written(tmp_path / "t.csv", f"arch,run,seed,acc\n{ONE},a,7,80\n{ONE},b,1,81\n{ONE},b,2,82\n")
    values, rejects = stored(file, table)
    assert values == {(ONE, ACC, 1): 80, (ONE, ACC, 2): 82} and len(rejects) == 1


def test_a_row_for_each_metric_is_read_by_the_name_of_the_metric(tmp_path: Path) -> None:
    lines = ["arch,split,metric,value"]
    for arch, number in ((ONE, 0), (OTHER, 1)):
        lines += [f"{arch},test,accuracy,{0.8 + number / 10}", f"{arch},test,loss,{1.5 + number}"]
        lines += [f"{arch},test,calibration,3", f"{arch},none,params,{number + 1}000000"]
    values, text = read_by_draft(written(tmp_path / "t.csv", "\n".join(lines)))
    assert (values[ONE, ACC, None], values[OTHER, "cifar10 test_loss", None]) == (80, 2.5)
    assert values[OTHER, "cifar10 params", None] == 2_000_000 and len(values) == 6
    assert "'test calibration'" in text and "optional" not in text


def test_a_row_for_each_proxy_is_read_by_its_name(tmp_path: Path) -> None:
    table = f"arch,proxy,score\n{ONE},synflow,1.5\n{ONE},naswot,2.5\n{OTHER},synflow,3.5\n{OTHER},naswot,4.5\n"
    values, _ = read_by_draft(written(tmp_path / "t.csv", table))
    assert (values[ONE, "synflow", None], values[OTHER, "naswot", None], len(values)) == (1.5, 4.5, 4)


@pytest.mark.parametrize(
    ("column", "name"), [("logmeasures.snip", "snip"), ("Grad-Norm", "grad_norm"), ("zc.synflow.score", "synflow")]
)
def test_a_proxy_under_a_word_for_proxies(column: str, name: str, tmp_path: Path) -> None:
    values, _ = read_by_draft(written(tmp_path / "t.csv", f"arch,{column}\n{ONE},1.5\n{OTHER},2.5\n"))
    assert values == {(ONE, name, None): 1.5, (OTHER, name, None): 2.5}


def test_two_columns_of_one_proxy_are_no_fault_of_the_draft(tmp_path: Path) -> None:
    values, text = read_by_draft(written(tmp_path / "t.csv", f"arch,snip,score_snip\n{ONE},1.5,2\n{OTHER},2.5,3\n"))
    assert values == {(ONE, "snip", None): 1.5, (OTHER, "snip", None): 2.5}
    assert "'score_snip': 'snip' holds scores of snip, too" in text


def test_a_seed_beside_a_list_of_seeds_measures_the_same(tmp_path: Path) -> None:
    entries = {ONE: {"acc": [80, 81], "acc_seed1": 90}, OTHER: {"acc": [82, 83], "acc_seed1": 91}}
    values, text = read_by_draft(written(tmp_path / "t.json", entries))
    assert values[ONE, ACC, 1] == 80 and len(values) == 4 and "'acc_seed1': 'acc' measures the same" in text
    columns = truth("acc", each="seed"), truth("acc_seed1", seed=1)
    file = mapping(tmp_path, 'kind = "json"', KEYED, *columns)
    with pytest.raises(UserError, match="two columns for the same value"):
        table_mapping.load(file)


def test_the_seed_in_a_name_is_meant_beside_a_column_of_seeds(tmp_path: Path) -> None:
    table = f"arch,seed,val_acc,test_acc_seed2\n{ONE},5,80,90\n{OTHER},6,81,91\n"
    values, _ = read_by_draft(written(tmp_path / "t.csv", table))
    assert values[ONE, "cifar10-valid validation_accuracy", 5] == 80 and values[ONE, ACC, 2] == 90


@pytest.mark.parametrize("name", ["seed{}_epoch200_acc", "acc_seed_{}_epoch_200", "acc_200ep_{}", "acc_s{}_200_epochs"])
def test_a_seed_beside_a_length_of_training_is_not_taken_for_it(name: str, tmp_path: Path) -> None:
    header = ",".join(name.format(seed) for seed in (888, 777))
    values, text = read_by_draft(written(tmp_path / "t.csv", f"arch,{header}\n{ONE},80,81\n{OTHER},82,83\n"))
    assert (values[ONE, ACC, 888], values[ONE, ACC, 777]) == (80, 81) and text.count("epochs = 200\n") == 2


def test_epochs_in_names_of_columns_are_counted_from_0(tmp_path: Path) -> None:
    header = ",".join(f"test_acc_{number}" for number in range(12))
    rows = "\n".join(f"{arch},{','.join(map(str, range(60, 72)))}" for arch in (ONE, OTHER))
    values, text = read_by_draft(written(tmp_path / "t.csv", f"arch,{header}\n{rows}\n"))
    assert values[ONE, ACC, None] == 71 and "epochs = 12\n" in text


OWN = Benchmark(
    name="mine",
    title="Mine",
    spaces=(Space("cells", None, "cells of our own"),),
    metrics=(
        Metric("ninapro", "test_accuracy", "test", "percent", True, 1, "accuracy"),
        Metric("ecg", "test_f1", "test", "fraction", True, 2, "F1"),
        Metric("ecg", "test_loss", "test", "nats", False, None, "loss"),
    ),
)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    load = benchmarks.load
    monkeypatch.setattr(benchmarks, "load", lambda name: OWN if name == OWN.name else load(name))


def of_own(table: Path) -> dict[tuple[str, str], float]:
    """The values of a table of the benchmark `mine`, by the spec of their architecture and by their metric."""
    file = table.parent / "drafted.toml"
    file.write_text(mapping_draft.draft(table, OWN.name).text)
    [batch] = mapped_table.read(table_mapping.load(file), OWN, table, {})
    assert not batch.rejects["reason"]
    specs = dict(zip(batch.architectures["arch_id"], batch.architectures["spec"], strict=True))
    columns = (batch.truths[name] for name in ("arch_id", "metric", "value"))
    return {(specs[arch], metric): value for arch, metric, value in zip(*columns, strict=True)}


def test_metrics_under_data_sets_are_no_architectures(own: None, tmp_path: Path) -> None:
    entries = {f"a{n}": {"ninapro": {"test_acc": 80 + n}, "ecg": {"test_f1": n / 10}} for n in range(4)}
    values = of_own(written(tmp_path / "t.json", entries))
    assert values['{"name":"a3"}', "test_accuracy"] == 83 and values['{"name":"a3"}', "test_f1"] == 0.3
    assert len(values) == 8


def test_an_unnamed_column_of_a_data_set_holds_its_first_metric(own: None, tmp_path: Path) -> None:
    values = of_own(written(tmp_path / "t.csv", "arch,NinaPro,ECG\na,80.5,0.25\nb,81.5,0.35\n"))
    assert values['{"name":"a"}', "test_accuracy"] == 80.5 and values['{"name":"b"}', "test_f1"] == 0.35


def test_names_of_architectures_may_hold_that_of_a_data_set(own: None, tmp_path: Path) -> None:
    values = of_own(written(tmp_path / "t.csv", "arch,test_acc\nninapro-1,80.5\nninapro_big,81.5\necg2,82\n"))
    assert values['{"name":"ninapro_big"}', "test_accuracy"] == 81.5 and len(values) == 3


def test_an_architecture_is_the_same_as_a_list_and_as_its_text(own: None, tmp_path: Path) -> None:
    architectures: list[Any] = [[[2, 1], [3, 1, 0]], [[0, 1], [5, 0, 0]]]
    one = of_own(written(tmp_path / "t.json", [{"arch_vec": a, "ninapro": 80 + a[0][0]} for a in architectures]))
    lines = [f'"{architecture!s}",{80 + architecture[0][0]}' for architecture in architectures]
    assert one == of_own(written(tmp_path / "t.csv", "\n".join(["arch_vec,ninapro", *lines, ""])))


def test_an_object_beside_lists_of_records(own: None, tmp_path: Path) -> None:
    rows = [{"arch": {"D1": n, "W1": 8}, "test_best": [{"ninapro_test_acc": 80 + n}]} for n in range(3)]
    for name, content in (("t.jsonl", "\n".join(map(json.dumps, rows))), ("t.json", json.dumps(rows))):
        values = of_own(written(tmp_path / name, content))
        assert values['{"D1":"2","W1":"8"}', "test_accuracy"] == 82 and len(values) == 3


@pytest.mark.parametrize("unit", units.LIMITS)
def test_values_of_every_unit_have_a_plausible_range(unit: str) -> None:
    low, high = units.plausible(Metric("ecg", "test_f1", "test", unit, True, 1, "F1"), None)
    assert low < high
