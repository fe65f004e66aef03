"""What is stored is found in parts and index alike, and an index that cannot be right is left aside."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.lake import score_index as stored
from pipeline.lake.score_index import ScoreIndex
from pipeline.lake.store import Lake
from tests.fixtures import lakes
from tests.fixtures.lakes import arch

PREFIX = "score-family-"
PROXIES = ("p" * 16, "q" * 16)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "FEW", 3)


def publish(lake: Path, number: int, archs: Iterable[int], proxy_id: str = PROXIES[0], **changes: object) -> None:
    lakes.publish(lake, f"{PREFIX}{number:05d}", scores=[lakes.score(a, proxy_id, 1.0, **changes) for a in archs])


def looked(lake: Path, count: int = 100) -> ScoreIndex:
    found = Lake(lake, create=True)
    return ScoreIndex(found, lakes.BENCHMARK, PREFIX, lakes.SPACE, 0, [arch(i) for i in range(count)], PROXIES)


def index(lake: Path) -> Path:
    return lake / "keys" / lakes.BENCHMARK / f"{PREFIX}.parquet"


def many(lake: Path) -> None:
    """One architecture a part, more parts than are read one by one; beside them scores of other things."""
    for number in range(stored.FEW + 1):
        publish(lake, number, [number])
    publish(lake, 98, [70], space="another")
    publish(lake, 99, [71], seed=1)
    lakes.publish(lake, "score-another-family-0", scores=[lakes.score(72, PROXIES[0], 1.0)])


def test_few_parts_are_read_and_leave_no_index(lake: Path) -> None:
    publish(lake, 0, [1, 2, 3])
    publish(lake, 1, [3, 4], PROXIES[1])
    found = looked(lake, 5)
    assert found.count == 5 and not index(lake).exists()
    assert found.incomplete() == [arch(i) for i in (0, 1, 2, 4)]
    assert found.missing(arch(0)) == PROXIES and found.missing(arch(1)) == PROXIES[1:] and found.missing(arch(3)) == ()
    assert found.has(arch(4), PROXIES[1]) and not found.has(arch(4), PROXIES[0])


def test_a_score_without_a_seed_is_nobodys(lake: Path) -> None:
    publish(lake, 0, [1, 2], seed=None)
    publish(lake, 1, [3])
    found = looked(lake, 5)
    assert found.count == 1 and found.has(arch(3), PROXIES[0])


def test_an_empty_lake_and_no_architectures(lake: Path) -> None:
    assert looked(lake, 3).count == 0
    assert looked(lake, 0).incomplete() == []


def test_the_keys_of_many_parts_are_kept_and_the_parts_not_opened_again(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(lake)
    assert looked(lake).count == stored.FEW + 1
    assert pq.ParquetFile(index(lake)).metadata.num_rows == stored.FEW + 3
    publish(lake, 50, [50, 51])
    opened: list[str] = []
    read = ScoreIndex._read
    monkeypatch.setattr(ScoreIndex, "_read", lambda self, names, *_: read(self, opened.extend(names) or opened))  # type: ignore[func-returns-value]
    found = looked(lake)
    assert found.count == stored.FEW + 3 and opened == [f"{PREFIX}00050"]


def test_what_others_publish_is_seen_and_what_this_run_published_not_read_again(lake: Path) -> None:
    found = looked(lake)
    publish(lake, 0, [1])
    found.refresh()
    assert found.count == 1
    found.add(f"{PREFIX}00001", [(arch(2), PROXIES[1])])
    publish(lake, 1, [9])
    found.refresh_if_changed()
    assert found.count == 2 and found.has(arch(2), PROXIES[1]) and not found.has(arch(9), PROXIES[0])
    publish(lake, 2, [3])
    found.refresh_if_changed()
    assert found.count == 3 and found.has(arch(3), PROXIES[0])


@pytest.mark.parametrize("harm", ["damaged", "cut", "of a part that is gone", "of another form"])
def test_an_index_that_cannot_be_right_is_made_again(lake: Path, harm: str) -> None:
    many(lake)
    looked(lake)
    whole = index(lake).read_bytes()
    if harm == "damaged":
        index(lake).write_bytes(b"PAR1 no parquet PAR1")
    if harm == "cut":
        index(lake).write_bytes(whole[: len(whole) // 2])
    if harm == "of a part that is gone":
        gone = lake / "parts" / lakes.BENCHMARK / f"{PREFIX}00002"
        gone.rename(lake / "gone")
    if harm == "of another form":
        table = pq.read_table(index(lake)).drop_columns("seed")
        pq.write_table(table.replace_schema_metadata({"parts": json.dumps([])}), index(lake))
    assert looked(lake).count == stored.FEW + (harm != "of a part that is gone")
    assert index(lake).read_bytes() == whole or harm == "of a part that is gone"


def test_where_no_index_can_be_written_the_parts_are_read(lake: Path) -> None:
    many(lake)
    (lake / "keys").write_text("in the way")
    assert looked(lake).count == stored.FEW + 1
