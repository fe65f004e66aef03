"""What is stored of the slow views: never another answer than the views give, whatever happens to the files."""

from __future__ import annotations

import os
import random
import shutil
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipeline import catalog
from pipeline.catalog import sql_files, stored_results
from pipeline.errors import UserError
from pipeline.lake.store import Lake
from pipeline.proxies import aggregates
from tests.fixtures import lakes
from tests.fixtures.lines import time_limit

COUNT = "SELECT count(*) AS n FROM correlations"
EVERY = [f"FROM {view}" for view in stored_results.stored_views()]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = lakes.made_up(tmp_path_factory.mktemp("lakes") / "it's a [lake]*")
    terms = [{"proxy": "regression-toy"}, {"proxy": "synflow@small"}]
    aggregates.store(lake, lakes.BENCHMARK, aggregates.Aggregate.model_validate({"name": "both", "terms": terms}))
    return lakes.publish(
        lake.root, "latency",
        metrics=[lakes.metric(metric="latency", priority=9, family="latency", higher_is_better=False)],
        truth=[lakes.truth(i, float(i % 7), metric="latency") for i in range(30)],
    )  # fmt: skip


@pytest.fixture(scope="module")
def answers(sound: Lake) -> dict[str, pa.Table]:
    """What the views themselves answer, of which something is stored or held."""
    with closing(catalog.snapshot(sound)) as connection:
        names = sorted({*stored_results.stored_views(), *stored_results.held_views()})
        return {name: catalog.rows(connection, f"FROM {name}") for name in names}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return lakes.made_up(tmp_path / "lake")


def ask(lake: Lake, sql: str) -> list[dict[str, Any]]:
    return catalog.run_sql(lake, sql).to_pylist()


def files(lake: Lake) -> list[Path]:
    return sorted((lake.root / stored_results.FOLDER).rglob("*.parquet"))


def publish(lake: Lake, part: str, **changes: Any) -> None:
    """One more score of ours; with a seed of its own, it is a row more of each of the two targets."""
    lakes.publish(lake.root, part, scores=[lakes.score(5, lakes.OURS, 1.0, **changes)])


