"""Views that a process has bound serve its next catalog, which is as if they had been bound for it."""

from __future__ import annotations

import resource
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import catalog
from pipeline.catalog import bound_views, sql_files
from pipeline.catalog.definition import CatalogDefinition
from pipeline.lake.store import Lake
from tests.fixtures import lakes

CONTENT = (
    "SELECT view_name, sql, comment, column_count FROM duckdb_views() WHERE NOT internal ORDER BY ALL",
    "SELECT table_name, sql, comment, estimated_size FROM duckdb_tables() ORDER BY ALL",
    "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal ORDER BY ALL",
    "SELECT function_name, parameters, macro_definition, comment FROM duckdb_functions() WHERE NOT internal ORDER BY 1",
    "SELECT database_name FROM duckdb_databases() WHERE NOT internal",
    "FROM correlations ORDER BY ALL",
)


@pytest.fixture
def bindings(monkeypatch: pytest.MonkeyPatch) -> list[CatalogDefinition]:
    """The definitions whose views are bound, in a process that has bound none yet."""
    bound: list[CatalogDefinition] = []
    bind = CatalogDefinition._bind

    def counted(definition: CatalogDefinition, connection: Any) -> None:
        bound.append(definition)
        bind(definition, connection)

    monkeypatch.setattr(bound_views, "_kept", None)
    monkeypatch.setattr(CatalogDefinition, "_bind", counted)
    return bound


def content(lake: Lake) -> list[list[tuple[Any, ...]]]:
    with closing(catalog.snapshot(lake)) as connection:
        return [connection.execute(sql).fetchall() for sql in CONTENT]


def test_a_copy_is_what_would_have_been_bound(
    tmp_path: Path, bindings: list[CatalogDefinition], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lakes.made_up(tmp_path / "it's a lake")
    content(lakes.made_up(tmp_path / "other", size=12))
    copied = content(lake)
    assert len(bindings) == 1
    monkeypatch.setattr(bound_views, "_kept", None)
    assert copied == content(lake) and len(bindings) == 2 and copied[-1]


def test_a_file_and_an_export_have_copies_as_well(tmp_path: Path, bindings: list[CatalogDefinition]) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    catalog.refresh(lake)
    catalog.export(lake, tmp_path / "export.duckdb")
    assert len(bindings) == 1


def test_other_statements_are_bound_anew(
    tmp_path: Path, bindings: list[CatalogDefinition], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    content(lake)
    texts = sql_files.texts
    one_more = {"views": {"one_more": "-- One more.\nSELECT 1 AS one FROM scores"}}
    monkeypatch.setattr(sql_files, "texts", lambda kind: {**texts(kind), **one_more.get(kind, {})})
    with closing(catalog.snapshot(lake)) as connection:
        assert connection.execute("SELECT max(one) FROM one_more").fetchall() == [(1,)]
    assert len(bindings) == 2


def test_tables_with_other_columns_have_views_bound_to_them(tmp_path: Path, bindings: list[CatalogDefinition]) -> None:
    """As those of a lake that an earlier version began."""
    content(lakes.made_up(tmp_path / "lake"))
    earlier = lakes.made_up(tmp_path / "earlier")
    for file in earlier.parts.glob("*/*/truth.parquet"):
        rows = pq.read_table(file)
        at = rows.column_names.index("value")
        pq.write_table(rows.set_column(at, "value", rows["value"].cast(pa.float32())), file)
    with closing(catalog.snapshot(earlier)) as connection:
        [(kind,)] = connection.execute("SELECT DISTINCT typeof(value) FROM truth WHERE value > 0").fetchall()
        assert kind == "FLOAT" and connection.execute("SELECT value FROM final_truth").fetchall()
    assert len(bindings) == 2


def test_where_no_file_can_be_written_views_are_bound_each_time(
    tmp_path: Path, bindings: list[CatalogDefinition]
) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit, times in ((100_000, 1), (before[0], 2), (1_000, 3), (before[0], 3)):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
        try:
            with closing(catalog.snapshot(lake)) as connection:
                assert connection.execute("SELECT count(*) FROM sampled_scores").fetchall() > [(0,)]
            assert len(bindings) == times
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
