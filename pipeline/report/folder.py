"""The folder of a report: its files replace those of an earlier report, and nothing else that is there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import UserError, os_errors_explained
from pipeline.lake.files import own_name, refuse_links, remove_file, remove_folder, replace_file, sweep
from pipeline.lake.outputs import refuse_lake
from pipeline.report.baseline import CORRELATION_COLUMNS
from pipeline.report.figures import MARK

TITLE = "How well does each proxy rank the architectures?"  # of page and tables, by which they are known
FIGURES = "figures"
TABLES = ("index.html", "report.md", "report.json", "correlations.csv")  # the files that every report has

_STAGING = ".report-"
_FIGURE = re.compile(r"[a-z0-9-]+\.(svg|png)")
_NAMES = re.compile(rf"index\.html|report\.md|report\.json|correlations\.csv|{FIGURES}/{_FIGURE.pattern}")
_HEAD = 1 << 16  # bytes of a file by which it is known


def refuse_foreign(out: Path, names: Iterable[str] = TABLES) -> None:
    """Refuse a folder in which a file of these names is not of a report.

    Args:
        out: the folder, which need not be there.
        names: of the files to be written.

    Raises:
        UserError: there is such a file, a link, or the folder is a file or in a lake.
    """
    with os_errors_explained(f"writing the report to {out}"):
        refuse_lake(out)
        if out.exists() and not out.is_dir():
            raise UserError(f"{out} is a file, no place for writing the report: name a folder with --out")
        listed = _listed_figures(out)
        for name in names:
            refuse_links(out, out / name)
            if (out / name).exists() and not _is_ours(out / name, name in listed):
                raise UserError(f"{out / name} was not written by a report and stays as it is: name another --out")


def replace(out: Path, files: Mapping[str, bytes]) -> None:
    """Put the files of a report in place, the last one last, and remove figures of the report before that it lacks.

    Raises:
        UserError: as of `refuse_foreign`.
        OSError: the folder cannot be written; each file is then that of either report, whole.
    """
    refuse_foreign(out, files)
    sweep(out, _STAGING, _NAMES)
    before = {f"{FIGURES}/{path.name}" for path in out.glob(f"{FIGURES}/*") if _FIGURE.fullmatch(path.name)}
    listed = _listed_figures(out)
    superfluous = [name for name in before - set(files) if _is_ours(out / name, name in listed)]
    staging = out / f"{_STAGING}{own_name()}"
    try:
        (staging / FIGURES).mkdir(parents=True)
        (out / FIGURES).mkdir(exist_ok=True)
        for name, data in files.items():
            (staging / name).write_bytes(data)
        for name in superfluous:
            remove_file(out / name)
        for name in files:
            replace_file(staging / name, out / name)
    finally:
        remove_folder(staging, _NAMES)


def _is_ours(path: Path, listed: bool) -> bool:
    """Whether a report wrote the file; figures of earlier versions carry no mark, but are listed."""
    if path.is_symlink() or not path.is_file():
        return False
    if path.suffix in (".svg", ".png") and listed:
        return True
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return _SIGNS[path.suffix](head, path)


def _is_content(_: bytes, path: Path) -> bool:
    return bool(_content(path))


_SIGNS: dict[str, Callable[[bytes, Path], bool]] = {
    ".html": lambda head, _: f"<title>{TITLE}</title>".encode() in head,
    ".md": lambda head, _: head.startswith(f"# {TITLE}\n".encode()),
    ".json": _is_content,
    ".csv": lambda head, _: {*CORRELATION_COLUMNS} <= {*head.partition(b"\n")[0].decode(errors="replace").split(",")},
    ".svg": lambda head, _: b"<svg" in head and f"<dc:title>{MARK}</dc:title>".encode() in head,
    ".png": lambda head, _: head.startswith(b"\x89PNG") and b"tEXtSoftware\0" + MARK.encode() in head,
}


def _content(out: Path) -> dict[str, Any]:
    """What a report's JSON holds; nothing where it is of something else."""
    try:
        content = json.loads(out.read_bytes())
        whole = {"version", "made_at", "spaces", "figures"} <= content.keys()
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}
    return dict(content) if whole else {}


def _listed_figures(out: Path) -> set[str]:
    """The files of the figures that the report in the folder lists."""
    content = _content(out / "report.json")
    try:
        listed = [*content["figures"], *(figure for space in content["spaces"] for figure in space["figures"])]
        names = [str(figure["name"]) for figure in listed]
    except (KeyError, TypeError):
        return set()
    return {f"{FIGURES}/{name}.{kind}" for name in names for kind in ("svg", "png")}
