"""A lake as Parquet files with a dataset card: the same rows, nothing of its place, and nothing of others replaced."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from pipeline import catalog
from pipeline.export import card, tables
from pipeline.lake import files, outputs, table_folder
from pipeline.lake.schema import TABLES
from pipeline.lake.store import Lake
from tests.fixtures import lakes
from tests.fixtures.command import exit_code
from tests.fixtures.lakes import OURS, RUN
from tests.fixtures.lines import refused

FILES = {*(f"{name}.parquet" for name in TABLES), "README.md", "manifest.json"}


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = lakes.made_up(tmp_path_factory.mktemp("a place that nobody else has") / "lake")
    name = f"score-toy-search-{RUN}-00001"
    lakes.publish(lake.root, name, scores=[lakes.score(29, OURS, 1.0, seed=7)], runs=[lakes.run()])
    return lake


@pytest.fixture(scope="module")
def exported(made_up: Lake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "shared"
    tables.export(made_up, folder, licence="CC-BY-4.0")
    return folder


@pytest.fixture(scope="module")
def grown(made_up: Lake, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The lake, in which another table has more rows and the card other counts."""
    lake = Lake(shutil.copytree(made_up.root, tmp_path_factory.mktemp("grown") / "lake"))
    return lakes.publish(lake.root, "more", scores=[lakes.score(28, OURS, 1.0, seed=8)])


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def views(made_up: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    with contextlib.closing(catalog.snapshot(made_up)) as connection:
        yield connection


@pytest.mark.parametrize("name", TABLES)
def test_a_file_has_the_rows_of_its_table_in_the_order_of_its_key(
    views: duckdb.DuckDBPyConnection, exported: Path, name: str
) -> None:
    columns = ", ".join(column.name for column in TABLES[name].columns)
    key = ", ".join(TABLES[name].key)
    expected = views.execute(f"SELECT {columns} FROM {name} ORDER BY {key}").fetchall()
    with duckdb.connect() as alone:
        stored = alone.execute(f"SELECT {columns} FROM read_parquet('{exported}/{name}.parquet')").fetchall()
    assert stored == expected
    file = pq.ParquetFile(exported / f"{name}.parquet")
    assert file.schema_arrow.equals(table_folder.schema(TABLES[name]))
    descriptions = {f.name: f.metadata[b"description"].decode() for f in file.schema_arrow}
    assert descriptions.items() >= {column.name: column.comment for column in TABLES[name].columns}.items()


def test_a_dataframe_has_the_same_counts(views: duckdb.DuckDBPyConnection, exported: Path) -> None:
    for name in ("scores", "truth", "curves"):
        [count] = views.execute(f"SELECT count(*) FROM {name}").fetchone() or ()
        assert len(pd.read_parquet(exported / f"{name}.parquet")) == count > 0


def test_scores_say_what_part_they_are_of(exported: Path) -> None:
    with duckdb.connect() as alone:
        parts = dict(alone.execute(f"SELECT part, count(*) FROM '{exported}/scores.parquet' GROUP BY ALL").fetchall())
    assert parts["score-toy-search"] == 1 and len(parts) > 1


def test_the_manifest_states_every_file(exported: Path) -> None:
    assert set(content(exported)) == FILES
    manifest = json.loads((exported / "manifest.json").read_text())
    assert set(manifest["files"]) == FILES - {"manifest.json"}
    for name, file in manifest["files"].items():
        data = (exported / name).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        assert "rows" not in file or file["rows"] == pq.read_metadata(exported / name).num_rows


def test_nothing_of_the_lakes_place_is_in_it(made_up: Lake, exported: Path, tmp_path: Path) -> None:
    database = catalog.export(made_up, tmp_path / "x.duckdb")
    for data in [*content(exported).values(), database.read_bytes()]:
        assert b"a place that nobody else has" not in data and str(made_up.root).encode() not in data
    for name in TABLES:
        assert "a place that nobody else has" not in str(pq.read_table(exported / f"{name}.parquet").to_pydict())
    with duckdb.connect(database, read_only=True) as connection:
        assert connection.execute("SELECT lake FROM about").fetchone() == (made_up.root.name,)


def test_the_same_lake_gives_the_same_bytes(made_up: Lake, exported: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(made_up.root, tmp_path / "moved")
    tables.export(Lake(moved), tmp_path / "again", licence="CC-BY-4.0")
    assert content(tmp_path / "again") == content(exported)


def test_the_head_of_the_card_is_what_hubs_read(exported: Path) -> None:
    _, head, _ = (exported / "README.md").read_text().split("---\n", 2)
    read = yaml.safe_load(head)
    assert read["license"] == ["cc-by-4.0", "mit"]
    assert read["size_categories"] == ["n<1K"]
    assert read["task_categories"] == ["tabular-regression"] and read["pretty_name"]
    assert read["configs"][0] == {"config_name": "scores", "data_files": "scores.parquet", "default": True}
    for config in read["configs"]:
        assert pq.read_metadata(exported / config["data_files"]).num_rows


def test_the_card_has_schema_licences_citation_and_counts(views: duckdb.DuckDBPyConnection, exported: Path) -> None:
    card = (exported / "README.md").read_text()
    for table in TABLES.values():
        rows = pq.read_metadata(exported / f"{table.name}.parquet").num_rows
        assert f"\n### {table.name}\n\n{table.comment} {rows:,} rows.\n" in card
        assert all(f"| `{column.name}` | {column.type}" in card for column in table.columns)
    sources = views.execute("SELECT name, licence FROM sources").fetchall()
    assert sources and all(f"| {name} |" in card and f"| {licence} |" in card for name, licence in sources)
    assert "The scores that were computed are under CC-BY-4.0." in card
    assert "Generic Neural Architecture Search via Regression" in card
    assert "\n| madeup | toys | 30 | " in card


def test_a_benchmarks_papers_are_cited() -> None:
    from pipeline.export import card

    row = {"benchmark": "nasbench101", "space": "cell", "architectures": 1, "true_values": 1, "computed": 1,
           "released": 0, "proxies": 1}  # fmt: skip
    source = {"benchmark": "nasbench101", "name": "<b>", "file": "a|b\n[x](y)", "licence": None, "rows": 3}
    text = card.text(dict.fromkeys(TABLES, 2_000_000), [row], [source], None)
    assert "- NAS-Bench-101: Ying et al., " in text
    assert "| NAS-Bench-101 | &lt;b&gt; | a\\|b &#91;x&#93;(y) | not stated | 3 |" in text
    assert 'license: "unknown"' in text and 'size_categories: ["10M<n<100M"]' in text


def test_an_earlier_export_is_replaced_and_other_files_stay(made_up: Lake, exported: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(exported, tmp_path / "shared")
    lake = Lake(shutil.copytree(made_up.root, tmp_path / "copy"))
    (folder / "LICENSE").write_text("mine")
    lakes.publish(lake.root, "more", scores=[lakes.score(28, OURS, 1.0, seed=8)])
    before = pq.read_metadata(folder / "scores.parquet").num_rows
    assert tables.export(lake, folder).rows > before
    assert pq.read_metadata(folder / "scores.parquet").num_rows == before + 1
    assert set(content(folder)) == {*FILES, "LICENSE"} and (folder / "LICENSE").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("README.md", "has a README.md that was changed since it was exported"),
        ("scores.parquet", "has a scores.parquet that was changed"),
        ("manifest.json", "holds files and is not an earlier export"),
    ],
)
def test_what_somebody_edited_is_not_replaced(
    made_up: Lake, exported: Path, tmp_path: Path, name: str, says: str
) -> None:
    folder = shutil.copytree(exported, tmp_path / "shared")
    size = (folder / name).stat().st_size if name == "README.md" else 0
    (folder / name).write_text("edited".ljust(size))
    before = content(folder)
    with refused(says, "name another folder, or write into this one with --force"):
        tables.export(made_up, folder)
    assert content(folder) == before
    if name == "README.md":
        tables.export(made_up, folder, force=True)
        assert not (folder / name).read_bytes().startswith(b"edited")


@pytest.mark.parametrize(
    ("rows", "size"), [(999, "n<1K"), (1000, "1K<n<10K"), (10**9, "1B<n<10B"), (10**12, "1B<n<10B")]
)
def test_the_size_is_one_of_those_that_hubs_know(rows: int, size: str) -> None:
    assert card._size(rows) == size


def test_a_folder_of_somebody_else_stays_without_force(made_up: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "thesis.tex").write_text("mine")
    with refused("holds files and is not an earlier export"):
        tables.export(made_up, folder)
    assert set(content(folder)) == {"thesis.tex"}
    tables.export(made_up, folder, force=True)
    assert set(content(folder)) == {*FILES, "thesis.tex"}


def test_an_empty_folder_is_taken(made_up: Lake, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    tables.export(made_up, tmp_path / "shared")
    assert set(content(tmp_path / "shared")) == FILES


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda place, lake: place.symlink_to(lake.root), "is inside the lake"),
        (lambda place, lake: place.symlink_to(place.parent), "is a symbolic link"),
        (lambda place, lake: place.write_text("mine"), "is no folder"),
        (lambda place, lake: (place / "scores.parquet").mkdir(parents=True), "is no plain file"),
        (lambda place, lake: (place.mkdir(), (place / "README.md").symlink_to(place.parent / "x")), "is no plain file"),
    ],
)
def test_no_link_lake_or_file_becomes_an_export(
    made_up: Lake, tmp_path: Path, make: Any, says: str, force: bool
) -> None:
    place = tmp_path / "shared"
    make(place, made_up)
    with refused(says):
        tables.export(made_up, place, force=force)
    assert [path.name for path in tmp_path.iterdir()] == ["shared"]


