"""Downloads: whole, cut and gone on with, of another content than expected; nothing that is not ours is touched."""

from __future__ import annotations

import errno
import gzip
import hashlib
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from pipeline.errors import UserError
from pipeline.lake import files, locations
from pipeline.remote import folders, http_files
from pipeline.remote.downloads import RemoteFile, download
from tests.fixtures import file_server
from tests.fixtures.file_server import FileServer
from tests.fixtures.lines import refused

CUT = 6 * http_files.CHUNK
CONTENT = random.Random(5).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def file(server: FileServer, tmp_path: Path) -> RemoteFile:
    server.files["/table.bin"] = CONTENT
    return RemoteFile(f"{server.address}/table.bin", tmp_path / "downloads" / "table.bin")


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} if folder.exists() else {}


def test_a_file_comes_whole_and_is_the_same_the_next_time(file: RemoteFile, server: FileServer) -> None:
    first = download(file)
    assert (first.bytes, first.sha256, first.expected, first.was_here) == (len(CONTENT), SHA256, "none", False)
    assert set(content(file.path.parent)) == {"table.bin", "table.bin.download.json"}
    assert file.path.read_bytes() == CONTENT
    again = download(file)
    assert (again.expected, again.was_here, again.sha256) == ("first seen", True, SHA256)
    assert download(replace(file, sha256=SHA256)).expected == "published"
    assert server.requests == [("/table.bin", 0)]


