"""The marker LAKE/lake.json: it makes a folder a lake, and states the format of its content."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.errors import UserError, excerpt, is_there, os_errors_explained
from pipeline.lake.schema import FORMAT

FILE = "lake.json"
MOST = 1 << 16  # bytes
CONTENT = json.dumps({"format": FORMAT}) + "\n"


def is_lake(folder: Path) -> bool:
    """Whether a folder has the marker."""
    return is_there(folder / FILE) and (folder / FILE).is_file()


def require_format(root: Path) -> None:
    """Refuse a lake of another format.

    Raises:
        UserError: the marker cannot be read, or states another format than this version's.
    """
    with os_errors_explained(f"reading {root / FILE}"), (root / FILE).open("rb") as stream:
        content = stream.read(MOST + 1)
    require_content(content, root / FILE, root)


def require_content(content: bytes, path: Path | str, lake: Path | str) -> None:
    """Refuse the content of a marker; see `require_format`.

    Args:
        path, lake: what messages call the marker and its lake.
    """
    try:
        if len(content) > MOST:
            raise ValueError(f"it has more than {MOST:,} bytes")
        about = json.loads(content.decode())
        version = about.get("format") if isinstance(about, dict) else None
        if type(version) is not int:
            raise ValueError(f"its format is {excerpt(version, 40)}")
    except (ValueError, RecursionError) as error:
        raise _odd(path, error) from error
    if version > FORMAT:
        raise UserError(
            f"the lake {lake} has format {version}, written by a newer version; this one reads {FORMAT}: "
            "update with `pip install -U nas-proxy-bench`"
        )
    if version < FORMAT:
        raise UserError(f"the lake {lake} has format {version}, this version {FORMAT}: ingest into a new --lake")


def _odd(path: Path | str, error: Exception) -> UserError:
    what, ours = excerpt(str(error), 200, bare=True), CONTENT.strip()
    return UserError(f"{path} cannot be read as the marker of a lake: {what}; that of this version is {ours}")
