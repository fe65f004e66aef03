"""The marker LAKE/lake.json: it makes a folder a lake, and states the format of its content."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pipeline.errors import UserError, excerpt, is_there
from pipeline.lake.schema import FORMAT

FILE = "lake.json"
CONTENT = json.dumps({"format": FORMAT}) + "\n"


def is_lake(folder: Path) -> bool:
    """Whether a folder has the marker."""
    return is_there(folder / FILE) and (folder / FILE).is_file()


def is_hidden(folder: Path) -> bool:
    """Whether the marker's name is taken by something that is not a regular file."""
    return os.path.lexists(folder / FILE) and not is_lake(folder)


def require_format(root: Path) -> None:
    """Refuse a lake of another format.

    Raises:
        UserError: the marker cannot be read, or states another format than this version's.
    """
    try:
        version = json.loads((root / FILE).read_text())["format"]
        if type(version) is not int:
            raise ValueError(f"its format is {excerpt(version, 40)}")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        reason = excerpt(str(error), 200, bare=True)
        raise UserError(f"{root / FILE} cannot be read as the marker of a lake: {reason}") from error
    if version > FORMAT:
        raise UserError(
            f"the lake {root} has format {version}, written by a newer version; this one reads {FORMAT}: "
            "update with `pip install -U nas-proxy-bench`"
        )
    if version < FORMAT:
        raise UserError(f"the lake {root} has format {version}, this version {FORMAT}: ingest into a new --lake")
