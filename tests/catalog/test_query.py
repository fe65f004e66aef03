"""What the query verb writes."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import catalog
from pipeline.catalog import query
from pipeline.errors import UserError
from pipeline.lake import parquet_files
from pipeline.lake.store import Lake
from tests.fixtures import lakes
from tests.fixtures.lines import refused

SQL = "SELECT arch_id, seed, value, status FROM scores WHERE proxy_id = $proxy ORDER BY arch_id, seed"
PARAMS = {"proxy": lakes.OURS}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return lakes.made_up(tmp_path_factory.mktemp("lake") / "lake")


def test_a_table_is_aligned_and_says_what_it_leaves_out() -> None:
    table = pa.table({"name": ["a", "bcd", None], "x": [1.0, None, 1234567.25], "n": [1, 22, 333]})
    assert query.format_table(table).splitlines() == [
        "name            x    n",
        "────  ───────────  ───",
        "a               1    1",
        "bcd             -   22",
        "-     1.23457e+06  333",
    ]
    left_out = [query.format_table(table, limit=limit).splitlines()[-1] for limit in (2, 1)]
    assert left_out[0] == "... 1 more row: add LIMIT, or take all with --format csv"
    assert left_out[1].startswith("... 2 more rows: ")


def test_a_table_without_rows_or_with_long_cells_is_still_a_table() -> None:
    assert query.format_table(pa.table({"a": pa.array([], pa.int64())})) == "a\n─\n"
    assert query.format_table(pa.table({"a": ["x\ny"], "b": ["z"]})).splitlines()[2:] == ["x  z", "y"]


def test_csv_keeps_every_digit_and_tells_null_from_nothing_else(
    lake: Lake, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert query.run(lake.root, SQL, PARAMS, "csv") == 57
    rows = list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode())))
    stored = catalog.run_sql(lake, SQL, PARAMS).to_pylist()
    assert [None if r["value"] == "" else float(r["value"]) for r in rows] == [r["value"] for r in stored]
    assert rows[0]["status"] == "diverged"


def test_csv_of_times_lists_and_truth_values() -> None:
    table = pa.table({"t": pa.array([0], pa.timestamp("us", tz="UTC")), "l": [[1.5, float("nan")]], "b": [True]})
    assert query.format_csv(table) == 't,l,b\n1970-01-01T00:00:00+00:00,"[1.5, null]",true\n'


def test_times_are_told_in_utc_wherever_they_are_from() -> None:
    stored = pa.array([0, None], pa.timestamp("us", tz="Europe/Berlin"))
    assert query.format_table(pa.table({"t": stored})).splitlines()[2:] == ["1970-01-01 00:00:00+00:00", "-"]
    assert json.loads(query.format_json(pa.table({"t": stored})))[0] == {"t": "1970-01-01T00:00:00+00:00"}


def test_a_table_has_no_expressions_of_python_in_lists(lake: Lake) -> None:
    sql = "SELECT [1.50] AS d, {'t': TIMESTAMP '2026-01-01', 'n': NULL, 'x': 'é'} AS s, ['nan'::DOUBLE] AS n, [1 < 2] b"
    table = catalog.run_sql(lake, sql)
    (row,) = query.format_table(table).splitlines()[2:]
    assert row.split("  ") == ["[1.5]", '{"t": "2026-01-01T00:00:00", "n": null, "x": "é"}', "[NaN]", "[true]"]


def test_rows_become_objects_of_python_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"a": [*range(5)], "b": [[1.5], None, [], [2.0], [3.0]]})
    whole, columns = query.format_csv(table), query._columns
    lengths: list[int] = []

    def noted(piece: pa.Table) -> list[list[Any]]:
        lengths.append(piece.num_rows)
        return columns(piece)

    monkeypatch.setattr(query, "_CONVERTED", 2)
    monkeypatch.setattr(query, "_columns", noted)
    assert query.format_csv(table) == whole and lengths == [2, 2, 1]
    assert query.format_json(table) == json.dumps(table.to_pylist(), indent=1) + "\n" and len(lengths) == 6
    assert query.format_json(table.slice(5)) == "[]\n"


ODD = {  # values of DuckDB that Arrow, Python or CSV has no form for, and how they are written
    "INTERVAL '1 year 3 days 4 hours'": "1 year 3 days 04:00:00",
    "'\\xAA\\x00h'::BLOB": "\\xAA\\x00h",
    "340282366920938463463374607431768211455::UHUGEINT": "340282366920938463463374607431768211455",
    "12345678901234567890123456789012345678901234567890::BIGNUM": "12345678901234567890123456789012345678901234567890",
    "'0101'::BIT": "0101",
    "TIMETZ '12:34:56+02'": "12:34:56+02",
    "TIME '24:00:00'": "24:00:00",
    "TIME_NS '12:34:56.123456789'": "12:34:56.123456789",
    "union_value(number := 2)": "2",
    "row(1, 2)": "(1, 2)",
    "[INTERVAL 1 DAY]": '["1 day"]',
    "{'a': NULL, 'z': 'x'::BLOB}": '{"a": null, "z": "x"}',
    "MAP {'k': [NULL, 1]}": '[["k", [null, 1]]]',
    "[1, 2]::INTEGER[2]": "[1, 2]",
    "'y'::ENUM ('x', 'y')": "y",
    "9007199254740993": "9007199254740993",
    "170141183460469231731687303715884105727::HUGEINT": "170141183460469231731687303715884105727",
}
INSTANTS = {
    "'infinity'::TIMESTAMP": "infinity",
    "'-infinity'::DATE": "-infinity",
    "DATE '0044-03-15 (BC)'": "0044-03-15 (BC)",
    "TIMESTAMP '290000-01-01 00:00:00'": "290000-01-01 00:00:00",
    "[TIMESTAMP '2020-01-01', 'infinity']": '["2020-01-01 00:00:00", "infinity"]',
}


@pytest.mark.parametrize("values", [ODD, INSTANTS], ids=["types", "instants"])
def test_odd_values_are_written_as_duckdb_writes_them(
    lake: Lake, values: dict[str, str], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    sql = "SELECT " + ", ".join(f"{value} AS c{number}" for number, value in enumerate(values))
    query.run(lake.root, sql, {}, "csv")
    (row,) = csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode()))
    assert dict(zip(values, row.values(), strict=True)) == values
    query.run(lake.root, sql, {}, "json")
    (row,) = json.loads(capfdbinary.readouterr().out)
    texts = [value if isinstance(value, str) else json.dumps(value) for value in row.values()]
    assert dict(zip(values, texts, strict=True)) == values
    query.run(lake.root, sql, {}, "table")
    assert b"b'" not in capfdbinary.readouterr().out
    query.run(lake.root, sql, {}, "parquet", tmp_path / "odd.parquet")
    assert pq.read_table(tmp_path / "odd.parquet").num_columns == len(values)


@pytest.mark.parametrize(
    "explain", ["/* a */ -- b\n EXPLAIN", " -- a\nEXPLAIN /* b */ ANALYZE --\n", "explain(FORMAT json)"]
)
def test_comments_do_not_hide_what_is_explained(lake: Lake, explain: str) -> None:
    assert catalog.run_sql(lake, f"{explain} SELECT 1").num_rows
    with pytest.raises(UserError, match="DROP is refused"):
        catalog.run_sql(lake, f"/* EXPLAIN SELECT 1 */ {explain} DROP VIEW scores")


def test_json_is_json_even_where_numbers_are_not() -> None:
    table = pa.table({"x": [1.5, float("nan"), float("inf"), None], "l": [[1], [], None, [2]]})
    assert json.loads(query.format_json(table)) == [
        {"x": 1.5, "l": [1]}, {"x": None, "l": []}, {"x": None, "l": None}, {"x": None, "l": [2]},
    ]  # fmt: skip


def test_json_of_a_map_has_no_numbers_that_json_lacks(lake: Lake) -> None:
    table = catalog.run_sql(lake, "SELECT MAP {'k': 'nan'::DOUBLE, 'l': 1.0} AS m")
    assert json.loads(query.format_json(table)) == [{"m": [["k", None], ["l", 1.0]]}]
    assert query.format_csv(table) == 'm\n"[[""k"", null], [""l"", 1.0]]"\n'


def test_sums_and_decimals_are_numbers_in_json_and_stand_on_the_right(lake: Lake) -> None:
    sql = "SELECT sum(n) AS s, sum(n)::DECIMAL(9, 2) / 8 AS d, [0.5] AS l FROM (VALUES (10), (2)) t(n)"
    table = catalog.run_sql(lake, sql)
    assert json.loads(query.format_json(table)) == [{"s": 12, "d": 1.5, "l": [0.5]}]
    assert query.format_csv(table).splitlines()[1].endswith(",[0.5]")
    narrow = catalog.run_sql(lake, "SELECT sum(n) AS total FROM (VALUES (10), (2)) t(n)")
    assert query.format_table(narrow).splitlines()[2] == "   12"


def test_a_file_is_written_whole_or_not_at_all(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "scores.parquet"
    assert query.run(lake.root, SQL, PARAMS, "parquet", out) == 57
    assert pq.read_table(out).num_rows == 57
    with pytest.raises(UserError, match="unknown table"):
        query.run(lake.root, "FROM nothing", {}, "csv", out)
    with pytest.raises(UserError, match="writing"):
        query.run(lake.root, "SELECT 1", {}, "csv", tmp_path / "missing" / "x.csv")
    assert pq.read_table(out).num_rows == 57
    assert list(tmp_path.iterdir()) == [out]


def test_namesakes_are_not_lost_in_silence(lake: Lake) -> None:
    with pytest.raises(UserError, match="two columns are called a"):
        query.run(lake.root, "SELECT 1 AS a, 2 AS a", {}, "json")


def test_an_unknown_format_is_told(lake: Lake) -> None:
    with pytest.raises(UserError, match="unknown format 'jsno': did you mean json"):
        query.run(lake.root, "SELECT 1", {}, "jsno")


def test_parquet_is_not_written_to_a_terminal(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    with pytest.raises(UserError, match="not for a terminal"):
        query.run(lake.root, "SELECT 1", {}, "parquet")


def test_a_column_that_parquet_has_no_form_for_is_one_line(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cast it or take --format json: "):
        query.run(lake.root, "SELECT MAP {} AS m", {}, "parquet", tmp_path / "m.parquet")
    assert not list(tmp_path.iterdir())


def test_a_reader_that_leaves_early_is_no_error(lake: Lake) -> None:
    program = (
        "import sys; from pathlib import Path; from pipeline.catalog import query; "
        "query.run(Path(sys.argv[1]), 'FROM truth, range(2000)', {}, 'csv')"
    )
    command = [sys.executable, "-c", program, str(lake.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_an_answer_needs_neither_pandas_nor_torch(lake: Lake) -> None:
    program = (
        "import sys; from pathlib import Path; from pipeline.catalog import query; "
        "query.run(Path(sys.argv[1]), 'SELECT * FROM coverage', {}); assert 'pyarrow.compute' not in sys.modules; "
        "query.run(Path(sys.argv[1]), 'SELECT * FROM coverage, runs', {}); "
        "heavy = {'pandas', 'torch', 'scipy', 'vl_convert', 'rich', 'jinja2'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    command = [sys.executable, "-c", program, str(lake.root)]
    subprocess.run(command, check=True, capture_output=True)  # how quick that is, tests/bench/engine.py measures


def test_a_statement_or_value_of_any_depth_is_answered_or_refused_in_a_line(lake: Lake) -> None:
    assert catalog.run_sql(lake, f"SELECT {'+'.join(['1'] * 900)} AS sum").to_pylist() == [{"sum": 900}]
    for sql in (
        f"SELECT {'[' * 200}1{']' * 200}",
        f"SELECT {'(' * 5000}1{')' * 5000}",
        f"SELECT {'+'.join('1' * 5000)}",
    ):
        with refused():
            catalog.run_sql(lake, sql)


def test_a_lake_that_is_moved_while_it_is_read_has_no_damaged_part(tmp_path: Path) -> None:
    lake = lakes.made_up(tmp_path / "lake", 6)
    with closing(catalog.snapshot(lake)) as connection:
        lake.root.rename(tmp_path / "moved")
        gone = f"{lake.root} is not there any more: put it back"
        with refused(gone):
            catalog.rows(connection, "FROM scores")
    with refused(gone), lake.lock("score"):
        raise AssertionError
    with refused(gone), parquet_files.damage_named(lake.parts / "madeup" / "ingest" / "truth.parquet"):
        raise FileNotFoundError(2, "No such file or directory")
