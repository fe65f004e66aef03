"""rho of each row over the reports of a folder, and what changed against an earlier report."""

from __future__ import annotations

import json
import math
import os
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from pipeline import progress
from pipeline.errors import UserError, from_os
from pipeline.escaping import line
from pipeline.lake.files import read_file
from pipeline.report.queries import Row
from pipeline.report.text import series_name
from pipeline.wording import count_of

_NAMED = 3  # files that a message names


def earlier(folder: Path) -> list[Row]:
    """One row per proxy, target and report of a folder; what cannot be read is left out, and a warning names it.

    Args:
        folder: with files of the form of report.json, at any depth. Reports without targets (of an earlier form) count
            by their ranking.

    Raises:
        UserError: there is no such folder, or it cannot be read.
    """
    if not folder.is_dir():
        raise UserError(f"no folder {folder}: --history names one with earlier report.json files, at any depth")
    rows: list[Row] = []
    left_out: list[str] = []
    for path in _files(folder, left_out):
        try:
            report = json.loads(read_file(path), parse_constant=_refuse)
            if isinstance(report, dict) and "files" in report and "spaces" not in report:
                continue  # the manifest of a report
            datetime.fromisoformat(report["made_at"])  # else no chart can draw it
            rows += _rows(report)
        except (OSError, UserError, ValueError, ArithmeticError, LookupError, TypeError, RecursionError) as error:
            left_out.append(f"{path} ({_reason(error)})")
    if left_out:
        more = f" and {count_of(len(left_out) - _NAMED, 'other')}" if len(left_out) > _NAMED else ""
        progress.warn(f"left out of the history: {', '.join(left_out[:_NAMED])}{more}")
    return rows


def history(past: list[Row], content: Row) -> list[Row]:
    """The rows of earlier reports and, last, those of the report that is being written; the oldest first."""
    rows = [*_rows(content), *(row for row in past if row["made_at"] != content["made_at"])]
    return sorted(rows, key=lambda row: str(row["made_at"]))


def _files(folder: Path, unreadable: list[str]) -> list[Path]:
    """The JSON files of a folder, at any depth; folders below it that cannot be read are added to the list."""

    def note(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise from_os(error, f"reading {folder}") from error
        unreadable.append(f"{error.filename} ({_reason(error)})")

    walked = os.walk(folder, onerror=note)
    return sorted(
        Path(place, name)
        for place, _, names in walked
        for name in names
        if name.endswith(".json") and not name.startswith(".")
    )


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of a report")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, UserError):
        return "no plain file"
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError):
        return f"no JSON that can be read: {error}" if isinstance(error, json.JSONDecodeError) else "no JSON"
    return "not of the form of a report.json"


def _rows(report: Row) -> list[Row]:
    rows = []
    for space in report["spaces"]:
        for target in _targets(space):
            rows += [
                {
                    "target": line(f"{space['benchmark']} {space['space']}, {target['dataset']} {target['metric']}"),
                    "name": line(series_name(row)), "made_at": report["made_at"], "version": report.get("version"),
                    "rho": row["rho"], "n": row["n"],
                }
                for row in target["leaderboard"]
                if row["rho"] is not None and math.isfinite(row["rho"])
            ]  # fmt: skip
    return rows


def _targets(space: Row) -> list[Any]:
    if space["targets"] and "leaderboard" in space["targets"][0]:
        return list(space["targets"])
    return [{**space["main"], "leaderboard": space["ranking"]}] if space.get("ranking") else []
