"""NAS-Bench-201: notation, rules of its spaces, and the published form, on made-up files."""

from __future__ import annotations

import pickle
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.benchmarks import load
from pipeline.benchmarks.contract import arch_id_of
from pipeline.benchmarks.nasbench201 import benchmark as nasbench201
from pipeline.benchmarks.nasbench201 import nats
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError, UserError
from tests.fixtures import published as fixtures

CELL = "|avg_pool_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|nor_conv_3x3~1|none~2|"
LENGTHS = {"12": [111, 777], "60": [777]}
operations = st.fixed_dictionaries({edge: st.sampled_from(nasbench201.OPERATIONS) for edge in nasbench201.EDGES})
widths = st.lists(st.sampled_from(nasbench201.WIDTHS), min_size=5, max_size=5)


@given(operations)
def test_a_topology_is_the_same_by_parts_by_notation_and_by_spec(edges: dict[str, str]) -> None:
    spec = nasbench201.compose("topology", edges)
    assert nasbench201.operations(spec) == edges
    assert nasbench201.canonical("topology", spec["cell"]) == nasbench201.canonical("topology", spec) == spec


@given(widths)
def test_a_size_is_the_same_by_parts_by_notation_and_by_spec(channels: list[int]) -> None:
    spec = {"channels": channels}
    notation = ":".join(map(str, channels))
    parts = {str(stage): width for stage, width in enumerate(channels)}
    assert nasbench201.canonical("size", notation) == nasbench201.canonical("size", spec) == spec
    assert nasbench201.canonical("size", channels) == nasbench201.compose("size", parts) == spec


@pytest.mark.parametrize("space", ["topology", "size"])
@given(seed=st.integers(0, 2**32))
def test_samples_and_neighbours_are_of_the_space(space: str, seed: int) -> None:
    draw = Random(seed)
    spec = nasbench201.sample(space, draw)
    assert nasbench201.canonical(space, spec) == spec
    before = dict(spec)
    neighbour = nasbench201.mutate(space, spec, draw)
    assert spec == before
    assert nasbench201.canonical(space, neighbour) == neighbour
    one, other = (_parts(space, s) for s in (spec, neighbour))
    assert sum(a != b for a, b in zip(one, other, strict=True)) == 1


def _parts(space: str, spec: dict[str, Any]) -> list[object]:
    return list(spec["channels"]) if space == "size" else list(nasbench201.operations(spec).values())


def test_every_operation_is_drawn_and_reached() -> None:
    draw = Random(0)
    seen, spec = Counter[object](), nasbench201.sample("topology", draw)
    for _ in range(500):
        spec = nasbench201.mutate("topology", spec, draw)
        seen.update(_parts("topology", spec))
    assert set(seen) == set(nasbench201.OPERATIONS)


@pytest.mark.parametrize(
    ("notation", "said"),
    [
        (
            CELL.replace("nor_conv_1x1", "nor_conv_1x2"),
            r"node 3 .*unknown operation 'nor_conv_1x2': did you mean nor_conv_1x1",
        ),
        (CELL.replace("skip_connect~1|", ""), "node 2 .*the edge from node 1 is missing"),
        (
            CELL.replace("skip_connect~1", "skip_connect~0"),
            "node 2 .*'skip_connect~0' stands where the edge from node 1",
        ),
        (CELL.replace("avg_pool_3x3~0|", "avg_pool_3x3~0|none~1|"), "node 1 .*has 2 edges; it takes 1"),
        (CELL.replace("|+|none~0", "+|none~0"), "node 1 .*not enclosed in"),
        (CELL.replace("none~0", "none"), r"node 2 .*'none' is not operation~node"),
        (CELL.rpartition("+")[0], "has 2 nodes; a cell has 3"),
        ("", "has 1 nodes"),
        (17, "not 17"),
        ({"cell": None}, "is written"),
    ],
)
def test_a_broken_topology_says_which_rule(notation: object, said: str) -> None:
    with pytest.raises(UserError, match=said):
        nasbench201.canonical("topology", notation)


@pytest.mark.parametrize(
    ("notation", "said"),
    [
        ("8:8:8:8", "5 channel counts"),
        ("8:8:8:8:12", "stage 4 has 12 channels"),
        ("8:8:72:8:8", "stage 2 has 72 channels"),
        ("8:8:x:8:8", "stage 2 has 'x' channels"),
        ({"channels": [8, 8, 8, 8, True]}, "stage 4 has True"),
        (8, "not 8"),
    ],
)
def test_a_broken_size_says_which_rule(notation: object, said: str) -> None:
    with pytest.raises(UserError, match=said):
        nasbench201.canonical("size", notation)


def test_parts_that_are_unknown_or_missing_are_named() -> None:
    edges = dict.fromkeys(nasbench201.EDGES, "none")
    with pytest.raises(UserError, match=r"the edge 1-3 is missing"):
        nasbench201.compose("topology", {e: o for e, o in edges.items() if e != "1-3"})
    with pytest.raises(UserError, match=r"unknown edge '3-1': did you mean"):
        nasbench201.compose("topology", {**edges, "3-1": "none"})
    with pytest.raises(UserError, match=r"unknown operation 'None': did you mean none"):
        nasbench201.compose("topology", {**edges, "1-3": "None"})