def test_what_takes_long_to_hash_shows_how_far_it_is(
    file: RemoteFile, server: FileServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(locations, "MOST_HASHED", 1)
    for path in (file.part, file.path):
        download(file)
        assert f"hashing {path}: 0.3 MB of 0.3 MB, " in capsys.readouterr().err


def test_a_cut_download_goes_on_by_itself(file: RemoteFile, server: FileServer) -> None:
    server.cuts = [CUT, 2 * http_files.CHUNK]
    assert download(file).sha256 == SHA256
    assert [offset for _, offset in server.requests] == [0, CUT, CUT + 2 * http_files.CHUNK]


def test_a_server_that_fails_is_asked_again_and_a_line_says_so(
    file: RemoteFile, server: FileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.fails = {"/table.bin": 3}
    with refused("the server fails (503): try again later"):
        download(file)
    assert len(server.requests) == 3 and content(file.path.parent) == {}
    waits = f"warning: {file.address}: the server fails (503): try again later; this command asks again in 0 seconds"
    assert capsys.readouterr().err.splitlines() == [waits, waits]
    server.fails = {"/table.bin": 2}
    assert download(file).sha256 == SHA256


def test_a_download_that_is_cut_again_and_again_goes_on_with_the_next_command(
    file: RemoteFile, server: FileServer
) -> None:
    server.cuts = [CUT, http_files.CHUNK, 0]
    with refused("the connection ended before the file did", "114,688 bytes are kept", "goes on from there"):
        download(file)
    assert file.part.read_bytes() == CONTENT[: 7 * http_files.CHUNK] and not file.path.exists()
    assert download(file).sha256 == SHA256
    assert server.requests[-1] == ("/table.bin", 7 * http_files.CHUNK)
    assert set(content(file.path.parent)) == {"table.bin", "table.bin.download.json"}


def test_a_download_that_was_killed_goes_on(
    file: RemoteFile, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    server.cuts = [CUT]
    monkeypatch.setattr(time, "sleep", killed)
    with pytest.raises(KeyboardInterrupt):
        download(file)
    assert download(file).sha256 == SHA256 and server.requests[-1] == ("/table.bin", CUT)


@pytest.mark.parametrize("fault", ["ranges", "tags"])
def test_a_server_that_sends_no_rest_or_no_version_sends_all_again(
    file: RemoteFile, server: FileServer, fault: str
) -> None:
    setattr(server, fault, False)
    server.cuts = [CUT]
    assert download(file).sha256 == SHA256
    assert file.path.read_bytes() == CONTENT


def test_of_a_file_that_changed_meanwhile_the_new_one_comes_whole(file: RemoteFile, server: FileServer) -> None:
    server.cuts = [CUT, 0, 0]
    with refused("98,304 bytes are kept"):
        download(file)
    server.files["/table.bin"] = CONTENT[::-1]
    server.cuts = []
    assert download(file).sha256 == hashlib.sha256(CONTENT[::-1]).hexdigest()


@pytest.mark.parametrize("tags", [True, False])
def test_a_rest_of_another_version_is_not_added_to_what_is_here(
    file: RemoteFile, server: FileServer, tags: bool
) -> None:
    server.cuts = [CUT, 0, 0]
    with refused("98,304 bytes are kept"):
        download(file)
    server.files["/table.bin"] = changed = CONTENT[::-1] if tags else CONTENT[::-1] + b"more"
    server.conditional, server.tags, server.cuts = False, tags, []
    assert download(file).sha256 == hashlib.sha256(changed).hexdigest()
    assert [offset for _, offset in server.requests[-2:]] == [CUT, 0]


def test_a_rest_that_does_not_state_its_version_is_gone_on_with(file: RemoteFile, server: FileServer) -> None:
    server.cuts = [CUT, 0, 0]
    with refused("98,304 bytes are kept"):
        download(file)
    server.tags, server.cuts = False, []
    assert download(file).sha256 == SHA256
    assert server.requests[-1] == ("/table.bin", CUT)


def test_a_file_of_a_folder_that_changes_while_it_comes_is_the_new_one(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["/table.bin"], server.conditional, server.cuts = CONTENT, False, [CUT]

    def changes(_seconds: float) -> None:
        server.files["/table.bin"] = CONTENT[::-1]

    monkeypatch.setattr(time, "sleep", changes)
    copy = folders.HttpFolder(server.address).file("table.bin", tmp_path / "copy", lambda _: None, None)
    assert copy.read_bytes() == CONTENT[::-1]


def test_a_part_of_another_address_is_not_gone_on_with(file: RemoteFile, server: FileServer) -> None:
    server.cuts = [CUT, 0, 0]
    with refused("98,304 bytes are kept"):
        download(file)
    server.files["/moved.bin"] = CONTENT
    assert download(replace(file, address=f"{server.address}/moved.bin")).sha256 == SHA256
    assert server.requests[-1] == ("/moved.bin", 0)


def test_a_part_that_is_whole_needs_no_network(file: RemoteFile, server: FileServer) -> None:
    download(file)
    file.path.rename(file.part)
    file.record.write_text(f'{{"address": "{file.address}", "bytes": {len(CONTENT)}}}')
    server.files.clear()
    assert download(file).sha256 == SHA256


@pytest.mark.parametrize(
    ("published", "says"),
    [
        ({"sha256": "0" * 64}, (SHA256, "0" * 64, "what came is removed")),
        ({"bytes": 299_999}, ("300,000 bytes, not 299,999",)),
    ],
)
def test_another_file_than_the_published_one_is_refused_and_nothing_stays(
    file: RemoteFile, published: dict[str, Any], says: tuple[str, ...]
) -> None:
    with refused("is not the published file", *says):
        download(replace(file, **published))
    assert content(file.path.parent) == {}


def test_a_file_that_its_publisher_replaced_is_told_from_the_first_one(file: RemoteFile, server: FileServer) -> None:
    download(file)
    file.path.unlink()
    server.files["/table.bin"] = b"another"
    with refused("has changed since it was first downloaded", SHA256, f"remove {file.record}"):
        download(file)
    assert set(content(file.path.parent)) == {"table.bin.download.json"}
    server.files["/table.bin"] = CONTENT
    assert download(file).expected == "first seen"
    server.files["/table.bin"] = b"another"
    file.path.unlink()
    file.record.unlink()
    assert download(file).expected == "none"


def test_a_file_that_changed_here_is_told(file: RemoteFile) -> None:
    download(file)
    file.path.write_bytes(b"edited")
    with refused("is not the file that was first downloaded", "move it away"):
        download(file)
    assert file.path.read_bytes() == b"edited"


@pytest.mark.parametrize("name", ["table.bin", "table.bin.part"])
def test_a_file_of_somebody_else_stays(file: RemoteFile, name: str) -> None:
    place = file.path.with_name(name)
    place.parent.mkdir()
    place.write_bytes(b"mine")
    with refused(name, "move it away"):
        download(file)
    assert content(place.parent) == {name: b"mine"}


@pytest.mark.parametrize("name", ["table.bin", "table.bin.part", "table.bin.download.json"])
@pytest.mark.parametrize("kind", ["link", "folder"])
def test_nothing_is_written_through_a_link_or_a_folder(file: RemoteFile, tmp_path: Path, name: str, kind: str) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    place = file.path.with_name(name)
    place.parent.mkdir()
    if kind == "link":
        place.symlink_to(victim)
    else:
        place.mkdir()
    with refused("is no plain file"):
        download(file)
    assert victim.read_bytes() == b"mine"


def test_a_lake_takes_no_download(file: RemoteFile) -> None:
    file.path.parent.mkdir()
    (file.path.parent / "lake.json").write_text("{}")
    with refused("is inside the lake"):
        download(file)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (404, "there is no such file (404)"), (410, "there is no such file any more (410)"),
        (403, "it may not be read (403)"), (500, "the server fails (500): try again later"),
        (429, "the server fails (429)"),
        (418, "the server answers 418, not with the file"), (416, "the server answers 416, not with the file"),
    ],
)  # fmt: skip
def test_what_a_server_answers_in_place_of_a_file_is_one_line(
    file: RemoteFile, server: FileServer, status: int, says: str
) -> None:
    server.status["/table.bin"] = status
    with refused(f"{server.address}/table.bin: {says}"):
        download(file)
    assert content(file.path.parent) == {}


def test_without_a_network_it_is_one_line(tmp_path: Path) -> None:
    with refused("cannot be reached (Connection refused)", "try again"):
        download(RemoteFile(f"{file_server.nobody()}/x", tmp_path / "x"))
    with refused("cannot be reached"):
        download(RemoteFile("http://host.invalid/x", tmp_path / "x"))
    assert content(tmp_path) == {}


def test_nothing_is_not_taken_for_the_file(file: RemoteFile, server: FileServer) -> None:
    server.files["/table.bin"] = b""
    with refused("table.bin: the server sends a file of no bytes"):
        download(file)
    assert content(file.path.parent) == {}


def test_certificates_that_are_not_there_are_one_line(file: RemoteFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/none.pem")
    with refused("https://127.0.0.1:9/x cannot be read: ", "/none.pem"), http_files.requested("https://127.0.0.1:9/x"):
        pass


@pytest.mark.parametrize(
    ("length", "rest", "says"),
    [
        ("-5", "", "the server states '-5' as the length of the file"),
        ("9" * 5000, "", "as the length of the file"),
        ("", "bytes 5-299999/300000", "the server sends the file from byte 5 on, not 0"),
        ("", f"bytes {'9' * 5000}-1/2", "sends a part of the file and does not say which"),
        ("", "bytes 0-1/" + "9" * 5000, "as the length of the file"),
    ],
)
def test_lengths_and_parts_that_cannot_be_are_one_line(
    file: RemoteFile, server: FileServer, length: str, rest: str, says: str
) -> None:
    server.length, server.rest = length, rest
    with refused(f"{server.address}/table.bin: ", says):
        download(file)
    assert content(file.path.parent) == {}


def test_a_file_without_end_has_no_more_than_half_of_the_disk(
    file: RemoteFile, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    server.endless = True
    with refused("table.bin is longer than the 524,288 bytes that it may have; what came is removed"):
        download(file)
    server.endless, server.packed = False, "gzip"
    server.files["/table.bin"] = gzip.compress(bytes(1 << 24))
    with refused("table.bin is longer than the 524,288 bytes that it may have; what came is removed"):
        download(file)
    with refused("is longer than the 3,000 bytes that it may have"):
        download(replace(file, bytes=3000))
    server.packed = "gzip, gzip"
    with refused("the server packs the file as 'gzip, gzip', unasked"):
        download(file)
    assert content(file.path.parent) == {}
    server.packed, server.files["/table.bin"] = "gzip", gzip.compress(CONTENT)
    assert download(file).sha256 == SHA256


@pytest.mark.parametrize("sized", [True, False])
def test_a_server_that_sends_byte_by_byte_keeps_nobody(
    file: RemoteFile, server: FileServer, sized: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_files, "SLOWEST", 0.1)
    server.drips, server.sized = 10_000, sized  # a hundred seconds
    began = time.monotonic()
    with refused("the connection ended before the file did"):
        download(file)
    assert time.monotonic() - began < 60
    server.drips = 1
    monkeypatch.setattr(http_files, "SLOWEST", 120.0)
    assert download(file).sha256 == SHA256


def test_a_full_disk_is_told_before_and_while_a_file_comes(
    file: RemoteFile, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
        with refused("no space for downloading", "0.3 MB are missing"):
            download(file)
    assert content(file.path.parent) == {}

    def chunks(*_: Any) -> Iterator[bytes]:
        yield CONTENT[:CUT]
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        answer = http_files._answer
        full.setattr(http_files, "_answer", lambda *given: replace(answer(*given), chunks=chunks()))
        with refused("no space left while downloading to", "run the same command again"):
            download(file)
    assert download(file).sha256 == SHA256 and server.requests[-1] == ("/table.bin", CUT)


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_place_of_the_folder_is_one_line(file: RemoteFile, below: str) -> None:
    folder = file.path.parent
    folder.write_bytes(b"a file")
    with refused("is no folder", "name another one"):
        download(replace(file, path=folder / below / "table.bin"))
    assert folder.read_bytes() == b"a file"


def test_a_folder_that_cannot_be_written_is_one_line(file: RemoteFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused_by_system(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(file.part))

    monkeypatch.setattr(files, "locked", refused_by_system)
    with refused("no permission while downloading to", "choose another place"):
        download(file)


def test_a_record_that_is_none_is_as_if_it_were_not_there(file: RemoteFile) -> None:
    file.path.parent.mkdir()
    for text in ("", "[]", '{"address": 3}', '{"sha256": 3}', '{"bytes": "x"}', '{"other": 1}'):
        file.record.write_text(text)
        file.path.unlink(missing_ok=True)
        assert download(file).expected == "none"


@pytest.mark.parametrize(("reason", "asks"), [("certificate has expired", True), ("self-signed certificate", False)])
def test_a_certificate_out_of_its_time_may_be_the_fault_of_the_clock_here(
    file: RemoteFile, monkeypatch: pytest.MonkeyPatch, reason: str, asks: bool
) -> None:
    def fail(*_: object) -> None:
        raise requests.exceptions.SSLError(f"certificate verify failed: {reason}")

    monkeypatch.setattr(http_files, "followed", fail)
    with pytest.raises(UserError, match=reason) as caught:
        download(file)
    assert ("the clock of this machine" in str(caught.value)) == asks
