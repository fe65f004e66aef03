"""The record of the last examination by `pipeline doctor`: LAKE/doctor.json."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.lake import checksums
from pipeline.lake.files import atomic_write, read_file

FILE = "doctor.json"


@dataclass(frozen=True)
class LastCheck:
    """An examination of a lake.

    Attributes:
        checked_at: ISO 8601, UTC.
        faults: how many there were.
        whole_at: the last time that there was none; None where there never was.
        lines: of the lake's list of parts, then.
        list_sha256: of these lines, which only grow in number while nothing is changed.
    """

    checked_at: str
    faults: int
    whole_at: str | None
    lines: int
    list_sha256: str

    @property
    def content(self) -> str:
        """The content of the file; its own checksum tells whether it has changed."""
        fields = asdict(self)
        return json.dumps({**fields, "sha256": _sha256(json.dumps(fields))}, indent=1) + "\n"


def write(root: Path, checked_at: str, faults: int) -> None:
    lines = _lines(root)
    whole_at = _whole_at(root) if faults else checked_at
    check = LastCheck(checked_at, faults, whole_at, len(lines), _sha256("".join(lines)))
    with atomic_write(root / FILE) as temporary:
        temporary.write_text(check.content)


def read(root: Path) -> LastCheck | None:
    """The last examination; None where there was none.

    Raises:
        ValueError: the file has changed since it was written.
    """
    try:
        content = read_file(root / FILE)
    except FileNotFoundError:
        return None
    try:
        fields = json.loads(content)
        fields.pop("sha256")
        check = LastCheck(**fields)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{root / FILE} is damaged") from error
    if check.content.encode() != content:
        raise ValueError(f"{root / FILE} is damaged")
    return check


def summary(root: Path) -> str:
    """When the lake was last found whole, in one sentence for a report."""
    try:
        check = read(root)
    except ValueError:
        return "The record of the last check of the lake is damaged: run pipeline doctor again."
    if check is None:
        return "The lake has not been checked yet: pipeline doctor checks whether it is whole."
    if check.faults:
        before = f"last found whole on {check.whole_at}" if check.whole_at else "not found whole before"
        return f"pipeline doctor found faults in the lake on {check.checked_at} ({check.faults}); it was {before}."
    lines = _lines(root)
    if _sha256("".join(lines[: check.lines])) != check.list_sha256:
        return f"The lake was found whole on {check.checked_at}; its list of parts has changed since."
    added = {line[66:].rpartition("/")[0] for line in lines[check.lines :]}
    since = f"; parts added since: {len(added)}" if added else ""
    return f"The lake was found whole on {check.checked_at}{since}."


def _whole_at(root: Path) -> str | None:
    try:
        before = read(root)
    except ValueError:
        return None
    return before.whole_at if before else None


def _lines(root: Path) -> list[str]:
    path = root / checksums.FILE
    return read_file(path).decode(errors="replace").splitlines(keepends=True) if path.is_file() else []


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
