"""NAS-Bench-101's published forms: what good records bring, and what becomes of the others."""

from __future__ import annotations

import base64
import bz2
import gzip
import json
import lzma
import pickle
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline import executor
from pipeline.benchmarks.contract import arch_id_of
from pipeline.benchmarks.nasbench101 import architectures, published_runs, reading
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError, UserError
from pipeline.ingest.run import ingest
from pipeline.lake.store import Lake
from tests.fixtures import nasbench101_files as files
from tests.fixtures.command import exit_code
from tests.fixtures.lines import refused

CELLS = files.cells(4)
IDS = [arch_id_of("nasbench101", "cell", cell) for cell in CELLS]
NAMES = ("train_seconds", "train_accuracy", "validation_accuracy", "test_accuracy")
Row = dict[str, Any]


def truth(batches: list[SourceRows]) -> list[Row]:
    """The rows of truth, a dictionary each."""
    constants = {"benchmark": "nasbench101", "source_id": "s"}
    tables = [t for b in batches for t in (b.arrow("truth", constants), *(t for *_, t in b.arrow_blocks(constants)))]
    return [row for table in tables for row in table.to_pylist()]


def rejects(batches: list[SourceRows]) -> list[tuple[str, str]]:
    return [pair for b in batches for pair in zip(b.rejects["position"], b.rejects["reason"], strict=True)]


def expected(cell: int, epochs: int, run: int, halfway: bool) -> dict[str, float]:
    _, *values = files.points(CELLS[cell], epochs, run)[1 if halfway else 2]
    return {n: v * (1 if n == "train_seconds" else 100) for n, v in zip(NAMES, values, strict=True)}


def found(rows: list[Row], cell: int, epochs: int, run: int, halfway: bool) -> dict[str, float]:
    epoch = epochs // 2 if halfway else None
    key = (IDS[cell], epochs, run, epoch)
    return {r["metric"]: r["value"] for r in rows if (r["arch_id"], r["epochs"], r["seed"], r["epoch"]) == key}


def memory(path: Path, content: object) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=4))
    return path


def of_108(path: Path) -> Path:
    return files.write(path, files.rows(CELLS))


def of_all_lengths(path: Path) -> Path:
    return files.write(path, files.rows(CELLS, (4, 12, 36, 108)))


def of_memory(path: Path) -> Path:
    return memory(path, dict(files.remembered(cell, (4, 108)) for cell in CELLS))


@pytest.mark.parametrize(
    ("make", "lengths"), [(of_108, (108,)), (of_all_lengths, (4, 12, 36, 108)), (of_memory, (4, 108))]
)
def test_every_run_brings_its_final_and_its_halfway_values(
    tmp_path: Path, make: Callable[[Path], Path], lengths: tuple[int, ...]
) -> None:
    batches = list(reading.read(make(tmp_path / "runs"), False))
    assert rejects(batches) == []
    rows = truth(batches)
    assert len(rows) == len(CELLS) * (1 + len(lengths) * 3 * 2 * len(NAMES))
    for cell in range(len(CELLS)):
        for epochs in lengths:
            for run in (1, 2, 3):
                for halfway in (True, False):
                    values = found(rows, cell, epochs, run, halfway)
                    assert values == pytest.approx(expected(cell, epochs, run, halfway), rel=1e-12)
    sizes = [r for r in rows if r["metric"] == "params"]
    assert {(r["value"], r["epochs"], r["seed"], r["epoch"]) for r in sizes} == {(5e6, None, None, None)}
    assert Counter(r["arch_id"] for r in sizes) == Counter(IDS)
    assert {(r["space"], r["dataset"], r["status"], r["reason"]) for r in rows} == {("cell", "cifar10", "ok", None)}


