"""What others have published and this package reads: each benchmark's own files, and tables by their mappings."""

from __future__ import annotations

from functools import cache
from typing import Any

from pipeline import benchmarks
from pipeline.ingest import mapping as table_mapping

NATIVE = "native"
Row = dict[str, Any]


@cache
def sources() -> tuple[Row, ...]:
    """A row for each published file of a benchmark and for each shipped table mapping.

    Of a row `benchmark`, `name` (what the table `sources` calls it), `holds`, `file`, `publisher`, `licence`, `bytes`
    where they are stated, and `address`.
    """
    rows: list[Row] = []
    for name in benchmarks.names():
        benchmark = benchmarks.load(name)
        for file in benchmark.published:
            rows.append({
                "benchmark": name, "name": NATIVE, "holds": file.holds, "file": file.name,
                "publisher": file.publisher, "licence": benchmark.licence, "bytes": file.bytes,
                "address": file.address,
            })  # fmt: skip
        for mapping in table_mapping.shipped(name):
            assert mapping.publisher is not None  # only a private table has none
            rows.append({
                "benchmark": name, "name": mapping.name, "holds": mapping.description,
                "file": ", ".join(mapping.files), "publisher": mapping.publisher.project,
                "licence": mapping.licence, "bytes": None, "address": mapping.publisher.where,
            })  # fmt: skip
    return tuple(rows)


def address(benchmark: str, name: str) -> str | None:
    """Where the source of that name is to be had; None for a private table."""
    return next((row["address"] for row in sources() if (row["benchmark"], row["name"]) == (benchmark, name)), None)


def own() -> list[Row]:
    """A row for each benchmark, with its `spaces` and the files that its authors `published`."""
    return [
        {
            "benchmark": benchmark.name, "title": benchmark.title, "inputs": benchmark.inputs,
            "licence": benchmark.licence,
            "address": next((file.address for file in benchmark.published), None),
            "space_count": len(benchmark.spaces),
            "spaces": [
                {"space": space.name, "architectures": space.size, "description": space.description}
                for space in benchmark.spaces
            ],
            "published": [
                {"file": file.name, "holds": file.holds, "bytes": file.bytes, "address": file.address}
                for file in benchmark.published
            ],
        }
        for benchmark in map(benchmarks.load, benchmarks.names())
    ]  # fmt: skip


def size(count: int | None) -> str | None:
    """A number of bytes as a person reads it: 499 MB."""
    if count is None:
        return None
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
