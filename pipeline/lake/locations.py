"""The path at which the file of a source or proxy was read on this machine: LAKE/locations/ID.json.

RUN_ID.json holds the paths that a run was given. `pipeline status` looks there whether a file has changed since, and
for the paths in the commands that it proposes. Parts, exports and merges hold nothing of it: a lake is handed on. The
folder may be deleted; what was in it is not known then.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pipeline import provenance
from pipeline.errors import UserError
from pipeline.lake.files import atomic_write, make_folder, read_file
from pipeline.progress import progress

FOLDER = "locations"
MOST_HASHED = 256 << 20  # bytes, in a third of a second; of more no state is known, and `hashed` shows how far it is

_GIVEN = ("images", "mapping", "only", "path", "proxy")  # the arguments of runs that may be paths

State = Literal["as ingested", "changed", "gone", "touched", "not known"]
"""`touched`: of the same size, with a later time, and too large to be read again; `not known`: no location."""


@dataclass(frozen=True)
class FileLocation:
    """A file or folder as it was read.

    Attributes:
        path: absolute.
        bytes: its size; of a folder that of its files.
        changed_ns: time of its last change, in nanoseconds; of a folder the latest of its files.
        sha256: of its content, as `provenance.file_sha256` gives it.
    """

    path: str
    bytes: int
    changed_ns: int
    sha256: str

    @property
    def state(self) -> State:
        """What has become of it."""
        path = Path(self.path)
        try:
            size, changed = stamp(path)
        except OSError:
            return "gone"
        if (size, changed) == (self.bytes, self.changed_ns):
            return "as ingested"
        if size != self.bytes:
            return "changed"
        if size > MOST_HASHED:
            return "touched"
        try:
            return "as ingested" if provenance.file_sha256(path)[0] == self.sha256 else "changed"
        except OSError:
            return "gone"


def record(root: Path, identity: str, path: Path, sha256: str) -> None:
    """Record where the file of a source or proxy lies; a lake that cannot be written goes without it.

    Args:
        identity: its source_id or proxy_id.
    """
    with contextlib.suppress(OSError, UserError):
        location = FileLocation(str(path.absolute()), *stamp(path), sha256)
        if read(root, identity) != location:
            make_folder(root, root / FOLDER)
            with atomic_write(root / FOLDER / f"{identity}.json") as temporary:
                temporary.write_text(json.dumps(asdict(location), indent=1) + "\n")


def read(root: Path, identity: str) -> FileLocation | None:
    """Where the file lay; None where that is not known."""
    try:
        fields = json.loads(read_file(root / FOLDER / f"{identity}.json"))
        location = FileLocation(**fields)
    except (OSError, UserError, ValueError, TypeError, RecursionError):
        return None
    kinds = {"path": str, "bytes": int, "changed_ns": int, "sha256": str}
    sound = all(type(getattr(location, name)) is kind for name, kind in kinds.items())
    return location if sound and "\0" not in location.path else None


def record_paths(root: Path, run_id: str, arguments: Mapping[str, object]) -> None:
    """Record the arguments of a run that are paths; a lake that cannot be written goes without them."""
    paths = {name: str(value.absolute()) for name, value in arguments.items() if isinstance(value, Path)}
    with contextlib.suppress(OSError, UserError):
        if paths:
            make_folder(root, root / FOLDER)
            with atomic_write(root / FOLDER / f"{run_id}.json") as temporary:
                temporary.write_text(json.dumps(paths, indent=1) + "\n")


def read_paths(root: Path, run_id: str) -> dict[str, str]:
    """The absolute paths that a run was given, by the names of its arguments; none where they are not known."""
    try:
        paths = json.loads(read_file(root / FOLDER / f"{run_id}.json"))
        return {name: paths[name] for name in _GIVEN if type(paths.get(name)) is str and "\0" not in paths[name]}
    except (OSError, UserError, ValueError, AttributeError, RecursionError):
        return {}


def refuse_changed(path: Path, before: tuple[int, int]) -> None:
    """Refuse a file or folder whose `stamp` was another one before it was read.

    Raises:
        UserError: it is; what was read may be of both contents.
    """
    if stamp(path) != before:
        raise UserError(f"{path} has changed while it was read: run the same command again")


def hashed(path: Path) -> tuple[str, int]:
    """What `provenance.file_sha256` gives; how far it is shows where that takes a while.

    Raises:
        OSError: the file or folder cannot be read.
    """
    total, _ = stamp(path)
    if total <= MOST_HASHED:
        return provenance.file_sha256(path)
    with progress(f"hashing {path}", total, unit="bytes") as advance:
        return provenance.file_sha256(path, advance)


def stamp(path: Path) -> tuple[int, int]:
    """Bytes of a file or folder, and when it last changed, in nanoseconds.

    Raises:
        OSError: it cannot be looked at.
    """
    if path.is_file():
        status = path.stat()
        return status.st_size, status.st_mtime_ns
    if not path.is_dir():
        raise FileNotFoundError(str(path))
    members = [member.stat() for member in provenance.content_files(path)]
    return sum(one.st_size for one in members), max((one.st_mtime_ns for one in members), default=0)
