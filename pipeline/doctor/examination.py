"""The examination of a lake, step by step."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline import benchmarks
from pipeline.doctor import contents, places
from pipeline.errors import UserError, os_errors_explained
from pipeline.lake import checksums, last_check, marker
from pipeline.lake.store import Lake
from pipeline.lake.verify import LakeFault, part_faults
from pipeline.progress import progress
from pipeline.wording import count_of

_NEEDED = (places.PARTS, marker.FILE, checksums.FILE)
"""Beginnings of the paths whose faults keep the rows from being read."""


@dataclass(frozen=True)
class Result:
    """The result of an examination.

    Attributes:
        lake: the folder.
        checked_at: ISO 8601, UTC.
        parts: how many there are.
        unsealed: how many of them carry no checksums, as an earlier version published them.
        faults: what is wrong.
        notes: what is worth a line and no fault.
    """

    lake: Path
    checked_at: str
    parts: int
    unsealed: int
    faults: list[LakeFault]
    notes: list[str]

    @property
    def line(self) -> str:
        if self.faults:
            return f"{self.lake}: {count_of(len(self.faults), 'fault')} in {count_of(self.parts, 'part')}"
        return f"{self.lake}: whole, {count_of(self.parts, 'part')}"

    @property
    def content(self) -> dict[str, Any]:
        """The result as values of JSON."""
        faults = [{"path": f.path, "what": f.what, "remedy": f.remedy, "leftover": f.leftover} for f in self.faults]
        return {
            "lake": str(self.lake),
            "checked_at": self.checked_at,
            "parts": self.parts,
            "parts_without_checksums": self.unsealed,
            "faults": faults,
            "notes": self.notes,
        }


def examine(lake_root: Path, *, rows: bool = True, fix: bool = False, forget_missing: bool = False) -> Result:
    """Compare a lake with what was stored in it, and record when that was.

    Args:
        rows: also look at what the rows say, where every file is as it was written.
        fix: first remove what interrupted runs have left; nothing stored is touched.
        forget_missing: first take the parts that are missing off the lake's list.

    Raises:
        UserError: no lake, or one that cannot be read at all.
    """
    kind_faults = _kind_faults(lake_root)
    lake = Lake(lake_root, whole=False, read_only=bool(kind_faults))
    if fix:
        with os_errors_explained(f"removing leftovers from {lake.root}"):
            places.remove_leftovers(lake)
    if forget_missing:
        checksums.renew_list(lake.root)
    has_list = checksums.FILE not in {fault.path for fault in kind_faults} and checksums.has_list(lake.root)
    listed, broken = checksums.read_list(lake.root) if has_list else ({}, [])
    here = checksums.listing(lake.parts, refuse=False) if lake.parts.is_dir() else {}
    faults, notes = [*kind_faults, *_places(lake), *_list_faults(broken)], list(places.foreign(lake))
    faults += _parts(lake, here, listed)
    unlisted = set(here) - set(checksums.folders(listed))
    if rows and not any(fault.path.startswith(_NEEDED) for fault in faults):
        faults += _contents(lake, notes)
    if not faults and unlisted:
        with contextlib.suppress(UserError):  # a lake that cannot be written
            checksums.renew_list(lake.root)
    unsealed = sum(checksums.FILE not in names for names in here.values())
    if unsealed:
        those = count_of(unsealed, "part of an earlier version carries", "parts of an earlier version carry")
        notes.append(f"{those} no checksums; they are held to {checksums.FILE}")
    checked_at = datetime.now(UTC).replace(microsecond=0).isoformat()
    if rows or faults:  # files that are whole do not make a lake that is
        with contextlib.suppress(OSError, UserError):
            last_check.write(lake.root, checked_at, len(faults))
    return Result(lake.root, checked_at, len(here), unsealed, faults, notes)


def _kind_faults(lake_root: Path) -> list[LakeFault]:
    if not os.path.lexists(lake_root / marker.FILE):  # no lake, but a folder of any size
        return []
    with os_errors_explained(f"reading {lake_root}"):
        return list(places.kind_faults(lake_root))


def _places(lake: Lake) -> list[LakeFault]:
    with os_errors_explained(f"reading {lake.root}"):
        return [*places.marker_faults(lake), *places.leftovers(lake), *places.derived_faults(lake)]


def _list_faults(broken: Iterable[int]) -> Iterator[LakeFault]:
    again = "delete it: `pipeline doctor` makes it again from the parts that are there"
    for number in broken:
        yield LakeFault(checksums.FILE, f"line {number} is not a checksum and a file", again)


def _parts(lake: Lake, here: checksums.Listing, listed: Mapping[str, str]) -> list[LakeFault]:
    remedy = "restore it from a copy of the lake, or take it off the list with --forget-missing"
    faults = [LakeFault(path, "it is missing", remedy) for path in checksums.missing(checksums.folders(listed), here)]
    with progress("parts read", len(here)) as advance:
        for part, names in sorted(here.items()):
            faults += part_faults(lake.root, part, names, listed)
            advance(1)
    return faults


def _contents(lake: Lake, notes: list[str]) -> list[LakeFault]:
    """What is wrong with rows; only asked of files that are as they were written."""
    parts = [(name, part) for name in benchmarks.names() for part in lake.part_names(name)]
    faults: list[LakeFault] = []
    with progress("identities computed", len(parts)) as advance:
        for benchmark, part in parts:
            faults += contents.identity_faults(lake, benchmark, part)
            advance(1)
    steps: list[Iterable[LakeFault]] = [
        contents.canonical_faults(lake),
        contents.check_faults(lake, notes),
        places.rule_faults(lake, contents.rule_texts(lake)),
    ]
    with progress("checks run", len(steps)) as advance:
        for step in steps:
            faults += step
            advance(1)
    notes += contents.siblings(lake)
    return faults
