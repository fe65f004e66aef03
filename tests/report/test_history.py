"""rho over earlier reports, and what changed against one of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.report import baseline, page
from pipeline.report.history import history
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
    rows = history(tmp_path / "past", report)
    dates = [row["made_at"][:4] for row in rows]
    assert dates == sorted(dates) and set(dates) == {"2025", "2026"} and rows[-1]["made_at"] == report["made_at"]
    assert {row["name"] for row in rows if row["made_at"][:4] == "2025"} >= {"regression-toy, seed 0", "params@big"}


def test_a_folder_that_is_none_and_a_broken_report_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no folder"):
        history(tmp_path / "none", {"made_at": "2026", "spaces": []})
    for text in ("{", '{"made_at": "2025", "spaces": [{}]}', '{"made_at": "2025", "spaces": [{"targets": [1]}]}'):
        (tmp_path / "report.json").write_text(text)
        with pytest.raises(UserError, match=r"report\.json is no report\.json .*: take it out of the folder"):
            history(tmp_path, {"made_at": "2026", "spaces": []})


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
