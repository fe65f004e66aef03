"""The runs of a lake: the last one, those in progress, and those that did not finish."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.lake import files, locations, part_name, stored_json
from pipeline.lake.staging import FOLDER as STAGING
from pipeline.lake.store import Lake

Row = dict[str, Any]

_HOW = {"workers", "device", "executor", "sharing", "arithmetic"}
"""Arguments in which runs of one command may differ."""


def read(lake: Lake, rows: list[Row], coverage: Sequence[Row]) -> Row:
    """What `pipeline status` says of runs.

    Args:
        lake: the lake.
        rows: of `queries/status/runs.sql`, the last first.
        coverage: of `queries/status/coverage.sql`.
    """
    runs, first_parts = [_run(lake, row) for row in rows], _first_parts(lake)
    others = _merged(lake) - first_parts.keys()
    own = [run for run in runs if run["run_id"] not in others]
    return {
        "last": _placed(lake, runs[0]) if runs else None,
        "running": [_placed(lake, run) for run in runs if run["state"] == "running"],
        "died": [_placed(lake, run) for run in _unrepeated(own) if not _is_scored(lake, run, first_parts, coverage)],
        "unfinished_parts": sum(map(files.is_abandoned, (lake.root / STAGING).glob("*"))),  # of which nothing is stored
        "count": len(runs),
    }


def _run(lake: Lake, row: Row) -> Row:
    """A run with its arguments and its state: one that neither ended nor is running has died."""
    state = row.pop("status")
    if state == "running" and not lake.is_running(row["run_id"]):
        state = "died"
    return row | {"state": state, "arguments": stored_json.parsed(row["arguments"])}


def _placed(lake: Lake, run: Row) -> Row:
    """The run with the paths that it was given, where this machine knows them, in place of their last components."""
    return run | {"arguments": run["arguments"] | locations.read_paths(lake.root, run["run_id"])}


def _first_parts(lake: Lake) -> dict[str, tuple[str, str]]:
    """The benchmark and the name of the first part of each run that wrote scores to this lake."""
    parts: dict[str, tuple[str, str]] = {}
    for folder in lake.parts.iterdir():
        for text in lake.part_names(folder.name, "score-"):
            name = part_name.parse(text)
            if name is not None and name.number is not None:
                parts.setdefault(name.origin, (folder.name, text))
    return parts


def _merged(lake: Lake) -> set[str]:
    """The runs that `merge` has brought with their scores: another lake's, whose commands are not repeated here."""
    runs: set[str] = set()
    for folder in lake.parts.iterdir():
        names = [text for text in lake.part_names(folder.name, "score-") if _is_merged(text)]
        if names:
            runs |= set(lake.read("runs", folder.name, parts=names, columns=["run_id"])["run_id"].to_pylist())
    return runs


def _is_merged(text: str) -> bool:
    name = part_name.parse(text)
    return name is not None and name.number is None and bool(name.origin)


def _unrepeated(runs: Iterable[Row]) -> list[Row]:
    """Of each command the last run, where it died, was interrupted or failed, and none has gone on from there since."""
    last_of: dict[str, Row] = {}
    for run in runs:  # the last first
        last_of.setdefault(_command_key(run), run)
    return [run for run in last_of.values() if run["state"] in ("died", "interrupted", "failed")]


def _command_key(run: Row) -> str:
    """What runs of one command share, however many workers they had."""
    return json.dumps([run["stage"], {k: v for k, v in run["arguments"].items() if k not in _HOW}], sort_keys=True)


def _is_scored(lake: Lake, run: Row, first_parts: Mapping[str, tuple[str, str]], coverage: Sequence[Row]) -> bool:
    """Whether the sample that a run asked for is stored, whichever run has scored it, and whatever the clocks said.

    A run that was killed after its last part leaves nothing to do, so that the same command stores no other run.
    """
    arguments = run["arguments"]
    if run["run_id"] not in first_parts or arguments.get("only") is not None:
        return False
    benchmark, part = first_parts[run["run_id"]]
    asked_for = {row["proxy_id"] for row in lake.read("proxies", benchmark, parts=[part]).to_pylist()}
    where = (benchmark, arguments.get("space"), arguments.get("seed"))
    rows = [
        row
        for row in coverage
        if row["proxy_id"] in asked_for and (row["benchmark"], row["space"], row["seed"]) == where
    ]
    return {row["proxy_id"] for row in rows} == asked_for and all(_has_sample(row, arguments) for row in rows)


def _has_sample(row: Row, arguments: Row) -> bool:
    """Whether a row of the coverage holds the sample of these arguments; without a number that is all."""
    if row["missing"] != 0:  # or nothing is known to be missing, as nothing was asked for
        return False
    if arguments.get("retry_failed") and row["failed"]:  # which of them the run has tried is not stored
        return False
    of_same_order = row["sample_seed"] == arguments.get("sample_seed", arguments.get("seed"))
    sample = arguments.get("sample")
    return bool(
        row["asked"] == row["architectures"] or (of_same_order and sample is not None and sample <= row["asked"])
    )
