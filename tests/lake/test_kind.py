"""The kind of a proxy, and lakes of the version before, whose parts do not state it."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline import catalog
from pipeline.lake.store import Lake
from pipeline.scoring import merge
from tests.fixtures import lakes
from tests.fixtures.lakes import OURS, RELEASED, SIZE

SUM = "7" * 16
PROXIES = [
    lakes.proxy(OURS, "regression-toy", {"iterations": 50}),
    lakes.proxy(SIZE, "params"),
    lakes.proxy(RELEASED, "params@them"),
    lakes.proxy(SUM, "aggregate-toy", {"terms": [{"proxy": "params"}]}),
]
KINDS = {OURS: "trained", SIZE: "zero-cost", RELEASED: "released", SUM: "aggregate"}


@pytest.fixture
def old(tmp_path: Path) -> Lake:
    """A lake none of whose parts has the column."""
    scores = [lakes.score(i, OURS, 1.0 + i) for i in range(5)]
    architectures = [lakes.architecture(i) for i in range(5)]
    part = f"score-{OURS}-{'b' * 16}-00001"
    lake = lakes.publish(
        tmp_path / "old", part, runs=[lakes.run()], proxies=PROXIES, scores=scores, architectures=architectures
    )
    for file in lake.parts.rglob("proxies.parquet"):
        pq.write_table(pq.read_table(file).drop_columns(["kind"]), file)
    return Lake(lake.root)


def kinds(lake: Lake) -> list[tuple[str, str]]:
    with catalog.connect(lake) as connection:
        rows = catalog.rows(connection, "FROM proxies").to_pylist()
    return sorted((row["proxy_id"], row["kind"]) for row in rows)


def test_parts_that_do_not_state_it_are_read_with_the_kind_derived(old: Lake, tmp_path: Path) -> None:
    assert kinds(old) == sorted(KINDS.items())
    assert old.read("proxies", lakes.BENCHMARK)["kind"].null_count == len(PROXIES)
    assert not [name for name, rows in catalog.checks(old) if rows.num_rows]
    assert catalog.export(old, tmp_path / "file.duckdb").is_file()


def test_a_row_without_it_and_a_row_with_it_are_one_proxy(old: Lake) -> None:
    stated = [{**proxy, "kind": KINDS[proxy["proxy_id"]]} for proxy in PROXIES]
    lakes.publish(old.root, "another", proxies=stated)
    assert kinds(old) == sorted(KINDS.items())


def test_a_merge_takes_parts_without_a_kind_and_states_it(old: Lake, lake: Path) -> None:
    assert merge.run(lake, old.root).taken == 5
    assert kinds(Lake(lake)) == sorted(KINDS.items())


def test_a_kind_that_no_proxy_has_is_reported(old: Lake) -> None:
    lakes.publish(old.root, "another", proxies=[lakes.proxy("8" * 16, "odd", kind="trainde")])
    assert [name for name, rows in catalog.checks(old) if rows.num_rows] == ["unknown_statuses"]
