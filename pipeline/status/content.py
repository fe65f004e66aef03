"""What a lake holds and what of it is stale, as values of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from pipeline import catalog
from pipeline.errors import UserError, unknown
from pipeline.ingest import published
from pipeline.lake import last_check, locations
from pipeline.lake.store import Lake
from pipeline.status import configurations, runs
from pipeline.status.next_command import next_command

Row = dict[str, Any]

_READ_ONCE = {"architectures": "benchmark, space, arch_id, source_id", "proxies": "*", "runs": "*"}
"""Tables of many parts that several queries read, and the columns that they read."""


def read(lake_root: Path, data: Path | None = None, target: str | None = None) -> Row:
    """The state of a lake; nothing is written.

    Args:
        data: a folder in which to look for source files that the lake has no location of.
        target: a family, a metric, or a data set and a metric: the only targets to list.

    Returns:
        `benchmarks` (each with `spaces`, `targets`, `sources` and `proxies`), `runs`, `stale`, `waiting`, `examined`
        and `next`. Times are ISO 8601 in UTC.

    Raises:
        UserError: no lake, one that cannot be read, no such folder, or no target of that name.
    """
    lake = Lake(lake_root)
    if data is not None and not data.is_dir():
        raise UserError(f"no folder {data}: --data names one with source files")
    tables, views_current = _tables(lake)
    if target is not None:
        tables["targets"] = _named(tables["targets"], target)
    for row in tables["coverage"]:
        location = locations.read(lake.root, row["proxy_id"])
        row["file"] = location and location.path
        given = (locations.read_paths(lake.root, run_id) for run_id in row.pop("runs") or [])
        if row["images"] is not None:
            row["images"] = next((paths["images"] for paths in given if "images" in paths), row["images"])
    sources = [_source(lake, row, data) for row in tables["sources"]]
    content = {
        "lake": str(lake_root),
        "examined": last_check.summary(lake.root),
        "benchmarks": _benchmarks(tables, sources),
        "aggregates": [row["name"] for row in tables["proxies"] if row["kind"] == "aggregate"],
        "runs": runs.read(lake, tables["runs"], tables["coverage"]),
        "waiting": [
            {name: row[name] for name in ("benchmark", "space", "proxy", "seed")} | {"scores": row["waiting"]}
            for row in tables["coverage"]
            if row["waiting"]
        ],
        "stale": {
            "sources": [source for source in sources if source["state"] in ("changed", "gone", "touched")],
            "proxies": _stale_proxies(lake, tables),
            "views": not views_current,
        },
    }
    command, because = next_command(content)
    return content | {"next": {"command": command, "because": because}}


def _tables(lake: Lake) -> tuple[dict[str, list[Row]], bool]:
    """What each query of `queries/status` finds, by its name, and whether the lake's views are up to date."""
    connection, current = catalog.tables(lake)
    with closing(connection):
        for table, columns in _READ_ONCE.items():
            catalog.execute(connection, f"CREATE TEMP TABLE {table} AS SELECT {columns} FROM {table}")
        answers = {
            name: catalog.rows(connection, path.read_text()).to_pylist()
            for name, path in catalog.queries("status").items()
        }
    return answers, current


def _named(targets: list[Row], name: str) -> list[Row]:
    """The targets that a name stands for, as `catalog.lead_with` takes it."""
    names = [{row["family"], row["metric"], f"{row['dataset']} {row['metric']}"} for row in targets]
    meant = [r for r, of_row in zip(targets, names, strict=True) if name in {*of_row, f"{r['dataset']}/{r['metric']}"}]
    if not meant:
        raise unknown("target", name, set().union(*names))
    return meant


def _source(lake: Lake, row: Row, data: Path | None) -> Row:
    location = locations.read(lake.root, row["source_id"]) or _below(data, row)
    return row | {
        "address": published.address(row["benchmark"], row["name"]),
        "path": location and location.path,
        "mapping": locations.read_paths(lake.root, row.pop("run_id")).get("mapping"),
        "state": location.state if location else "not known",
    }


def _below(data: Path | None, row: Row) -> locations.FileLocation | None:
    """A file that is called as the source's, of which nothing but size and content is known."""
    if data is None:
        return None
    name = Path(row["file"])
    for path in (data / name, data / row["benchmark"] / name.name, data / name.name):
        if path.exists():
            return locations.FileLocation(str(path.absolute()), row["bytes"], -1, row["sha256"])
    return None


def _benchmarks(tables: Mapping[str, list[Row]], sources: list[Row]) -> list[Row]:
    names = {row["benchmark"] for rows in ("benchmarks", "sources", "coverage") for row in tables[rows]}
    return [
        {
            "benchmark": name,
            "spaces": [
                {"space": row["space"], "architectures": row["architectures"]}
                for row in tables["benchmarks"]
                if row["benchmark"] == name
            ],
            "targets": [row for row in tables["targets"] if row["benchmark"] == name],
            "sources": [source for source in sources if source["benchmark"] == name],
            "proxies": [row for row in tables["coverage"] if row["benchmark"] == name],
        }
        for name in sorted(names)
    ]


def _stale_proxies(lake: Lake, tables: Mapping[str, list[Row]]) -> list[Row]:
    """The proxies whose configuration has changed since, each with the change."""
    changes = configurations.outdated(lake, tables["proxies"])
    scored = {row["proxy_id"] for row in tables["coverage"]}
    return [
        {
            "proxy_id": row["proxy_id"],
            "name": row["name"],
            "kind": row["kind"],
            "change": changes[row["proxy_id"]],
            "scored": row["proxy_id"] in scored,
        }
        for row in tables["proxies"]
        if row["proxy_id"] in changes
    ]
