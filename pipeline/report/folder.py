"""The folder of a report: its files replace those of an earlier report, and nothing else that is there."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pipeline.errors import UserError, os_errors_explained
from pipeline.lake.files import (
    own_name,
    read_file,
    refuse_links,
    refuse_unwritable,
    remove_empty,
    remove_file,
    remove_folder,
    replace_file,
    sweep,
)
from pipeline.lake.outputs import refuse_lake
from pipeline.report.baseline import CORRELATION_COLUMNS
from pipeline.report.queries import Row

TITLE = "How well does each proxy rank the architectures?"  # of page and tables, by which they are known
FIGURES = "figures"
MANIFEST = "manifest.json"
TABLES = ("index.html", "report.md", "report.json", "correlations.csv", MANIFEST)  # the files that every report has

_STAGING = ".report-"
_FIGURE = re.compile(r"[a-z0-9-]+\.(svg|png|pdf)")
_NAMES = re.compile(
    rf"index\.html|(report|changes)\.md|(report|manifest)\.json|correlations\.csv|{FIGURES}/{_FIGURE.pattern}"
)
_HEAD = 1 << 16  # bytes of a file by which it is known


def refuse_foreign(out: Path, names: Iterable[str] = TABLES) -> None:
    """Refuse a folder in which a file of these names is not of a report.

    Args:
        out: the folder, which need not be there.

    Raises:
        UserError: there is such a file, a link, or the folder is a file, in a lake or not writable.
    """
    with os_errors_explained(f"writing the report to {out}"):
        refuse_lake(out)
        place = next(place for place in (out, *out.absolute().parents) if os.path.lexists(place))
        if not place.is_dir():
            what = "a file" if place.exists() else "a link that leads nowhere"
            unmade = "" if place == out else f"{out} cannot be made: "
            raise UserError(f"{unmade}{place} is {what}, no place for writing the report: name a folder with --out")
        refuse_unwritable(place, f"the report to {out}", "a folder with --out")
        listed = _listed(out)
        for name in names:
            refuse_links(out, out / name)
            if (out / name).exists() and not _is_ours(out / name, name in listed):
                raise UserError(f"{out / name} was not written by a report and stays as it is: name another --out")


def replace(out: Path, files: Mapping[str, bytes], about: Row) -> None:
    """Put the files of a report in place, the last one last, and remove those of the report before that it lacks.

    Args:
        out: the folder, which is made if there is none.
        files: the content of each, by its path in the folder.
        about: what the manifest says beside the bytes and the SHA-256 of each file.

    Raises:
        UserError: as in `refuse_foreign`.
        OSError: the folder cannot be written; each file is then that of either report, whole.
    """
    described = {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}
    manifest = json.dumps({**about, "files": described}, indent=1) + "\n"
    files = {MANIFEST: manifest.encode(), **files}
    refuse_foreign(out, files)
    sweep(out, _STAGING, _NAMES)
    listed = _listed(out)
    superfluous = [name for name in listed - set(files) if _is_ours(out / name, True)]
    new = not out.exists()
    staging = out / f"{_STAGING}{own_name()}"
    try:
        for name, data in files.items():
            (staging / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).parent.mkdir(exist_ok=True)
            (staging / name).write_bytes(data)
        for name in superfluous:
            remove_file(out / name)
        for name in files:
            replace_file(staging / name, out / name)
    finally:
        remove_folder(staging, _NAMES)
        if new:
            remove_empty(out / FIGURES, out)


def _is_ours(path: Path, listed: bool) -> bool:
    """Whether a report wrote the file: it says so itself, or is a figure or a list of changes, and listed."""
    if path.is_symlink() or not path.is_file():
        return False
    if path.suffix not in _SIGNS or path.name == "changes.md":
        return listed
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return _SIGNS[path.suffix](head, path)


_SIGNS: dict[str, Callable[[bytes, Path], bool]] = {
    ".html": lambda head, _: f"<title>{TITLE}</title>".encode() in head,
    ".md": lambda head, _: head.startswith(f"# {TITLE}\n".encode()),
    ".json": lambda _, path: bool(_content(path)),
    ".csv": lambda head, _: {*CORRELATION_COLUMNS} <= {*head.partition(b"\n")[0].decode(errors="replace").split(",")},
}


def _content(file: Path) -> Row:
    """What a report's JSON, or its manifest, holds; nothing where it is of something else."""
    try:
        content = json.loads(read_file(file))
        whole = {"version", "made_at"} <= content.keys() and bool({"spaces", "files"} & content.keys())
    except (OSError, UserError, ValueError, AttributeError, RecursionError):
        return {}
    return dict(content) if whole else {}


def _listed(out: Path) -> set[str]:
    """The files that the report in the folder lists: in its manifest or, before there was one, as figures."""
    try:
        names = {str(name) for name in _content(out / MANIFEST).get("files", {})}
        content = _content(out / "report.json")
        figures = [*content.get("figures", ()), *(f for s in content.get("spaces", ()) for f in s.get("figures", ()))]
        names |= {f"{FIGURES}/{figure['name']}.{kind}" for figure in figures for kind in ("svg", "png")}
    except (KeyError, TypeError, AttributeError):
        return set()
    return {name for name in names if _NAMES.fullmatch(name)}
