"""What is opened as somebody's file: files, and streams that the shell hands over; nothing that may never answer."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.benchmarks import load
from pipeline.errors import UserError
from pipeline.formats import json_arrays, packed, signatures, tables, text_files, tfrecord
from pipeline.formats.table_form import TableForm
from pipeline.ingest.run import ingest

READERS: dict[str, Callable[[Path], object]] = {
    "text": lambda path: text_files.read(path, "--only"),
    "packed": packed.content,
    "JSON array": lambda path: list(json_arrays.read(path)),
    "signature": signatures.identify,
    "TFRecord": tfrecord.is_tfrecord,
    "spans": lambda path: list(tfrecord.spans(path)),
    "CSV": lambda path: list(tables.rows(path, TableForm("csv"))),
    "pickle": lambda path: list(tables.rows(path, TableForm("pickle"))),
    "darts": lambda path: load("darts").read(path, False),
    "ingest": lambda path: ingest(path.parent / "lake", "flexibert", [path]),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", ["a named pipe", "a socket", "a device"])
def test_what_may_never_answer_is_refused_at_once(reader: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "class_object.csv"
    if kind == "a named pipe":
        os.mkfifo(path)
    elif kind == "a device":
        path.symlink_to("/dev/zero")
    else:
        with socket.socket(socket.AF_UNIX) as listening:
            before = Path.cwd()
            os.chdir(tmp_path)  # a socket's path has a hundred characters at most
            try:
                listening.bind(path.name)
            finally:
                os.chdir(before)
    with pytest.raises(UserError, match=rf"class_object\.csv is {kind}, where a file is expected: write what it holds"):
        READERS[reader](path)
    assert not (tmp_path / "lake").exists()


def test_a_stream_that_the_shell_hands_over_is_read_once() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"one\ntwo\n")
    os.close(writing)
    try:
        assert text_files.read(Path(f"/dev/fd/{reading}"), "--only") == "one\ntwo\n"
    finally:
        os.close(reading)
