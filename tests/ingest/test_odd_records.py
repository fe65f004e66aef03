"""One bad record is one reject, with its position and reason, in every reader."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import UserError
from pipeline.ingest.run import ingest
from pipeline.lake.store import Lake
from tests.fixtures import lake_content, nasbench101_files, nasbench201_files, nasbench_nlp_files, nds_files
from tests.fixtures import mapped_tables as fixtures

CELLS = nasbench201_files.topologies(4)


def rejects(lake: Path, benchmark: str) -> list[tuple[str, str]]:
    return [(row["position"], row["reason"]) for row in Lake(lake).read("rejects", benchmark).to_pylist()]


def deep() -> list[Any]:
    nested: list[Any] = []
    for _ in range(150):
        nested = [nested]
    return nested


def itself() -> dict[str, Any]:
    entry: dict[str, Any] = {"arch": CELLS[0]}
    entry["acc"] = entry
    return entry


@pytest.mark.parametrize(
    "changed",
    [
        {"params": 10**400},
        {"flop": 10**400},
        {"params": float("inf")},
        {"epochs": 10**30},
        {"epochs": "twelve"},
        {"train_times": {0: 10**400}},
        {"train_losses": deep()},
        {"eval_acc1es": {"ori-test@1e9": 1.0}},
        {"eval_acc1es": {float("nan"): 1.0}},
        {"eval_acc1es": itself()},
        {"latency": b"text"},
        {"latency": 5},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_an_odd_training_of_nats_bench_is_a_reject(lake: Path, tmp_path: Path, changed: dict[str, Any]) -> None:
    folder = nasbench201_files.nats_folder(tmp_path / "nats", CELLS[:2], {"12": [777]})
    record = nasbench201_files.nats_record(1, CELLS[1], {"12": [777]})
    record["12"]["all_results"]["cifar10", 777].update(changed)
    nasbench201_files.pack(folder / "000001.pickle.pbz2", record)
    [summary] = ingest(lake, "nasbench201", [folder])
    assert (summary.architectures, summary.rejected) == (2, 1)  # the list names the second, too
    [(position, reason)] = rejects(lake, "nasbench201")
    assert position == "000001.pickle.pbz2"
    assert 5 < len(reason) < 300
    assert len({row["arch_id"] for row in lake_content.rows(lake, "truth")}) == 1


@pytest.mark.parametrize("number", [10**30, -1, 1.5, "x" * 10_000])
def test_an_odd_number_of_nats_bench_is_a_reject(lake: Path, tmp_path: Path, number: object) -> None:
    folder = nasbench201_files.nats_folder(tmp_path / "nats", CELLS[:2], {"12": [777]})
    record = nasbench201_files.nats_record(1, CELLS[1], {"12": [777]})
    record["12"]["arch_index"] = number
    nasbench201_files.pack(folder / "000001.pickle.pbz2", record)
    assert ingest(lake, "nasbench201", [folder])[0].rejected == 1


def test_a_number_of_two_architectures_is_refused(lake: Path, tmp_path: Path) -> None:
    folder = nasbench201_files.nats_folder(tmp_path / "nats", CELLS[:2], {"12": [777]})
    nasbench201_files.pack(folder / "000002.pickle.pbz2", nasbench201_files.nats_record(1, CELLS[2], {"12": [777]}))
    assert ingest(lake, "nasbench201", [folder])[0].rejected == 1
    assert rejects(lake, "nasbench201") == [
        ("000002.pickle.pbz2", "number 1 is another architecture here than in 000001.pickle.pbz2")
    ]


@pytest.mark.parametrize("key", ["12", "arch2infos"])
def test_results_beside_a_list_are_two_readings(lake: Path, tmp_path: Path, key: str) -> None:
    record = nasbench201_files.nats_record(1, CELLS[1], {"12": [777]})
    path = nasbench201_files.pack(tmp_path / "all.pickle.pbz2", {"meta_archs": CELLS, key: record["12"]})
    with pytest.raises(UserError, match=rf"a list of architectures \('meta_archs'\) and results \('{key}'\)"):
        ingest(lake, "nasbench201", [path])


@pytest.mark.parametrize(
    "changed",
    [
        {"rng_seed": 10**30},
        {"params": 10**400},
        {"flops": 0},
        {"net": deep()},
        {"train_ep_loss": [1.0, 10**400, 1.0]},
        {"optim": {"max_ep": 10**400}},
        {"min_test_top1": [5]},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_an_odd_job_of_nds_is_a_reject(lake: Path, tmp_path: Path, changed: dict[str, Any]) -> None:
    jobs = [nds_files.job(nds_files.net("darts", n), params=10**6) for n in range(3)]
    path = nds_files.write(tmp_path / "DARTS.json", [jobs[0], jobs[1] | changed, jobs[2]])
    [summary] = ingest(lake, "nds", [path])
    assert (summary.architectures, summary.rejected) == (2, 1)
    assert rejects(lake, "nds")[0][0] == "[1]"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"num_params": 10**400}, "num_params"),
        ({"recepie_id": 10**30}, "63 bits"),
        ({"train_losses": json.dumps(deep())}, r"train_losses is \[.*where a number is expected"),
        ({"data": 5}, "data is 5"),
        ({"wall_times": [10**400] * 3}, "larger than any float"),
    ],
)
def test_an_odd_log_of_nasbench_nlp_is_a_reject(
    lake: Path, tmp_path: Path, changed: dict[str, Any], reason: str
) -> None:
    recipe = nasbench_nlp_files.RNN
    folder = nasbench_nlp_files.folder(tmp_path / "logs", [nasbench_nlp_files.log(recipe)])
    odd = nasbench_nlp_files.log(recipe, number=2) | changed
    (folder / "log_stats_model_2.json").write_text(json.dumps(odd))
    [summary] = ingest(lake, "nasbench_nlp", [folder])
    assert (summary.architectures, summary.rejected) == (1, 1)
    assert re.search(reason, rejects(lake, "nasbench_nlp")[0][1])


def test_the_same_log_written_otherwise_is_taken_once(lake: Path, tmp_path: Path) -> None:
    content = nasbench_nlp_files.log(nasbench_nlp_files.RNN)
    folder = nasbench_nlp_files.folder(tmp_path / "logs", [content])
    text = json.dumps(content, indent=3, sort_keys=True).replace("\n", "\r\n")
    (folder / "log_stats_model_again.json").write_text(text)
    [summary] = ingest(lake, "nasbench_nlp", [folder])
    assert (summary.architectures, summary.rejected) == (1, 0)
    other = content | {"test_losses": [5.0] * 3}
    (folder / "log_stats_model_other.json").write_text(json.dumps(other))
    assert ingest(tmp_path / "second", "nasbench_nlp", [folder])[0].rejected == 1


def test_a_log_with_a_key_twice_is_a_reject(lake: Path, tmp_path: Path) -> None:
    content = nasbench_nlp_files.log(nasbench_nlp_files.RNN)
    folder = nasbench_nlp_files.folder(tmp_path / "logs", [content])
    text = json.dumps(content | {"recepie_id": 7})
    (folder / "log_stats_model_twice.json").write_text(text.replace("{", '{"num_params": 1, ', 1))
    ingest(lake, "nasbench_nlp", [folder])
    assert "'num_params' occurs twice" in rejects(lake, "nasbench_nlp")[0][1]


@pytest.mark.parametrize(
    "entry",
    [
        {"arch": CELLS[1], "acc": 10**400},
        {"arch": CELLS[1], "acc": deep()},
        {"arch": CELLS[1], "acc": b"61"},
        {"arch": b"|none~0|", "acc": 61},
        {"arch": "\ud800", "acc": 61},
        {"arch": CELLS[1] * 10_000, "acc": 61},
        {"arch": {1, 2}, "acc": 61},
        itself(),
    ],
)
def test_an_odd_entry_of_a_pickled_table_is_a_reject(lake: Path, tmp_path: Path, entry: dict[str, Any]) -> None:
    text = fixtures.MAPPING.replace('kind = "csv"', 'kind = "pickle"')
    mapping = str(fixtures.mapping(tmp_path / "m.toml", fixtures.ACCURACY, text=text))
    path = tmp_path / "table.pkl"
    path.write_bytes(pickle.dumps([{"arch": CELLS[0], "acc": 60}, entry, {"arch": CELLS[2], "acc": 62}]))
    with pytest.raises(UserError, match=r"1 row cannot be taken, at item 2: .*--max-rejects 1 takes the others"):
        ingest(lake, "nasbench201", [path], mapping=mapping)
    [summary] = ingest(lake, "nasbench201", [path], mapping=mapping, max_rejects=1)
    assert (summary.architectures, summary.rejected) == (2, 1)


def test_a_mapping_says_how_many_bad_rows_its_table_is_known_to_have(lake: Path, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"arch,acc\n{CELLS[0]},60\nno cell,61\n{CELLS[2]},62\n")
    for known in (0, 1):
        text = fixtures.MAPPING.replace("[publisher]", f"max_rejects = {known}\n[publisher]")
        mapping = str(fixtures.mapping(tmp_path / "m.toml", fixtures.ACCURACY, text=text))
        if known:
            [summary] = ingest(lake, "nasbench201", [path], mapping=mapping)
            assert (summary.architectures, summary.rejected, summary.known_rejects) == (2, 1, 1)
        else:
            with pytest.raises(UserError, match="1 row cannot be taken, at line 3"):
                ingest(lake, "nasbench201", [path], mapping=mapping)


def test_an_odd_cell_of_the_official_memory_is_a_reject(lake: Path, tmp_path: Path) -> None:
    cells = nasbench101_files.cells(3)
    memory: dict[Any, Any] = dict(nasbench101_files.remembered(cell) for cell in cells)
    for key in list(memory)[1:]:
        memory[key][0]["trainable_parameters"] = {0: 10**30, 1: 0}[list(memory).index(key) - 1]
    memory[float("nan")] = deep()
    path = tmp_path / "memory.pkl"
    path.write_bytes(pickle.dumps(memory))
    [summary] = ingest(lake, "nasbench101", [path])
    assert summary.architectures == 1
    assert summary.rejected == 7  # three runs of each cell, and what is no cell


def test_rows_of_a_record_that_fails_are_taken_back() -> None:
    rows = SourceRows("nasbench201")
    spec = {"cell": CELLS[0]}
    with rows.record("first"):
        rows.add_truth("topology", rows.add_architecture("topology", spec), "cifar10", "test_accuracy", 60.0)
    with rows.record("second", {"a": 1}):
        rows.add_truth("topology", rows.add_architecture("topology", spec), "cifar10", "test_accuracy", 61.0)
        raise ZeroDivisionError("by nothing")
    assert (len(rows.architectures["arch_id"]), rows.truths["value"]) == (1, [60.0])
    assert list(zip(*rows.rejects.values(), strict=True)) == [
        ("second", "it is of another form (ZeroDivisionError: by nothing)", "{'a': 1}")
    ]
    with pytest.raises(MemoryError), rows.record("third"):
        raise MemoryError
