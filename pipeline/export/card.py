"""The dataset card of an export: a README.md with the metadata that dataset hubs read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline import benchmarks, provenance, templates
from pipeline.lake import table_folder
from pipeline.lake.schema import TABLES

Row = Mapping[str, Any]

TITLE = "Proxies for neural architecture search: scores and ground truth"
ADDRESS = "https://HOST/FOLDER"
FIRST = ("scores", "truth", "architectures", "proxies")  # the tables that a hub shows first
PAPER = (
    'regression proxy: Li, Hao, Li, Xiong and Chen, "Generic Neural Architecture Search via Regression", NeurIPS 2021'
)
_SIZES = (
    (10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B"),
)  # fmt: skip


def text(rows: Mapping[str, int], content: Sequence[Row], sources: Sequence[Row], licence: str | None) -> str:
    """The card; it holds nothing of the lake's place.

    Args:
        content: a row per search space, of queries/card/content.sql.
        sources: a row per source, of queries/card/sources.sql.
        licence: SPDX identifier of the computed scores; None where it is not stated.
    """
    from markupsafe import Markup

    environment = templates.environment(Path(__file__).parent, "markdown")
    environment.filters |= {
        "json": lambda value: Markup(json.dumps(value)),  # which is YAML, too
        "number": lambda value: f"{value:,}",
        "own": Markup,  # text of this package
    }
    values = {
        "title": TITLE, "version": provenance.released_version(), "address": ADDRESS, "licence": licence,
        "licences": _licences(sources, licence), "size": _size(sum(rows.values())), "configs": _configs(rows),
        "content": [row | {"title": _title(row["benchmark"])} for row in map(dict, content)],
        "sources": [row | {"title": _title(row["benchmark"])} for row in map(dict, sources)],
        "tables": [_table(name, count) for name, count in rows.items()],
        "references": _references({row["benchmark"] for row in content}),
    }  # fmt: skip
    return environment.get_template("card.md.j2").render(values)


def _licences(sources: Sequence[Row], licence: str | None) -> str | list[str]:
    """As hubs write them, in small letters."""
    licences = {str(row["licence"] or "unknown").lower() for row in sources} | {(licence or "unknown").lower()}
    return sorted(licences) if len(licences) > 1 else licences.pop()


def _size(total: int) -> str:
    return next(name for limit, name in _SIZES if total < limit or limit == _SIZES[-1][0])


def _configs(rows: Mapping[str, int]) -> list[str]:
    """The tables that have rows, the first of them the one that a hub opens."""
    places = {name: place for place, name in enumerate(FIRST)}
    return sorted((name for name in rows if rows[name]), key=lambda name: (places.get(name, len(FIRST)), name))


def _table(name: str, rows: int) -> Row:
    table = TABLES[name]
    columns = [
        {
            "name": column.name,
            "type": f"{column.type}{'?' * column.nullable}",
            "comment": column.comment.replace("|", "\\|"),
        }
        for column in table_folder.columns(table)
    ]
    return {
        "name": name,
        "comment": table.comment,
        "key": ", ".join(f"`{name}`" for name in table.key),
        "rows": rows,
        "columns": columns,
    }


def _references(names: set[str]) -> list[str]:
    loaded = [benchmark for name in sorted(names) if (benchmark := benchmarks.find(name)) and benchmark.reference]
    own = f"nas-proxy-bench {provenance.released_version()}, which computed or collected the scores"
    return [*(f"{benchmark.title}: {benchmark.reference}" for benchmark in loaded), PAPER, own]


def _title(name: str) -> str:
    benchmark = benchmarks.find(name)
    return benchmark.title if benchmark else name
