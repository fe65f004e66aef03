"""A report's files replace those of an earlier report, and nothing else."""

from __future__ import annotations

import errno
import gzip
import json
import os
import platform
import signal
import sys
from pathlib import Path

import pytest

from pipeline import interruption
from pipeline.errors import UserError
from pipeline.report import baseline, charts, folder, history
from tests.fixtures.lines import refused, time_limit

HEADER = "benchmark,space,dataset,metric,epochs,source_id,proxy,proxy_id,seed,n,n_failed,n_no_truth,rho,low,high\n"
FILES = {
    "correlations.csv": HEADER.encode(),
    "report.json": json.dumps({"version": "1", "made_at": "", "spaces": [], "figures": [{"name": "rhos-a"}]}).encode(),
    "report.md": f"# {folder.TITLE}\n\n".encode(),
    "index.html": f"<!doctype html>\n<title>{folder.TITLE}</title>".encode(),
}
ABOUT = {"schema": 2, "version": "1", "made_at": ""}
OLD_FIGURES = {f"figures/rhos-a.{kind}": b"a figure without a mark" for kind in ("svg", "png")}


def content(out: Path) -> dict[str, bytes]:
    """The files but the manifest."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.name != folder.MANIFEST
    }


def put(out: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)


def test_a_report_of_an_earlier_version_is_replaced_and_its_figures_go(tmp_path: Path) -> None:
    put(tmp_path, {**FILES, **OLD_FIGURES, "figures/mine.png": b"mine", "notes.txt": b"mine"})
    new = {name: data + b"\n" for name, data in FILES.items()}
    folder.replace(tmp_path, new, ABOUT)
    assert content(tmp_path) == {**new, "figures/mine.png": b"mine", "notes.txt": b"mine"}


def test_figures_that_the_manifest_lists_are_replaced_or_go(tmp_path: Path) -> None:
    figures = {"figures/a.svg": b"<svg>", "figures/b.pdf": b"%PDF"}
    folder.replace(tmp_path, {**figures, **FILES, "changes.md": b"changes"}, ABOUT)
    put(tmp_path, {"figures/c.png": b"mine"})
    folder.replace(tmp_path, {"figures/a.svg": b"new", **FILES}, ABOUT)
    assert content(tmp_path) == {**FILES, "figures/a.svg": b"new", "figures/c.png": b"mine"}


def test_a_manifest_deletes_nothing_but_files_of_a_report(tmp_path: Path) -> None:
    manifest = {**ABOUT, "files": {"notes.txt": {}, "../index.html": {}, "figures/../notes.txt": {}}}
    out = tmp_path / "out"
    put(out, {folder.MANIFEST: json.dumps(manifest).encode(), "notes.txt": b"mine"})
    put(tmp_path, {"index.html": FILES["index.html"]})
    folder.replace(out, FILES, ABOUT)
    assert content(out) == {**FILES, "notes.txt": b"mine"} and (tmp_path / "index.html").exists()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("index.html", b"<title>My home page</title>"),
        ("index.html", b""),
        ("report.json", b'{"my": "data"}'),
        ("report.json", b'[{"figures": []}]'),
        ("report.json", b"no json"),
        ("report.md", b"# Minutes\n"),
        ("correlations.csv", b"name,rho\na,1\n"),
        ("figures/rhos-a.png", b"a picture of mine"),
    ],
)
def test_a_folder_with_a_file_of_something_else_is_refused_and_stays(tmp_path: Path, name: str, data: bytes) -> None:
    others = {other: data for other, data in FILES.items() if other != name and "json" not in other}
    put(tmp_path, {**others, name: data})
    before = content(tmp_path)
    with pytest.raises(UserError, match=rf"{name} was not written by a report and stays as it is: name another --out"):
        folder.replace(tmp_path, {"figures/rhos-a.png": b"new", **FILES}, ABOUT)
    assert content(tmp_path) == before


@pytest.mark.parametrize("name", ["index.html", "figures", "report.json"])
def test_a_link_in_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    out, target = tmp_path / "out", tmp_path / "target"
    put(target, {**FILES, "figures/rhos-a.png": b"x"})
    out.mkdir()
    (out / name).symlink_to(target / name)
    with pytest.raises(UserError, match="is a symbolic link"):
        folder.replace(out, {"figures/rhos-a.png": b"new", **FILES}, ABOUT)
    assert content(target) == {**FILES, "figures/rhos-a.png": b"x"}


def test_the_json_of_something_else_deletes_no_pictures(tmp_path: Path) -> None:
    listed = {"figures": [{"name": "holiday"}], "spaces": []}
    put(tmp_path, {"report.json": json.dumps(listed).encode(), "figures/holiday.png": b"mine"})
    with pytest.raises(UserError, match=r"report.json was not written by a report"):
        folder.replace(tmp_path, FILES, ABOUT)
    assert content(tmp_path)["figures/holiday.png"] == b"mine"


def test_what_killed_reports_left_is_swept(tmp_path: Path) -> None:
    number = 2**22 + 1  # no process has so large an id
    for name in (f".report-{number}-0123abcd", f".report-{platform.node()}-{number}-0123abcd"):
        put(tmp_path, {f"{name}/index.html": b"half", f"{name}/figures/a.png": b"half"})
    put(tmp_path, {f".report-{number}-4567abcd/notes.txt": b"mine", ".report-mine/index.html": b"mine"})
    folder.replace(tmp_path, FILES, ABOUT)
    kept = {f".report-{number}-4567abcd/notes.txt": b"mine", ".report-mine/index.html": b"mine"}
    assert content(tmp_path) == {**FILES, **kept}


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UserError, match="is a file, no place for writing the report: name a folder with --out"):
        folder.refuse_foreign(tmp_path / "out")


@pytest.mark.parametrize("there", [True, False])
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_computed(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)  # root may write anywhere
    out = tmp_path if there else tmp_path / "a" / "b"
    with refused(f"no permission for writing the report to {out}: make {tmp_path} writable, or name a folder"):
        folder.refuse_foreign(out)


def test_a_named_pipe_in_the_place_of_a_file_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(charts, "_bundle", lambda: b"scripts")
    charts.library(tmp_path)
    [scripts] = tmp_path.iterdir()
    scripts.unlink()
    for name in (folder.MANIFEST, "report.json", baseline.FILE, scripts.name):
        os.mkfifo(tmp_path / name)
    with time_limit(120):
        with refused("was not written by a report and stays as it is"):
            folder.refuse_foreign(tmp_path)
        with refused(baseline.FILE, "is no plain file"):
            baseline.read(tmp_path)
        assert history.earlier(tmp_path) == [] and "report.json (no plain file)" in capsys.readouterr().err
        assert charts.library(tmp_path) == b"scripts"


def test_where_a_report_cannot_be_written_no_empty_folder_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    (tmp_path / "there").mkdir()
    for out in (tmp_path / "new", tmp_path / "there"):
        with pytest.raises(OSError, match="No space"):
            folder.replace(out, FILES | OLD_FIGURES, ABOUT)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_signal_is_heard_while_the_scripts_of_the_page_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    signalling = f"import os, time; os.kill({os.getpid()}, {signal.SIGINT.value}); time.sleep(60)"
    monkeypatch.setattr(charts, "_BUNDLING", signalling)
    with interruption.handled(to_the_end=False) as signals:
        signals.begin()
        with time_limit(120), pytest.raises(KeyboardInterrupt):
            charts._bundle.__wrapped__()


def test_the_scripts_of_the_page_are_made_here_where_no_process_is_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.setattr("vl_convert.javascript_bundle", lambda exposed: f"scripts; {exposed}")
    assert gzip.decompress(charts._bundle.__wrapped__()).decode() == "scripts; window.vegaEmbed = vegaEmbed;"
