"""Redirects of downloads: where an address may lead, and where it may not."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import pytest

from pipeline.remote import redirects
from pipeline.remote.downloads import RemoteFile, download
from tests.fixtures.file_server import FileServer
from tests.fixtures.lines import refused
from tests.remote import test_downloads
from tests.remote.test_downloads import SHA256, content

file = test_downloads.file  # a fixture


def test_an_address_may_lead_to_another(file: RemoteFile, server: FileServer) -> None:
    server.leads_to = {"/old": f"{server.address}/table.bin", "/round": "/round", "/odd": "ftp://127.0.0.1/x"}
    server.leads_to |= {"/file": "file:///etc/passwd", "/none": "http://[::1/x", "/port": "http://127.0.0.1:99999999/x"}
    assert download(replace(file, address=f"{server.address}/old")).sha256 == SHA256
    for name, says in (
        ("round", "from address to address without end"), ("odd", "cannot be read"), ("file", "cannot be read"),
        ("none", "leads to an address that is none"), ("port", f"{server.address}/port"),
    ):  # fmt: skip
        with refused(says):
            download(replace(file, address=f"{server.address}/{name}", path=file.path.with_name("other")))


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data", "http://127.0.0.1:9/x", "//127.0.0.1:9/x", "http://localhost/x",
        "http://[::1]/x", "http://[::ffff:127.0.0.1]/x", "http://[2002:7f00:1::]/x", "http://2130706433/x", "http://10.0.0.1/x",
        "http://0.0.0.0/x", "http://[fe80::1]/x", "http://192.168.0.1:8080/x", "https://metadata.google.internal/x",
        "http://printer.local/x", "http://224.0.0.1/x", "http://user:word@127.0.0.1:9/x",
    ],
)  # fmt: skip
def test_no_address_leads_into_this_machine_or_its_network(file: RemoteFile, server: FileServer, target: str) -> None:
    server.leads_to = {"/table.bin": target}
    with refused(f"{server.address}/table.bin leads to ", "a network that is not public: it is not read", "name that"):
        download(file)
    assert content(file.path.parent) == {} and len(server.requests) == 1


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:9\\@8.8.8.8/x", "http://8.8.8.8@127.0.0.1/x", "http://localhost./x", "http://a.INTERNAL./x",
        "http://[::127.0.0.1]/x", "http://[64:ff9b::a9fe:a9fe]/x", "http://[fe80::1%25lo]/x", "http://nas.home.arpa/x",
    ],
)  # fmt: skip
def test_no_way_to_write_an_address_hides_where_it_leads(target: str) -> None:
    with refused("a network that is not public: it is not read"):
        redirects._next("http://8.8.8.8/x", "http://8.8.8.8/x", target)


def test_a_server_may_lead_to_another_path_of_its_own_or_to_a_public_one() -> None:
    inside = "http://10.0.0.1:8080/a/b"
    for target, expected in (
        ("/c", "http://10.0.0.1:8080/c"), ("c", "http://10.0.0.1:8080/a/c"), ("?d", "http://10.0.0.1:8080/a/b?d"),
        ("https://10.0.0.1/c", "https://10.0.0.1/c"), ("http://8.8.8.8/c", "http://8.8.8.8/c"),
        ("http://[64:ff9b::808:808]/c", "http://[64:ff9b::808:808]/c"),
    ):  # fmt: skip
        assert redirects._next(inside, inside, target) == expected
    for host in ("8.8.8.8", "example.org"):
        with refused(f"https://{host}/x leads to http://{host}/x, which is not encrypted"):
            redirects._next(f"https://{host}/x", f"https://{host}/x", f"http://{host}/x")


def test_a_name_that_is_another_number_when_it_is_connected_is_not_asked(
    file: RemoteFile, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, lookups = int(server.address.rpartition(":")[2]), []
    real = socket.getaddrinfo

    def numbers(host: str, *given: Any, **named: Any) -> Any:
        if host != "rebinding.example":
            return real(host, *given, **named)
        lookups.append(host)
        return real("8.8.8.8" if len(lookups) == 1 else "127.0.0.1", port, *given[1:], **named)

    monkeypatch.setattr(socket, "getaddrinfo", numbers)
    server.leads_to = {"/table.bin": f"http://rebinding.example:{port}/secret"}
    with refused("leads to rebinding.example, which is on this machine", "it is not read"):
        download(file)
    assert len(lookups) == 2 and [path for path, _ in server.requests] == ["/table.bin"]


def test_what_comes_beside_a_redirect_is_not_read(file: RemoteFile, server: FileServer) -> None:
    server.leads_to, server.endless = {"/table.bin": "/round", "/round": "/round"}, True
    with refused("from address to address without end"):
        download(file)
    assert len(server.requests) > 10 and server.sent < len(server.requests) << 24  # what sockets hold
