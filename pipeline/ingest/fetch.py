"""Download published files, and name the command that ingests each."""

from __future__ import annotations

import importlib.metadata
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import UserError, unknown
from pipeline.ingest import published
from pipeline.remote import downloads
from pipeline.remote.downloads import LocalFile, RemoteFile

Row = dict[str, Any]


@dataclass(frozen=True)
class Fetched:
    """A published file, and what is to be typed to use it.

    Attributes:
        file: what is here; None where a person has to get it.
        steps: what the person does, in order.
        commands: to be typed next; the last one ingests it.
    """

    file: LocalFile | None
    steps: tuple[str, ...]
    commands: tuple[str, ...]


def fetch(name: str, folder: Path) -> Fetched:
    """Download a published file into a folder, unless it is there; resume an interrupted download.

    Args:
        name: as `pipeline sources` lists it, or a benchmark whose authors published one file.

    Raises:
        UserError: no such name, or what `pipeline.remote.downloads.download` raises.
    """
    row = _row(name)
    commands = tuple(_commands(row, folder))
    if row["download"] is None:
        steps = [] if _is_here(row, folder) else row["steps"]
        return Fetched(None, tuple(step.replace("{folder}", shlex.quote(str(folder))) for step in steps), commands)
    file = RemoteFile(row["download"], folder / row["saved_as"], row["exact_bytes"], row["sha256"])
    return Fetched(downloads.download(file), (), commands)


def names() -> list[str]:
    """What can be fetched, in the order of `pipeline sources`."""
    return [row["fetched_as"] for row in published.sources()]


def _row(name: str) -> Row:
    rows = published.sources()
    fitting = [row for row in rows if row["fetched_as"] == name]
    if not fitting:
        fitting = [row for row in rows if row["benchmark"] == name and row["name"] == published.NATIVE]
    if not fitting:
        fitting = [row for row in rows if row["name"] == name != published.NATIVE]
    if not fitting:
        raise unknown("published file", name, names())
    if len(fitting) > 1:
        files = " or ".join(row["fetched_as"] for row in fitting)
        what = "has several published files" if fitting[0]["benchmark"] == name else "is the name of several tables"
        raise UserError(f"{name} {what}: name one, {files}")
    return fitting[0]


def _is_here(row: Row, folder: Path) -> bool:
    """Whether a person has taken the steps."""
    if row["distribution"]:
        try:
            importlib.metadata.distribution(row["distribution"])
        except importlib.metadata.PackageNotFoundError:
            return False
        return True
    return Path(folder, row["saved_as"]).exists()


def _commands(row: Row, folder: Path) -> Iterator[str]:
    words = ["pipeline", "ingest", row["benchmark"]]
    if not row["distribution"]:
        file = folder / row["saved_as"]
        if row["unpacked"]:
            yield shlex.join(["python", "-m", "zipfile", "-e", str(file), str(folder)])
            file = folder / row["unpacked"]
        words.append(str(file))
    if row["name"] != published.NATIVE:
        words += ["--mapping", row["name"]]
    yield shlex.join(words)
