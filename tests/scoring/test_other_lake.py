"""Merging a lake or an exported folder from this machine, an http server or S3: the same rows, or nothing."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from pipeline.cli import application as cli
from pipeline.errors import UserError
from pipeline.export import tables
from pipeline.lake import files, table_folder
from pipeline.lake.schema import TABLES
from pipeline.lake.store import Lake
from pipeline.remote import http_files
from pipeline.scoring import merge
from tests.fixtures import file_server, lakes
from tests.fixtures.file_server import FileServer
from tests.fixtures.lakes import OURS, RELEASED, SIZE, arch

KEYS = {name: list(table.key) for name, table in TABLES.items()}
MERGED = ("scores", "curves", "adopted", "runs", "proxies")
SEARCHED = "c" * 16


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with scores of two proxies, a search of which some are adopted, released scores and ground truth."""
    root = tmp_path_factory.mktemp("other") / "lake"
    lakes.publish(
        root, f"ingest-{'a' * 16}", architectures=[lakes.architecture(i) for i in range(5)], metrics=[lakes.metric()],
        truth=[lakes.truth(1, 50.0)], sources=[lakes.source("a" * 16, "x")],
        proxies=[lakes.proxy(RELEASED, "toy@x", kind="released")],
        scores=[lakes.score(1, RELEASED, 3.0, seed=None, seconds=None, device=None)],
    )  # fmt: skip
    for number in range(3):
        run_id = f"{number:x}".rjust(16, "b")
        lakes.publish(
            root, f"score-{OURS}-{run_id}-00001", runs=[lakes.run(run_id=run_id)],
            proxies=[lakes.proxy(OURS, "toy", kind="trained")],
            scores=[lakes.score(number, OURS, 1.0 + number, run_id=run_id)],
            curves=[lakes.curve(number, OURS, stage, "eval", [2.0, 1.0 + number]) for stage in range(2)],
        )  # fmt: skip
    run_id = "d" * 16
    lakes.publish(
        root, f"score-size-{run_id}-00001", runs=[lakes.run(run_id=run_id)],
        proxies=[lakes.proxy(SIZE, "size", kind="zero-cost")],
        scores=[lakes.score(i, SIZE, None, status="failed", reason="too big", run_id=run_id) for i in range(2)],
    )  # fmt: skip
    lakes.publish(
        root, f"score-{OURS}-search-{SEARCHED}-00001", runs=[lakes.run(run_id=SEARCHED, stage="search")],
        proxies=[lakes.proxy(OURS, "toy", kind="trained")],
        scores=[lakes.score(i, OURS, 9.0, run_id=SEARCHED) for i in (7, 8)],
    )  # fmt: skip
    key = lakes.score(7, OURS, 9.0)
    lakes.publish(root, f"score-{OURS}-adopted-12345678", adopted=[{name: key[name] for name in KEYS["adopted"]}])
    return root


