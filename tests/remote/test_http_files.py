"""Answers of servers: which are asked for again, and what is no file."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
from pathlib import Path

import pytest

from pipeline import time_limit
from pipeline.remote import http_files
from pipeline.remote.downloads import RemoteFile, download
from pipeline.remote.http_files import NoAnswerError, UnreachableError
from tests.fixtures.file_server import FileServer
from tests.fixtures.lines import refused
from tests.remote import test_downloads
from tests.remote.test_downloads import CONTENT, content

file = test_downloads.file  # a fixture


@pytest.mark.parametrize(("first", "calls"), [(UnreachableError("503"), 3), (NoAnswerError("refused"), 1)])
def test_a_server_that_has_answered_is_asked_again_also_where_it_does_not_answer_any_more(
    first: UnreachableError, calls: int
) -> None:
    answers = [first, NoAnswerError("refused"), "content"]
    made: list[object] = []

    def ask() -> str:
        made.append(answer := answers[len(made)])
        if isinstance(answer, UnreachableError):
            raise answer
        return str(answer)

    with contextlib.suppress(NoAnswerError):
        assert http_files.persistently(ask, lambda: False) == "content"
    assert len(made) == calls


def test_a_file_of_comments_alone_is_no_web_page_which_takes_no_time_to_see(
    file: RemoteFile, server: FileServer
) -> None:
    server.files["/table.bin"] = b"<!---->" * 2000
    with time_limit.within(20, of_processor=True):
        assert download(file).bytes == 14_000


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html; charset=utf-8", b"Please wait"), ("Text/HTML", b"Please wait"),
        ("application/octet-stream", b"\n <!DOCTYPE HTML><p>Log in"),
        ("application/octet-stream", b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- cached\n --><html>"),
    ],
)  # fmt: skip
def test_a_web_page_is_not_taken_for_the_file(file: RemoteFile, server: FileServer, kind: str, body: bytes) -> None:
    server.kind, server.files["/table.bin"] = kind, body
    with refused("answers with a web page, not with the file", str(file.path)):
        download(file)
    assert content(file.path.parent) == {}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "table.bin cannot be reached (Remote end closed connection without response): look"),
        (b"220 ready\r\n", "table.bin cannot be reached (what answers does not speak HTTP): look"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\n", "table.bin cannot be read: "),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(CONTENT)[:9999],
            "the server packs the file as 'gzip', unasked",
        ),
    ],
)
def test_what_is_no_answer_is_one_line(tmp_path: Path, answer: bytes, says: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_answer_once, args=(listening, answer), daemon=True).start()
        with refused(says):
            download(RemoteFile(f"http://127.0.0.1:{listening.getsockname()[1]}/table.bin", tmp_path / "table.bin"))
    assert content(tmp_path) == {}


def _answer_once(listening: socket.socket, answer: bytes) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.recv(9999)
        connection.sendall(answer)