@pytest.mark.parametrize("changed", ["macros", "tables", "seeds"])
def test_what_is_stored_is_of_the_macros_tables_and_seeds_that_made_it(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    ask(lake, COUNT)
    before, listed = files(lake), sql_files.queries
    [name, *_] = listed(changed)
    (tmp_path / f"{name}.sql").write_text("-- Changed.\n" + listed(changed)[name].read_text())
    if changed == "seeds":
        (tmp_path / f"{name}.csv").write_bytes(listed(changed)[name].with_suffix(".csv").read_bytes())
    other = {name: tmp_path / f"{name}.sql"}
    monkeypatch.setattr(sql_files, "queries", lambda kind: listed(kind) | (other if kind == changed else {}))
    ask(lake, COUNT)
    assert not set(before) & set(files(lake))


def in_order(table: pa.Table) -> list[str]:
    """Rows that compare equal where they differ in their order or in the last bits of a threaded sum alone."""
    rows = [{k: round(v, 9) if isinstance(v, float) else v for k, v in row.items()} for row in table.to_pylist()]
    return sorted(map(repr, rows))


@pytest.mark.parametrize("view", stored_results.stored_views())
def test_what_is_stored_is_what_the_view_returns(sound: Lake, answers: dict[str, pa.Table], view: str) -> None:
    live = answers[view]
    assert live.num_rows > 0
    for _ in range(2):  # computed and stored, then found
        stored = catalog.run_sql(sound, f"FROM {view}")
        assert stored.schema == live.schema
        assert in_order(stored) == in_order(live)
    assert [f.stem.rpartition("-")[0] for f in files(sound)].count(view) == 1


def test_what_is_stored_is_read_however_the_view_is_named(lake: Lake) -> None:
    ask(lake, COUNT)
    [file] = [f for f in files(lake) if f.stem.startswith("correlations-")]
    table = pq.read_table(file).slice(0, 3)
    file.unlink()
    pq.write_table(table, file)
    file.rename(file.with_stem(stored_results._stem("correlations", file)))
    assert ask(lake, COUNT) == [{"n": 3}]
    assert ask(lake, "WITH mine AS (FROM main.Correlations) SELECT count(*) AS n FROM mine") == [{"n": 3}]


@pytest.mark.parametrize("restore", [shutil.copyfile, shutil.copy2])
def test_nothing_of_a_damaged_part_is_answered_once_its_file_is_restored(
    lake: Lake, tmp_path: Path, restore: Callable[[Path, Path], object]
) -> None:
    sql = "SELECT proxy_id, seed, metric, n, rho FROM correlations ORDER BY ALL"
    [file, *_] = sorted((lake.parts / lakes.BENCHMARK).glob("*/truth.parquet"))
    backup = tmp_path / "backup"
    shutil.copy2(file, backup)
    rows = pq.read_table(file)
    at = rows.column_names.index("value")
    pq.write_table(rows.set_column(at, rows.field("value"), pc.negate(rows["value"])), file)
    damaged = ask(lake, sql)
    restore(backup, file)
    restored = ask(lake, sql)
    shutil.rmtree(lake.root / stored_results.FOLDER)
    assert restored == ask(lake, sql) != damaged


def test_a_new_part_changes_the_answer_at_once_and_removes_what_was_stored(lake: Lake) -> None:
    assert ask(lake, COUNT) == [{"n": 8}]
    before = files(lake)
    publish(lake, "more", seed=77)
    assert ask(lake, COUNT) == [{"n": 10}]
    assert len({f.parent for f in files(lake)}) == 1
    assert not set(before) & set(files(lake))


def test_a_part_deleted_by_hand_and_published_anew_is_another(lake: Lake) -> None:
    publish(lake, "more", seed=77)
    assert ask(lake, COUNT) == [{"n": 10}]
    shutil.rmtree(lake.parts / lakes.BENCHMARK / "more")
    publish(lake, "more", seed=0)
    assert ask(lake, COUNT) == [{"n": 8}]


def test_a_changed_view_is_not_answered_from_what_was_stored(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(lake, COUNT) == [{"n": 8}]
    changed = tmp_path / "correlations.sql"
    key = ("benchmark", "space", "dataset", "metric", "proxy_id", "proxy", "seed")
    needed = (*key, "epochs", "n", "n_failed", "n_no_truth")  # by other views
    others = ", ".join(f"0 AS {column}" for column in needed)
    changed.write_text(f"-- Changed.\n-- Stored: small\nSELECT {others}, 42 AS rho")
    listed = sql_files.queries
    monkeypatch.setattr(
        sql_files, "queries", lambda kind: listed(kind) | ({"correlations": changed} if kind == "views" else {})
    )
    assert ask(lake, "SELECT rho FROM correlations") == [{"rho": 42}]


def test_a_part_that_comes_while_a_view_is_computed_is_not_in_what_is_stored(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = stored_results._store

    def slow(connection: duckdb.DuckDBPyConnection, folder: Path, view: str) -> Any:
        publish(lake, f"meanwhile-{view}", seed=len(files(lake)) + 50)
        return store(connection, folder, view)

    monkeypatch.setattr(stored_results, "_store", slow)
    assert ask(lake, COUNT) == [{"n": 8}]
    monkeypatch.setattr(stored_results, "_store", store)
    added = len(list((lake.parts / lakes.BENCHMARK).glob("meanwhile-*")))
    assert added > 0 and ask(lake, COUNT) == [{"n": 8 + 2 * added}]


def bit(content: bytes) -> bytes:
    at = random.Random(1).randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("damage", [bit, lambda c: c[:-9], lambda c: b"", lambda c: bytes(len(c))])
def test_a_damaged_file_is_computed_again(lake: Lake, damage: Any) -> None:
    before = ask(lake, "SELECT proxy_id, seed, metric, n FROM correlations ORDER BY ALL")
    for file in files(lake):
        file.write_bytes(damage(file.read_bytes()))
    assert ask(lake, "SELECT proxy_id, seed, metric, n FROM correlations ORDER BY ALL") == before
    assert any(f.stem == stored_results._stem("correlations", f) for f in files(lake))


def test_a_file_that_goes_before_it_is_read_is_gone_without(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    provide = stored_results.provide

    def overtaken(*arguments: Any) -> Any:
        provided = provide(*arguments)
        shutil.rmtree(lake.root / stored_results.FOLDER)
        return provided

    monkeypatch.setattr(stored_results, "provide", overtaken)
    assert ask(lake, COUNT) == [{"n": 8}]


def test_a_lake_that_cannot_be_written_still_answers(lake: Lake) -> None:
    (lake.root / stored_results.FOLDER).write_text("in the way")
    assert ask(lake, COUNT) == [{"n": 8}]
    assert ask(lake, "SELECT count(*) AS n FROM correlations, targets") == [{"n": 16}]


def test_a_full_disk_still_answers_and_leaves_no_half_file(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stored_results, "_stem", full)
    assert ask(lake, COUNT) == [{"n": 8}]
    assert [p for p in (lake.root / stored_results.FOLDER).rglob("*") if p.is_file()] == []


@pytest.mark.parametrize(
    "sql",
    [
        "DESCRIBE correlations", "EXPLAIN FROM correlations", "-- pairs\nSHOW TABLES",
        "FROM scores -- not correlations", "FROM duckdb_views()",
    ],
)  # fmt: skip
def test_nothing_is_computed_for_a_statement_that_reads_no_row_of_a_slow_view(lake: Lake, sql: str) -> None:
    ask(lake, sql)
    assert files(lake) == []


def test_names_are_listed_once_after_something_was_stored(lake: Lake) -> None:
    with pytest.raises(UserError) as caught:
        ask(lake, "FROM correlations, quite_another_thing")
    assert str(caught.value).count("correlations,") == 1


def test_a_snapshot_keeps_what_was_stored_when_the_files_go(lake: Lake) -> None:
    with closing(catalog.snapshot(lake, stored_for=EVERY)) as connection:
        assert [f.stem.rpartition("-")[0] for f in files(lake)] == sorted(stored_results.small())
        shutil.rmtree(lake.root / stored_results.FOLDER)
        publish(lake, "more", seed=77)
        assert connection.execute(COUNT).fetchall() == [(8,)]


def test_a_snapshot_holds_what_several_views_read_and_answers_as_the_views_do(
    sound: Lake, answers: dict[str, pa.Table]
) -> None:
    with closing(catalog.snapshot(sound, stored_for=EVERY)) as held:
        tables = {name for (name,) in held.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall()}
        assert tables >= {*stored_results.small(), *stored_results.held_views()}
        for name, live in answers.items():
            assert in_order(catalog.rows(held, f"FROM {name}")) == in_order(live), name


def test_a_snapshot_stores_what_its_statements_read_by_way_of_other_views_and_no_more(lake: Lake) -> None:
    with closing(catalog.snapshot(lake, stored_for=["FROM seed_spread"])):  # which reads correlations
        assert {f.stem.rpartition("-")[0] for f in files(lake)} >= {"correlations", "targets"}
        assert not {f.stem.rpartition("-")[0] for f in files(lake)} & {"sibling_agreement", "best_of_k"}


def test_the_catalog_itself_keeps_the_views(lake: Lake) -> None:
    ask(lake, COUNT)
    shutil.rmtree(lake.root / stored_results.FOLDER)
    with duckdb.connect(lake.root / catalog.CATALOG, read_only=True) as connection:
        assert connection.execute(COUNT).fetchall() == [(8,)]


def test_answers_are_of_their_time_while_parts_are_published(lake: Lake) -> None:
    published, over, wrong = [0], threading.Event(), []

    def work() -> None:
        while not over.wait(0.02):  # several parts for each answer
            publish(lake, f"extra-{published[0]}", seed=100 + published[0])
            published[0] += 1

    def watch() -> None:
        for _ in range(3):
            least = 8 + 2 * published[0]
            [found] = ask(lake, COUNT)
            if not least <= found["n"] <= 8 + 2 * (published[0] + 1):
                wrong.append((least, found["n"], published[0]))

    worker, *watchers = threads = [threading.Thread(target=work), *(threading.Thread(target=watch) for _ in range(2))]
    for thread in threads:
        thread.start()
    for thread in watchers:
        thread.join()
    over.set()
    worker.join()
    assert published[0] > 0 and wrong == []
    assert ask(lake, COUNT) == [{"n": 8 + 2 * published[0]}]


def test_a_named_pipe_in_the_place_of_a_stored_result_keeps_nobody_waiting(lake: Lake) -> None:
    expected = ask(lake, COUNT)
    for file in files(lake):
        file.unlink()
        os.mkfifo(file)
    with time_limit(120):
        assert ask(lake, COUNT) == expected
