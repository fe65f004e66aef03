"""Lakes and folders that are not there, not lakes, of another version, or somebody else's."""

from collections.abc import Callable
from pathlib import Path

from tests.attack.case import Case


def _marker(text: str) -> Callable[[Path], object]:
    return lambda lake: (lake / "lake.json").write_text(text)


CASES = [
    Case("no lake", "report", lake="none", says=("no lake at", "pipeline ingest")),
    Case("a lake that is a file", "query 'SELECT 1' --lake notes.txt", make=lambda d: (d / "notes.txt").write_text("x"),
         says=("no lake at notes.txt: it is no folder; name one",)),
    Case("a lake of a newer version", "report", damage=_marker('{"format": 99}'), says=("newer version",)),
    Case("a lake whose marker is no JSON", "report", damage=_marker("{"),
         says=("lake.json", 'that of this version is {"format": 1}')),
    Case("a lake whose marker is nested 60,000 deep", "report", damage=_marker("[" * 60_000), says=("lake.json",)),
    Case("a lake whose format is a text", "report", damage=_marker('{"format": "1"}'), says=("lake.json", "format")),
    Case("a lake whose format is no number", "report", damage=_marker('{"format": NaN}'), says=("lake.json",)),
    Case("a lake whose marker is a list", "report", damage=_marker("[]"), says=("lake.json",)),
    Case("an export into the lake", "export {lake}/x.duckdb", says=("inside the lake",)),
    Case("an export over somebody's file", "export ../others/letter.txt", says=("not an earlier export",)),
    Case("an export beside what DuckDB left of another", "export x.duckdb",
         make=lambda d: (d / "x.duckdb.wal").write_text("x"), says=("x.duckdb.wal is there", "or remove x.duckdb.wal")),
    Case("an export into no folder", "export nowhere/x.duckdb", says=("no folder",)),
    Case("a merge of no lake", "merge ../others", says=("is not a lake",)),
]  # fmt: skip
