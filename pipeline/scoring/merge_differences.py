"""Compare two lakes: rows that are equal, differ by rounding, or differ.

Rounding is what another instruction set, library or device does to a score. How much that is was measured
(docs/measurements/2026-11-instruction-sets.md): `TOLERANCE` is about twice the largest difference seen there. A
training magnifies rounding a hundred thousand times, so its tolerance tells a wrong score from a right one, no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import text_table
from pipeline.errors import excerpt
from pipeline.lake.schema import TABLES
from pipeline.lake.store import Lake
from pipeline.wording import count_of

TOLERANCE = {"trained": 0.8, "grasp": 0.8, "other": 0.1}
"""By kind or name of the proxy: difference of two scores in parts of the larger one, of a trained proxy in parts of 1
where both are smaller. GraSP is a sum of products of both signs, most of which cancel; where its sign changes, it
counts as differing."""

EXAMPLES = 10_000  # differing values that are kept to be listed
_BYTES = 64 << 20  # of the files of parts that are held in memory together

# What may change while a thing stays the same: a run continues, an earlier version wrote less.
_MAY_CHANGE = {
    "runs": {"finished_at", "status", "environments"},
    "proxies": {"kind"},
    "architectures": {"native_id", "source_id"},
}
_VALUES = ("scores", "retried", "curves", "adopted")  # compared by value, or without one

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Difference:
    """One value that differs: `what` names the row by its key, `here` and `there` are the two values."""

    table: str
    what: str
    here: str
    there: str


@dataclass
class Differences:
    """How the scores that both lakes hold compare, and which values of any table differ.

    Attributes:
        scores: how many scores both hold.
        equal, rounding: how many of these are equal, and differ by rounding.
        differing: how many values of all tables differ by more; the first of them are `examples`.
        largest: the largest difference by rounding, in parts of the score.
    """

    equal: int = 0
    rounding: int = 0
    differing: int = 0
    scores: int = 0
    largest: float = 0.0
    examples: list[Difference] = field(default_factory=list)

    def __iadd__(self, other: Differences) -> Differences:
        self.scores += other.scores
        self.equal += other.equal
        self.rounding += other.rounding
        self.differing += other.differing
        self.largest = max(self.largest, other.largest)
        self.examples += other.examples[: EXAMPLES - len(self.examples)]
        return self

    @property
    def line(self) -> str:
        by_rounding = f"{self.rounding} differ by rounding (at most {self.largest:.2g} of the score)"
        differing = count_of(self.differing, "value differs", "values differ")
        counts = [f"{self.equal} are equal", by_rounding if self.rounding else "", differing]
        return "of the scores that are stored here, " + ", ".join(filter(None, counts))

    @property
    def listing(self) -> str:
        """The values that differ as a table for a terminal."""
        if not self.examples:
            return "no values differ by more than rounding"
        cells = [[one.table, *(_plain(text) for text in (one.what, one.here, one.there))] for one in self.examples]
        more = self.differing - len(self.examples)
        lines = text_table.aligned([["table", "key", "stored here", "in the other lake"], *cells])
        return "\n".join([*(line.rstrip() for line in lines), *([f"... and {more} more"] if more else [])])

    def add(self, table: str, here: pa.Table, there: pa.Table, columns: Sequence[str]) -> None:
        """Count the rows of two tables of equal length as differing, and keep the first as examples."""
        self.differing += here.num_rows
        room = max(0, EXAMPLES - len(self.examples))
        pairs = zip(here.slice(0, room).to_pylist(), there.slice(0, room).to_pylist(), strict=True)
        self.examples += [Difference(table, _named(table, a), _shown(a, columns), _shown(b, columns)) for a, b in pairs]


def compare(
    lake: Lake,
    stored: Sequence[str],
    benchmark: str,
    rows: Callable[[str], pa.Table],
    proxies: Iterable[pa.Table],
    retried: pa.Table,
) -> Differences:
    """Compare rows of another lake with those of the same key here.

    A value here and a failure there, or the other way round, is no difference where one of the two lakes knows that the
    score had failed and was computed again.

    Args:
        stored: names of its parts that can hold them.
        rows: table -> its rows in the other lake.
        proxies: rows that say which proxies train.
        retried: of the other lake.
    """
    result, compared = Differences(), [*TABLES["scores"].key, "status", "value"]
    here = lake.read("retried", benchmark, parts=stored)
    known = pa.concat_tables([here, able_to_replace(lake, benchmark, stored, retried)])
    there = replaced(rows("scores").select(compared), retried)
    kinds = {row["proxy_id"]: _kind(row) for table in proxies for row in table.to_pylist()}
    for parts in parts_that_fit(lake, benchmark, stored):
        scores = replaced(lake.read("scores", benchmark, parts=parts, columns=compared), here)
        equal = _compare_scores(scores, there, known, kinds, result)
        if (equal is None or equal.num_rows) and rows("curves").num_rows:
            _compare_curves(lake.read("curves", benchmark, parts=parts), rows("curves"), equal, result)
        for table in sorted(TABLES.keys() - set(_VALUES)):
            if rows(table).num_rows:
                _compare_texts(table, lake.read(table, benchmark, parts=parts), rows(table), result)
    return result


def replaced(scores: pa.Table, retried: pa.Table) -> pa.Table:
    """The scores with the values of `retried` in the place of failures, as the view `scores` has them."""
    if not retried.num_rows:
        return scores
    failed = joined(scores.filter(pc.not_equal(scores["status"], "ok")), retried, "left semi")
    values = joined(retried, failed, "left semi")
    values = values.append_column("status", pa.array(["ok"] * values.num_rows, pa.string()))
    values = values.select(scores.column_names).cast(scores.schema)
    return pa.concat_tables([joined(scores, failed, "left anti"), values])


def able_to_replace(lake: Lake, benchmark: str, parts: Sequence[str], retried: pa.Table) -> pa.Table:
    """The rows of another lake's `retried` that parts have no curves of: a failure here that has some stays."""
    if not retried.num_rows:
        return retried
    return joined(retried, lake.read("curves", benchmark, parts=parts, columns=TABLES["scores"].key), "left anti")