def test_the_architectures_are_canonical_and_keep_their_module_hash(tmp_path: Path) -> None:
    """A record may be of any labelling of its cell."""
    other = {"adjacency": "0110000100010000", "operations": ["input", "maxpool3x3", "conv1x1-bn-relu", "output"]}
    spec = architectures.canonical("cell", other)
    assert spec["operations"] != other["operations"]
    [batch] = reading.read(files.write(tmp_path / "runs", [files.row(other), files.row(spec, run=2)]), False)
    assert [json.loads(text) for text in batch.architectures["spec"]] == [spec]
    assert batch.architectures["arch_id"] == [arch_id_of("nasbench101", "cell", spec)]
    assert batch.architectures["native_id"] == [json.loads(files.row(other))[0]]
    assert {r["seed"] for r in truth([batch])} == {1, 2, None}


def test_runs_are_numbered_in_the_order_of_the_file_wherever_they_stand(tmp_path: Path) -> None:
    order = [(0, 3), (1, 1), (0, 1), (2, 2), (0, 2)]
    path = files.write(tmp_path / "runs", [files.row(CELLS[cell], run=run) for cell, run in order])
    rows = truth(list(reading.read(path, False)))
    for seed, run in enumerate((3, 1, 2), 1):
        assert found(rows, 0, 108, seed, False) == pytest.approx(expected(0, 108, run, False), rel=1e-12)
    assert found(rows, 2, 108, 1, False) == pytest.approx(expected(2, 108, 2, False), rel=1e-12)


def test_several_processes_give_the_same_batches_in_the_same_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = files.rows(files.cells(40, seed=1))
    records[50] = b"[]"
    path = files.write(tmp_path / "runs", records)
    alone = list(reading.read(path, False))
    monkeypatch.setattr(reading, "_SMALL", 0)
    monkeypatch.setattr(executor, "default_workers", lambda: 2)
    together = list(reading.read(path, False))
    assert truth(together) == truth(alone)
    assert rejects(together) == rejects(alone) != []


def metrics(evaluations: list[list[float]] | None = None, parameters: int | None = 5_000_000) -> str:
    evaluated = [list(point) for point in files.points(CELLS[1], 108, 9)] if evaluations is None else evaluations
    return base64.b64encode(files.message(evaluated, parameters)).decode()


def evaluations(at: int, place: int, value: float) -> list[list[float]]:
    changed = [list(point) for point in files.points(CELLS[1], 108, 9)]
    changed[at][place] = value
    return changed


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (b"\xff\xfe", "not a list of module hash, epochs, adjacency, operations and metrics: 'utf-8'"),
        (b"[1, 2", "not a list of module hash"),
        (b'["a", 108]', "not a list of module hash"),
        (b'["a", "108", "0100", "input,output", ""]', "in another order here"),
        (files.row(CELLS[1], metrics="not base64!"), "the metrics are not base64"),
        (files.row(CELLS[1], metrics=7), "not a list of module hash"),
        (files.row(CELLS[1], metrics="//8="), "the metrics are no ModelMetrics message"),
        (files.row(CELLS[1], metrics=base64.b64encode(b"\x0a\x03abc").decode()), "no ModelMetrics message"),
        (files.row(CELLS[1], metrics=base64.b64encode(b"\x08\x01").decode()), "another message than ModelMetrics"),
        (files.row(CELLS[1], metrics=metrics([[0.0, 1.0]] * 3)), "another message than ModelMetrics"),
        (files.row(CELLS[1], metrics=metrics(parameters=None)), "another message than ModelMetrics"),
        (files.row(CELLS[1], metrics=metrics(evaluations(0, 0, 0.0)[:2])), "2 evaluations, where every run has 3"),
        (files.row(CELLS[1], metrics=metrics(evaluations(1, 0, 50.0))), "evaluated at epochs 50 and 108 of 108"),
        (files.row(CELLS[1], metrics=metrics(evaluations(2, 4, 1.5))), "test_accuracy is 1.5, which is no fraction"),
        (files.row(CELLS[1], metrics=metrics(evaluations(1, 1, -3.0))), "train_seconds is -3, which is no seconds"),
        (files.row(CELLS[1], epochs=20), "a training of 20 epochs, where there are those of 4, 12, 36, 108"),
        (files.row(CELLS[1], module_hash="0" * 32), "the module hash 0{32} is stated, but the graph has [0-9a-f]{32}"),
        (files.row(CELLS[1], operations=",".join(CELLS[1]["operations"][:-1])), "operations for [0-9] vertices"),
        (files.row(CELLS[1], adjacency="0" * 49), "no path leads from input to output"),
        (files.row(CELLS[0], run=2), "a duplicate: an earlier record states the same run of the same cell"),
        (files.row(CELLS[0], run=4), "run 4 of 108 epochs of one cell; there are 3"),
        (files.row(CELLS[0], 36, parameters=7), "7 parameters, where an earlier record of the same cell has 5000000"),
    ],
)
def test_one_bad_record_is_a_reject_at_its_byte_and_the_others_are_kept(
    tmp_path: Path, record: bytes, said: str
) -> None:
    good = files.rows([CELLS[0], CELLS[2]])
    path = files.write(tmp_path / "runs", [*good[:4], record, *good[4:]])
    batches = list(reading.read(path, False))
    [(position, reason)] = rejects(batches)
    assert position == f"byte {sum(len(files.frame(r)) for r in good[:4])}"
    with pytest.raises(UserError, match=said):
        raise UserError(reason)
    rows = truth(batches)
    assert {r["arch_id"] for r in rows} == {IDS[0], IDS[2]}
    for cell in (0, 2):
        for run in (1, 2, 3):
            assert found(rows, cell, 108, run, False) == pytest.approx(expected(cell, 108, run, False), rel=1e-12)


