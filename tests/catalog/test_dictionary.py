"""What is written about the data against the data."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline import catalog
from pipeline.catalog import dictionary
from pipeline.lake.schema import TABLES

ROOT = Path(__file__).parents[2]
WRITTEN = ROOT / "data" / "dictionary.md"


def test_the_dictionary_is_what_the_code_says() -> None:
    assert WRITTEN.read_text() == dictionary.markdown(), "run `python -m pipeline.catalog.dictionary`"


def test_the_dictionary_tells_every_column_of_every_table_and_view() -> None:
    text = WRITTEN.read_text()
    for table in TABLES.values():
        section = text.split(f"### {table.name}\n")[1].split("\n##")[0]
        assert re.findall(r"^\| `(\w+)`", section, re.MULTILINE) == [c.name for c in table.columns]
    for view in catalog.queries("views"):
        assert f"\n### {view}\n" in text
    for macro in catalog.queries("macros"):
        assert f"\n### {macro}(" in text


def test_the_readmes_name_files_and_views_that_exist() -> None:
    text = (ROOT / "queries" / "README.md").read_text()
    for path in re.findall(r"queries/\w+/\w+\.sql", text):
        assert (ROOT / path).is_file()
    names = {*TABLES, *catalog.queries("views"), *catalog.queries("seeds")}
    assert set(re.findall(r"FROM (\w+)", text)) - {"duckdb_views"} <= names
    for folder in re.findall(r"^\| `(\w+)/`", text, re.MULTILINE):
        assert catalog.queries(folder)
