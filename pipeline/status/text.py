"""The state of a lake as lines for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline import text_table
from pipeline.status.next_command import again
from pipeline.wording import count_of

Row = Mapping[str, Any]
SHOWN = 5  # runs and stale things of a sort; --json has all


def target_lines(content: Row, width: int | None) -> Iterator[str]:
    """The targets that were asked for, by benchmark."""
    for benchmark in content["benchmarks"]:
        if benchmark["targets"]:
            yield f"{benchmark['benchmark']}:"
            cells = [
                [row["family"], row["dataset"], row["metric"], row["unit"],
                 "higher" if row["higher_is_better"] else "lower", row["condition"] or "-"]
                for row in benchmark["targets"]
            ]  # fmt: skip
            yield from _table(["family", "data set", "metric", "unit", "better", "condition"], cells, (), width)


def lines(content: Row, width: int | None) -> Iterator[str]:
    """The lines, of which those of tables are no wider than `width`."""
    benchmarks, runs = content["benchmarks"], content["runs"]
    sources = sum(len(benchmark["sources"]) for benchmark in benchmarks)
    scored = {row["proxy_id"] for benchmark in benchmarks for row in benchmark["proxies"]}
    counts = (count_of(len(benchmarks), "benchmark"), count_of(sources, "source"), count_of(len(scored), "proxy"))
    yield f"{content['lake']}: {', '.join(counts)} scored"
    yield content["examined"]
    for benchmark in benchmarks:
        yield ""
        yield from _benchmark(benchmark, width)
    if content["aggregates"]:
        yield ""
        yield f"aggregates, computed from these: {', '.join(dict.fromkeys(content['aggregates']))}"
    yield ""
    yield from _runs(runs)
    yield from _waiting(content["waiting"])
    yield from stale(content["stale"])
    command = content["next"]
    yield ""
    yield f"next: {command['command']}"
    yield f"      {command['because']}"


def _waiting(rows: Sequence[Row]) -> Iterator[str]:
    """A line for each space whose scores wait for their architectures."""
    places: dict[str, list[Row]] = {}
    for row in rows:
        places.setdefault(f"{row['benchmark']} {row['space']}", []).append(row)
    for place, those in places.items():
        proxies = {row["proxy"] for row in those}
        whose = next(iter(proxies)) if len(proxies) == 1 else f"{len(proxies)} proxies"
        scores = sum(row["scores"] for row in those)
        yield f"waiting: {count_of(scores, 'score')} of {whose}, for architectures of {place} to be ingested"


def _benchmark(benchmark: Row, width: int | None) -> Iterator[str]:
    spaces = ", ".join(
        f"{count_of(row['architectures'], 'architecture')} of {row['space']}" for row in benchmark["spaces"]
    )
    yield f"{benchmark['benchmark']}: {spaces or 'no architecture is ingested'}"
    families = Counter(row["family"] for row in benchmark["targets"])
    if len(families) > 1:
        yield "  targets: " + ", ".join(f"{count} of {family}" for family, count in families.items())
    if benchmark["sources"]:
        head = ["source", "file", "rows", "rejected", "file is", "address"]
        cells = [
            [row["name"], row["file"], f"{row['rows']:,}", f"{row['rejected']:,}", row["state"], row["address"] or "-"]
            for row in benchmark["sources"]
        ]
        yield from _table(head, cells, (2, 3), width)
    own = [row for row in benchmark["proxies"] if row["kind"] != "released"]
    if own:
        yield ""
        head = ["proxy", "space", "seed", "scored", "failed", "sample asked", "missing"]
        cells = [
            [row["label"], row["space"], _count(row["seed"]), _count(row["scores"]), _count(row["failed"]),
             _sample(row), _count(row["missing"])]
            for row in own
        ]  # fmt: skip
        yield from _table(head, cells, (2, 3, 4, 5, 6), width)
    released = [row for row in benchmark["proxies"] if row["kind"] == "released"]
    if released:
        scores = sum(row["scores"] for row in released)
        yield f"  and {count_of(scores, 'score')} of {count_of(len(released), 'proxy')} that others released"


def _sample(row: Row) -> str:
    if row["asked"] is None:
        return "-"
    return "all" if row["asked"] == row["architectures"] else f"{row['asked']:,}"


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _table(head: list[str], cells: list[list[str]], right: Sequence[int], width: int | None) -> list[str]:
    sides = [column in right for column in range(len(head))]
    whole = [column for column, title in enumerate(head) if title == "address"]
    return text_table.fitted([head, *cells], sides, width=width, indent="  ", whole=whole)


def _runs(runs: Row) -> Iterator[str]:
    yield f"runs: {runs['count']:,}, the last {_run(runs['last'])}" if runs["last"] else "runs: none"
    for run in runs["running"]:
        yield f"running: {_run(run)}"
    for run in runs["died"][:SHOWN]:
        yield f"{run['state']}: {_run(run)}"
    yield from _more(len(runs["died"]), "runs that did not finish")
    if count := runs["unfinished_parts"]:
        killed = count_of(count, "process was killed while it", "processes were killed while they")
        yield f"died: {killed} wrote; nothing of that is stored: run the same commands again"


def _run(run: Row) -> str:
    end = f", {run['state']} {run['finished_at']}" if run["finished_at"] else ""
    return f"{again(run) or run['stage']} (begun {run['started_at']}{end})"


def stale(rows: Row) -> Iterator[str]:
    """A line for each thing that is stale."""
    meanings = {
        "changed": "has changed since it was ingested",
        "gone": "is no longer there",
        "touched": "has a later time than when it was ingested, and is too large to be compared here",
    }
    for source in rows["sources"][:SHOWN]:
        yield f"stale: {source['benchmark']}: {source['path']} ({source['name']}) {meanings[source['state']]}"
    yield from _more(len(rows["sources"]), "sources")
    for proxy in rows["proxies"][:SHOWN]:
        yield f"stale: {proxy['name']}: {proxy['change']}"
    yield from _more(len(rows["proxies"]), "proxies")
    if rows["views"]:
        yield "stale: the views are not those of this version, or of this folder; the next query makes them again"


def _more(count: int, what: str) -> Iterator[str]:
    if count > SHOWN:
        yield f"       and {count - SHOWN} more {what}: --json has all"
