"""Merging from an address that is none, or where no lake is: one line, and nothing is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.scoring import merge
from tests.fixtures import file_server
from tests.fixtures.file_server import FileServer
from tests.fixtures.lines import refused


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ((), "is not a lake: name the address of a folder that holds manifest.json"),
        (("lake.json",), "is a lake without SHA256SUMS, the list of its parts: copy the folder to this machine"),
    ],
)
def test_an_address_without_a_lake_is_one_line(
    full_lake: Path, lake: Path, server: FileServer, names: tuple[str, ...], says: str
) -> None:
    for name in names:
        server.files[f"/x/{name}"] = (full_lake / name).read_bytes()
    with refused(f"{server.address}/x {says}"):
        merge.run(lake, f"{server.address}/x")
    assert not lake.exists()


def test_an_address_where_nothing_answers_is_told_at_once(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.remote.http_files.PAUSES", (3600.0,))
    with refused("cannot be reached (Connection refused)"):
        merge.run(lake, f"{file_server.nobody()}/x")


def test_an_address_that_cannot_be_read_is_one_line(lake: Path, tmp_path: Path) -> None:
    for address, says in (
        (f"{file_server.nobody()}/x", "cannot be reached (Connection refused)"),
        ("https://host.invalid/x", "cannot be reached"),
        ("ftp://host/x", "ftp://host/x has a scheme that is not read: name a folder, or an address of http://"),
        ("https://", "https:// names no host"),
        ("s3:///x", "s3:///x names no bucket"),
        ("https://localhost:99999/x", "https://localhost:99999/x has a port that is no number up to 65535"),
        ("https://localhost:80a/x", "has a port that is no number"),
        ("S3://a b/x", "Cannot parse URI: 's3://a b/x'"),
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
