"""rho of each row over the reports of a folder, and what changed against an earlier report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.errors import UserError
from pipeline.report.queries import Row
from pipeline.report.text import series_name


def history(folder: Path, content: Row) -> list[Row]:
    """One row per proxy, target and report: those of the folder and, last, the given one; the oldest first.

    Args:
        folder: with files of the form of report.json, at any depth. Reports without targets (of an earlier form) count
            by their ranking.
        content: of the report that is being written.

    Raises:
        UserError: there is no such folder, or a report.json in it cannot be read.
    """
    if not folder.is_dir():
        raise UserError(f"no folder {folder}: --history names one with earlier report.json files, at any depth")
    reports = [content]
    for path in sorted(folder.rglob("*.json")):
        if path.name.startswith("."):
            continue
        report = _read(path)
        if report is not None and report["made_at"] != content["made_at"]:
            reports.append(report)
    return [row for report in sorted(reports, key=lambda report: str(report["made_at"])) for row in _rows(report)]


def _read(path: Path) -> Row | None:
    """A report, or None where the file is JSON of another kind."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is no report.json ({error}): take it out of the folder of --history") from error
    if isinstance(report, dict) and isinstance(report.get("spaces"), list) and isinstance(report.get("made_at"), str):
        return report
    return None


def _rows(report: Row) -> list[Row]:
    rows = []
    for space in report["spaces"]:
        for target in _targets(space):
            rows += [
                {
                    "target": f"{space['benchmark']} {space['space']}, {target['dataset']} {target['metric']}",
                    "name": series_name(row), "made_at": report["made_at"], "version": report.get("version"),
                    "rho": row["rho"], "n": row["n"],
                }
                for row in target["leaderboard"]
                if row["rho"] is not None
            ]  # fmt: skip
    return rows


def _targets(space: Row) -> list[Any]:
    if space["targets"] and "leaderboard" in space["targets"][0]:
        return list(space["targets"])
    return [{**space["main"], "leaderboard": space["ranking"]}] if space.get("ranking") else []
