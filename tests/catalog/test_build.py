"""`duckdb` alone: queries/build.sql makes the catalog of a lake, and it answers as `pipeline query` does."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipeline import catalog
from pipeline.catalog import sql_files
from pipeline.lake.schema import TABLES
from pipeline.lake.store import Lake
from tests.fixtures import lakes

ROOT = Path(__file__).parents[2]
SHELL = Path(sys.executable).with_name("duckdb")
EXAMPLES = ["rho_of_each_proxy", "compare_sources", "failures_by_reason", "do_seeds_agree"]

pytestmark = pytest.mark.skipif(not SHELL.exists(), reason="no duckdb command line beside this Python")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return lakes.made_up(tmp_path_factory.mktemp("lakes") / "it's a [lake]*")


@pytest.fixture(scope="module")
def built(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog that the shell alone has built, from a working folder that has nothing but the queries."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "queries").symlink_to(ROOT / "queries")
    path = str(lake.root).replace("'", "''")
    shell(folder, "built.duckdb", f"SET VARIABLE lake = '{path}'", ".read queries/build.sql")
    assert sorted(p.name for p in folder.iterdir()) == ["built.duckdb", "queries"]
    return folder / "built.duckdb"


def shell(folder: Path, database: str, *commands: str) -> str:
    words = [word for command in commands for word in ("-c", command)]
    done = subprocess.run([SHELL, "-csv", database, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_built_file_has_every_macro_table_figure_and_view_with_a_comment(built: Path) -> None:
    with duckdb.connect(built, read_only=True) as connection:
        objects = connection.execute(
            "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal "
            "UNION ALL SELECT table_name, comment FROM duckdb_tables() "
            "UNION ALL SELECT function_name, comment FROM duckdb_functions() WHERE NOT internal"
        ).fetchall()
    comments = dict(objects)
    kinds = ("macros", "seeds", "tables", "views")
    assert set(comments) == {name for kind in kinds for name in catalog.queries(kind)}
    for kind in kinds:
        for name, sql in sql_files.texts(kind).items():
            assert comments[name] == catalog.head_comment(sql)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_built_file_answers_an_example_as_pipeline_query_does(lake: Lake, built: Path, name: str) -> None:
    sql = catalog.queries("examples")[name].read_text()
    rows = list(csv.DictReader(io.StringIO(shell(built.parent, built.name, sql))))
    expected = catalog.run_sql(lake, sql).to_pylist()
    assert len(rows) == len(expected) > 0
    for row, wanted in zip(rows, expected, strict=True):
        for column, value in wanted.items():
            if isinstance(value, float):
                assert float(row[column]) == pytest.approx(value)
            else:
                assert row[column] == ("NULL" if value is None else str(value))


def test_every_view_has_the_columns_that_the_catalog_has(lake: Lake, built: Path) -> None:
    sql = "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"
    with duckdb.connect(built, read_only=True) as connection:
        found = connection.execute(sql).fetchall()
    expected = [tuple(row.values()) for row in catalog.run_sql(lake, sql).to_pylist()]
    assert found == [row for row in expected if row[0] != "about"]


def test_without_a_lake_it_says_how_to_name_one(tmp_path: Path) -> None:
    (tmp_path / "queries").symlink_to(ROOT / "queries")
    command = [str(SHELL), "-c", ".read queries/build.sql"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "name the lake first" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["queries"]


def test_a_table_reads_the_columns_of_the_schema_from_the_parts_of_its_name() -> None:
    with duckdb.connect() as connection:
        for table in TABLES.values():
            sql = sql_files.queries("tables")[table.name].read_text()
            [read] = re.findall(r"FROM\s+read_parquet\(\s*([^)]*\)[^)]*)", sql)
            assert read.startswith(f"getvariable('lake') || '/parts/*/*/{table.name}.parquet',")
            assert "hive_partitioning = FALSE" in read
            [(tree,)] = connection.execute("SELECT json_serialize_sql($sql)", {"sql": sql}).fetchall()
            columns = json.loads(tree)["statements"][0]["node"]["select_list"]
            assert [c["alias"] or c["column_names"][-1] for c in columns] == [c.name for c in table.columns]
    assert set(sql_files.queries("tables")) == set(TABLES)


def test_views_come_after_what_they_read_and_read_what_there_is() -> None:
    views = sql_files.texts("views")
    order = sql_files.in_reading_order(views)
    assert sorted(order) == sorted(views)
    for position, name in enumerate(order):
        read = sql_files.tables_read(views[name])
        assert read <= {*TABLES, *sql_files.queries("seeds"), *order[:position]}, name


def test_no_name_of_a_with_clause_hides_a_table_or_view_that_the_build_must_see() -> None:
    views = sql_files.queries("views").items()
    names = {*TABLES, *sql_files.queries("seeds"), *(n for n, path in views if path.parent.name != "deprecated")}
    for name, sql in sql_files.texts("views").items():
        assert not set(re.findall(r"^(?:WITH )?(\w+) AS (?:MATERIALIZED )?\($", sql, re.MULTILINE)) & names, name
