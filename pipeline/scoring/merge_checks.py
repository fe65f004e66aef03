"""Refuse rows of another lake that this one could not hold, or whose meaning is unclear.

The other lake is from outside: its checksums say that it is unchanged, and not that what was written is valid.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import UserError, excerpt
from pipeline.lake.schema import STATUSES, TABLES
from pipeline.lake.store import Lake

_SHOWN = ("arch_id", "proxy_id", "name")
_IDENTITIES = ("arch_id", "proxy_id")
_DESCRIPTION = ["proxy_id", "name", "configuration", "version", "higher_is_better"]
_IDENTITY = "^[0-9a-f]{16}$"
_LONGEST = 200  # characters of a name
_CONFIGURATION = 1 << 20  # characters
_Wrong = Iterator[tuple[str, pa.Table]]
"""What is wrong, and the rows of which it is."""


def refuse_unsound(lake: Lake, other: Lake, groups: Iterable[tuple[str, list[str]]], name: str) -> None:
    """Refuse another lake whose scores or proxies are none.

    Args:
        groups: benchmark and parts of what is to be taken.
        name: of the other lake, for messages.

    Raises:
        UserError: a score or proxy is not one.
    """
    proxies = dict[str, set[str]]()
    for benchmark, parts in groups:
        if benchmark not in proxies:
            rows = other.read("proxies", benchmark)
            _refuse(_wrong_proxies(rows), f"{name}: a proxy of {benchmark}")
            here = lake.read("proxies", benchmark, columns=_DESCRIPTION)
            _refuse(_described_otherwise(rows, here), f"{name}: a proxy of {benchmark}")
            proxies[benchmark] = {*rows["proxy_id"].to_pylist(), *here["proxy_id"].to_pylist()}
        scores = other.read("scores", benchmark, parts=parts)
        _refuse(_wrong_scores(scores, proxies[benchmark]), f"{name}: a score of {benchmark} in {parts[0]}")


def _refuse(wrong: _Wrong, what: str) -> None:
    for reason, rows in wrong:
        if rows.num_rows:
            row = rows.slice(0, 1).to_pylist()[0]
            shown = ", ".join(f"{key} {excerpt(row[key], 40)}" for key in _SHOWN if key in row)
            raise UserError(
                f"{what} {reason} ({shown}): nothing was taken; have its lake examined by `pipeline doctor`"
            )


def _wrong_scores(scores: pa.Table, proxies: set[str]) -> _Wrong:
    yield from _no_identities(scores, _IDENTITIES)
    ok = pc.equal(scores["status"], "ok")
    finite = pc.fill_null(pc.is_finite(scores["value"]), False)
    yield "has a status that there is not", scores.filter(pc.invert(pc.is_in(scores["status"], pa.array(STATUSES))))
    yield "has a value that its status contradicts", scores.filter(pc.not_equal(ok, finite))
    yield "has a seed below 0", scores.filter(pc.fill_null(pc.less(scores["seed"], 0), False))
    known = pa.array(sorted(proxies), pa.string())
    yield "is of a proxy that its lake does not have", scores.filter(pc.invert(pc.is_in(scores["proxy_id"], known)))
    key = list(TABLES["scores"].key)
    if scores.group_by(key).aggregate([]).num_rows < scores.num_rows:
        counted = scores.group_by(key).aggregate([([], "count_all")])
        yield "is there twice", counted.filter(pc.greater(counted["count_all"], 1))


def _wrong_proxies(proxies: pa.Table) -> _Wrong:
    yield from _no_identities(proxies, ["proxy_id"])
    long = pc.greater(pc.utf8_length(proxies["name"]), _LONGEST)
    control = pc.match_substring_regex(proxies["name"], r"[\x00-\x1f\x7f]|^$")
    yield "has a name that is no short text", proxies.filter(pc.or_(long, control))
    written = [_is_object(text) for text in proxies["configuration"].to_pylist()]
    yield "has a configuration that is no JSON object", proxies.filter(pc.invert(pa.array(written, pa.bool_())))


def _described_otherwise(proxies: pa.Table, here: pa.Table) -> _Wrong:
    """Proxies that the lake describes in another way under the same identity, which decides what they are."""
    known = {row["proxy_id"]: row for row in here.to_pylist()}
    differ = [known.get(row["proxy_id"], row) != row for row in proxies.select(_DESCRIPTION).to_pylist()]
    yield "is described in another way here", proxies.filter(pa.array(differ, pa.bool_()))


def _no_identities(rows: pa.Table, columns: Iterable[str]) -> _Wrong:
    for column in columns:
        yield (
            f"has an {column} that is no identity",
            rows.filter(pc.invert(pc.match_substring_regex(rows[column], _IDENTITY))),
        )


def _is_object(text: str) -> bool:
    try:
        return len(text) <= _CONFIGURATION and isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
