"""Published sources that this package reads: each benchmark's own files, and tables by their mappings."""

from __future__ import annotations

import contextlib
from collections import Counter
from functools import cache
from typing import Any

from pipeline import benchmarks
from pipeline.benchmarks.contract import Benchmark, PublishedFile
from pipeline.errors import UserError
from pipeline.ingest import mapping as table_mapping
from pipeline.ingest.mapping import TableMapping
from pipeline.ingest.mapping_sections import Download

NATIVE = "native"
Row = dict[str, Any]


def sources() -> tuple[Row, ...]:
    """A row for each published file of a benchmark and for each shipped table mapping.

    Each row has `benchmark`, `name` (what the table `sources` calls it), `fetched_as` (what `pipeline fetch` calls it:
    BENCHMARK/NAME where two benchmarks have tables of one name), `holds`, `file`, `publisher`, `licence`, `bytes` where
    they are stated, `address`; and how to get it: `download` (the file's own address) or `steps` (what a person does),
    `exact_bytes` and `sha256` where they are known, and `saved_as` and `unpacked`, paths in the folder of downloads, or
    the `distribution` that carries the file.
    """
    rows = [row for rows_of_one in benchmarks.each(_sources_of) for row in rows_of_one]
    uses = Counter(row["fetched_as"] for row in rows)
    return tuple(
        row if uses[row["fetched_as"]] == 1 else row | {"fetched_as": f"{row['benchmark']}/{row['name']}"}
        for row in rows
    )


@cache
def _sources_of(name: str) -> tuple[Row, ...]:
    benchmark = benchmarks.load(name)
    files = (_file(benchmark, file) for file in benchmark.published)
    tables = (mapping for mapping in table_mapping.shipped(name) if mapping.publisher is not None)
    return (*files, *map(_table, tables))


def _file(benchmark: Benchmark, file: PublishedFile) -> Row:
    return {
        "benchmark": benchmark.name, "name": NATIVE, "fetched_as": file.name, "holds": file.holds, "file": file.name,
        "publisher": file.publisher, "licence": file.licence or benchmark.licence, "bytes": file.bytes,
        "address": file.address, "download": None if file.steps else file.address, "steps": list(file.steps),
        "exact_bytes": None,
        "sha256": file.sha256, "saved_as": file.name, "unpacked": file.unpacked, "distribution": None,
    }  # fmt: skip


def _table(mapping: TableMapping) -> Row:
    assert mapping.publisher is not None  # only a private table has none
    saved_as = next((name for name in mapping.files if "*" not in name), mapping.name)
    where = mapping.publisher.where
    if mapping.distribution:
        given = Download(steps=(where,))
    else:
        given = mapping.download or Download(steps=(f"look for it at {where}", f"save it as {{folder}}/{saved_as}"))
    return {
        "benchmark": mapping.benchmark, "name": mapping.name, "fetched_as": mapping.name, "holds": mapping.description,
        "file": ", ".join(mapping.files), "publisher": mapping.publisher.project, "licence": mapping.licence,
        "bytes": given.bytes, "address": where, "download": given.address or None, "steps": list(given.steps),
        "exact_bytes": given.bytes, "sha256": given.sha256, "saved_as": saved_as, "unpacked": "",
        "distribution": mapping.distribution,
    }  # fmt: skip


def address(benchmark: str, name: str) -> str | None:
    """The address of the source of that name; None for a private table."""
    if name == NATIVE:
        loaded = benchmarks.find(benchmark)
        return next((file.address for file in loaded.published), None) if loaded else None
    if benchmark not in benchmarks.names():
        return None
    with contextlib.suppress(UserError):  # a table mapping of the user's own that is none
        mapping = table_mapping.shipped_as(benchmark, name)
        return mapping.publisher.where if mapping and mapping.publisher else None
    return None


def benchmark_row(name: str) -> Row:
    """What there is of one benchmark, with its `spaces` and the files that its authors `published`.

    Raises:
        UserError: there is none of that name, or it cannot be loaded.
    """
    benchmark = benchmarks.load(name)
    return {
        "benchmark": name, "title": benchmark.title, "inputs": benchmark.inputs, "licence": benchmark.licence,
        "address": next((row["address"] for row in _sources_of(name)), None),
        "space_count": len(benchmark.spaces),
        "spaces": [
            {"space": space.name, "architectures": space.size, "description": space.description}
            for space in benchmark.spaces
        ],
        "published": [
            {"file": file.name, "holds": file.holds, "bytes": file.bytes, "address": file.address}
            for file in benchmark.published
        ],
    }  # fmt: skip