def parts_that_fit(lake: Lake, benchmark: str, parts: Iterable[str]) -> Iterator[list[str]]:
    """The parts in their order, in groups whose files together are small enough to be held in memory."""
    group: list[str] = []
    size = 0
    for part in parts:
        group.append(part)
        size += sum(file.stat().st_size for file in (lake.parts / benchmark / part).iterdir())
        if size >= _BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _kind(proxy: dict[str, Any]) -> str:
    """The key of `TOLERANCE` for a proxy; parts of earlier versions do not say whether it trains."""
    if proxy["kind"] == "trained" or (proxy["kind"] is None and '"iterations":' in proxy["configuration"]):
        return "trained"
    return proxy["name"] if proxy["name"] in TOLERANCE else "other"


def _compare_scores(
    here: pa.Table, there: pa.Table, retried: pa.Table, kinds: dict[str, str], result: Differences
) -> pa.Table | None:
    """Compare scores; returns the keys of the equal ones, None where these are all."""
    key, compared = TABLES["scores"].key, ["status", "value"]
    if here.num_rows and here.select([*key, *compared]).equals(there.select([*key, *compared])):
        result.scores += here.num_rows
        result.equal += here.num_rows
        return None
    ours, others = matched(here, there, key)
    result.scores += ours.num_rows
    if retried.num_rows:
        one_failed = pc.not_equal(pc.equal(ours["status"], "ok"), pc.equal(others["status"], "ok"))
        known = joined(ours.filter(one_failed), retried, "left semi")
        ours, others = (joined(rows, known, "left anti") for rows in (ours, others))
    same_status = _array(pc.equal(ours["status"], others["status"]))
    a, b = (_numbers(rows["value"]) for rows in (ours, others))
    same = same_status & ((a == b) | (np.isnan(a) & np.isnan(b)))
    kind = [kinds.get(proxy_id, "other") for proxy_id in ours["proxy_id"].to_pylist()]
    distance = _distance(a, b, np.array([one == "trained" for one in kind], dtype=np.bool_))
    near = same_status & ~same & (distance <= np.array([TOLERANCE[one] for one in kind]))
    result.equal += int(same.sum())
    result.rounding += int(near.sum())
    result.largest = max(result.largest, float(distance[near].max(initial=0.0)))
    differing = pa.array(~(same | near))
    result.add("scores", ours.filter(differing), others.filter(differing), compared)
    return ours.filter(pa.array(same)).select(key)


