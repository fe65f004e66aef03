"""rho over earlier reports, and what changed against one of them."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.report import baseline, page
from pipeline.report.history import earlier, history
from tests.fixtures import lakes


def test_reports_of_a_folder_stand_in_their_order_and_the_new_one_last(tmp_path: Path) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    page.write(lake.root, tmp_path / "out")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    past = tmp_path / "past" / "week-1"
    past.mkdir(parents=True)
    (past / "report.json").write_text(json.dumps({**report, "made_at": "2026-01-01T00:00:00+00:00"}))
    (past / "manifest.json").write_text((tmp_path / "out" / "manifest.json").read_text())
    old_form = {"made_at": "2025-01-01T00:00:00+00:00", "spaces": [{k: v for k, v in s.items() if k != "targets"} | {
        "targets": []} for s in report["spaces"]]}  # fmt: skip
    (tmp_path / "past" / "old.json").write_text(json.dumps(old_form))
    rows = history(earlier(tmp_path / "past"), report)
    dates = [row["made_at"][:4] for row in rows]
    assert dates == sorted(dates) and set(dates) == {"2025", "2026"} and rows[-1]["made_at"] == report["made_at"]
    assert {row["name"] for row in rows if row["made_at"][:4] == "2025"} >= {"regression-toy, seed 0", "params@big"}


def _earlier_report(rho: str = "0.5", made_at: str = "2025-01-01T00:00:00+00:00") -> str:
    row = f'{{"label": "a\\ud800", "seed": 0, "rho": {rho}, "n": 9}}'
    target = f'{{"dataset": "d", "metric": "m", "leaderboard": [{row}]}}'
    space = f'{{"benchmark": "b", "space": "s", "targets": [{target}]}}'
    return f'{{"made_at": "{made_at}", "spaces": [{space}]}}'


def _bad(folder: Path) -> dict[str, str]:
    """Writes a folder of files that are no reports; returns what is said of each."""
    form = "not of the form of a report.json"
    (folder / "a folder.json").mkdir(parents=True)
    bad = {
        "list": ("[1]", form),
        "cut": (_earlier_report()[:-9], "no JSON that can be read"),
        "empty": ("", "no JSON that can be read"),
        "bytes": ("\ud800", "no JSON"),
        "deep": ("[" * 100_000, "no JSON"),
        "other": ('{"spaces": [{}], "made_at": "2025-01-01"}', form),
        "older": ('{"spaces": [{"targets": [1]}], "made_at": "2025-01-01"}', form),
        "date": (_earlier_report(made_at="yesterday"), form),
        "text": (_earlier_report('"high"'), form),
        "infinite": (_earlier_report("Infinity"), form),
        "long": (_earlier_report("9" * 400), form),
    }
    for name, (text, _) in bad.items():
        (folder / f"{name}.json").write_text(text, "utf-8", "surrogatepass")
    return {f"{name}.json": reason for name, (_, reason) in bad.items()}


def test_a_file_that_is_no_report_is_named_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, reason in _bad(tmp_path / "bad").items():
        past = tmp_path / name.removesuffix(".json")
        past.mkdir()
        (tmp_path / "bad" / name).rename(past / name)
        assert earlier(past) == []
        assert f"left out of the history: {past / name} ({reason}" in capsys.readouterr().err
        (past / "report.json").write_text(_earlier_report())
        rows = earlier(past)
        assert [(row["name"], row["rho"]) for row in rows] == [("a\\ud800, seed 0", 0.5)]
        [said] = capsys.readouterr().err.splitlines()
        assert said.startswith(f"warning: left out of the history: {past / name} ({reason}")


def test_of_many_bad_files_some_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = sorted(_bad(tmp_path))
    (tmp_path / "report.json").write_text(_earlier_report())
    assert len(earlier(tmp_path)) == 1
    said = capsys.readouterr().err
    assert [name for name in names if name in said] == names[:3] and f"and {len(names) - 3} others" in said


def test_a_folder_that_is_none_or_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert earlier(tmp_path) == []
    with pytest.raises(UserError, match="no folder"):
        earlier(tmp_path / "none")

    def closed(_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path))

    monkeypatch.setattr(os, "scandir", closed)  # root may read anywhere
    with pytest.raises(UserError, match=f"no permission while reading {tmp_path}: change the permissions"):
        earlier(tmp_path)


def test_the_page_tells_what_moved(tmp_path: Path) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    page.write(lake.root, tmp_path / "out")
    before = dict(baseline.read(tmp_path / "out"))
    key = next(iter(before))
    moved = {**before, key: baseline.BaselineCorrelation(-0.5, before[key].n, before[key].n_failed)}
    result = page.write(lake.root, tmp_path / "out", against=moved, history_folder=tmp_path / "out")
    assert result.differences and [d.key for d in result.differences] == [key]
    text = result.index.read_text()
    assert (
        "rho moved" in text and "-0.5000" in text and "1 row moved, vanished or lost architectures, 0 are new." in text
    )
