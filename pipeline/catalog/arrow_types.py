"""Values whose type Arrow or its readers lack: DuckDB writes them as text.

Arrow's 128-bit integer has a sign, so that DuckDB hands the largest UHUGEINT over as -1; a time loses its zone, and of
a BIGNUM or a BIT come the bytes inside. What DuckDB itself writes is right for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from pipeline.catalog.quoting import identifier

if TYPE_CHECKING:
    import pyarrow as pa

ALWAYS = frozenset(
    {"uhugeint", "bignum", "bit", "time with time zone", "interval", "union", "tuple", "variant", "geometry"}
)
"""Types that no reader of Arrow has as DuckDB means them."""

FOR_TEXT = ALWAYS | {"blob", "time", "time_ns"}
"""Those that Python would write as an expression of its own, `b'...'`, or without the hour 24:00."""

INSTANTS = frozenset({
    "date", "timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns", "timestamp with time zone", "timestamptz_ns",
})  # fmt: skip
"""Those that may be infinite, before the year 1 or after 9999, which Python's are not."""

EVERY_TIME = ALWAYS | INSTANTS | {"time", "time_ns"}
"""Those that are text in a DataFrame where one of its times is none of Python's."""


def written(relation: duckdb.DuckDBPyRelation, kinds: frozenset[str]) -> duckdb.DuckDBPyRelation:
    """The relation with the values of these types as text, also within lists, structs and maps."""
    types = [_as_text(kind, kinds) for kind in relation.types]
    if types == [None] * len(types):
        return relation
    columns = [
        f"#{place}" if text is None else f"CAST(#{place} AS {text}) AS {identifier(name)}"
        for place, (name, text) in enumerate(zip(relation.columns, types, strict=True), 1)
    ]
    return relation.project(", ".join(columns))


def are_pythons(table: pa.Table) -> bool:
    """Whether every date and time is one that Python has.

    pandas takes other timestamps, of which infinity is a day in a far year.
    """
    return all(_are_pythons(chunk) for column in table.columns for chunk in column.chunks)


def _are_pythons(values: pa.Array) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if pa.types.is_struct(kind):
        return all(map(_are_pythons, values.flatten()))
    if pa.types.is_map(kind):
        return _are_pythons(values.keys) and _are_pythons(values.items)
    if pa.types.is_nested(kind):  # a list or an array
        return _are_pythons(values.flatten())
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_time(kind)):
        return True
    try:
        return bool(pc.min_max(values).as_py())
    except (OverflowError, ValueError):
        return False


def _as_text(kind: Any, kinds: frozenset[str]) -> str | None:
    """The type with VARCHAR in the place of those types; None where it holds none of them."""
    if kind.id in kinds:
        return "VARCHAR"
    if kind.id not in ("list", "array", "struct", "map"):
        return None
    members = [(name, child) for name, child in kind.children if name != "size"]
    texts = [_as_text(child, kinds) for _, child in members]
    if texts == [None] * len(texts):
        return None
    inner = [
        text or ("INTEGER" if child.id == "null" else str(child))  # the type of NULL has no name that a cast takes
        for text, (_, child) in zip(texts, members, strict=True)
    ]
    if kind.id == "struct":
        named = (f"{identifier(name)} {text}" for (name, _), text in zip(members, inner, strict=True))
        return f"STRUCT({', '.join(named)})"
    return f"MAP({', '.join(inner)})" if kind.id == "map" else f"{inner[0]}[]"