def _distance(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], trains: Flags) -> npt.NDArray[np.float64]:
    """The difference of two scores in parts of the larger one; infinite where one of them is not finite."""
    scale = np.maximum(np.maximum(np.abs(a), np.abs(b)), np.where(trains, 1.0, np.finfo(float).tiny))
    finite = np.isfinite(a) & np.isfinite(b)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(finite, np.abs(a - b) / scale, np.inf)


def _compare_curves(here: pa.Table, there: pa.Table, equal: pa.Table | None, result: Differences) -> None:
    """Compare the curves of scores that are equal: a training that gave the same score had the same losses."""
    key, compared = TABLES["curves"].key, ["iterations", "losses"]
    if here.select([*key, *compared]).equals(there.select([*key, *compared])):
        return
    if equal is not None:
        here = joined(here, equal, "left semi")
    ours, others = matched(here, there, key)
    differing = pa.array(~np.logical_and.reduce([_same_lists(ours[name], others[name]) for name in compared]))
    result.add("curves", ours.filter(differing), others.filter(differing), compared)


def _same_lists(a: pa.ChunkedArray, b: pa.ChunkedArray) -> Flags:
    """Whether the lists of two columns are equal, row by row; a NaN equals a NaN."""
    lengths, others = (_array(pc.list_value_length(column)) for column in (a, b))
    same = np.asarray(lengths == others)
    if not same.any():
        return same
    kept = pa.array(same)
    x, y = (_numbers(pc.list_flatten(column.filter(kept))) for column in (a, b))
    unequal = np.concatenate([[0], np.cumsum(~((x == y) | (np.isnan(x) & np.isnan(y))))])
    ends = np.cumsum(lengths[same])
    same[same] = unequal[ends] == unequal[ends - lengths[same]]
    return same


def _compare_texts(table: str, here: pa.Table, there: pa.Table, result: Differences) -> None:
    """Compare rows of a key that must be the same but for what may change, such as a proxy's configuration."""
    key = TABLES[table].key
    compared = [c.name for c in TABLES[table].columns if c.name not in {*key, *_MAY_CHANGE.get(table, ())}]
    ours, others = ({tuple(row[k] for k in key): row for row in rows.to_pylist()} for rows in (here, there))
    unequal = [k for k in ours.keys() & others.keys() if any(ours[k][c] != others[k][c] for c in compared)]
    schema = TABLES[table].arrow
    ours_unequal, others_unequal = (pa.Table.from_pylist([rows[k] for k in unequal], schema) for rows in (ours, others))
    result.add(table, ours_unequal, others_unequal, compared)


def matched(here: pa.Table, there: pa.Table, key: Sequence[str]) -> tuple[pa.Table, pa.Table]:
    """The rows of both that have the same key, in the same order; of several here the first."""
    numbered = [
        _keyed(rows, key).append_column(name, pa.array(range(rows.num_rows), pa.int64()))
        for rows, name in ((here, "here"), (there, "there"))
    ]
    pairs = numbered[1].join(numbered[0], list(key), join_type="inner")
    first = pairs.group_by("there").aggregate([("here", "min")]).sort_by("there")
    return here.take(first["here_min"]), there.take(first["there"])


def joined(rows: pa.Table, others: pa.Table, how: str, key: Sequence[str] = TABLES["scores"].key) -> pa.Table:
    """The rows whose key others have (left semi) or lack (left anti). No list columns go through Arrow's join."""
    numbered = _keyed(rows, key).append_column("row", pa.array(range(rows.num_rows), pa.int64()))
    kept = numbered.join(_keyed(others, key), list(key), join_type=how)
    return rows.take(kept["row"].sort())


def _keyed(rows: pa.Table, key: Sequence[str]) -> pa.Table:
    """The key's columns; NULL counts as a value, and Arrow's join knows none."""
    columns = [
        pc.fill_null(rows[name], np.iinfo(np.int64).min) if pa.types.is_integer(rows[name].type) else rows[name]
        for name in key
    ]
    return pa.table(columns, names=list(key))


def _numbers(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """The column as floats, NaN where there is none."""
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _array(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _plain(text: str) -> str:
    """The text without what a terminal would obey, cut."""
    return excerpt(text, 120, bare=True)


def _named(table: str, row: dict[str, Any]) -> str:
    return " ".join(str(row[name]) for name in TABLES[table].key if name != "benchmark")


def _shown(row: dict[str, Any], columns: Sequence[str]) -> str:
    return " ".join(str(row[name]) for name in columns if row[name] is not None)
