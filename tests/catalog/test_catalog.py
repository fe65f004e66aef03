"""The catalog: what it shows, what it refuses, and that it is there whenever somebody looks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from pipeline import catalog
from pipeline.catalog import sql_files
from pipeline.errors import UserError
from pipeline.lake.schema import TABLES
from pipeline.lake.store import Lake
from tests.fixtures import lakes
from tests.fixtures.lines import refused as refused_line

SHELL = Path(sys.executable).with_name("duckdb")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return lakes.made_up(tmp_path_factory.mktemp("lakes") / "it's a [lake]*")


def ask(lake: Lake, sql: str, **params: Any) -> list[dict[str, Any]]:
    return catalog.run_sql(lake, sql, params).to_pylist()


def full_disk(*_: Any, **__: Any) -> None:
    raise OSError(28, "No space left on device")


def refused(lake: Lake, sql: str, **params: Any) -> str:
    with pytest.raises(UserError) as caught:
        catalog.run_sql(lake, sql, params)
    message = str(caught.value)
    assert "\n" not in message and "LINE 1" not in message
    return message


def test_every_table_and_view_can_be_asked(lake: Lake) -> None:
    names = {row["name"] for row in ask(lake, "SHOW TABLES")}
    assert names == {*TABLES, *catalog.queries("views"), *catalog.queries("seeds"), "about"}
    with closing(catalog.snapshot(lake, stored_for=[f"FROM {name}" for name in names])) as connection:
        for name in names:
            catalog.rows(connection, f"FROM {name}")


def test_columns_and_comments_are_those_of_the_schema(lake: Lake) -> None:
    for table in TABLES.values():
        sql = "SELECT column_name AS name, comment FROM duckdb_columns() WHERE table_name = $table"
        found = {row["name"]: row["comment"] for row in ask(lake, sql, table=table.name)}
        assert found == {column.name: column.comment for column in table.columns}
    comments = {row["view_name"]: row["comment"] for row in ask(lake, "FROM duckdb_views() WHERE NOT internal")}
    assert all(comments.values())
    assert comments["scores"].startswith(TABLES["scores"].comment)


def test_what_parts_say_twice_shows_once(lake: Lake) -> None:
    assert ask(lake, "SELECT count(*) AS n FROM architectures") == [{"n": 30}]
    [merged] = ask(lake, "FROM architectures WHERE arch_id = $arch", arch=lakes.arch(7))
    assert merged["native_id"] == "7" and json.loads(merged["spec"]) == {"cells": 7}
    assert [r["status"] for r in ask(lake, "FROM runs")] == ["finished"]
    assert len(ask(lake, "FROM proxies")) == 4


def test_a_part_shows_as_soon_as_it_is_published(tmp_path: Path) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    catalog.refresh(lake)
    before = (lake.root / catalog.CATALOG).stat().st_ino
    lakes.publish(lake.root, "more", scores=[lakes.score(5, lakes.OURS, 1.0, seed=77)])
    assert ask(lake, "SELECT arch_id FROM scores WHERE seed = 77") == [{"arch_id": lakes.arch(5)}]
    assert (lake.root / catalog.CATALOG).stat().st_ino == before


def test_a_moved_lake_gets_a_new_catalog(tmp_path: Path) -> None:
    lake = lakes.made_up(tmp_path / "here")
    catalog.refresh(lake)
    shutil.move(lake.root, tmp_path / "there")
    moved = Lake(tmp_path / "there")
    assert ask(moved, "SELECT count(*) AS n FROM architectures") == [{"n": 30}]
    assert ask(moved, "SELECT lake FROM about") == [{"lake": str(tmp_path / "there")}]


@pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to be read as one" * 200])
def test_a_damaged_catalog_is_made_again(tmp_path: Path, content: Any) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    (lake.root / catalog.CATALOG).write_bytes(content)
    assert ask(lake, "SELECT count(*) AS n FROM scores") == [{"n": 117}]


def test_a_catalog_of_other_views_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    catalog.refresh(lake)
    (tmp_path / "extra.sql").write_text("-- One more.\nSELECT 42 AS answer")
    listed, more = sql_files.queries, {"extra": tmp_path / "extra.sql"}
    monkeypatch.setattr(sql_files, "queries", lambda kind: listed(kind) | (more if kind == "views" else {}))
    assert ask(lake, "FROM extra") == [{"answer": 42}]


def test_where_the_catalog_cannot_be_written_the_lake_can_still_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    monkeypatch.setattr(Path, "mkdir", full_disk)
    assert ask(lake, "SELECT count(*) AS n FROM scores") == [{"n": 117}]
    assert not (lake.root / catalog.CATALOG).exists()


def test_a_catalog_that_somebody_holds_open_for_writing_is_gone_around(tmp_path: Path) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    catalog.refresh(lake)
    holder = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", holder, str(lake.root / catalog.CATALOG)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout and process.stdout.readline() == b"open\n"
        assert ask(lake, "SELECT count(*) AS n FROM scores") == [{"n": 117}]
        process.stdin.close()


def test_an_empty_lake_has_every_view_and_no_row(tmp_path: Path) -> None:
    lake = lakes.empty(tmp_path / "lake")
    names = [*TABLES, *catalog.queries("views"), *catalog.queries("seeds")]
    with closing(catalog.snapshot(lake, stored_for=[f"FROM {name}" for name in names])) as connection:
        for name in names:
            about_papers = name in ("published", "replications")
            assert bool(catalog.rows(connection, f"FROM {name}").num_rows) == about_papers


def test_the_plain_shell_opens_it_from_anywhere_while_parts_are_published(lake: Lake, tmp_path: Path) -> None:
    if not SHELL.exists():
        pytest.skip("no duckdb command line beside this Python")
    busy = lakes.made_up(tmp_path / "lake")
    catalog.refresh(busy)
    over = threading.Event()

    def publish() -> None:
        number = 0
        while not over.is_set():
            lakes.publish(busy.root, f"extra-{number}", scores=[lakes.score(5, lakes.OURS, 1.0, seed=100 + number)])
            number += 1

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        for view in ["scores", "correlations", "rho_by_iteration", "proxy_labels"]:
            sql = f"SELECT count(*) > 0 AS some FROM {view}"
            command = [str(SHELL), "-readonly", "-csv", str(busy.root / catalog.CATALOG), sql]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert (done.stdout, done.stderr) == ("some\ntrue\n", "")
    finally:
        over.set()
        publisher.join()


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{parts}/x.csv'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{parts}/x.csv'",
        "explain analyze /* sly */ COPY (SELECT 1) TO '{parts}/x.csv'",
        "EXPLAIN (FORMAT json) COPY (SELECT 1) TO '{parts}/x.csv'",
        "ATTACH '{parts}/x.csv' AS other",
        "EXPORT DATABASE '{parts}/x.csv'",
        "INSERT INTO scores SELECT * FROM scores",
        "CREATE TABLE mine AS SELECT 1",
        "DROP VIEW scores",
        "SET threads = 1",
        "PRAGMA database_list",
        "INSTALL httpfs",
        "CALL pragma_version()",
        "PREPARE p AS SELECT 1",
    ],
)
def test_whatever_does_not_only_read_is_refused(lake: Lake, sql: str) -> None:
    ask(lake, "SELECT 1")  # makes the catalog
    before = sorted(lake.root.rglob("*"))
    assert "refused" in refused(lake, sql.format(parts=str(lake.parts).replace("'", "''")))
    assert sorted(lake.root.rglob("*")) == before


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 AS a", "WITH x AS (SELECT 1 AS a) FROM x", "VALUES (1)", "DESCRIBE scores", "SHOW TABLES",
        "SUMMARIZE truth", "EXPLAIN SELECT 1", "EXPLAIN ANALYZE SELECT count(*) FROM scores", "TABLE runs",
        "-- why\nSELECT 1 AS a;",
    ],
)  # fmt: skip
def test_whatever_only_reads_is_answered(lake: Lake, sql: str) -> None:
    assert catalog.run_sql(lake, sql).num_rows > 0


@pytest.mark.parametrize("function", ["read_text", "read_csv", "read_parquet", "glob"])
def test_no_file_outside_the_parts_can_be_read(lake: Lake, tmp_path: Path, function: str) -> None:
    outside = tmp_path / "secret.parquet"
    pq.write_table(catalog.run_sql(lake, "SELECT 'secret' AS a"), outside)
    assert "the lake's own parts and nothing else" in refused(lake, f"FROM {function}('{outside}')")
    marker = str(lake.root / "lake.json").replace("'", "''").replace("[", "[[]").replace("*", "[*]")
    assert "nothing else" in refused(lake, f"FROM read_text('{marker}')")


def test_no_connection_that_is_handed_out_can_be_opened_to_other_files(lake: Lake) -> None:
    with catalog.connect(lake) as current, catalog.snapshot(lake) as then:
        for connection in (current, then):
            with pytest.raises(duckdb.Error, match="configuration has been locked"):
                connection.execute("SET allowed_directories = ['/']")


def test_variables_of_the_program_are_no_tables(lake: Lake) -> None:
    assert "unknown table or view 'sql'" in refused(lake, "FROM sql")


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT arch FROM scores", '"arch_id"'),
        ("SELECT s.valeu FROM scores s", "unknown column 'valeu': did you mean value"),
        ("FROM scors", "unknown table or view 'scors': did you mean scores"),
        ("FROM proxies WHERE name = generic", "; a text is written in single quotes"),
        ('FROM proxies WHERE name IN ("a-b")', "; a text is written in single quotes"),
        ("FROM quite_another_thing", "known are about, adopted, aggregate_scores, aggregate_terms, architectures"),
        ("SELECT avrg(value) FROM scores", "avrg does not exist! Did you mean"),
        ("SELEC 1", 'cannot be parsed: syntax error at or near "SELEC"'),
        ("SELECT 1; SELECT 2", "one statement at a time"),
        ("", "one statement at a time"),
        ("PIVOT scores ON seed", "PIVOT without IN"),
        ("SELECT 'a'::INT", "Could not convert string 'a'"),
        ("FROM sqlite_scan('a', 'b')", "sqlite_scan is of DuckDB's extension sqlite_scanner, which no query loads"),
        ("SELECT '::1'::INET", "INET is of DuckDB's extension inet, which no query loads"),
    ],
)
def test_an_error_is_one_line_that_helps(lake: Lake, sql: str, told: str) -> None:
    assert told in refused(lake, sql)


def test_parameters_must_be_those_of_the_query(lake: Lake) -> None:
    sql = "SELECT count(*) AS n FROM scores WHERE status = $status AND seed = $seed"
    assert ask(lake, sql, status="ok", seed="1") == [{"n": 27}]
    assert "give --param seed=VALUE" in refused(lake, sql, status="ok")
    assert "unknown parameter 'sed': did you mean seed" in refused(lake, sql, status="ok", seed="1", sed="1")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7), ("-7", -7), ("1.5", 1.5), (".5", 0.5), ("1e-3", 0.001), ("true", True), ("False", False),
        ("null", None), ("abc", "abc"), ("", ""), ('"7"', "7"), ("nan", "nan"), ("1_000", "1_000"), ("0x10", "0x10"),
        ("1234567890123456", "1234567890123456"), ("12345678901234e5", "12345678901234e5"),
        ("2024-01-01", "2024-01-01"), ("9223372036854775807", 2**63 - 1), ("9" * 38, 10**38 - 1), ("1e-400", 0.0),
    ],
)  # fmt: skip
def test_parameters_have_the_type_they_look_like(text: str, value: float | bool | str | None) -> None:
    found = catalog.typed(text)
    assert (found, type(found)) == (value, type(value))


def test_an_export_stands_alone(lake: Lake, tmp_path: Path) -> None:
    file = catalog.export(lake, tmp_path / "all.duckdb")
    moved = tmp_path / "elsewhere" / "all.duckdb"
    moved.parent.mkdir()
    file.rename(moved)
    with duckdb.connect(moved, read_only=True) as connection:
        tables = {n for (n,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        assert tables == {*TABLES, *catalog.queries("seeds")}
        there = connection.execute("FROM correlations ORDER BY ALL").fetchall()
        comment = connection.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'truth'").fetchall()
    here = [tuple(row.values()) for row in ask(lake, "FROM correlations ORDER BY ALL")]
    assert [r[:-1] for r in there] == [r[:-1] for r in here]
    assert [r[-1] for r in there] == pytest.approx([r[-1] for r in here], abs=1e-12)
    assert comment[0][0].startswith(TABLES["truth"].comment)
    if SHELL.exists():
        command = [str(SHELL), "-readonly", "-csv", str(moved), "SELECT count(*) AS n FROM scores"]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "n\n117\n"


def test_an_export_replaces_an_earlier_one_and_nothing_else(lake: Lake, tmp_path: Path) -> None:
    file = tmp_path / "all.duckdb"
    first = catalog.export(lake, file).stat().st_ino
    assert catalog.export(lake, file).stat().st_ino != first
    notes = tmp_path / "notes.txt"
    notes.write_text("mine")
    other = tmp_path / "other.duckdb"
    with duckdb.connect(other) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS a")
    for taken in (notes, other, tmp_path):
        before = taken.read_bytes() if taken.is_file() else None
        with pytest.raises(UserError, match="not an earlier export"):
            catalog.export(lake, taken)
        assert before == (taken.read_bytes() if taken.is_file() else None)
    with pytest.raises(UserError, match="no folder"):
        catalog.export(lake, tmp_path / "missing" / "all.duckdb")
    with pytest.raises(UserError, match="inside the lake"):
        catalog.export(lake, lake.root / catalog.CATALOG)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["all.duckdb", "notes.txt", "other.duckdb"]


def left_open(file: Path) -> None:
    """Write to a database as a program does that is killed before DuckDB has put it into the file."""
    program = (
        "import duckdb, os, sys; connection = duckdb.connect(sys.argv[1])\n"
        "connection.execute('CREATE VIEW v AS SELECT 1'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program, str(file)], check=True)
    assert file.with_name(f"{file.name}.wal").is_file()


@pytest.mark.parametrize("force", [False, True])
def test_an_export_beside_what_a_killed_program_left_of_its_database_is_refused(
    lake: Lake, tmp_path: Path, force: bool
) -> None:
    file = catalog.export(lake, tmp_path / "all.duckdb")
    left_open(file)
    for there in (True, False):
        with refused_line("all.duckdb.wal is there", "open and close it once, or remove all.duckdb.wal"):
            catalog.export(lake, file, force=force)
        if there:
            duckdb.connect(file, read_only=True).close()  # neither is changed
            file.unlink()


def test_the_catalog_takes_no_log_of_the_one_that_it_replaces(tmp_path: Path) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    catalog.refresh(lake)
    left_open(lake.root / catalog.CATALOG)
    catalog.refresh(lake)
    with duckdb.connect(lake.root / catalog.CATALOG, read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM scores").fetchall() == [(117,)]


def test_a_snapshot_does_not_see_what_is_published_later(tmp_path: Path) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    with catalog.snapshot(lake) as connection:
        lakes.publish(lake.root, "more", scores=[lakes.score(5, lakes.OURS, 1.0, seed=77)])
        assert connection.execute("SELECT count(*) FROM scores").fetchall() == [(117,)]
    assert ask(lake, "SELECT count(*) AS n FROM scores") == [{"n": 118}]


def test_a_full_disk_is_told_and_leaves_the_catalog_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    catalog.refresh(lake)
    before = sorted(lake.root.rglob("*"))
    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(UserError, match="no space left while writing"):
        catalog.refresh(lake)
    assert sorted(lake.root.rglob("*")) == before


def test_an_export_that_does_not_fit_is_told_and_leaves_the_earlier_one(tmp_path: Path) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    file = catalog.export(lake, tmp_path / "all.duckdb")
    before = file.read_bytes()
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from pipeline import catalog, errors; from pipeline.lake.store import Lake\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: catalog.export(Lake(Path(sys.argv[1])), Path(sys.argv[2]))\n"
        "except errors.UserError as error: print(error)"
    )
    command = [sys.executable, "-c", program, str(lake.root), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{file} cannot be written: File too large; free some space or choose another place\n"
    assert file.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["all.duckdb", "lake"]