def test_inside_a_lake_and_in_no_folder_nothing_is_written(made_up: Lake, tmp_path: Path) -> None:
    with refused("is inside the lake"):
        tables.export(made_up, made_up.root / "shared")
    with refused("no folder"):
        tables.export(made_up, tmp_path / "missing" / "shared")


@pytest.mark.parametrize("there", [False, True])
def test_an_export_that_ends_early_leaves_what_was_there(
    made_up: Lake, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    folder = tmp_path / "shared"
    if there:
        shutil.copytree(exported, folder)
    before = content(folder) if there else None

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tables, "_put", full)
    with refused(f"no space left while writing {folder}"):
        tables.export(made_up, folder)
    assert (content(folder) if folder.exists() else None) == before
    assert [path.name for path in tmp_path.iterdir()] == ["shared"] * there


@pytest.mark.parametrize("there", [False, True])
def test_what_a_killed_export_left_is_removed_by_the_next(
    made_up: Lake, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    folder = tmp_path / "shared"
    if there:
        shutil.copytree(exported, folder)
    with monkeypatch.context() as killed:
        killed.setattr(files, "own_name", lambda: "999999999-0123abcd")
        killed.setattr(files, "remove_folder", lambda *_: None)
        killed.setattr(outputs.OutputFolder, "_publish", lambda *_: None)
        tables.export(made_up, folder)
    left = (folder if there else tmp_path) / ".pipeline-999999999-0123abcd"
    assert left.is_dir()
    tables.export(made_up, folder)
    assert not left.exists() and set(content(folder)) == FILES


@pytest.mark.parametrize("replaced", range(len(FILES) + 2))
def test_an_export_that_is_killed_as_it_replaces_another_is_replaced_by_the_next(
    made_up: Lake, exported: Path, grown: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replaced: int
) -> None:
    folder = shutil.copytree(exported, tmp_path / "shared")
    renames, replace = itertools.count(), files.replace_file

    def killed(source: Path, target: Path) -> None:
        if next(renames) >= replaced:
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(files, "replace_file", killed)
        with contextlib.suppress(KeyboardInterrupt):
            tables.export(grown, folder)
    tables.export(grown, folder)
    assert set(content(folder)) == FILES
    tables.export(grown, tmp_path / "anew")
    assert content(folder) == content(tmp_path / "anew")


def test_what_somebody_edited_after_an_export_was_killed_is_not_replaced(
    made_up: Lake, exported: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(exported, tmp_path / "shared")
    (folder / "manifest.next.json").write_text("mine")
    with refused("holds files and is not an earlier export"):
        tables.export(made_up, folder)
    shutil.copy(folder / "manifest.json", folder / "manifest.next.json")
    (folder / "README.md").write_text("mine")
    with refused("has a README.md that was changed since it was exported"):
        tables.export(made_up, folder)


def run(*words: str) -> int | str | None:
    return exit_code("export", *words)


def test_the_verb_writes_either(made_up: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = ("--lake", str(made_up.root))
    assert run("--parquet", str(tmp_path / "shared"), *lake) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{tmp_path / 'shared'}: {len(TABLES)} tables with ")
    assert "states no licence" in printed.err
    assert run(str(tmp_path / "x.duckdb"), *lake) == 0
    for words, says in (
        ([], "name a database to write, or a folder with --parquet"),
        (["x.duckdb", "--parquet", "x"], "not both"),
        (["x.duckdb", "--licence", "MIT"], "--licence has no effect on a database"),
    ):
        assert run(*words, *lake) == 2
        assert says in capsys.readouterr().err
