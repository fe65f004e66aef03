"""Outputs over what is somebody's, links in a lake, empty values, and names that hold markup or escape sequences."""

from collections.abc import Callable
from pathlib import Path

from tests.attack.case import Case


def _put(name: str, text: str = "mine") -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    return make


def _links(name: str) -> Callable[[Path], object]:
    def damage(lake: Path) -> None:
        if (lake / name).is_dir():
            (lake / name).rmdir()
        (lake / name).symlink_to(lake.parent / "others")

    return damage


CASES = [
    Case("a query over a file", "query 'SELECT 1' --out mine.csv", make=_put("mine.csv"), says=("--force",)),
    Case("a query into the lake", "query 'SELECT 1' --out {lake}/x.csv", says=("inside the lake",)),
    Case("a query into a part", "query 'SELECT 1' --out {lake}/parts/x.csv --force", says=("inside the lake",)),
    Case("a query over a device", "query 'SELECT 1' --out /dev/null --force", says=("a device or a pipe",)),
    Case("a search over a file", "search nasbench201 --proxy synflow --out best.jsonl", make=_put("best.jsonl"),
         says=("--force",)),
    Case("a report over a page", "report --out out", make=_put("out/index.html", "<title>home</title>"),
         says=("index.html was not written by a report",)),
    Case("a report over JSON", "report --out out", make=_put("out/report.json", '{"figures": [{"name": "a"}]}'),
         says=("report.json was not written by a report",)),
    Case("a report into the lake", "report --out {lake}/parts", says=("inside the lake",)),
    Case("an export over a file of the same kind", "export x.duckdb", make=_put("x.duckdb"),
         says=("not an earlier export",)),
    Case("stored results that are a link", "query 'SELECT count(*) AS n FROM correlations'", exit=0,
         damage=_links("derived"), says=("n",), lines=0),
    Case("a staging folder that is a link", "score nasbench201 --proxy aggregate-ranks", lake="cells",
         damage=_links(".staging"), stores=True, says=("is a symbolic link",), lines=9),
    Case("an empty lake option", "report --lake ''", exit=2, says=("the value is empty",)),
    Case("an empty path among others", "ingest nasbench201 a.csv ''", exit=2, says=("the value is empty",)),
    Case("an empty folder of images", "score nasbench201 --images ''", exit=2, says=("--images",)),
    Case("a proxy of blanks", "score nasbench201 --proxy '  '", exit=2, says=("--proxy",)),
    Case("an option that has no effect", "tune nasbench201 --tasks 9", exit=2, says=("without --method evolution",)),
    Case("a parameter twice", "query 'SELECT $n' --param n=1 --param n=2", exit=2, says=("--param n is given twice",)),
    Case("a name with escape sequences", "query \"SELECT 'a' || chr(27) || '[2J' || chr(8238) AS x\"", exit=0,
         says=("\\x1b[2J\\u202e",), never=("\x1b", "\u202e"), lines=0),
]  # fmt: skip