def test_a_value_that_is_no_number_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    record = files.row(CELLS[1], metrics=metrics(evaluations(1, 3, float("nan"))))
    batches = list(reading.read(files.write(tmp_path / "runs", [record]), False))
    rows = truth(batches)
    assert len(rows) == 9
    [failed] = [r for r in rows if r["status"] != "ok"]
    assert (failed["metric"], failed["epoch"], failed["value"]) == ("validation_accuracy", 54, None)
    assert (failed["status"], failed["reason"], failed["seed"]) == ("failed", "the source says nan", 1)


def spoil(content: Any, how: str) -> Any:
    module_hash = next(iter(content))
    fixed, computed = content[module_hash]
    match how:
        case "no parameters":
            del fixed["trainable_parameters"]
        case "no final":
            del computed[108][1]["final_test_accuracy"]
        case "length":
            computed[108.5] = computed.pop(108)
        case "true":
            computed[108][0]["final_test_accuracy"] = True
        case "no pair":
            content[module_hash] = fixed
        case "other hash":
            content["f" * 32] = content.pop(module_hash)
        case "operation":
            fixed["module_operations"] = [
                "input",
                *["conv5x5-bn-relu"] * (len(fixed["module_operations"]) - 2),
                "output",
            ]
    return content


@pytest.mark.parametrize(
    ("how", "said", "count"),
    [
        ("no parameters", "not as the official API keeps a cell: it has no 'trainable_parameters'", 1),
        ("no final", "it has no 'final_test_accuracy'", 1),
        ("length", "epochs is 108.5, where a whole number is expected", 1),
        ("true", "final_test_accuracy is True, where a number is expected", 1),
        ("no pair", "not as the official API keeps a cell", 1),
        ("other hash", "the module hash f{32} is stated", 3),
        ("operation", "unknown operation 'conv5x5-bn-relu': did you mean", 3),
    ],
)
def test_a_damaged_cell_of_the_memory_is_rejected_by_its_key(tmp_path: Path, how: str, said: str, count: int) -> None:
    content = spoil(dict(files.remembered(cell) for cell in CELLS), how)
    batches = list(reading.read(memory(tmp_path / "api.pkl", content), False))
    assert len(rejects(batches)) == count
    for position, reason in rejects(batches):
        assert position.startswith("key ")
        with pytest.raises(UserError, match=said):
            raise UserError(reason)
    assert {r["arch_id"] for r in truth(batches)} == set(IDS[1:])


