"""NAS-Bench-101 by table mapping: the cell table with its hashes, and released scores of cells as lists of codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.benchmarks.contract import arch_id_of
from pipeline.benchmarks.nasbench101 import BENCHMARK, architectures
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import UserError
from pipeline.ingest import mapped_table as _table
from pipeline.ingest import mapping as table_mapping
from pipeline.ingest.run import ingest
from pipeline.lake.store import Lake
from tests.fixtures import mapped_tables as fixtures
from tests.fixtures import nasbench101_files as files

CELLS = files.cells(5, seed=7)
IDS = [arch_id_of("nasbench101", "cell", cell) for cell in CELLS]
HEADER = [
    "index", "module_hash", "adjacency", "operations", "trainable_parameters", "final_test_accuracy_108_mean",
]  # fmt: skip
CODES = {"input": 0, "output": 1, "maxpool3x3": 2, "conv1x1-bn-relu": 3, "conv3x3-bn-relu": 4}
SCORES = (
    "epe_nas", "fisher", "flops", "grad_norm", "grasp", "jacov", "l2_norm", "params", "plain", "snip", "synflow",
)  # fmt: skip


def module_hash(cell: files.Spec) -> str:
    found: str = json.loads(files.row(cell))[0]
    return found


def table(path: Path, **changed: object) -> Path:
    """A table that the table mapping freerea-cells is taken for; `changed` replaces parts of its second row."""
    rows = [
        dict(
            zip(
                HEADER,
                (i, module_hash(c), c["adjacency"], ",".join(c["operations"]), 10 + i, 0.9 + i / 100),
                strict=True,
            )
        )
        for i, c in enumerate(CELLS)
    ]
    rows[1].update(changed)
    return fixtures.table(path, HEADER, [list(row.values()) for row in rows], "\t")


def test_the_cell_table_brings_accuracy_and_parameters_under_the_module_hash(lake: Path, tmp_path: Path) -> None:
    [summary] = ingest(lake, "nasbench101", [table(tmp_path / "nasbench101_cells.tsv")])
    assert (summary.source, summary.architectures, summary.values) == ("freerea-cells", 5, 10)
    architectures = {r["native_id"]: r["arch_id"] for r in Lake(lake).read("architectures", "nasbench101").to_pylist()}
    assert architectures == dict(zip(map(module_hash, CELLS), IDS, strict=True))
    truth = {(r["arch_id"], r["metric"]): r for r in Lake(lake).read("truth", "nasbench101").to_pylist()}
    accuracy = truth[IDS[3], "test_accuracy"]
    assert (accuracy["value"], accuracy["epochs"], accuracy["seed"]) == (pytest.approx(93.0), 108, None)
    assert truth[IDS[3], "params"]["value"] == 13.0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"module_hash": "0" * 32}, "line 3: the module hash 0{32} is stated, but the graph has"),
        ({"operations": "input,output"}, r"line 3: 2 operations for \d vertices"),
        ({"adjacency": "0" * 49}, "line 3: no path leads from input to output"),
    ],
)
def test_a_row_whose_hash_is_not_its_graphs_is_refused(
    lake: Path, tmp_path: Path, changed: dict[str, object], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        ingest(lake, "nasbench101", [table(tmp_path / "nasbench101_cells.tsv", **changed)])
    assert not lake.exists()


def by_hash(path: Path) -> Path:
    """A table mapping for a table that names cells by their hash alone."""
    return fixtures.mapping(
        path,
        fixtures.ACCURACY,
        text=fixtures.MAPPING.replace('benchmark = "nasbench201"', 'benchmark = "nasbench101"')
        .replace('column = "arch"', 'column = "module_hash"')
        .replace('encoding = "string"', 'encoding = "index"'),
    )


def test_other_tables_may_name_cells_by_their_hash(lake: Path, tmp_path: Path) -> None:
    ingest(lake, "nasbench101", [table(tmp_path / "nasbench101_cells.tsv")])
    path = fixtures.table(tmp_path / "t.csv", ["module_hash", "acc"], [(module_hash(CELLS[2]), 61)])
    [summary] = ingest(lake, "nasbench101", [path], mapping=str(by_hash(tmp_path / "mine.toml")))
    assert (summary.architectures, summary.values) == (1, 1)
    assert {r["arch_id"] for r in Lake(lake).read("truth", "nasbench101").to_pylist() if r["value"] == 61} == {IDS[2]}


def key(cell: files.Spec, dead: bool = False) -> str:
    """A cell as the released scores name it: seven vertices, of which the last but one may be dead."""
    size = len(cell["operations"])
    matrix = [[0] * 7 for _ in range(7)]
    place = [*range(size - 1), 6]
    for i in range(size):
        for j in range(size):
            matrix[place[i]][place[j]] = int(cell["adjacency"][i * size + j])
    codes = [0, *[2] * 5, 1]
    for i, operation in enumerate(cell["operations"][1:-1], 1):
        codes[i] = CODES[operation]
    if dead:
        codes[5], matrix[0][5] = 3, 1
    return str(tuple([edge for row in matrix for edge in row] + codes))


def released(path: Path, entries: dict[str, dict[str, Any]]) -> Path:
    path.write_text(json.dumps({"nasbench101": {"cifar10": entries}}))
    return path


def values(number: float) -> dict[str, Any]:
    return {**{name: number + i for i, name in enumerate(SCORES)}, "val_accuracy": 90 + number}


def read(path: Path) -> SourceRows:
    [batch] = _table.read(table_mapping.find("nasbench101", "naslib-zero-cost"), BENCHMARK, path, {})
    return batch


def test_released_scores_are_read_by_the_codes_of_edges_and_operations(tmp_path: Path) -> None:
    batch = read(released(tmp_path / "s.json", {key(cell): values(i) for i, cell in enumerate(CELLS)}))
    assert not batch.rejects["reason"]
    scores = dict(
        zip(zip(batch.scores["arch_id"], batch.scores["proxy"], strict=True), batch.scores["value"], strict=True)
    )
    assert scores == {(IDS[i], name): i + j for i in range(5) for j, name in enumerate(SCORES)}
    assert dict(zip(batch.truths["arch_id"], batch.truths["value"], strict=True)) == {
        arch_id: 90.0 + i for i, arch_id in enumerate(IDS)
    }
    assert set(batch.truths["metric"]) == {"validation_accuracy"}


def test_measurements_of_one_cell_are_averaged(tmp_path: Path) -> None:
    """Two labellings of a cell are two rows; a failure among them is left out of the mean."""
    small = architectures.canonical("cell", {"adjacency": "010001000", "operations": "input,maxpool3x3,output"})
    entries = {key(small): values(1.0), key(small, dead=True): values(4.0) | {"synflow": float("nan")}}
    batch = read(released(tmp_path / "s.json", entries))
    assert set(batch.scores["arch_id"]) == {arch_id_of("nasbench101", "cell", small)}
    scores = dict(zip(batch.scores["proxy"], batch.scores["value"], strict=True))
    assert scores == {**{name: 2.5 + i for i, name in enumerate(SCORES)}, "synflow": 11.0}
    assert batch.truths["value"] == [92.5]


def test_failures_alone_stay_a_failure(tmp_path: Path) -> None:
    small = architectures.canonical("cell", {"adjacency": "010001000", "operations": "input,maxpool3x3,output"})
    entries = {key(small, dead): values(1.0) | {"snip": float("inf")} for dead in (False, True)}
    batch = read(released(tmp_path / "s.json", entries))
    reasons = dict(zip(batch.scores["proxy"], batch.scores["reason"], strict=True))
    assert reasons.pop("snip") == "the source says inf"
    assert set(reasons.values()) == {None}


@pytest.mark.parametrize(
    ("at", "code", "said"),
    [
        (49, 2, "the first vertex is 'maxpool3x3'"),
        (55, 0, "unknown operation|the last '0'"),
        (50, 1, "unknown operation '1'"),
        (50, 7, "holds the code 7; known are 0, 1, 2, 3, 4, 0=0, 6=1"),
        (0, 1, "the edge from vertex 0 to 0 does not lead forward"),
        (1, 2, "is not a square of 0 and 1"),
    ],
)
def test_a_code_in_a_place_where_it_means_nothing_is_refused(tmp_path: Path, at: int, code: int, said: str) -> None:
    codes = list(json.loads(key(CELLS[0]).replace("(", "[").replace(")", "]")))
    codes[at] = code
    batch = read(released(tmp_path / "s.json", {str(tuple(codes)): values(1.0)}))
    with pytest.raises(UserError, match=said):
        raise UserError(batch.rejects["reason"][0])


def test_repeated_rows_and_lists_of_seeds_exclude_each_other(tmp_path: Path) -> None:
    text = fixtures.MAPPING.replace('description = "made up"', 'description = "made up"\nrepeated = "mean"')
    path = fixtures.mapping(tmp_path / "r.toml", fixtures.ACCURACY + 'each = "seed"\n', text=text)
    with pytest.raises(UserError, match="'repeated' and 'each' exclude each other"):
        table_mapping.load(path)