@pytest.fixture(scope="module")
def exported(other: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "shared"
    tables.export(Lake(other), folder)
    return folder


@pytest.fixture(scope="module")
def direct(other: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The rows of a lake that took the other from this machine."""
    root = tmp_path_factory.mktemp("direct") / "lake"
    merge.run(root, other)
    return rows(root)


@pytest.fixture(scope="module")
def bucket() -> Iterator[tuple[fs.FileSystem, str]]:
    """A bucket of an S3 server in this process, and the query of its address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        place = f"endpoint_override=127.0.0.1:{server.get_host_and_port()[1]}&scheme=http&region=us-east-1"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", "testing")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
            system, _ = fs.FileSystem.from_uri(f"s3://shared?allow_bucket_creation=true&{place}")
            system.create_dir("shared")
            yield system, place
        server.stop()


def rows(root: Path) -> dict[str, list[str]]:
    lake = Lake(root)
    content = {name: sorted(map(str, lake.read(name, lakes.BENCHMARK).to_pylist())) for name in MERGED}
    content |= {name: sorted(set(content[name])) for name in ("runs", "proxies")}  # of which parts repeat rows
    return content | {"parts": [name.rpartition("-")[0] for name in lake.part_names(lakes.BENCHMARK)]}


def served(server: FileServer, folder: Path, at: str = "/shared") -> str:
    for path in folder.rglob("*"):
        if path.is_file():
            server.files[f"{at}/{path.relative_to(folder).as_posix()}"] = path.read_bytes()
    return f"{server.address}{at}"


def left(root: Path) -> list[Path]:
    return list((root / ".staging").glob("*"))


@contextlib.contextmanager
def refused(*words: str) -> Iterator[None]:
    with pytest.raises(UserError) as caught:
        yield
    line = str(caught.value)
    assert "\n" not in line and all(word in line for word in words), line


def test_an_exported_folder_gives_the_rows_that_the_lake_gives(
    exported: Path, direct: dict[str, list[str]], lake: Path
) -> None:
    before = {path.name: path.read_bytes() for path in exported.iterdir()}
    summary = merge.run(lake, exported)
    assert summary.line == f"{exported}: 7 scores taken; 7 scores wait for their architectures to be ingested"
    assert rows(lake) == direct and not left(lake)
    assert {path.name: path.read_bytes() for path in exported.iterdir()} == before
    parts = Lake(lake).part_names(lakes.BENCHMARK)
    assert merge.run(lake, exported).line == f"{exported}: all 7 scores are stored already, nothing to do"
    assert Lake(lake).part_names(lakes.BENCHMARK) == parts


@pytest.mark.parametrize("slash", ["", "/"])
def test_an_exported_folder_is_taken_from_an_http_server(
    exported: Path, direct: dict[str, list[str]], lake: Path, server: FileServer, slash: str
) -> None:
    address = served(server, exported) + slash
    server.cuts = [None, None, 100]  # the manifest, a table, and one that comes in two pieces
    assert merge.run(lake, address).taken == 7
    assert rows(lake) == direct and not left(lake)
    assert "/shared/truth.parquet" not in {path for path, _ in server.requests}  # truth is not merged


def test_a_lake_is_taken_from_an_http_server(
    other: Path, direct: dict[str, list[str]], lake: Path, server: FileServer
) -> None:
    assert merge.run(lake, served(server, other)).taken == 7
    assert rows(lake) == direct and not left(lake)
    assert not [path for path, _ in server.requests if "/ingest-" in path]


@pytest.mark.parametrize("kind", ["exported", "other"])
def test_a_lake_or_an_exported_folder_is_taken_from_s3(
    bucket: tuple[fs.FileSystem, str],
    direct: dict[str, list[str]],
    lake: Path,
    kind: str,
    request: pytest.FixtureRequest,
) -> None:
    system, query = bucket
    fs.copy_files(str(request.getfixturevalue(kind)), f"shared/{kind}", destination_filesystem=system)
    summary = merge.run(lake, f"s3://shared/{kind}?{query}")
    assert summary.line.startswith(f"s3://shared/{kind}: 7 scores taken")
    assert rows(lake) == direct and not left(lake)


def test_from_s3_bad_input_is_one_line(bucket: tuple[fs.FileSystem, str], lake: Path) -> None:
    _, query = bucket
    for path, says in (("shared/empty", "is not a lake"), ("missing/x", "is not a lake")):
        with refused(f"s3://{path}", says):
            merge.run(lake, f"s3://{path}?{query}")
    for address, says in (("s3://", "names no bucket"), ("s3://shared/x?colour=red", "cannot be read")):
        with refused(says):
            merge.run(lake, address)
    assert not lake.exists()


def test_an_s3_server_that_vanishes_is_one_line(
    exported: Path, lake: Path, bucket: tuple[fs.FileSystem, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    system, query = bucket
    fs.copy_files(str(exported), "shared/vanishing", destination_filesystem=system)

    class Vanishing:
        def open_input_stream(self, path: str) -> Any:
            if path.endswith("manifest.json"):
                return system.open_input_stream(path)
            raise OSError(f"When reading information for key '{path}' in bucket 'shared': AWS Error NETWORK_CONNECTION")

    scored(lake, 3)
    before = snapshot(lake)
    opened = SimpleNamespace(from_uri=lambda _: (Vanishing(), "shared/vanishing"))
    monkeypatch.setattr("pipeline.remote.folders.fs", SimpleNamespace(FileSystem=opened))
    with refused("s3://shared/vanishing/scores.parquet cannot be read (AWS Error NETWORK_CONNECTION): look at"):
        merge.run(lake, f"s3://shared/vanishing?{query}")
    assert snapshot(lake) == before and not left(lake)


def scored(root: Path, number: int, value: float = 1.0) -> None:
    run_id = f"{number:x}".rjust(16, "e")
    lakes.publish(
        root, f"score-{OURS}-{run_id}-00001", runs=[lakes.run(run_id=run_id)],
        proxies=[lakes.proxy(OURS, "toy", kind="trained")], scores=[lakes.score(number, OURS, value, run_id=run_id)],
    )  # fmt: skip


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted((root / "parts").rglob("*")) if path.is_file()}


@pytest.mark.parametrize("kind", ["exported", "other"])
@pytest.mark.parametrize("after", [1, 2, 3, 5])
def test_a_lake_that_vanishes_leaves_the_own_one_as_it_was(
    lake: Path, server: FileServer, kind: str, after: int, request: pytest.FixtureRequest
) -> None:
    scored(lake, 3)
    before = snapshot(lake)
    address = served(server, request.getfixturevalue(kind))
    server.cuts = [*[None] * (after + 2 * (kind == "other")), 10, 0, 0, 0, 0]
    with refused("the connection ended before the file did; nothing was taken"):
        merge.run(lake, address)
    assert snapshot(lake) == before and not left(lake)
    server.cuts = []
    assert merge.run(lake, address).taken == 7


@pytest.mark.parametrize("name", ["scores.parquet", "proxies.parquet"])
def test_a_file_that_is_gone_or_changed_is_one_line(exported: Path, lake: Path, server: FileServer, name: str) -> None:
    address = served(server, exported)
    content = server.files.pop(f"/shared/{name}")
    with refused(f"{address}/{name}: there is no such file (404)"):
        merge.run(lake, address)
    server.files[f"/shared/{name}"] = content[:-1] + b"x"
    with refused(f"{address}/{name} does not have the SHA-256 that is stated of it", "nothing was taken"):
        merge.run(lake, address)
    server.files[f"/shared/{name}"] = content + b"x"
    with refused(f"{address}/{name} is longer than"):
        merge.run(lake, address)
    assert not left(lake) and not snapshot_of_scores(lake)


def snapshot_of_scores(root: Path) -> list[str]:
    return [name for name in snapshot(root) if "/_schema/" not in name]


def test_values_that_differ_are_told_as_of_a_lake(
    exported: Path, lake: Path, server: FileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    scored(lake, 0, value=700.0)
    before = snapshot(lake)
    address = served(server, exported)
    with pytest.raises(SystemExit) as ended:
        cli.main(["merge", address, "--lake", str(lake)])
    err = capsys.readouterr().err
    assert ended.value.code == 1 and f"1 values of {address} are not those stored here, nothing was taken" in err
    assert snapshot(lake) == before
    with pytest.raises(SystemExit) as ended:
        cli.main(["merge", address, "--keep-first", "--lake", str(lake)])
    assert ended.value.code == 0
    stored = [row for row in Lake(lake).read("scores", lakes.BENCHMARK).to_pylist() if row["arch_id"] == arch(0)]
    assert [row["value"] for row in stored if row["proxy_id"] == OURS] == [700.0]


def test_what_a_killed_merge_left_is_removed_by_the_next(
    exported: Path, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(files, "own_name", lambda: "999999999-0123abcd")
        killed.setattr(files, "remove_folder", lambda *_: None)
        killed.setattr(merge, "_merged", lambda *_, **__: None)
        merge.run(lake, exported)
    assert [path.name for path in left(lake)] == ["999999999-0123abcd"]
    assert merge.run(lake, exported).taken == 7 and not left(lake)


def test_a_full_disk_is_one_line(
    exported: Path, lake: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    address = served(server, exported)
    monkeypatch.setattr(http_files, "save", full)
    with refused(f"no space left while copying {address} to {lake}"):
        merge.run(lake, address)
    assert not left(lake)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ((), "is not a lake: name the address of a folder that holds manifest.json"),
        (("lake.json",), "is a lake without SHA256SUMS, the list of its parts: copy the folder to this machine"),
    ],
)
def test_an_address_without_a_lake_is_one_line(
    other: Path, lake: Path, server: FileServer, names: tuple[str, ...], says: str
) -> None:
    for name in names:
        server.files[f"/x/{name}"] = (other / name).read_bytes()
    with refused(f"{server.address}/x {says}"):
        merge.run(lake, f"{server.address}/x")
    assert not lake.exists()


def test_an_address_that_cannot_be_read_is_one_line(lake: Path, tmp_path: Path) -> None:
    for address, says in (
        (f"{file_server.nobody()}/x", "cannot be reached (Connection refused)"),
        ("https://host.invalid/x", "cannot be reached"),
        ("ftp://host/x", "ftp://host/x has a scheme that is not read: name a folder, or an address of http://"),
        ("https://", "names no host"),
        ("http://[x", "names no host"),
    ):
        with refused(says):
            merge.run(lake, address)
    for path in (tmp_path, tmp_path / "missing"):
        with refused(f"{path} is not a lake: name the folder that holds lake.json and parts/, or manifest.json"):
            merge.run(lake, path)
    assert not lake.exists()


def test_no_password_or_signature_is_shown(lake: Path) -> None:
    address = file_server.nobody().replace("http://", "http://me:secret@")
    with pytest.raises(UserError) as caught:
        merge.run(lake, f"{address}/x?signature=secret")
    assert "secret" not in str(caught.value)


MANIFEST: dict[str, Any] = {"kind": table_folder.KIND, "format": 1, "lake_format": 1, "version": "1", "files": {}}
STATED = {"bytes": 1, "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is not the manifest of `pipeline export --parquet`"),
        ("[1]", "is not the manifest"),
        ('{"name": "an app"}', "is not the manifest"),
        (json.dumps(MANIFEST | {"kind": "other"}), "is not the manifest"),
        (json.dumps(MANIFEST | {"format": "1"}), "is not the manifest"),
        (json.dumps(MANIFEST | {"files": [1]}), "is not the manifest"),
        (json.dumps(MANIFEST | {"files": {"../x.parquet": STATED}}), "is not the manifest"),
        (json.dumps(MANIFEST | {"files": {"scores.parquet": {"bytes": "1", "sha256": "0" * 64}}}), "is not the"),
        (json.dumps(MANIFEST | {"files": {"scores.parquet": {"bytes": 1, "sha256": 3}}}), "is not the manifest"),
        ("[" * 100_000, "is not the manifest"),
        (json.dumps(MANIFEST | {"format": 2}), "was written by a newer version: update with"),
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
        ("who knows", "line 1 of SHA256SUMS is not of its form"),
    ],
)
def test_a_list_of_parts_leads_nowhere_else(lake: Path, server: FileServer, line: str, says: str) -> None:
    server.files |= {"/x/lake.json": b'{"format": 1}', "/x/SHA256SUMS": f"{line}\n".encode()}
    with refused(says):
        merge.run(lake, f"{server.address}/x")


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
    values = pa.array([value] * table.num_rows, pa.string())
    return table.set_column(place, pa.field(column, pa.string()), values)


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
        ("scores", lambda table: replaced(table, "benchmark", ".."), "names no part of a lake"),
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
    assert not left(lake) and not snapshot_of_scores(lake)


def test_scores_of_no_known_kind_of_part_are_left_out(exported: Path, lake: Path, tmp_path: Path) -> None:
    folder = changed(exported, tmp_path / "shared", "scores", lambda table: replaced(table, "part", "whatever"))
    assert merge.run(lake, folder).taken == 0


def test_a_lake_whose_part_has_null_where_there_may_be_none_is_one_line(
    other: Path, lake: Path, tmp_path: Path
) -> None:
    damaged = shutil.copytree(other, tmp_path / "damaged")
    path = next(damaged.glob(f"parts/*/score-{OURS}-search-*/runs.parquet"))
    pq.write_table(replaced(pq.read_table(path), "host", None), path)
    with refused(f"{path} cannot be read (Casting field 'host' with null"):
        merge.run(lake, damaged)