def test_a_hostile_pickle_runs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "api.pkl"
    path.write_bytes(b"\x80\x04cposix\nsystem\n(S'true'\ntR.")
    with pytest.raises(NotThisFormError, match=r"asks for posix\.system"):
        reading.read(path, False)


@pytest.mark.parametrize("pack", [bz2.compress, gzip.compress, lzma.compress, partial(pa.compress, codec="zstd")])
def test_a_packed_pickle_is_read_and_a_packed_tfrecord_is_named(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    plain = of_memory(tmp_path / "api.pkl")
    (tmp_path / "packed.pkl").write_bytes(pack(plain.read_bytes()))
    assert truth(list(reading.read(tmp_path / "packed.pkl", False))) == truth(list(reading.read(plain, False)))
    (tmp_path / "packed").write_bytes(pack(of_108(tmp_path / "nasbench.tfrecord").read_bytes()))
    with refused("is a TFRecord file within a", "expected: unpack it"):
        list(reading.read(tmp_path / "packed", False))


def test_what_is_neither_form_is_refused(tmp_path: Path) -> None:
    for content, said in (([1, 2], "holds no mapping"), ({}, "holds no mapping")):
        with pytest.raises(NotThisFormError, match=said):
            reading.read(memory(tmp_path / "api.pkl", content), False)
    (tmp_path / "other").write_text("index,accuracy\n")
    with pytest.raises(NotThisFormError, match="not a TFRecord file"):
        list(reading.read(tmp_path / "other", False))
    with pytest.raises(NotThisFormError, match="is a folder"):
        reading.read(tmp_path, False)


def test_the_message_is_read_without_a_compiled_class() -> None:
    run = published_runs.run(files.row(CELLS[0], parameters=123_456))
    assert run.parameters == 123_456
    assert run.values == tuple(v for point in files.points(CELLS[0], 108, 1)[1:] for v in point[1:])


def test_damage_ends_in_rejects_with_positions_and_a_non_zero_exit(
    tmp_path: Path, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = files.rows(CELLS)
    frames = [files.frame(record) for record in records]
    starts = [sum(map(len, frames[:number])) for number in range(len(frames))]
    damaged = bytearray(b"".join(frames))
    damaged[starts[4] + 30] ^= 4  # in a record's data
    damaged[starts[7] + 2] ^= 4  # in a record's length
    path = tmp_path / "nasbench_only108.tfrecord"
    path.write_bytes(bytes(damaged[:-9]))
    assert exit_code("ingest", "nasbench101", path, "--lake", lake) == 1
    printed = capsys.readouterr()
    assert "native: 4 architectures, 76 values, 3 rejected" in printed.out
    assert "3 records rejected, the others are stored" in printed.err
    stored = Lake(lake).read("rejects", "nasbench101").to_pylist()
    assert {r["position"] for r in stored} == {f"byte {starts[number]}" for number in (4, 7, 11)}
    assert len(Lake(lake).read("truth", "nasbench101")) == 4 + 9 * 8


def test_curves_change_nothing_since_they_are_always_read(tmp_path: Path, lake: Path) -> None:
    path = of_108(tmp_path / "runs.tfrecord")
    [first] = ingest(lake, "nasbench101", [path])
    [second] = ingest(lake, "nasbench101", [path], curves=True)
    assert (first.values, second.already) == (len(CELLS) * (1 + 3 * 2 * len(NAMES)), True)


def test_a_large_file_reaches_the_lake_in_pieces(tmp_path: Path, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.ingest.run._FLUSH_VALUES", 50)
    monkeypatch.setattr("pipeline.formats.tfrecord.spans.__defaults__", (2000,))
    [summary] = ingest(lake, "nasbench101", [of_108(tmp_path / "runs.tfrecord")])
    rows = Lake(lake).read("truth", "nasbench101").to_pylist()
    assert len(rows) == summary.values == len({(r["arch_id"], r["metric"], r["seed"], r["epoch"]) for r in rows})
    described = Lake(lake).read("metrics", "nasbench101").to_pylist()
    assert {r["metric"] for r in described} == {*NAMES, "params"}
