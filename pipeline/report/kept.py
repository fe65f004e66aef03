"""The content of a report, kept in LAKE/derived until the lake or the code changes."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from pipeline import catalog
from pipeline.errors import UserError
from pipeline.formats import packed
from pipeline.lake.files import atomic_write
from pipeline.lake.store import Lake
from pipeline.report import content
from pipeline.report.content import ReportContent

_NAME = "report"
_EFFORT = 5  # of packing: more takes longer than the bytes that it saves are worth


def of_lake(lake: Lake, say: Callable[[str], None], target: str | None = None) -> ReportContent:
    """The content of the lake's report, as kept or computed.

    Args:
        target: the target or family to lead with, see `catalog.lead_with`; by default each space's own.

    Raises:
        UserError: no target is called so.
    """
    if target is not None:
        say("views")
        with closing(catalog.snapshot(lake)) as connection:
            catalog.lead_with(connection, target, compute=True)
            return content.read(connection, say)
    folder = catalog.stored_results_folder(lake)
    file = folder and folder / f"{_NAME}-{_fingerprint()}.json.gz"
    if file:
        with suppress(UserError, ValueError, TypeError, RecursionError):
            return ReportContent(**json.loads(packed.content(file)))
    say("views")
    statements = [path.read_text() for path in catalog.queries("report").values()]
    narrowed = {view: path.read_text() for view, path in catalog.queries("narrowed").items()}
    with closing(catalog.snapshot(lake, stored_for=statements, narrowed=narrowed)) as connection:
        report = content.read(connection, say)
    if file:
        with suppress(OSError), atomic_write(file) as temporary:  # no space: it is computed again
            temporary.write_bytes(gzip.compress(json.dumps(vars(report)).encode(), _EFFORT, mtime=0))
    return report


def _fingerprint() -> str:
    """What tells the code that computes a report from another version of it."""
    package = Path(content.__file__).parents[1]
    sources = [*package.glob("report/*.py"), *package.glob("*.py")]  # the latter write its numbers and sentences
    sources += [path for kind in ("report", "narrowed") for path in catalog.queries(kind).values()]
    digests = (hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(sources))
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:16]
