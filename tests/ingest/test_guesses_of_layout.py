"""What `mapping init` must not mistake: headers of several lines, numbers of columns and rows, marks of failures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.ingest import mapping as table_mapping
from pipeline.ingest import mapping_draft
from tests.fixtures import nasbench201_files
from tests.fixtures.stored_tables import ACC, ONE, OTHER, Values, mapping, read_by_draft, truth, written

CELLS = nasbench201_files.topologies(4)
HUNDRED = "cifar100 test_accuracy"


def table(header: str, *columns: Sequence[object], sep: str = ",") -> str:
    rows = zip(CELLS, *columns, strict=False)
    return "\n".join([header, *(sep.join(map(str, row)) for row in rows), ""])


@pytest.mark.parametrize(
    "header",
    [
        ",cifar10,cifar10,cifar100\n,test,train,test\narch,,,",
        "data set,cifar10,cifar10,cifar100\nsplit,test,train,test",
        ",cifar10,,cifar100\narch,test,train,test",
        "# measured\n,cifar10,cifar10,cifar100\narch,test,train,test",
    ],
)
def test_a_header_of_several_lines_says_of_which_data_set_a_column_is(header: str, tmp_path: Path) -> None:
    values, text = read_by_draft(written(tmp_path / "t.csv", table(header, [80, 81], [90, 91], [60, 61])))
    assert values[ONE, ACC, None] == 80 and values[OTHER, HUNDRED, None] == 61
    assert "header = " in text and "seed =" not in text


@pytest.mark.parametrize("before", ["", "# measured\n", "measured by us\n"])
def test_a_name_that_stands_twice_is_no_pair_of_seeds(before: str, tmp_path: Path) -> None:
    file = written(tmp_path / "t.csv", table(f"{before}arch,acc,acc", [80.5, 81], [90, 91.5]))
    with pytest.raises(UserError, match="names column 'acc' twice"):
        mapping_draft.draft(file)


def test_a_title_above_a_header_is_left_out(tmp_path: Path) -> None:
    values, text = read_by_draft(
        written(tmp_path / "t.csv", table("Our results,,\narch,test_acc,note", [80, 81], ["a", "b"]))
    )
    assert values == {(ONE, ACC, None): 80, (OTHER, ACC, None): 81} and "skip = 1" in text


NUMBERED: dict[str, tuple[tuple[str, ...], tuple[int | None, ...], tuple[int | None, ...]]] = {
    # columns, then of each its epochs and its seed
    "two lengths": (("test_acc_12", "test_acc_200"), (12, 200), (None, None)),
    "four lengths": (("test_acc_4", "test_acc_12", "test_acc_36", "test_acc_108"), (4, 12, 36, 108), (None,) * 4),
    "powers of three": (("test_acc_1", "test_acc_3", "test_acc_9", "test_acc_27"), (1, 3, 9, 27), (None,) * 4),
    "seeds from 0": (("test_acc_0", "test_acc_1", "test_acc_2"), (None,) * 3, (0, 1, 2)),
    "seeds": (("test_acc_777", "test_acc_888"), (None, None), (777, 888)),
    "usual seeds": (("test_acc_42", "test_acc_123"), (None, None), (42, 123)),
    "seeds that are called so": (("test_acc_seed10", "test_acc_seed20"), (None, None), (10, 20)),
    "a mean beside them": (("mean_acc", "test_acc1", "test_acc2"), (None, None), (1, 2)),
    "many seeds": (tuple(f"acc_seed{k}" for k in range(8)), (None,) * 8, tuple(range(8))),
    "batch sizes": (("acc_bs64", "acc_bs128"), (), ()),
    "widths": (("test_acc_w16", "test_acc_w32"), (), ()),
    "shares of the images": (("acc_10pct", "acc_100pct"), (), ()),
    "a net that others share": (("supernet_acc",), (), ()),
    "weights of others": (("one_shot_test_acc", "few-shot acc"), (), ()),
    "epochs of a curve": (tuple(f"val_acc_epoch_{k}" for k in range(1, 8)), (7,), (None,)),
    "lengths beside names of epochs": (("test_acc_ep12", "test_acc_ep200"), (12, 200), (None, None)),
    "a mean at the end": (("test_acc_1", "test_acc_2", "test_acc_avg"), (None, None), (1, 2)),
}


@pytest.mark.parametrize("case", NUMBERED)
def test_numbers_of_columns_are_lengths_or_seeds(case: str, tmp_path: Path) -> None:
    names, epochs, seeds = NUMBERED[case]
    columns = [[80 + number, 70 + number] for number in range(len(names))]
    file = written(tmp_path / "t.csv", table(",".join(("arch", *names)), *columns))
    (tmp_path / "drafted.toml").write_text(mapping_draft.draft(file).text)
    truths = table_mapping.load(tmp_path / "drafted.toml").truth
    assert [(t.epochs, t.seed) for t in truths] == list(zip(epochs, seeds, strict=True))


@pytest.mark.parametrize(
    "names", [("c10_s0", "c100_s0", "c100_s1"), ("cifar10_seed_0", "cifar100_seed0", "cifar100-seed1")]
)
def test_columns_of_a_data_set_and_a_seed_are_of_that_data_set(names: tuple[str, ...], tmp_path: Path) -> None:
    values, _ = read_by_draft(written(tmp_path / "t.csv", table(",".join(("arch", *names)), [80.5], [60.5], [61.5])))
    assert values == {(ONE, ACC, 0): 80.5, (ONE, HUNDRED, 0): 60.5, (ONE, HUNDRED, 1): 61.5}


@pytest.mark.parametrize(("name", "seeds"), [("trial", {None}), ("run_id", {None}), ("seed", set(range(7)))])
def test_numbers_of_rows_are_no_seeds(name: str, seeds: set[int | None], tmp_path: Path) -> None:
    rows = [f"{number},{cell},{70 + number}" for number, cell in enumerate(nasbench201_files.topologies(7))]
    values, _ = read_by_draft(written(tmp_path / "t.csv", "\n".join([f"{name},arch,test_acc", *rows])))
    assert {seed for _, _, seed in values} == seeds and len(values) == 7


@pytest.mark.parametrize("cells", [[60, 61, 62], [60.5, 61.5, 62.5]])
def test_a_first_row_is_no_header(cells: list[object], tmp_path: Path) -> None:
    values, _ = read_by_draft(written(tmp_path / "t.csv", table("", cells).lstrip()))
    assert list(values.values()) == cells


def test_a_comma_before_decimals_beside_words_for_what_is_missing(tmp_path: Path) -> None:
    values, _ = read_by_draft(
        written(tmp_path / "t.csv", table("arch;test_acc", ["80,5", "k.A.", "81,5", "82,5"], sep=";"))
    )
    assert list(values.values()) == [80.5, None, 81.5, 82.5]


def test_one_number_of_epochs_is_the_length_of_the_training(tmp_path: Path) -> None:
    _, text = read_by_draft(written(tmp_path / "t.csv", table("arch,epochs,test_acc", [90, 90], [80, 81])))
    assert "\nepochs = 90\n" in text and "where" not in text
    _, text = read_by_draft(written(tmp_path / "one.csv", table("arch,epoch,test_acc", [89, 89], [80, 81])))
    assert "epochs =" not in text  # the number of the last epoch, from 0 or from 1


def test_a_metric_has_the_unit_of_its_data_set(tmp_path: Path) -> None:
    rows = [
        {"arch": "64-41414-1_02_333", "task": task, "test_loss": loss}
        for task, loss in (("jigsaw", 1.5), ("room_layout", 60.5))
    ]
    text = mapping_draft.draft(written(tmp_path / "t.json", rows)).text
    assert [line for line in text.splitlines() if line.startswith("unit")] == ['unit = "nats"', 'unit = "none"']


@pytest.mark.parametrize(("largest", "scale"), [(0.22, 1e9), (12.0, 1e6), (220_000_000.0, None)])
def test_operations_without_a_unit_are_no_few(largest: float, scale: float | None, tmp_path: Path) -> None:
    text = mapping_draft.draft(written(tmp_path / "t.csv", table("arch,flops", [largest / 2, largest]))).text
    assert (f"\nscale = {scale}\n" in text) if scale else "scale" not in text


@pytest.mark.parametrize(
    ("header", "columns", "failed"),
    [
        ("arch,test_acc", ([0, 90, 91],), 0.0),
        ("arch,test_acc,synflow", ([0, 90, 91], [0, 1, 2]), None),
        ("arch,pgd_8_accuracy", ([0, 20, 30],), None),
        ("arch,test_acc", ([99999, 90, 91],), 99999.0),
        ("arch,test_acc,pixel3_latency_ms", ([92, 90, 91], [10000000, 5.5, 6]), 10000000.0),
        ("arch,params", ([1000000, 900001, 900002],), None),
        ("arch,test_acc,pixel3_latency_ms", ([-1, 90, 91], [5.5, 99999, 6]), 99999.0),
    ],
)
def test_numbers_that_stand_for_a_failure(
    header: str, columns: tuple[list[object], ...], failed: float | None, tmp_path: Path
) -> None:
    values, _ = read_by_draft(written(tmp_path / "t.csv", table(header, *columns)))
    missing = table_mapping.load(tmp_path / "drafted.toml").missing
    assert missing == (() if failed is None else tuple(sorted({failed} | ({-1.0} if -1 in columns[0] else set()))))
    assert (None in values.values()) is (failed is not None)


@pytest.mark.parametrize(("numbers", "epochs"), [(range(12), 12), (range(13), 12), (range(1, 13), 12), ([4, 9], 9)])
def test_epochs_that_are_counted_from_0(numbers: range | list[int], epochs: int, tmp_path: Path) -> None:
    rows = [f"{cell},{number},{70 + number}" for cell in CELLS for number in numbers]
    values, text = read_by_draft(written(tmp_path / "t.csv", "\n".join(["arch,epoch,test_acc", *rows])))
    assert values[ONE, ACC, None] == 70 + numbers[-1] and f"\nepochs = {epochs}\n" in text


def test_files_of_one_data_set_and_several_seeds_are_all_read(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    expected: Values = {}
    for number, (dataset, metric) in enumerate((("cifar10", ACC), ("cifar100", HUNDRED))):
        for seed in (777, 888):
            written(folder / f"{dataset}_seed{seed}.csv", table("arch,test_acc", [50 + number + seed / 100]))
            expected[ONE, metric, seed] = 50 + number + seed / 100
    assert read_by_draft(folder)[0] == pytest.approx(expected)


def test_each_data_set_is_read_of_more_architectures_than_columns_are_looked_at(tmp_path: Path) -> None:
    cells = nasbench201_files.topologies(600)
    content = {dataset: dict.fromkeys(cells, 60.5) for dataset in ("cifar10", "cifar100")}
    values, text = read_by_draft(written(tmp_path / "t.json", content))
    assert len(values) == 1200 and 'layout = "columns"' in text


def test_lists_beside_a_list_of_architectures_hold_a_value_of_each(tmp_path: Path) -> None:
    cells = nasbench201_files.topologies(40)
    accuracies = {name: [least + n for n in range(40)] for name, least in (("cifar10", 50.5), ("cifar100", 30.5))}
    content = {name: {"config": [{"arch_str": cell} for cell in cells], "acc": accuracies[name]} for name in accuracies}
    values, _ = read_by_draft(written(tmp_path / "t.json", content))
    assert values == {
        (cell, f"{name} test_accuracy", None): accuracies[name][n]
        for name in accuracies
        for n, cell in enumerate(cells)
    }


def test_a_header_of_two_lines_above_columns_of_equal_numbers(tmp_path: Path) -> None:
    header = ",cifar10,cifar100,cifar10,cifar100\narch,test acc,test acc,params,params"
    values, text = read_by_draft(written(tmp_path / "t.csv", table(header, [80, 81], [60, 61], [9000] * 2, [9000] * 2)))
    assert values[ONE, ACC, None] == 80 and values[ONE, HUNDRED, None] == 60 and "header = 2" in text


def test_numbers_of_devices_that_a_benchmark_does_not_have_are_no_accuracies(tmp_path: Path) -> None:
    cells = nasbench201_files.topologies(600)
    content = {"cifar10": {device: dict.fromkeys(cells, 60.5) for device in ("phone", "watch")}}
    text = mapping_draft.draft(written(tmp_path / "t.json", content)).text
    assert "'watch': no metric of nasbench201" in text and "[[truth]]" not in text


def test_lists_of_records_of_one_kind_are_no_columns(tmp_path: Path) -> None:
    content = {"train": [{"arch": ONE, "acc": 80.5}], "test": [{"arch": OTHER, "acc": 81.5}]}
    values, text = read_by_draft(written(tmp_path / "t.json", content))
    assert values == {(ONE, ACC, None): 80.5, (OTHER, ACC, None): 81.5} and 'root = ["*"]' in text


@pytest.mark.parametrize("name", ["hw-latency.json", "energies_mj.json"])
def test_the_name_of_a_file_says_that_numbers_under_a_device_are_no_accuracies(name: str, tmp_path: Path) -> None:
    text = mapping_draft.draft(written(tmp_path / name, {"phone": dict.fromkeys(CELLS, 20.5)})).text
    assert 'root = ["phone"]' in text and "[[truth]]" not in text


def test_the_name_of_a_file_says_what_was_measured_on_a_device(tmp_path: Path) -> None:
    values, _ = read_by_draft(written(tmp_path / "hw-latency.json", {"raspi4": {ONE: 20.5, OTHER: 21.5}}))
    assert values == {(ONE, "cifar10 raspi4_latency", None): 20.5, (OTHER, "cifar10 raspi4_latency", None): 21.5}


def test_a_data_set_that_is_written_in_two_ways_is_one(tmp_path: Path) -> None:
    rows = [{"arch": ONE, "dataset": "CIFAR-10", "acc": 90}, {"arch": OTHER, "dataset": "cifar10", "acc": 91}]
    assert read_by_draft(written(tmp_path / "t.json", rows))[0] == {(ONE, ACC, None): 90, (OTHER, ACC, None): 91}


def test_columns_for_the_same_value_need_rows_that_are_parted(tmp_path: Path) -> None:
    arch = '[architecture]\ncolumn = "arch"\nencoding = "string"\n'
    parted = truth("a", where={"file": "x"}), truth("b", where={"file": "y"})
    table_mapping.load(mapping(tmp_path, 'kind = "csv"', arch, *parted))
    for clashing in ((truth("a"), parted[1]), (parted[0], truth("b", where={"other": "y"}))):
        with pytest.raises(UserError, match="two columns for the same value"):
            table_mapping.load(mapping(tmp_path, 'kind = "csv"', arch, *clashing))


@pytest.mark.parametrize("name", ["EdgeGPU latency [ms]", "edge_gpu_latency_ms", "Latency (ms), Edge-GPU"])
def test_a_device_however_it_is_written(name: str, tmp_path: Path) -> None:
    values, _ = read_by_draft(written(tmp_path / "t.tsv", table(f"arch\t{name}", [5.5, 6], sep="\t")))
    assert values == {(ONE, "cifar10 edgegpu_latency", None): 5.5, (OTHER, "cifar10 edgegpu_latency", None): 6}


@pytest.mark.parametrize(
    ("column", "cells", "says"),
    [
        ("params", ["341.004", "1.200.300"], 'thousands = "." in [container]'),
        ("params", ["1'341'004", "900"], 'thousands = "\'" in [container]'),
        ("size", ["4.08M", "5.12M"], "as '4.08M': [[extract]]"),
        ("speed", ["12.50 ms", "13.75 ms"], "as '12.50 ms': [[extract]]"),
        ("acc_vs_best", [0.98, 0.99], "its name says vs"),
    ],
)
def test_columns_that_are_left_out_say_why(column: str, cells: list[object], says: str, tmp_path: Path) -> None:
    file = written(tmp_path / "t.csv", table(f"arch;test_acc;{column}", [80, 81], cells, sep=";"))
    text = mapping_draft.draft(file).text
    assert says in text and "test_acc" in text


def test_numbers_without_names_are_no_seeds(tmp_path: Path) -> None:
    text = mapping_draft.draft(written(tmp_path / "t.csv", table("", [80.5, 81], [90.5, 91]).lstrip())).text
    assert "each may be test_accuracy" in text and "[[truth]]" not in text


def test_a_list_of_several_things_asks_for_their_names(tmp_path: Path) -> None:
    rows = {cell: [80.5 + number, 1_000_000, 5] for number, cell in enumerate(CELLS)}
    assert "columns = [...]" in mapping_draft.draft(written(tmp_path / "t.json", rows)).text
