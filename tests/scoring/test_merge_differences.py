"""A merge compares what both lakes hold: equal, differing by rounding, or differing."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline.cli import application as cli
from pipeline.lake.schema import TABLES
from pipeline.lake.store import Lake
from pipeline.scoring import merge, merge_differences
from pipeline.scoring.merge_differences import TOLERANCE
from tests.fixtures import lakes
from tests.fixtures.lakes import OURS, SIZE, Row

RUN = "b" * 16


@pytest.fixture(autouse=True)
def no_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """To make a catalog takes longer than all of a merge, and no test here queries it."""
    monkeypatch.setattr("pipeline.catalog.ensure", lambda _: None)


def lake_of(root: Path, number: int = 4, change: Callable[[dict[str, list[Row]]], object] | None = None) -> Path:
    """A lake with scores and curves of a proxy that trains, and scores of one that does not."""
    for family, proxy, kind in (("toy", OURS, "trained"), ("size", SIZE, "zero-cost")):
        tables: dict[str, list[Row]] = {
            "runs": [lakes.run(run_id=RUN)],
            "proxies": [lakes.proxy(proxy, family, kind=kind)],
            "scores": [lakes.score(i, proxy, 10.0 + i, run_id=RUN) for i in range(number)],
            "curves": [lakes.curve(i, proxy, 0, "eval", [20.0, 10.0 + i]) for i in range(number) if kind == "trained"],
        }
        if change:
            change(tables)
        lakes.publish(root, f"score-{family}-{RUN}-00001", **tables)
    return root


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def every(value: Callable[[float], float | None], status: str = "ok") -> Callable[[dict[str, list[Row]]], None]:
    def change(tables: dict[str, list[Row]]) -> None:
        for row in tables["scores"]:
            row |= {"value": value(row["value"]), "status": status}

    return change


def of(table: str, column: str, value: object) -> Callable[[dict[str, list[Row]]], None]:
    def change(tables: dict[str, list[Row]]) -> None:
        for row in tables[table]:
            row[column] = value

    return change


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        (None, (8, 0, 0)),
        (every(lambda v: v), (8, 0, 0)),
        (every(lambda v: math.nextafter(v, 99)), (0, 8, 0)),
        (every(lambda v: v * (1 - TOLERANCE["other"] * 0.9)), (0, 8, 0)),
        (every(lambda v: v * (1 - TOLERANCE["other"] * 1.1)), (0, 4, 4)),
        (every(lambda v: v + 1000), (0, 0, 8)),
        (every(lambda v: -v), (0, 0, 8)),
        (every(lambda _: math.inf), (0, 0, 8)),
        (every(lambda _: math.nan), (0, 0, 8)),
        (every(lambda _: None, "failed"), (0, 0, 8)),
        (of("scores", "seconds", 9.0), (8, 0, 0)),
        (of("scores", "device", "Card 1"), (8, 0, 0)),
        (of("curves", "losses", [20.0, 10.5]), (8, 0, 4)),
        (of("curves", "iterations", [1, 3]), (8, 0, 4)),
        (of("proxies", "configuration", '{"other":1}'), (8, 0, 2)),
        (of("proxies", "higher_is_better", True), (8, 0, 2)),
        (of("proxies", "kind", None), (8, 0, 0)),
        (of("runs", "code_version", "9"), (8, 0, 2)),
        (of("runs", "status", "finished"), (8, 0, 0)),
    ],
)
def test_what_both_hold_is_equal_differs_by_rounding_or_differs(
    tmp_path: Path, change: Callable[[dict[str, list[Row]]], object] | None, counts: tuple[int, int, int]
) -> None:
    lake, other = lake_of(tmp_path / "lake"), lake_of(tmp_path / "other", change=change)
    before = files(lake)
    seen = merge.run(lake, other, keep_first=True).differences
    assert (seen.equal, seen.rounding, seen.differing) == counts
    assert len(seen.examples) == seen.differing
    if not seen.differing:
        assert merge.run(lake, other, keep_first=False).taken == 0
    else:
        with pytest.raises(merge.DifferingValuesError, match="--show-conflicts"):
            merge.run(lake, other, keep_first=False)
    assert [name for name in files(lake) if name.startswith("parts")] == [n for n in before if n.startswith("parts")]


def test_in_any_order_and_split_over_parts_each_is_compared_with_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge_differences, "_BYTES", 1)
    lake, other = tmp_path / "lake", tmp_path / "other"
    for number in range(5):
        lakes.publish(
            lake, f"score-toy-{RUN}-{number:05d}", scores=[lakes.score(number, OURS, 1.0 + number)],
            curves=[lakes.curve(number, OURS, stage, "train", [2.0, stage]) for stage in range(2)],
        )  # fmt: skip
    rows = [lakes.score(number, OURS, 1.0 + number) for number in (6, 3, 1, 4)]
    curves = [lakes.curve(number, OURS, stage, "train", [2.0, stage]) for stage in (1, 0) for number in (4, 3)]
    proxies = [lakes.proxy(OURS, "toy", kind="trained")]
    runs = [lakes.run()]
    lakes.publish(other, f"score-toy-{'c' * 16}-00001", runs=runs, proxies=proxies, scores=rows, curves=curves)
    assert (merge.run(lake, other, keep_first=False).taken, len(Lake(lake).read("scores", lakes.BENCHMARK))) == (1, 6)
    lakes.publish(other, f"score-toy-{'d' * 16}-00001", scores=[lakes.score(2, OURS, 99.0)])
    [one] = merge.run(lake, other).differences.examples
    assert (one.table, one.here, one.there) == ("scores", "ok 3.0", "ok 99.0")
    assert lakes.arch(2) in one.what


def test_a_seed_that_is_not_stated_is_a_value_of_the_key(tmp_path: Path) -> None:
    def change(tables: dict[str, list[Row]]) -> None:
        of("scores", "seed", None)(tables)
        of("curves", "seed", None)(tables)

    lake, other = lake_of(tmp_path / "lake", change=change), lake_of(tmp_path / "other", change=change)
    assert (merge.run(lake, other).taken, merge.run(lake, other).differences.equal) == (0, 8)


def test_lists_are_compared_row_by_row() -> None:
    a = pa.chunked_array([[[1.0, 2.0], [], [3.0]], [[math.nan], [4.0], [5.0, 6.0]]])
    b = pa.chunked_array([[[1.0, 2.0], [], [3.5], [math.nan], [4.0, 4.0], [5.0, 6.0]]])
    assert merge_differences._same_lists(a, b).tolist() == [True, True, False, True, False, True]


def test_the_command_lists_what_differs_and_stops_unless_it_keeps_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = lake_of(tmp_path / "lake")
    other = lake_of(tmp_path / "other", 5, lambda t: t["scores"][1].update(value=-1e6, status="ok"))

    def run(*options: str) -> tuple[Any, list[str], str]:
        try:
            cli.main(["merge", str(other), "--lake", str(lake), *options])
        except SystemExit as ended:
            said = capsys.readouterr()
            return ended.code, said.out.splitlines(), said.err.splitlines()[-1]
        raise AssertionError

    before = files(lake)
    code, out, line = run()
    assert (code, out) == (1, []) and files(lake) == before
    assert "2 values" in line and "ok 11.0 here, ok -1000000.0 there" in line and "--keep-first" in line
    code, out, line = run("--show-conflicts")
    assert code == 1 and files(lake) == before and len(out) == 3
    assert run("--show-conflicts", "--quiet") == (code, out, line)
    rows = sorted(" ".join(line.split()) for line in out[1:])
    assert rows == [f"scores toys {lakes.arch(1)} {proxy} 0 ok 11.0 ok -1000000.0" for proxy in (OURS, SIZE)]
    code, out, _ = run("--keep-first")
    assert code == 0 and out[0].startswith(f"{other}: 2 scores taken (8 stored before)")
    assert out[1] == "of the scores that are stored here, 6 are equal, 2 values differ"
    values = {r["value"] for r in Lake(lake).read("scores", lakes.BENCHMARK, columns=["value"]).to_pylist()}
    assert values == {10.0, 11.0, 12.0, 13.0, 14.0}


def test_what_is_listed_holds_no_control_characters_and_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge_differences, "EXAMPLES", 3)
    lake = lake_of(tmp_path / "lake")
    other = lake_of(tmp_path / "other", change=of("scores", "status", "\x1b[31mok\n" * 99))
    seen = merge.run(lake, other).differences
    assert (seen.differing, len(seen.examples)) == (8, 3)
    assert "\x1b" not in seen.listing and seen.listing.endswith("... and 5 more")
    assert max(map(len, seen.listing.splitlines())) < 400


def test_every_table_has_a_key_and_columns_to_compare() -> None:
    for name, table in TABLES.items():
        assert set(table.key) <= {column.name for column in table.columns}, name


def test_small_scores_of_trainings_differ_in_parts_of_one_and_others_in_parts_of_the_larger() -> None:
    a, b = np.array([0.9, 0.9, 4.0, np.inf]), np.array([0.2, 0.2, 3.0, 1.0])
    distance = merge_differences._distance(a, b, np.array([True, False, True, True]))
    assert distance == pytest.approx([0.7, 0.7 / 0.9, 0.25, np.inf])