def test_identities_are_for_good() -> None:
    assert arch_id_of("nasbench201", "topology", nasbench201.canonical("topology", CELL)) == "396621a5872935ff"
    assert arch_id_of("nasbench201", "size", nasbench201.canonical("size", "8:16:24:32:64")) == "c2d1da3a089b5b88"


def test_the_shelf_holds_it_and_its_metrics_are_declared_once() -> None:
    benchmark = load("nasbench201")
    assert [(s.name, s.size) for s in benchmark.spaces] == [("topology", 15_625), ("size", 32_768)]
    assert len({(m.dataset, m.metric) for m in benchmark.metrics}) == len(benchmark.metrics)
    ranked = sorted((m.priority, m.dataset, m.metric) for m in benchmark.metrics if m.priority)
    assert ranked[0] == (1, "cifar10", "test_accuracy")
    assert len({r[0] for r in ranked}) == len(ranked)


def joined(batches: list[SourceRows]) -> list[dict[str, Any]]:
    return [dict(zip(b.truths, row, strict=True)) for b in batches for row in zip(*b.truths.values(), strict=True)]


def test_final_values_of_the_published_form(tmp_path: Path) -> None:
    cells = fixtures.topologies(3)
    folder = fixtures.nats_folder(tmp_path, cells, LENGTHS)
    batches = list(nasbench201.read(folder, False))
    assert [b.rejects["reason"] for b in batches] == [[]]
    numbered = dict(zip(batches[0].architectures["native_id"], batches[0].architectures["spec"], strict=True))
    assert [numbered[str(i)] for i in range(3)] == [f'{{"cell":"{c}"}}' for c in cells]
    rows = joined(batches)
    assert {r["epoch"] for r in rows} == {None}
    # a training: accuracy and loss of train and of each split, and seconds; a data set: params, flops and latency
    assert len(rows) == 3 * (3 * sum(2 * (1 + len(s)) + 1 for s in fixtures.SPLITS.values()) + 3 * len(fixtures.SPLITS))
    content: Any = fixtures.nats_record(1, cells[1], LENGTHS)
    trained = content["60"]["all_results"]["cifar100", 777]
    arch_id = arch_id_of("nasbench201", "topology", {"cell": cells[1]})
    found = {
        r["metric"]: r["value"] for r in rows if (r["arch_id"], r["dataset"], r["epochs"]) == (arch_id, "cifar100", 60)
    }
    expected = {"train_accuracy": trained["train_acc1es"][59], "train_loss": trained["train_losses"][59]}
    for published, split in (("x-valid", "validation"), ("x-test", "test"), ("ori-test", "valtest")):
        expected[f"{split}_accuracy"] = trained["eval_acc1es"][f"{published}@59"]
        expected[f"{split}_loss"] = trained["eval_losses"][f"{published}@59"]
    assert found == {**expected, "train_seconds": 120.0}
    once = {
        r["metric"]: (r["value"], r["seed"])
        for r in rows
        if (r["arch_id"], r["dataset"], r["epochs"]) == (arch_id, "cifar10", None)
    }
    assert once == {"params": (250_000.0, None), "flops": (15_647_370.0, None), "latency": (0.01, None)}


def test_ori_test_is_the_test_set_of_cifar10_alone(tmp_path: Path) -> None:
    rows = joined(list(nasbench201.read(fixtures.nats_folder(tmp_path, fixtures.topologies(1), {"12": [777]}), False)))
    accuracies = {(r["dataset"], r["metric"]) for r in rows if r["metric"].endswith("accuracy")}
    assert {m for d, m in accuracies if d == "cifar10"} == {"train_accuracy", "test_accuracy"}
    assert {m for d, m in accuracies if d == "cifar10-valid"} == {
        "train_accuracy",
        "validation_accuracy",
        "test_accuracy",
    }


def test_learning_curves_come_with_their_epochs(tmp_path: Path) -> None:
    folder = fixtures.nats_folder(tmp_path, fixtures.topologies(1), LENGTHS)
    finals, everything = (joined(list(nasbench201.read(folder, c))) for c in (False, True))
    assert [r for r in everything if r["epoch"] is None] == finals
    of = [r for r in everything if (r["dataset"], r["epochs"], r["seed"]) == ("cifar100", 60, 777)]
    epochs = {m: [r["epoch"] for r in of if r["metric"] == m and r["epoch"]] for m in {r["metric"] for r in of}}
    assert epochs["train_accuracy"] == epochs["validation_accuracy"] == list(range(1, 61))
    assert epochs["test_accuracy"] == epochs["valtest_loss"] == [60]
    seconds = [r["value"] for r in of if r["metric"] == "train_seconds" and r["epoch"]]
    assert seconds == [2.0 * e for e in range(1, 61)]


