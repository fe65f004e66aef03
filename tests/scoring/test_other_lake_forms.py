"""Folders of tables and lists of parts that are of another form than expected: one line, and nothing is taken."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.lake import table_folder
from pipeline.scoring import merge
from tests.fixtures.file_server import FileServer
from tests.fixtures.lakes import OURS
from tests.fixtures.lines import refused


def left(root: Path) -> list[Path]:
    """What was copied, and what was taken."""
    return [*(root / ".staging").glob("*"), *root.glob("parts/madeup/*")]


MANIFEST: dict[str, Any] = {"kind": table_folder.KIND, "format": 1, "lake_format": 1, "version": "1", "files": {}}
STATED = {"bytes": 1, "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is not the manifest of `pipeline export --parquet`"),
        ("[1]", "is not the manifest of `pipeline export --parquet` (its kind is None)"),
        ('{"name": "an app"}', "is not the manifest"),
        (json.dumps(MANIFEST | {"kind": "other"}), "is not the manifest"),
        (json.dumps(MANIFEST | {"format": "1"}), "is not the manifest"),
        (json.dumps(MANIFEST | {"files": [1]}), "is not the manifest"),
        (json.dumps(MANIFEST | {"files": {"../x.parquet": STATED}}), "is not the manifest"),
        (json.dumps(MANIFEST | {"files": {"scores.parquet": {"bytes": "1", "sha256": "0" * 64}}}), "is not the"),
        (json.dumps(MANIFEST | {"files": {"scores.parquet": {"bytes": 1, "sha256": 3}}}), "is not the manifest"),
        ("[" * 100_000, "is not the manifest"),
        (json.dumps(MANIFEST | {"format": math.nan}), "is not the manifest"),
        (json.dumps(MANIFEST | {"lake_format": True}), "is not the manifest"),
        (json.dumps(MANIFEST | {"files": {"scores.parquet": STATED | {"bytes": -1}}}), "is not the manifest"),
        (json.dumps(MANIFEST | {"files": {"scores.parquet": STATED | {"bytes": 10**30}}}), "is not the manifest"),
        (json.dumps(MANIFEST | {"files": {"scores.parquet": STATED | {"rows": "9"}}}), "is not the manifest"),
        (json.dumps(MANIFEST | {"format": 2}), "was written by a newer version: update with"),
        (json.dumps(MANIFEST | {"lake_format": 2}), "was written by a newer version: update with"),
        (json.dumps(MANIFEST), "does not list scores.parquet: export it again"),
    ],
)
def test_a_manifest_of_another_form_is_one_line(lake: Path, tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "manifest.json").write_text(content)
    with refused(str(tmp_path / "shared" / "manifest.json"), says):
        merge.run(lake, tmp_path / "shared")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"{'0' * 64}  parts/../../x.parquet", "is no file of a part"),
        (f"{'0' * 64}  parts/madeup/../scores.parquet", "is no file of a part"),
        (f"{'0' * 64}  /etc/scores.parquet", "is no file of a part"),
        ("who knows", "/x/SHA256SUMS is not of its form"),
        (f"{'0' * 64}  parts/madeup/score-1-{'b' * 16}/scores.parquet\r", "scores.parquet: there is no such file"),
    ],
)
def test_a_list_of_parts_leads_nowhere_else(lake: Path, server: FileServer, line: str, says: str) -> None:
    server.files |= {"/x/lake.json": b'{"format": 1}', "/x/SHA256SUMS": f"{line}\n".encode()}
    with refused(says):
        merge.run(lake, f"{server.address}/x")


def test_a_long_marker_of_a_folder_is_one_line(full_lake: Path, lake: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(full_lake, tmp_path / "copy")
    (folder / "lake.json").write_text('{"format": 1}' + " " * 70_000)
    with refused(f"{folder}/lake.json cannot be read as the marker of a lake: it has more than 65,536 bytes"):
        merge.run(lake, folder)


def changed(exported: Path, folder: Path, name: str, change: Any) -> Path:
    """A copy in which one table is another, with its true checksum."""
    shutil.copytree(exported, folder)
    path = folder / f"{name}.parquet"
    content = change(pq.read_table(path))
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        pq.write_table(content, path)
    manifest = json.loads((folder / "manifest.json").read_text())
    data = path.read_bytes()
    manifest["files"][path.name] |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def replaced(table: pa.Table, column: str, value: Any) -> pa.Table:
    place = table.schema.get_field_index(column)
    kind = value.type if isinstance(value, pa.Scalar) else pa.string()
    return table.set_column(place, pa.field(column, kind), pa.array([value] * table.num_rows, kind))


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("scores", lambda table: b"PAR1 no", "cannot be read as the table scores"),
        ("curves", lambda table: table.drop_columns(["losses"]), "cannot be read as the table curves (its columns"),
        ("scores", lambda table: replaced(table, "value", "much"), "cannot be read as the table scores"),
        (
            "runs",
            lambda table: replaced(table, "host", None),
            "the table runs (Casting field 'host' with null",
        ),
        ("scores", lambda table: replaced(table, "part", "score-../../x"), "names no part of a lake"),
        ("scores", lambda table: replaced(table, "part", "../../x"), "names no part of a lake"),
        ("scores", lambda table: replaced(table, "part", "score-" + "b" * 300), "names no part of a lake"),
        ("scores", lambda table: replaced(table, "benchmark", ".."), "names no part of a lake"),
        ("scores", lambda table: replaced(table, "benchmark", "b" * 300), "names no part of a lake"),
        ("scores", lambda table: table.slice(1), "rows, and manifest.json states"),
        ("runs", lambda table: pa.concat_tables([table, table]), "rows, and manifest.json states"),
        (
            "scores",
            lambda table: replaced(table, "part", None),
            "the table scores (Casting field 'part' with null",
        ),
    ],
)
def test_tables_of_another_form_are_one_line(
    exported: Path, lake: Path, tmp_path: Path, name: str, change: Any, says: str
) -> None:
    folder = changed(exported, tmp_path / "shared", name, change)
    with refused(f"{folder / name}.parquet", says):
        merge.run(lake, folder)
    assert not left(lake)


def test_a_size_that_the_manifest_states_wrongly_is_one_line(exported: Path, lake: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(exported, tmp_path / "shared")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["scores.parquet"]["bytes"] += 1
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with refused("scores.parquet has", "bytes, and manifest.json states"):
        merge.run(lake, folder)
    assert not left(lake)


def constant(column: str, value: Any) -> Any:
    def change(table: pa.Table) -> pa.Table:
        place, field = table.schema.get_field_index(column), table.schema.field(column)
        return table.set_column(place, field, pa.array([value] * table.num_rows, field.type))

    return change


@pytest.mark.parametrize("way", ["lake", "tables"])
@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("scores", lambda table: pa.concat_tables([table, table]), "fails the check duplicate_keys"),
        ("scores", constant("status", "evil\x1b[31m"), "fails the check unknown_statuses"),
        ("scores", constant("value", math.nan), "fails the check values_and_status"),
        ("scores", constant("seed", -5), "fails the check impossible_numbers"),
        ("scores", constant("space", "toys\n"), "has a space that is no short text"),
        ("curves", constant("space", " "), "has a space that is no short text"),
        ("scores", constant("seed", None), "has no seed"),
        ("scores", constant("seconds", math.inf), "fails the check impossible_numbers"),
        ("scores", constant("run_id", "f" * 16), "is of a run that its lake does not have"),
        ("curves", constant("mode", "evil"), "fails the check unknown_statuses"),
        ("curves", constant("losses", [1.0]), "fails the check uneven_curves"),
        ("curves", lambda table: pa.concat_tables([table, table]), "fails the check duplicate_keys"),
        ("proxies", constant("kind", "evil"), "fails the check unknown_statuses"),
        (
            "proxies",
            constant("configuration", json.dumps({"terms": [1] * 1001})),
            "fails the check aggregates_of_many_terms",
        ),
        ("proxies", constant("configuration", '{"a":NaN}'), "has a configuration that is no JSON object"),
        ("proxies", constant("configuration", '{"a":"\\ud800"}'), "has a configuration that is no JSON object"),
        ("scores", constant("arch_id", "z" * 100_000), "has an arch_id that is no identity"),
        ("scores", constant("proxy_id", "f" * 16), "is of a proxy that its lake does not have"),
        ("proxies", constant("name", "n" * 1000), "has a name that is no short text"),
        ("proxies", constant("name", "a\nb"), "has a name that is no short text"),
        ("proxies", constant("configuration", "[" * 100_000), "has a configuration that is no JSON object"),
        ("proxies", constant("configuration", "7"), "has a configuration that is no JSON object"),
        ("proxies", lambda table: table.slice(0, 0), "is of a proxy that its lake does not have"),
    ],
)
def test_rows_that_no_lake_may_hold_are_not_taken(
    exported: Path, full_lake: Path, lake: Path, tmp_path: Path, way: str, name: str, change: Any, says: str
) -> None:
    other = tmp_path / "other"
    if way == "tables":
        shutil.copytree(exported, other)
        paths = [other / f"{name}.parquet"]
    else:
        shutil.copytree(full_lake, other)
        paths = [*other.glob(f"parts/*/score-*/{name}.parquet")]
    for path in paths:
        pq.write_table(change(pq.read_table(path)), path)
    if way == "tables":
        manifest = json.loads((other / "manifest.json").read_text())
        data, rows = paths[0].read_bytes(), pq.read_metadata(paths[0]).num_rows
        stated = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "rows": rows}
        manifest["files"][paths[0].name] = stated
        (other / "manifest.json").write_text(json.dumps(manifest))
    with refused(says, "nothing was taken"):
        merge.run(lake, other)
    assert not left(lake)


def test_scores_of_no_known_kind_of_part_are_left_out(exported: Path, lake: Path, tmp_path: Path) -> None:
    folder = changed(exported, tmp_path / "shared", "scores", lambda table: replaced(table, "part", "whatever"))
    assert merge.run(lake, folder).taken == 0


def test_a_lake_with_a_time_that_python_has_no_date_for_is_one_line(
    full_lake: Path, lake: Path, tmp_path: Path
) -> None:
    damaged = shutil.copytree(full_lake, tmp_path / "damaged")
    path = next(damaged.glob(f"parts/*/score-{OURS}-search-*/runs.parquet"))
    late = pa.scalar(1 << 62, pa.timestamp("us", tz="UTC"))
    pq.write_table(replaced(pq.read_table(path), "started_at", late), path)
    with refused(f"{path} cannot be read (started_at is in a year that Python does not have)"):
        merge.run(lake, damaged)
    assert not left(lake)


def test_a_lake_whose_part_has_null_where_there_may_be_none_is_one_line(
    full_lake: Path, lake: Path, tmp_path: Path
) -> None:
    damaged = shutil.copytree(full_lake, tmp_path / "damaged")
    path = next(damaged.glob(f"parts/*/score-{OURS}-search-*/runs.parquet"))
    pq.write_table(replaced(pq.read_table(path), "host", None), path)
    with refused(f"{path} cannot be read (Casting field 'host' with null"):
        merge.run(lake, damaged)
