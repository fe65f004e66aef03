"""rho of each row over the reports of a folder, and what changed against an earlier report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.errors import UserError
from pipeline.lake.files import read_file
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
    refuse_missing(folder)
    paths = [path for path in sorted(folder.rglob("*.json")) if not path.name.startswith(".")]
    earlier = [row for path in paths for row in _read(path) if row["made_at"] != content["made_at"]]
    return sorted([*_rows(content), *earlier], key=lambda row: str(row["made_at"]))


def refuse_missing(folder: Path) -> None:
    """Refuse a folder of earlier reports that is not there."""
    if not folder.is_dir():
        raise UserError(f"no folder {folder}: --history names one with earlier report.json files, at any depth")


def _read(path: Path) -> list[Row]:
    """The rows of a report; none where the file is JSON of another kind."""
    try:
        report = json.loads(read_file(path))
        kinds = {"spaces": list, "made_at": str}
        if isinstance(report, dict) and all(isinstance(report.get(name), kind) for name, kind in kinds.items()):
            return _rows(report)
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        reason = f"{type(error).__name__} {error}" if isinstance(error, KeyError) else error
        raise UserError(f"{path} is no report.json ({reason}): take it out of the folder of --history") from error
    return []


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