def test_sizes_are_told_from_topologies_by_their_content(tmp_path: Path) -> None:
    fixtures.nats_folder(tmp_path / "a", fixtures.topologies(2), {"12": [777]})
    fixtures.nats_folder(tmp_path / "b", fixtures.sizes(3), {"01": [777], "12": [777, 888], "90": [777]})
    rows = joined(list(nasbench201.read(tmp_path, False)))
    assert Counter(s for s, _ in {(r["space"], r["arch_id"]) for r in rows}) == {"topology": 2, "size": 3}
    assert {r["epochs"] for r in rows if r["space"] == "size"} == {1, 12, 90, None}


def test_a_single_file_is_enough(tmp_path: Path) -> None:
    folder = fixtures.nats_folder(tmp_path, fixtures.topologies(2), {"12": [777]})
    assert len({r["arch_id"] for r in joined(list(nasbench201.read(folder / "000001.pickle.pbz2", False)))}) == 1
    [listing] = nasbench201.read(folder / "meta.pickle.pbz2", False)
    assert listing.architectures["native_id"] == ["0", "1"]


def damage(path: Path, how: str) -> None:
    """Spoil a member of a made-up folder."""
    cell = fixtures.topologies(9)[8]
    record: Any = fixtures.nats_record(1, cell, {"12": [777]})
    run = record["12"]["all_results"]["cifar10", 777]
    match how:
        case "truncated":
            path.write_bytes(path.read_bytes()[:-30])
            return
        case "hostile":
            path.write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
            return
        case "operation":
            record["12"]["arch_str"] = cell.replace("~2", "x~2")
        case "unit":
            run["eval_acc1es"]["ori-test@11"] = 104.0
        case "no test":
            del run["eval_acc1es"]
        case "dataset":
            record["12"]["all_results"]["cifar11", 777] = run
        case "split":
            run["eval_acc1es"]["x-tests@11"] = 1.0
        case "params":
            record["12"]["all_results"]["cifar10", 888] = {**run, "params": 0.5}
        case "copy":
            record["12"]["arch_str"] = fixtures.topologies(1)[0]
        case "two":
            record["200"] = {**record["12"], "arch_index": 2}
        case "other":
            record = [1, 2]
    fixtures.pack(path, record)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("truncated", "truncated"),
        ("hostile", "posix.system"),
        ("operation", "unknown operation"),
        ("unit", "test_accuracy is 104, which is no percent"),
        ("no test", "it has no 'eval_acc1es'"),
        ("dataset", "unknown dataset of nasbench201 'cifar11': did you mean cifar10"),
        ("split", "unknown split of cifar10 'x-tests'"),
        ("params", "params on cifar10 differs between trainings"),
        ("copy", "is in 000000.pickle.pbz2 already"),
        ("two", "about 2 architectures"),
        ("other", "not of NATS-Bench's form"),
    ],
)
def test_one_damaged_file_is_a_reject_and_the_others_are_kept(tmp_path: Path, how: str, said: str) -> None:
    cells = fixtures.topologies(3)
    folder = fixtures.nats_folder(tmp_path, cells, {"12": [777]})
    damage(folder / "000001.pickle.pbz2", how)
    [batch] = nasbench201.read(folder, False)
    assert batch.rejects["position"] == ["000001.pickle.pbz2"]
    assert said in batch.rejects["reason"][0]
    kept = {arch_id_of("nasbench201", "topology", {"cell": c}) for c in (cells[0], cells[2])}
    assert set(batch.truths["arch_id"]) == kept
    if how != "copy":
        with pytest.raises(NotThisFormError, match=said):
            list(nasbench201.read(folder / "000001.pickle.pbz2", False))


def test_a_value_that_is_no_number_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    folder = fixtures.nats_folder(tmp_path, fixtures.topologies(1), {"12": [777]})
    record: Any = fixtures.nats_record(0, fixtures.topologies(1)[0], {"12": [777]})
    run = record["12"]["all_results"]["cifar10", 777]
    run["train_losses"][11] = float("nan")
    del run["eval_acc1es"]["ori-test@11"]
    fixtures.pack(folder / "000000.pickle.pbz2", record)
    rows = [r for r in joined(list(nasbench201.read(folder, False))) if r["status"] != "ok"]
    assert {(r["metric"], r["value"], r["status"], r["reason"]) for r in rows} == {
        ("train_loss", None, "failed", "the source says nan"),
        ("test_accuracy", None, "failed", "no value at this epoch"),
    }


def test_a_folder_without_such_files_is_not_of_this_form(tmp_path: Path) -> None:
    with pytest.raises(NotThisFormError, match=r"holds no \*.pickle.pbz2"):
        nasbench201.read(tmp_path, False)


def test_a_listing_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "meta.pickle.pbz2"
    path.write_bytes(pickle.dumps({"meta_archs": [1, 2]}))
    with pytest.raises(NotThisFormError, match=r"written 1"):
        nats.read(path)
