"""Merging a lake or an exported folder from this machine, an http server or S3: the same rows, or nothing."""

from __future__ import annotations

import errno
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyarrow import fs

from pipeline import progress, provenance
from pipeline.errors import UserError
from pipeline.lake import checksums, files
from pipeline.lake.store import Lake
from pipeline.remote import http_files
from pipeline.scoring import merge
from tests.fixtures import lake_content, lakes
from tests.fixtures.command import exit_code
from tests.fixtures.file_server import FileServer
from tests.fixtures.lakes import OURS, arch
from tests.fixtures.lines import refused

MERGED = ("scores", "curves", "adopted", "runs", "proxies")


@pytest.fixture(scope="module")
def direct(full_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The rows of a lake that took the other from this machine."""
    root = tmp_path_factory.mktemp("direct") / "lake"
    merge.run(root, full_lake)
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
    return content | {"parts": sorted(name.rpartition("-")[0] for name in lake.part_names(lakes.BENCHMARK))}


def served(server: FileServer, folder: Path, at: str = "/shared") -> str:
    for path in folder.rglob("*"):
        if path.is_file():
            server.files[f"{at}/{path.relative_to(folder).as_posix()}"] = path.read_bytes()
    return f"{server.address}{at}"


def left(root: Path) -> list[Path]:
    return list((root / ".staging").glob("*"))


def test_an_exported_folder_gives_the_rows_that_the_lake_gives(
    exported: Path,
    direct: dict[str, list[str]],
    lake: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(progress, "QUIET_SECONDS", -1.0)
    monkeypatch.setattr(provenance, "_CHUNK", 1000)
    before = {path.name: path.read_bytes() for path in exported.iterdir()}
    summary = merge.run(lake, exported)
    assert summary.line == f"{exported}: 7 scores taken; 7 scores wait for their architectures to be ingested"
    assert rows(lake) == direct and not left(lake)
    read = [line for line in capsys.readouterr().err.splitlines() if line.startswith(f"reading {exported}: 0.0 MB of")]
    assert len(read) > 6  # several for a table
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
    full_lake: Path, direct: dict[str, list[str]], lake: Path, server: FileServer
) -> None:
    assert merge.run(lake, served(server, full_lake)).taken == 7
    assert rows(lake) == direct and not left(lake)
    assert not [path for path, _ in server.requests if "/ingest-" in path]


@pytest.mark.parametrize("kind", ["exported", "full_lake"])
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
    before = lake_content.files(lake / "parts")
    opened = SimpleNamespace(from_uri=lambda _: (Vanishing(), "shared/vanishing"))
    monkeypatch.setattr("pipeline.remote.folders.fs", SimpleNamespace(FileSystem=opened))
    with refused("s3://shared/vanishing/scores.parquet cannot be read (AWS Error NETWORK_CONNECTION): look at"):
        merge.run(lake, f"s3://shared/vanishing?{query}")
    assert lake_content.files(lake / "parts") == before and not left(lake)


def scored(root: Path, number: int, value: float = 1.0) -> None:
    run_id = f"{number:x}".rjust(16, "e")
    lakes.publish(
        root, f"score-{OURS}-{run_id}-00001", runs=[lakes.run(run_id=run_id)],
        proxies=[lakes.proxy(OURS, "toy", kind="trained")], scores=[lakes.score(number, OURS, value, run_id=run_id)],
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["exported", "full_lake"])
@pytest.mark.parametrize("after", [1, 3])
def test_a_lake_that_vanishes_leaves_the_own_one_as_it_was(
    lake: Path, server: FileServer, kind: str, after: int, request: pytest.FixtureRequest
) -> None:
    scored(lake, 3)
    before = lake_content.files(lake / "parts")
    address = served(server, request.getfixturevalue(kind))
    server.cuts = [*[None] * (after + 2 * (kind == "full_lake")), 10, 0, 0, 0, 0]
    with refused("the connection ended before the file did; nothing was taken"):
        merge.run(lake, address)
    assert lake_content.files(lake / "parts") == before and not left(lake)
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
    assert not left(lake) and not files_of_parts(lake)


def files_of_parts(root: Path) -> list[str]:
    return [name for name in lake_content.files(root / "parts") if not name.startswith("_schema/")]


def test_values_that_differ_are_told_as_of_a_lake(
    exported: Path, lake: Path, server: FileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    scored(lake, 0, value=700.0)
    before = lake_content.files(lake / "parts")
    address = served(server, exported)
    code = exit_code("merge", address, "--lake", lake)
    err = capsys.readouterr().err
    assert code == 1 and f"1 value of {address} is not that stored here, nothing was taken" in err
    assert lake_content.files(lake / "parts") == before
    assert exit_code("merge", address, "--keep-first", "--lake", lake) == 0
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
    ("kind", "says"),
    [
        ("exported", r"MB may be taken, half of what is free"),
        ("full_lake", r"is longer than the [\d,]+ bytes that it may have"),
    ],
)
def test_a_server_cannot_fill_the_disk(
    lake: Path, server: FileServer, kind: str, says: str, request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    address = served(server, request.getfixturevalue(kind))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10_000))
    with pytest.raises(UserError, match=says):
        merge.run(lake, address)
    assert not left(lake)


@pytest.mark.parametrize("kind", ["exported", "full_lake"])
def test_a_server_that_fails_is_asked_again_for_each_file(
    lake: Path, server: FileServer, kind: str, request: pytest.FixtureRequest
) -> None:
    address = served(server, request.getfixturevalue(kind))
    server.fails = dict.fromkeys([*server.files, "/shared/manifest.json"], 2)
    assert merge.run(lake, address).taken == 7
    server.fails = {"/shared/manifest.json": 3}
    with refused("/shared/manifest.json: the server fails (503): try again later"):
        merge.run(lake, address)


@pytest.mark.parametrize("status", [401, 403])
def test_in_a_bucket_that_may_not_be_listed_what_is_denied_may_be_absent(
    full_lake: Path, lake: Path, server: FileServer, status: int
) -> None:
    server.absent = status
    with refused(f"{server.address}/shared/manifest.json: it may not be read ({status})"):
        merge.run(lake, f"{server.address}/shared")
    address = served(server, full_lake)
    assert merge.run(lake, address).taken == 7
    server.status = {"/shared/SHA256SUMS": 403}
    with refused(f"{address} is a lake without SHA256SUMS that can be read, the list of its parts: copy the folder"):
        merge.run(lake, address)
    server.status = {path: 403 for path in server.files if path.endswith("scores.parquet")}
    with refused("scores.parquet: it may not be read (403)", "nothing was taken"):
        merge.run(lake.parent / "another", address)


def test_in_s3_what_is_denied_may_be_absent(
    full_lake: Path, lake: Path, bucket: tuple[fs.FileSystem, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    system, query = bucket
    fs.copy_files(str(full_lake), "shared/unlisted", destination_filesystem=system)

    class Unlisted:
        def open_input_stream(self, path: str) -> Any:
            try:
                return system.open_input_stream(path)
            except FileNotFoundError as error:
                raise OSError(f"When reading information for key '{path}': AWS Error ACCESS_DENIED") from error

    opened = SimpleNamespace(from_uri=lambda address: (Unlisted(), address[5:].partition("?")[0]))
    monkeypatch.setattr("pipeline.remote.folders.fs", SimpleNamespace(FileSystem=opened))
    assert merge.run(lake, f"s3://shared/unlisted?{query}").taken == 7
    with refused("s3://shared/none/manifest.json may not be read (AWS Error ACCESS_DENIED): look at the credentials"):
        merge.run(lake, f"s3://shared/none?{query}")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "cannot be read as the marker of a lake: Expecting value"),
        (b"[1]", "cannot be read as the marker of a lake: its format is None"),
        (b'{"format": "1"}', "cannot be read as the marker of a lake: its format is"),
        (b"[" * 20_000, "cannot be read as the marker of a lake: "),
        (b'\xff{"format": 1}', "cannot be read as the marker of a lake: 'utf-8' codec can't decode"),
        (b'{"format": 1}' + b" " * 70_000, "longer than the 65,536 bytes"),
        (b"<html>Log in", "answers with a web page"),
    ],
)
def test_an_odd_marker_is_told_by_its_address(
    full_lake: Path, lake: Path, server: FileServer, content: bytes, says: str
) -> None:
    address = served(server, full_lake)
    server.files["/shared/lake.json"] = content
    with refused(f"{address}/lake.json", says):
        merge.run(lake, address)
    assert not lake.exists() and len(server.requests) == 2


def test_a_damaged_part_is_told_by_its_address(full_lake: Path, lake: Path, tmp_path: Path, server: FileServer) -> None:
    folder = shutil.copytree(full_lake, tmp_path / "copy")
    part = next(folder.glob("parts/*/score-*/scores.parquet"))
    before = checksums.of_file(part)
    part.write_bytes(b"PAR1 no PAR1")
    sums = folder / checksums.FILE
    sums.write_text(sums.read_text().replace(before, checksums.of_file(part)))
    address = served(server, folder)
    with refused(f"{address}/{part.relative_to(folder)} cannot be read"):
        merge.run(lake, address)


def test_a_lake_of_another_format_is_told_by_its_address(full_lake: Path, lake: Path, server: FileServer) -> None:
    address = served(server, full_lake)
    server.files["/shared/lake.json"] = b'{"format": 2}'
    with refused(f"the lake {address} has format 2, written by a newer version"):
        merge.run(lake, address)


def test_a_web_page_in_place_of_a_manifest_is_told(full_lake: Path, server: FileServer, tmp_path: Path) -> None:
    server.files["/shared/manifest.json"] = b"<html>Log in"
    with refused("/shared/manifest.json answers with a web page"):
        merge.run(tmp_path / "lake", f"{server.address}/shared")
    assert not (tmp_path / "lake").exists()
    assert merge.run(tmp_path / "lake", served(server, full_lake)).taken == 7
