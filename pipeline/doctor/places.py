"""Check the files of a lake outside its parts, and find what interrupted runs have left."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pipeline import catalog
from pipeline.errors import UserError
from pipeline.lake import checksums, last_check, locations, marker, score_index
from pipeline.lake.files import TEMPORARY, is_abandoned, remove_file
from pipeline.lake.staging import FOLDER as STAGING
from pipeline.lake.staging import remove_staged
from pipeline.lake.store import Lake
from pipeline.lake.verify import LakeFault
from pipeline.tuning import rules

MADE_AGAIN = "delete it: it is made again when it is needed"

PARTS = "parts"
EMPTY_PART = (f"{PARTS}/_schema", f"{PARTS}/_schema/0")
_FOLDERS = (
    PARTS, *EMPTY_PART, STAGING, rules.FOLDER, score_index.FOLDER, catalog.STORED_RESULTS, locations.FOLDER,
)  # fmt: skip
_FILES = (marker.FILE, catalog.CATALOG, f"{catalog.CATALOG}.sha256", checksums.FILE, last_check.FILE)
_KNOWN = {**dict.fromkeys(_FOLDERS, stat.S_IFDIR), **dict.fromkeys(_FILES, stat.S_IFREG)}
"""Paths in a lake, and whether each is a folder or a regular file."""


def kind_faults(root: Path) -> Iterator[LakeFault]:
    """What is neither a file nor a folder: links, whose aim is not the lake's, and what may keep a reader waiting.

    Of the latter that among the files of a part is left to the examination of the part. Files in the place of the
    lake's own folders are listed as well, and folders in that of its files.
    """
    for folder, folders, files in os.walk(root):
        for name in sorted([*folders, *files]):
            path = Path(folder, name)
            within = path.relative_to(root)
            kind = stat.S_IFMT(path.lstat().st_mode)
            if kind == stat.S_IFLNK:
                what = f"it is a link to {path.readlink()}"
                yield LakeFault(within.as_posix(), what, "put the file or folder itself in its place")
            elif kind not in (stat.S_IFREG, stat.S_IFDIR):
                if within.parts[0] != PARTS or len(within.parts) < 4:
                    yield LakeFault(within.as_posix(), "it is a named pipe, a socket or a device", "move it away")
            elif kind != _KNOWN.get(within.as_posix(), kind):
                there, expected = ("folder", "file") if kind == stat.S_IFDIR else ("file", "folder")
                what = f"it is a {there}, where a lake has a {expected}"
                yield LakeFault(within.as_posix(), what, "move it away")


def marker_faults(lake: Lake) -> Iterator[LakeFault]:
    """The marker of the lake and the record of its last examination."""
    if marker.is_lake(lake.root) and (lake.root / marker.FILE).read_text() != marker.CONTENT:
        yield LakeFault(marker.FILE, "it is not as it was written", f"write {marker.CONTENT.strip()} into it")
    try:
        last_check.read(lake.root)
    except UserError:  # it is no plain file, which is said of every kind of file
        pass
    except ValueError:
        yield LakeFault(
            last_check.FILE, "it has changed since it was written", "delete it: `pipeline doctor` writes it"
        )


def derived_faults(lake: Lake) -> Iterator[LakeFault]:
    """What is made from the parts: catalog, keys of scores, stored results."""
    for path in (lake.root / catalog.CATALOG, *(lake.root / score_index.FOLDER).rglob("[!.]*.parquet")):
        beside = checksums.side_file(path)
        if not (path.is_file() and beside.is_file()):
            continue
        if beside.read_bytes() != checksums.text({path.name: checksums.of_file(path)}).encode():
            what = f"it is not the file that {beside.name} states"
            yield LakeFault(_within(lake, path), what, "delete both: the file is made again when it is needed")
        elif path.suffix == ".parquet" and (differs := score_index.fault(lake, path)):
            yield LakeFault(_within(lake, path), differs, MADE_AGAIN)
    for path in (lake.root / catalog.STORED_RESULTS).glob("*/*.parquet"):
        if path.is_file() and not catalog.is_whole_result(path):
            yield LakeFault(_within(lake, path), "it does not have the checksum in its name", MADE_AGAIN)


def rule_faults(lake: Lake, stored: dict[str, set[str]]) -> Iterator[LakeFault]:
    """Rules that are not what `tune` stored; `stored` holds the texts of each rule's name."""
    for path in sorted((lake.root / rules.FOLDER).glob("*.toml")):
        texts = stored.get(path.stem)
        if texts and path.is_file() and path.read_bytes() not in {text.encode() for text in texts}:
            remedy = "run the same `pipeline tune` again, or move your own rule out of the lake"
            yield LakeFault(_within(lake, path), "it is not the rule that `tune` stored", remedy)


def leftovers(lake: Lake) -> Iterator[LakeFault]:
    """What killed runs have left, without the files of runs in progress."""
    folders = [lake.root, *(lake.root / score_index.FOLDER).glob("*"), *(lake.root / catalog.STORED_RESULTS).glob("*")]
    beside = [path for folder in folders if folder.is_dir() for path in sorted(folder.glob(".*"))]
    staged = sorted((lake.root / STAGING).glob("*"))
    abandoned = [path for path in beside if is_abandoned(path, TEMPORARY)]
    for path in [*abandoned, *filter(is_abandoned, staged)]:
        yield LakeFault(_within(lake, path), "an interrupted run left it", "remove it with --fix", leftover=True)


def remove_leftovers(lake: Lake) -> None:
    """Remove what `leftovers` lists."""
    for fault in leftovers(lake):
        path = lake.root / fault.path
        remove_file(path)
        remove_staged(path)


def foreign(lake: Lake) -> Iterator[str]:
    """Files in the lake's folder that are not the lake's."""
    for path in sorted(lake.root.iterdir()):
        if path.name not in _KNOWN and not path.name.startswith("."):
            yield f"{path.name}: not a file of a lake; it is left alone"


def _within(lake: Lake, path: Path) -> str:
    return path.relative_to(lake.root).as_posix()
